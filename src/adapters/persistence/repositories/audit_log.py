"""The append-only audit log. The database refuses changes and deletions; a hash chain reveals those made anyhow."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import picked
from adapters.persistence.repositories import audit_chain
from adapters.persistence.sql.statements import newest_first_page
from adapters.persistence.tables import audit_entries
from application.common.pagination import Position
from application.ports.audit_log import AuditEntry


@dataclass(frozen=True, slots=True)
class SqlAuditLog:
    connection: Connection
    sealer: Sealer

    def add(self, entry: AuditEntry) -> None:
        changed = {"kind": entry.kind.value, "details": dict(entry.details)}
        row = picked(entry, AuditEntry.__slots__) | changed
        self.connection.execute(insert(audit_entries), row)
        audit_chain.append(self.connection, entry, self.sealer)

    def page(self, *, after: Position | None, limit: int) -> list[AuditEntry]:
        table = audit_entries.c
        statement = newest_first_page(select(audit_entries), table.time, table.entry_id, after, limit)
        return [audit_chain.entry_of(row) for row in self.connection.execute(statement)]
