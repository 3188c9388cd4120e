"""The XML of vaulted payment methods, by kind."""

from __future__ import annotations

from typing import Any

from braintree_twin.calls import Call
from braintree_twin.ids import global_id
from braintree_twin.state.records import Address, Fields, PaymentMethod
from braintree_twin.vault.cards import is_expired
from braintree_twin.views.addresses import vault_address
from braintree_twin.views.cards import bin_data, bin_extended, card_logo, logo, method_global_id
from braintree_twin.views.verifications import verification
from braintree_twin.xml_writer import Elements, Node, Timestamp


def payment_method(call: Call, method: PaymentMethod) -> dict[str, Node]:
    if method.kind == "credit_card":
        return _credit_card(call, method)
    return _card_wallet(call, method) if method.card else _account(method)


def billing_address(call: Call, method: PaymentMethod) -> Address | None:
    if method.billing_address_id is None:
        return None
    return call.store.addresses.get(call.merchant.id, f"{method.customer_id}/{method.billing_address_id}")


def _common(method: PaymentMethod) -> dict[str, Node]:
    return {
        "created_at": Timestamp(method.created_at),
        "updated_at": Timestamp(method.updated_at),
        "customer_id": method.customer_id,
        "customer_global_id": global_id("customer", method.customer_id),
        "default": method.default,
        "global_id": method_global_id(method.kind, method.token),
        "token": method.token,
        "subscriptions": Elements("subscription", ()),
    }


def _credit_card(call: Call, method: PaymentMethod) -> dict[str, Node]:
    card = method.card or {}
    address = billing_address(call, method)
    verifications = call.store.verifications.find(call.merchant.id, newest_first=True, limit=5, token=method.token)
    billing: dict[str, Node] = {"billing_address": vault_address(address)} if address else {}
    return {
        **billing,
        "bin": card["bin"],
        "bin_extended": bin_extended(card),
        "card_type": card["card_type"],
        "cardholder_name": card["cardholder_name"],
        "customer_location": card["customer_location"],
        "expiration_month": card["expiration_month"],
        "expiration_year": card["expiration_year"],
        "expired": is_expired(card, call.clock.now()),
        "image_url": card_logo(card),
        "last_4": card["last_4"],
        "unique_number_identifier": card["unique_number_identifier"],
        "venmo_sdk": False,
        "is_network_tokenized": False,
        "payment_account_reference": None,
        **bin_data(card),
        **_common(method),
        "verifications": Elements("verification", [verification(record) for record in verifications]),
    }


_PAYPAL_SIDE = ("capture_id", "debug_id", "refund_id", "transaction_fee_amount", "transaction_fee_currency_iso_code")
# Wallet fields that the SDKs' objects have and the twin leaves empty.
UNKNOWN: dict[str, tuple[str, ...]] = {
    "us_bank_account": ("account_holder_name", "ownership_type", "plaid_verified_at", "ach_mandate"),
    "local_payment": ("custom_field", "description", "payer_id", "payment_id", "payment_context_id", *_PAYPAL_SIDE),
    "sepa_debit_account": (
        "bank_reference_number",
        "correlation_id",
        "merchant_or_partner_customer_id",
        "paypal_v2_order_id",
        "settlement_type",
        *_PAYPAL_SIDE,
    ),
    "meta_checkout_token": ("cryptogram", "ecommerce_indicator"),
}


def empty_fields(kind: str) -> dict[str, Node]:
    return dict.fromkeys(UNKNOWN.get(kind, ()))


_PREFIXES = {"apple_pay_card": "Apple Pay - "}
_LOGOS = {
    "apple_pay_card": "apple_pay",
    "android_pay_card": "android_pay",
    "paypal_account": "paypal",
    "venmo_account": "venmo",
}


def _card_wallet(call: Call, method: PaymentMethod) -> dict[str, Node]:
    card = method.card or {}
    billing = billing_address(call, method)
    return {
        **wallet_card(method.kind, method.card or {}, method.wallet),
        "expired": is_expired(card, call.clock.now()),
        "billing_address": vault_address(billing) if billing else None,
        "unique_number_identifier": card["unique_number_identifier"],
        **_common(method),
        "verifications": Elements("verification", ()),
    }


def wallet_card(kind: str, card: dict[str, Any], wallet: Fields) -> dict[str, Node]:
    """The fields of a card in a wallet, for vaulted methods and transactions."""
    common: dict[str, Node] = {
        "bin": card["bin"],
        "bin_extended": bin_extended(card),
        "payment_account_reference": None,
        "cardholder_name": card["cardholder_name"],
        "expiration_month": card["expiration_month"],
        "expiration_year": card["expiration_year"],
        "image_url": logo(_LOGOS.get(kind, kind)),
        "is_network_tokenized": kind in ("apple_pay_card", "android_pay_card"),
        "is_device_token": kind in ("apple_pay_card", "android_pay_card"),
        "customer_location": card["customer_location"],
        **empty_fields(kind),
        **bin_data(card),
        **wallet,
    }
    if kind == "android_pay_card":
        return {"virtual_card_type": card["card_type"], "virtual_card_last_4": card["last_4"], **common}
    return {"card_type": _PREFIXES.get(kind, "") + card["card_type"], "last_4": card["last_4"], **common}


def _account(method: PaymentMethod) -> dict[str, Node]:
    image = logo(_LOGOS.get(method.kind, method.kind))
    fields: dict[str, Node] = {"image_url": image, **empty_fields(method.kind), **method.wallet}
    if method.kind == "paypal_account":
        fields["payer_info"] = None
    if method.kind == "us_bank_account":
        fields |= {"verified": True, "verifications": Elements("us_bank_account_verification", ())}
    return {**fields, **_common(method)}
