"""The repository of the search index: it follows the feed, and its backfill goes through the payments from before."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, literal_column, or_, select, update

from adapters.persistence.encryption.blind_indexes import search_digests, search_key
from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.repositories import feed_followers
from adapters.persistence.repositories.feed_followers import LAST_POSITION
from adapters.persistence.repositories.search_contents import read_contents
from adapters.persistence.repositories.search_documents import (
    Whose,
    add_documents,
    known_documents,
    known_in_order,
    replace_entries,
    unpacked,
)
from adapters.persistence.repositories.search_pages import find_payment_ids, page_of_entries
from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.sql.statements import insert_if_absent, limited
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
from application.ports.search import FoundPage, IndexProgress, SearchDocument, SearchedPayment
from domain.ids import CallerId, PaymentId

_ROW_ID: Final = 1
# Events after which a payment has the same terms as before.
_WITHOUT_NEW_TERMS: Final[list[ColumnElement[Any]]] = [
    literal_column(f"'{one}'") for one in ("operation_started", "gateway_status_changed")
]
_progress: Final = search_progress.c
_documents: Final = search_documents.c
_feed: Final = feed_events.c
_STALE_ONES: Final = select(_documents.payment_id).where(IS_STALE)
_STATE: Final = Prepared(
    select(
        _progress.version,
        _progress.position,
        _progress.backfill_time,
        LAST_POSITION.scalar_subquery(),
        _STALE_ONES.exists(),
    )
)
_COLUMNS: Final = select(_progress.version, _progress.position, _progress.backfill_time, _progress.backfill_id)
_STALE: Final = Prepared(limited(_STALE_ONES.order_by(_documents.payment_id), bindparam("limit")))
_PROGRESS: Final = Prepared(_COLUMNS)
_CLAIM: Final = Prepared(_COLUMNS.with_for_update(skip_locked=True))
_SAVE: Final = Prepared(update(search_progress))
# Each payment whose terms may have changed, and each customer who may have, once. Archived events are not among the
# payments' events: their payments count as changed.
_CHANGED: Final = Prepared(
    select(_feed.kind, _feed.payment_id, _feed.customer_id)
    .outerjoin_from(
        feed_events,
        payment_events,
        and_(payment_events.c.payment_id == _feed.payment_id, payment_events.c.sequence == _feed.sequence),
    )
    .where(
        _feed.position > bindparam("after"),
        _feed.position <= bindparam("until"),
        or_(
            and_(
                _feed.kind == literal_column(f"'{FeedKind.PAYMENT.value}'"),
                or_(payment_events.c.type.is_(None), payment_events.c.type.not_in(_WITHOUT_NEW_TERMS)),
            ),
            _feed.kind == literal_column(f"'{FeedKind.CUSTOMER.value}'"),
        ),
    )
    .distinct()
)


@dataclass(slots=True)
class SqlSearchIndex:
    connection: Connection
    sealer: Sealer
    _locked: dict[str, tuple[str, bytes, bool]] = field(default_factory=dict, init=False)

    def has_work(self, version: int) -> bool:
        for found, position, backfill_time, end, has_stale in _STATE.all(self.connection, {}):
            is_behind = backfill_time is not None or (end or 0) > position
            return is_behind or has_stale or found != self._version(version)
        return True

    def claim(self, version: int) -> IndexProgress | None:
        rows = _CLAIM.all(self.connection, {})
        if not rows:
            insert_if_absent(self.connection, search_progress, self._beginning(version), "row_id")
            rows = _CLAIM.all(self.connection, {})
        if rows and rows[0][0] != self._version(version):
            self.connection.execute(update(search_progress), self._beginning(version))
            rows = _CLAIM.all(self.connection, {})
        return _progress_of(rows)

    def save(self, progress: IndexProgress) -> None:
        _SAVE.run(self.connection, feed_followers.columns_of(progress))

    def restart(self) -> None:
        # No version writes this: the next run begins again.
        self.connection.execute(update(search_progress).values(version=""))

    def progress(self) -> IndexProgress | None:
        rows = _PROGRESS.all(self.connection, {})
        if rows and not rows[0][0]:
            return IndexProgress(rows[0][1], feed_followers.NEWEST)
        return _progress_of(rows)

    def changed_after(self, position: int, limit: int) -> tuple[list[PaymentId], int]:
        until = min(position + limit, feed_followers.end_of_feed(self.connection))
        if until <= position:
            return [], position
        rows = _CHANGED.all(self.connection, {"after": position, "until": until})
        self._mark_stale({customer_id for kind, _, customer_id in rows if kind == FeedKind.CUSTOMER.value})
        return [PaymentId(one) for kind, one, _ in rows if kind == FeedKind.PAYMENT.value], until

    def stale(self, limit: int) -> list[PaymentId]:
        return [PaymentId(row[0]) for row in _STALE.all(self.connection, {"limit": limit})]

    def older_payments(self, before: Position, limit: int) -> list[Position]:
        return feed_followers.older_payments(self.connection, before, limit)

    def unknown(self, payment_ids: Collection[PaymentId]) -> list[PaymentId]:
        known = known_documents(self.connection, payment_ids)
        return [one for one in payment_ids if one not in known]

    def contents(self, payment_ids: Collection[PaymentId]) -> list[SearchedPayment]:
        return read_contents(self.connection, self.sealer, payment_ids)

    def add(self, documents: Iterable[SearchDocument]) -> int:
        digests = search_digests(self._key())
        return add_documents(self.connection, {_whose(one): digests(one.terms) for one in documents})

    def lock(self, payment_ids: Collection[PaymentId]) -> None:
        self._locked |= {row[0]: row for row in known_in_order(self.connection, payment_ids)}

    def put(self, documents: Iterable[SearchDocument]) -> int:
        digests = search_digests(self._key())
        changes = []
        for document in documents:
            _, kept, is_stale = self._locked[document.payment_id]
            then, now = unpacked(kept), digests(document.terms)
            if is_stale or then != now:
                changes.append((_whose(document), then, now))
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
        digests = search_digests(self._key())
        return page_of_entries(
            self.connection, caller_id, [frozenset(digests(clause)) for clause in clauses], which, after, limit
        )

    def _mark_stale(self, customer_ids: set[str]) -> None:
        for customer_id in sorted(customer_ids):
            own = select(payments.c.payment_id).where(payments.c.customer_id == customer_id)
            stale = update(search_documents).where(_documents.payment_id.in_(own)).values(is_stale=True)
            self.connection.execute(stale)

    def _beginning(self, version: int) -> Mapping[str, Any]:
        return {"row_id": _ROW_ID, "version": self._version(version), **feed_followers.beginning(self.connection)}

    def _version(self, version: int) -> str:
        """The version of the terms with a proof of the key, neither of which may change under the index."""
        return f"{version}:{hmac.digest(self._key(), b'version', 'sha256').hex()[:16]}"

    def _key(self) -> bytes:
        return search_key(self.sealer)


def _progress_of(rows: Sequence[Sequence[Any]]) -> IndexProgress | None:
    for _, position, backfill_time, backfill_id in rows:
        return IndexProgress(position, Position(backfill_time, backfill_id) if backfill_time is not None else None)
    return None


def _whose(document: SearchDocument) -> Whose:
    return (str(document.caller_id), document.create_time, str(document.payment_id))
