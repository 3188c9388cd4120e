"""PayPal accounts in the vault."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.ledger.subscriptions import cancel_all_of
from braintree_twin.resources.payment_methods import load_method, method_answer
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.storing import check_new_token, delete_method, replace_method, set_default
from braintree_twin.vault.wallet_params import email_error

ROOT = "paypal_account"
TOKEN_IN_USE = "92906"  # noqa: S105


def find(call: Call) -> Answer:
    return method_answer(call, load_method(call, ROOT))


def update(call: Call) -> Answer:
    method = load_method(call, ROOT)
    params = call.params(ROOT)
    errors = Errors()
    faults = errors.on(ROOT)
    token, email = params.text("token"), params.text("email")
    if token != method.token:
        check_new_token(call, token, faults, in_use=TOKEN_IN_USE)
    faults.add("email", email_error(email))
    if errors:
        raise ValidationFailed(errors)
    agreement = params.text("billing_agreement_id")
    given = {"email": email, "billing_agreement_id": agreement}
    method.wallet = {**method.wallet, **{name: text for name, text in given.items() if text}}
    changed = replace_method(call, method, token)
    if params.section("options").flag("make_default"):
        set_default(call, changed)
    return method_answer(call, changed)


def delete(call: Call) -> Answer:
    """Delete the method. Its subscriptions are canceled."""
    method = load_method(call, ROOT)
    cancel_all_of(call, method.token)
    delete_method(call, method)
    return Answer()


_PATH = "/payment_methods/paypal_account/{token}"
ROUTES = (
    Route("GET", _PATH, find),
    Route("PUT", _PATH, update, takes={ROOT: accepted.PAYPAL_ACCOUNT}),
    Route("DELETE", _PATH, delete),
)
