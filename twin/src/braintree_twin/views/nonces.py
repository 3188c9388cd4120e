"""The XML of nonces, with the fields of the instrument that a checkout page may show."""

from __future__ import annotations

from braintree_twin.rules.bank_accounts import SEPA, US_BANK_ACCOUNT
from braintree_twin.vault.instruments import Instrument
from braintree_twin.views.authentication import three_d_secure
from braintree_twin.views.bank_accounts import sepa_account
from braintree_twin.views.cards import bin_data, bin_extended
from braintree_twin.views.wallets import is_network_tokenized
from braintree_twin.xml_writer import Node

_TYPES = {
    "credit_card": "CreditCard",
    "paypal_account": "PayPalAccount",
    "apple_pay_card": "ApplePayCard",
    "android_pay_card": "AndroidPayCard",
    "venmo_account": "VenmoAccount",
    "us_bank_account": "UsBankAccount",
    "samsung_pay_card": "SamsungPayCard",
    "visa_checkout_card": "VisaCheckoutCard",
    "masterpass_card": "MasterpassCard",
    "amex_express_checkout_card": "AmexExpressCheckoutCard",
    "sepa_debit_account": "SEPADebitAccount",
    "europe_bank_account": "EuropeBankAccount",
    "local_payment": "LocalPayment",
    "meta_checkout_card": "MetaCheckoutCard",
    "meta_checkout_token": "MetaCheckoutToken",
}


def nonce_view(nonce: str, instrument: Instrument, *, consumed: bool) -> dict[str, Node]:
    card = instrument.card
    return {
        "type": _TYPES.get(instrument.kind, instrument.kind),
        "nonce": nonce,
        "description": "",
        "consumed": consumed,
        "default": bool(instrument.method and instrument.method.default),
        "security_questions": None,
        "three_d_secure_info": three_d_secure(instrument.three_d_secure),
        "authentication_insight": None,
        "details": _card(instrument) if card else _account(instrument),
        "bin_data": bin_data(card) if card else None,
    }


def _card(instrument: Instrument) -> dict[str, Node]:
    card = instrument.card or {}
    shown: dict[str, Node] = {
        "bin": card["bin"],
        "bin_extended": bin_extended(card),
        "card_type": card["card_type"],
        "cardholder_name": card["cardholder_name"],
        "expiration_month": card["expiration_month"],
        "expiration_year": card["expiration_year"],
        "is_network_tokenized": is_network_tokenized(instrument.kind, instrument.wallet),
        "last_two": card["last_4"][-2:],
        "last_four": card["last_4"],
    }
    if instrument.kind == "apple_pay_card":
        shown["dpan_last_two"] = card["last_4"][-2:]
        shown["payment_instrument_name"] = instrument.wallet.get("payment_instrument_name")
    return shown


_PAYER = {
    "email": "email",
    "payer_id": "payer_id",
    "first_name": "payer_first_name",
    "last_name": "payer_last_name",
    "status": "payer_status",
}


def _account(instrument: Instrument) -> dict[str, Node]:
    wallet = instrument.wallet
    if instrument.kind == "paypal_account":
        payer: dict[str, Node] = {shown: wallet.get(name) for shown, name in _PAYER.items()}
        return {
            "email": wallet.get("email"),
            "payer_info": {**payer, "billing_agreement_id": wallet.get("billing_agreement_id")},
        }
    if instrument.kind == "venmo_account":
        return {"last_two": "99", **wallet}
    if instrument.kind == US_BANK_ACCOUNT:
        return {name: wallet.get(name) for name in ("account_type", "bank_name", "last_4", "routing_number")}
    if instrument.kind == SEPA:
        return sepa_account(wallet)
    return dict(wallet)
