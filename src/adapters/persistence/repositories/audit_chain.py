"""A hash chain over the audit log: each link covers an entry and the previous link, and is signed with the current key.

A link's hash needs no key, so that keys can be removed: a later link, signed with a later key, covers the earlier ones.
"""

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, event, func, insert, select, text

from adapters.persistence.encryption.sealing import CannotOpen, Sealer, key_id_of
from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.tables import audit_chain, audit_entries
from application.ports.audit_log import AuditEntry, AuditKind

_log = logging.getLogger(__name__)

# "audit" in base 36. The lock serializes writers: administrators' calls, never payments.
_LOCK: Final = 18_068_465
_BEGINNING: Final = "0" * 64
_SIGNED: Final = "bayar audit"
# The errors of reading content that this service did not write: no JSON, no time, no kind of entry.
_UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
# Commands that need only the database write these, without a key to sign with.
_MAY_BE_UNSIGNED: Final = frozenset({AuditKind.KEY_CREATED, AuditKind.KEY_REVOKED})


@dataclass(frozen=True, slots=True)
class Head:
    """A position in the chain. A copy kept elsewhere shows later whether the end of the log was truncated."""

    position: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of verifying the whole chain. `broken` names the first wrong entry, and the fault; empty for none."""

    head: Head
    broken: str = ""
    # At the end of the chain, entries of keys that the command line created or revoked: no signature covers these yet.
    uncovered: int = 0
    # Entries outside the chain: older than it, written by an earlier version beside this one, or by an intruder.
    unchained: int = 0


def append(connection: Connection, entry: AuditEntry, sealer: Sealer) -> None:
    """Runs within the transaction that adds the entry. The lock is held until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = connection.execute(
        select(audit_chain.c.position, audit_chain.c.hash).order_by(audit_chain.c.position.desc()).limit(1)
    ).first()
    position = last.position + 1 if last else 1
    link = _hash(last.hash if last else _BEGINNING, position, entry)
    values = {"position": position, "entry_id": entry.entry_id, "hash": link, "proof": _sign(sealer, position, link)}
    connection.execute(insert(audit_chain), values)
    # Where logs are kept elsewhere, this line reveals a truncated end.
    event.listen(connection, "commit", lambda _: _log.info("audit log head %s:%s", position, link), once=True)


def verify(engine: Engine, sealer: Sealer, known: Head | None = None) -> Verification:
    """Verifies every link. Raises StoreUnavailable."""
    with translate_db_errors(), engine.connect() as connection:
        return _Verifier(sealer, known).verify(connection)


class _Verifier:
    def __init__(self, sealer: Sealer, known: Head | None) -> None:
        self._sealer = sealer
        self._known = known
        self._head = Head(0, _BEGINNING)
        self._uncovered = 0
        self._lacks_key = False

    def verify(self, connection: Connection) -> Verification:
        try:
            broken = next((said for row in _links(connection) if (said := self._broken(row))), "")
        except _UNREADABLE:
            broken = self._first_unreadable(connection)
        if not broken and self._known is not None and self._known.position > self._head.position:
            broken = f"{self._head.position}: the log went up to {self._known.position}, and its end was cut off"
        if not broken and self._lacks_key:
            broken = (
                f"the last {self._uncovered} entries are signed with a key that is not given: give it, or look "
                "again after the next entry"
            )
        unchained = _count_unchained(connection)
        if not broken and unchained and not self._head.position:
            broken = (
                f"there are {unchained} entries and no chain: it was removed, or nothing was written since the version "
                "before it; the next administrative call begins one"
            )
        return Verification(self._head, broken, self._uncovered, unchained)

    def _first_unreadable(self, connection: Connection) -> str:
        """Reads one by one after the last good entry, since entries are read in batches."""
        while True:
            position = self._head.position + 1
            try:
                row = next(_links(connection, position))
                if said := self._broken(row):
                    return said
            except _UNREADABLE:
                return f"{position}: the entry cannot be read, and is not what was written"

    def _broken(self, row: Row[Any]) -> str:
        expected = self._head.position + 1
        if row.position != expected:
            return f"{expected}: the link is gone (the next one is of {row.entry_id})"
        where = f"{row.position} ({row.entry_id})"
        if row.kind is None:
            return f"{where}: the entry is gone"
        entry = entry_of(row)
        if row.hash != _hash(self._head.hash, row.position, entry):
            return f"{where}: the entry is not what was written, or stands elsewhere"
        if self._known is not None and self._known.position == row.position and self._known.hash != row.hash:
            return f"{where}: it is another entry than the one that was at this place"
        self._head = Head(row.position, row.hash)
        return self._unsigned(row, entry, where)

    def _unsigned(self, row: Row[Any], entry: AuditEntry, where: str) -> str:
        self._uncovered += 1
        if not row.proof:
            return "" if entry.kind in _MAY_BE_UNSIGNED else f"{where}: it is not signed"
        if key_id_of(row.proof) and key_id_of(row.proof) not in self._sealer.key_ids:
            self._lacks_key = True
            return ""
        try:
            if self._sealer.open(row.proof, _associated_data(row.position, row.hash)) != _SIGNED:
                return f"{where}: it is not signed"
        except CannotOpen:
            return f"{where}: its signature is wrong"
        self._uncovered, self._lacks_key = 0, False
        return ""


def entry_of(row: Row[Any]) -> AuditEntry:
    values = {name: getattr(row, name) for name in AuditEntry.__slots__ if name not in ("kind", "count")}
    # A row is a tuple, and so has a method of that name.
    return AuditEntry(**values, kind=AuditKind(row.kind), count=row._mapping["count"])


def _links(connection: Connection, position: int | None = None) -> Iterator[Row[Any]]:
    """All links, or only the first one from the position on."""
    chain = audit_chain.c
    entries = [column for column in audit_entries.c if column.name != "entry_id"]
    joined = audit_chain.outerjoin(audit_entries, audit_entries.c.entry_id == chain.entry_id)
    statement = select(chain.position, chain.entry_id, chain.hash, chain.proof, *entries).select_from(joined)
    if position is not None:
        statement = statement.where(chain.position >= position).limit(1)
    yield from connection.execution_options(yield_per=1000).execute(statement.order_by(chain.position))


def _count_unchained(connection: Connection) -> int:
    chained = select(audit_chain.c.entry_id).where(audit_chain.c.entry_id == audit_entries.c.entry_id)
    return connection.execute(select(func.count()).select_from(audit_entries).where(~chained.exists())).scalar_one()


def _hash(before: str, position: int, entry: AuditEntry) -> str:
    """The link's hash. Its form is permanent: another one would break every chain."""
    content = [
        before,
        position,
        entry.entry_id,
        entry.time.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.kind.value,
        entry.actor,
        entry.subject,
        entry.outcome,
        entry.peer,
        entry.count,
        sorted(entry.details.items()),
    ]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def _sign(sealer: Sealer, position: int, link: str) -> str:
    """Empty without a key: the next signed link covers this one."""
    try:
        return sealer.seal(_SIGNED, _associated_data(position, link))
    except CannotOpen:
        return ""


def _associated_data(position: int, link: str) -> str:
    return f"audit_chain.proof/{position}/{link}"
