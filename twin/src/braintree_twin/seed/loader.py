"""Loads the seed into the state. Records from an earlier start stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from braintree_twin.app import App
from braintree_twin.calls import Call
from braintree_twin.rules import cards
from braintree_twin.rules.addresses import FIELDS as ADDRESS_FIELDS
from braintree_twin.rules.customers import FIELDS as CUSTOMER_FIELDS
from braintree_twin.rules.modifications import ARRAYS
from braintree_twin.seed.fields import Fields, InvalidSeed
from braintree_twin.seed.historical import load_dispute, load_transaction
from braintree_twin.seed.seed_file import MerchantSeed, Seed, read_id
from braintree_twin.state.records import CatalogEntry, Customer
from braintree_twin.vault.cards import Expiration, make_card
from braintree_twin.vault.instruments import Instrument
from braintree_twin.vault.storing import set_default, store_address, store_method
from braintree_twin.webhooks.notifications import set_address

_KINDS = {"plans": "plan", **{array: kind for kind, array in ARRAYS.items()}}
WALLETS = ("paypal_account", "venmo_account")


def load_seed(app: App, seed: Seed) -> None:
    """Load the whole seed, or nothing if it raises InvalidSeed."""
    try:
        with app.store.change():
            for each in seed.merchant_seeds:
                _load_merchant(app.call(each.merchant), each)
    except InvalidSeed as invalid:
        raise InvalidSeed(f"{seed.path}: {invalid}") from None


def _load_merchant(call: Call, merchant_seeds: MerchantSeed) -> None:
    if merchant_seeds.webhook_url:
        set_address(call.store, call.merchant.id, merchant_seeds.webhook_url)
    for name, load in _LOADERS.items():
        known: set[str] = set()
        for fields in merchant_seeds.tables[name]:
            identifier = read_id(fields, "token" if name == "payment_methods" else "id")
            if identifier in known:
                raise InvalidSeed(f"{fields.place}: {identifier!r} is there twice")
            known.add(identifier)
            load(call, fields, identifier)
            fields.reject_unknown()


def _load_catalog_entry(call: Call, fields: Fields, identifier: str) -> None:
    kind = _KINDS[fields.place.rpartition(".")[2].partition("[")[0]]
    currency = call.merchant.default_account.currency
    values: dict[str, object] = {"name": fields.required("name"), "description": fields.text("description")}
    values["number_of_billing_cycles"] = fields.number("number_of_billing_cycles")
    if kind == "plan":
        values["currency_iso_code"] = currency = fields.text("currency") or currency
        values["price"] = fields.amount("price", currency)
        values["billing_frequency"] = fields.number("billing_frequency", 1)
        values["billing_day_of_month"] = fields.number("billing_day_of_month")
        values["trial_duration"] = fields.number("trial_duration")
        values["trial_duration_unit"] = fields.text("trial_duration_unit")
        values["trial_period"] = values["trial_duration"] is not None
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
            raise fields.invalid(root, f"has {identifier!r}, which is no {kind} of this merchant")
    return ids


def _load_customer(call: Call, fields: Fields, identifier: str) -> None:
    own = {name: fields.text(name) for name in CUSTOMER_FIELDS}
    custom_fields = fields.table("custom_fields")
    addresses = [_address(section) for section in fields.sections("addresses")]
    now = call.clock.stamp()
    if call.store.customers.get(call.merchant.id, identifier):
        return
    customer = Customer(id=identifier, created_at=now, updated_at=now, custom_fields=custom_fields, **own)
    call.store.customers.put(call.merchant.id, customer)
    for address in addresses:
        store_address(call, identifier, address)


def _address(fields: Fields) -> dict[str, str | None]:
    address = {name: fields.text(name) for name in ADDRESS_FIELDS}
    fields.reject_unknown()
    return address


def _load_payment_method(call: Call, fields: Fields, identifier: str) -> None:
    customer_id = fields.required("customer")
    if call.store.customers.get(call.merchant.id, customer_id) is None:
        raise fields.invalid("customer", f"is {customer_id!r}, which is no customer of this merchant")
    instrument = read_instrument(call, fields)
    default = fields.flag("default", False)
    known = call.store.payment_methods.get(call.merchant.id, identifier)
    if known is None:
        method = store_method(call, instrument, customer_id, token=identifier)
        if default:
            set_default(call, method)


def read_instrument(call: Call, fields: Fields) -> Instrument:
    """Read a card (number, expiration_date) or a wallet (kind, email)."""
    kind = fields.one_of("kind", ("credit_card", *WALLETS), "credit_card")
    billing = fields.section("billing")
    place = _address(billing) if billing else {}
    if kind != "credit_card":
        email = fields.required("email")
        wallet = {"email": email, "username": email.partition("@")[0], "payer_id": "SEEDEDPAYER"}
        return Instrument(kind=kind, wallet=dict(wallet), billing=place)
    number = fields.required("number")
    if cards.number_error(number, test_numbers_only=call.merchant.test_numbers_only):
        raise fields.invalid("number", "is no card number that this merchant takes")
    month, _, year = (fields.text("expiration_date") or "12/2035").partition("/")
    if not (month.isdigit() and 1 <= int(month) <= 12 and year.isdigit() and len(year) == 4):
        raise fields.invalid("expiration_date", 'must be like "12/2035"')
    card = make_card(call, number, Expiration(month.zfill(2), year), fields.text("cardholder_name"))
    return Instrument(kind=kind, card=asdict(card), billing=place)


def _load_transaction(call: Call, fields: Fields, identifier: str) -> None:
    token = fields.text("payment_method")
    method = call.store.payment_methods.get(call.merchant.id, token)
    if token and method is None:
        raise fields.invalid("payment_method", f"is {token!r}, which is no payment method of this merchant")
    instrument = (
        Instrument(kind=method.kind, card=method.card, wallet=method.wallet, method=method)
        if method
        else read_instrument(call, fields)
    )
    load_transaction(call, fields, identifier, instrument)


_LOADERS: dict[str, Callable[[Call, Fields, str], None]] = {
    "add_ons": _load_catalog_entry,
    "discounts": _load_catalog_entry,
    "plans": _load_catalog_entry,
    "customers": _load_customer,
    "payment_methods": _load_payment_method,
    "transactions": _load_transaction,
    "disputes": load_dispute,
}
