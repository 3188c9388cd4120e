"""Every movement of money once, at the gateway's time of it; their sums are the payment's amounts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from domain.dispute import DisputeKind, DisputeReason, DisputeReport, DisputeState
from domain.events import EventContext
from domain.money import Money
from domain.movement import Movement, MovementKind, dispute_movements
from domain.operation import OperationKind
from domain.payment import Payment
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.domain.builders import (
    NOON,
    STAMP,
    a_captured_payment,
    a_request_id,
    a_settled_payment,
    a_started_payment,
    adjust,
    an_authorized_payment,
    an_operation_id,
    capture,
    move,
    start_refund,
    succeed,
    usd,
    void,
)

DAY = timedelta(days=1)
CAPTURED, SETTLED = TransactionStatus.SUBMITTED, TransactionStatus.SETTLED


def moved(payment: Payment) -> list[tuple[MovementKind, int]]:
    return [(one.kind, one.amount.minor_units) for _, one in payment.new_movements]


def net(payment: Payment) -> int:
    return sum(one.amount.minor_units * one.kind.sign for _, one in payment.new_movements)


def times(payment: Payment) -> dict[MovementKind, datetime]:
    return {one.kind: one.time for _, one in payment.new_movements}


def test_a_hold_and_its_adjustments_and_its_void_move_no_money() -> None:
    payment = an_authorized_payment(usd(100_00))
    raised = adjust(payment, usd(120_00))
    succeed(payment, raised, TransactionStatus.AUTHORIZED, adjustment_count=1)
    succeed(payment, void(payment), TransactionStatus.VOIDED)
    assert moved(payment) == []


def test_a_capture_is_dated_at_the_gateways_time_of_it_and_not_at_the_time_of_its_record() -> None:
    payment = a_started_payment(usd(100_00))
    succeed(payment, payment.authorization, CAPTURED, capture_time=NOON - DAY)
    assert moved(payment) == [(MovementKind.CAPTURE, 100_00)]
    assert times(payment) == {MovementKind.CAPTURE: NOON - DAY}


def test_without_a_time_of_the_gateway_the_time_of_the_record_counts() -> None:
    assert times(a_captured_payment()) == {MovementKind.CAPTURE: NOON}


def test_an_adjusted_hold_is_captured_with_its_last_amount() -> None:
    payment = an_authorized_payment(usd(100_00))
    succeed(payment, adjust(payment, usd(120_00)), TransactionStatus.AUTHORIZED, adjustment_count=1)
    capture(payment)
    assert moved(payment) == [(MovementKind.CAPTURE, 120_00)]


def test_each_partial_capture_is_a_movement_and_the_released_rest_is_none() -> None:
    payment = an_authorized_payment(usd(100_00))
    capture(payment, usd(30_00))
    capture(payment, usd(20_00))
    succeed(payment, void(payment), TransactionStatus.VOIDED)
    assert moved(payment) == [(MovementKind.CAPTURE, 30_00), (MovementKind.CAPTURE, 20_00)]


def test_a_refund_carried_out_as_a_void_reverses_the_capture_at_the_time_of_the_void() -> None:
    payment = a_captured_payment(usd(100_00))
    (part,) = start_refund(payment)
    assert part.kind is OperationKind.VOID
    succeed(payment, part, TransactionStatus.VOIDED, end_time=NOON + DAY)
    assert moved(payment) == [(MovementKind.CAPTURE, 100_00), (MovementKind.CAPTURE_REVERSAL, 100_00)]
    assert times(payment)[MovementKind.CAPTURE_REVERSAL] == NOON + DAY
    assert net(payment) == 0


def test_a_void_that_came_too_late_moves_nothing_and_the_refund_in_its_place_moves_the_amount() -> None:
    from domain.operation import FailureReason

    payment = a_captured_payment(usd(100_00))
    (part,) = start_refund(payment)
    payment.fail(part.operation_id, FailureReason.GATEWAY_REFUSED_REQUEST, context=STAMP)
    move(payment, SETTLED)
    assert payment.convert_void_to_refund(part.operation_id, an_operation_id(), context=STAMP)
    waiting = payment.operations[-1]
    succeed(payment, payment.start_scheduled(waiting.operation_id, context=STAMP), CAPTURED, "tx of refund")
    assert moved(payment) == [
        (MovementKind.CAPTURE, 100_00),
        (MovementKind.SETTLEMENT, 100_00),
        (MovementKind.REFUND, 100_00),
    ]


def test_a_refund_that_fails_at_settlement_comes_back() -> None:
    payment = a_settled_payment(usd(100_00))
    (part,) = start_refund(payment, usd(40_00))
    succeed(payment, part, CAPTURED, "tx of refund", capture_time=NOON + DAY)
    move(payment, TransactionStatus.SETTLEMENT_DECLINED, "tx of refund", end_time=NOON + 2 * DAY)
    assert moved(payment)[2:] == [(MovementKind.REFUND, 40_00), (MovementKind.REFUND_REVERSAL, 40_00)]
    assert times(payment)[MovementKind.REFUND] == NOON + DAY
    assert times(payment)[MovementKind.REFUND_REVERSAL] == NOON + 2 * DAY


def test_a_capture_refused_at_settlement_is_reversed() -> None:
    payment = a_captured_payment(usd(100_00))
    move(payment, TransactionStatus.SETTLEMENT_DECLINED)
    assert moved(payment) == [(MovementKind.CAPTURE, 100_00), (MovementKind.CAPTURE_REVERSAL, 100_00)]


def test_settlement_and_payout_are_movements_that_change_no_amount() -> None:
    payment = a_captured_payment(Money(15_000, "IDR"))
    move(payment, SETTLED, settle_time=NOON + DAY, settlement_batch_id="2026-05-02_idr_1")
    move(
        payment,
        SETTLED,
        settle_time=NOON + DAY,
        settlement_batch_id="2026-05-02_idr_1",
        disburse_date=date(2026, 5, 4),
        settlement_amount=usd(95),
    )
    _, settlement, payout = [one for _, one in payment.new_movements]
    assert (settlement.kind, settlement.time) == (MovementKind.SETTLEMENT, NOON + DAY)
    assert settlement.settlement_batch_id == "2026-05-02_idr_1"
    assert (payout.kind, payout.amount, payout.payout_amount) == (MovementKind.PAYOUT, Money(15_000, "IDR"), usd(95))
    assert payout.time == datetime(2026, 5, 4, 12, tzinfo=UTC)
    assert net(payment) == 15_000


def test_money_that_was_refused_after_its_payout_stays_paid_out() -> None:
    payment = a_settled_payment()
    move(payment, SETTLED, disburse_date=date(2026, 5, 4))
    move(payment, TransactionStatus.SETTLEMENT_DECLINED, disburse_date=date(2026, 5, 4))
    assert [kind for kind, _ in moved(payment)] == [
        MovementKind.CAPTURE,
        MovementKind.SETTLEMENT,
        MovementKind.PAYOUT,
        MovementKind.CAPTURE_REVERSAL,
        MovementKind.SETTLEMENT_REVERSAL,
    ]


def test_another_amount_at_the_gateway_moves_the_difference() -> None:
    payment = a_captured_payment(usd(100_00))
    tx = payment.authorization.transaction_id
    payment.apply_gateway_status(tx, TransactionSnapshot(SETTLED), amount=usd(90_00), context=STAMP)
    assert moved(payment) == [
        (MovementKind.CAPTURE, 100_00),
        (MovementKind.SETTLEMENT, 90_00),
        (MovementKind.CAPTURE_REVERSAL, 10_00),
    ] or moved(payment) == [
        (MovementKind.CAPTURE, 100_00),
        (MovementKind.CAPTURE_REVERSAL, 10_00),
        (MovementKind.SETTLEMENT, 90_00),
    ]
    assert net(payment) == payment.captured_amount.minor_units


def test_a_refund_of_somebody_else_that_is_found_in_the_next_month_has_its_own_date() -> None:
    payment = a_settled_payment(usd(100_00))
    made, found = NOON + DAY, NOON + 40 * DAY
    payment.record_outside(
        OperationKind.REFUND,
        an_operation_id(),
        amount=usd(25_00),
        transaction_id="tx of refund",
        target_transaction_id=payment.authorization.transaction_id,
        standing=TransactionSnapshot(CAPTURED, capture_time=made),
        context=EventContext(found, "shop"),
    )
    assert times(payment)[MovementKind.REFUND] == made


def test_a_repeated_status_moves_nothing_twice() -> None:
    payment = a_settled_payment()
    before = moved(payment)
    assert not move(payment, SETTLED, capture_time=NOON)
    assert moved(payment) == before


def test_authorizing_again_after_a_failure_moves_money_once() -> None:
    from domain.operation import FailureReason

    payment = a_started_payment()
    payment.fail(payment.authorization.operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
    payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
    succeed(payment, payment.authorization, CAPTURED)
    assert [kind for kind, _ in moved(payment)] == [MovementKind.CAPTURE]


def a_report(state: DisputeState, *, kind: DisputeKind = DisputeKind.CHARGEBACK, cents: int = 30_00) -> DisputeReport:
    return DisputeReport(
        gateway_dispute_id="dp",
        transaction_id="tx1",
        kind=kind,
        state=state,
        reason=DisputeReason.FRAUD,
        amount=usd(cents),
        change_time=NOON + 3 * DAY,
        receive_time=NOON,
        open_time=NOON + DAY,
        state_time=NOON + 2 * DAY,
    )


def booked_after(*reports: DisputeReport) -> list[Movement]:
    booked: list[Movement] = []
    for report in reports:
        booked += dispute_movements(report, booked, dispute_id="dis", first_report=report is reports[0])
    return booked


def in_short(movements: list[Movement]) -> list[tuple[MovementKind, int, datetime]]:
    return [(one.kind, one.amount.minor_units, one.time) for one in movements]


def test_a_dispute_takes_the_money_when_it_is_opened_and_returns_it_when_it_is_won() -> None:
    booked = booked_after(a_report(DisputeState.OPEN), a_report(DisputeState.UNDER_REVIEW), a_report(DisputeState.WON))
    assert in_short(booked) == [
        (MovementKind.DISPUTE, 30_00, NOON + DAY),
        (MovementKind.DISPUTE_REVERSAL, 30_00, NOON + 2 * DAY),
    ]
    assert {(one.transaction_id, one.dispute_id) for one in booked} == {("tx1", "dis")}


def test_a_dispute_first_seen_as_won_has_both_movements() -> None:
    assert [kind for kind, _, _ in in_short(booked_after(a_report(DisputeState.WON)))] == [
        MovementKind.DISPUTE,
        MovementKind.DISPUTE_REVERSAL,
    ]


def test_a_dispute_won_after_it_was_lost_and_lost_again_moves_the_money_each_time() -> None:
    course = (DisputeState.LOST, DisputeState.WON, DisputeState.LOST)
    assert [kind for kind, _, _ in in_short(booked_after(*map(a_report, course)))] == [
        MovementKind.DISPUTE,
        MovementKind.DISPUTE_REVERSAL,
        MovementKind.DISPUTE,
    ]


def test_a_retrieval_takes_nothing_until_it_becomes_a_chargeback() -> None:
    asked = a_report(DisputeState.OPEN, kind=DisputeKind.RETRIEVAL)
    assert booked_after(asked) == []
    booked = booked_after(asked, a_report(DisputeState.OPEN))
    assert in_short(booked) == [(MovementKind.DISPUTE, 30_00, NOON + 2 * DAY)]


def test_another_disputed_amount_moves_the_difference() -> None:
    booked = booked_after(a_report(DisputeState.OPEN), a_report(DisputeState.OPEN, cents=20_00))
    assert in_short(booked)[1:] == [(MovementKind.DISPUTE_REVERSAL, 10_00, NOON + 2 * DAY)]


def test_accepting_a_dispute_moves_nothing_more() -> None:
    assert len(booked_after(a_report(DisputeState.OPEN), a_report(DisputeState.ACCEPTED))) == 1
