"""Bank accounts that a browser tokenizes: US accounts (ACH), and mandates of SEPA Direct Debit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from braintree_twin.browser.tokens import read as read_token
from braintree_twin.calls import Call, JsonAnswer, Route
from braintree_twin.client_api.authentication import Client
from braintree_twin.client_api.callers import authenticated_client
from braintree_twin.client_api.endpoints import browser_route
from braintree_twin.client_api.errors import client_error
from braintree_twin.client_api.hosts import hosts_of
from braintree_twin.client_api.nonces import nonce_content
from braintree_twin.client_api.wallets import make_nonce
from braintree_twin.errors import NotAuthenticated, NotFound
from braintree_twin.params import Params
from braintree_twin.request_schema import EVERYTHING, schema
from braintree_twin.state.records import Fields, Nonce
from braintree_twin.vault.bank_accounts import of_bank_account
from braintree_twin.vault.instruments import Instrument

SEPA = "sepa_debit_account"
MANDATE_TYPES = ("ONE_OFF", "RECURRENT")
APPROVAL_PATH = "/approvals"
_ROUTING_NUMBER = re.compile(r"[0-9]{9}", re.ASCII)
_ACCOUNT_NUMBER = re.compile(r"[0-9]{4,17}", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}", re.ASCII)
# A mandate waits for its approval under this prefix, as a nonce that nothing accepts.
_MANDATE = "mandate"


def bank_account_faults(routing_number: str, account_number: str) -> dict[str, str]:
    """What is wrong with the numbers of a US account, by field."""
    faults = {}
    if not _ROUTING_NUMBER.fullmatch(routing_number) or not _routing_checks_out(routing_number):
        faults["routingNumber"] = "Routing number is invalid."
    if not _ACCOUNT_NUMBER.fullmatch(account_number):
        faults["accountNumber"] = "Account number is invalid."
    return faults


def _routing_checks_out(number: str) -> bool:
    return sum(int(digit) * weight for digit, weight in zip(number, (3, 7, 1) * 3, strict=True)) % 10 == 0


def us_bank_account(call: Call, given: Mapping[str, Any], *, instantly_verified: bool = False) -> Instrument:
    """The instrument of a valid US account; a login at the bank has verified it."""
    individual, business = given.get("individualOwner") or {}, given.get("businessOwner") or {}
    person = " ".join(name for name in (individual.get("firstName"), individual.get("lastName")) if name)
    routing, account = str(given["routingNumber"]), str(given["accountNumber"])
    return of_bank_account(
        routing,
        account,
        instantly_verified=instantly_verified,
        account_type=str(given["accountType"]).lower(),
        account_holder_name=business.get("businessName") or person or None,
        ownership_type="business" if business else "personal",
        first_name=individual.get("firstName"),
        last_name=individual.get("lastName"),
        business_name=business.get("businessName"),
        ach_mandate_text=given.get("achMandate"),
        ach_mandate_accepted_at=call.clock.stamp(),
    )


def create_mandate(call: Call) -> JsonAnswer:
    """Create a mandate of SEPA Direct Debit, which the customer approves at `approvalUrl`."""
    authenticated_client(call)
    section = Params.of(call.document, "sepa_debit")
    iban = (section.text("iban") or "").replace(" ", "").upper()
    kind = section.text("mandate_type")
    if not _IBAN.fullmatch(iban) or kind not in MANDATE_TYPES:
        return client_error(422, "IBAN is invalid" if kind in MANDATE_TYPES else "Mandate type is invalid")
    reference = call.ids.authentication()
    wallet: Fields = {
        "last_4": iban[-4:],
        "mandate_type": kind,
        "merchant_or_partner_customer_id": section.text("merchant_or_partner_customer_id"),
        "bank_reference_token": reference,
    }
    waiting = Nonce(nonce=f"{_MANDATE}-{reference}", created_at=call.clock.stamp(), kind=_MANDATE, wallet=wallet)
    call.store.nonces.put(call.merchant.id, waiting)
    params = Params(call.document)
    query = {"return": params.text("return_url") or "", "cancel": params.text("cancel_url") or "", "cart_id": reference}
    address = f"{hosts_of(call).api}/merchants/{call.merchant.id}{APPROVAL_PATH}?{urlencode(query)}"
    content = {"approvalUrl": address, "last4": iban[-4:], "bankReferenceToken": reference}
    return JsonAnswer({"message": {"body": {"sepaDebitAccount": content}}}, 201)


def find_mandate(call: Call) -> JsonAnswer:
    authenticated_client(call)
    wallet = _mandate(call, call.path["cart"]).wallet
    shown = {
        "last4": wallet["last_4"],
        "merchantOrPartnerCustomerId": wallet["merchant_or_partner_customer_id"],
        "mandateType": wallet["mandate_type"],
        "bankReferenceToken": wallet["bank_reference_token"],
    }
    return JsonAnswer({"sepaDebitMandateDetail": shown})


def _mandate(call: Call, reference: str) -> Nonce:
    found = call.store.nonces.get(call.merchant.id, f"{_MANDATE}-{reference}")
    if found is None:
        raise NotFound("no mandate has this reference")
    return found


def tokenize_mandate(call: Call) -> JsonAnswer:
    client = authenticated_client(call)
    section = Params.of(call.document, SEPA)
    wallet = _mandate(call, section.text("bank_reference_token") or "").wallet
    nonce = make_nonce(call, client, Instrument(kind=SEPA, wallet=dict(wallet)))
    return JsonAnswer(nonce_content(nonce), 201)


def tokenize_by_token(call: Call) -> JsonAnswer:
    """The older address of bank accounts: braintree-web used the configuration's `braintreeApi` before GraphQL."""
    given = call.headers.get("authorization", "").removeprefix("Bearer ")
    claims = read_token(call, given) or {}
    if claims.get("scope") != "tokens" or claims.get("sub") != call.merchant.id:
        raise NotAuthenticated("the access token of the configuration is not given")
    params = Params(call.document)
    if params.text("type") != "us_bank_account":
        return client_error(422, "type must be us_bank_account")
    routing, account = params.text("routing_number") or "", params.text("account_number") or ""
    faults = bank_account_faults(routing, account)
    if faults:
        return client_error(422, "; ".join(faults.values()))
    person = {"firstName": params.text("first_name"), "lastName": params.text("last_name")}
    business = {"businessName": params.text("business_name")} if params.has("business_name") else None
    described = {
        "routingNumber": routing,
        "accountNumber": account,
        "accountType": params.text("account_type") or "checking",
        "individualOwner": None if business else person,
        "businessOwner": business,
        "achMandate": params.section("ach_mandate").text("text"),
    }
    nonce = make_nonce(call, Client(), us_bank_account(call, described))
    content = {
        "id": nonce.nonce,
        "type": "us_bank_account",
        "description": f"US bank account ending in - {account[-4:]}",
    }
    return JsonAnswer({"data": content}, 201)


_OF_TOKENS = dict.fromkeys(
    (
        "type",
        "routing_number",
        "account_number",
        "account_type",
        "ownership_type",
        "first_name",
        "last_name",
        "business_name",
        "billing_address",
    ),
    EVERYTHING,
) | {"ach_mandate": schema("text")}
ROUTES: tuple[Route, ...] = (
    Route("POST", "/tokens", tokenize_by_token, needs_keys=False, takes=_OF_TOKENS, for_browsers=True),
    browser_route(
        "POST",
        "sepa_debit",
        create_mandate,
        sepa_debit=schema(
            "iban mandate_type merchant_or_partner_customer_id",
            no_effect="account_holder_name",
            billing_address=schema(
                no_effect="country_code address_line_1 address_line_2 admin_area_1 admin_area_2 postal_code"
            ),
        ),
        **dict.fromkeys(("return_url", "cancel_url", "locale", "merchant_account_id"), EVERYTHING),
    ),
    browser_route("GET", "sepa_debit/{cart}", find_mandate),
    browser_route(
        "POST",
        "payment_methods/sepa_debit_accounts",
        tokenize_mandate,
        sepa_debit_account=schema(
            "bank_reference_token", checked="last_4 merchant_or_partner_customer_id mandate_type"
        ),
        merchant_account_id=EVERYTHING,
    ),
)
