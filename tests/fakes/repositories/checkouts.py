"""Checkouts and their uses, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from application.common.pagination import Position
from application.ports.store import CheckoutFilter
from domain.checkout import Checkout, CheckoutState, CheckoutUse, UseState
from domain.ids import CallerId, CheckoutId
from tests.fakes.repositories.feed import MemoryFeed
from tests.fakes.store_state import RowLocks, StoreState, is_due, newest_first_page


class MemoryCheckouts:
    def __init__(self, state: StoreState, feed: MemoryFeed, locks: RowLocks) -> None:
        self._state = state
        self._feed = feed
        self._locks = locks

    def add(self, checkout: Checkout) -> None:
        self._locks.acquire(checkout.checkout_id)
        self._state.checkouts[checkout.checkout_id] = checkout
        self._feed.note(replace(checkout, token=""))

    def save(self, checkout: Checkout) -> None:
        before = self._state.checkouts[checkout.checkout_id]
        self._locks.require(checkout.checkout_id)
        # What never changes is not written.
        self._state.checkouts[checkout.checkout_id] = replace(checkout, token=before.token, terms=before.terms)
        if (before.state, before.completed_uses) != (checkout.state, checkout.completed_uses):
            self._feed.note(replace(checkout, token=""))

    def get(self, checkout_id: CheckoutId, *, lock: bool = False) -> Checkout | None:
        self._locks.acquire(checkout_id, lock=lock)
        return self._state.checkouts.get(checkout_id)

    def find(self, token: str) -> Checkout | None:
        return next((one for one in self._state.checkouts.values() if token and one.token == token), None)

    def page(
        self, caller_id: CallerId | None, which: CheckoutFilter, *, after: Position | None, limit: int
    ) -> list[Checkout]:
        found = [
            (Position(one.create_time, one.checkout_id), one)
            for one in self._state.checkouts.values()
            if caller_id in (None, one.caller_id)
            and which.reference in (None, one.terms.reference)
            and which.customer_id in (None, one.customer_id)
            and (not which.states or one.state in which.states)
        ]
        return newest_first_page(found, after, limit)

    def expired(self, now: datetime, limit: int) -> list[Checkout]:
        found = [
            one
            for one in self._state.checkouts.values()
            if one.state is CheckoutState.OPEN and one.expire_time <= now and (one.terms.is_link or one.taken_uses == 0)
        ]
        found = sorted(found, key=lambda one: one.expire_time)[:limit]
        for one in found:
            self._locks.acquire(one.checkout_id)
        return found

    def use(self, checkout_id: CheckoutId, session: str) -> CheckoutUse | None:
        return self._state.checkout_uses.get((checkout_id, session))

    def add_use(self, use: CheckoutUse) -> None:
        self._locks.require(use.checkout_id)
        self._state.checkout_uses[use.checkout_id, use.session] = use

    def save_use(self, use: CheckoutUse) -> None:
        self._locks.require(use.checkout_id)
        if (use.checkout_id, use.session) not in self._state.checkout_uses:
            raise LookupError(use.checkout_id)
        self._state.checkout_uses[use.checkout_id, use.session] = use

    def due_uses(self, now: datetime, lease_until: datetime, limit: int) -> list[CheckoutUse]:
        paying = [one for one in self._state.checkout_uses.values() if one.state is UseState.PAYING]
        due = [one for one in paying if is_due(one.next_check_time, now)]
        found = sorted(due, key=lambda one: one.next_check_time or now)[:limit]
        for one in found:
            self._state.checkout_uses[one.checkout_id, one.session] = replace(one, next_check_time=lease_until)
        return found
