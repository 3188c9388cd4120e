"""The effect of each event on a payment and its operations, and on its update time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import IllegalTransition, OutcomeConflict
from domain.events import OUTSIDE, EventContext, OperationSucceeded, PaymentCreated, PaymentTerms
from domain.instrument import Instrument, InstrumentKind
from domain.operation import FailureReason, Operation, OperationKind, OperationOrigin, OperationState
from domain.payment import Payment
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from domain.warning import MerchantWarning, WarningReason
from tests.domain.builders import (
    NO_FUNDS,
    NOON,
    STAMP,
    a_captured_payment,
    a_payment,
    a_request_id,
    a_settled_payment,
    a_started_payment,
    an_authorized_payment,
    an_operation_id,
    capture,
    move,
    start_refund,
    succeed,
    usd,
    void,
)

HOUR = timedelta(hours=1)
LATER = EventContext(NOON + HOUR, "bayar")
VISA = Instrument(InstrumentKind.CARD, last_four="1111")
DETAILS = GatewayDetails(status="processor_declined")
WARNINGS = (MerchantWarning(WarningReason.BILLING_ADDRESS_LEFT_OUT, "81813"),)


def succeed_later(payment: Payment, operation: Operation, instrument: Instrument | None = None) -> Operation:
    payment.succeed(
        operation.operation_id,
        amount=operation.amount,
        transaction_id="tx",
        standing=TransactionSnapshot(TransactionStatus.SUBMITTED),
        details=DETAILS,
        instrument=instrument,
        warnings=WARNINGS,
        context=LATER,
    )
    return payment.operation(operation.operation_id)


# The payment


def test_a_new_payment_shows_who_made_it_and_when() -> None:
    payment = a_payment()
    assert (payment.creator, payment.create_time, payment.update_time) == ("shop", NOON, NOON)
    assert (payment.operations, payment.instrument, payment.next_poll_time) == ((), None, None)
    assert [type(event) for event in payment.new_events] == [PaymentCreated]


def test_a_payment_that_is_loaded_was_changed_when_the_store_says() -> None:
    created = PaymentCreated(context=STAMP, terms=a_payment().terms)
    assert Payment(created).update_time == NOON
    assert Payment(created, update_time=NOON + HOUR).update_time == NOON + HOUR


def test_an_event_that_comes_late_does_not_set_the_time_back() -> None:
    payment = a_started_payment()
    payment.mark_outcome_unknown(payment.authorization.operation_id, "reset", context=LATER)
    assert payment.update_time == NOON + HOUR
    payment.mark_outcome_unknown(payment.authorization.operation_id, "reset", context=STAMP)
    assert payment.update_time == NOON + HOUR


def test_two_payments_are_the_same_by_all_that_happened() -> None:
    payment = a_captured_payment()
    same = Payment.replay(payment.new_events)
    assert same == payment
    other_terms: PaymentTerms = replace(payment.terms, reference="order 2")
    events = [PaymentCreated(context=STAMP, terms=other_terms), *payment.new_events[1:]]
    assert Payment.replay(events) != payment
    assert Payment.replay([replace(payment.new_events[0], context=LATER), *payment.new_events[1:]]) != payment
    same.instrument = VISA
    assert same != payment
    move(payment, TransactionStatus.SETTLED)
    assert Payment.replay(payment.new_events[:-1]) != payment
    assert payment != "a payment"
    with pytest.raises(TypeError):
        hash(payment)


def test_only_a_creation_begins_a_history() -> None:
    payment = a_started_payment()
    with pytest.raises(TypeError, match="begins"):
        Payment.replay(payment.new_events[1:])
    with pytest.raises(TypeError, match="once"):
        Payment.replay([payment.new_events[0], payment.new_events[0]])


def test_a_replayed_history_is_not_new() -> None:
    assert Payment.replay(a_started_payment().new_events).new_events == []


# Outcomes


def test_a_success_leaves_all_that_the_gateway_said() -> None:
    payment = a_started_payment()
    payment.schedule_check(payment.authorization.operation_id, NOON + HOUR)
    done = succeed_later(payment, payment.authorization, VISA)
    assert (done.details, done.warnings, done.finish_time, done.next_check_time) == (
        DETAILS,
        WARNINGS,
        NOON + HOUR,
        None,
    )
    assert payment.instrument == VISA
    assert payment.next_check_time is None


def test_the_instrument_stays_when_an_answer_names_none() -> None:
    payment = a_started_payment()
    succeed_later(payment, payment.authorization, VISA)
    move(payment, TransactionStatus.SETTLED, "tx")
    (refund,) = start_refund(payment, usd(1_00))
    payment.decline(refund.operation_id, NO_FUNDS, context=STAMP)
    (refund,) = start_refund(payment, usd(1_00))
    succeed(payment, refund, TransactionStatus.SUBMITTED, "back")
    assert payment.instrument == VISA


@pytest.mark.parametrize("reason", [FailureReason.NOT_FOUND_AT_GATEWAY, FailureReason.CLOSED_BY_ADMINISTRATOR])
def test_a_failure_that_was_wrong_leaves_nothing_behind(reason: FailureReason) -> None:
    payment = a_started_payment()
    payment.fail(payment.authorization.operation_id, reason, detail="nobody saw it", details=DETAILS, context=STAMP)
    failed = payment.authorization
    assert (failed.failure_detail, failed.details, failed.finish_time) == ("nobody saw it", DETAILS, NOON)
    done = succeed_later(payment, failed)
    assert (done.state, done.failure_reason, done.failure_detail) == (OperationState.SUCCEEDED, None, "")


def test_a_late_decline_leaves_nothing_of_the_failure() -> None:
    payment = a_started_payment()
    operation_id = payment.authorization.operation_id
    payment.fail(operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, detail="nobody saw it", context=STAMP)
    payment.decline(operation_id, NO_FUNDS, details=DETAILS, instrument=VISA, warnings=WARNINGS, context=LATER)
    declined = payment.authorization
    assert (declined.state, declined.failure_reason, declined.failure_detail) == (OperationState.DECLINED, None, "")
    assert (declined.decline, declined.details, declined.warnings) == (NO_FUNDS, DETAILS, WARNINGS)
    assert (declined.finish_time, payment.instrument) == (NOON + HOUR, VISA)


def test_a_decline_is_no_answer_to_what_was_closed_by_hand() -> None:
    payment = a_started_payment()
    payment.fail(payment.authorization.operation_id, FailureReason.CLOSED_BY_ADMINISTRATOR, context=STAMP)
    with pytest.raises(OutcomeConflict):
        payment.decline(payment.authorization.operation_id, NO_FUNDS, context=STAMP)


def test_no_outcome_is_looked_for_any_more_once_it_is_known() -> None:
    def looked_for() -> Payment:
        payment = a_started_payment()
        payment.schedule_check(payment.authorization.operation_id, NOON + HOUR)
        return payment

    failed, declined = looked_for(), looked_for()
    failed.fail(failed.authorization.operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, context=STAMP)
    declined.decline(declined.authorization.operation_id, NO_FUNDS, context=STAMP)
    assert [p.authorization.next_check_time for p in (failed, declined)] == [None, None]


def test_a_failure_of_what_waits_is_taken_and_one_of_what_is_done_is_not() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    payment.fail(waiting.operation_id, FailureReason.NO_LONGER_POSSIBLE, context=STAMP)
    assert payment.operation(waiting.operation_id).state is OperationState.FAILED
    with pytest.raises(OutcomeConflict):
        payment.fail(payment.authorization.operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, context=STAMP)


def test_an_unknown_outcome_after_a_known_one_changes_nothing() -> None:
    payment = a_captured_payment()
    (waiting,) = start_refund(payment, usd(10_00))
    before = list(payment.new_events)
    payment.mark_outcome_unknown(payment.authorization.operation_id, "reset", context=STAMP)
    payment.mark_outcome_unknown(waiting.operation_id, "reset", context=STAMP)
    assert payment.new_events == before


def test_looks_are_counted_only_when_they_found_nothing() -> None:
    payment = a_started_payment()
    operation_id = payment.authorization.operation_id
    for checked, count in [(False, 0), (True, 1), (False, 1), (True, 2)]:
        payment.schedule_check(operation_id, NOON + HOUR, checked=checked)
        assert payment.operation(operation_id).check_count == count
        assert payment.operation(operation_id).next_check_time == NOON + HOUR


# News


def test_news_is_another_standing_or_another_amount() -> None:
    payment = an_authorized_payment()
    transaction_id, held = payment.authorization.transaction_id, TransactionSnapshot(TransactionStatus.AUTHORIZED)
    assert not payment.apply_gateway_status(transaction_id, held, amount=usd(100_00), context=STAMP)
    assert payment.apply_gateway_status(transaction_id, held, amount=usd(80_00), context=STAMP)
    assert payment.authorized_amount == usd(80_00)
    assert payment.apply_gateway_status(
        transaction_id, replace(held, settle_time=NOON), amount=usd(80_00), context=STAMP
    )
    assert not payment.apply_gateway_status("unknown", held, amount=usd(80_00), context=STAMP)


def test_news_with_details_replaces_the_details() -> None:
    payment = a_captured_payment()
    transaction_id = payment.authorization.transaction_id
    settled = TransactionSnapshot(TransactionStatus.SETTLED)
    payment.apply_gateway_status(transaction_id, settled, amount=usd(100_00), details=DETAILS, context=STAMP)
    assert payment.authorization.details == DETAILS
    payment.apply_gateway_status(transaction_id, replace(settled, settle_time=NOON), amount=usd(100_00), context=STAMP)
    assert payment.authorization.details == DETAILS


def test_old_news_is_none() -> None:
    payment = a_settled_payment()
    transaction_id = payment.authorization.transaction_id
    submitted = TransactionSnapshot(TransactionStatus.SUBMITTED)
    assert not payment.apply_gateway_status(transaction_id, submitted, amount=usd(100_00), context=STAMP)
    assert payment.authorization.standing == TransactionSnapshot(TransactionStatus.SETTLED)


# Operations as they begin


def test_an_authorization_takes_the_amount_of_the_payment() -> None:
    payment = a_started_payment(usd(12_00))
    begun = payment.authorization
    assert (begun.amount, begun.state, begun.create_time, begun.start_count) == (
        usd(12_00),
        OperationState.STARTED,
        NOON,
        1,
    )
    assert (begun.in_part, begun.final, begun.for_refund, begun.was_scheduled) == (False, False, False, False)
    assert (begun.origin, begun.target_transaction_id, begun.note) == (OperationOrigin.SERVICE, "", "")


@pytest.mark.parametrize(
    ("captured", "amount", "final", "in_part"),
    [
        (0, None, False, False),
        (0, 100_00, False, False),
        (0, 100_00, True, False),
        (0, 99_99, False, True),
        (0, 99_99, True, False),
        (30_00, None, False, True),
        (30_00, 70_00, False, True),
        (30_00, 10_00, True, True),
    ],
)
def test_a_capture_is_a_part_unless_it_is_the_only_one(
    captured: int, amount: int | None, final: bool, in_part: bool
) -> None:
    payment = an_authorized_payment()
    if captured:
        capture(payment, usd(captured))
    asked = None if amount is None else usd(amount)
    begun = payment.capture(asked, an_operation_id(), a_request_id(), final=final, context=STAMP)
    assert (begun.in_part, begun.final) == (in_part, final)
    assert begun.amount == (usd(100_00 - captured) if asked is None else asked)
    assert begun.target_transaction_id == payment.authorization.transaction_id


def test_a_capture_releases_nothing_by_default() -> None:
    payment = an_authorized_payment()
    begun = payment.capture(usd(10_00), an_operation_id(), a_request_id(), context=STAMP)
    assert (begun.final, begun.in_part) == (False, True)


def test_a_second_authorization_needs_a_first_that_was_never_sent() -> None:
    payment = a_started_payment()
    payment.fail(payment.authorization.operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
    again = payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
    payment.fail(again.operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, context=STAMP)
    with pytest.raises(IllegalTransition) as refused:
        payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
    assert refused.value.operation is OperationKind.AUTHORIZE


def test_a_void_of_a_part_is_found_on_the_part() -> None:
    payment = an_authorized_payment()
    part = capture(payment, usd(30_00))
    (given_back,) = payment.plan_refund(usd(30_00))
    started = payment.start_refund_part(given_back, an_operation_id(), a_request_id(), context=STAMP)
    succeed(payment, started, TransactionStatus.VOIDED)
    standing = payment.operation(part.operation_id).standing
    assert standing is not None
    assert standing.status is TransactionStatus.VOIDED
    assert payment.is_captured_in_part
    assert payment.capturable_amount == usd(70_00)


def test_only_a_part_changes_where_the_authorization_stands() -> None:
    whole, parts = an_authorized_payment(), an_authorized_payment()
    capture(whole)
    capture(parts, usd(1_00))
    assert whole.authorization.standing == TransactionSnapshot(TransactionStatus.AUTHORIZED)
    assert parts.authorization.standing == TransactionSnapshot(TransactionStatus.PARTIALLY_CAPTURED)


def test_a_void_keeps_the_dates_of_what_it_releases() -> None:
    payment = a_started_payment()
    expires = NOON + 7 * HOUR
    succeed(payment, payment.authorization, TransactionStatus.AUTHORIZED, authorization_expire_time=expires)
    succeed(payment, void(payment), TransactionStatus.VOIDED)
    standing = payment.authorization.standing
    assert standing == TransactionSnapshot(TransactionStatus.VOIDED, authorization_expire_time=expires)
    assert isinstance(payment.new_events[-1], OperationSucceeded)


def test_an_external_actor_is_named_in_every_context() -> None:
    payment = an_authorized_payment()
    payment.record_outside(
        OperationKind.CAPTURE,
        an_operation_id(),
        amount=usd(100_00),
        transaction_id=payment.authorization.transaction_id,
        target_transaction_id=payment.authorization.transaction_id,
        standing=TransactionSnapshot(TransactionStatus.SUBMITTED),
        context=LATER,
    )
    assert payment.new_events[-1].context == EventContext(NOON + HOUR, OUTSIDE)
    assert payment.update_time == NOON + HOUR
