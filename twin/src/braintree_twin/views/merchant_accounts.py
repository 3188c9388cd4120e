"""The XML of merchant accounts."""

from __future__ import annotations

from braintree_twin.merchants import MerchantAccount
from braintree_twin.xml_writer import Node


def merchant_account(account: MerchantAccount) -> dict[str, Node]:
    return {
        "id": account.id,
        "currency_iso_code": account.currency,
        "default": account.default,
        "status": account.status,
        "sub_merchant_account": False,
    }
