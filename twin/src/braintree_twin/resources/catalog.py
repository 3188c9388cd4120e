"""Add-ons and discounts, and the calls that the SDKs' own tests make to create them and plans."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Handler, Route
from braintree_twin.errors import NotFound
from braintree_twin.resources.plans import ROOT as PLAN_ROOT
from braintree_twin.resources.plans import create as create_plan
from braintree_twin.rules.accepted_fields import MODIFICATION_FOR_TESTS, PLAN
from braintree_twin.rules.modifications import ARRAYS, from_catalog
from braintree_twin.state.records import CatalogEntry
from braintree_twin.views.catalog import modification_entry
from braintree_twin.xml_writer import Elements


def _listing(kind: str) -> Handler:
    def list_all(call: Call) -> Answer:
        entries = call.store.catalog.find(call.merchant.id, kind=kind)
        return Answer(ARRAYS[kind], Elements(kind, [modification_entry(call, entry) for entry in entries]))

    return list_all


def create_modification(call: Call) -> Answer:
    """Create an add-on or a discount, and give it to a plan."""
    params = call.params("modification")
    kind = params.text("kind") or "add_on"
    plan = call.store.catalog.get(call.merchant.id, f"{PLAN_ROOT}/{params.text('plan_id')}")
    if kind not in ARRAYS or (params.has("plan_id") and plan is None):
        raise NotFound
    now = call.clock.stamp()
    cycles = params.text("number_of_billing_cycles")
    entry = CatalogEntry(
        kind=kind,
        id=params.text("id") or call.ids.subscription(),
        created_at=now,
        updated_at=now,
        fields={
            "name": params.text("name"),
            "description": params.text("description"),
            "amount": params.text("amount") or "0.00",
            "number_of_billing_cycles": int(cycles) if cycles and cycles.isdigit() else None,
        },
    )
    call.store.catalog.put(call.merchant.id, entry)
    if plan:
        array = ARRAYS[kind]
        plan.fields[array] = [*(plan.fields.get(array) or ()), from_catalog(entry)]
        call.store.catalog.put(call.merchant.id, plan)
    return Answer("modification", modification_entry(call, entry), 201)


ROUTES = (
    *(Route("GET", f"/{root}", _listing(kind)) for kind, root in ARRAYS.items()),
    Route("POST", "/plans/create_plan_for_tests", create_plan, takes={PLAN_ROOT: PLAN}),
    Route(
        "POST",
        "/modifications/create_modification_for_tests",
        create_modification,
        takes={"modification": MODIFICATION_FOR_TESTS},
    ),
)
