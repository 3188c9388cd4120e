"""The merchant accounts at the gateway."""

import logging
from collections import defaultdict
from types import MappingProxyType
from typing import Any

import braintree

from domain.merchant_account import MerchantAccounts

_log = logging.getLogger(__name__)


def discover(sdk: braintree.BraintreeGateway) -> MerchantAccounts:
    """All active accounts of the merchant by currency, the gateway's default first.

    A currency of several accounts without a default stays without one, and the log names the setting that chooses.
    """
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for account in sdk.merchant_account.all().merchant_accounts.items:
        if account.status == "active":
            found[account.currency_iso_code].append(account)
    by_currency: dict[str, tuple[str, ...]] = {}
    without_default: set[str] = set()
    for currency_code, accounts in found.items():
        # Sorting is stable: without a default, the gateway's order remains.
        by_currency[currency_code] = tuple(one.id for one in sorted(accounts, key=lambda one: not one.default))
        if len(accounts) > 1 and not any(one.default for one in accounts):
            without_default.add(currency_code)
            _log.error(
                "payments in %s must name one of its merchant accounts (%s), for none is the default. Choose one with "
                "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS",
                currency_code,
                ", ".join(sorted(by_currency[currency_code])),
            )
    return MerchantAccounts(MappingProxyType(by_currency), frozenset(without_default))
