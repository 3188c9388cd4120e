"""The XML of add-ons and discounts, of a subscription or of a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from braintree_twin.xml_writer import Elements, Node


def modification(fields: Mapping[str, Any]) -> dict[str, Node]:
    return {
        "amount": fields["amount"],
        "current_billing_cycle": fields["current_billing_cycle"],
        "description": fields.get("description"),
        "id": fields["id"],
        "kind": fields["kind"],
        "name": fields.get("name"),
        "never_expires": fields["number_of_billing_cycles"] is None,
        "number_of_billing_cycles": fields["number_of_billing_cycles"],
        "quantity": fields["quantity"],
    }


def modifications(kind: str, items: Sequence[Mapping[str, Any]]) -> Elements:
    """An array of add-ons or discounts; `kind` is add_on or discount."""
    return Elements(kind, [modification(each) for each in items])
