"""Store contract: units of work."""

from __future__ import annotations

import pytest

from application.ports.store import Store
from domain.ids import CustomerId
from tests.contract.random_payments import at, started
from tests.contract.store_steps import add, at_once, card, change, get, person, request, succeed


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

    def test_uncommitted_changes_are_invisible(self, store: Store) -> None:
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

    def test_a_single_read_sees_the_last_commit(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        for _ in range(2):
            with store.read_once() as work:
                assert work.payments.get(payment.terms.payment_id) == payment
                assert work.payments.get(started().terms.payment_id) is None
            payment = change(store, payment, lambda p: p.schedule_check(p.operations[0].operation_id, at(9).time))

    def test_no_update_is_lost_under_a_lock(self, store: Store) -> None:
        payment = started()
        add(store, payment)
        operation_id = payment.operations[0].operation_id

        def look(_thread: int) -> None:
            for _ in range(5):
                change(store, payment, lambda p: p.schedule_check(operation_id, at(9).time, checked=True))

        at_once(6, look)
        assert get(store, payment).operations[0].check_count == 30
