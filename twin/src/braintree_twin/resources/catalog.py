"""Plans, add-ons and discounts of the seed. They can be read only; there are no subscriptions."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Handler, Route
from braintree_twin.errors import NotFound
from braintree_twin.state.records import CatalogEntry
from braintree_twin.xml_writer import Elements, Node, Timestamp

PLAN = "plan"
PLAN_FIELDS = (
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
MODIFICATION_FIELDS = ("name", "description", "amount", "number_of_billing_cycles", "never_expires")
LISTS = {PLAN: "plans", "add_on": "add_ons", "discount": "discounts"}


def entry_view(call: Call, record: CatalogEntry) -> dict[str, Node]:
    own: dict[str, Node] = {"id": record.id, "merchant_id": call.merchant.id}
    times: dict[str, Node] = {"created_at": Timestamp(record.created_at), "updated_at": Timestamp(record.updated_at)}
    if record.kind == PLAN:
        belonging = {root: _belonging(call, record, kind) for kind, root in LISTS.items() if kind != PLAN}
        return {**own, **{name: record.fields.get(name) for name in PLAN_FIELDS}, **times, **belonging}
    fields = {name: record.fields.get(name) for name in MODIFICATION_FIELDS}
    return {**own, "kind": record.kind, **fields, "quantity": 1, "current_billing_cycle": None, **times}


def _belonging(call: Call, plan: CatalogEntry, kind: str) -> Elements:
    keys = [f"{kind}/{identifier}" for identifier in plan.fields.get(LISTS[kind]) or ()]
    entries = [call.store.catalog.get(call.merchant.id, key) for key in keys]
    return Elements(kind, [entry_view(call, entry) for entry in entries if entry])


def _listing(kind: str) -> Handler:
    def list_all(call: Call) -> Answer:
        entries = call.store.catalog.find(call.merchant.id, kind=kind)
        return Answer(LISTS[kind], Elements(kind, [entry_view(call, entry) for entry in entries]))

    return list_all


def find_plan(call: Call) -> Answer:
    record = call.store.catalog.get(call.merchant.id, f"{PLAN}/{call.path['id']}")
    if record is None:
        raise NotFound
    return Answer(PLAN, entry_view(call, record))


ROUTES = (
    *(Route("GET", f"/{root}", _listing(kind)) for kind, root in LISTS.items()),
    Route("GET", "/plans/{id}", find_plan),
)
