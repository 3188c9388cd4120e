"""The resolver's schedule, its timers, and its retries after database conflicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports.gateway import Refund
from domain.ids import OperationId, PaymentId
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationKind, OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.common.test_conflicts import ContestedStore, a_shop
from tests.application.disputes.test_record_dispute import learn
from tests.application.gateway_webhooks.inbox import Inbox
from tests.application.recovery.test_reconcile import a_scheduled_refund_that_was_sent
from tests.application.recovery.test_resolve_operations import a_waiting_refund
from tests.application.shop import FIRST_CHECK, HORIZON, LEASE, Shop
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import HELD

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SOON = timedelta(seconds=10)


def last(shop: Shop, payment: Payment) -> Operation:
    return shop.now(payment).operations[-1]


def pause(shop: Shop, payment: Payment) -> timedelta:
    """How long until the last operation is looked at again."""
    due = last(shop, payment).next_check_time
    assert due is not None
    return due - shop.clock.now()


def pauses(shop: Shop, payment: Payment, looks: int) -> list[float]:
    found = []
    for _ in range(looks):
        assert shop.resolve(after=pause(shop, payment)) == 1
        found.append(pause(shop, payment).total_seconds())
    return found


def lost(shop: Shop, fault: Fault = Fault.LOST_BEFORE) -> Payment:
    shop.fails("authorize", fault)
    return shop.pay()


# How long it waits


def still_at_work(shop: Shop) -> Payment:
    payment = lost(shop, Fault.LOST_AFTER)
    shop.real_gateway.leave_authorizing(shop.real_gateway.all_transactions()[-1].transaction_id)
    return payment


def test_looks_are_never_farther_apart_than_it_takes_to_prove_an_absence() -> None:
    shop = Shop()
    assert pauses(shop, still_at_work(shop), 9) == [2, 4, 8, 16, 32, 64, 128, 180, 180]


def test_looks_are_never_farther_apart_than_five_minutes() -> None:
    shop = Shop()
    shop.horizon = HOUR
    shop.restart()
    assert pauses(shop, still_at_work(shop), 10)[-3:] == [256, 300, 300]


def test_a_refund_that_awaits_settlement_is_checked_hourly_in_the_end() -> None:
    shop = Shop()
    payment = shop.refund(shop.pay(), 30_00)
    assert pauses(shop, payment, 13)[-4:] == [1024, 2048, 3600, 3600]


def test_a_gateway_that_does_not_answer_makes_no_look_rarer() -> None:
    shop = Shop()
    payment = lost(shop)
    shop.wait(FIRST_CHECK)
    for _ in range(3):
        shop.fails("find_by_operation", Fault.LOST_BEFORE)
        assert shop.resolver() == 1
        assert pause(shop, payment) == FIRST_CHECK
        shop.wait(FIRST_CHECK)
    assert last(shop, payment).check_count == 0
    assert pauses(shop, payment, 2) == [2, 4]


def test_ten_are_dealt_with_at_a_time() -> None:
    shop = Shop()
    for _ in range(11):
        lost(shop, Fault.LOST_AFTER)
    assert [shop.resolve(after=SOON), shop.resolve(), shop.resolve()] == [10, 1, 0]


# Observed operations


def test_a_found_operation_has_no_timer() -> None:
    shop = Shop()
    payment = lost(shop, Fault.LATE)
    shop.resolve(after=SOON)
    assert shop.absence.count == 1
    shop.resolve(after=MINUTE)
    assert shop.now(payment).state is PaymentState.CAPTURED
    assert shop.absence.count == 0


def test_an_authorizing_transaction_is_not_timed_any_more() -> None:
    shop = Shop()
    payment = lost(shop, Fault.LATE)
    shop.resolve(after=SOON)
    shop.wait(MINUTE)
    shop.real_gateway.leave_authorizing(shop.real_gateway.all_transactions()[-1].transaction_id)
    shop.resolve()
    assert shop.now(payment).state is PaymentState.PENDING
    assert shop.absence.count == 0


def test_a_failed_operation_has_no_timer() -> None:
    shop = Shop()
    payment = lost(shop)
    for _ in range(30):
        shop.resolve(after=SOON)
    assert shop.now(payment).state is PaymentState.FAILED
    assert shop.absence.count == 0


# One operation


def test_an_operation_that_is_resolved_already_is_not_asked_for() -> None:
    shop = Shop()
    payment = shop.pay()
    asked = len(shop.calls)
    resolved = shop.resolver.resolve(payment.terms.payment_id, payment.authorization.operation_id)
    assert resolved == payment
    assert len(shop.calls) == asked
    with pytest.raises(KeyError):
        shop.resolver.resolve(PaymentId("pay_unknown"), OperationId("op_unknown"))


def test_a_check_that_finds_nothing_returns_the_payment_as_it_waits() -> None:
    shop = Shop()
    payment = lost(shop)
    waiting = shop.resolver.resolve(payment.terms.payment_id, payment.authorization.operation_id)
    assert (waiting.state, waiting.operations[-1].check_count) == (PaymentState.PENDING, 1)
    scheduled = shop.refund(shop.pay(), 30_00)
    refund = scheduled.operations[-1].operation_id
    assert shop.resolver.resolve(scheduled.terms.payment_id, refund).operations[-1].state is OperationState.SCHEDULED


# Scheduled refunds


def test_a_scheduled_refund_is_under_the_lease_while_it_is_sent() -> None:
    shop = Shop()
    payment = a_waiting_refund(shop)
    seen = []
    shop.before["refund"] = lambda: seen.append((last(shop, payment).state, pause(shop, payment)))
    shop.resolve(after=FIRST_CHECK)
    assert seen == [(OperationState.STARTED, LEASE)]
    assert last(shop, payment).state is OperationState.SUCCEEDED


def test_a_scheduled_refund_that_could_not_be_sent_waits_again() -> None:
    shop = Shop()
    payment = a_waiting_refund(shop)
    shop.fails("refund", Fault.UNREACHABLE)
    shop.resolve(after=FIRST_CHECK)
    refund = last(shop, payment)
    assert (refund.state, refund.start_count) == (OperationState.SCHEDULED, 1)
    assert pause(shop, payment) == FIRST_CHECK


def test_a_scheduled_refund_that_never_arrived_waits_again() -> None:
    shop = Shop()
    payment = a_waiting_refund(shop)
    shop.fails("refund", Fault.LOST_BEFORE)
    shop.resolve(after=FIRST_CHECK)
    while last(shop, payment).state is OperationState.STARTED:
        shop.resolve(after=pause(shop, payment))
    assert (last(shop, payment).state, pause(shop, payment)) == (OperationState.SCHEDULED, FIRST_CHECK)
    assert shop.absence.count == 0


def test_a_scheduled_refund_that_was_made_externally_is_reported_at_once() -> None:
    shop = Shop()
    payment = a_waiting_refund(shop)
    sale = payment.authorization.transaction_id
    by_hand = Refund(operation_id=OperationId("by hand"), transaction_id=sale, amount=Money(100_00, "USD"))
    shop.before["refund"] = lambda: shop.real_gateway.refund(by_hand, HELD)
    shop.resolve(after=FIRST_CHECK)
    operations = shop.now(payment).operations[1:]
    assert [(one.state, one.failure_reason) for one in operations] == [
        (OperationState.FAILED, FailureReason.GATEWAY_REFUSED_REQUEST),
        (OperationState.SUCCEEDED, None),
    ]
    assert shop.now(payment).refunded_amount == Money(100_00, "USD")


def test_a_refund_in_place_of_a_late_void_is_tried_soon() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.fails("void", Fault.LOST_BEFORE)
    shop.refund(payment)
    shop.real_gateway.settle()
    shop.resolve(after=FIRST_CHECK)
    assert (last(shop, payment).kind, last(shop, payment).state) == (OperationKind.REFUND, OperationState.SCHEDULED)
    assert pause(shop, payment) == FIRST_CHECK


def test_a_scheduled_refund_of_disputed_money_waits_an_hour_whether_or_not_the_dispute_is_recorded() -> None:
    shop = Shop()
    payment = shop.refund(shop.pay(), 30_00)
    first = shop.real_gateway.open_dispute(payment.authorization.transaction_id, Money(90_00, "USD"))
    shop.real_gateway.settle()
    shop.resolve(after=FIRST_CHECK)
    assert (last(shop, payment).state, pause(shop, payment)) == (OperationState.SCHEDULED, HOUR)
    assert last(shop, payment).check_count == 1
    learn(shop, first)
    shop.resolve(after=HOUR)
    assert (last(shop, payment).state, pause(shop, payment)) == (OperationState.SCHEDULED, HOUR)
    assert shop.calls.count("refund") == 0


# Transactions that the database gives up


def a_late_success(shop: Shop) -> Payment:
    return lost(shop, Fault.LOST_AFTER)


def captured(shop: Shop, payment: Payment) -> None:
    assert shop.now(payment).state is PaymentState.CAPTURED


def an_absent_one(shop: Shop) -> Payment:
    payment = lost(shop)
    shop.wait(SOON)
    assert not shop.absence.is_proven(f"{payment.authorization.operation_id} 1")
    shop.wait(HORIZON)
    return payment


def failed(shop: Shop, payment: Payment) -> None:
    assert shop.now(payment).state is PaymentState.FAILED


def looked_at_soon(shop: Shop, payment: Payment) -> None:
    assert pause(shop, payment) == FIRST_CHECK


@pytest.mark.parametrize(
    ("make", "check"),
    [(a_late_success, captured), (an_absent_one, failed), (lost, looked_at_soon)],
    ids=["found", "absent", "waits"],
)
def test_the_resolvers_finding_is_recorded_after_a_conflict(
    make: Callable[[Shop], Payment], check: Callable[[Shop, Payment], None]
) -> None:
    shop, store = a_shop()
    payment = make(shop)
    store.gives_up(1, 2, 3)
    assert shop.resolve(after=FIRST_CHECK) == 1
    check(shop, payment)
    assert store.count == 4


def test_a_scheduled_refund_that_was_sent_before_is_recorded_after_all() -> None:
    shop, store = a_shop()
    a_scheduled_refund_that_was_sent(shop)
    (payment,) = shop.list_all()
    refund = payment.operations[-1]
    assert refund.state is OperationState.SCHEDULED
    store.gives_up(1, 2, 3)
    resolved = shop.resolver.resolve(payment.terms.payment_id, refund.operation_id)
    assert resolved.operations[-1].state is OperationState.SUCCEEDED
    assert last(shop, payment).state is OperationState.SUCCEEDED


def test_a_notification_that_was_dealt_with_is_recorded_after_all() -> None:
    inbox = Inbox()
    one = inbox.told("check")
    store = ContestedStore(inbox.ids)
    store._state = inbox.store._state
    store.gives_up(2, 3, 4)
    assert replace(inbox.process, store=store)() == 1
    with store.read() as work:
        done = work.gateway_webhooks.get(one)
    assert done is not None
    assert done.finish_time == inbox.clock.now()
