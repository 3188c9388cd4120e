"""Tokenizes an account that its bank has verified: the end of an instant verification, as the SDKs' tests make it."""

from __future__ import annotations

import re

from braintree_twin.calls import Call, JsonAnswer, Route
from braintree_twin.errors import NotAuthenticated
from braintree_twin.params import Params
from braintree_twin.request_schema import schema
from braintree_twin.state.records import Nonce
from braintree_twin.vault.bank_accounts import of_bank_account

_ROUTING_NUMBER, _ACCOUNT_NUMBER = re.compile(r"[0-9]{9}", re.ASCII), re.compile(r"[0-9]{4,17}", re.ASCII)


def tokenize(call: Call) -> JsonAnswer:
    if not call.merchant.has_keys(call.headers.get("authorization", "")):
        raise NotAuthenticated
    params = Params(call.document)
    account = params.section("account_details")
    routing = params.section("institution_details").section("bank_id").text("bank_code") or ""
    number = account.text("account_number") or ""
    if not _ROUTING_NUMBER.fullmatch(routing):
        return JsonAnswer({"error": "institution_details.bank_id.bank_code must have nine digits"}, 422)
    if not _ACCOUNT_NUMBER.fullmatch(number):
        return JsonAnswer({"error": "account_details.account_number must have 4 to 17 digits"}, 422)
    holders = params.sections("account_holders")
    name = holders[0].section("name").text("full_name") if holders else None
    instrument = of_bank_account(
        routing,
        number,
        instantly_verified=True,
        account_type=(account.text("account_type") or "checking").lower(),
        account_holder_name=name,
        ownership_type=(account.text("classification") or "personal").lower(),
    )
    nonce = Nonce(nonce=call.ids.nonce(), created_at=call.clock.stamp(), kind=instrument.kind, wallet=instrument.wallet)
    call.store.nonces.put(call.merchant.id, nonce)
    return JsonAnswer({"tenant_token": nonce.nonce})


_TAKES = {
    "account_details": schema("account_number account_type classification", no_effect="tokenized_account balances"),
    "institution_details": schema(bank_id=schema("bank_code", no_effect="country_code")),
    "account_holders": schema(
        name=schema("full_name", no_effect="given_name surname prefix suffix"),
        no_effect="type ownership emails phones addresses",
    ),
}
ROUTES = (Route("POST", "/v1/open-finance/tokenize-bank-account-details", tokenize, needs_keys=False, takes=_TAKES),)
