"""Store contract: payment methods."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given

from application.common.pagination import Position
from application.ports.store import Store
from domain.events import EventContext
from domain.ids import CustomerId
from domain.payment_method import PaymentMethod, PaymentMethodState
from tests.contract import random_payments
from tests.contract.random_payments import at
from tests.contract.store_steps import at_once, card, on_one_store


def due_methods(store: Store, now: EventContext, lease_until: EventContext, limit: int = 10) -> list[PaymentMethod]:
    with store.begin() as work:
        return work.payment_methods.due(now.time, lease_until.time, limit)


class TestPaymentMethods:
    @on_one_store
    @given(method=random_payments.payment_methods, changed=random_payments.payment_methods)
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

    def test_one_of_ten_concurrent_defaults_stays(self, store: Store) -> None:
        def add_default(_thread: int) -> None:
            with store.begin() as work:
                work.payment_methods.add(card(CustomerId("cus_1"), is_default=True))

        at_once(10, add_default)
        with store.read() as work:
            methods = work.payment_methods.of_customer(CustomerId("cus_1"))
        assert len(methods) == 10
        assert sum(method.is_default for method in methods) == 1
