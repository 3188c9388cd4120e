"""Store contract: polls and checks that come due, and their leases."""

from __future__ import annotations

from datetime import timedelta

from application.ports.store import DueOperation, Store
from domain.events import EventContext
from domain.ids import OperationId, RequestId
from domain.money import Money
from domain.payment import Payment
from domain.transaction import TransactionStatus
from tests.contract import random_payments
from tests.contract.random_payments import IDS, at, started
from tests.contract.store_steps import LEASE, add, at_once, change, fail, get, succeed


def follow(store: Store, now: EventContext, lease_until: EventContext, limit: int = 10) -> list[Payment]:
    with store.begin() as work:
        return work.payments.due_for_poll(now.time, lease_until.time, limit)


class TestFollowing:
    def test_a_payment_is_polled_when_its_time_has_come_and_then_leased(self, store: Store) -> None:
        soon, later, never = started(), started(), started()
        soon.next_poll_time, later.next_poll_time = at(10).time, at(20).time
        add(store, later, soon, never)
        assert follow(store, at(9.999999), at(50)) == []
        (leased,) = follow(store, at(10), at(50))
        assert leased == soon
        assert get(store, soon).next_poll_time == at(50).time
        assert follow(store, at(10), at(50)) == []
        assert follow(store, at(50), at(90)) == [later, soon]

    def test_polls_are_limited_and_take_the_longest_waiting_first(self, store: Store) -> None:
        payments = [started() for _ in range(3)]
        for payment, seconds in zip(payments, (30, 10, 20), strict=True):
            payment.next_poll_time = at(seconds).time
        add(store, *payments)
        assert follow(store, at(40), at(90), limit=2) == [payments[1], payments[2]]
        assert follow(store, at(40), at(90), limit=2) == [payments[0]]

    def test_a_poll_planned_by_a_wrong_clock_is_due(self, store: Store) -> None:
        far, near = started(), started()
        far.next_poll_time, near.next_poll_time = at(1).time + timedelta(days=365), at(0).time + timedelta(days=1)
        add(store, far, near)
        assert follow(store, at(0), at(9)) == [far]

    def test_a_change_of_the_time_alone_is_saved_without_an_event(self, store: Store) -> None:
        payment = started()
        add(store, payment)

        def plan(current: Payment) -> None:
            current.next_poll_time = at(5).time

        change(store, payment, plan)
        assert get(store, payment).next_poll_time == at(5).time
        with store.read() as work:
            assert len(work.payments.history(payment.terms.payment_id)) == 2

    def test_a_leased_payment_can_be_changed_and_saved(self, store: Store) -> None:
        payment = started()
        payment.next_poll_time = at(5).time
        add(store, payment)
        with store.begin() as work:
            (current,) = work.payments.due_for_poll(at(5).time, at(50).time, 10)
            succeed(current)
            work.payments.save(current)
        assert random_payments.all_fields(get(store, payment)) == random_payments.all_fields(current)

    def test_two_concurrent_pollers_never_get_the_same_payment(self, store: Store) -> None:
        payments = [started() for _ in range(20)]
        for payment in payments:
            payment.next_poll_time = at(0).time
        add(store, *payments)

        def take(_thread: int) -> list[Payment]:
            taken: list[Payment] = []
            while batch := follow(store, at(1), at(90), limit=3):
                taken += batch
            return taken

        taken = [one for batch in at_once(2, take) for one in batch] + follow(store, at(1), at(90), limit=20)
        assert sorted(one.terms.payment_id for one in taken) == sorted(one.terms.payment_id for one in payments)


def due(payment: Payment) -> DueOperation:
    return DueOperation(payment.terms.payment_id, payment.operations[-1].operation_id)


class TestDueOperations:
    def test_an_open_operation_is_due_when_its_time_has_come_and_then_leased(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        time = at(0).time + LEASE
        assert list(store.due_operations(time - timedelta(microseconds=1), time + LEASE, 10)) == []
        assert list(store.due_operations(time, time + LEASE, 10)) == [due(payment)]
        assert get(store, payment).operations[0].next_check_time == time + LEASE
        assert list(store.due_operations(time, time + LEASE, 10)) == []
        assert list(store.due_operations(time + LEASE, time + 2 * LEASE, 10)) == [due(payment)]

    def test_due_operations_are_limited_and_take_the_longest_waiting_first(self, store: Store) -> None:
        payments = [started(seconds=seconds) for seconds in (30, 10, 20)]
        add(store, *payments)
        now = at(60).time + LEASE
        assert list(store.due_operations(now, now + LEASE, 2)) == [due(payments[1]), due(payments[2])]
        assert list(store.due_operations(now, now + LEASE, 2)) == [due(payments[0])]

    def test_an_operation_with_an_outcome_is_never_due(self, store: Store) -> None:
        done, failed = started(), started()
        add(store, done, failed)
        change(store, done, succeed)
        change(store, failed, fail)
        far = at(0).time + timedelta(days=400)
        assert list(store.due_operations(far, far + LEASE, 10)) == []

    def test_a_scheduled_refund_is_due_like_any_other(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        change(store, payment, succeed)

        def refund_half(current: Payment) -> None:
            (part,) = current.plan_refund(Money(500, "USD"))
            operation = current.start_refund_part(part, OperationId(IDS.new("op")), RequestId("refund"), context=at(2))
            current.schedule_check(operation.operation_id, at(100).time)

        payment = change(store, payment, refund_half)
        assert list(store.due_operations(at(99).time, at(200).time, 10)) == []
        assert list(store.due_operations(at(100).time, at(200).time, 10)) == [due(payment)]

    def test_an_operation_planned_by_a_clock_that_jumped_back_is_due(self, store: Store) -> None:
        payment, soon = started(), started()
        add(store, payment, soon)

        def plan(current: Payment, ahead: timedelta) -> None:
            current.schedule_check(current.operations[0].operation_id, at(0).time + ahead)

        change(store, payment, lambda p: plan(p, timedelta(minutes=10, seconds=1)))
        change(store, soon, lambda p: plan(p, timedelta(minutes=10)))
        assert list(store.due_operations(at(0).time, at(0).time + LEASE, 10)) == [due(payment)]
        change(store, payment, lambda p: plan(p, timedelta(minutes=11)))
        assert list(store.due_operations(at(0).time, at(0).time + timedelta(minutes=6), 10)) == []

    def test_a_scheduled_refund_planned_by_a_clock_that_has_jumped_back_since_is_due(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        change(store, payment, succeed)

        def refund_half(current: Payment) -> None:
            (part,) = current.plan_refund(Money(500, "USD"))
            current.start_refund_part(part, OperationId(IDS.new("op")), RequestId("refund"), context=at(2))

        def plan(current: Payment, ahead: timedelta) -> None:
            current.schedule_check(current.operations[-1].operation_id, at(0).time + ahead)

        change(store, payment, refund_half)
        change(store, payment, lambda p: plan(p, timedelta(hours=2)))
        assert list(store.due_operations(at(0).time, at(0).time + LEASE, 10)) == []
        payment = change(store, payment, lambda p: plan(p, timedelta(hours=2, seconds=1)))
        assert list(store.due_operations(at(0).time, at(0).time + LEASE, 10)) == [due(payment)]

    def test_an_operation_without_a_check_time_is_due(self, store: Store) -> None:
        payment = started()
        add(store, payment)

        def capture(current: Payment) -> None:
            succeed(current, TransactionStatus.AUTHORIZED)
            current.capture(None, OperationId(IDS.new("op")), RequestId("capture"), context=at(2))

        payment = change(store, payment, capture)
        assert list(store.due_operations(at(3).time, at(9).time, 10)) == [due(payment)]

    def test_two_concurrent_resolvers_never_get_the_same_operation(self, store: Store) -> None:
        payments = [started() for _ in range(40)]
        add(store, *payments)
        now = at(0).time + LEASE

        def take(_thread: int) -> list[DueOperation]:
            taken: list[DueOperation] = []
            while batch := store.due_operations(now, now + LEASE, 3):
                taken += batch
            return taken

        taken = [one for batch in at_once(2, take) for one in batch]
        # Skipping what another holds, each may stop early; what is left is there for the next look.
        taken += store.due_operations(now, now + LEASE, 40)
        assert sorted(taken, key=str) == sorted(map(due, payments), key=str)

    def test_a_lease_does_not_stop_whoever_records_the_outcome(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        now = at(0).time + LEASE
        with store.begin() as work:
            current = work.payments.get(payment.terms.payment_id, lock=True)
        store.due_operations(now, now + LEASE, 1)
        assert current == payment
        payment = change(store, payment, succeed)
        assert random_payments.all_fields(get(store, payment)) == random_payments.all_fields(payment)
