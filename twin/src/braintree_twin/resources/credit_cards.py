"""Credit cards in the vault."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.ledger.subscriptions import cancel_all_of
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.state.records import PaymentMethod
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.instruments import NonceCodes
from braintree_twin.vault.payment_method_requests import (
    change_method,
    read_change,
    read_method,
    store_requested_method,
    verify_if_requested,
)
from braintree_twin.vault.storing import delete_method
from braintree_twin.views.payment_methods import payment_method as method_view
from braintree_twin.views.verifications import verification_failure

ROOT = "credit_card"
NONCE_CODES = NonceCodes(unknown="91732", consumed="91731", locked="91733")
CUSTOMER_REQUIRED, CUSTOMER_INVALID = "91704", "91705"
NOT_A_CARD = "91738"


def _load(call: Call) -> PaymentMethod:
    method = call.store.payment_methods.get(call.merchant.id, call.path["token"])
    if method is None or method.kind != ROOT:
        raise NotFound
    return method


def create(call: Call) -> Answer:
    params = call.params(ROOT)
    errors = Errors()
    faults = errors.on(ROOT)
    customer_id = params.text("customer_id")
    if customer_id is None:
        faults.add("customer_id", CUSTOMER_REQUIRED)
    elif not call.store.customers.get(call.merchant.id, customer_id):
        faults.add("customer_id", CUSTOMER_INVALID)
    wanted = read_method(call, params, faults, customer_id, NONCE_CODES)
    if wanted.instrument and wanted.instrument.kind != ROOT:
        faults.add("payment_method_nonce", NOT_A_CARD)
    if errors or customer_id is None:
        raise ValidationFailed(errors)
    verification = verify_if_requested(call, wanted)
    refused = verification_failure(call, verification)
    if refused:
        return refused
    return Answer(ROOT, method_view(call, store_requested_method(call, wanted, customer_id, verification)), 201)


def find(call: Call) -> Answer:
    return Answer(ROOT, method_view(call, _load(call)))


def update(call: Call) -> Answer:
    method = _load(call)
    params = call.params(ROOT)
    errors = Errors()
    wanted = read_change(call, method, params, errors.on(ROOT), NONCE_CODES)
    if errors:
        raise ValidationFailed(errors)
    verification = verify_if_requested(call, wanted)
    refused = verification_failure(call, verification)
    return refused or Answer(ROOT, method_view(call, change_method(call, method, wanted, params, verification)))


def delete(call: Call) -> Answer:
    """Delete the method. Its subscriptions are canceled."""
    method = _load(call)
    cancel_all_of(call, method.token)
    delete_method(call, method)
    return Answer()


ROUTES = (
    Route("GET", "/payment_methods/credit_card/{token}", find),
    Route("PUT", "/payment_methods/credit_card/{token}", update, takes={ROOT: accepted.CARD}),
    Route("DELETE", "/payment_methods/credit_card/{token}", delete),
)
