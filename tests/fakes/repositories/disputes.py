"""Disputes, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from application.common.pagination import Position
from application.ports.store import DisputeFilter
from domain.dispute import Dispute
from domain.ids import CallerId, DisputeId
from tests.fakes.repositories.feed import MemoryFeed
from tests.fakes.repositories.movements import book_dispute
from tests.fakes.store_state import RowLocks, StoreState, is_due, newest_first_page


class MemoryDisputes:
    def __init__(self, state: StoreState, feed: MemoryFeed, locks: RowLocks) -> None:
        self._state = state
        self._locks = locks
        self._feed = feed

    def add(self, dispute: Dispute) -> None:
        if self.find(dispute.report.gateway_dispute_id) is not None:
            raise ValueError(f"{dispute.report.gateway_dispute_id} exists already")
        self._locks.acquire(dispute.dispute_id)
        before = self._state.disputes.get(dispute.dispute_id)
        self._state.disputes[dispute.dispute_id] = dispute
        book_dispute(self._state, dispute, first_report=True)
        if before != dispute:
            self._feed.note(dispute)

    def save(self, dispute: Dispute) -> None:
        if dispute.dispute_id not in self._state.disputes:
            raise LookupError(dispute.dispute_id)
        self._locks.require(dispute.dispute_id)
        before = self._state.disputes.get(dispute.dispute_id)
        self._state.disputes[dispute.dispute_id] = dispute
        if before is None or before.report.claim != dispute.report.claim:
            book_dispute(self._state, dispute, first_report=False)
        if before != dispute:
            self._feed.note(dispute)

    def get(self, dispute_id: DisputeId, *, lock: bool = False) -> Dispute | None:
        self._locks.acquire(dispute_id, lock=lock)
        return self._state.disputes.get(dispute_id)

    def find(self, gateway_dispute_id: str, *, lock: bool = False) -> Dispute | None:
        all_of_them = self._state.disputes.values()
        found = next((d for d in all_of_them if d.report.gateway_dispute_id == gateway_dispute_id), None)
        if found is not None:
            self._locks.acquire(found.dispute_id, lock=lock)
        return found

    def of_transaction(self, transaction_id: str) -> list[Dispute]:
        found = [d for d in self._state.disputes.values() if d.report.transaction_id == transaction_id]
        return sorted(found, key=lambda dispute: (dispute.create_time, dispute.dispute_id))

    def page(
        self, caller_id: CallerId | None, which: DisputeFilter, *, after: Position | None, limit: int
    ) -> list[Dispute]:
        found = [
            (Position(dispute.create_time, dispute.dispute_id), dispute)
            for dispute in self._state.disputes.values()
            if caller_id in (None, dispute.caller_id)
            and which.payment_id in (None, dispute.payment_id)
            and which.customer_id in (None, dispute.customer_id)
            and (not which.states or dispute.state in which.states)
            and (which.reply_before is None or _is_before(dispute.report.reply_by_time, which.reply_before))
        ]
        return newest_first_page(found, after, limit)

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[Dispute]:
        times = [(d.next_check_time, dispute_id) for dispute_id, d in self._state.disputes.items() if d.next_check_time]
        found = [self._state.disputes[dispute_id] for time, dispute_id in sorted(times) if is_due(time, now)][:limit]
        for dispute in found:
            self._locks.acquire(dispute.dispute_id)
            self._state.disputes[dispute.dispute_id] = replace(dispute, next_check_time=lease_until)
        return found


def _is_before(time: datetime | None, limit: datetime) -> bool:
    return time is not None and time < limit
