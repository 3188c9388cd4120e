"""Amounts and states of a payment on every path, and the effect of late or repeated outcomes."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from domain.decline import CATALOGUE, DeclineReason
from domain.errors import AmountExceeds, IllegalTransition, OutcomeConflict
from domain.events import (
    DifferenceRepaired,
    GatewayStatusChanged,
    OperationDeclined,
    OperationFailed,
    OperationScheduled,
    OperationStarted,
    OperationSucceeded,
    OutcomeUnknown,
    PaymentCreated,
)
from domain.instrument import Instrument, InstrumentKind
from domain.money import CurrencyMismatch, Money
from domain.operation import FailureReason, OperationKind, OperationState
from domain.operation_log import Funds
from domain.payment import Payment, RefundPart
from domain.payment_state import PaymentState
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from tests.domain.builders import (
    NO_FUNDS,
    NOON,
    STAMP,
    a_captured_payment,
    a_payment_in,
    a_request_id,
    a_settled_payment,
    a_started_payment,
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

# Where the money is


@pytest.mark.parametrize(
    ("state", "funds"),
    [
        (PaymentState.PENDING, Funds.UNKNOWN),
        (PaymentState.AUTHORIZED, Funds.HELD),
        (PaymentState.CAPTURED, Funds.CAPTURED),
        (PaymentState.SETTLED, Funds.SETTLED),
        (PaymentState.DECLINED, Funds.NONE),
        (PaymentState.FAILED, Funds.NONE),
        (PaymentState.VOIDED, Funds.RETURNED),
        (PaymentState.EXPIRED, Funds.RETURNED),
        (PaymentState.SETTLEMENT_DECLINED, Funds.NONE),
    ],
    ids=lambda part: part.value,
)
def test_each_state_says_where_the_money_is(state: PaymentState, funds: Funds) -> None:
    assert a_payment_in(state).funds is funds


def test_a_pending_capture_still_holds_the_money() -> None:
    payment = an_authorized_payment()
    payment.capture(None, an_operation_id(), a_request_id(), context=STAMP)
    assert (payment.state, payment.funds) == (PaymentState.PENDING, Funds.HELD)
    assert payment.is_live


@pytest.mark.parametrize("ended", [TransactionStatus.VOIDED, TransactionStatus.RELEASED, TransactionStatus.EXPIRED])
def test_funds_are_not_returned_while_a_capture_is_under_way(ended: TransactionStatus) -> None:
    payment = an_authorized_payment()
    payment.capture(None, an_operation_id(), a_request_id(), context=STAMP)
    move(payment, ended)
    assert (payment.state, payment.funds, payment.is_live) == (PaymentState.PENDING, Funds.HELD, True)


def test_a_part_whose_capture_is_not_known_yet_still_holds_the_money() -> None:
    payment = an_authorized_payment()
    payment.capture(usd(40_00), an_operation_id(), a_request_id(), context=STAMP)
    move(payment, TransactionStatus.PARTIALLY_CAPTURED)
    assert (payment.state, payment.funds) == (PaymentState.PENDING, Funds.HELD)
    assert payment.is_live


def test_a_capturable_rest_is_held_even_when_every_capture_was_refunded() -> None:
    payment = an_authorized_payment()
    part = capture(payment, usd(40_00))
    move(payment, TransactionStatus.SETTLED, part.transaction_id)
    refund(payment)
    assert (payment.refunded_amount, payment.capturable_amount) == (usd(40_00), usd(60_00))
    assert payment.funds is Funds.HELD
    assert payment.is_live


def test_a_part_that_was_voided_leaves_the_rest_held() -> None:
    payment = an_authorized_payment()
    capture(payment, usd(40_00))
    refund(payment)
    assert (payment.captured_amount, payment.capturable_amount) == (usd(0), usd(60_00))
    assert (payment.state, payment.funds) == (PaymentState.AUTHORIZED, Funds.HELD)
    assert payment.is_live
    capture(payment)
    refund(payment)
    assert (payment.state, payment.funds, payment.is_live) == (PaymentState.VOIDED, Funds.RETURNED, False)


def test_a_payout_makes_settled_funds_disbursed() -> None:
    payment = a_settled_payment()
    move(payment, TransactionStatus.SETTLED, settle_time=NOON, disburse_date=date(2026, 5, 3))
    assert (payment.funds, payment.settle_time, payment.disburse_date) == (Funds.DISBURSED, NOON, date(2026, 5, 3))


def test_a_payment_refunded_whole_frees_its_reference() -> None:
    payment = a_settled_payment()
    refund(payment, usd(40_00))
    assert (payment.funds, payment.is_live) == (Funds.SETTLED, True)
    refund(payment)
    assert (payment.state, payment.funds, payment.is_live) == (PaymentState.SETTLED, Funds.RETURNED, False)


def test_a_refund_that_the_bank_turns_back_counts_no_more() -> None:
    payment = a_settled_payment()
    (credit,) = refund(payment)
    move(payment, TransactionStatus.SETTLEMENT_DECLINED, credit.transaction_id)
    assert payment.refunded_amount == usd(0)
    assert payment.refundable_amount == usd(100_00)
    assert payment.is_live


def test_settlement_is_reported_once_all_parts_have_settled() -> None:
    payment = an_authorized_payment()
    first, second = capture(payment, usd(30_00)), capture(payment, usd(70_00))
    move(payment, TransactionStatus.SETTLED, first.transaction_id, settle_time=NOON)
    assert (payment.state, payment.settle_time) == (PaymentState.CAPTURED, None)
    later = NOON + timedelta(days=1)
    move(payment, TransactionStatus.SETTLED, second.transaction_id, settle_time=later)
    assert (payment.state, payment.settle_time) == (PaymentState.SETTLED, later)
    assert payment.disburse_date is None


# Captures


def test_a_whole_capture_is_the_authorized_transaction_itself() -> None:
    payment = an_authorized_payment()
    operation = capture(payment)
    assert not operation.in_part
    assert operation.transaction_id == payment.authorization.transaction_id
    assert payment.captured_amount == usd(100_00)
    assert payment.capturable_amount == usd(0)


def test_an_adjustment_by_others_that_is_recorded_during_a_capture_came_before_it() -> None:
    payment = an_authorized_payment(usd(100))
    transaction_id = payment.authorization.transaction_id
    capture = payment.capture(None, an_operation_id(), a_request_id(), context=STAMP)
    payment.record_outside(
        OperationKind.ADJUST,
        an_operation_id(),
        amount=usd(150),
        transaction_id=transaction_id,
        target_transaction_id=transaction_id,
        standing=TransactionSnapshot(TransactionStatus.AUTHORIZED, adjustment_count=1),
        context=STAMP,
    )
    assert payment.authorized_amount == usd(150)
    succeed(payment, capture, TransactionStatus.SUBMITTED)
    assert payment.latest_on(transaction_id) == payment.operation(capture.operation_id)
    assert (payment.state, payment.funds) == (PaymentState.CAPTURED, Funds.CAPTURED)
    assert (payment.captured_amount, payment.capturable_amount) == (usd(100), usd(0))
    assert [movement.amount for _, movement in payment.new_movements] == [usd(100)]


def test_partial_captures_are_transactions_of_their_own_and_add_up() -> None:
    payment = an_authorized_payment()
    parts = [capture(payment, usd(30_00)), capture(payment, usd(50_00)), capture(payment)]
    assert all(part.in_part for part in parts)
    assert [part.amount for part in parts] == [usd(30_00), usd(50_00), usd(20_00)]
    assert payment.captured_amount == usd(100_00)
    assert payment.authorization_standing is not None
    assert payment.authorization_standing.status is TransactionStatus.PARTIALLY_CAPTURED
    with pytest.raises(IllegalTransition):
        payment.capture(usd(1), an_operation_id(), a_request_id(), context=STAMP)


def test_a_final_capture_releases_the_rest() -> None:
    payment = an_authorized_payment()
    operation = capture(payment, usd(30_00), final=True)
    assert not operation.in_part
    assert payment.captured_amount == usd(30_00)
    assert payment.capturable_amount == usd(0)


def test_a_final_capture_after_a_part_releases_the_rest() -> None:
    payment = an_authorized_payment()
    capture(payment, usd(30_00))
    operation = capture(payment, usd(20_00), final=True)
    assert (operation.in_part, operation.final) == (True, True)
    assert payment.captured_amount == usd(50_00)
    assert payment.capturable_amount == usd(0)
    assert payment.authorization.transaction_id not in payment.awaited_transactions


def test_more_than_is_left_is_not_captured() -> None:
    payment = an_authorized_payment()
    capture(payment, usd(30_00))
    with pytest.raises(AmountExceeds) as refusal:
        payment.capture(usd(70_01), an_operation_id(), a_request_id(), context=STAMP)
    assert (refusal.value.asked, refusal.value.available) == (usd(70_01), usd(70_00))
    assert payment.captured_amount == usd(30_00)


def test_a_capture_in_another_currency_is_refused() -> None:
    with pytest.raises(CurrencyMismatch):
        an_authorized_payment().capture(Money(1, "JPY"), an_operation_id(), a_request_id(), context=STAMP)


def test_a_declined_capture_leaves_the_money_held() -> None:
    payment = an_authorized_payment()
    operation = payment.capture(None, an_operation_id(), a_request_id(), context=STAMP)
    payment.decline(operation.operation_id, NO_FUNDS, context=STAMP)
    assert (payment.state, payment.capturable_amount) == (PaymentState.AUTHORIZED, usd(100_00))


# Voids


def test_a_failed_void_leaves_the_payment_as_it_was() -> None:
    payment = a_captured_payment()
    operation = void(payment)
    payment.fail(operation.operation_id, FailureReason.GATEWAY_REFUSED_REQUEST, detail="91504", context=STAMP)
    assert (payment.state, payment.captured_amount) == (PaymentState.CAPTURED, usd(100_00))


def test_a_void_drops_the_refunds_that_wait_for_settlement() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    succeed(payment, void(payment), TransactionStatus.VOIDED)
    dropped = payment.operation(waiting.operation_id)
    assert (dropped.state, dropped.failure_reason) == (OperationState.FAILED, FailureReason.NO_LONGER_POSSIBLE)
    assert payment.state is PaymentState.VOIDED
    assert payment.is_at_rest


def test_a_settlement_that_is_refused_drops_the_refunds_that_wait_for_it() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    move(payment, TransactionStatus.SETTLEMENT_DECLINED)
    assert payment.operation(waiting.operation_id).failure_reason is FailureReason.NO_LONGER_POSSIBLE


def test_a_part_that_is_refused_at_settlement_leaves_the_rest_to_capture_or_release() -> None:
    payment = an_authorized_payment()
    part = capture(payment, usd(30_00))
    move(payment, TransactionStatus.SETTLEMENT_DECLINED, part.transaction_id)
    assert (payment.state, payment.funds) == (PaymentState.AUTHORIZED, Funds.HELD)
    assert payment.capturable_amount == usd(70_00)
    succeed(payment, void(payment), TransactionStatus.VOIDED)
    assert (payment.state, payment.funds) == (PaymentState.SETTLEMENT_DECLINED, Funds.NONE)


# How a refund is planned

PlanCase = tuple[Callable[[], Payment], Money | None, list[tuple[OperationKind, int, bool]]]


def two_captures(*settled: int) -> Payment:
    payment = an_authorized_payment()
    parts = [capture(payment, usd(30_00)), capture(payment, usd(70_00))]
    for index in settled:
        move(payment, TransactionStatus.SETTLED, parts[index].transaction_id)
    return payment


PLANS: dict[str, PlanCase] = {
    "the whole of what has not settled is voided": (a_captured_payment, None, [(OperationKind.VOID, 100_00, False)]),
    "a part of what has not settled waits": (a_captured_payment, usd(1), [(OperationKind.REFUND, 1, True)]),
    "what has settled is refunded": (a_settled_payment, None, [(OperationKind.REFUND, 100_00, False)]),
    "a part of what has settled is refunded": (a_settled_payment, usd(1), [(OperationKind.REFUND, 1, False)]),
    "the oldest capture goes first": (
        lambda: two_captures(0, 1),
        usd(50_00),
        [(OperationKind.REFUND, 30_00, False), (OperationKind.REFUND, 20_00, False)],
    ),
    "each capture by its own means": (
        lambda: two_captures(0),
        usd(100_00),
        [(OperationKind.REFUND, 30_00, False), (OperationKind.VOID, 70_00, False)],
    ),
    "a capture voided whole, a part of the next waits": (
        two_captures,
        usd(31_00),
        [(OperationKind.VOID, 30_00, False), (OperationKind.REFUND, 1_00, True)],
    ),
}


@pytest.mark.parametrize(("make", "amount", "parts"), PLANS.values(), ids=PLANS)
def test_a_refund_plan(
    make: Callable[[], Payment], amount: Money | None, parts: list[tuple[OperationKind, int, bool]]
) -> None:
    plan = make().plan_refund(amount)
    assert [(part.kind, part.amount.minor_units, part.must_wait) for part in plan] == parts


def test_a_settling_payment_is_neither_voided_nor_scheduled() -> None:
    payment = a_captured_payment()
    move(payment, TransactionStatus.SETTLING)
    assert payment.plan_refund(None) == [
        RefundPart(OperationKind.REFUND, payment.authorization.transaction_id, usd(100_00), must_wait=False)
    ]


def test_a_capture_that_was_refunded_in_part_is_not_voided() -> None:
    payment = a_captured_payment()
    start_refund(payment, usd(10_00))
    (rest,) = payment.plan_refund(None)
    assert (rest.kind, rest.amount, rest.must_wait) == (OperationKind.REFUND, usd(90_00), True)


def test_refunds_under_way_and_waiting_count_as_spent() -> None:
    for payment in (a_settled_payment(), a_captured_payment()):
        start_refund(payment, usd(60_00))
        assert payment.refund_pending_amount == usd(60_00)
        assert payment.refundable_amount == usd(40_00)
        with pytest.raises(AmountExceeds) as refusal:
            start_refund(payment, usd(40_01))
        assert refusal.value.available == usd(40_00)


def test_a_refund_that_was_declined_or_failed_can_be_asked_for_again() -> None:
    payment = a_settled_payment()
    (first,) = start_refund(payment)
    payment.decline(first.operation_id, CATALOGUE[DeclineReason.REFUND_REFUSED], context=STAMP)
    (second,) = start_refund(payment)
    payment.fail(second.operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
    assert payment.refundable_amount == usd(100_00)
    refund(payment)
    with pytest.raises(IllegalTransition):
        start_refund(payment, usd(1))


def test_a_void_under_way_counts_as_spent() -> None:
    payment = a_captured_payment()
    void(payment)
    assert payment.refundable_amount == usd(0)


# Scheduled refunds


def test_a_scheduled_refund_starts_under_its_own_id_and_keeps_its_request() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    assert not payment.is_refundable_now(waiting.target_transaction_id)
    move(payment, TransactionStatus.SETTLED)
    assert payment.is_refundable_now(waiting.target_transaction_id)
    started = payment.start_scheduled(waiting.operation_id, context=STAMP)
    assert (started.state, started.operation_id, started.request_id) == (
        OperationState.STARTED,
        waiting.operation_id,
        waiting.request_id,
    )
    succeed(payment, started, TransactionStatus.SUBMITTED, "credit")
    assert (payment.refunded_amount, payment.refund_pending_amount) == (usd(10_00), usd(0))


def test_a_refund_starts_once_from_its_schedule() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    payment.start_scheduled(waiting.operation_id, context=STAMP)
    with pytest.raises(OutcomeConflict):
        payment.start_scheduled(waiting.operation_id, context=STAMP)


def test_only_a_scheduled_refund_under_way_is_postponed() -> None:
    payment = a_settled_payment()
    (operation,) = start_refund(payment)
    with pytest.raises(OutcomeConflict):
        payment.postpone(operation.operation_id, context=STAMP)


# Outcomes: repeated, late, contradicting


def outcomes(payment: Payment) -> dict[str, Callable[[], None]]:
    operation = payment.authorization
    return {
        "success": lambda: succeed(payment, operation, TransactionStatus.AUTHORIZED),
        "decline": lambda: payment.decline(operation.operation_id, NO_FUNDS, context=STAMP),
        "failure": lambda: payment.fail(operation.operation_id, FailureReason.GATEWAY_REFUSED_REQUEST, context=STAMP),
    }


@pytest.mark.parametrize("first", ["success", "decline", "failure"])
def test_an_outcome_told_twice_changes_nothing(first: str) -> None:
    payment = a_started_payment()
    tell = outcomes(payment)[first]
    tell()
    operations, events = payment.operations, len(payment.new_events)
    tell()
    assert (payment.operations, len(payment.new_events)) == (operations, events)


@pytest.mark.parametrize("first", ["success", "decline", "failure"])
@pytest.mark.parametrize("second", ["success", "decline", "failure"])
def test_a_contradicting_outcome_is_refused(first: str, second: str) -> None:
    if first == second:
        return
    payment = a_started_payment()
    outcomes(payment)[first]()
    before = payment.operations
    with pytest.raises(OutcomeConflict) as refusal:
        outcomes(payment)[second]()
    assert refusal.value.recorded is payment.authorization.state
    assert payment.operations == before


@pytest.mark.parametrize("reason", FailureReason, ids=lambda reason: reason.value)
def test_a_late_success_replaces_only_an_uncertain_failure(reason: FailureReason) -> None:
    payment = a_started_payment()
    payment.fail(payment.authorization.operation_id, reason, context=STAMP)
    if reason in (FailureReason.NOT_FOUND_AT_GATEWAY, FailureReason.CLOSED_BY_ADMINISTRATOR):
        succeed(payment, payment.authorization, TransactionStatus.AUTHORIZED)
        assert payment.state is PaymentState.AUTHORIZED
        assert payment.authorization.failure_reason is None
    else:
        with pytest.raises(OutcomeConflict):
            succeed(payment, payment.authorization, TransactionStatus.AUTHORIZED)


def test_a_late_decline_replaces_a_failure_that_meant_not_found() -> None:
    payment = a_started_payment()
    payment.fail(payment.authorization.operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, context=STAMP)
    payment.decline(payment.authorization.operation_id, NO_FUNDS, context=STAMP)
    assert (payment.state, payment.final_decline) == (PaymentState.DECLINED, NO_FUNDS)


def test_a_scheduled_operation_has_no_outcome() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    with pytest.raises(OutcomeConflict):
        succeed(payment, waiting, TransactionStatus.SUBMITTED, "credit")
    with pytest.raises(OutcomeConflict):
        payment.decline(waiting.operation_id, NO_FUNDS, context=STAMP)


def test_an_unknown_outcome_leaves_the_operation_started_and_is_remembered() -> None:
    payment = a_started_payment()
    payment.mark_outcome_unknown(payment.authorization.operation_id, "timed out", context=STAMP)
    assert payment.state is PaymentState.PENDING
    assert isinstance(payment.new_events[-1], OutcomeUnknown)
    succeed(payment, payment.authorization, TransactionStatus.AUTHORIZED)
    payment.mark_outcome_unknown(payment.authorization.operation_id, "timed out", context=STAMP)
    assert isinstance(payment.new_events[-1], OperationSucceeded)


def test_an_operation_of_another_payment_is_unknown() -> None:
    with pytest.raises(KeyError):
        a_started_payment().operation(an_operation_id())


# Status changes by the gateway


def test_news_about_a_transaction_is_reported_once() -> None:
    payment = a_captured_payment()
    assert move(payment, TransactionStatus.SETTLED)
    assert not move(payment, TransactionStatus.SETTLED)
    assert [type(event) for event in payment.new_events][-1:] == [GatewayStatusChanged]
    assert not payment.apply_gateway_status(
        "unknown", TransactionSnapshot(TransactionStatus.SETTLED), amount=usd(1), context=STAMP
    )


def test_news_without_details_keeps_the_details() -> None:
    payment = a_started_payment()
    payment.succeed(
        payment.authorization.operation_id,
        amount=usd(100_00),
        transaction_id="tx",
        standing=TransactionSnapshot(TransactionStatus.SUBMITTED),
        details=GatewayDetails(transaction_id="tx", processor_response_code="1000"),
        context=STAMP,
    )
    move(payment, TransactionStatus.SETTLED)
    assert payment.authorization.details.processor_response_code == "1000"


def test_a_settled_payment_rests_and_a_captured_one_does_not() -> None:
    captured = a_captured_payment()
    assert captured.awaited_transactions == [captured.authorization.transaction_id]
    assert not captured.is_at_rest
    assert a_settled_payment().is_at_rest
    assert a_payment_in(PaymentState.VOIDED).is_at_rest
    assert not a_payment_in(PaymentState.AUTHORIZED).is_at_rest


def test_a_gateway_that_authorizes_less_is_believed() -> None:
    payment = a_started_payment()
    payment.succeed(
        payment.authorization.operation_id,
        amount=usd(60_00),
        transaction_id="tx",
        standing=TransactionSnapshot(TransactionStatus.AUTHORIZED),
        context=STAMP,
    )
    assert (payment.authorized_amount, payment.capturable_amount) == (usd(60_00), usd(60_00))


def test_an_old_answer_takes_nothing_back() -> None:
    payment = a_captured_payment()
    assert not move(payment, TransactionStatus.AUTHORIZED)
    move(payment, TransactionStatus.SETTLED)
    assert not move(payment, TransactionStatus.SUBMITTED)
    assert payment.state is PaymentState.SETTLED
    voided = a_payment_in(PaymentState.VOIDED)
    assert not move(voided, TransactionStatus.SUBMITTED)
    assert voided.state is PaymentState.VOIDED


def test_a_declined_settlement_shows_the_reason() -> None:
    decline = a_payment_in(PaymentState.SETTLEMENT_DECLINED).final_decline
    assert decline is CATALOGUE[DeclineReason.SETTLEMENT_DECLINED]


# The history


def test_every_step_is_an_event_and_the_history_is_the_payment() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    payment.record_discrepancy(payment.authorization.operation_id, "status", "submitted", "settled", context=STAMP)
    move(payment, TransactionStatus.SETTLED)
    payment.start_scheduled(waiting.operation_id, context=STAMP)
    payment.mark_outcome_unknown(waiting.operation_id, "reset", context=STAMP)
    payment.postpone(waiting.operation_id, context=STAMP)
    payment.start_scheduled(waiting.operation_id, context=STAMP)
    payment.decline(waiting.operation_id, NO_FUNDS, context=STAMP)
    (again,) = start_refund(payment, usd(10_00))
    payment.fail(again.operation_id, FailureReason.GATEWAY_REFUSED_REQUEST, context=STAMP)
    assert [type(event) for event in payment.new_events] == [
        PaymentCreated,
        OperationStarted,
        OperationSucceeded,
        OperationScheduled,
        DifferenceRepaired,
        GatewayStatusChanged,
        OperationStarted,
        OutcomeUnknown,
        OperationScheduled,
        OperationStarted,
        OperationDeclined,
        OperationStarted,
        OperationFailed,
    ]
    assert Payment.replay(payment.new_events) == payment


def test_a_history_begins_with_the_creation_and_has_only_one() -> None:
    payment = a_started_payment()
    with pytest.raises(TypeError):
        Payment.replay(payment.new_events[1:])
    with pytest.raises(TypeError):
        Payment.replay([*payment.new_events, payment.new_events[0]])


def test_a_decline_keeps_the_card_that_was_declined() -> None:
    payment = a_started_payment()
    card = Instrument(InstrumentKind.CARD, last_four="1111")
    payment.decline(payment.authorization.operation_id, NO_FUNDS, instrument=card, context=STAMP)
    assert payment.instrument == card
    assert Payment.replay(payment.new_events) == payment


def test_checks_that_find_nothing_are_counted_and_are_no_history() -> None:
    payment = a_started_payment()
    events = len(payment.new_events)
    operation_id = payment.authorization.operation_id
    payment.schedule_check(operation_id, NOON)
    payment.schedule_check(operation_id, NOON, checked=True)
    assert (payment.next_check_time, payment.authorization.check_count) == (NOON, 1)
    assert len(payment.new_events) == events
    succeed(payment, payment.authorization, TransactionStatus.AUTHORIZED)
    assert payment.next_check_time is None


def test_the_result_of_a_request_is_its_last_attempt() -> None:
    payment = a_settled_payment()
    request_id = a_request_id()
    part = payment.plan_refund(usd(1))[0]
    first = payment.start_refund_part(part, an_operation_id(), request_id, context=STAMP)
    payment.fail(first.operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
    assert [o.operation_id for o in payment.operations_of(request_id)] == [first.operation_id]
    second = payment.start_refund_part(part, an_operation_id(), request_id, context=STAMP)
    assert [o.operation_id for o in payment.operations_of(request_id)] == [second.operation_id]
