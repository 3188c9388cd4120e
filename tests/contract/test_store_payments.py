"""Store contract: payments, detached payments, operations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.common.errors import StoreUnavailable
from application.common.pagination import Position
from application.ports.store import DetachedPayment, PaymentOperation, Store
from domain.address import Address
from domain.ids import CustomerId, OperationId, PaymentId, RequestId
from domain.money import Money
from domain.operation import Operation
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.contract import random_payments
from tests.contract.random_payments import IDS, SHOP, at, started
from tests.contract.store_steps import OTHER_SHOP, add, change, fail, get, on_one_store, succeed


def keep(store: Store, payment: Payment) -> DetachedPayment:
    with store.begin() as work:
        work.payments.add(payment)
        return work.payments.detach(payment)


class TestPayments:
    @on_one_store
    @given(data=st.data())
    def test_a_stored_payment_reads_back_unchanged(self, store: Store, data: st.DataObject) -> None:
        payment = data.draw(random_payments.new_payments())
        add(store, payment)
        assert payment.new_events == []
        assert random_payments.all_fields(get(store, payment)) == random_payments.all_fields(payment)
        for _ in range(data.draw(st.integers(0, 8))):
            with store.begin() as work:
                current = work.payments.get(payment.terms.payment_id, lock=True)
                assert current is not None
                for _ in range(data.draw(st.integers(1, 3))):
                    random_payments.change_randomly(data.draw, current)
                work.payments.save(current)
            assert current.new_events == []
            assert random_payments.all_fields(get(store, payment)) == random_payments.all_fields(current)

    @on_one_store
    @given(data=st.data())
    def test_the_history_replays_to_the_payment_and_to_its_state_after_each_event(
        self, store: Store, data: st.DataObject
    ) -> None:
        payment = data.draw(random_payments.new_payments())
        events = list(payment.new_events)
        add(store, payment)
        for _ in range(data.draw(st.integers(0, 8))):
            with store.begin() as work:
                current = work.payments.get(payment.terms.payment_id, lock=True)
                assert current is not None
                for _ in range(data.draw(st.integers(1, 3))):
                    random_payments.change_randomly(data.draw, current)
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

    def test_an_added_payment_can_be_read_and_saved_in_the_same_unit_of_work(self, store: Store) -> None:
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
        assert random_payments.all_fields(get(store, payment)) == random_payments.all_fields(payment)
        with store.read() as work:
            assert len(work.payments.history(payment.terms.payment_id)) == 2

    def test_a_payment_from_another_unit_of_work_cannot_be_saved(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        stale = get(store, payment)
        succeed(stale)
        with pytest.raises(RuntimeError, match=payment.terms.payment_id), store.begin() as work:
            work.payments.save(stale)

    def test_only_the_first_of_two_copies_in_one_unit_of_work_is_saved(self, store: Store) -> None:
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

    def test_an_unsaved_change_is_not_stored(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        with store.begin() as work:
            current = work.payments.get(payment.terms.payment_id, lock=True)
            assert current is not None
            succeed(current)
        assert get(store, payment) == payment

    def test_a_read_payment_is_a_copy(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        before = random_payments.all_fields(get(store, payment))
        succeed(payment)
        payment.terms.metadata["changed"] = "outside"
        assert random_payments.all_fields(get(store, payment)) == before


class TestTakingUp:
    @on_one_store
    @given(data=st.data())
    def test_a_reattached_payment_behaves_like_a_read_one(self, store: Store, data: st.DataObject) -> None:
        payment = data.draw(random_payments.new_payments())
        events = list(payment.new_events)
        kept = keep(store, payment)
        for _ in range(data.draw(st.integers(1, 4))):
            with store.begin() as work:
                current = work.payments.reattach(kept)
                assert current is payment
                random_payments.change_randomly(data.draw, current)
                events += current.new_events
                work.payments.save(current)
                kept = work.payments.detach(current)
        assert random_payments.all_fields(get(store, payment)) == random_payments.all_fields(payment)
        with store.read() as work:
            history = work.payments.history(payment.terms.payment_id)
        assert [entry.event for entry in history] == events
        assert [entry.sequence for entry in history] == list(range(1, len(events) + 1))

    def test_a_detached_payment_changed_since_must_be_read_again(self, store: Store) -> None:
        payment = started()
        kept = keep(store, payment)
        change(store, payment, succeed)
        with store.begin() as work:
            assert work.payments.reattach(kept) is None
            current = work.payments.get(payment.terms.payment_id, lock=True)
        assert current == get(store, payment) != payment

    def test_a_detached_payment_erased_since_must_be_read_again(self, store: Store) -> None:
        payment = started(customer_id=CustomerId("cus_1"), billing_address=Address(street_address="Jalan 1"))
        kept = keep(store, payment)
        with store.begin() as work:
            work.payments.erase_personal_data(CustomerId("cus_1"))
        with store.begin() as work:
            assert work.payments.reattach(kept) is None

    def test_a_detached_payment_is_reattached_once_even_after_a_rollback(self, store: Store) -> None:
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

    def test_reattaching_locks_the_payment(self, store: Store) -> None:
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
            assert (random_payments.all_fields(found.payment), found.operation) == (
                random_payments.all_fields(captured),
                own,
            )
            both = work.payments.find_operations([own.operation_id, still.operation_id], [own.transaction_id])
            assert sorted(told(both)) == sorted([own.operation_id, still.operation_id])

    def test_unresolved_operations_are_listed_from_the_oldest_on(self, store: Store) -> None:
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

    def test_succeeded_operations_are_listed_from_the_oldest_on(self, store: Store) -> None:
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
