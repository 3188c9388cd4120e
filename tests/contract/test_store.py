"""What the application may rely on of a store, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields, replace
from datetime import timedelta
from threading import Barrier, Event
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.common.errors import StoreUnavailable
from application.common.page_tokens import Position
from application.ports.store import (
    DetachedPayment,
    DueOperation,
    ExternalIdTaken,
    PaymentFilter,
    PaymentOperation,
    ReferenceTaken,
    RequestRecord,
    Store,
)
from domain import ids as prefixes
from domain.address import Address
from domain.customer import Customer
from domain.events import EventContext, OperationDeclined, OperationSucceeded
from domain.ids import CallerId, CustomerId, OperationId, PaymentId, PaymentMethodId, RequestId
from domain.instrument import Instrument, InstrumentKind
from domain.money import Money
from domain.operation import FailureReason, Operation
from domain.payment import Payment
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.transaction import TransactionSnapshot, TransactionStatus
from domain.transitions import PaymentState
from tests.contract import stories
from tests.contract.stories import IDS, SHOP, at, started

OTHER_SHOP = CallerId("other-shop")
VISA = Instrument(InstrumentKind.CARD, brand="visa", last_four="1111")
LEASE = timedelta(minutes=2)

# The store stays the same from one example to the next: each makes payments and callers of its own.
on_one_store = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

Value = TypeVar("Value")


def succeed(
    payment: Payment,
    status: TransactionStatus = TransactionStatus.SUBMITTED,
    instrument: Instrument = VISA,
    transaction_id: str = "",
) -> None:
    payment.succeed(
        payment.authorization.operation_id,
        amount=payment.terms.amount,
        transaction_id=transaction_id or IDS.new("tx"),
        standing=TransactionSnapshot(status),
        instrument=instrument,
        context=at(1),
    )


def fail(payment: Payment, reason: FailureReason = FailureReason.GATEWAY_UNREACHABLE) -> None:
    payment.fail(payment.authorization.operation_id, reason, context=at(1))


def add(store: Store, *payments: Payment) -> None:
    with store.begin() as work:
        for payment in payments:
            work.payments.add(payment)


def get(store: Store, payment: Payment) -> Payment:
    with store.read() as work:
        found = work.payments.get(payment.terms.payment_id)
    assert found is not None
    return found


def change(store: Store, payment: Payment, happen: Callable[[Payment], object]) -> Payment:
    """Reads under a lock, changes, writes."""
    with store.begin() as work:
        current = work.payments.get(payment.terms.payment_id, lock=True)
        assert current is not None
        happen(current)
        work.payments.save(current)
    return current


def at_once(threads: int, act: Callable[[int], Value]) -> list[Value]:
    """What each thread got, all let loose at one moment."""
    barrier = Barrier(threads)

    def run(number: int) -> Value:
        barrier.wait(10)
        return act(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


class TestPayments:
    @on_one_store
    @given(data=st.data())
    def test_whatever_happens_to_a_payment_comes_back_as_it_was(self, store: Store, data: st.DataObject) -> None:
        payment = data.draw(stories.new_payments())
        add(store, payment)
        assert payment.new_events == []
        assert stories.everything(get(store, payment)) == stories.everything(payment)
        for _ in range(data.draw(st.integers(0, 8))):
            with store.begin() as work:
                current = work.payments.get(payment.terms.payment_id, lock=True)
                assert current is not None
                for _ in range(data.draw(st.integers(1, 3))):
                    stories.go_on(data.draw, current)
                work.payments.save(current)
            assert current.new_events == []
            assert stories.everything(get(store, payment)) == stories.everything(current)

    @on_one_store
    @given(data=st.data())
    def test_the_history_adds_up_to_the_payment_and_to_its_state_after_each_event(
        self, store: Store, data: st.DataObject
    ) -> None:
        payment = data.draw(stories.new_payments())
        events = list(payment.new_events)
        add(store, payment)
        for _ in range(data.draw(st.integers(0, 8))):
            with store.begin() as work:
                current = work.payments.get(payment.terms.payment_id, lock=True)
                assert current is not None
                for _ in range(data.draw(st.integers(1, 3))):
                    stories.go_on(data.draw, current)
                events += current.new_events
                work.payments.save(current)
        with store.read() as work:
            history = work.payments.history(payment.terms.payment_id)
        assert [entry.event for entry in history] == events
        assert [entry.sequence for entry in history] == list(range(1, len(events) + 1))
        assert len({entry.event_id for entry in history}) == len(events)
        assert Payment.replay([entry.event for entry in history]) == get(store, payment)
        assert history[0].state is PaymentState.PENDING
        for entry in history[1:]:
            assert entry.state is Payment.replay(events[: entry.sequence]).state

    def test_the_history_is_read_in_pieces(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        change(store, payment, succeed)
        with store.read() as work:
            history = work.payments.history(payment.terms.payment_id)
            assert len(history) == 3
            assert work.payments.history(payment.terms.payment_id, limit=1) == history[:1]
            assert work.payments.history(payment.terms.payment_id, after_sequence=1, limit=1) == history[1:2]
            assert work.payments.history(payment.terms.payment_id, after_sequence=3) == []
            assert work.payments.history(PaymentId("pay_unknown")) == []

    def test_an_unknown_payment_is_none(self, store: Store) -> None:
        with store.begin() as work:
            assert work.payments.get(PaymentId("pay_unknown")) is None
            assert work.payments.get(PaymentId("pay_unknown"), lock=True) is None

    def test_the_same_payment_cannot_be_added_twice(self, store: Store) -> None:
        payment = started()
        fail(payment)
        add(store, payment)
        with pytest.raises(Exception, match=r"(?i)unique|already") as refusal, store.begin() as work:
            work.payments.add(payment)
        assert not isinstance(refusal.value, StoreUnavailable)

    def test_what_was_added_can_be_read_and_saved_in_the_same_unit_of_work(self, store: Store) -> None:
        payment = started()
        with store.begin() as work:
            work.payments.add(payment)
            assert work.payments.get(payment.terms.payment_id) == payment
            succeed(payment)
            work.payments.save(payment)
            fetched = work.payments.get(payment.terms.payment_id)
            assert fetched == payment
        assert get(store, payment).state is PaymentState.CAPTURED

    def test_a_payment_saved_twice_in_one_unit_of_work_keeps_both_changes(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        with store.begin() as work:
            current = work.payments.get(payment.terms.payment_id, lock=True)
            assert current is not None
            succeed(current, TransactionStatus.AUTHORIZED)
            work.payments.save(current)
            current.void(OperationId(IDS.new("op")), RequestId(IDS.new("request")), context=at(2))
            work.payments.save(current)
        assert get(store, payment) == current
        with store.read() as work:
            assert [entry.sequence for entry in work.payments.history(payment.terms.payment_id)] == [1, 2, 3, 4]

    def test_a_change_without_an_event_is_saved_too(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        later = at(600).time
        change(store, payment, lambda p: p.schedule_check(p.operations[0].operation_id, later, checked=True))
        operation = get(store, payment).operations[0]
        assert (operation.next_check_time, operation.check_count) == (later, 1)

    def test_saving_what_did_not_change_adds_nothing(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        change(store, payment, lambda _: None)
        assert stories.everything(get(store, payment)) == stories.everything(payment)
        with store.read() as work:
            assert len(work.payments.history(payment.terms.payment_id)) == 2

    def test_a_payment_from_another_unit_of_work_cannot_be_saved(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        stale = get(store, payment)
        succeed(stale)
        with pytest.raises(RuntimeError, match=payment.terms.payment_id), store.begin() as work:
            work.payments.save(stale)

    def test_of_two_copies_read_in_one_unit_of_work_only_the_first_is_saved(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        with store.begin() as work:
            first, second = (work.payments.get(payment.terms.payment_id, lock=True) for _ in range(2))
            assert first is not None
            assert second is not None
            succeed(first)
            work.payments.save(first)
            fail(second)
            with pytest.raises(RuntimeError, match=payment.terms.payment_id):
                work.payments.save(second)
        assert get(store, payment) == first

    def test_what_is_not_saved_is_not_stored(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        with store.begin() as work:
            current = work.payments.get(payment.terms.payment_id, lock=True)
            assert current is not None
            succeed(current)
        assert get(store, payment) == payment

    def test_nobody_shares_a_payment_with_the_store(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        before = stories.everything(get(store, payment))
        succeed(payment)
        payment.terms.metadata["changed"] = "outside"
        assert stories.everything(get(store, payment)) == before


class TestUnitsOfWork:
    def test_an_exception_undoes_everything(self, store: Store) -> None:
        kept, lost = started(), started()
        add(store, kept)
        record = request()
        customer, method = person(), card(CustomerId("cus_1"))

        def work_in_vain() -> None:
            with store.begin() as work:
                work.payments.add(lost)
                work.requests.claim(record)
                work.customers.add(customer)
                work.payment_methods.add(method)
                current = work.payments.get(kept.terms.payment_id, lock=True)
                assert current is not None
                succeed(current)
                work.payments.save(current)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            work_in_vain()
        with store.begin() as work:
            assert work.payments.get(lost.terms.payment_id) is None
            assert work.payments.history(lost.terms.payment_id) == []
            assert work.payments.get(kept.terms.payment_id) == kept
            assert len(work.payments.history(kept.terms.payment_id)) == 2
            assert work.customers.get(customer.customer_id) is None
            assert work.payment_methods.get(method.payment_method_id) is None
            assert work.requests.claim(record) is None

    def test_nobody_sees_what_is_not_committed(self, store: Store) -> None:
        payment = started()
        with store.begin() as work:
            work.payments.add(payment)
            with store.read() as other:
                assert other.payments.get(payment.terms.payment_id) is None
        assert get(store, payment) == payment

    def test_a_reader_sees_one_moment(self, store: Store) -> None:
        payment, customer = started(), person()
        add(store, payment)
        with store.read() as work:
            before = work.payments.get(payment.terms.payment_id)
            change(store, payment, succeed)
            with store.begin() as other:
                other.customers.add(customer)
            assert work.payments.get(payment.terms.payment_id) == before == payment
            assert len(work.payments.history(payment.terms.payment_id)) == 2
            assert work.customers.get(customer.customer_id) is None

    def test_no_update_is_lost_under_a_lock(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        operation_id = payment.operations[0].operation_id

        def look(_thread: int) -> None:
            for _ in range(5):
                change(store, payment, lambda p: p.schedule_check(operation_id, at(9).time, checked=True))

        at_once(6, look)
        assert get(store, payment).operations[0].check_count == 30


class TestFollowing:
    def test_a_payment_is_followed_when_its_time_has_come_and_then_leased(self, store: Store) -> None:
        soon, later, never = started(), started(), started()
        soon.next_poll_time, later.next_poll_time = at(10).time, at(20).time
        add(store, later, soon, never)
        assert follow(store, at(9.999999), at(50)) == []
        (leased,) = follow(store, at(10), at(50))
        assert leased == soon
        assert get(store, soon).next_poll_time == at(50).time
        assert follow(store, at(10), at(50)) == []
        assert follow(store, at(50), at(90)) == [later, soon]

    def test_no_more_are_followed_than_asked_and_those_that_waited_longest_first(self, store: Store) -> None:
        payments = [started() for _ in range(3)]
        for payment, seconds in zip(payments, (30, 10, 20), strict=True):
            payment.next_poll_time = at(seconds).time
        add(store, *payments)
        assert follow(store, at(40), at(90), limit=2) == [payments[1], payments[2]]
        assert follow(store, at(40), at(90), limit=2) == [payments[0]]

    def test_a_time_planned_by_a_wrong_clock_has_come(self, store: Store) -> None:
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

    def test_what_is_leased_can_be_changed_and_saved_at_once(self, store: Store) -> None:
        payment = started()
        payment.next_poll_time = at(5).time
        add(store, payment)
        with store.begin() as work:
            (current,) = work.payments.due_for_poll(at(5).time, at(50).time, 10)
            succeed(current)
            work.payments.save(current)
        assert stories.everything(get(store, payment)) == stories.everything(current)

    def test_two_that_follow_at_once_never_get_the_same(self, store: Store) -> None:
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


def follow(store: Store, now: EventContext, lease_until: EventContext, limit: int = 10) -> list[Payment]:
    with store.begin() as work:
        return work.payments.due_for_poll(now.time, lease_until.time, limit)


class TestErasing:
    @on_one_store
    @given(data=st.data())
    def test_nothing_personal_is_left_of_a_customer_and_the_history_still_adds_up(
        self, store: Store, data: st.DataObject
    ) -> None:
        customer_id = CustomerId(IDS.new(prefixes.CUSTOMER))
        payment = data.draw(stories.new_payments(customer_id=customer_id))
        for _ in range(data.draw(st.integers(0, 8))):
            stories.go_on(data.draw, payment)
        add(store, payment)
        with store.begin() as work:
            work.payments.erase_personal_data(customer_id)
        bare = replace(payment.terms, billing_address=Address())
        instrument = payment.instrument and replace(payment.instrument, cardholder_name="", account="")
        found = get(store, payment)
        assert (found.terms, found.instrument) == (bare, instrument)
        assert found.operations == payment.operations
        with store.read() as work:
            events = [entry.event for entry in work.payments.history(payment.terms.payment_id)]
        assert Payment.replay(events) == found
        for event in events:
            if isinstance(event, OperationSucceeded | OperationDeclined) and event.instrument is not None:
                assert (event.instrument.cardholder_name, event.instrument.account) == ("", "")

    @pytest.mark.parametrize("state", PaymentMethodState)
    def test_nothing_personal_is_left_of_a_method_kept_or_not(self, state: PaymentMethodState, store: Store) -> None:
        mine, other = (
            PaymentMethod(
                payment_method_id=PaymentMethodId(IDS.new(prefixes.PAYMENT_METHOD)),
                caller_id=SHOP,
                customer_id=CustomerId(IDS.new(prefixes.CUSTOMER)),
                state=state,
                create_time=at(0).time,
                update_time=at(0).time,
                instrument=replace(VISA, cardholder_name="Jo", account="jo@example.com"),
                billing_address=Address(given_name="Jo"),
            )
            for _ in range(2)
        )
        with store.begin() as work:
            work.payment_methods.add(mine)
            work.payment_methods.add(other)
            work.payment_methods.erase_personal_data(mine.customer_id)
        store.wipe()
        with store.read() as work:
            assert work.payment_methods.get(mine.payment_method_id) == replace(
                mine, instrument=VISA, billing_address=Address()
            )
            assert work.payment_methods.get(other.payment_method_id) == other

    def test_other_customers_are_left_alone(self, store: Store) -> None:
        mine, other, nobody = (
            started(customer_id=customer_id, billing_address=Address(given_name="Jo"))
            for customer_id in (CustomerId("cus_1"), CustomerId("cus_2"), None)
        )
        add(store, mine, other, nobody)
        with store.begin() as work:
            work.payments.erase_personal_data(CustomerId("cus_1"))
        assert [get(store, p).terms.billing_address.given_name for p in (mine, other, nobody)] == ["", "Jo", "Jo"]

    def test_what_is_just_being_written_is_erased_too(self, store: Store) -> None:
        payment = started(customer_id=CustomerId("cus_1"))
        add(store, payment)
        underway = Event()

        def erase() -> None:
            underway.set()
            with store.begin() as work:
                work.payments.erase_personal_data(CustomerId("cus_1"))

        with ThreadPoolExecutor(1) as pool:
            with store.begin() as work:
                current = work.payments.get(payment.terms.payment_id, lock=True)
                assert current is not None
                succeed(current, instrument=replace(VISA, cardholder_name="Jo"))
                erasing = pool.submit(erase)
                underway.wait(10)
                work.payments.save(current)
            erasing.result(10)
        assert get(store, payment).instrument == VISA


def keep(store: Store, payment: Payment) -> DetachedPayment:
    with store.begin() as work:
        work.payments.add(payment)
        return work.payments.keep(payment)


class TestTakingUp:
    @on_one_store
    @given(data=st.data())
    def test_what_was_kept_goes_on_as_if_it_had_been_read(self, store: Store, data: st.DataObject) -> None:
        payment = data.draw(stories.new_payments())
        events = list(payment.new_events)
        kept = keep(store, payment)
        for _ in range(data.draw(st.integers(1, 4))):
            with store.begin() as work:
                current = work.payments.reattach(kept)
                assert current is payment
                stories.go_on(data.draw, current)
                events += current.new_events
                work.payments.save(current)
                kept = work.payments.keep(current)
        assert stories.everything(get(store, payment)) == stories.everything(payment)
        with store.read() as work:
            history = work.payments.history(payment.terms.payment_id)
        assert [entry.event for entry in history] == events
        assert [entry.sequence for entry in history] == list(range(1, len(events) + 1))

    def test_what_somebody_wrote_since_must_be_read_again(self, store: Store) -> None:
        payment = started()
        kept = keep(store, payment)
        change(store, payment, succeed)
        with store.begin() as work:
            assert work.payments.reattach(kept) is None
            current = work.payments.get(payment.terms.payment_id, lock=True)
        assert current == get(store, payment) != payment

    def test_what_was_erased_since_must_be_read_again(self, store: Store) -> None:
        payment = started(customer_id=CustomerId("cus_1"), billing_address=Address(street_address="Jalan 1"))
        kept = keep(store, payment)
        with store.begin() as work:
            work.payments.erase_personal_data(CustomerId("cus_1"))
        with store.begin() as work:
            assert work.payments.reattach(kept) is None

    def test_it_is_taken_up_once_even_where_what_followed_was_undone(self, store: Store) -> None:
        payment = started()
        kept = keep(store, payment)
        with suppress(ZeroDivisionError), store.begin() as work:
            current = work.payments.reattach(kept)
            assert current is not None
            succeed(current)
            work.payments.save(current)
            raise ZeroDivisionError
        with store.begin() as work:
            assert work.payments.reattach(kept) is None
        assert get(store, payment).state is PaymentState.PENDING

    def test_whoever_takes_it_up_holds_its_lock(self, store: Store) -> None:
        payment = started()
        kept = keep(store, payment)
        underway = Event()

        def read_under_lock() -> PaymentState:
            underway.set()
            with store.begin() as work:
                found = work.payments.get(payment.terms.payment_id, lock=True)
                assert found is not None
                return found.state

        with ThreadPoolExecutor(1) as pool:
            with store.begin() as work:
                current = work.payments.reattach(kept)
                assert current is not None
                waiting = pool.submit(read_under_lock)
                underway.wait(10)
                succeed(current)
                work.payments.save(current)
            assert waiting.result(10) is PaymentState.CAPTURED


class TestReferences:
    def test_a_live_payment_keeps_its_reference(self, store: Store) -> None:
        first, second = started("order"), started("order")
        add(store, first)
        with pytest.raises(ReferenceTaken) as refusal, store.begin() as work:
            work.payments.add(second)
        assert refusal.value.payment_id == first.terms.payment_id
        with store.read() as work:
            assert work.payments.get(second.terms.payment_id) is None

    def test_after_a_refusal_the_unit_of_work_goes_on(self, store: Store) -> None:
        first, second, third = started("order"), started("order"), started()
        add(store, first)
        with store.begin() as work:
            with pytest.raises(ReferenceTaken):
                work.payments.add(second)
            work.payments.add(third)
        assert get(store, third) == third

    def test_references_of_different_callers_do_not_meet(self, store: Store) -> None:
        add(store, started("order"), started("order", caller_id=OTHER_SHOP), started("Order"))

    def test_the_reference_is_free_once_the_payment_is_not_live(self, store: Store) -> None:
        first, second = started("order"), started("order")
        add(store, first)
        change(store, first, fail)
        add(store, second)
        assert get(store, second).is_live

    def test_another_attempt_is_refused_where_another_payment_took_its_place(self, store: Store) -> None:
        first, second, third = started("order"), started("order"), started()
        add(store, first)
        change(store, first, fail)
        add(store, second)
        with store.begin() as work:
            current = work.payments.get(first.terms.payment_id, lock=True)
            assert current is not None
            current.authorize(OperationId(IDS.new("op")), RequestId("again"), context=at(3))
            with pytest.raises(ReferenceTaken) as refusal:
                work.payments.save(current)
            work.payments.add(third)
        assert refusal.value.payment_id == second.terms.payment_id
        assert get(store, first).state is PaymentState.FAILED
        assert get(store, third) == third

    def test_what_the_gateway_did_is_recorded_even_where_another_payment_took_its_place(self, store: Store) -> None:
        first, second = started("order"), started("order")
        add(store, first)
        change(store, first, lambda p: fail(p, FailureReason.NOT_FOUND_AT_GATEWAY))
        add(store, second)
        change(store, first, succeed)
        assert get(store, first).is_live
        change(store, second, succeed)
        with pytest.raises(ReferenceTaken), store.begin() as work:
            work.payments.add(started("order"))

    def test_a_payment_becomes_live_again_where_nobody_took_its_place(self, store: Store) -> None:
        payment = started("order")
        add(store, payment)
        change(store, payment, fail)
        change(store, payment, lambda p: p.authorize(OperationId(IDS.new("op")), RequestId("again"), context=at(3)))
        assert get(store, payment).is_live
        with pytest.raises(ReferenceTaken), store.begin() as work:
            work.payments.add(started("order"))

    def test_of_twenty_that_race_for_a_reference_one_wins(self, store: Store) -> None:
        def race(_thread: int) -> PaymentId | ReferenceTaken:
            payment = started("order")
            try:
                add(store, payment)
            except ReferenceTaken as taken:
                return taken
            return payment.terms.payment_id

        outcomes = at_once(20, race)
        winners = [outcome for outcome in outcomes if isinstance(outcome, str)]
        assert len(winners) == 1
        assert {taken.payment_id for taken in outcomes if isinstance(taken, ReferenceTaken)} == set(winners)

    def test_a_claimed_transaction_is_claimed_by_another_only_once_what_was_recorded_can_be_seen(
        self, store: Store
    ) -> None:
        first, second = started("order 1"), started("order 2")
        add(store, first, second)
        transaction_id = IDS.new("tx")

        def recorded_for() -> list[PaymentId]:
            with store.begin() as work:
                work.payments.get(second.terms.payment_id, lock=True)
                work.payments.claim_transaction(transaction_id)
                return [one.payment.terms.payment_id for one in work.payments.find_operations([], [transaction_id])]

        with ThreadPoolExecutor(1) as pool:
            with store.begin() as work:
                payment = work.payments.get(first.terms.payment_id, lock=True)
                assert payment is not None
                work.payments.claim_transaction(transaction_id)
                other = pool.submit(recorded_for)
                with pytest.raises(TimeoutError):
                    other.result(timeout=0.3)
                succeed(payment, transaction_id=transaction_id)
                work.payments.save(payment)
            assert other.result(timeout=10) == [first.terms.payment_id]


ANN, EVE = CustomerId("cus_ann"), CustomerId("cus_eve")


def own(customer_id: CustomerId, amount: Money = Money(1000, "USD")) -> Payment:  # noqa: B008
    """A payment for the order that the customer makes with a credential of their own."""
    return started("order", customer_id=customer_id, reference_space=customer_id, amount=amount)


class TestReferencesOfCustomers:
    def test_each_customer_has_references_of_their_own(self, store: Store) -> None:
        add(store, started("order"), own(ANN), own(EVE))
        for customer_id in (ANN, EVE):
            with pytest.raises(ReferenceTaken), store.begin() as work:
                work.payments.add(own(customer_id))

    def test_a_customers_payment_comes_back_with_its_space(self, store: Store) -> None:
        payment = own(ANN)
        add(store, payment)
        assert get(store, payment) == payment
        assert get(store, payment).terms.reference_space == ANN

    def test_a_customers_reference_is_free_once_the_payment_is_not_live(self, store: Store) -> None:
        first, second = own(ANN), own(ANN)
        add(store, first)
        change(store, first, fail)
        add(store, second)
        with pytest.raises(ReferenceTaken) as refusal, store.begin() as work:
            work.payments.add(own(ANN))
        assert refusal.value.payment_id == second.terms.payment_id

    def test_another_attempt_of_a_customer_is_refused_where_another_payment_took_its_place(self, store: Store) -> None:
        first, second = own(ANN), own(ANN)
        add(store, first)
        change(store, first, fail)
        add(store, second)
        with store.begin() as work:
            current = work.payments.get(first.terms.payment_id, lock=True)
            assert current is not None
            current.authorize(OperationId(IDS.new("op")), RequestId("again"), context=at(3))
            with pytest.raises(ReferenceTaken):
                work.payments.save(current)

    def test_what_the_gateway_did_for_a_customer_is_recorded_whatever_took_its_place(self, store: Store) -> None:
        first, second = own(ANN), own(ANN)
        add(store, first)
        change(store, first, lambda p: fail(p, FailureReason.NOT_FOUND_AT_GATEWAY))
        add(store, second)
        change(store, first, succeed)
        assert get(store, first).state is PaymentState.CAPTURED
        change(store, second, succeed)
        with pytest.raises(ReferenceTaken), store.begin() as work:
            work.payments.add(own(ANN))

    def test_the_back_ends_payment_for_a_customer_stands_against_the_customers_own(self, store: Store) -> None:
        first = started("order", customer_id=ANN)
        add(store, first)
        with pytest.raises(ReferenceTaken) as refusal, store.begin() as work:
            work.payments.add(own(ANN, Money(1, "USD")))
        assert refusal.value.payment_id == first.terms.payment_id
        add(store, own(EVE))

    @pytest.mark.parametrize("end", [None, succeed])
    @pytest.mark.parametrize(("minor_units", "is_whole"), [(999, False), (1000, True), (1001, True)])
    def test_a_customers_own_payment_stands_against_the_back_ends_with_the_whole_amount(
        self, minor_units: int, is_whole: bool, end: Callable[[Payment], None] | None, store: Store
    ) -> None:
        first = own(ANN, Money(minor_units, "USD"))
        add(store, first)
        if end is not None:
            change(store, first, end)
        second = started("order", customer_id=ANN)
        if not is_whole:
            add(store, second)
            return
        with pytest.raises(ReferenceTaken) as refusal, store.begin() as work:
            work.payments.add(second)
        assert refusal.value.payment_id == first.terms.payment_id


def request(request_id: str = "", *, caller_id: CallerId = SHOP, resource_id: str = "pay_1") -> RequestRecord:
    return RequestRecord(
        caller_id=caller_id,
        request_id=RequestId(request_id or IDS.new("request")),
        method="CreatePayment",
        resource_id=resource_id,
        fingerprint={"amount": "0a1b", "reference": ""},
        create_time=at(0.000001).time,
    )


class TestRequests:
    def test_a_request_can_be_looked_up(self, store: Store) -> None:
        record = request("one")
        with store.begin() as work:
            assert work.requests.get(SHOP, RequestId("one")) is None
            work.requests.claim(record)
            assert work.requests.get(SHOP, RequestId("one")) == record
        with store.read() as work:
            assert work.requests.get(SHOP, RequestId("one")) == record
            assert work.requests.get(OTHER_SHOP, RequestId("one")) is None
            assert work.requests.get(SHOP, RequestId("two")) is None

    def test_the_first_claim_is_kept_and_the_later_ones_are_told_of_it(self, store: Store) -> None:
        first = request("one")
        with store.begin() as work:
            assert work.requests.claim(first) is None
        for _ in range(2):
            with store.begin() as work:
                assert work.requests.claim(replace(request("one", resource_id="pay_2"), fingerprint={})) == first

    def test_a_refusal_is_kept_with_its_request(self, store: Store) -> None:
        at_once_refused = replace(request("one"), refusal={"reason": "amount_exceeds", "asked": "100"})
        with store.begin() as work:
            assert work.requests.claim(at_once_refused) is None
            assert work.requests.claim(request("two")) is None
        with store.begin() as work:
            work.requests.refuse(SHOP, RequestId("two"), {"reason": "reference_already_paid"})
        with store.begin() as work:
            assert work.requests.claim(request("one")) == at_once_refused
            later = work.requests.get(SHOP, RequestId("two"))
        assert later == replace(request("two"), refusal={"reason": "reference_already_paid"})

    def test_request_ids_of_different_callers_do_not_meet(self, store: Store) -> None:
        with store.begin() as work:
            assert work.requests.claim(request("one")) is None
            assert work.requests.claim(request("one", caller_id=OTHER_SHOP)) is None
            assert work.requests.claim(request("two")) is None

    def test_of_twenty_that_claim_at_once_one_is_the_first(self, store: Store) -> None:
        def claim(thread: int) -> tuple[RequestRecord, RequestRecord | None]:
            record = request("one", resource_id=f"pay_{thread}")
            with store.begin() as work:
                return record, work.requests.claim(record)

        outcomes = at_once(20, claim)
        first = [record for record, earlier in outcomes if earlier is None]
        assert len(first) == 1
        assert [earlier for _, earlier in outcomes if earlier is not None] == first * 19

    @pytest.mark.parametrize("commits", [True, False], ids=["commits", "rolls back"])
    def test_a_second_claim_waits_until_the_first_has_ended(self, store: Store, *, commits: bool) -> None:
        first, second = request("one", resource_id="pay_1"), request("one", resource_id="pay_2")
        underway = Event()

        def claim_second() -> RequestRecord | None:
            underway.set()
            with store.begin() as work:
                return work.requests.claim(second)

        with ThreadPoolExecutor(1) as pool, suppress(ZeroDivisionError), store.begin() as work:
            work.requests.claim(first)
            answer = pool.submit(claim_second)
            underway.wait(10)
            if not commits:
                raise ZeroDivisionError
        assert answer.result(10) == (first if commits else None)


def _told(which: PaymentFilter) -> str:
    """What a filter asks for, to name a test."""
    asked = {one.name: getattr(which, one.name) for one in fields(which)}
    asked["states"] = sorted(state.value for state in which.states)
    return ",".join(f"{name}={value}" for name, value in asked.items() if value) or "any"


def names(payments: list[Payment]) -> str:
    return " ".join(payment.terms.reference for payment in payments)


class TestPages:
    @on_one_store
    @given(data=st.data())
    def test_pages_neither_skip_nor_repeat_while_payments_arrive(self, store: Store, data: st.DataObject) -> None:
        caller_id = CallerId(IDS.new("caller"))
        # Few moments for many payments: the id has to decide.
        moments = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=9))
        there = [started(caller_id=caller_id, seconds=moment) for moment in moments]
        add(store, *there)
        expected = sorted(there, key=lambda p: (p.create_time, p.terms.payment_id), reverse=True)

        seen: list[Payment] = []
        after = None
        while True:
            limit = data.draw(st.integers(1, 4))
            with store.read() as work:
                page = work.payments.page(caller_id, PaymentFilter(), after=after, limit=limit)
            assert len(page.payments) <= limit
            seen += page.payments
            after = page.go_on_after
            if after is None:
                break
            if data.draw(st.booleans()):
                add(store, started(caller_id=caller_id, seconds=2 + len(seen)))
        before = {payment.terms.payment_id for payment in there}
        assert [payment for payment in seen if payment.terms.payment_id in before] == expected
        assert len({payment.terms.payment_id for payment in seen}) == len(seen)

    def test_a_page_has_whole_payments_of_the_caller_only(self, store: Store) -> None:
        mine, other = started("mine"), started("other", caller_id=OTHER_SHOP, seconds=1)
        add(store, mine, other)
        mine = change(store, mine, succeed)
        with store.read() as work:
            page = work.payments.page(SHOP, PaymentFilter(), after=None, limit=10).payments
            assert [stories.everything(payment) for payment in page] == [stories.everything(mine)]
            assert names(work.payments.page(None, PaymentFilter(), after=None, limit=10).payments) == "other mine"

    @pytest.mark.parametrize(
        "which",
        [
            PaymentFilter(reference="order"),
            PaymentFilter(states=frozenset({PaymentState.PENDING})),
            PaymentFilter(states=frozenset({PaymentState.PENDING, PaymentState.CAPTURED}), reference="order"),
            PaymentFilter(currency_code="USD"),
        ],
    )
    def test_a_filtered_list_of_every_caller_is_in_order(self, store: Store, which: PaymentFilter) -> None:
        callers = [CallerId(f"shop{number}") for number in range(3)]
        payments = [started("order", caller_id=caller_id, seconds=number) for number, caller_id in enumerate(callers)]
        add(store, *payments)
        seen: list[Payment] = []
        after = None
        with store.read() as work:
            while True:
                page = work.payments.page(None, which, after=after, limit=1)
                seen += page.payments
                after = page.go_on_after
                if after is None:
                    break
        assert [one.terms.payment_id for one in seen] == [one.terms.payment_id for one in reversed(payments)]

    def test_an_export_goes_through_all_callers_from_the_oldest_to_the_newest(self, store: Store) -> None:
        payments = [started(seconds=n // 2, caller_id=SHOP if n % 2 else OTHER_SHOP) for n in range(8)]
        add(store, *payments)
        expected = sorted(payments[2:6], key=lambda p: (p.create_time, p.terms.payment_id))
        seen: list[Payment] = []
        after = None
        with store.read() as work:
            while page := work.payments.oldest_first(at(1).time, at(3).time, after=after, limit=3):
                seen += page
                after = Position(page[-1].create_time, page[-1].terms.payment_id)
        assert [stories.everything(one) for one in seen] == [stories.everything(one) for one in expected]

    @pytest.mark.parametrize(
        ("which", "expected"),
        [
            (PaymentFilter(), "d c_1 c%1 b-ÄSS a"),
            (PaymentFilter(customer_id=CustomerId("cus_1")), "c_1 a"),
            (PaymentFilter(customer_id=CustomerId("cus_2")), ""),
            (PaymentFilter(reference="c_1"), "c_1"),
            (PaymentFilter(reference="C_1"), ""),
            (PaymentFilter(reference_contains="_"), "c_1"),
            (PaymentFilter(reference_contains="%"), "c%1"),
            (PaymentFilter(reference_contains="C"), "c_1 c%1"),
            (PaymentFilter(reference_contains="/"), ""),
            (PaymentFilter(reference_contains="-äß"), "b-ÄSS"),
            (PaymentFilter(states=frozenset({PaymentState.CAPTURED})), "b-ÄSS"),
            (PaymentFilter(states=frozenset({PaymentState.CAPTURED, PaymentState.FAILED})), "b-ÄSS a"),
            (PaymentFilter(states=frozenset({PaymentState.EXPIRED})), ""),
            (PaymentFilter(created_from=at(20).time), "d c_1 c%1"),
            (PaymentFilter(created_from=at(20.000001).time), "d c_1"),
            (PaymentFilter(created_until=at(20).time), "b-ÄSS a"),
            (PaymentFilter(created_until=at(20.000001).time), "c%1 b-ÄSS a"),
            (PaymentFilter(currency_code="JPY"), "d"),
            (PaymentFilter(min_minor_units=300), "d c_1 c%1"),
            (PaymentFilter(max_minor_units=300), "c%1 b-ÄSS a"),
            (PaymentFilter(min_minor_units=200, max_minor_units=300), "c%1 b-ÄSS"),
            (PaymentFilter(brand="visa"), "b-ÄSS"),
            (PaymentFilter(brand="mastercard"), ""),
            (PaymentFilter(last_four="1111"), "b-ÄSS"),
            (PaymentFilter(last_four="0000"), ""),
            (PaymentFilter(customer_id=CustomerId("cus_1"), min_minor_units=400), "c_1"),
        ],
        ids=lambda value: "" if isinstance(value, str) else _told(value),
    )
    def test_every_filter_finds_what_it_says(self, store: Store, which: PaymentFilter, expected: str) -> None:
        failed = started("a", amount=Money(100, "USD"), customer_id=CustomerId("cus_1"))
        captured = started("b-ÄSS", seconds=10, amount=Money(200, "USD"))
        add(
            store,
            failed,
            captured,
            started("c%1", seconds=20, amount=Money(300, "USD")),
            started("c_1", seconds=30, amount=Money(400, "USD"), customer_id=CustomerId("cus_1")),
            started("d", seconds=40, amount=Money(500, "JPY")),
            started("other", caller_id=OTHER_SHOP, customer_id=CustomerId("cus_1")),
        )
        change(store, failed, fail)
        change(store, captured, succeed)
        with store.read() as work:
            whole = work.payments.page(SHOP, which, after=None, limit=10)
            assert (names(whole.payments), whole.go_on_after) == (expected, None)
            first = work.payments.page(SHOP, which, after=None, limit=1)
            assert names(first.payments) == expected[: len(names(first.payments))]
            assert (first.go_on_after is not None) == (len(whole.payments) > 1)
            if first.go_on_after:
                rest = work.payments.page(SHOP, which, after=first.go_on_after, limit=10)
                assert names(first.payments + rest.payments) == expected


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

    def test_those_that_waited_longest_come_first_and_no_more_than_asked(self, store: Store) -> None:
        payments = [started(seconds=seconds) for seconds in (30, 10, 20)]
        add(store, *payments)
        now = at(60).time + LEASE
        assert list(store.due_operations(now, now + LEASE, 2)) == [due(payments[1]), due(payments[2])]
        assert list(store.due_operations(now, now + LEASE, 2)) == [due(payments[0])]

    def test_what_has_an_outcome_is_never_due(self, store: Store) -> None:
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

    def test_one_planned_by_a_clock_that_has_jumped_back_since_is_due(self, store: Store) -> None:
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

    def test_one_that_nobody_planned_to_look_at_is_due(self, store: Store) -> None:
        payment = started()
        add(store, payment)

        def capture(current: Payment) -> None:
            succeed(current, TransactionStatus.AUTHORIZED)
            current.capture(None, OperationId(IDS.new("op")), RequestId("capture"), context=at(2))

        payment = change(store, payment, capture)
        assert list(store.due_operations(at(3).time, at(9).time, 10)) == [due(payment)]

    def test_two_that_take_at_once_never_get_the_same(self, store: Store) -> None:
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
        assert stories.everything(get(store, payment)) == stories.everything(payment)


def told(found: list[PaymentOperation]) -> list[OperationId]:
    return [one.operation.operation_id for one in found]


class TestOperationsOfAll:
    def test_operations_are_found_by_their_id_and_by_their_transaction(self, store: Store) -> None:
        captured, other, waiting = started(), started(), started()
        add(store, captured, other, waiting)
        captured = change(store, captured, succeed)
        change(store, other, succeed)
        own, still = captured.operations[0], waiting.operations[0]
        with store.read() as work:
            assert work.payments.find_operations([], []) == []
            assert work.payments.find_operations([own.transaction_id], [own.operation_id, ""]) == []
            (found,) = work.payments.find_operations([], [own.transaction_id])
            assert (stories.everything(found.payment), found.operation) == (stories.everything(captured), own)
            both = work.payments.find_operations([own.operation_id, still.operation_id], [own.transaction_id])
            assert sorted(told(both)) == sorted([own.operation_id, still.operation_id])

    def test_what_is_unresolved_is_listed_from_the_oldest_on(self, store: Store) -> None:
        payments = [
            started(seconds=seconds, caller_id=caller) for seconds, caller in ((5, SHOP), (3, OTHER_SHOP), (3, SHOP))
        ]
        done = started()
        add(store, *payments, done)
        done = change(store, done, succeed)
        expected = [payments[n].operations[0].operation_id for n in (1, 2, 0)]
        with store.read() as work:
            assert told(work.payments.unresolved(None, after=None, limit=10)) == expected
            assert told(work.payments.unresolved(at(5).time, after=None, limit=10)) == expected[:2]
            page = work.payments.unresolved(None, after=None, limit=1)
            after = Position(page[0].operation.create_time, page[0].operation.operation_id)
            assert told(work.payments.unresolved(None, after=after, limit=10)) == expected[1:]
            assert page[0].payment == payments[1]

    def test_what_succeeded_is_listed_from_the_oldest_on(self, store: Store) -> None:
        payments = [started(seconds=seconds) for seconds in (4, 1, 3, 1, 2, 5)]
        add(store, *payments)
        for payment in payments[:5]:
            change(store, payment, succeed)
        expected = [payments[n].operations[0].operation_id for n in (1, 3, 4, 2)]
        with store.read() as work:
            assert told(work.payments.succeeded(at(1).time, at(4).time, after=None, limit=10)) == expected
            page = work.payments.succeeded(at(1).time, at(4).time, after=None, limit=2)
            after = Position(page[-1].operation.create_time, page[-1].operation.operation_id)
            assert told(page + work.payments.succeeded(at(1).time, at(4).time, after=after, limit=10)) == expected

    def test_a_payment_with_several_operations_comes_with_each(self, store: Store) -> None:
        payment = started()
        add(store, payment)

        def void(current: Payment) -> None:
            succeed(current, TransactionStatus.AUTHORIZED)
            current.void(OperationId(IDS.new("op")), RequestId("void"), context=at(2))

        payment = change(store, payment, void)
        ids = [operation.operation_id for operation in payment.operations]
        with store.read() as work:
            found = work.payments.find_operations(ids, [])
        assert sorted(told(found)) == sorted(ids)
        assert all(one.payment == payment for one in found)


def person(external_id: str = "", *, caller_id: CallerId = SHOP, seconds: float = 0, email: str = "") -> Customer:
    return Customer(
        customer_id=CustomerId(IDS.new(prefixes.CUSTOMER)),
        caller_id=caller_id,
        create_time=at(seconds).time,
        update_time=at(seconds).time,
        external_id=external_id,
        email=email,
    )


class TestCustomers:
    @on_one_store
    @given(customer=stories.customers, changed=stories.customers)
    def test_a_customer_comes_back_as_it_was(self, store: Store, customer: Customer, changed: Customer) -> None:
        changed = replace(
            changed, customer_id=customer.customer_id, caller_id=customer.caller_id, create_time=customer.create_time
        )
        with store.begin() as work:
            work.customers.add(customer)
            assert work.customers.get(customer.customer_id) == customer
        with store.begin() as work:
            assert work.customers.get(customer.customer_id, lock=True) == customer
            work.customers.save(changed)
        with store.read() as work:
            assert work.customers.get(customer.customer_id) == changed

    def test_an_unknown_customer_is_none_and_cannot_be_saved(self, store: Store) -> None:
        customer = person()
        with store.begin() as work:
            assert work.customers.get(customer.customer_id, lock=True) is None
            with pytest.raises(LookupError):
                work.customers.save(customer)

    def test_an_external_id_is_given_once_for_each_caller(self, store: Store) -> None:
        first, other = person("jo"), person("jo", caller_id=OTHER_SHOP)
        with store.begin() as work:
            work.customers.add(first)
            work.customers.add(other)
            with pytest.raises(ExternalIdTaken) as refusal:
                work.customers.add(person("jo"))
            assert refusal.value.customer_id == first.customer_id
            # The unit of work goes on, and nobody needs an external id.
            work.customers.add(person())
            work.customers.add(person())
        with store.read() as work:
            assert work.customers.find_by_external_id(SHOP, "jo") == first
            assert work.customers.find_by_external_id(OTHER_SHOP, "jo") == other
            assert work.customers.find_by_external_id(SHOP, "JO") is None
            assert work.customers.find_by_external_id(SHOP, "") is None

    def test_a_customer_cannot_be_saved_with_an_external_id_that_is_given(self, store: Store) -> None:
        first, second = person("jo"), person("mo")
        with store.begin() as work:
            work.customers.add(first)
            work.customers.add(second)
        with store.begin() as work:
            work.customers.get(second.customer_id, lock=True)
            with pytest.raises(ExternalIdTaken) as refusal:
                work.customers.save(replace(second, external_id="jo"))
            work.customers.save(replace(second, phone="1"))
        assert refusal.value.customer_id == first.customer_id
        with store.read() as work:
            assert work.customers.get(second.customer_id) == replace(second, phone="1")

    def test_a_deleted_customer_holds_no_external_id_and_is_in_no_list(self, store: Store) -> None:
        first, second = person("jo"), person("jo")
        with store.begin() as work:
            work.customers.add(first)
            work.customers.save(replace(first, delete_time=at(1).time))
            work.customers.add(second)
        with store.read() as work:
            assert work.customers.find_by_external_id(SHOP, "jo") == second
            assert work.customers.page(SHOP, email=None, after=None, limit=10) == [second]
            deleted = work.customers.get(first.customer_id)
        assert deleted is not None
        assert deleted.delete_time == at(1).time

    def test_of_ten_that_race_for_an_external_id_one_wins(self, store: Store) -> None:
        def race(_thread: int) -> CustomerId | ExternalIdTaken:
            customer = person("jo")
            try:
                with store.begin() as work:
                    work.customers.add(customer)
            except ExternalIdTaken as taken:
                return taken
            return customer.customer_id

        outcomes = at_once(10, race)
        winners = [outcome for outcome in outcomes if isinstance(outcome, str)]
        assert len(winners) == 1
        assert {taken.customer_id for taken in outcomes if isinstance(taken, ExternalIdTaken)} == set(winners)

    def test_pages_are_newest_first_and_by_email_in_upper_and_lower_case_alike(self, store: Store) -> None:
        mail = "Zoë@Example.com"
        people = [person(seconds=n // 2, email=mail if n % 2 else "") for n in range(6)]
        with store.begin() as work:
            for one in people:
                work.customers.add(one)
            work.customers.add(person(caller_id=OTHER_SHOP, email=mail))
        newest_first = sorted(people, key=lambda c: (c.create_time, c.customer_id), reverse=True)
        with store.read() as work:
            page = work.customers.page(SHOP, email=None, after=None, limit=4)
            after = Position(page[-1].create_time, page[-1].customer_id)
            assert page + work.customers.page(SHOP, email=None, after=after, limit=4) == newest_first
            found = work.customers.page(SHOP, email="zoË@example.COM", after=None, limit=9)
            assert found == [one for one in newest_first if one.email]
            assert work.customers.page(SHOP, email="zo", after=None, limit=9) == []


def card(
    customer_id: CustomerId,
    *,
    state: PaymentMethodState = PaymentMethodState.ACTIVE,
    seconds: float = 0,
    is_default: bool = False,
) -> PaymentMethod:
    return PaymentMethod(
        payment_method_id=PaymentMethodId(IDS.new(prefixes.PAYMENT_METHOD)),
        caller_id=SHOP,
        customer_id=customer_id,
        state=state,
        create_time=at(seconds).time,
        update_time=at(seconds).time,
        is_default=is_default,
    )


class TestPaymentMethods:
    @on_one_store
    @given(method=stories.payment_methods, changed=stories.payment_methods)
    def test_a_payment_method_comes_back_as_it_was(
        self, store: Store, method: PaymentMethod, changed: PaymentMethod
    ) -> None:
        changed = replace(
            changed,
            payment_method_id=method.payment_method_id,
            caller_id=method.caller_id,
            customer_id=method.customer_id,
            create_time=method.create_time,
        )
        with store.begin() as work:
            work.payment_methods.add(method)
            found = work.payment_methods.get(method.payment_method_id)
        assert found == method
        assert found.next_check_time == method.next_check_time
        with store.begin() as work:
            assert work.payment_methods.get(method.payment_method_id, lock=True) == method
            work.payment_methods.save(changed)
        with store.read() as work:
            found = work.payment_methods.get(method.payment_method_id)
        assert found == changed
        assert found.next_check_time == changed.next_check_time

    def test_an_unknown_payment_method_is_none_and_cannot_be_saved(self, store: Store) -> None:
        method = card(CustomerId("cus_1"))
        with store.begin() as work:
            assert work.payment_methods.get(method.payment_method_id, lock=True) is None
            with pytest.raises(LookupError):
                work.payment_methods.save(method)

    def test_a_customer_has_the_active_and_pending_ones_newest_first(self, store: Store) -> None:
        customer_id = CustomerId("cus_1")
        methods = [card(customer_id, state=state, seconds=n) for n, state in enumerate(PaymentMethodState)]
        methods += [card(customer_id, seconds=9), card(customer_id, seconds=9)]
        with store.begin() as work:
            for one in [*methods, card(CustomerId("cus_2"))]:
                work.payment_methods.add(one)
        expected = [methods[6], methods[5], methods[1], methods[0]]
        assert [m.state.value for m in expected[2:]] == ["active", "pending"]
        with store.read() as work:
            assert work.payment_methods.of_customer(customer_id) == expected
            page = work.payment_methods.of_customer(customer_id, limit=1)
            after = Position(page[-1].create_time, page[-1].payment_method_id)
            assert page + work.payment_methods.of_customer(customer_id, after=after, limit=10) == expected
            assert work.payment_methods.of_customer(CustomerId("cus_3")) == []

    def test_a_new_default_takes_the_place_of_the_earlier_one(self, store: Store) -> None:
        first, second, third = (card(CustomerId("cus_1"), is_default=n < 2, seconds=n) for n in range(3))
        elsewhere = card(CustomerId("cus_2"), is_default=True)
        with store.begin() as work:
            for one in (elsewhere, first, second, third):
                work.payment_methods.add(one)
            assert [m.is_default for m in work.payment_methods.of_customer(CustomerId("cus_1"))] == [False, True, False]
            work.payment_methods.save(replace(third, is_default=True))
            work.payment_methods.save(replace(third, is_default=True))
        with store.read() as work:
            assert [m.is_default for m in work.payment_methods.of_customer(CustomerId("cus_1"))] == [True, False, False]
            assert [m.is_default for m in work.payment_methods.of_customer(CustomerId("cus_2"))] == [True]

    def test_a_pending_one_is_due_when_its_time_has_come_and_then_leased(self, store: Store) -> None:
        customer_id, pending = CustomerId("cus_1"), PaymentMethodState.PENDING
        soon, later, unplanned = (card(customer_id, state=pending) for _ in range(3))
        soon, later = replace(soon, next_check_time=at(10).time), replace(later, next_check_time=at(20).time)
        far = replace(card(customer_id, state=pending), next_check_time=at(1).time + timedelta(minutes=11))
        active = replace(card(customer_id), next_check_time=at(0).time)
        with store.begin() as work:
            for one in (later, soon, unplanned, active):
                work.payment_methods.add(one)
        assert due_methods(store, at(9.999999), at(50)) == []
        assert due_methods(store, at(10), at(50)) == [soon]
        assert due_methods(store, at(10), at(50)) == []
        assert due_methods(store, at(50), at(90), limit=1) == [later]
        assert due_methods(store, at(50), at(90)) == [soon]
        with store.begin() as work:
            work.payment_methods.add(far)
            leased = work.payment_methods.get(soon.payment_method_id)
        assert leased is not None
        assert leased.next_check_time == at(90).time
        assert due_methods(store, at(0), at(9)) == [far]

    def test_of_ten_defaults_at_once_one_stays(self, store: Store) -> None:
        def add_default(_thread: int) -> None:
            with store.begin() as work:
                work.payment_methods.add(card(CustomerId("cus_1"), is_default=True))

        at_once(10, add_default)
        with store.read() as work:
            methods = work.payment_methods.of_customer(CustomerId("cus_1"))
        assert len(methods) == 10
        assert sum(method.is_default for method in methods) == 1


def due_methods(store: Store, now: EventContext, lease_until: EventContext, limit: int = 10) -> list[PaymentMethod]:
    with store.begin() as work:
        return work.payment_methods.due(now.time, lease_until.time, limit)


def test_operations_keep_their_order(store: Store) -> None:
    payment = started()
    add(store, payment)

    def captures(current: Payment) -> Operation:
        succeed(current, TransactionStatus.AUTHORIZED)
        first = current.capture(Money(100, "USD"), OperationId("op_z"), RequestId("1"), context=at(2))
        current.succeed(
            first.operation_id,
            amount=first.amount,
            transaction_id="tx_part",
            standing=TransactionSnapshot(TransactionStatus.SUBMITTED),
            context=at(2),
        )
        return current.capture(Money(200, "USD"), OperationId("op_a"), RequestId("2"), context=at(2))

    payment = change(store, payment, captures)
    assert [o.operation_id for o in get(store, payment).operations[1:]] == ["op_z", "op_a"]
