"""Store contract: customers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from application.common.pagination import Position
from application.ports.store import ExternalIdTaken, Store
from domain.customer import Customer
from domain.ids import CustomerId
from tests.contract import random_payments
from tests.contract.random_payments import SHOP, at
from tests.contract.store_steps import OTHER_SHOP, at_once, on_one_store, person


class TestCustomers:
    @on_one_store
    @given(customer=random_payments.customers, changed=random_payments.customers)
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

    def test_one_of_ten_concurrent_customers_gets_the_external_id(self, store: Store) -> None:
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
