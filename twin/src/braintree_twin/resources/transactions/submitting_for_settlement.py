"""Submits an authorization for settlement, in full or in part."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.lifecycle import SETTLING_AT_ONCE, enter, leave_to_the_bank, save
from braintree_twin.params import Params
from braintree_twin.resources.transactions.common import ROOT, account_of, answer, check_order_id, load
from braintree_twin.resources.transactions.details import read_level_3
from braintree_twin.rules.addresses import read_address
from braintree_twin.rules.descriptors import read_descriptor
from braintree_twin.rules.industry_data import check_industry
from braintree_twin.rules.money import STEP_AMOUNT, canonical
from braintree_twin.state.records import Transaction
from braintree_twin.validation import Errors, ValidationFailed, failed

CANNOT_SUBMIT = "91507"
CANNOT_SUBMIT_PARTIALLY = "915103"
NO_PARTIAL_SETTLEMENT = "915102"
# The kind of payment method that is settled only in full.
VENMO, INSTRUMENT_NOT_ACCEPTED = "venmo_account", "915101"
TOO_MUCH = "91522"
AMOUNT_REQUIRED = "81502"


def submit_for_settlement(call: Call) -> Answer:
    record = load(call)
    params = call.params(ROOT)
    if record.type != "sale" or record.status != "authorized":
        raise failed(ROOT, "base", CANNOT_SUBMIT)
    amount = _read_amount(record, params, limit=Decimal(record.amount))
    if amount is not None:
        record.amount = canonical(amount, record.currency)
    if account_of(call, record).suspended:
        raise failed(ROOT, "base", "91514")
    _read_details(record, params)
    record.due_at = None
    enter(call, record, "submitted_for_settlement")
    if record.kind in SETTLING_AT_ONCE:
        enter(call, record, "settling")
    leave_to_the_bank(call, record)
    save(call, record)
    return answer(call, record)


def _read_amount(record: Transaction, params: Params, limit: Decimal) -> Decimal | None:
    amount, fault = STEP_AMOUNT.check(params.text("amount"), record.currency)
    if amount is not None and amount > limit:
        fault = TOO_MUCH
    if fault:
        raise failed(ROOT, "amount", fault)
    return amount


def _read_details(record: Transaction, params: Params) -> None:
    errors = Errors()
    faults = errors.on(ROOT)
    order_id = check_order_id(params, faults)
    descriptor = read_descriptor(params, faults)
    check_industry(params, record.currency, faults)
    level_3 = read_level_3(params, record.currency, faults)
    shipping = read_address(params.section("shipping"), faults.on("shipping"))
    if errors:
        raise ValidationFailed(errors)
    if order_id is not None:
        record.order_id = order_id
    record.descriptor = {**record.descriptor, **descriptor}
    for name, value in level_3.items():
        if name in params and value is not None:
            setattr(record, name, value)
    record.shipping = {**record.shipping, **shipping}


def submit_for_partial_settlement(call: Call) -> Answer:
    parent = load(call)
    params = call.params(ROOT)
    _check_parent(call, parent)
    if not params.has("amount"):
        raise failed(ROOT, "amount", AMOUNT_REQUIRED)
    amount = _read_amount(parent, params, limit=Decimal(parent.amount) - _submitted(call, parent))
    child = _child(call, parent, canonical(amount or Decimal(0), parent.currency))
    _read_details(child, params)
    enter(call, child, "submitted_for_settlement")
    if child.kind in SETTLING_AT_ONCE:
        enter(call, child, "settling")
    call.store.transactions.put(call.merchant.id, child)
    parent.partial_settlement_ids = [*parent.partial_settlement_ids, child.id]
    parent.final_capture = params.flag("final_capture")
    parent.due_at = None
    if parent.status == "authorized":
        enter(call, parent, "settlement_pending")
    save(call, parent)
    return answer(call, child, status=201)


def _check_parent(call: Call, parent: Transaction) -> None:
    if parent.authorized_transaction_id or parent.final_capture:
        raise failed(ROOT, "base", CANNOT_SUBMIT_PARTIALLY)
    in_parts = parent.status == "settlement_pending" and bool(parent.partial_settlement_ids)
    if parent.type != "sale" or not (parent.status == "authorized" or in_parts):
        raise failed(ROOT, "base", CANNOT_SUBMIT)
    account = account_of(call, parent)
    if account.suspended:
        raise failed(ROOT, "base", "91514")
    if parent.kind == VENMO:
        raise failed(ROOT, "base", INSTRUMENT_NOT_ACCEPTED)
    if "partial_settlement" in account.lacks:
        raise failed(ROOT, "base", NO_PARTIAL_SETTLEMENT)
    if in_parts and "several_partial_settlements" in account.lacks:
        raise failed(ROOT, "base", CANNOT_SUBMIT_PARTIALLY)


def _submitted(call: Call, parent: Transaction) -> Decimal:
    """The amount of the earlier partial settlements, without voided ones."""
    children = (call.store.transactions.get(call.merchant.id, child) for child in parent.partial_settlement_ids)
    return sum((Decimal(child.amount) for child in children if child and child.status != "voided"), Decimal(0))


def _child(call: Call, parent: Transaction, amount: str) -> Transaction:
    now = call.clock.stamp()
    return replace(
        parent,
        id=call.ids.transaction(),
        status="submitted_for_settlement",
        amount=amount,
        amount_requested=amount,
        created_at=now,
        updated_at=now,
        history=[],
        authorized_transaction_id=parent.id,
        partial_settlement_ids=[],
        refund_ids=[],
        disputes=[],
        authorization_adjustments=[],
        shipments=[],
        authorization_expires_at=None,
        duplicate_key=None,
        due_at=None,
        final_capture=False,
    )
