"""Validates the merchant account that a request chooses."""

from typing import Final

from application.common.caller import Caller
from application.common.errors import Rule
from application.common.validator import Validator
from domain.merchant_account import MerchantAccounts

PATH: Final = "merchant_account_id"


def choose_account(
    validator: Validator, accounts: MerchantAccounts, name: str, currency_code: str, caller: Caller
) -> str:
    """The named account of the currency, or else its default. Empty after a violation, and for a currency that no
    account takes, which is a violation of its own.
    """
    usable = accounts.of(currency_code)
    if not usable or (name and caller.customer_id is not None):
        check_account(validator, accounts, name, caller)
        return ""
    chosen = name or accounts.default(currency_code)
    if chosen in usable:
        return chosen
    validator.add(PATH, Rule.MERCHANT_ACCOUNT, f"{currency_code}: {', '.join(usable)}")
    return ""


def check_account(validator: Validator, accounts: MerchantAccounts, name: str, caller: Caller) -> None:
    """Adds a violation for a named account that takes no currency here."""
    if name and caller.customer_id is not None:
        validator.add(PATH, Rule.NOT_FOR_CUSTOMERS, "a merchant account")
    elif name and name not in accounts.names():
        validator.add(PATH, Rule.MERCHANT_ACCOUNT, f"a currency here: {', '.join(accounts.names())}")
