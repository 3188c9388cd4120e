"""The XML of customers, with their payment methods and addresses."""

from __future__ import annotations

from braintree_twin.calls import Call
from braintree_twin.ids import global_id
from braintree_twin.rules.addresses import PHONE_FIELDS
from braintree_twin.rules.customers import FIELDS
from braintree_twin.state.records import Customer
from braintree_twin.views.addresses import international_phone, vault_address
from braintree_twin.views.payment_methods import payment_method
from braintree_twin.xml_writer import Elements, Node, Timestamp


def bare_customer(call: Call, record: Customer) -> dict[str, Node]:
    """A customer without anything that belongs to it."""
    empty: dict[str, Node] = {"credit_cards": Elements("credit_card", ()), "addresses": Elements("address", ())}
    return {**_own(call, record), "custom_fields": "", **empty}


def customer(call: Call, record: Customer, *, with_subscriptions: bool = True) -> dict[str, Node]:
    methods = call.store.payment_methods.find(call.merchant.id, customer_id=record.id)
    addresses = call.store.addresses.find(call.merchant.id, customer_id=record.id)
    kinds = ["credit_card", *sorted({method.kind for method in methods} - {"credit_card"})]
    return {
        **_own(call, record),
        **{
            f"{kind}s": Elements(
                kind,
                [
                    payment_method(call, method, with_subscriptions=with_subscriptions)
                    for method in methods
                    if method.kind == kind
                ],
            )
            for kind in kinds
        },
        "addresses": Elements("address", [vault_address(address) for address in addresses]),
    }


def _own(call: Call, record: Customer) -> dict[str, Node]:
    known = {name: getattr(record, name) for name in FIELDS}
    fields: dict[str, Node] = {name: text for name, text in known.items() if name not in PHONE_FIELDS}
    return {
        "id": record.id,
        "merchant_id": call.merchant.id,
        **fields,
        "international_phone": international_phone(known),
        "created_at": Timestamp(record.created_at),
        "updated_at": Timestamp(record.updated_at),
        "custom_fields": dict(record.custom_fields),
        "global_id": global_id("customer", record.id),
    }
