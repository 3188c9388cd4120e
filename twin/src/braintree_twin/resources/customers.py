"""Customers, with the payment methods that are created and updated along with them."""

from __future__ import annotations

from dataclasses import replace

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.ledger.subscriptions import cancel_all_of
from braintree_twin.params import Params
from braintree_twin.resources.credit_cards import NONCE_CODES as CARD_NONCE_CODES
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.rules.customers import (
    CUSTOMER_ID,
    identifier_error,
    read_custom_fields,
    read_customer,
    without_blank,
)
from braintree_twin.state.records import Customer
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.instruments import NonceCodes
from braintree_twin.vault.payment_method_requests import (
    MethodRequest,
    change_method,
    read_change,
    read_described_agreement,
    read_described_wallet,
    read_method,
    store_requested_method,
    verify_if_requested,
)
from braintree_twin.vault.storing import methods_of, set_default
from braintree_twin.vault.wallet_params import APPLE_PAY, GOOGLE_PAY, PAYPAL, check_reusable, described_wallet_kind
from braintree_twin.views.customers import bare_customer
from braintree_twin.views.customers import customer as customer_view
from braintree_twin.views.verifications import verification_failure

ROOT = "customer"
ROOT_CARD = "credit_card"
WALLETS = (APPLE_PAY, GOOGLE_PAY)
# The token of a card's network in Google Pay.
NETWORK_TOKEN = "android_pay_network_token"  # noqa: S105
ID_IN_USE = "91609"
BELONGS_TO_ANOTHER, NOTHING_TO_UPDATE = "91617", "91729"
NONCE_CODES = NonceCodes(unknown="93108", consumed="93107", locked="93109")
TOKEN_UNKNOWN = "91518"  # noqa: S105


def _load(call: Call) -> Customer:
    record = call.store.customers.get(call.merchant.id, call.path["id"])
    if record is None:
        raise NotFound
    return record


def _check_id(call: Call, customer_id: str | None, errors: Errors, *, current: str | None = None) -> None:
    if customer_id is None or customer_id == current:
        return
    fault = identifier_error(customer_id, CUSTOMER_ID)
    if fault is None and call.store.customers.get(call.merchant.id, customer_id):
        fault = ID_IN_USE
    errors.add("id", fault)


def _custom_fields(call: Call, params: Params, errors: Errors) -> dict[str, str | None]:
    return read_custom_fields(call.merchant, params, errors, invalid="91602", too_long="81603")


def _read_method(call: Call, params: Params, errors: Errors, customer_id: str | None) -> MethodRequest | None:
    """The card, wallet or nonce to vault with the customer. Fields of <credit_card> override those of a nonce."""
    card = _with_checks(params, params.section(ROOT_CARD))
    nonce = params.text("payment_method_nonce")
    if nonce is not None:
        merged = Params({**{name: card.raw(name) for name in card}, "payment_method_nonce": nonce})
        faults = errors.on(ROOT)
        wanted = read_method(call, merged, faults, customer_id, NONCE_CODES, options_level=faults.on(ROOT_CARD))
        _check_nonce(wanted, errors.on(ROOT), customer_id)
        return wanted
    if params.section(NETWORK_TOKEN):
        as_card = Params({GOOGLE_PAY: params.raw(NETWORK_TOKEN)}, f"{ROOT}.")
        return read_described_wallet(call, as_card, GOOGLE_PAY, errors, customer_id, level=NETWORK_TOKEN)
    kind = described_wallet_kind(params)
    if kind in WALLETS:
        return read_described_wallet(call, params, kind, errors, customer_id)
    agreement = params.section(PAYPAL)
    if agreement:
        return read_described_agreement(call, agreement, errors.on(PAYPAL))
    given = params.section(ROOT_CARD)
    return read_method(call, card, errors.on(ROOT).on(ROOT_CARD), customer_id, CARD_NONCE_CODES) if given else None


def _with_checks(params: Params, card: Params) -> Params:
    """The card with what the customer's own level has for its verification."""
    checks = {name: params.raw(name) for name in ("device_data", "three_d_secure_pass_thru") if name in params}
    return Params({**checks, **{name: card.raw(name) for name in card}}, f"{ROOT}.{ROOT_CARD}.")


def _check_nonce(wanted: MethodRequest, errors: Errors, customer_id: str | None) -> None:
    """Refuse a one-time nonce, and a nonce of another customer's payment method."""
    instrument = wanted.instrument
    if instrument is None:
        return
    check_reusable(instrument, errors)
    if instrument.method and instrument.method.customer_id != customer_id:
        errors.add("payment_method_nonce", BELONGS_TO_ANOTHER)


def create(call: Call) -> Answer:
    params = call.params(ROOT)
    errors = Errors()
    faults = errors.on(ROOT)
    fields = read_customer(params, faults)
    custom_fields = _custom_fields(call, params, faults)
    customer_id = params.text("id")
    _check_id(call, customer_id, faults)
    if params.section(ROOT_CARD).section("options").has("update_existing_token"):
        faults.on(ROOT_CARD).on("options").add("update_existing_token", NOTHING_TO_UPDATE)
    wanted = _read_method(call, params, errors, None)
    if errors:
        raise ValidationFailed(errors)
    verification = verify_if_requested(call, wanted) if wanted else None
    refused = verification_failure(call, verification)
    if refused:
        return refused
    now = call.clock.stamp()
    record = Customer(
        id=customer_id or call.ids.customer(),
        created_at=now,
        updated_at=now,
        custom_fields=without_blank(custom_fields),
        **fields,
    )
    call.store.customers.put(call.merchant.id, record)
    if wanted:
        store_requested_method(call, wanted, record.id, verification)
    return Answer(ROOT, customer_view(call, record), 201)


# The filter that leaves out what belongs to the customer, and the one that leaves out what belongs to its methods.
WITHOUT_ASSOCIATIONS, WITHOUT_NESTED = "customernoassociations", "customertoplevelassociations"


def find(call: Call) -> Answer:
    record = _load(call)
    chosen = call.query.get("association_filter_id")
    if chosen == WITHOUT_ASSOCIATIONS:
        return Answer(ROOT, bare_customer(call, record))
    return Answer(ROOT, customer_view(call, record, with_subscriptions=chosen != WITHOUT_NESTED))


def update(call: Call) -> Answer:
    record = _load(call)
    params = call.params(ROOT)
    errors = Errors()
    faults = errors.on(ROOT)
    fields = read_customer(params, faults)
    custom_fields = _custom_fields(call, params, faults)
    new_id = params.text("id")
    _check_id(call, new_id, faults, current=record.id)
    default = _read_default(call, params, faults, record)
    existing = params.section(ROOT_CARD).section("options").text("update_existing_token")
    if existing is not None:
        refused = _update_card(call, params, errors, existing, record)
    else:
        refused = _add_method(call, params, errors, record)
    if refused:
        return refused
    changed = replace(
        record,
        updated_at=call.clock.stamp(),
        custom_fields=without_blank({**record.custom_fields, **custom_fields}),
        **fields,  # type: ignore[arg-type]
    )
    if new_id and new_id != record.id:
        changed.id = new_id
        _rename(call, record.id, new_id)
    call.store.customers.put(call.merchant.id, changed)
    if default:
        method = call.store.payment_methods.get(call.merchant.id, default)
        if method:
            set_default(call, method)
    return Answer(ROOT, customer_view(call, changed))


def _read_default(call: Call, params: Params, errors: Errors, record: Customer) -> str | None:
    token = params.text("default_payment_method_token")
    method = call.store.payment_methods.get(call.merchant.id, token)
    if token is not None and (method is None or method.customer_id != record.id):
        errors.add("default_payment_method_token", TOKEN_UNKNOWN)
        return None
    return token


def _add_method(call: Call, params: Params, errors: Errors, record: Customer) -> Answer | None:
    wanted = _read_method(call, params, errors, record.id)
    if errors:
        raise ValidationFailed(errors)
    if wanted is None:
        return None
    verification = verify_if_requested(call, wanted)
    refused = verification_failure(call, verification)
    if refused is None:
        store_requested_method(call, wanted, record.id, verification)
    return refused


def _update_card(call: Call, params: Params, errors: Errors, token: str, record: Customer) -> Answer | None:
    section, faults = params.section(ROOT_CARD), errors.on(ROOT).on(ROOT_CARD)
    method = call.store.payment_methods.get(call.merchant.id, token)
    if method is None or method.customer_id != record.id:
        faults.on("options").add("update_existing_token", "91723")
        raise ValidationFailed(errors)
    wanted = read_change(call, method, section, faults, CARD_NONCE_CODES)
    if errors:
        raise ValidationFailed(errors)
    verification = verify_if_requested(call, wanted)
    refused = verification_failure(call, verification)
    if refused is None:
        change_method(call, method, wanted, section, verification)
    return refused


def _rename(call: Call, old_id: str, new_id: str) -> None:
    """Change a customer's id, also in its addresses and payment methods."""
    for method in methods_of(call, old_id):
        method.customer_id = new_id
        call.store.payment_methods.put(call.merchant.id, method)
    for address in call.store.addresses.find(call.merchant.id, customer_id=old_id):
        call.store.addresses.delete(call.merchant.id, address.key)
        address.customer_id = new_id
        call.store.addresses.put(call.merchant.id, address)
    call.store.customers.delete(call.merchant.id, old_id)


def delete(call: Call) -> Answer:
    record = _load(call)
    for method in methods_of(call, record.id):
        cancel_all_of(call, method.token)
        call.store.payment_methods.delete(call.merchant.id, method.token)
    for address in call.store.addresses.find(call.merchant.id, customer_id=record.id):
        call.store.addresses.delete(call.merchant.id, address.key)
    call.store.customers.delete(call.merchant.id, record.id)
    return Answer()


ROUTES = (
    Route("POST", "/customers", create, takes={ROOT: accepted.CUSTOMER}),
    Route("GET", "/customers/{id}", find, query=frozenset({"association_filter_id"})),
    Route("PUT", "/customers/{id}", update, takes={ROOT: accepted.CUSTOMER_UPDATE}),
    Route("DELETE", "/customers/{id}", delete),
)
