"""The JSON of nonces for client SDKs: camel case, and only the first and last digits of a card."""

from __future__ import annotations

from typing import Any

from braintree_twin.client_api.errors import camel_case
from braintree_twin.state.records import Fields, Nonce
from braintree_twin.views.cards import bin_data

_TYPES = {
    "credit_card": "CreditCard",
    "paypal_account": "PayPalAccount",
    "venmo_account": "VenmoAccount",
    "apple_pay_card": "ApplePayCard",
    "android_pay_card": "AndroidPayCard",
    "samsung_pay_card": "SamsungPayCard",
    "visa_checkout_card": "VisaCheckoutCard",
    "masterpass_card": "MasterpassCard",
    "meta_checkout_card": "MetaCheckoutCard",
    "us_bank_account": "UsBankAccount",
    "sepa_debit_account": "SEPADebitAccount",
    "local_payment": "PayPalAccount",
    "cvv": "CreditCard",
}
_DESCRIPTIONS = {
    "paypal_account": "PayPal",
    "local_payment": "PayPal",
    "venmo_account": "VenmoAccount",
    "apple_pay_card": "Apple Pay",
    "android_pay_card": "Google Pay",
    "us_bank_account": "US bank account",
    "sepa_debit_account": "SEPA Direct Debit",
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
        "description": _DESCRIPTIONS.get(nonce.kind, ""),
        "consumed": nonce.consumed,
        "isLocked": nonce.locked,
        "securityQuestions": [],
        "hasSubscription": False,
        "threeDSecureInfo": three_d_secure_content(nonce.three_d_secure),
    }
    if nonce.card is None:
        return {**content, "details": _account_details(nonce)}
    ending = f"ending in {nonce.card['last_4'][-2:]}"
    return {
        **content,
        "description": content["description"] or ending,
        "details": {**_card_details(nonce.card), **_wallet_details(nonce)},
        "binData": client_bin_data(nonce.card),
    }


def _account_details(nonce: Nonce) -> dict[str, Any]:
    """The details of what is no card: an account, or a security code alone."""
    wallet = nonce.wallet
    if nonce.kind == "cvv":
        return {"bin": "", "lastTwo": "", "lastFour": "", "cardType": "Unknown", "cardholderName": None}
    if nonce.kind != "paypal_account":
        return {camel_case(name): text for name, text in wallet.items()}
    email = wallet.get("email")
    payer = {
        "email": email,
        "payerId": wallet.get("payer_id"),
        "firstName": wallet.get("payer_first_name"),
        "lastName": wallet.get("payer_last_name"),
        "countryCode": "US",
    }
    return {"email": email, "payerInfo": payer}


def _wallet_details(nonce: Nonce) -> dict[str, Any]:
    if nonce.kind == "apple_pay_card":
        last_two = (nonce.card or {})["last_4"][-2:]
        return {"dpanLastTwo": last_two, "paymentInstrumentName": nonce.wallet.get("payment_instrument_name")}
    if nonce.kind == "android_pay_card":
        return {"isNetworkTokenized": True}
    return {}


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


_THREE_D_SECURE = (
    ("status", "status"),
    ("enrolled", "enrolled"),
    ("cavv", "cavv"),
    ("xid", "xid"),
    ("eciFlag", "eci_flag"),
    ("dsTransactionId", "ds_transaction_id"),
    ("acsTransactionId", "acs_transaction_id"),
    ("paresStatus", "pares_status"),
    ("threeDSecureVersion", "three_d_secure_version"),
    ("threeDSecureAuthenticationId", "three_d_secure_authentication_id"),
    ("threeDSecureServerTransactionId", "three_d_secure_server_transaction_id"),
)


def three_d_secure_content(info: Fields | None) -> dict[str, Any] | None:
    """The result of 3-D Secure, as payment methods carry it; None without one."""
    if info is None:
        return None
    steps = {
        step: {"transStatus": info.get(f"{step}_trans_status"), "transStatusReason": None}
        for step in ("lookup", "authentication")
    }
    return {**liability(info), **{shown: info.get(name) for shown, name in _THREE_D_SECURE}, **steps}


def liability(info: Fields) -> dict[str, bool]:
    return {
        "liabilityShifted": bool(info["liability_shifted"]),
        "liabilityShiftPossible": bool(info["liability_shift_possible"]),
    }
