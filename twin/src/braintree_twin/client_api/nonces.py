"""The JSON of nonces for client SDKs: camel case, and only the first and last digits of a card."""

from __future__ import annotations

from typing import Any

from braintree_twin.client_api.errors import camel_case
from braintree_twin.state.records import Nonce
from braintree_twin.views.cards import bin_data

_TYPES = {
    "credit_card": "CreditCard",
    "paypal_account": "PayPalAccount",
    "venmo_account": "VenmoAccount",
    "apple_pay_card": "ApplePayCard",
    "android_pay_card": "AndroidPayCard",
}
# GraphQL's names of the brands.
BRAND_CODES = {
    "American Express": "AMERICAN_EXPRESS",
    "Diners Club": "DINERS",
    "Discover": "DISCOVER",
    "Elo": "ELO",
    "Hiper": "HIPER",
    "Hipercard": "HIPERCARD",
    "JCB": "JCB",
    "Maestro": "INTERNATIONAL_MAESTRO",
    "MasterCard": "MASTERCARD",
    "China UnionPay": "UNION_PAY",
    "Visa": "VISA",
}


def nonce_content(nonce: Nonce) -> dict[str, Any]:
    content: dict[str, Any] = {
        "type": _TYPES.get(nonce.kind, camel_case(nonce.kind)),
        "nonce": nonce.nonce,
        "description": "PayPal",
        "consumed": nonce.consumed,
        "isLocked": nonce.locked,
        "securityQuestions": [],
        "hasSubscription": False,
        "threeDSecureInfo": None,
    }
    if nonce.card is None:
        email = nonce.wallet.get("email")
        return {**content, "details": {"email": email, "payerInfo": {"email": email}}}
    return {
        **content,
        "description": f"ending in {nonce.card['last_4'][-2:]}",
        "details": _card_details(nonce.card),
        "binData": client_bin_data(nonce.card),
    }


def _card_details(card: dict[str, Any]) -> dict[str, Any]:
    return {
        "bin": card["bin"],
        "lastTwo": card["last_4"][-2:],
        "lastFour": card["last_4"],
        "cardType": card["card_type"],
        "cardholderName": card["cardholder_name"],
        "expirationMonth": card["expiration_month"],
        "expirationYear": card["expiration_year"],
    }


def client_bin_data(card: dict[str, Any]) -> dict[str, Any]:
    return {camel_case(name): value for name, value in bin_data(card).items()}
