"""The refusals of a merchant account: instruments, amounts and calls that its processor does not take."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.validation import Errors

TOO_LARGE, TOO_SMALL, TAX_REQUIRED = "81528", "815193", "815224"
CVV_REQUIRED = "81706"
INSTRUMENT_NOT_TAKEN, NO_3D_SECURE = "91577", "915131"
NO_AUTHORIZATIONS, NO_CREDITS, NO_MOTO = "915104", "91546", "91558"
# The source of the card -> the field and the error code of a brand that the account does not take.
_BRAND_FAULTS = {
    "payment_method_nonce": ("payment_method_nonce", "91567"),
    "payment_method_token": ("payment_method_token", "91517"),
    "customer_id": ("customer_id", "81509"),
}


def check_sale(
    account: MerchantAccount, kind: str | None, params: Params, amount: Decimal | None, errors: Errors
) -> None:
    """Add an error for each part of a new transaction that the account's processor cannot do."""
    lacks, options = account.lacks, params.section("options")
    if amount is not None and account.largest_amount is not None and amount > account.largest_amount:
        errors.add("amount", TOO_LARGE)
    if amount is not None and account.smallest_amount is not None and amount < account.smallest_amount:
        errors.add("amount", TOO_SMALL)
    if account.requires_tax and not params.has("tax_amount"):
        errors.add("tax_amount", TAX_REQUIRED)
    card = params.section("credit_card")
    if account.requires_cvv and card.has("number") and not card.has("cvv"):
        errors.on("credit_card").add("cvv", CVV_REQUIRED)
    if kind == "credit":
        errors.add("base", NO_CREDITS if "credits" in lacks else None)
        return
    if "authorizations" in lacks and not options.flag("submit_for_settlement"):
        errors.add("base", NO_AUTHORIZATIONS)
    if "moto" in lacks and params.text("transaction_source") == "moto":
        errors.add("base", NO_MOTO)
    authenticated = params.has("three_d_secure_pass_thru") or options.section("three_d_secure").flag("required")
    if "three_d_secure" in lacks and authenticated:
        errors.add("merchant_account_id", NO_3D_SECURE)


def check_instrument(
    account: MerchantAccount, kind: str, card: dict[str, Any] | None, params: Params, errors: Errors
) -> None:
    """Add an error for an instrument or a brand that the account does not take."""
    if account.instruments is not None and kind not in account.instruments:
        errors.add("merchant_account_id", INSTRUMENT_NOT_TAKEN)
    if card is None or account.brands is None or card["card_type"] in account.brands:
        return
    for source, (attribute, code) in _BRAND_FAULTS.items():
        if params.has(source) and not params.section("credit_card").has("number"):
            errors.add(attribute, code)
            return
    errors.on("credit_card").add("number", "81703")
