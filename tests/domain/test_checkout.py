"""Checkouts and their uses: the transitions, the permitted and the forbidden ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.checkout import (
    MAX_ATTEMPTS,
    Checkout,
    CheckoutMethod,
    CheckoutState,
    CheckoutTerms,
    CheckoutUse,
    Standing,
    UseState,
    settle,
    standing_of,
)
from domain.errors import CheckoutBeingPaid, CheckoutCompleted, CheckoutNotPayable
from domain.ids import CallerId, CheckoutId, PaymentId
from domain.money import Money
from domain.payment_state import PaymentState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAYMENT = PaymentId("pay_1")


def a_checkout(max_uses: int = 1) -> Checkout:
    terms = CheckoutTerms(
        reference="order",
        amount=Money(100, "USD"),
        methods=(CheckoutMethod.CARD,),
        success_url="https://shop.example/",
        max_uses=max_uses,
    )
    return Checkout(
        checkout_id=CheckoutId("chk_1"),
        caller_id=CallerId("shop"),
        terms=terms,
        token="token",
        expire_time=NOW + timedelta(hours=1),
        create_time=NOW,
        update_time=NOW,
    )


def a_use() -> CheckoutUse:
    return CheckoutUse(checkout_id=CheckoutId("chk_1"), session="", ordinal=1)


def test_no_more_uses_are_taken_than_there_are() -> None:
    link = a_checkout(2).take_use(NOW).take_use(NOW)
    with pytest.raises(CheckoutNotPayable):
        link.take_use(NOW)
    assert link.release_use().take_use(NOW) == link


@pytest.mark.parametrize("moment", [timedelta(hours=1), timedelta(days=9)])
def test_nothing_is_paid_once_the_time_ran_out(moment: timedelta) -> None:
    with pytest.raises(CheckoutNotPayable):
        a_checkout().take_use(NOW + moment)
    assert a_checkout().take_use(NOW + timedelta(minutes=59)).taken_uses == 1


def test_an_ended_checkout_is_not_paid() -> None:
    ended = [a_checkout().expire(NOW), a_checkout().take_use(NOW).complete_use(PAYMENT, NOW)]
    assert [one.state for one in ended] == [CheckoutState.EXPIRED, CheckoutState.COMPLETED]
    for one in ended:
        with pytest.raises(CheckoutNotPayable):
            one.take_use(NOW)


def test_what_is_being_paid_does_not_expire_but_a_link_does() -> None:
    with pytest.raises(CheckoutBeingPaid):
        a_checkout().take_use(NOW).expire(NOW)
    with pytest.raises(CheckoutCompleted):
        a_checkout().take_use(NOW).complete_use(PAYMENT, NOW).expire(NOW)
    link = a_checkout(2).take_use(NOW).expire(NOW)
    completed = link.complete_use(PAYMENT, NOW)
    assert (completed.state, completed.completed_uses, completed.payment_id) == (CheckoutState.EXPIRED, 1, PAYMENT)


def _taken_uses_after(state: PaymentState) -> tuple[int, int, UseState]:
    checkout, use = settle(a_checkout().take_use(NOW), a_use().start(PAYMENT, NOW), state, NOW)
    return checkout.taken_uses, checkout.completed_uses, use.state


@pytest.mark.parametrize("state", list(PaymentState))
def test_each_state_of_the_payment_settles_the_use(state: PaymentState) -> None:
    expected = (1, 1, UseState.PAID)
    if state is PaymentState.PENDING:
        expected = (1, 0, UseState.PAYING)
    elif state in (PaymentState.DECLINED, PaymentState.FAILED):
        expected = (0, 0, UseState.READY)
    assert _taken_uses_after(state) == expected


def test_a_use_that_is_not_paying_is_left_alone() -> None:
    for use in (a_use(), a_use().start(PAYMENT, NOW).complete()):
        assert settle(a_checkout(), use, PaymentState.CAPTURED, NOW) == (a_checkout(), use)


def test_the_pauses_between_looks_grow_up_to_five_minutes() -> None:
    use = a_use().start(PAYMENT, NOW)
    pauses = []
    for seconds in (1, 60, 600, 100_000):
        now = NOW + timedelta(seconds=seconds)
        waiting = use.wait(now)
        assert waiting.next_check_time is not None
        pauses.append((waiting.next_check_time - now).total_seconds())
    assert pauses == [10, 15, 150, 300]


def test_the_shopper_stands_where_checkout_and_use_say() -> None:
    late = NOW + timedelta(hours=2)
    open_, declined = a_checkout(), a_use().start(PAYMENT, NOW).retry()
    tired = a_use()
    for _ in range(MAX_ATTEMPTS):
        tired = tired.start(PAYMENT, NOW).retry()
    assert standing_of(open_, None, NOW) is Standing.OPEN
    assert standing_of(open_, a_use(), NOW) is Standing.OPEN
    assert standing_of(open_, declined, NOW) is Standing.DECLINED
    assert standing_of(open_, tired, NOW) is Standing.TOO_MANY_ATTEMPTS
    assert standing_of(open_, declined, late) is Standing.EXPIRED
    assert standing_of(open_.take_use(NOW), a_use().start(PAYMENT, NOW), late) is Standing.PENDING
    assert standing_of(open_.expire(NOW), a_use().start(PAYMENT, NOW).complete(), late) is Standing.PAID
    assert standing_of(a_checkout(2).take_use(NOW).take_use(NOW), None, NOW) is Standing.USED_UP
