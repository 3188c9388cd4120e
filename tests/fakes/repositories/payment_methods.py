"""Payment methods, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from application.common.pagination import Position
from application.ports.store import farthest_check
from domain.ids import CustomerId, PaymentMethodId
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.personal_data import erased_from
from tests.fakes.repositories.feed import MemoryFeed
from tests.fakes.store_state import RowLocks, StoreState, is_due, newest_first_page


class MemoryPaymentMethods:
    def __init__(self, state: StoreState, feed: MemoryFeed, locks: RowLocks) -> None:
        self._state = state
        self._locks = locks
        self._feed = feed

    def add(self, method: PaymentMethod) -> None:
        if method.payment_method_id in self._state.methods:
            raise ValueError(f"{method.payment_method_id} exists already")
        self._locks.acquire(method.payment_method_id)
        self._store(method)

    def save(self, method: PaymentMethod) -> None:
        if method.payment_method_id not in self._state.methods:
            raise LookupError(method.payment_method_id)
        self._locks.require(method.payment_method_id)
        self._store(method)

    def get(self, payment_method_id: PaymentMethodId, *, lock: bool = False) -> PaymentMethod | None:
        self._locks.acquire(payment_method_id, lock=lock)
        return self._state.methods.get(payment_method_id)

    def of_customer(
        self, customer_id: CustomerId, *, after: Position | None = None, limit: int | None = None, lock: bool = False
    ) -> list[PaymentMethod]:
        found = [
            (Position(method.create_time, method.payment_method_id), method)
            for method in self._state.methods.values()
            if method.customer_id == customer_id
            and method.state in (PaymentMethodState.ACTIVE, PaymentMethodState.PENDING)
        ]
        page = newest_first_page(found, after, limit)
        for method in page:
            self._locks.acquire(method.payment_method_id, lock=lock)
        return page

    def active(self, *, after: str, limit: int) -> list[PaymentMethod]:
        found = sorted(self._state.methods.items())
        return [m for method_id, m in found if method_id > after and m.state is PaymentMethodState.ACTIVE][:limit]

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[PaymentMethod]:
        waiting = [
            (method.next_check_time, method_id)
            for method_id, method in self._state.methods.items()
            if method.state is PaymentMethodState.PENDING and method.next_check_time is not None
        ]
        farthest = farthest_check(lease_until - now)
        due = [method_id for time, method_id in sorted(waiting) if is_due(time, now, farthest)]
        found = [self._state.methods[method_id] for method_id in due[:limit]]
        for method in found:
            self._locks.acquire(method.payment_method_id)
            self._state.methods[method.payment_method_id] = replace(method, next_check_time=lease_until)
        return found

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        for method_id, method in list(self._state.methods.items()):
            if method.customer_id == customer_id:
                bare = erased_from(method)
                self._state.methods[method_id] = bare

    def _store(self, method: PaymentMethod) -> None:
        if method.is_default:
            for other in self._state.methods.values():
                is_other = other.payment_method_id != method.payment_method_id
                if is_other and other.is_default and other.customer_id == method.customer_id:
                    no_longer_default = replace(other, is_default=False, update_time=method.update_time)
                    self._state.methods[other.payment_method_id] = no_longer_default
                    self._feed.note(no_longer_default)
        before = self._state.methods.get(method.payment_method_id)
        self._state.methods[method.payment_method_id] = method
        if before != method:
            self._feed.note(method)
