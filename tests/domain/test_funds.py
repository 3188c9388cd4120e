"""Amounts, dates and funds that follow from the operations of a payment."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.decline import CATALOGUE, DeclineReason
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationState
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.transaction import TransactionSnapshot, TransactionStatus
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
)

DAY = timedelta(days=1)
FIRST, SECOND = date(2026, 5, 3), date(2026, 5, 4)


def two_parts() -> tuple[Payment, Operation, Operation]:
    """100.00, captured as 60.00 and 40.00."""
    payment = an_authorized_payment()
    first, second = capture(payment, usd(60_00)), capture(payment, usd(40_00))
    return payment, first, second


def settle(payment: Payment, operation: Operation, **standing: object) -> None:
    move(payment, TransactionStatus.SETTLED, operation.transaction_id, **standing)


# The authorization


def test_only_the_latest_attempt_to_authorize_counts() -> None:
    payment = a_started_payment()
    payment.fail(payment.authorization.operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
    second = payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
    assert payment.authorization == second
    assert payment.state is PaymentState.PENDING


@pytest.mark.parametrize("state", [PaymentState.PENDING, PaymentState.DECLINED, PaymentState.FAILED])
def test_without_an_authorization_there_is_nothing(state: PaymentState) -> None:
    payment = a_payment_in(state)
    zero = usd(0)
    assert payment.authorization_standing is None
    assert payment.authorized_amount == payment.captured_amount == payment.capturable_amount == zero
    assert payment.refundable_amount == payment.refunded_amount == payment.refund_pending_amount == zero
    assert not payment.is_captured_in_part
    assert payment.transaction_ids == payment.awaited_transactions == payment.refundable_transactions == []


def test_a_full_capture_leaves_no_capturable_amount() -> None:
    payment = an_authorized_payment()
    assert (payment.authorized_amount, payment.capturable_amount) == (usd(100_00), usd(100_00))
    capture(payment)
    assert (payment.captured_amount, payment.capturable_amount) == (usd(100_00), usd(0))


def test_a_capture_that_failed_leaves_its_amount() -> None:
    payment = an_authorized_payment()
    part = payment.capture(usd(30_00), an_operation_id(), a_request_id(), final=True, context=STAMP)
    assert payment.capturable_amount == usd(0)
    payment.fail(part.operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
    assert payment.capturable_amount == usd(100_00)


@pytest.mark.parametrize("status", [TransactionStatus.VOIDED, TransactionStatus.EXPIRED])
def test_a_capture_that_failed_does_not_hide_the_end_of_the_hold(status: TransactionStatus) -> None:
    payment = an_authorized_payment()
    failed = payment.capture(None, an_operation_id(), a_request_id(), context=STAMP)
    payment.fail(failed.operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
    move(payment, status)
    assert payment.state is (PaymentState.VOIDED if status is TransactionStatus.VOIDED else PaymentState.EXPIRED)
    assert payment.funds is Funds.RETURNED


def test_more_captured_than_was_held_leaves_nothing_and_not_less() -> None:
    payment = an_authorized_payment()
    part = payment.capture(usd(60_00), an_operation_id(), a_request_id(), context=STAMP)
    payment.succeed(
        part.operation_id,
        amount=usd(120_00),
        transaction_id="part",
        standing=TransactionSnapshot(TransactionStatus.SUBMITTED),
        context=STAMP,
    )
    assert payment.capturable_amount == usd(0)


# Amounts still to come


def test_a_part_is_awaited_until_it_settles_and_the_whole_as_long_as_more_can_be_captured() -> None:
    payment = an_authorized_payment()
    whole = payment.authorization.transaction_id
    assert payment.awaited_transactions == [whole]
    part = capture(payment, usd(60_00))
    assert payment.awaited_transactions == [whole, part.transaction_id]
    settle(payment, part)
    assert payment.awaited_transactions == [whole]
    assert not payment.is_at_rest
    rest = capture(payment, usd(40_00))
    assert payment.awaited_transactions == [rest.transaction_id]
    settle(payment, rest)
    assert payment.awaited_transactions == []
    assert payment.is_at_rest
    assert payment.transaction_ids == [whole, part.transaction_id, rest.transaction_id]


def test_a_payment_under_way_is_not_at_rest() -> None:
    assert not a_started_payment().is_at_rest


def test_a_refund_that_waits_or_is_under_way_is_no_rest() -> None:
    payment = a_settled_payment()
    assert payment.is_at_rest
    start_refund(payment, usd(1_00))
    assert not payment.is_at_rest


def test_a_refund_is_awaited_until_the_bank_has_it() -> None:
    payment = a_settled_payment()
    (back,) = refund(payment, usd(30_00))
    assert payment.awaited_transactions == [back.transaction_id]
    settle(payment, back)
    assert payment.awaited_transactions == []


def test_a_sale_is_refundable_by_others_until_all_of_it_went_back() -> None:
    payment, first, second = two_parts()
    settle(payment, first)
    settle(payment, second)
    assert payment.refundable_transactions == [first.transaction_id, second.transaction_id]
    refund(payment, usd(59_99))
    assert payment.refundable_transactions == [first.transaction_id, second.transaction_id]
    refund(payment, usd(1))
    assert payment.refundable_transactions == [second.transaction_id]
    start_refund(payment, usd(40_00))
    assert payment.refundable_transactions == []


def test_the_next_check_is_the_earliest_of_what_is_open() -> None:
    payment = a_settled_payment()
    assert payment.next_check_time is None
    first, second = (start_refund(payment, usd(1_00))[0] for _ in range(2))
    assert payment.next_check_time is None
    payment.schedule_check(second.operation_id, NOON + 2 * DAY)
    assert payment.next_check_time == NOON + 2 * DAY
    payment.schedule_check(first.operation_id, NOON + DAY)
    assert payment.next_check_time == NOON + DAY
    succeed(payment, first, TransactionStatus.SUBMITTED, "back")
    assert payment.next_check_time == NOON + 2 * DAY


@pytest.mark.parametrize(
    ("status", "refundable"),
    [
        (TransactionStatus.SUBMITTED, False),
        (TransactionStatus.SETTLEMENT_PENDING, False),
        (TransactionStatus.SETTLING, True),
        (TransactionStatus.SETTLED, True),
    ],
)
def test_a_refund_can_be_sent_once_the_sale_settles(status: TransactionStatus, refundable: bool) -> None:
    payment = a_captured_payment()
    move(payment, status)
    assert payment.is_refundable_now(payment.authorization.transaction_id) is refundable


def test_an_unknown_transaction_is_not_refundable() -> None:
    payment = a_settled_payment()
    assert not payment.is_refundable_now("theirs")
    assert not payment.is_refundable_now("")
    assert payment.latest_on("") is None


def test_only_an_authorization_capture_or_void_is_under_way() -> None:
    payment = a_settled_payment()
    start_refund(payment, usd(1_00))
    assert payment.under_way is None
    assert a_started_payment().under_way is not None


# Disbursed amounts


def test_a_payment_settles_when_the_last_part_does() -> None:
    payment, first, second = two_parts()
    settle(payment, first, settle_time=NOON + DAY)
    assert (payment.state, payment.settle_time) == (PaymentState.CAPTURED, None)
    settle(payment, second, settle_time=NOON)
    assert (payment.state, payment.settle_time) == (PaymentState.SETTLED, NOON + DAY)


def test_a_settlement_without_a_time_is_a_settlement() -> None:
    payment = a_settled_payment()
    assert (payment.state, payment.settle_time) == (PaymentState.SETTLED, None)


def test_a_payment_is_paid_out_when_the_last_part_is() -> None:
    payment, first, second = two_parts()
    assert (payment.disburse_date, payment.settlement_amount) == (None, None)
    settle(payment, first, disburse_date=SECOND, settlement_amount=usd(58_00))
    assert (payment.disburse_date, payment.settlement_amount) == (None, None)
    settle(payment, second)
    assert (payment.disburse_date, payment.settlement_amount) == (None, None)
    settle(payment, second, disburse_date=FIRST, settlement_amount=usd(39_00))
    assert (payment.disburse_date, payment.settlement_amount) == (SECOND, usd(97_00))
    assert payment.funds is Funds.DISBURSED


def test_payouts_in_two_currencies_have_no_sum() -> None:
    payment, first, second = two_parts()
    settle(payment, first, settlement_amount=usd(60_00))
    settle(payment, second, settlement_amount=Money(35_00, "EUR"))
    assert payment.settlement_amount is None


def test_a_payout_may_be_in_another_currency_than_the_payment() -> None:
    payment = a_captured_payment()
    move(payment, TransactionStatus.SETTLED, settlement_amount=Money(90_00, "EUR"))
    assert payment.settlement_amount == Money(90_00, "EUR")


# Why there is no money


def test_a_decline_shows_the_reason() -> None:
    assert a_payment_in(PaymentState.DECLINED).final_decline == NO_FUNDS
    assert a_payment_in(PaymentState.SETTLEMENT_DECLINED).final_decline == CATALOGUE[DeclineReason.SETTLEMENT_DECLINED]
    assert a_payment_in(PaymentState.CAPTURED).final_decline is None
    assert a_payment_in(PaymentState.VOIDED).final_decline is None


@pytest.mark.parametrize(
    ("status", "state", "funds"),
    [
        (TransactionStatus.AUTHORIZING, PaymentState.AUTHORIZED, Funds.HELD),
        (TransactionStatus.EXPIRED, PaymentState.EXPIRED, Funds.RETURNED),
        (TransactionStatus.VOIDED, PaymentState.VOIDED, Funds.RETURNED),
        (TransactionStatus.RELEASED, PaymentState.VOIDED, Funds.RETURNED),
        (TransactionStatus.SETTLEMENT_DECLINED, PaymentState.SETTLEMENT_DECLINED, Funds.NONE),
    ],
)
def test_a_hold_is_told_by_where_the_transaction_stands(
    status: TransactionStatus, state: PaymentState, funds: Funds
) -> None:
    payment = a_started_payment()
    succeed(payment, payment.authorization, status)
    assert (payment.state, payment.funds) == (state, funds)


def test_one_part_that_was_refused_at_settlement_does_not_hide_the_other() -> None:
    payment, first, second = two_parts()
    move(payment, TransactionStatus.SETTLEMENT_DECLINED, first.transaction_id)
    assert (payment.state, payment.captured_amount) == (PaymentState.CAPTURED, usd(40_00))
    move(payment, TransactionStatus.SETTLEMENT_DECLINED, second.transaction_id)
    assert (payment.state, payment.funds) == (PaymentState.SETTLEMENT_DECLINED, Funds.NONE)
    assert all(o.state is OperationState.SUCCEEDED for o in payment.operations)
