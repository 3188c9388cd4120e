"""Charges a past due subscription again: a sale with its id."""

from __future__ import annotations

from decimal import Decimal

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.subscriptions import (
    PAST_DUE,
    Charge,
    bill_due_subscriptions,
    charge,
    is_approved,
    recover,
    save,
)
from braintree_twin.params import Params
from braintree_twin.resources.transactions.common import ROOT, answer
from braintree_twin.rules.money import STEP_AMOUNT
from braintree_twin.state.records import Subscription
from braintree_twin.validation import Errors, ValidationFailed

UNKNOWN, NOT_PAST_DUE, OTHER_ACCOUNT = "91528", "91531", "915180"
OTHER_METHOD, OTHER_CUSTOMER, METHOD_GONE = "91527", "91529", "91518"


def retry_charge(call: Call, params: Params) -> Answer:
    """Charge the balance, or the amount of the request. If it is approved, the subscription is active again."""
    bill_due_subscriptions(call)
    record = call.store.subscriptions.get(call.merchant.id, params.text("subscription_id"))
    errors = Errors()
    faults = errors.on(ROOT)
    if record is None:
        faults.add("subscription_id", UNKNOWN)
        raise ValidationFailed(errors)
    amount = _read(call, params, record, faults)
    if errors:
        raise ValidationFailed(errors)
    submit = params.section("options").flag("submit_for_settlement")
    transaction = charge(call, record, Charge(amount, submit=submit))
    if transaction is None:
        faults.add("payment_method_token", METHOD_GONE)
        raise ValidationFailed(errors)
    if is_approved(transaction):
        recover(call, record)
    save(call, record)
    return answer(call, transaction, status=201)


def _read(call: Call, params: Params, record: Subscription, errors: Errors) -> Decimal:
    account = params.text("merchant_account_id")
    errors.add("base", OTHER_ACCOUNT if account and account != record.merchant_account_id else None)
    errors.add("base", None if record.status == PAST_DUE else NOT_PAST_DUE)
    token = params.text("payment_method_token")
    errors.add("base", OTHER_METHOD if token and token != record.payment_method_token else None)
    method = call.store.payment_methods.get(call.merchant.id, record.payment_method_token)
    customer = params.text("customer_id")
    errors.add("base", OTHER_CUSTOMER if customer and method and customer != method.customer_id else None)
    amount, fault = STEP_AMOUNT.check(params.text("amount"), record.currency)
    errors.add("amount", fault)
    return Decimal(record.balance) if amount is None else amount
