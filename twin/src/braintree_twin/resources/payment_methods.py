"""Payment methods of every kind, by token."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.ledger.subscriptions import cancel_all_of
from braintree_twin.oauth.shared_methods import revoke_all_grants
from braintree_twin.params import Params
from braintree_twin.resources.credit_cards import create as create_card
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.rules.bank_accounts import US_BANK_ACCOUNT
from braintree_twin.state.records import PaymentMethod
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.bank_verifications import verify_bank_account, way_of
from braintree_twin.vault.instruments import NonceCodes, has_invalid_number, of_nonce
from braintree_twin.vault.payment_method_requests import (
    MethodRequest,
    change_method,
    read_change,
    read_described_agreement,
    read_method,
    store_requested_method,
    verify_if_requested,
)
from braintree_twin.vault.storing import delete_method
from braintree_twin.vault.wallet_params import (
    CANNOT_VAULT_ONE_TIME,
    PAYPAL,
    REFRESH_TOKEN,
    VAULT_LEVELS,
    check_reusable,
)
from braintree_twin.views.payment_methods import payment_method as method_view
from braintree_twin.views.verifications import verification_failure

ROOT = "payment_method"
NONCE_CODES = NonceCodes(unknown="93108", consumed="93107", locked="93109")
NONCE_REQUIRED = "93103"
CUSTOMER_REQUIRED, CUSTOMER_INVALID, PAYPAL_CUSTOMER_REQUIRED = "93104", "93105", "82905"
BELONGS_TO_ANOTHER = "93102"


def method_answer(call: Call, method: PaymentMethod, status: int = 200) -> Answer:
    return Answer(method.kind, method_view(call, method), status)


def load_method(call: Call, kind: str | None = None) -> PaymentMethod:
    """The payment method of the path's token. Raises NotFound also if it is of another kind."""
    method = call.store.payment_methods.get(call.merchant.id, call.path["token"])
    if method is None or (kind and method.kind != kind):
        raise NotFound
    return method


def create(call: Call) -> Answer:
    """Create a payment method from a nonce; or what the root element describes: a card, a PayPal account."""
    if "credit_card" in call.document:
        return create_card(call)
    if PAYPAL in call.document:
        return _create_paypal_account(call)
    params = call.params(ROOT)
    errors = Errors()
    faults = errors.on(ROOT)
    customer_id = params.text("customer_id")
    level = _level(call, params)
    if customer_id is None:
        of_paypal = level == PAYPAL
        errors.on(level if of_paypal else ROOT).add(
            "customer_id", PAYPAL_CUSTOMER_REQUIRED if of_paypal else CUSTOMER_REQUIRED
        )
    elif not call.store.customers.get(call.merchant.id, customer_id):
        faults.add("customer_id", CUSTOMER_INVALID)
    if not params.has("payment_method_nonce") and not params.has(REFRESH_TOKEN):
        faults.add("payment_method_nonce", NONCE_REQUIRED)
        raise ValidationFailed(errors)
    wanted = read_method(call, params, errors.on(level), customer_id, NONCE_CODES)
    if wanted.instrument:
        check_reusable(wanted.instrument, errors)
    if wanted.instrument and wanted.instrument.method and wanted.instrument.method.customer_id != customer_id:
        faults.add("payment_method_nonce", BELONGS_TO_ANOTHER)
    if errors or customer_id is None:
        raise ValidationFailed(errors)
    verification = verify_if_requested(call, wanted)
    refused = verification_failure(call, verification)
    if refused:
        return refused
    if wanted.instrument:
        wanted.instrument.wallet = {**wanted.instrument.wallet, **wanted.mandate}
    method = store_requested_method(call, wanted, customer_id, verification)
    _verify_bank_account(call, method, wanted)
    return method_answer(call, method, 201)


def _create_paypal_account(call: Call) -> Answer:
    """Vault a PayPal account by the billing agreement that the merchant got from PayPal."""
    params = call.params(PAYPAL)
    errors = Errors()
    faults = errors.on(PAYPAL)
    customer_id = params.text("customer_id")
    if customer_id is None or not call.store.customers.get(call.merchant.id, customer_id):
        faults.add("customer_id", PAYPAL_CUSTOMER_REQUIRED if customer_id is None else CUSTOMER_INVALID)
    wanted = read_described_agreement(call, params, faults)
    faults.add("base", None if params.has("billing_agreement_id") else CANNOT_VAULT_ONE_TIME)
    if errors or customer_id is None:
        raise ValidationFailed(errors)
    return method_answer(call, store_requested_method(call, wanted, customer_id, None), 201)


def _verify_bank_account(call: Call, method: PaymentMethod, wanted: MethodRequest) -> None:
    """Verify a US bank account by the way that is asked for. The account is stored, whatever the outcome is."""
    if method.kind != US_BANK_ACCOUNT:
        return
    way = way_of(wanted.account, method.wallet, wanted.bank_verification_way)
    if way:
        verify_bank_account(call, method, way, wanted.account)


def _level(call: Call, params: Params) -> str:
    """The element that errors are reported on: the kind of the nonce's instrument, if there is one."""
    nonce = params.text("payment_method_nonce") or ""
    if not nonce and params.has(REFRESH_TOKEN):
        return PAYPAL
    if has_invalid_number(nonce):
        return "credit_card"
    found = of_nonce(call, nonce, NONCE_CODES)
    return ROOT if isinstance(found, str) else VAULT_LEVELS.get(found.kind, found.kind)


def find(call: Call) -> Answer:
    return method_answer(call, load_method(call))


def update(call: Call) -> Answer:
    method = load_method(call)
    params = call.params(ROOT)
    errors = Errors()
    level = VAULT_LEVELS.get(method.kind, method.kind)
    wanted = read_change(call, method, params, errors.on(level), NONCE_CODES)
    if errors:
        raise ValidationFailed(errors)
    verification = verify_if_requested(call, wanted)
    refused = verification_failure(call, verification)
    if refused:
        return refused
    changed = change_method(call, method, wanted, params, verification)
    if changed.kind == US_BANK_ACCOUNT and wanted.bank_verification_way:
        verify_bank_account(call, changed, wanted.bank_verification_way, wanted.account)
    return method_answer(call, changed)


def delete(call: Call) -> Answer:
    """Delete the method. Its subscriptions are canceled; its grants are revoked if that is asked for."""
    method = load_method(call)
    if call.query.get("revoke_all_grants") == "true":
        revoke_all_grants(call, method.token)
    cancel_all_of(call, method.token)
    delete_method(call, method)
    return Answer()


def find_us_bank_account(call: Call) -> Answer:
    return method_answer(call, load_method(call, "us_bank_account"))


def find_sepa_account(call: Call) -> Answer:
    return method_answer(call, load_method(call, "sepa_debit_account"))


def delete_sepa_account(call: Call) -> Answer:
    load_method(call, "sepa_debit_account")
    return delete(call)


ROUTES = (
    Route(
        "POST",
        "/payment_methods",
        create,
        takes={
            ROOT: accepted.PAYMENT_METHOD,
            "credit_card": accepted.CREDIT_CARD,
            PAYPAL: accepted.PAYPAL_ACCOUNT.extended("customer_id"),
        },
    ),
    Route("GET", "/payment_methods/any/{token}", find),
    Route("PUT", "/payment_methods/any/{token}", update, takes={ROOT: accepted.CARD}),
    Route("DELETE", "/payment_methods/any/{token}", delete, query=frozenset({"revoke_all_grants"})),
    Route("GET", "/payment_methods/us_bank_account/{token}", find_us_bank_account),
    Route("GET", "/payment_methods/sepa_debit_account/{token}", find_sepa_account),
    Route("DELETE", "/payment_methods/sepa_debit_account/{token}", delete_sepa_account),
)
