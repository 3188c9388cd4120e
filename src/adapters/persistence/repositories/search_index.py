"""The repository of the search index: it follows the feed, and its backfill goes through the payments from before."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, func, select, update

from adapters.persistence.encryption.blind_indexes import search_digest, search_key
from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.repositories.search_documents import lock_documents, replace_entries, unpacked
from adapters.persistence.repositories.search_pages import find_payment_ids, page_of_entries
from adapters.persistence.sql.statements import insert_if_absent, newest_first_page
from adapters.persistence.tables import (
    IS_STALE,
    feed_events,
    payment_events,
    payments,
    search_documents,
    search_progress,
)
from application.common.pagination import Position
from application.ports.feed import FeedKind
from application.ports.payment_filter import PaymentFilter
from application.ports.search import FoundPage, IndexProgress, SearchDocument
from domain.ids import CallerId, PaymentId

_ROW_ID: Final = 1
# Before every payment, newest first.
_NEWEST: Final = Position(datetime(9999, 12, 31, tzinfo=UTC), "")
# Events after which a payment has the same terms as before.
_WITHOUT_NEW_TERMS: Final = ("operation_started", "gateway_status_changed")
_progress: Final = search_progress.c
_documents: Final = search_documents.c


@dataclass(slots=True)
class SqlSearchIndex:
    connection: Connection
    sealer: Sealer
    _locked: dict[str, Row[Any]] = field(default_factory=dict, init=False)

    def has_work(self, version: int) -> bool:
        row = self.connection.execute(select(search_progress)).first()
        if row is None or row.version != self._version(version) or row.backfill_time is not None:
            return True
        if (self.connection.execute(select(func.max(feed_events.c.position))).scalar() or 0) > row.position:
            return True
        return bool(self.stale(1))

    def claim(self, version: int) -> IndexProgress | None:
        own = select(search_progress).with_for_update(skip_locked=True)
        row = self.connection.execute(own).first()
        if row is None:
            insert_if_absent(self.connection, search_progress, self._beginning(version), "row_id")
            row = self.connection.execute(own).first()
        if row is None:
            return None
        if row.version != self._version(version):
            self.connection.execute(update(search_progress), self._beginning(version))
            row = self.connection.execute(own).first()
        return _progress_of(row)

    def save(self, progress: IndexProgress) -> None:
        backfill = progress.backfill
        values = {
            "position": progress.position,
            "backfill_time": backfill.time if backfill else None,
            "backfill_id": backfill.id if backfill else None,
        }
        self.connection.execute(update(search_progress), values)

    def restart(self) -> None:
        # No version writes this: the next run begins again.
        self.connection.execute(update(search_progress).values(version=""))

    def progress(self) -> IndexProgress | None:
        row = self.connection.execute(select(search_progress)).first()
        if row is not None and not row.version:
            return IndexProgress(row.position, _NEWEST)
        return _progress_of(row)

    def changed_after(self, position: int, limit: int) -> tuple[list[PaymentId], int]:
        feed, event = feed_events.c, payment_events.c
        # Archived events are not in the table: their payments count as changed.
        of_entry = and_(event.payment_id == feed.payment_id, event.sequence == feed.sequence)
        statement = (
            select(feed.position, feed.kind, feed.payment_id, feed.customer_id, event.type)
            .outerjoin_from(feed_events, payment_events, of_entry)
            .where(feed.position > position)
            .order_by(feed.position)
            .limit(limit)
        )
        rows = self.connection.execute(statement).all()
        self._mark_stale({row.customer_id for row in rows if row.kind == FeedKind.CUSTOMER.value})
        changed = [
            row.payment_id for row in rows if row.kind == FeedKind.PAYMENT.value and row.type not in _WITHOUT_NEW_TERMS
        ]
        return list(dict.fromkeys(map(PaymentId, changed))), rows[-1].position if rows else position

    def stale(self, limit: int) -> list[PaymentId]:
        own = select(_documents.payment_id).where(IS_STALE).order_by(_documents.payment_id).limit(limit)
        return [PaymentId(one) for one in self.connection.execute(own).scalars()]

    def older_payments(self, before: Position, limit: int) -> list[Position]:
        table = payments.c
        own = select(table.create_time, table.payment_id)
        page = newest_first_page(own, table.create_time, table.payment_id, before, limit)
        return [Position(row.create_time, row.payment_id) for row in self.connection.execute(page)]

    def lock(self, payment_ids: Collection[PaymentId]) -> None:
        self._locked |= {row.payment_id: row for row in lock_documents(self.connection, payment_ids)}

    def put(self, documents: Iterable[SearchDocument]) -> int:
        key = self._key()
        changes = []
        for document in documents:
            row = self._locked[document.payment_id]
            then, now = unpacked(row.digests), {search_digest(key, term) for term in document.terms}
            if row.is_stale or then != now:
                whose = (str(document.caller_id), document.create_time, str(document.payment_id))
                changes.append((whose, then, now))
        replace_entries(self.connection, changes)
        return len(changes)

    def find_ids(
        self, caller_id: CallerId | None, texts: Sequence[str], which: PaymentFilter, limit: int
    ) -> list[PaymentId]:
        return find_payment_ids(self.connection, caller_id, texts, which, limit)

    def page(
        self,
        caller_id: CallerId | None,
        clauses: Sequence[frozenset[str]],
        which: PaymentFilter,
        *,
        after: Position | None,
        limit: int,
    ) -> FoundPage:
        key = self._key()
        digests = [frozenset(search_digest(key, term) for term in clause) for clause in clauses]
        return page_of_entries(self.connection, caller_id, digests, which, after, limit)

    def _mark_stale(self, customer_ids: set[str]) -> None:
        for customer_id in sorted(customer_ids):
            own = select(payments.c.payment_id).where(payments.c.customer_id == customer_id)
            stale = update(search_documents).where(_documents.payment_id.in_(own)).values(is_stale=True)
            self.connection.execute(stale)

    def _beginning(self, version: int) -> Mapping[str, Any]:
        end = self.connection.execute(select(func.max(feed_events.c.position))).scalar() or 0
        return {
            "row_id": _ROW_ID,
            "version": self._version(version),
            "position": end,
            "backfill_time": _NEWEST.time,
            "backfill_id": _NEWEST.id,
        }

    def _version(self, version: int) -> str:
        """The version of the terms with a proof of the key, neither of which may change under the index."""
        return f"{version}:{hmac.digest(self._key(), b'version', 'sha256').hex()[:16]}"

    def _key(self) -> bytes:
        return search_key(self.sealer)


def _progress_of(row: Row[Any] | None) -> IndexProgress | None:
    if row is None:
        return None
    backfill = Position(row.backfill_time, row.backfill_id) if row.backfill_time is not None else None
    return IndexProgress(row.position, backfill)
