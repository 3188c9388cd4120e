"""Plans: what subscriptions inherit their price, dates, add-ons and discounts from."""

from __future__ import annotations

from typing import Any

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.params import Params
from braintree_twin.rules.accepted_fields import PLAN
from braintree_twin.rules.currencies import KNOWN_CURRENCIES
from braintree_twin.rules.customers import MAX_TEXT_LENGTH, identifier_error
from braintree_twin.rules.modifications import ARRAYS, ModificationReader
from braintree_twin.rules.recurring_billing import read_billing_day, read_cycles, read_price, read_trial
from braintree_twin.state.records import CatalogEntry
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.views.catalog import modifications_of
from braintree_twin.views.catalog import plan as plan_view
from braintree_twin.xml_writer import Elements

ROOT = "plan"
# Braintree publishes no codes for plans: they get those of a subscription.
ID_INVALID, ID_IN_USE, PRICE_REQUIRED, NAME_INVALID = "81906", "81902", "81903", "91921"
FREQUENCY_INVALID, CURRENCY_INVALID = "91906", "91923"
_TEXTS = ("name", "description")


def catalog_entry(call: Call, kind: str, identifier: str) -> CatalogEntry | None:
    return call.store.catalog.get(call.merchant.id, f"{kind}/{identifier}")


def _load(call: Call) -> CatalogEntry:
    record = catalog_entry(call, ROOT, call.path["id"])
    if record is None:
        raise NotFound
    return record


def list_all(call: Call) -> Answer:
    plans = call.store.catalog.find(call.merchant.id, kind=ROOT)
    return Answer("plans", Elements(ROOT, [plan_view(call, each) for each in plans]))


def find(call: Call) -> Answer:
    return Answer(ROOT, plan_view(call, _load(call)))


def create(call: Call) -> Answer:
    params = call.params(ROOT)
    errors = Errors()
    faults = errors.on(ROOT)
    now = call.clock.stamp()
    identifier = _read_id(call, params, faults) or call.ids.subscription()
    record = CatalogEntry(kind=ROOT, id=identifier, created_at=now, updated_at=now)
    record.fields = _read(call, params, record, faults)
    if record.fields["price"] is None and "price" not in params:
        faults.add("price", PRICE_REQUIRED)
    if not record.fields["name"]:
        faults.add("name", NAME_INVALID)
    if errors:
        raise ValidationFailed(errors)
    call.store.catalog.put(call.merchant.id, record)
    return Answer(ROOT, plan_view(call, record), 201)


def update(call: Call) -> Answer:
    """Change the plan. Subscriptions keep what they have inherited."""
    record = _load(call)
    params = call.params(ROOT)
    errors = Errors()
    faults = errors.on(ROOT)
    new_id = _read_id(call, params, faults, current=record.id)
    fields = _read(call, params, record, faults)
    if errors:
        raise ValidationFailed(errors)
    record.fields, record.updated_at = fields, call.clock.stamp()
    if new_id and new_id != record.id:
        call.store.catalog.delete(call.merchant.id, record.key)
        record.id = new_id
    call.store.catalog.put(call.merchant.id, record)
    return Answer(ROOT, plan_view(call, record))


def _read_id(call: Call, params: Params, errors: Errors, current: str | None = None) -> str | None:
    identifier = params.text("id")
    if identifier is None or identifier == current:
        return identifier
    fault = identifier_error(identifier, (ID_INVALID,) * 3)
    if fault is None and catalog_entry(call, ROOT, identifier):
        fault = ID_IN_USE
    errors.add("id", fault)
    return identifier


def _read(call: Call, params: Params, record: CatalogEntry, errors: Errors) -> dict[str, Any]:
    known = record.fields
    fields: dict[str, Any] = {name: params.text(name) if name in params else known.get(name) for name in _TEXTS}
    if any(len(fields[name] or "") > MAX_TEXT_LENGTH for name in _TEXTS):
        errors.add("name", NAME_INVALID)
    currency = params.text("currency_iso_code") or known.get("currency_iso_code")
    currency = currency or call.merchant.default_account.currency
    if currency not in KNOWN_CURRENCIES:
        errors.add("currency_iso_code", CURRENCY_INVALID)
        currency = call.merchant.default_account.currency
    price = read_price(params, currency, errors)
    day = read_billing_day(params, errors)
    trial = (known.get("trial_period", False), known.get("trial_duration"), known.get("trial_duration_unit"))
    fields["trial_period"], fields["trial_duration"], fields["trial_duration_unit"] = read_trial(params, trial, errors)
    cycles = known.get("number_of_billing_cycles")
    if "number_of_billing_cycles" in params and not params.has("number_of_billing_cycles"):
        fields["number_of_billing_cycles"] = None
    else:
        fields["number_of_billing_cycles"] = read_cycles(params, cycles, errors)
    fields |= {
        "currency_iso_code": currency,
        "price": price if price is not None else known.get("price"),
        "billing_day_of_month": day if "billing_day_of_month" in params else known.get("billing_day_of_month"),
        "billing_frequency": _frequency(params, known, errors),
    }
    for kind, array in ARRAYS.items():
        reader = ModificationReader(kind, currency, lambda *key: catalog_entry(call, *key))
        fields[array] = reader.read(params, errors, modifications_of(call, record, kind))
    return fields


def _frequency(params: Params, known: dict[str, Any], errors: Errors) -> int:
    text = params.text("billing_frequency")
    if text is None:
        return int(known.get("billing_frequency") or 1)
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 120):
        errors.add("billing_frequency", FREQUENCY_INVALID)
        return 1
    return int(text)


ROUTES = (
    Route("GET", "/plans", list_all),
    Route("GET", "/plans/{id}", find),
    Route("POST", "/plans", create, takes={ROOT: PLAN}),
    Route("PUT", "/plans/{id}", update, takes={ROOT: PLAN}),
)
