"""The XML of cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from braintree_twin.ids import global_id
from braintree_twin.rules.cards import brand_named
from braintree_twin.xml_writer import Node

# The environment that images name; the app puts that of the merchant in its place.
IMAGE_ENVIRONMENT = "?environment=sandbox"
_IMAGES = "https://assets.braintreegateway.com/payment_method_logo"
# Logos that are drawings, not pictures.
_DRAWN = frozenset({"sepa_debit_account"})
BIN_DATA = (
    "healthcare",
    "debit",
    "durbin_regulated",
    "commercial",
    "payroll",
    "issuing_bank",
    "country_of_issuance",
    "product_id",
    "business",
    "consumer",
    "corporate",
    "purchase",
    "prepaid_reloadable",
)
# Kind of payment method -> its part of a global id.
_GLOBAL_KINDS = {
    "credit_card": "cc",
    "paypal_account": "paypal",
    "apple_pay_card": "applepay",
    "android_pay_card": "androidpay",
    "venmo_account": "venmo",
    "us_bank_account": "usbank",
}


def logo(name: str) -> str:
    return f"{_IMAGES}/{name}.{'svg' if name in _DRAWN else 'png'}{IMAGE_ENVIRONMENT}"


def card_logo(card: Mapping[str, Any]) -> str:
    return logo(brand_named(card["card_type"]).logo)


def method_global_id(kind: str, token: str | None) -> str | None:
    return global_id(f"paymentmethod_{_GLOBAL_KINDS.get(kind, kind)}", token)


def bin_data(card: Mapping[str, Any]) -> dict[str, Node]:
    known: Mapping[str, str] = card["bin_data"]
    return {"prepaid": known.get("prepaid", "No"), **{name: known.get(name, "Unknown") for name in BIN_DATA}}


def empty_transaction_card() -> dict[str, Node]:
    """The content of <credit-card> if the instrument is no card."""
    nothing = dict.fromkeys(
        (
            "token",
            "bin",
            "bin_extended",
            "last_4",
            "card_type",
            "expiration_month",
            "expiration_year",
            "customer_location",
        )
    )
    return {
        **nothing,
        "cardholder_name": None,
        "image_url": logo("unknown"),
        "prepaid": "Unknown",
        **dict.fromkeys(BIN_DATA, "Unknown"),
        "global_id": None,
        "account_type": None,
        "unique_number_identifier": None,
        "venmo_sdk": False,
        "account_balance": None,
        "payment_account_reference": None,
    }


def bin_extended(card: Mapping[str, Any]) -> str:
    """The first eight digits, or six of a card that the twin knows no more of: the SDKs mask numbers with it."""
    known: str = card.get("bin_extended") or card["bin"]
    return known


def transaction_card(card: Mapping[str, Any], token: str | None, account_type: str | None = None) -> dict[str, Node]:
    """The card of a transaction."""
    return {
        "token": token,
        "bin": card["bin"],
        "bin_extended": bin_extended(card),
        "last_4": card["last_4"],
        "card_type": card["card_type"],
        "expiration_month": card["expiration_month"],
        "expiration_year": card["expiration_year"],
        "customer_location": card["customer_location"],
        "cardholder_name": card["cardholder_name"],
        "image_url": card_logo(card),
        **bin_data(card),
        "global_id": method_global_id("credit_card", token),
        "account_type": account_type,
        "unique_number_identifier": card["unique_number_identifier"] if token else None,
        "venmo_sdk": False,
        "account_balance": None,
        "payment_account_reference": None,
    }
