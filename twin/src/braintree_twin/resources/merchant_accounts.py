"""Merchant accounts: find, list, and create one for a currency."""

from __future__ import annotations

import re

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.merchants import Merchant, MerchantAccount
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.rules.currencies import KNOWN_CURRENCIES
from braintree_twin.search.paging import numbered_page
from braintree_twin.state.records import CreatedAccount
from braintree_twin.state.store import Store
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.views.merchant_accounts import merchant_account as account_view

ROOT = "merchant_account"
# The gateway reports errors on the merchant, not on the account.
ERRORS_ON = "merchant"
_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


def find(call: Call) -> Answer:
    account = call.merchant.by_id.get(call.path["id"])
    if account is None:
        raise NotFound
    return Answer(ROOT, account_view(account))


def list_all(call: Call) -> Answer:
    accounts = list(call.merchant.by_id.values())
    return numbered_page("merchant_accounts", ROOT, call.query.get("page"), accounts, account_view)


def create_for_currency(call: Call) -> Answer:
    params = call.params(ROOT)
    errors = Errors()
    currency, given = params.text("currency"), params.text("id")
    errors.on(ERRORS_ON).add("currency", _currency_error(call.merchant, currency, given))
    errors.on(ERRORS_ON).add("id", _id_error(call.merchant, given))
    if errors or currency is None:
        raise ValidationFailed(errors)
    record = CreatedAccount(id=given or _free_id(call, currency), currency=currency, created_at=call.clock.stamp())
    call.store.created_accounts.put(call.merchant.id, record)
    return Answer("response", {ROOT: account_view(_remember(call.merchant, record))}, 201)


def _currency_error(merchant: Merchant, currency: str | None, given: str | None) -> str | None:
    if not currency:
        return "93617"
    if currency not in KNOWN_CURRENCIES:
        return "93618"
    # With an id in the request, a second account in the same currency is allowed.
    taken = any(account.currency == currency for account in merchant.by_id.values())
    return "93616" if taken and not given else None


def _id_error(merchant: Merchant, given: str | None) -> str | None:
    return "93620" if given and (given in merchant.by_id or not _ID.fullmatch(given)) else None


def _free_id(call: Call, currency: str) -> str:
    return currency if currency not in call.merchant.by_id else f"{currency}_{call.ids.batch()}"


def _remember(merchant: Merchant, record: CreatedAccount) -> MerchantAccount:
    account = MerchantAccount(id=record.id, currency=record.currency)
    return merchant.by_id.setdefault(account.id, account)


def restore_accounts(store: Store, merchant: Merchant) -> None:
    """Load the accounts that were created through the API before a restart."""
    for record in store.created_accounts.find(merchant.id):
        _remember(merchant, record)


ROUTES = (
    Route("GET", "/merchant_accounts", list_all, query=frozenset({"page"})),
    Route("GET", "/merchant_accounts/{id}", find),
    Route(
        "POST", "/merchant_accounts/create_for_currency", create_for_currency, takes={ROOT: accepted.MERCHANT_ACCOUNT}
    ),
)
