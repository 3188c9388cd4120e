"""A backup is restored, or a standby takes over that was behind: the gateway knows more than the record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.operation import OperationState
from tests.application.shop import HORIZON, Shop
from tests.fakes.faulty_gateway import Fault

DAY = timedelta(days=1)


@pytest.mark.parametrize("search_lag", [timedelta(), timedelta(seconds=30)])
def test_a_scheduled_refund_that_was_sent_before_is_recorded_and_not_sent_again(search_lag: timedelta) -> None:
    shop = Shop(search_lag=search_lag)
    payment = shop.pay()
    shop.refund(payment, 30_00)
    shop.wait(timedelta(minutes=1))
    restore = shop.store.back_up()
    shop.real_gateway.settle()
    for _ in range(3):
        shop.resolve(after=timedelta(hours=1))
    assert shop.effects() == 2
    restore()
    shop.restart()
    for _ in range(3):
        shop.resolve(after=timedelta(hours=1))
    assert shop.effects() == 2
    refund = shop.now(payment).operations[-1]
    assert refund.state is OperationState.SUCCEEDED
    assert refund.transaction_id == shop.real_gateway.effects[-1].transaction_id


def test_a_scheduled_refund_waits_while_the_gateway_does_not_tell_whether_it_was_sent() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.refund(payment, 30_00)
    shop.real_gateway.settle()
    shop.fails("find_by_operation", Fault.LOST_BEFORE)
    shop.resolve(after=DAY)
    assert shop.effects() == 1
    assert shop.now(payment).operations[-1].state is OperationState.SCHEDULED
    shop.resolve(after=DAY)
    assert shop.now(payment).operations[-1].state is OperationState.SUCCEEDED


def test_a_refund_that_no_search_shows_is_found_by_the_payment_it_gives_back() -> None:
    shop = Shop(search_lag=2 * HORIZON)
    payment = shop.pay()
    shop.wait(3 * HORIZON)
    shop.real_gateway.settle()
    shop.wait(3 * HORIZON)
    shop.fails("refund", Fault.LOST_AFTER)
    shop.refund(payment, 30_00)
    shop.resolve(after=timedelta(minutes=2))
    assert shop.now(payment).operations[-1].state is OperationState.SUCCEEDED
