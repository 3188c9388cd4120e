"""Changing what is authorized, and the details of what is on its way to settlement."""

from __future__ import annotations

from decimal import Decimal

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.life import save
from braintree_twin.resources.transactions.common import ROOT, answer, check_order_id, load
from braintree_twin.rules.descriptors import read_descriptor
from braintree_twin.rules.money import STEP_AMOUNT, TRANSACTION_AMOUNT, canonical
from braintree_twin.rules.responses import HARD, decide_by_amount, kind_of
from braintree_twin.state.records import Transaction
from braintree_twin.validation import Errors, ValidationFailed, error_answer, failed
from braintree_twin.views.transactions import transaction as transaction_view

NOT_AUTHORIZED, NOT_ELIGIBLE, SAME_AMOUNT = "915218", "915219", "95606"
HARD_DECLINED, SOFT_DECLINED = "95602", "95603"
NOT_SUBMITTED, TOO_MUCH = "915129", "91522"


def adjust_authorization(call: Call) -> Answer:
    """Authorize more or less; what the processor turns down leaves the transaction as it was, but is noted on it."""
    record = load(call)
    amount = _adjusted_amount(call, record)
    change = amount - Decimal(record.amount)
    decision = decide_by_amount(abs(change), record.kind)
    code = decision.processor_response_code or "3000"
    record.authorization_adjustments.append(
        {
            "amount": canonical(change, record.currency),
            "timestamp": call.clock.stamp(),
            "success": decision.approved,
            "processor_response_code": code,
            "processor_response_type": kind_of(code),
        }
    )
    if decision.approved:
        record.amount = canonical(amount, record.currency)
        # The most that can be settled from now on.
        record.amount_requested = record.amount
    save(call, record)
    if decision.approved:
        return answer(call, record)
    errors = Errors()
    errors.on(ROOT).add("base", HARD_DECLINED if kind_of(code) == HARD else SOFT_DECLINED)
    node = error_answer(errors, {}, transaction=transaction_view(record))
    return Answer("api_error_response", node, 422)


def _adjusted_amount(call: Call, record: Transaction) -> Decimal:
    text = call.params(ROOT).text("amount")
    amount, fault = TRANSACTION_AMOUNT.check(text, record.currency)
    # A negative amount is no authorization at all.
    fault = TRANSACTION_AMOUNT.not_positive if fault == TRANSACTION_AMOUNT.negative else fault
    if amount is None:
        raise failed(ROOT, "amount", fault or "81502")
    if record.type != "sale" or record.status != "authorized":
        raise failed(ROOT, "base", NOT_AUTHORIZED)
    if record.card is None or record.authorized_transaction_id:
        raise failed(ROOT, "base", NOT_ELIGIBLE)
    if amount == Decimal(record.amount):
        raise failed(ROOT, "base", SAME_AMOUNT)
    return amount


def update_details(call: Call) -> Answer:
    """Change the amount, order id or descriptor of what is submitted but not yet in a batch."""
    record = load(call)
    params = call.params(ROOT)
    if record.status != "submitted_for_settlement":
        raise failed(ROOT, "base", NOT_SUBMITTED)
    errors = Errors()
    faults = errors.on(ROOT)
    amount, fault = STEP_AMOUNT.check(params.text("amount"), record.currency)
    if amount is not None and amount > Decimal(record.amount_requested):
        fault = TOO_MUCH
    faults.add("amount", fault)
    order_id = check_order_id(params, faults)
    descriptor = read_descriptor(params, faults)
    if errors:
        raise ValidationFailed(errors)
    if amount is not None:
        record.amount = canonical(amount, record.currency)
    if order_id is not None:
        record.order_id = order_id
    record.descriptor = {**record.descriptor, **descriptor}
    save(call, record)
    return answer(call, record)
