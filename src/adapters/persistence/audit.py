"""The audit log. The database itself refuses to change or delete an entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from adapters.persistence.statements import page_of
from adapters.persistence.tables import audit_entries
from application.audit_entry import AuditEntry, AuditKind
from application.ports.store import Position


@dataclass(frozen=True, slots=True)
class SqlAuditLog:
    connection: Connection

    def add(self, entry: AuditEntry) -> None:
        values = {name: getattr(entry, name) for name in AuditEntry.__slots__}
        row = {**values, "kind": entry.kind.value, "details": dict(entry.details)}
        self.connection.execute(insert(audit_entries), row)

    def page(self, *, after: Position | None, limit: int) -> list[AuditEntry]:
        table = audit_entries.c
        statement = page_of(select(audit_entries), table.time, table.entry_id, after, limit)
        return [_from_row(row) for row in self.connection.execute(statement)]


def _from_row(row: Row[Any]) -> AuditEntry:
    values = {name: getattr(row, name) for name in AuditEntry.__slots__ if name not in ("kind", "count")}
    # A row is a tuple, and so has a method of that name.
    return AuditEntry(**values, kind=AuditKind(row.kind), count=row._mapping["count"])
