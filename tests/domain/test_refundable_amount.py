"""Refundable amounts, disputed amounts, and the refunds of a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.ids import RequestId
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationKind
from domain.operation_log import Funds
from domain.payment import Payment
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.domain.builders import (
    NO_FUNDS,
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

DAY = timedelta(days=1)
FIRST, SECOND = date(2026, 5, 3), date(2026, 5, 4)


def two_parts() -> tuple[Payment, Operation, Operation]:
    """100.00, captured as 60.00 and 40.00."""
    payment = an_authorized_payment()
    first, second = capture(payment, usd(60_00)), capture(payment, usd(40_00))
    return payment, first, second


def settle(payment: Payment, operation: Operation, **standing: object) -> None:
    move(payment, TransactionStatus.SETTLED, operation.transaction_id, **standing)


def found_outside(payment: Payment, amount: Money, target: str, transaction_id: str = "theirs") -> None:
    payment.record_outside(
        OperationKind.REFUND,
        an_operation_id(),
        amount=amount,
        transaction_id=transaction_id,
        target_transaction_id=target,
        standing=TransactionSnapshot(TransactionStatus.SUBMITTED),
        context=STAMP,
    )


# Refunds


def test_refunded_and_scheduled_amounts_are_not_refundable_again() -> None:
    payment = a_settled_payment()
    refund(payment, usd(10_00))
    start_refund(payment, usd(20_00))
    assert payment.refunded_amount == usd(10_00)
    assert payment.refund_pending_amount == usd(20_00)
    assert payment.refundable_amount == usd(70_00)
    assert payment.returned_of(payment.authorization.transaction_id) == usd(30_00)
    assert payment.returned_of("another") == usd(0)


def test_more_refunded_by_others_than_is_left_leaves_nothing_and_not_less() -> None:
    payment = a_settled_payment()
    start_refund(payment, usd(60_00))
    found_outside(payment, usd(60_00), payment.authorization.transaction_id)
    assert payment.refundable_amount == usd(0)


@pytest.mark.parametrize(
    "status",
    [
        TransactionStatus.SETTLEMENT_DECLINED,
        TransactionStatus.VOIDED,
        TransactionStatus.DECLINED,
        TransactionStatus.FAILED,
    ],
)
def test_a_refund_that_was_undone_gives_nothing_back(status: TransactionStatus) -> None:
    payment = a_settled_payment()
    (back,) = refund(payment, usd(30_00))
    move(payment, status, back.transaction_id)
    assert (payment.refunded_amount, payment.refundable_amount) == (usd(0), usd(100_00))
    assert payment.returned_of(payment.authorization.transaction_id) == usd(0)


def test_all_that_was_captured_went_back_and_what_is_left_of_the_hold_is_held() -> None:
    payment = an_authorized_payment()
    part = capture(payment, usd(60_00))
    settle(payment, part)
    assert payment.funds is Funds.SETTLED
    refund(payment)
    assert (payment.funds, payment.is_live) == (Funds.HELD, True)
    succeed(payment, void(payment), TransactionStatus.RELEASED)
    assert (payment.funds, payment.is_live) == (Funds.RETURNED, False)


def test_a_void_of_what_is_only_held_takes_nothing_from_what_is_refundable() -> None:
    payment = an_authorized_payment()
    settle(payment, capture(payment, usd(60_00)))
    void(payment)
    assert payment.refundable_amount == usd(60_00)


# Disputes


def disputed(amount: int | None) -> Payment:
    payment = a_settled_payment()
    move(payment, TransactionStatus.SETTLED, disputed_amount=None if amount is None else usd(amount))
    return payment


def test_a_disputed_amount_is_not_refundable() -> None:
    payment = disputed(30_00)
    assert (payment.disputed_amount, payment.refundable_amount) == (usd(30_00), usd(70_00))
    assert payment.funds is Funds.DISPUTED
    assert [part.amount for part in payment.plan_refund(None)] == [usd(70_00)]


def test_without_a_claim_nothing_is_disputed() -> None:
    payment = disputed(None)
    assert (payment.disputed_amount, payment.funds) == (usd(0), Funds.SETTLED)


def scheduled(payment: Payment, amount: int) -> Operation:
    (back,) = start_refund(payment, usd(amount))
    return back


@pytest.mark.parametrize(("claimed", "twice"), [(None, False), (69_99, False), (70_00, False), (70_01, True)])
def test_a_refund_and_a_claim_of_more_than_was_taken_would_pay_twice(claimed: int | None, twice: bool) -> None:
    payment = a_captured_payment()
    back = scheduled(payment, 30_00)
    move(payment, TransactionStatus.SETTLED, disputed_amount=None if claimed is None else usd(claimed))
    assert payment.would_pay_twice(back) is twice


def test_the_other_refunds_of_the_transaction_count_when_they_are_sent_or_done() -> None:
    payment = a_settled_payment()
    (done,) = refund(payment, usd(10_00))
    (sent,) = start_refund(payment, usd(10_00))
    (mine,) = start_refund(payment, usd(10_00))
    move(payment, TransactionStatus.SETTLED, disputed_amount=usd(70_00))
    assert not payment.would_pay_twice(mine)
    move(payment, TransactionStatus.SETTLED, disputed_amount=usd(70_01))
    assert payment.would_pay_twice(mine)
    payment.decline(sent.operation_id, NO_FUNDS, context=STAMP)
    assert not payment.would_pay_twice(mine)
    assert done.amount == usd(10_00)


def test_a_refund_that_still_waits_does_not_count_against_another() -> None:
    payment = a_captured_payment()
    first, second = scheduled(payment, 30_00), scheduled(payment, 30_00)
    move(payment, TransactionStatus.SETTLED, disputed_amount=usd(70_00))
    assert not payment.would_pay_twice(first)
    assert not payment.would_pay_twice(second)
    payment.start_scheduled(first.operation_id, context=STAMP)
    assert payment.would_pay_twice(second)


def test_refunds_of_another_transaction_do_not_count() -> None:
    payment, first, second = two_parts()
    settle(payment, first)
    settle(payment, second)
    refund(payment, usd(60_00))
    (mine,) = start_refund(payment, usd(30_00))
    settle(payment, second, disputed_amount=usd(10_00))
    assert mine.target_transaction_id == second.transaction_id
    assert not payment.would_pay_twice(mine)
    assert not payment.would_pay_twice(replace(mine, target_transaction_id="unknown"))


# Requests


def test_a_request_gives_back_by_refunds_and_voids_that_count_and_by_nothing_else() -> None:
    payment, first, second = two_parts()
    settle(payment, first)
    request_id = a_request_id()
    started = [
        payment.start_refund_part(part, an_operation_id(), request_id, context=STAMP)
        for part in payment.plan_refund(usd(100_00))
    ]
    assert [o.kind for o in started] == [OperationKind.REFUND, OperationKind.VOID]
    assert payment.refunded_by(request_id) == usd(100_00)
    payment.fail(started[0].operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
    assert payment.refunded_by(request_id) == usd(40_00)
    succeed(payment, started[1], TransactionStatus.VOIDED)
    assert payment.refunded_by(request_id) == usd(40_00)
    assert payment.refunded_by(a_request_id()) == usd(0)
    assert payment.refunded_by(first.request_id) == payment.refunded_by(second.request_id) == usd(0)


def test_a_request_is_known_by_its_operations_without_those_that_were_tried_again() -> None:
    payment = a_settled_payment()
    request_id = RequestId("one request")

    def again() -> Operation:
        (part,) = payment.plan_refund(usd(1_00))
        return payment.start_refund_part(part, an_operation_id(), request_id, context=STAMP)

    ends: list[Callable[[Operation], None]] = [
        lambda o: payment.fail(o.operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP),
        lambda o: payment.fail(o.operation_id, FailureReason.GATEWAY_REFUSED_REQUEST, context=STAMP),
        lambda o: payment.fail(o.operation_id, FailureReason.GATEWAY_REFUSED_CREDENTIALS, context=STAMP),
        lambda o: succeed(payment, o, TransactionStatus.SUBMITTED, "back"),
    ]
    for end in ends:
        end(again())
    assert [o.failure_reason for o in payment.operations_of(request_id)] == [
        FailureReason.GATEWAY_REFUSED_REQUEST,
        None,
    ]
    payment.fail(again().operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
    assert payment.operations_of(request_id)[-1].failure_reason is FailureReason.GATEWAY_UNREACHABLE
