"""Refunds of a settled transaction, in full or in part."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.lifecycle import enter, leave_to_the_bank, save
from braintree_twin.resources.transactions.common import (
    ROOT,
    UNSUCCESSFUL,
    account_of,
    answer,
    check_order_id,
    echo,
    load,
)
from braintree_twin.rules.money import STEP_AMOUNT, canonical
from braintree_twin.rules.processor_responses import HARD, decide_by_amount, kind_of, text_of
from braintree_twin.state.records import Transaction
from braintree_twin.validation import Errors, ValidationFailed, error_answer, failed
from braintree_twin.views.transactions import transaction as transaction_view

REFUNDABLE = frozenset({"settling", "settled"})
CREDIT, NOT_SETTLED, ALREADY_REFUNDED, TOO_MUCH = "91505", "91506", "91512", "91521"
SUSPENDED_ACCOUNT, NO_REFUNDS = "91538", "91547"
HARD_DECLINED, SOFT_DECLINED = "915200", "915201"
# Statuses of a refund that returned no money.
_VOID = UNSUCCESSFUL | {"voided", "settlement_declined", "settlement_failed"}


def refund(call: Call) -> Answer:
    sale = load(call)
    return _create_refund(call, sale, *_read(call, sale))


def refund_all(call: Call, sale: Transaction) -> Answer:
    """Refund the remaining amount."""
    return _create_refund(call, sale, _refundable(call, sale), None)


def _create_refund(call: Call, sale: Transaction, amount: Decimal, order_id: str | None) -> Answer:
    record = _draft(call, sale, canonical(amount, sale.currency), order_id)
    decision = decide_by_amount(amount, sale.kind)
    code = decision.processor_response_code if decision.status == "processor_declined" else None
    record.processor_response_code = "1002" if code is None else code
    record.processor_response_type = kind_of(record.processor_response_code)
    declined = code is not None
    if code:
        record.additional_processor_response = f"{code} : {text_of(code)}"
    enter(call, record, "processor_declined" if declined else "submitted_for_settlement")
    if not declined:
        leave_to_the_bank(call, record)
    call.store.transactions.put(call.merchant.id, record)
    sale.refund_ids = [*sale.refund_ids, record.id]
    save(call, sale)
    return _decline(call, record) if declined else answer(call, record, status=201)


def _refundable(call: Call, sale: Transaction) -> Decimal:
    """The remaining amount. Raises ValidationFailed if the transaction cannot be refunded."""
    if sale.type == "credit":
        raise failed(ROOT, "base", CREDIT)
    if sale.status not in REFUNDABLE:
        raise failed(ROOT, "base", NOT_SETTLED)
    if account_of(call, sale).suspended:
        raise failed(ROOT, "base", SUSPENDED_ACCOUNT)
    if "refunds" in account_of(call, sale).lacks:
        raise failed(ROOT, "base", NO_REFUNDS)
    left = Decimal(sale.amount) - refunded_amount(call, sale)
    if left <= 0:
        raise failed(ROOT, "base", ALREADY_REFUNDED)
    return left


def _read(call: Call, sale: Transaction) -> tuple[Decimal, str | None]:
    params = call.params(ROOT)
    left = _refundable(call, sale)
    errors = Errors()
    faults = errors.on(ROOT)
    _check_account(call, sale, params.text("merchant_account_id"), faults)
    amount, fault = STEP_AMOUNT.check(params.text("amount"), sale.currency)
    faults.add("amount", TOO_MUCH if amount is not None and amount > left else fault)
    order_id = check_order_id(params, faults)
    if errors:
        raise ValidationFailed(errors)
    return left if amount is None else amount, order_id


def _check_account(call: Call, sale: Transaction, account_id: str | None, errors: Errors) -> None:
    """Check the refund's merchant account: the sale's, or another one in the same currency."""
    account = call.merchant.by_id.get(account_id) if account_id else account_of(call, sale)
    if account is None or account.currency != sale.currency:
        errors.add("merchant_account_id", "91513")
    elif account.suspended:
        errors.add("merchant_account_id", "91514")


def refunded_amount(call: Call, sale: Transaction) -> Decimal:
    """The amount that is refunded, or being refunded."""
    refunds = (call.store.transactions.get(call.merchant.id, identifier) for identifier in sale.refund_ids)
    return sum((Decimal(each.amount) for each in refunds if each and each.status not in _VOID), Decimal(0))


def _draft(call: Call, sale: Transaction, amount: str, order_id: str | None) -> Transaction:
    now = call.clock.stamp()
    return replace(
        sale,
        id=call.ids.transaction(),
        type="credit",
        merchant_account_id=call.params(ROOT).text("merchant_account_id") or sale.merchant_account_id,
        amount=amount,
        amount_requested=amount,
        order_id=order_id if order_id is not None else sale.order_id,
        created_at=now,
        updated_at=now,
        recurring=None,
        avs_error=None,
        avs_postal="A" if sale.card else None,
        avs_street="A" if sale.card else None,
        cvv="A" if sale.card else None,
        processor_authorization_code=None,
        processor_settlement_response_code="",
        processor_settlement_response_text="",
        network_transaction_id=None,
        authorization_expires_at=None,
        three_d_secure=None,
        history=[],
        authorization_adjustments=[],
        shipments=[],
        settlement_batch_id=None,
        disbursement=None,
        disputes=[],
        refunded_transaction_id=sale.id,
        refund_ids=[],
        authorized_transaction_id=None,
        partial_settlement_ids=[],
        duplicate_key=None,
        due_at=None,
        final_capture=False,
    )


def _decline(call: Call, record: Transaction) -> Answer:
    """The answer to a declined refund: an error that contains the transaction."""
    errors = Errors()
    errors.on(ROOT).add("base", HARD_DECLINED if record.processor_response_type == HARD else SOFT_DECLINED)
    node = error_answer(errors, echo(call), transaction=transaction_view(record))
    return Answer("api_error_response", node, 422)
