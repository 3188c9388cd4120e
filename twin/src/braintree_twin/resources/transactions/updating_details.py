"""Updates the amount, order id or descriptor of a transaction that is submitted for settlement."""

from __future__ import annotations

from decimal import Decimal

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.lifecycle import save
from braintree_twin.resources.transactions.common import ROOT, account_of, answer, check_order_id, load
from braintree_twin.rules.descriptors import read_descriptor
from braintree_twin.rules.money import STEP_AMOUNT, canonical
from braintree_twin.validation import Errors, ValidationFailed, failed

NOT_SUBMITTED, TOO_MUCH, NO_UPDATES = "915129", "91522", "915130"


def update_details(call: Call) -> Answer:
    """Update the details of a transaction that is submitted for settlement, and in no batch yet."""
    record = load(call)
    params = call.params(ROOT)
    if record.status != "submitted_for_settlement":
        raise failed(ROOT, "base", NOT_SUBMITTED)
    if "updating_details" in account_of(call, record).lacks:
        raise failed(ROOT, "base", NO_UPDATES)
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
