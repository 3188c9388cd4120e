"""The XML of the customer of a transaction."""

from __future__ import annotations

from braintree_twin.ids import global_id
from braintree_twin.state.records import Fields
from braintree_twin.views.addresses import international_phone
from braintree_twin.xml_writer import Node


def transaction_customer(fields: Fields) -> dict[str, Node]:
    """The customer of a transaction."""
    shown: dict[str, Node] = {
        name: fields.get(name)
        for name in ("id", "first_name", "last_name", "company", "email", "website", "phone", "fax")
    }
    shown["international_phone"] = international_phone(fields)
    return {**shown, "global_id": global_id("customer", fields["id"])} if fields.get("id") else shown
