"""Scheduled and late refunds, and refunds overtaken by external changes."""

from __future__ import annotations

import pytest

from domain.errors import AmountExceeds, IllegalTransition, OutcomeConflict
from domain.events import OUTSIDE, OperationStarted, OutsideOperationRecorded
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationKind, OperationOrigin, OperationState
from domain.payment import Payment, RefundPart
from domain.payment_state import PaymentState
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from tests.domain.builders import (
    NOON,
    STAMP,
    a_captured_payment,
    a_request_id,
    a_settled_payment,
    an_authorized_payment,
    an_operation_id,
    capture,
    move,
    refund,
    start_refund,
    succeed,
    usd,
    void,
)

DETAILS = GatewayDetails(status="voided")


def outside(
    payment: Payment,
    kind: OperationKind,
    amount: Money,
    target: str,
    status: TransactionStatus = TransactionStatus.SUBMITTED,
    transaction_id: str = "theirs",
) -> Operation:
    """Somebody else did it at the gateway."""
    operation_id = an_operation_id()
    payment.record_outside(
        kind,
        operation_id,
        amount=amount,
        transaction_id=transaction_id,
        target_transaction_id=target,
        standing=TransactionSnapshot(status),
        details=DETAILS,
        context=STAMP,
    )
    return payment.operation(operation_id)


def sale_of(payment: Payment) -> str:
    return payment.authorization.transaction_id


def fail(payment: Payment, operation: Operation, reason: FailureReason) -> None:
    payment.fail(operation.operation_id, reason, context=STAMP)


def states(payment: Payment, *operations: Operation) -> list[OperationState]:
    return [payment.operation(o.operation_id).state for o in operations]


# A plan


def test_a_plan_asks_for_no_more_than_is_left_and_for_all_of_it_by_default() -> None:
    payment = a_settled_payment()
    refund(payment, usd(30_00))
    assert payment.plan_refund(None) == payment.plan_refund(usd(70_00))
    with pytest.raises(AmountExceeds) as refused:
        payment.plan_refund(usd(70_01))
    assert (refused.value.asked, refused.value.available) == (usd(70_01), usd(70_00))
    assert refused.value.operation is OperationKind.REFUND


def test_nothing_that_is_left_is_no_refund() -> None:
    payment = a_settled_payment()
    start_refund(payment)
    with pytest.raises(IllegalTransition):
        payment.plan_refund(None)
    with pytest.raises(IllegalTransition):
        payment.plan_refund(usd(1))


def test_a_plan_passes_over_what_went_back_already() -> None:
    payment = an_authorized_payment()
    first, second = capture(payment, usd(60_00)), capture(payment, usd(40_00))
    move(payment, TransactionStatus.SETTLED, first.transaction_id)
    refund(payment, usd(60_00))
    assert payment.plan_refund(usd(10_00)) == [
        RefundPart(OperationKind.REFUND, second.transaction_id, usd(10_00), must_wait=True)
    ]
    assert payment.plan_refund(None) == [
        RefundPart(OperationKind.VOID, second.transaction_id, usd(40_00), must_wait=False)
    ]


def test_a_disputed_amount_of_one_capture_reduces_another() -> None:
    payment = an_authorized_payment()
    first, second = capture(payment, usd(60_00)), capture(payment, usd(40_00))
    move(payment, TransactionStatus.SETTLED, first.transaction_id, disputed_amount=usd(50_00))
    move(payment, TransactionStatus.SETTLED, second.transaction_id)
    assert [(part.transaction_id, part.amount) for part in payment.plan_refund(usd(15_00))] == [
        (first.transaction_id, usd(10_00)),
        (second.transaction_id, usd(5_00)),
    ]


def test_a_note_goes_along_with_each_part() -> None:
    payment = an_authorized_payment()
    first = capture(payment, usd(60_00))
    capture(payment, usd(40_00))
    move(payment, TransactionStatus.SETTLED, first.transaction_id)
    request_id = a_request_id()
    given = [
        payment.start_refund_part(part, an_operation_id(), request_id, note="sorry", context=STAMP)
        for part in payment.plan_refund(None)
    ]
    assert [(o.kind, o.note, o.request_id, o.for_refund) for o in given] == [
        (OperationKind.REFUND, "sorry", request_id, False),
        (OperationKind.VOID, "sorry", request_id, True),
    ]


# A void that comes too late


def a_void_for_a_refund(payment: Payment) -> Operation:
    (part,) = payment.plan_refund(None)
    assert part.kind is OperationKind.VOID
    return payment.start_refund_part(part, an_operation_id(), a_request_id(), note="sorry", context=STAMP)


def convert_void_to_refund(payment: Payment, operation: Operation) -> bool:
    before = payment.operations
    did = payment.convert_void_to_refund(operation.operation_id, an_operation_id(), context=STAMP)
    assert did or payment.operations == before
    return did


def test_a_refund_takes_the_place_of_its_refused_void() -> None:
    payment = a_captured_payment()
    late = a_void_for_a_refund(payment)
    fail(payment, late, FailureReason.GATEWAY_REFUSED_REQUEST)
    assert convert_void_to_refund(payment, late)
    instead = payment.operations[-1]
    assert (instead.kind, instead.state, instead.amount) == (
        OperationKind.REFUND,
        OperationState.SCHEDULED,
        usd(100_00),
    )
    assert (instead.request_id, instead.note) == (late.request_id, "sorry")
    assert instead.target_transaction_id == sale_of(payment)
    assert not convert_void_to_refund(payment, late), "all of it is on its way"


@pytest.mark.parametrize("reason", sorted(set(FailureReason) - {FailureReason.GATEWAY_REFUSED_REQUEST}, key=str))
def test_a_void_that_was_not_refused_has_no_refund_in_its_place(reason: FailureReason) -> None:
    payment = a_captured_payment()
    late = a_void_for_a_refund(payment)
    assert not convert_void_to_refund(payment, late)
    fail(payment, late, reason)
    assert not convert_void_to_refund(payment, late)


def test_a_void_that_asked_for_no_refund_has_none_in_its_place() -> None:
    payment = a_captured_payment()
    late = void(payment)
    fail(payment, late, FailureReason.GATEWAY_REFUSED_REQUEST)
    assert not convert_void_to_refund(payment, late)


def test_a_refused_refund_has_no_other_in_its_place() -> None:
    payment = a_settled_payment()
    (late,) = start_refund(payment, usd(10_00))
    fail(payment, late, FailureReason.GATEWAY_REFUSED_REQUEST)
    assert not convert_void_to_refund(payment, late)


def test_an_externally_voided_sale_is_not_refunded() -> None:
    payment = a_captured_payment()
    late = a_void_for_a_refund(payment)
    outside(payment, OperationKind.VOID, usd(100_00), sale_of(payment), TransactionStatus.VOIDED, sale_of(payment))
    fail(payment, late, FailureReason.GATEWAY_REFUSED_REQUEST)
    assert not convert_void_to_refund(payment, late)


def test_only_what_is_left_is_refunded_in_place_of_a_void() -> None:
    payment = a_captured_payment()
    late = a_void_for_a_refund(payment)
    move(payment, TransactionStatus.SETTLED)
    outside(payment, OperationKind.REFUND, usd(30_00), sale_of(payment))
    fail(payment, late, FailureReason.GATEWAY_REFUSED_REQUEST)
    assert convert_void_to_refund(payment, late)
    assert payment.operations[-1].amount == usd(70_00)


def test_no_more_is_refunded_in_place_of_a_void_than_the_payment_has_left() -> None:
    payment = an_authorized_payment()
    first, second = capture(payment, usd(60_00)), capture(payment, usd(40_00))
    move(payment, TransactionStatus.SETTLED, first.transaction_id, disputed_amount=usd(90_00))
    late = payment.start_refund_part(
        RefundPart(OperationKind.VOID, second.transaction_id, usd(40_00), must_wait=False),
        an_operation_id(),
        a_request_id(),
        context=STAMP,
    )
    fail(payment, late, FailureReason.GATEWAY_REFUSED_REQUEST)
    assert convert_void_to_refund(payment, late)
    assert payment.operations[-1].amount == usd(10_00)


# A schedule


def test_only_what_is_scheduled_starts() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    assert payment.start_scheduled(waiting.operation_id, context=STAMP).state is OperationState.STARTED
    with pytest.raises(OutcomeConflict) as refused:
        payment.start_scheduled(waiting.operation_id, context=STAMP)
    assert refused.value.recorded is OperationState.STARTED


def test_a_refund_counts_how_often_it_was_on_its_way() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    assert (waiting.start_count, waiting.was_scheduled) == (0, True)
    for count in (1, 2):
        assert payment.start_scheduled(waiting.operation_id, context=STAMP).start_count == count
        payment.postpone(waiting.operation_id, context=STAMP)
        assert payment.operation(waiting.operation_id).start_count == count
    (at_once,) = start_refund(a_settled_payment(), usd(10_00))
    assert (at_once.start_count, at_once.was_scheduled) == (1, False)


def test_a_refund_that_never_waited_is_not_postponed() -> None:
    payment = a_settled_payment()
    (sent,) = start_refund(payment, usd(10_00))
    with pytest.raises(OutcomeConflict):
        payment.postpone(sent.operation_id, context=STAMP)
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    with pytest.raises(OutcomeConflict):
        payment.postpone(waiting.operation_id, context=STAMP)


def test_a_postponed_refund_for_which_others_left_no_room_fails() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(60_00))
    move(payment, TransactionStatus.SETTLED)
    payment.start_scheduled(waiting.operation_id, context=STAMP)
    outside(payment, OperationKind.REFUND, usd(50_00), sale_of(payment))
    assert states(payment, waiting) == [OperationState.STARTED]
    payment.postpone(waiting.operation_id, context=STAMP)
    dropped = payment.operation(waiting.operation_id)
    assert (dropped.state, dropped.failure_reason) == (OperationState.FAILED, FailureReason.NO_LONGER_POSSIBLE)
    assert "USD 50.00 of USD 60.00 is left" in dropped.failure_detail


def test_the_latest_refunds_that_wait_give_way_until_the_rest_fits() -> None:
    payment = a_captured_payment()
    waiting = [start_refund(payment, usd(20_00))[0] for _ in range(4)]
    move(payment, TransactionStatus.SETTLED)
    outside(payment, OperationKind.REFUND, usd(60_00), sale_of(payment))
    waits, failed = OperationState.SCHEDULED, OperationState.FAILED
    assert states(payment, *waiting) == [waits, waits, failed, failed]
    outside(payment, OperationKind.REFUND, usd(1), sale_of(payment))
    assert states(payment, *waiting) == [waits, failed, failed, failed]


def test_a_refund_that_just_fits_stays() -> None:
    payment = a_captured_payment()
    waiting = start_refund(payment, usd(40_00))
    outside(payment, OperationKind.REFUND, usd(60_00), sale_of(payment))
    assert states(payment, *waiting) == [OperationState.SCHEDULED]


def test_the_remaining_amount_is_never_negative() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(20_00))
    outside(payment, OperationKind.REFUND, usd(130_00), sale_of(payment))
    assert "USD 0.00 of USD 20.00 is left" in payment.operation(waiting.operation_id).failure_detail


def test_refunds_of_another_part_stay() -> None:
    payment = an_authorized_payment()
    first, second = capture(payment, usd(60_00)), capture(payment, usd(40_00))
    on_first, on_second = start_refund(payment, usd(50_00)) + start_refund(payment, usd(20_00))[1:]
    assert [o.target_transaction_id for o in (on_first, on_second)] == [first.transaction_id, second.transaction_id]
    outside(payment, OperationKind.REFUND, usd(60_00), first.transaction_id)
    assert states(payment, on_first, on_second) == [OperationState.FAILED, OperationState.SCHEDULED]


@pytest.mark.parametrize("status", [TransactionStatus.VOIDED, TransactionStatus.SETTLEMENT_DECLINED])
def test_a_part_that_will_never_settle_drops_its_own_refunds_only(status: TransactionStatus) -> None:
    payment = an_authorized_payment()
    first = capture(payment, usd(60_00))
    capture(payment, usd(40_00))
    on_first, on_second = start_refund(payment, usd(50_00)) + start_refund(payment, usd(20_00))[1:]
    if status is TransactionStatus.VOIDED:
        outside(payment, OperationKind.VOID, usd(60_00), first.transaction_id, status, first.transaction_id)
    else:
        move(payment, status, first.transaction_id)
    assert states(payment, on_first, on_second) == [OperationState.FAILED, OperationState.SCHEDULED]
    assert payment.operation(on_first.operation_id).failure_reason is FailureReason.NO_LONGER_POSSIBLE


@pytest.mark.parametrize("status", [TransactionStatus.SETTLING, TransactionStatus.SETTLED])
def test_news_of_a_sale_that_goes_its_way_keeps_its_refunds(status: TransactionStatus) -> None:
    payment = a_captured_payment()
    waiting = start_refund(payment, usd(40_00))
    assert move(payment, status)
    assert states(payment, *waiting) == [OperationState.SCHEDULED]


def test_a_void_of_ours_that_succeeds_drops_the_refunds_that_wait() -> None:
    payment = a_captured_payment()
    waiting = start_refund(payment, usd(40_00))
    late = void(payment)
    assert states(payment, *waiting) == [OperationState.SCHEDULED]
    succeed(payment, late, TransactionStatus.VOIDED)
    assert states(payment, *waiting) == [OperationState.FAILED]


def test_a_refund_that_succeeds_drops_none_that_waits() -> None:
    payment = a_captured_payment()
    first, second = start_refund(payment, usd(40_00)) + start_refund(payment, usd(40_00))
    move(payment, TransactionStatus.SETTLED)
    payment.start_scheduled(first.operation_id, context=STAMP)
    succeed(payment, first, TransactionStatus.SUBMITTED, "back")
    assert states(payment, first, second) == [OperationState.SUCCEEDED, OperationState.SCHEDULED]


# Somebody else's


def test_an_external_operation_is_recorded_as_found() -> None:
    payment = a_settled_payment()
    done = outside(payment, OperationKind.REFUND, usd(10_00), sale_of(payment))
    assert (done.origin, done.state, done.start_count) == (OperationOrigin.OUTSIDE, OperationState.SUCCEEDED, 0)
    assert (done.request_id, done.create_time, done.finish_time) == ("", NOON, NOON)
    assert (done.transaction_id, done.target_transaction_id) == ("theirs", sale_of(payment))
    assert (done.details, done.in_part) == (DETAILS, False)
    told = payment.new_events[-1]
    assert isinstance(told, OutsideOperationRecorded)
    assert (told.context.actor, told.context.time) == (OUTSIDE, NOON)
    assert payment.refunded_amount == usd(10_00)


def test_an_external_partial_capture_leaves_the_rest_of_the_hold() -> None:
    payment = an_authorized_payment()
    part = outside(payment, OperationKind.CAPTURE, usd(30_00), sale_of(payment))
    assert part.in_part
    assert payment.is_captured_in_part
    assert (payment.captured_amount, payment.capturable_amount) == (usd(30_00), usd(70_00))


def test_a_whole_capture_by_an_external_client_releases_the_rest() -> None:
    payment = an_authorized_payment()
    whole = outside(payment, OperationKind.CAPTURE, usd(30_00), sale_of(payment), transaction_id=sale_of(payment))
    assert not whole.in_part
    assert not payment.is_captured_in_part
    assert (payment.captured_amount, payment.capturable_amount) == (usd(30_00), usd(0))


def test_a_part_that_shows_up_after_the_rest_was_released_does_not_bring_the_hold_back() -> None:
    payment = an_authorized_payment()
    capture(payment, usd(30_00))
    outside(payment, OperationKind.VOID, usd(70_00), sale_of(payment), TransactionStatus.RELEASED, sale_of(payment))
    assert payment.capturable_amount == usd(0)
    outside(payment, OperationKind.CAPTURE, usd(20_00), sale_of(payment))
    assert payment.capturable_amount == usd(0)
    assert payment.captured_amount == usd(50_00)


def test_a_void_takes_the_amount_of_what_it_releases() -> None:
    payment = an_authorized_payment()
    capture(payment, usd(30_00))
    assert void(payment).amount == usd(70_00)
    whole = a_captured_payment()
    started = void(whole)
    assert (started.amount, started.for_refund, started.note) == (usd(100_00), False, "")
    assert started.target_transaction_id == sale_of(whole)
    (event,) = [e for e in whole.new_events if isinstance(e, OperationStarted) and e.kind is OperationKind.VOID]
    assert (event.in_part, event.final) == (False, False)
    succeed(whole, started, TransactionStatus.VOIDED)
    assert whole.state is PaymentState.VOIDED
