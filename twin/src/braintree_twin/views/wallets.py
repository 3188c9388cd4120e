"""The XML of wallets: the fields of their cards, for vaulted methods and transactions."""

from __future__ import annotations

from typing import Any

from braintree_twin.state.records import Fields
from braintree_twin.vault.test_nonces import NOT_TOKENIZED
from braintree_twin.views.cards import bin_data, bin_extended, card_logo, logo
from braintree_twin.xml_writer import Node

# Wallet fields that the SDKs' objects have and the twin leaves empty.
UNKNOWN: dict[str, tuple[str, ...]] = {
    "meta_checkout_token": ("cryptogram", "ecommerce_indicator"),
    "paypal_account": ("funding_source_description",),
}


def empty_fields(kind: str) -> dict[str, Node]:
    return dict.fromkeys(UNKNOWN.get(kind, ()))


def shown_fields(wallet: Fields) -> Fields:
    """The fields of a wallet but those that no answer shows."""
    return {name: text for name, text in wallet.items() if not name.startswith("_")}


_PREFIXES = {"apple_pay_card": "Apple Pay - "}
LOGOS = {
    "apple_pay_card": "apple_pay",
    "android_pay_card": "android_pay",
    "paypal_account": "paypal",
    "venmo_account": "venmo",
}


TOKENIZED = frozenset({"apple_pay_card", "android_pay_card", "meta_checkout_token"})
META = frozenset({"meta_checkout_card", "meta_checkout_token"})


def is_network_tokenized(kind: str, wallet: Fields) -> bool:
    """Whether the number is a token of the card's network: Google Pay has proxies, too."""
    return kind in TOKENIZED and NOT_TOKENIZED not in wallet


def wallet_card(kind: str, card: dict[str, Any], wallet: Fields) -> dict[str, Node]:
    """The fields of a card in a wallet, for vaulted methods and transactions."""
    common: dict[str, Node] = {
        "bin": card["bin"],
        "bin_extended": bin_extended(card),
        "payment_account_reference": None,
        "cardholder_name": card["cardholder_name"],
        "expiration_month": card["expiration_month"],
        "expiration_year": card["expiration_year"],
        "image_url": card_logo(card) if kind in META else logo(LOGOS.get(kind, kind)),
        "is_network_tokenized": is_network_tokenized(kind, wallet),
        # A merchant's token is no device's.
        "is_device_token": kind in ("apple_pay_card", "android_pay_card")
        and not wallet.get("merchant_token_identifier"),
        "customer_location": card["customer_location"],
        **empty_fields(kind),
        **bin_data(card),
        **shown_fields(wallet),
    }
    if kind == "android_pay_card":
        return {"virtual_card_type": card["card_type"], "virtual_card_last_4": card["last_4"], **common}
    return {"card_type": _PREFIXES.get(kind, "") + card["card_type"], "last_4": card["last_4"], **common}
