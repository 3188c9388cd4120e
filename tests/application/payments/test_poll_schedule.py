"""The schedule of settlement polls, and their batch size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.poll_settlements import PollSettlements
from application.ports.gateway import GatewayUnavailable
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.application.shop import Shop, an_order, usd
from tests.domain.builders import (
    NOON,
    a_captured_payment,
    a_payment_in,
    a_settled_payment,
    an_authorized_payment,
    refund,
)
from tests.fakes.faulty_gateway import Fault

MINUTES, HOURS, DAYS = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
A_MOMENT = timedelta(microseconds=1)


def wait_after(
    payment: Payment, age: timedelta, policy: SettlementPollPolicy = SettlementPollPolicy()
) -> timedelta | None:
    """How long until the next look, where nothing is new since `age`."""
    policy.plan(payment, NOON + age)
    return None if payment.next_poll_time is None else payment.next_poll_time - NOON - age


@pytest.mark.parametrize("make", [an_authorized_payment, a_captured_payment])
@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(), 5 * MINUTES),
        (10 * MINUTES, 5 * MINUTES),
        (12 * MINUTES, 6 * MINUTES),
        (11 * HOURS, 5.5 * HOURS),
        (12 * HOURS, 6 * HOURS),
        (30 * DAYS, 6 * HOURS),
        (300 * DAYS, 6 * HOURS),
    ],
)
def test_money_that_moves_on_is_looked_at_half_as_often_as_it_is_old(
    make: Callable[[], Payment], age: timedelta, wait: timedelta
) -> None:
    assert wait_after(make(), age) == wait


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(), 6 * HOURS),
        (12 * HOURS, 6 * HOURS),
        (14 * HOURS, 7 * HOURS),
        (14 * DAYS, 7 * DAYS),
        (16 * DAYS, 7 * DAYS),
        (180 * DAYS - A_MOMENT, 7 * DAYS),
        (180 * DAYS, None),
    ],
)
def test_settled_money_is_watched_because_others_may_refund_it(age: timedelta, wait: timedelta | None) -> None:
    assert wait_after(a_settled_payment(), age) == wait


def test_without_a_watch_settled_money_rests() -> None:
    assert wait_after(a_settled_payment(), timedelta(), SettlementPollPolicy(watch=timedelta())) is None
    assert wait_after(a_captured_payment(), timedelta(), SettlementPollPolicy(watch=timedelta())) == 5 * MINUTES


@pytest.mark.parametrize(
    "state", [PaymentState.DECLINED, PaymentState.FAILED, PaymentState.VOIDED, PaymentState.EXPIRED]
)
def test_where_no_money_is_nobody_looks(state: PaymentState) -> None:
    payment = a_payment_in(state)
    payment.next_poll_time = NOON
    assert wait_after(payment, timedelta()) is None


def test_money_that_went_back_whole_rests_once_the_bank_has_it() -> None:
    payment = a_settled_payment()
    (back,) = refund(payment)
    assert wait_after(payment, timedelta()) == 5 * MINUTES
    context = payment.new_events[-1].context
    settled = TransactionSnapshot(TransactionStatus.SETTLED)
    payment.apply_gateway_status(back.transaction_id, settled, amount=back.amount, context=context)
    # The payouts of both are still to come.
    assert wait_after(payment, timedelta()) == 6 * HOURS
    for transaction_id in payment.transaction_ids:
        paid_out = replace(settled, disburse_date=date(2026, 5, 3))
        payment.apply_gateway_status(transaction_id, paid_out, amount=back.amount, context=context)
    assert wait_after(payment, timedelta()) is None


# Following


def test_nothing_that_is_due_asks_the_gateway_nothing() -> None:
    shop = Shop()
    assert shop.follow() == 0
    shop.pay()
    shop.calls.clear()
    assert shop.follow() == 0
    assert shop.calls == []


def test_all_that_is_due_is_asked_for_in_one_search() -> None:
    shop = Shop()
    payments = [shop.pay() for _ in range(3)]
    shop.pay(an_order(amount=usd(2000_00)))
    shop.wait(HOURS)
    shop.real_gateway.settle()
    shop.calls.clear()
    assert shop.follow() == 3
    assert shop.calls == ["find_transactions"]
    assert {shop.now(payment).state for payment in payments} == {PaymentState.SETTLED}
    assert {shop.now(payment).next_poll_time for payment in payments} == {shop.clock.now() + 6 * HOURS}
    assert shop.follow() == 0


@pytest.mark.parametrize(("size", "looks"), [(2, [2, 1, 0]), (3, [3, 0, 0])])
def test_no_more_than_a_batch_is_asked_for_at_once(size: int, looks: list[int]) -> None:
    shop = Shop()
    for _ in range(3):
        shop.pay()
    shop.wait(HOURS)
    follow = PollSettlements(shop.store, shop.gateway, shop.clock, shop.ids, batch_size=size)
    assert [follow() for _ in looks] == looks


def test_fifty_payments_are_a_batch() -> None:
    shop = Shop()
    for _ in range(51):
        shop.pay()
    shop.wait(HOURS)
    assert [shop.follow(), shop.follow()] == [50, 1]


def test_an_unanswered_poll_is_due_again_soon_and_not_at_once() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.wait(HOURS)
    shop.fails("find_transactions", Fault.LOST_BEFORE)
    with pytest.raises(GatewayUnavailable):
        shop.follow()
    assert shop.follow() == 0
    shop.wait(5 * MINUTES - A_MOMENT)
    assert shop.follow() == 0
    shop.wait(A_MOMENT)
    shop.real_gateway.settle()
    assert shop.follow() == 1
    assert shop.now(payment).state is PaymentState.SETTLED


def test_a_transaction_missing_from_a_search_is_checked_later() -> None:
    shop = Shop()
    payment, other = shop.pay(), shop.pay()
    del shop.real_gateway._transactions[payment.authorization.transaction_id]
    shop.wait(HOURS)
    shop.real_gateway.settle()
    assert shop.follow() == 2
    assert shop.now(other).state is PaymentState.SETTLED
    assert shop.now(payment).state is PaymentState.CAPTURED
    assert shop.now(payment).next_poll_time == shop.clock.now() + HOURS / 2
