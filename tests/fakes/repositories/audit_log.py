"""The audit log, in memory."""

from __future__ import annotations

from application.common.pagination import Position
from application.ports.audit_log import AuditEntry
from tests.fakes.store_state import StoreState, newest_first_page


class MemoryAuditLog:
    def __init__(self, state: StoreState) -> None:
        self._state = state

    def add(self, entry: AuditEntry) -> None:
        self._state.audit.append(entry)

    def page(self, *, after: Position | None, limit: int) -> list[AuditEntry]:
        return newest_first_page([(Position(one.time, one.entry_id), one) for one in self._state.audit], after, limit)
