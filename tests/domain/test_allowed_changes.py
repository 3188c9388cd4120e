"""Allowed changes by transaction status and by operation state."""

from __future__ import annotations

import dataclasses

import pytest

from domain.events import OperationScheduled, OperationStarted, PaymentTerms
from domain.operation import FailureReason, Operation, OperationKind, OperationOrigin, OperationState
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.domain.builders import STAMP, a_payment, a_request_id, an_operation_id, usd

S = TransactionStatus
CAPTURED = {S.SUBMITTED, S.SETTLEMENT_PENDING, S.SETTLEMENT_CONFIRMED, S.SETTLING, S.SETTLED}
ENDED = {S.SETTLED, S.SETTLEMENT_DECLINED, S.VOIDED, S.RELEASED, S.EXPIRED, S.DECLINED, S.FAILED}
VOIDABLE = {S.AUTHORIZED, S.PARTIALLY_CAPTURED, S.SUBMITTED, S.SETTLEMENT_PENDING}
REFUNDABLE = {S.SETTLING, S.SETTLED}
# A transaction's life: those of one line follow one another in no fixed order.
LIFE = [
    {S.AUTHORIZING},
    {S.AUTHORIZED},
    {S.PARTIALLY_CAPTURED},
    {S.SUBMITTED},
    {S.SETTLEMENT_PENDING, S.SETTLEMENT_CONFIRMED, S.SETTLING},
    {S.SETTLED},
    {S.SETTLEMENT_DECLINED, S.VOIDED, S.RELEASED, S.EXPIRED, S.DECLINED, S.FAILED},
]
ORDER = [(status, place) for place, statuses in enumerate(LIFE) for status in statuses]


@pytest.mark.parametrize("status", S)
def test_each_status_says_what_may_happen_to_the_money(status: TransactionStatus) -> None:
    assert status.is_captured is (status in CAPTURED)
    assert status.is_open is (status not in ENDED)
    assert status.is_voidable is (status in VOIDABLE)
    assert status.is_refundable is (status in REFUNDABLE)


def test_a_transaction_never_goes_back() -> None:
    assert {status for status, _ in ORDER} == set(S)
    for before, its_place in ORDER:
        for after, place in ORDER:
            assert before.precedes(after) is (its_place < place), (before, after)


@pytest.mark.parametrize("reason", FailureReason)
def test_each_failure_says_whether_it_is_for_sure(reason: FailureReason) -> None:
    unsure = {FailureReason.NOT_FOUND_AT_GATEWAY, FailureReason.CLOSED_BY_ADMINISTRATOR}
    unsent = {FailureReason.GATEWAY_UNREACHABLE, FailureReason.GATEWAY_REFUSED_CREDENTIALS}
    assert reason.is_provisional is (reason in unsure)
    assert reason.surely_not_sent is (reason in unsent)


@pytest.mark.parametrize("state", OperationState)
def test_an_outcome_is_to_come_of_scheduled_and_started_operations(state: OperationState) -> None:
    assert state.is_open is (state in {OperationState.SCHEDULED, OperationState.STARTED})


def an_operation(kind: OperationKind, status: TransactionStatus | None) -> Operation:
    return Operation(
        operation_id=an_operation_id(),
        kind=kind,
        state=OperationState.SUCCEEDED,
        amount=usd(1_00),
        request_id=a_request_id(),
        create_time=STAMP.time,
        standing=TransactionSnapshot(status) if status else None,
    )


@pytest.mark.parametrize("kind", OperationKind)
def test_captured_money_lies_in_an_authorization_an_adjustment_or_a_capture(kind: OperationKind) -> None:
    takes = kind in {OperationKind.AUTHORIZE, OperationKind.ADJUST, OperationKind.CAPTURE}
    assert an_operation(kind, S.SUBMITTED).is_captured_sale is takes
    assert not an_operation(kind, S.AUTHORIZED).is_captured_sale
    assert not an_operation(kind, None).is_captured_sale


def test_fields_of_an_operation_default_to_empty() -> None:
    operation = an_operation(OperationKind.CAPTURE, None)
    assert (operation.in_part, operation.final, operation.was_scheduled, operation.for_refund) == (False,) * 4
    assert (operation.start_count, operation.check_count) == (0, 0)
    assert operation.origin is OperationOrigin.SERVICE


def test_looks_make_no_other_operation() -> None:
    operation = an_operation(OperationKind.CAPTURE, None)
    assert operation == dataclasses.replace(operation, next_check_time=STAMP.time, check_count=3)


def test_fields_of_terms_and_starts_default_to_empty() -> None:
    terms: PaymentTerms = a_payment().terms
    assert (terms.store_payment_method, terms.reference_space, terms.metadata) == (False, None, {})
    facts = {
        "context": STAMP,
        "operation_id": an_operation_id(),
        "kind": OperationKind.REFUND,
        "amount": usd(1),
        "request_id": a_request_id(),
    }
    started = OperationStarted(**facts)  # type: ignore[arg-type]
    assert (started.in_part, started.final, started.for_refund) == (False, False, False)
    assert (started.target_transaction_id, started.note) == ("", "")
    assert OperationScheduled(**facts).note == ""  # type: ignore[arg-type]
