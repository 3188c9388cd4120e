"""Reads the setting with the merchant accounts of each currency."""

import re
from types import MappingProxyType
from typing import Final

from domain.currencies import EXPONENTS
from domain.merchant_account import MerchantAccounts

_ACCOUNT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_accounts(text: str) -> MerchantAccounts:
    """Reads pairs such as "USD=a|b,IDR=c": the first account of a currency is its default. Raises ValueError with the
    fault.
    """
    pairs = [pair.partition("=") for pair in re.split(r"[,\s]+", re.sub(r"\s*([=|])\s*", r"\1", text)) if pair]
    if not pairs:
        raise ValueError("must list CURRENCY=account pairs, or be left out")
    accounts: dict[str, tuple[str, ...]] = {}
    for currency, _, names in pairs:
        if currency not in EXPONENTS:
            raise ValueError("must list CURRENCY=account pairs with ISO 4217 codes in capital letters")
        if currency in accounts:
            raise ValueError(f"names {currency} twice. Join its accounts with |, the default first: {currency}=a|b")
        accounts[currency] = _accounts_of(currency, names.split("|"))
    return MerchantAccounts(MappingProxyType(accounts))


def _accounts_of(currency: str, names: list[str]) -> tuple[str, ...]:
    if not all(map(_ACCOUNT_ID.fullmatch, names)):
        raise ValueError(f"must name the merchant accounts of {currency} in letters, digits, - and _, with | between")
    if len(set(names)) < len(names):
        raise ValueError(f"names an account of {currency} twice. Keep each once, the default first")
    return tuple(names)
