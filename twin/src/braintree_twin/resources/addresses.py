"""Addresses of a customer in the vault."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.rules.addresses import read_address
from braintree_twin.state.records import Address, Fields
from braintree_twin.validation import Errors, ValidationFailed, failed
from braintree_twin.vault.storing import MAX_ADDRESSES, TOO_MANY_ADDRESSES, store_address
from braintree_twin.views.addresses import vault_address

ROOT = "address"
CANNOT_BE_BLANK = "81801"


def _load(call: Call) -> Address:
    record = call.store.addresses.get(call.merchant.id, f"{call.path['customer_id']}/{call.path['id']}")
    if record is None:
        raise NotFound
    return record


def _read(call: Call) -> Fields:
    errors = Errors()
    fields = read_address(call.params(ROOT), errors.on(ROOT))
    if errors:
        raise ValidationFailed(errors)
    return fields


def create(call: Call) -> Answer:
    customer_id = call.path["customer_id"]
    if call.store.customers.get(call.merchant.id, customer_id) is None:
        raise NotFound
    fields = _read(call)
    if not any(fields.values()):
        raise failed(ROOT, "base", CANNOT_BE_BLANK)
    if len(call.store.addresses.find(call.merchant.id, customer_id=customer_id)) >= MAX_ADDRESSES:
        raise failed(ROOT, "base", TOO_MANY_ADDRESSES)
    return Answer(ROOT, vault_address(store_address(call, customer_id, fields)), 201)


def find(call: Call) -> Answer:
    return Answer(ROOT, vault_address(_load(call)))


def update(call: Call) -> Answer:
    record = _load(call)
    fields = {**record.fields, **_read(call)}
    if not any(fields.values()):
        raise failed(ROOT, "base", CANNOT_BE_BLANK)
    record.fields, record.updated_at = fields, call.clock.stamp()
    call.store.addresses.put(call.merchant.id, record)
    return Answer(ROOT, vault_address(record))


def delete(call: Call) -> Answer:
    """Delete the address. Cards with it as their billing address have none afterwards."""
    record = _load(call)
    call.store.addresses.delete(call.merchant.id, record.key)
    for method in call.store.payment_methods.find(call.merchant.id, customer_id=record.customer_id):
        if method.billing_address_id == record.id:
            method.billing_address_id = method.billing = None
            call.store.payment_methods.put(call.merchant.id, method)
    return Answer()


_PATH = "/customers/{customer_id}/addresses"
ROUTES = (
    Route("POST", _PATH, create, takes={ROOT: accepted.ADDRESS}),
    Route("GET", _PATH + "/{id}", find),
    Route("PUT", _PATH + "/{id}", update, takes={ROOT: accepted.ADDRESS}),
    Route("DELETE", _PATH + "/{id}", delete),
)
