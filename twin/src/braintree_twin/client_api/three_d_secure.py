"""The client API's 3-D Secure: the look-up, and the end of the challenge."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, urlsplit

from braintree_twin.browser.challenge import challenge_url
from braintree_twin.browser.files import page, read_form
from braintree_twin.browser.tokens import read as read_token
from braintree_twin.calls import Call, JsonAnswer, PageAnswer, Route
from braintree_twin.client_api.authentication import Client
from braintree_twin.client_api.callers import authenticated_client
from braintree_twin.client_api.endpoints import BASE, browser_route
from braintree_twin.client_api.hosts import hosts_of
from braintree_twin.client_api.nonces import nonce_content, three_d_secure_content
from braintree_twin.errors import NotFound, RequestError
from braintree_twin.params import Params
from braintree_twin.request_schema import EVERYTHING, Effect, schema
from braintree_twin.rules.three_d_secure_outcomes import EXEMPTIONS
from braintree_twin.state.records import Authentication, Nonce
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.authentications import LookupRequest, look_up, renewed_nonce
from braintree_twin.vault.instruments import Instrument, NonceCodes, of_nonce

# Which of them it is, the answer does not say.
_UNUSABLE = NonceCodes(unknown="unknown", consumed="consumed", locked="locked")
_AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,3})?", re.ASCII)
AMOUNT_INVALID, AMOUNT_REQUIRED, NOT_A_CARD = "81503", "81502", "91738"
AUTHENTICATION_FAILED = {
    "attribute": "three_d_secure_token",
    "message": "Failed to authenticate, please try a different form of payment.",
    "model": "transaction",
    "type": "user",
    "code": "81571",
}


class KeyNotAllowed(RequestError):
    """A tokenization key may not do this; a client token may."""

    status = 403


def lookup(call: Call) -> JsonAnswer:
    client = authenticated_client(call)
    if client.by_key:
        raise KeyNotAllowed("3-D Secure needs a client token")
    instrument = find_card(call, call.path["nonce"])
    request = _read_lookup(call, Params(call.document), client)
    record = look_up(call, instrument, request)
    return JsonAnswer(lookup_content(call, record), 201)


def find_card(call: Call, nonce: str) -> Instrument:
    """The card behind an unused nonce. Raises NotFound for another nonce, ValidationFailed for anything but a card."""
    found = of_nonce(call, nonce, _UNUSABLE)
    if isinstance(found, str):
        raise NotFound("no payment method nonce has this value, or it was used before")
    if not found.card:
        errors = Errors()
        errors.add("base", NOT_A_CARD)
        raise ValidationFailed(errors)
    return found


def _read_lookup(call: Call, params: Params, client: Client) -> LookupRequest:
    errors = Errors()
    amount = params.text("amount")
    if amount is None or not _AMOUNT.fullmatch(amount):
        errors.add("amount", AMOUNT_INVALID if amount else AMOUNT_REQUIRED)
    exemption = params.text("requested_exemption_type")
    if exemption is None and params.flag("exemption_requested"):
        exemption = "transaction_risk_analysis"
    if exemption is not None and exemption not in EXEMPTIONS:
        raise RequestError(f"requestedExemptionType must be one of {', '.join(EXEMPTIONS)}")
    account_id = params.text("merchant_account_id") or client.merchant_account_id
    if errors:
        raise ValidationFailed(errors)
    return LookupRequest(
        amount=amount or "",
        merchant_account_id=account_id or call.merchant.default_account.id,
        challenge=params.flag("challenge_requested"),
        exemption=exemption,
        data_only=params.flag("data_only_requested"),
    )


def lookup_content(call: Call, record: Authentication) -> dict[str, Any]:
    nonce = call.store.nonces.get(call.merchant.id, record.nonce)
    assert nonce is not None  # noqa: S101
    return {
        "paymentMethod": nonce_content(nonce),
        "threeDSecureInfo": three_d_secure_content(record.info),
        "lookup": {
            **challenge_addresses(call, record),
            "threeDSecureVersion": record.info["three_d_secure_version"],
            "transactionId": record.transaction_id,
        },
    }


def challenge_addresses(call: Call, record: Authentication) -> dict[str, str | None]:
    """The address of the challenge with the fields to post to it; all None without a challenge."""
    if not record.open:
        return dict.fromkeys(("acsUrl", "md", "termUrl", "pareq"))
    hosts = hosts_of(call)
    below = f"payment_methods/{record.nonce}/three_d_secure/authenticate"
    return {
        "acsUrl": challenge_url(hosts.challenge, call, record),
        "md": record.transaction_id,
        "termUrl": f"{hosts.api}/merchants/{call.merchant.id}/client_api/v1/{below}?authentication={record.id}",
        "pareq": record.id,
    }


def authenticate_from_jwt(call: Call) -> JsonAnswer:
    """Accept the result of the challenge from the page of the shop. A success replaces the nonce."""
    authenticated_client(call)
    record = _finished(call, Params(call.document).text("jwt") or "")
    if record is None:
        raise RequestError("the jwt is not one that ends a challenge of this nonce")
    nonce = renewed_nonce(call, record) if record.info["liability_shifted"] else None
    return JsonAnswer(_result(record, nonce), 201)


def _finished(call: Call, token: str) -> Authentication | None:
    """The authentication of the nonce in the path, whose challenge the token ends; None if it is another's."""
    claims = read_token(call, token) or {}
    record = call.store.authentications.get(call.merchant.id, claims.get("ReferenceId"))
    if record is None or record.open or record.nonce != call.path["nonce"]:
        return None
    return record


def _result(record: Authentication, nonce: Nonce | None) -> dict[str, Any]:
    content: dict[str, Any] = {"threeDSecureInfo": {**(three_d_secure_content(record.info) or {})}}
    if nonce is None:
        return {**content, "success": False, "errors": [AUTHENTICATION_FAILED]}
    return {**content, "success": True, "paymentMethod": nonce_content(nonce)}


def authenticate(call: Call) -> PageAnswer:
    """Accept the result of the challenge from the issuer's page. The nonce of the look-up keeps the result.

    Leads on to `authentication_complete_base_url`, with the result in the parameter `auth_response`.
    """
    record = _finished(call, read_form(call).get("PaRes", ""))
    nonce = call.store.nonces.get(call.merchant.id, call.path["nonce"]) if record else None
    if record is None or nonce is None:
        raise NotFound("PaRes is not one that ends a challenge of this nonce")
    shifted = bool(record.info["liability_shifted"])
    result = _result(record, nonce if shifted else None)
    address = call.query.get("authentication_complete_base_url", "")
    if urlsplit(address).scheme in ("http", "https"):
        return PageAnswer("", 302, headers={"Location": f"{address}auth_response={quote(json.dumps(result))}"})
    message = {"source": "braintree-twin", "transactionId": record.transaction_id, "authResponse": result}
    return PageAnswer(page("challenge_done.html", message=json.dumps(message)))


# The sandbox shows no effect of the facts about the browser and the cardholder either: the number decides.
LOOKUP = dict.fromkeys(
    (
        "amount",
        "merchant_account_id",
        "challenge_requested",
        "exemption_requested",
        "requested_exemption_type",
        "data_only_requested",
        "additional_info",
        "bin",
        "df_reference_id",
        "client_metadata",
        "device_channel",
        "browser_color_depth",
        "browser_java_enabled",
        "browser_javascript_enabled",
        "browser_language",
        "browser_screen_height",
        "browser_screen_width",
        "browser_time_zone",
        "customer",
        "requested_three_d_secure_version",
    ),
    EVERYTHING,
) | dict.fromkeys(
    ("account_type", "card_add", "custom_fields", "merchant_name", "request_visa_daf", "apply_smart_authentication"),
    schema(any_name=Effect.NO_EFFECT),
)
BELOW = "payment_methods/{nonce}/three_d_secure"
ROUTES = (
    browser_route("POST", f"{BELOW}/lookup", lookup, **LOOKUP),
    browser_route(
        "POST", f"{BELOW}/authenticate_from_jwt", authenticate_from_jwt, jwt=EVERYTHING, payment_method_nonce=EVERYTHING
    ),
    # A form of the issuer's page.
    Route("POST", f"{BASE}/{BELOW}/authenticate", authenticate, needs_keys=False, takes=None),
)
