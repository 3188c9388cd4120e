"""The XML of vaulted payment methods, by kind."""

from __future__ import annotations

from braintree_twin.calls import Call
from braintree_twin.ids import global_id
from braintree_twin.rules.bank_accounts import SEPA, US_BANK_ACCOUNT
from braintree_twin.state.records import Address, PaymentMethod, Verification
from braintree_twin.vault.bank_verifications import verifications_of
from braintree_twin.vault.cards import is_expired
from braintree_twin.views.addresses import vault_address
from braintree_twin.views.bank_accounts import sepa_account, us_bank_account, verified_account
from braintree_twin.views.cards import bin_data, card_logo, logo, method_global_id
from braintree_twin.views.subscriptions import subscription
from braintree_twin.views.verifications import verification
from braintree_twin.views.wallets import LOGOS, empty_fields, shown_fields, wallet_card
from braintree_twin.xml_writer import Elements, Node, Timestamp


def payment_method(call: Call, method: PaymentMethod, *, with_subscriptions: bool = True) -> dict[str, Node]:
    shown = _by_kind(call, method)
    return shown if with_subscriptions else {**shown, "subscriptions": Elements("subscription", ())}


def _by_kind(call: Call, method: PaymentMethod) -> dict[str, Node]:
    if method.kind == "credit_card":
        return _credit_card(call, method)
    return _card_wallet(call, method) if method.card else _account(call, method)


def billing_address(call: Call, method: PaymentMethod) -> Address | None:
    if method.billing_address_id is None:
        return None
    return call.store.addresses.get(call.merchant.id, f"{method.customer_id}/{method.billing_address_id}")


def _common(call: Call, method: PaymentMethod) -> dict[str, Node]:
    charged = call.store.subscriptions.find(call.merchant.id, payment_method_token=method.token)
    return {
        "created_at": Timestamp(method.created_at),
        "updated_at": Timestamp(method.updated_at),
        "customer_id": method.customer_id,
        "customer_global_id": global_id("customer", method.customer_id),
        "default": method.default,
        "global_id": method_global_id(method.kind, method.token),
        "token": method.token,
        "subscriptions": Elements("subscription", [subscription(call, each) for each in charged]),
    }


def _verifications(call: Call, method: PaymentMethod) -> list[Verification]:
    """The last verifications, newest first."""
    return call.store.verifications.find(call.merchant.id, newest_first=True, limit=5, token=method.token)


def _credit_card(call: Call, method: PaymentMethod) -> dict[str, Node]:
    card = method.card or {}
    address = billing_address(call, method)
    billing: dict[str, Node] = {"billing_address": vault_address(address)} if address else {}
    return {
        **billing,
        "bin": card["bin"],
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
        "is_network_tokenized": method.network_token,
        "payment_account_reference": None,
        **bin_data(card),
        **_common(call, method),
        "verifications": Elements("verification", [verification(each) for each in _verifications(call, method)]),
    }


def _card_wallet(call: Call, method: PaymentMethod) -> dict[str, Node]:
    card = method.card or {}
    billing = billing_address(call, method)
    return {
        **wallet_card(method.kind, method.card or {}, method.wallet),
        "expired": is_expired(card, call.clock.now()),
        "billing_address": vault_address(billing) if billing else None,
        "unique_number_identifier": card["unique_number_identifier"],
        **_common(call, method),
        "verifications": Elements("verification", [verification(each) for each in _verifications(call, method)]),
    }


def _account(call: Call, method: PaymentMethod) -> dict[str, Node]:
    image = logo(LOGOS.get(method.kind, method.kind))
    fields: dict[str, Node] = {"image_url": image, **empty_fields(method.kind), **shown_fields(method.wallet)}
    if method.kind == "paypal_account":
        fields |= {"payer_info": None, "revoked_at": None}
    if method.kind == US_BANK_ACCOUNT:
        checked = verified_account(verifications_of(call, method.token))
        fields = {"image_url": image, **us_bank_account(method.wallet, method.created_at), **checked}
    if method.kind == SEPA:
        fields = {"image_url": image, **sepa_account(method.wallet)}
    return {**fields, **_common(call, method)}
