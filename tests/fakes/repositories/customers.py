"""Customers, in memory."""

from __future__ import annotations

from dataclasses import replace

from application.common.pagination import Position
from application.ports.store import ExternalIdTaken
from domain.customer import Customer
from domain.ids import CallerId, CustomerId
from tests.fakes.repositories.feed import MemoryFeed
from tests.fakes.store_state import RowLocks, StoreState, newest_first_page


class MemoryCustomers:
    def __init__(self, state: StoreState, feed: MemoryFeed, locks: RowLocks) -> None:
        self._state = state
        self._locks = locks
        self._feed = feed

    def add(self, customer: Customer) -> None:
        if customer.customer_id in self._state.customers:
            raise ValueError(f"{customer.customer_id} exists already")
        self._locks.acquire(customer.customer_id)
        self._store(customer)

    def save(self, customer: Customer) -> None:
        if customer.customer_id not in self._state.customers:
            raise LookupError(customer.customer_id)
        self._locks.require(customer.customer_id)
        self._store(customer)

    def get(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None:
        self._locks.acquire(customer_id, lock=lock)
        return self._state.customers.get(customer_id)

    def find_by_external_id(self, caller_id: CallerId, external_id: str) -> Customer | None:
        held = (c for c in self._state.customers.values() if c.external_id and c.delete_time is None)
        return next((c for c in held if (c.caller_id, c.external_id) == (caller_id, external_id)), None)

    def page(
        self, caller_id: CallerId | None, *, email: str | None, after: Position | None, limit: int
    ) -> list[Customer]:
        found = [
            (Position(customer.create_time, customer.customer_id), customer)
            for customer in self._state.customers.values()
            if caller_id in (None, customer.caller_id)
            and customer.delete_time is None
            and (email is None or (customer.email and customer.email.casefold() == email.casefold()))
        ]
        return newest_first_page(found, after, limit)

    def _store(self, customer: Customer) -> None:
        if customer.delete_time is None:
            holder = self.find_by_external_id(customer.caller_id, customer.external_id)
            if holder is not None and holder.customer_id != customer.customer_id:
                raise ExternalIdTaken(holder.customer_id)
        before = self._state.customers.get(customer.customer_id)
        self._state.customers[customer.customer_id] = customer
        if before is None or replace(before, is_at_gateway=customer.is_at_gateway) != customer:
            self._feed.note(customer)
