"""Stores payment methods and addresses in the vault. Each customer with methods has exactly one default."""

from __future__ import annotations

from braintree_twin.calls import Call
from braintree_twin.rules.customers import TOKEN, identifier_error
from braintree_twin.state.records import Address, Fields, PaymentMethod
from braintree_twin.validation import Errors
from braintree_twin.vault.instruments import Instrument

TOKEN_IN_USE = "91719"  # noqa: S105
MAX_ADDRESSES = 50
TOO_MANY_ADDRESSES = "91818"


def check_new_token(call: Call, token: str | None, errors: Errors, in_use: str = TOKEN_IN_USE) -> None:
    """Check a token that the merchant chooses: well formed and unused. Adds to `errors`."""
    if token is None:
        return
    fault = identifier_error(token, TOKEN)
    if fault is None and call.store.payment_methods.get(call.merchant.id, token):
        fault = in_use
    errors.add("token", fault)


def store_address(call: Call, customer_id: str, fields: Fields) -> Address:
    taken = {address.id for address in call.store.addresses.find(call.merchant.id, customer_id=customer_id)}
    identifier = call.ids.address()
    while identifier in taken:
        identifier = call.ids.address()
    now = call.clock.stamp()
    known = {name: text for name, text in fields.items() if name != "id"}
    address = Address(id=identifier, customer_id=customer_id, created_at=now, updated_at=now, fields=known)
    call.store.addresses.put(call.merchant.id, address)
    return address


def store_method(
    call: Call,
    instrument: Instrument,
    customer_id: str | None,
    *,
    token: str | None = None,
    make_default: bool = False,
    billing_address_id: str | None = None,
) -> PaymentMethod:
    """Vault a method. A customer's first method becomes the default."""
    now = call.clock.stamp()
    first = not customer_id or not methods_of(call, customer_id)
    method = PaymentMethod(
        token=token or call.ids.token(),
        customer_id=customer_id,
        kind=instrument.kind,
        created_at=now,
        updated_at=now,
        default=first,
        card=instrument.card,
        wallet=instrument.wallet,
        billing_address_id=billing_address_id,
        billing={name: text for name, text in instrument.billing.items() if name != "id"} or None,
        cvv_response=instrument.cvv,
    )
    call.store.payment_methods.put(call.merchant.id, method)
    if make_default and not first:
        set_default(call, method)
    return method


def methods_of(call: Call, customer_id: str) -> list[PaymentMethod]:
    return call.store.payment_methods.find(call.merchant.id, customer_id=customer_id)


def default_method(call: Call, customer_id: str) -> PaymentMethod | None:
    return next((method for method in methods_of(call, customer_id) if method.default), None)


def set_default(call: Call, chosen: PaymentMethod) -> None:
    for method in methods_of(call, chosen.customer_id or ""):
        if method.default and method.token != chosen.token:
            method.default = False
            call.store.payment_methods.put(call.merchant.id, method)
    chosen.default = True
    call.store.payment_methods.put(call.merchant.id, chosen)


def replace_method(call: Call, method: PaymentMethod, token: str | None) -> PaymentMethod:
    """Store a changed method. A new token replaces the old one."""
    method.updated_at = call.clock.stamp()
    if token and token != method.token:
        call.store.payment_methods.delete(call.merchant.id, method.token)
        for verification in call.store.verifications.find(call.merchant.id, token=method.token):
            verification.token = token
            call.store.verifications.put(call.merchant.id, verification)
        for subscription in call.store.subscriptions.find(call.merchant.id, payment_method_token=method.token):
            subscription.payment_method_token = token
            call.store.subscriptions.put(call.merchant.id, subscription)
        method.token = token
    call.store.payment_methods.put(call.merchant.id, method)
    return method


def delete_method(call: Call, method: PaymentMethod) -> None:
    """Delete a method. If it was the default, the customer's oldest one becomes the default."""
    call.store.payment_methods.delete(call.merchant.id, method.token)
    others = methods_of(call, method.customer_id) if method.customer_id else []
    if method.default and others:
        set_default(call, others[0])
