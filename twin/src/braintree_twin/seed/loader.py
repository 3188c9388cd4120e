"""Loads the seed into the state. Records from an earlier start stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from braintree_twin.app import App
from braintree_twin.calls import Call
from braintree_twin.merchants import Merchants
from braintree_twin.rules.currencies import KNOWN_CURRENCIES
from braintree_twin.rules.customers import FIELDS as CUSTOMER_FIELDS
from braintree_twin.rules.modifications import ARRAYS
from braintree_twin.rules.recurring_billing import BILLING_DAYS, UNITS
from braintree_twin.seed.disputes import load_dispute
from braintree_twin.seed.fields import Fields
from braintree_twin.seed.instruments import read_address, read_instrument
from braintree_twin.seed.seed_file import MerchantSeed, Seed, read_seed
from braintree_twin.seed.subscriptions import load_subscription
from braintree_twin.seed.transactions import load_transaction
from braintree_twin.seed.verifications import load_verification
from braintree_twin.state.records import CatalogEntry, Customer
from braintree_twin.state.store import Store
from braintree_twin.vault.storing import set_default, store_address, store_method
from braintree_twin.webhooks.notifications import set_address

_KINDS = {"plans": "plan", **{array: kind for kind, array in ARRAYS.items()}}
_Loader = Callable[[Call, Fields, str], None]


def load_seed(app: App, seed: Seed) -> None:
    """Load the whole seed; or nothing, and raise InvalidSeed with every fault."""
    with app.store.change():
        for each in seed.merchant_seeds:
            _load_merchant(app.call(each.merchant), each)
        seed.raise_faults()


def check_seed(path: Path) -> Seed:
    """Read and load a seed into a state that nobody keeps. Raises InvalidSeed with every fault."""
    seed = read_seed(path)
    store = Store(Path(":memory:"))
    try:
        load_seed(App(store, Merchants(seed.merchants)), seed)
    finally:
        store.close()
    return seed


def _load_merchant(call: Call, merchant_seeds: MerchantSeed) -> None:
    if merchant_seeds.webhook_url:
        set_address(call.store, call.merchant.id, merchant_seeds.webhook_url)
    for name, load in _LOADERS.items():
        known: set[str] = set()
        for fields in merchant_seeds.tables[name]:
            identifier = fields.identifier("token" if name == "payment_methods" else "id")
            if identifier in known:
                fields.faults.append(f"{fields.place}: {identifier!r} is there twice")
            known.add(identifier)
            load(call, fields, identifier)
            fields.reject_unknown()


def _load_catalog_entry(kind: str, call: Call, fields: Fields, identifier: str) -> None:
    currency = call.merchant.default_account.currency
    values: dict[str, object] = {"name": fields.required("name"), "description": fields.text("description")}
    values["number_of_billing_cycles"] = fields.number_from("number_of_billing_cycles", 1)
    if kind == "plan":
        values["currency_iso_code"] = currency = fields.one_of("currency", KNOWN_CURRENCIES, currency)
        values["price"] = fields.amount("price", currency)
        values["billing_frequency"] = fields.number_from("billing_frequency", 1, 1)
        values["billing_day_of_month"] = day = fields.number("billing_day_of_month")
        if day is not None and day not in BILLING_DAYS:
            fields.fault("billing_day_of_month", "must be 1 to 28, or 31 for the last day of each month")
        values["trial_duration"] = trial = fields.number_from("trial_duration", 1)
        values["trial_duration_unit"] = fields.one_of("trial_duration_unit", UNITS, "month") if trial else None
        if trial is None and "trial_duration_unit" in fields:
            fields.fault("trial_duration_unit", "needs a trial_duration")
        values["trial_period"] = trial is not None
        for root, belonging in _KINDS.items():
            if belonging != "plan":
                values[root] = _belonging(call, fields, root, belonging)
    else:
        values["amount"] = fields.amount("amount", currency)
        values["never_expires"] = fields.flag("never_expires", values["number_of_billing_cycles"] is None)
    now = call.clock.stamp()
    record = CatalogEntry(kind=kind, id=identifier, created_at=now, updated_at=now, fields=values)
    # Catalogue entries are replaced at each start: the file decides.
    call.store.catalog.put(call.merchant.id, record)


def _belonging(call: Call, fields: Fields, root: str, kind: str) -> list[str]:
    ids = fields.texts(root)
    for identifier in ids:
        if call.store.catalog.get(call.merchant.id, f"{kind}/{identifier}") is None:
            fields.fault(root, f"has {identifier!r}, which is no {kind} of this merchant")
    return ids


def _load_customer(call: Call, fields: Fields, identifier: str) -> None:
    own = {name: fields.text(name) for name in CUSTOMER_FIELDS}
    custom_fields = fields.table("custom_fields")
    addresses = [read_address(section) for section in fields.sections("addresses")]
    created = fields.moment("created_at")
    now = call.clock.stamp()
    copies = fields.number_from("copies", 1, 1) or 1
    # Copies have a number behind the id.
    for each in [identifier, *(f"{identifier}_{number}" for number in range(2, copies + 1))]:
        if call.store.customers.get(call.merchant.id, each):
            continue
        customer = Customer(
            id=each,
            created_at=f"{created:%Y-%m-%dT%H:%M:%SZ}" if created else now,
            updated_at=now,
            custom_fields=custom_fields,
            **own,
        )
        call.store.customers.put(call.merchant.id, customer)
        for address in addresses:
            store_address(call, each, address)


def _load_payment_method(call: Call, fields: Fields, identifier: str) -> None:
    customer_id = fields.required("customer")
    if customer_id and call.store.customers.get(call.merchant.id, customer_id) is None:
        fields.fault("customer", f"is {customer_id!r}, which is no customer of this merchant")
    instrument = read_instrument(call, fields)
    default = fields.flag("default", False)
    network_token = fields.flag("network_token", False)
    known = call.store.payment_methods.get(call.merchant.id, identifier)
    if known is None:
        method = store_method(call, instrument, customer_id, token=identifier)
        method.network_token = network_token
        call.store.payment_methods.put(call.merchant.id, method)
        if default:
            set_default(call, method)


_LOADERS: dict[str, _Loader] = {
    **{name: partial(_load_catalog_entry, _KINDS[name]) for name in ("add_ons", "discounts", "plans")},
    "customers": _load_customer,
    "payment_methods": _load_payment_method,
    "subscriptions": load_subscription,
    "verifications": load_verification,
    "transactions": load_transaction,
    "disputes": load_dispute,
}
