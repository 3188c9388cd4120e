"""The XML of plans, add-ons and discounts."""

from __future__ import annotations

from typing import Any

from braintree_twin.calls import Call
from braintree_twin.rules.modifications import ARRAYS, from_catalog
from braintree_twin.state.records import CatalogEntry
from braintree_twin.xml_writer import Elements, Node, Timestamp

_PLAN_FIELDS = (
    "name",
    "description",
    "currency_iso_code",
    "price",
    "billing_day_of_month",
    "billing_frequency",
    "number_of_billing_cycles",
    "trial_period",
    "trial_duration",
    "trial_duration_unit",
)


def plan(call: Call, record: CatalogEntry) -> dict[str, Node]:
    return {
        "id": record.id,
        "merchant_id": call.merchant.id,
        **{name: record.fields.get(name) for name in _PLAN_FIELDS},
        "created_at": Timestamp(record.created_at),
        "updated_at": Timestamp(record.updated_at),
        **{
            array: Elements(kind, [_of_plan(call, record, each) for each in modifications_of(call, record, kind)])
            for kind, array in ARRAYS.items()
        },
    }


def modifications_of(call: Call, plan_entry: CatalogEntry, kind: str) -> list[dict[str, Any]]:
    """The add-ons or discounts of a plan. A seed gives ids, a request whole modifications."""
    found = []
    for each in plan_entry.fields.get(ARRAYS[kind]) or ():
        entry = call.store.catalog.get(call.merchant.id, f"{kind}/{each}") if isinstance(each, str) else None
        if entry:
            found.append(from_catalog(entry))
        elif isinstance(each, dict):
            found.append(dict(each))
    return found


def modification_entry(call: Call, record: CatalogEntry) -> dict[str, Node]:
    """An add-on or discount of the catalogue."""
    times = {"created_at": Timestamp(record.created_at), "updated_at": Timestamp(record.updated_at)}
    return {**_shown(call, from_catalog(record)), **times}


def _of_plan(call: Call, plan_entry: CatalogEntry, fields: dict[str, Any]) -> dict[str, Node]:
    times = {"created_at": Timestamp(plan_entry.created_at), "updated_at": Timestamp(plan_entry.updated_at)}
    return {**_shown(call, fields), **times}


def _shown(call: Call, fields: dict[str, Any]) -> dict[str, Node]:
    return {
        "id": fields["id"],
        "merchant_id": call.merchant.id,
        "kind": fields["kind"],
        "name": fields["name"],
        "description": fields["description"],
        "amount": fields["amount"],
        "number_of_billing_cycles": fields["number_of_billing_cycles"],
        "never_expires": fields["number_of_billing_cycles"] is None,
        "quantity": fields["quantity"],
        "current_billing_cycle": None,
    }
