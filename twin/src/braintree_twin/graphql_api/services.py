"""Customer sessions, and the token of an instant verification of a bank account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from braintree_twin.graphql_api.context import Fields, Forbidden, Info, InputFault, InvalidInput, graph_of
from braintree_twin.graphql_api.exchange_rates import quote_rates
from braintree_twin.graphql_api.local_payments import create_context
from braintree_twin.state.records import CustomerSession

# The sandbox's own sessions: one that anybody may create again, and one that belongs to somebody else.
REUSABLE_SESSION, TAKEN_SESSION = "11EF-A1E7-A5F5EE5C-A2E5-AFD2801469FC", "11EF-34BC-2702904B-9026-C3ECF4BAC765"
JWT_LIFETIME = timedelta(minutes=15)


def create_session(info: Info, *, input: Fields) -> Fields:
    call = graph_of(info).require_keys()
    _check_account(info, input)
    identifier = input.get("sessionId") or call.ids.session()
    taken = identifier != REUSABLE_SESSION and call.store.customer_sessions.get(call.merchant.id, identifier)
    if taken or identifier == TAKEN_SESSION:
        raise _invalid("Session IDs must be unique per merchant.", "sessionId")
    record = CustomerSession(id=identifier, created_at=call.clock.stamp(), customer=input.get("customer") or {})
    call.store.customer_sessions.put(call.merchant.id, record)
    return {"sessionId": identifier}


def update_session(info: Info, *, input: Fields) -> Fields:
    call = graph_of(info).require_keys()
    _check_account(info, input)
    record = call.store.customer_sessions.get(call.merchant.id, input["sessionId"])
    if record is None:
        raise _invalid("The session ID does not exist.", "sessionId")
    record.customer = {**record.customer, **(input.get("customer") or {})}
    call.store.customer_sessions.put(call.merchant.id, record)
    return {"sessionId": record.id}


def recommend(info: Info, *, input: Fields) -> Fields:
    """Recommend PayPal to every customer with an e-mail address or a phone number (inferred)."""
    call = graph_of(info).require_keys()
    _check_account(info, input)
    session = call.store.customer_sessions.get(call.merchant.id, input.get("sessionId"))
    customer = {**(session.customer if session else {}), **(input.get("customer") or {})}
    if not any(customer.get(name) for name in ("email", "hashedEmail", "phone", "hashedPhoneNumber")):
        raise Forbidden("recommendations need a customer with an e-mail address or a phone number")
    return {
        "sessionId": input.get("sessionId"),
        "isInPayPalNetwork": True,
        "paymentRecommendations": [{"paymentOption": "PAYPAL", "recommendedPriority": 1}],
    }


def _check_account(info: Info, given: Fields) -> None:
    account_id = given.get("merchantAccountId")
    if account_id and account_id not in graph_of(info).call.merchant.by_id:
        raise _invalid("Merchant account ID is invalid.", "merchantAccountId", "91513")


def _invalid(message: str, field: str, code: str = "") -> InvalidInput:
    return InvalidInput([InputFault(message, code, ("input", field))])


def create_jwt(info: Info, *, input: Fields) -> Fields:
    """A token that starts the instant verification in a browser; it is signed with a secret of this state file."""
    call = graph_of(info).require_keys()
    faults = []
    if not (input.get("businessName") or "").strip():
        faults.append(InputFault("Business name is required.", "", ("input", "businessName")))
    for name in ("returnUrl", "cancelUrl"):
        parts = urlsplit(input.get(name) or "")
        if parts.scheme not in ("http", "https") or not parts.netloc:
            faults.append(InputFault(f"{name} must be a URL.", "", ("input", name)))
    if faults:
        raise InvalidInput(faults)
    claims = {
        "iss": "braintree-twin",
        "sub": call.merchant.id,
        "exp": int((call.clock.now() + JWT_LIFETIME).timestamp()),
        **{name: input[name] for name in ("businessName", "returnUrl", "cancelUrl")},
    }
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    mark = hmac.new(call.store.secret("client_tokens"), signed.encode(), hashlib.sha256).digest()
    return {"jwt": f"{signed}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"}


def _part(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


SERVICES: Mapping[str, Any] = {
    "createCustomerSession": create_session,
    "updateCustomerSession": update_session,
    "generateCustomerRecommendations": recommend,
    "createLocalPaymentContext": create_context,
    "generateExchangeRateQuote": quote_rates,
    "createBankAccountInstantVerificationJwt": create_jwt,
}
