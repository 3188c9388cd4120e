"""Reads pages of the search index: the payments that have a term of each clause, newest first.

The rarest clause leads: its entries are scanned in their order, and each is looked up under the other clauses. The
index begins with the digest and the caller, so a caller's page never meets entries of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)

from adapters.persistence.repositories.payment_indexes import conditions_of, newest_bound, payment_meets
from adapters.persistence.sql.keyset_pagination import Bound, Condition, IndexScan, scan_page
from adapters.persistence.tables import HAS_TRANSACTION, operations, payments, search_entries
from application.common.pagination import Position
from application.ports.payment_filter import PaymentFilter
from application.ports.search import FoundPage
from domain.ids import CallerId, PaymentId

# The entries that a page reads where it skips some. The first is enough for most.
_SCAN_LENGTHS: Final = (1_000, 10_000)
# Enough to tell a rare term from a common one.
_MOST_COUNTED: Final = 1_000
# The scans that one statement merges.
_MOST_SCANS: Final = 50
_INSTANT: Final = timedelta(microseconds=1)
_e: Final = search_entries.c
_p: Final = payments.c

Digests = frozenset[int]


def page_of_entries(
    connection: Connection,
    caller_id: CallerId | None,
    clauses: Sequence[Digests],
    which: PaymentFilter,
    after: Position | None,
    limit: int,
) -> FoundPage:
    counts = _count(connection, caller_id, frozenset[int]().union(*clauses))
    present = [frozenset(digest for digest in clause if counts[digest]) for clause in clauses]
    if not all(present):
        return FoundPage([], None)
    leading = min(present, key=lambda clause: sum(counts[digest] for digest in clause))
    rest = [_has_one_of(clause) for clause in present if clause is not leading]
    conditions = conditions_of(which)
    if conditions:
        rest.append(payment_meets(conditions))
    bound = newest_bound(after, which.created_until)
    scanned, horizon = _scanned(connection, caller_id, leading, bound)
    if not scanned:
        return FoundPage([], None)
    low = Bound((which.created_from,), inclusive=True) if which.created_from else None
    scans = [
        IndexScan(
            equality_prefix={_e.digest: digest, _e.caller_id: whose},
            order=(_e.create_time, _e.payment_id),
            low=low,
            high=bound,
            descending=True,
        )
        for digest, whose in scanned
    ]
    rows, last = scan_page(connection, scans, rest, limit, _SCAN_LENGTHS)
    # A payment can have several terms of one clause.
    found = dict.fromkeys(Position(row.create_time, row.payment_id) for row in rows)
    ends = [horizon] if horizon is not None else []
    if last is not None:
        ends.append(Position(last.create_time, last.payment_id))
    end = max(ends, key=_order, default=None)
    return FoundPage([one for one in found if end is None or _order(one) >= _order(end)], end)


def find_payment_ids(
    connection: Connection, caller_id: CallerId | None, texts: Sequence[str], which: PaymentFilter, limit: int
) -> list[PaymentId]:
    ids = sorted({*texts, *(text.lower() for text in texts)})
    table = operations.c
    found = set(ids)
    for own in (
        select(table.payment_id).where(table.operation_id.in_(ids)).limit(limit),
        select(table.payment_id).where(HAS_TRANSACTION, table.transaction_id.in_(ids)).limit(limit),
        *(
            _with_reference(text, whose, limit)
            for text in texts
            for whose in ([caller_id] if caller_id else _callers_with_reference(connection, text))
        ),
    ):
        found |= set(connection.execute(own).scalars())
    # The limit keeps the filter apart: a planner would rather scan all payments of the caller.
    seen = select(payments).where(_p.payment_id.in_(sorted(found))).limit(len(found)).subquery("seen")
    met = [condition(seen.c) for condition in conditions_of(which)]
    if caller_id is not None:
        met.append(seen.c.caller_id == caller_id)
    if which.created_from is not None:
        met.append(seen.c.create_time >= which.created_from)
    if which.created_until is not None:
        met.append(seen.c.create_time < which.created_until)
    newest = select(seen.c.payment_id).where(*met).order_by(seen.c.create_time.desc(), seen.c.payment_id.desc())
    return [PaymentId(one) for one in connection.execute(newest.limit(limit)).scalars()]


def _with_reference(reference: str, caller_id: str, limit: int) -> Select[Any]:
    """The newest, by the index."""
    newest = select(_p.payment_id).where(_p.caller_id == caller_id, _p.reference == reference)
    return newest.order_by(_p.create_time.desc(), _p.payment_id.desc()).limit(limit)


def _count(connection: Connection, caller_id: CallerId | None, digests: Digests) -> dict[int, int]:
    """The number of entries of each digest, up to a maximum."""
    ordered = sorted(digests)
    columns = []
    for place, digest in enumerate(ordered):
        own = select(literal(1).label("one")).where(_e.digest == digest)
        if caller_id is not None:
            own = own.where(_e.caller_id == caller_id)
        some = own.limit(_MOST_COUNTED).subquery()
        columns.append(select(func.count()).select_from(some).scalar_subquery().label(f"count_{place}"))
    return dict(zip(ordered, connection.execute(select(*columns)).one(), strict=True)) if columns else {}


def _scanned(
    connection: Connection, caller_id: CallerId | None, digests: Digests, bound: Bound | None
) -> tuple[list[tuple[int, str]], Position | None]:
    """The pairs of digest and caller to scan, and the position down to which they are complete: None to the end.

    Where very many callers have entries, those with the newest ones are scanned.
    """
    if caller_id is not None:
        return [(digest, caller_id) for digest in sorted(digests)], None
    pairs = [(digest, whose) for digest in sorted(digests) for whose in _callers(connection, digest)]
    if len(pairs) <= _MOST_SCANS:
        return pairs, None
    newest = [(time, digest, whose) for digest in sorted(digests) for whose, time in _newest(connection, digest, bound)]
    newest.sort(reverse=True)
    horizon = newest[_MOST_SCANS][0] + _INSTANT if len(newest) > _MOST_SCANS else None
    scanned = [(digest, whose) for _, digest, whose in newest[:_MOST_SCANS]]
    return scanned, Position(horizon, "") if horizon is not None else None


def _newest(connection: Connection, digest: int, bound: Bound | None) -> list[tuple[str, Any]]:
    """The callers with the newest entries before the bound, each with the time of its newest."""
    callers = _recursive_callers(search_entries, _e.digest == digest)
    own = select(func.max(_e.create_time)).where(_e.digest == digest, _e.caller_id == callers.c.caller_id)
    if bound is not None:
        columns = (_e.create_time, _e.payment_id)[: len(bound.values)]
        values = [literal(value, column.type) for column, value in zip(columns, bound.values, strict=True)]
        own = own.where(tuple_(*columns) < tuple_(*values))
    time = own.scalar_subquery().label("newest")
    each = select(callers.c.caller_id, time).where(callers.c.caller_id.is_not(None)).subquery()
    page = select(each).where(each.c.newest.is_not(None)).order_by(each.c.newest.desc()).limit(_MOST_SCANS + 1)
    return [(row.caller_id, row.newest) for row in connection.execute(page)]


def _callers(connection: Connection, digest: int) -> list[str]:
    """The callers with entries, a few more than one statement scans at most."""
    callers = _recursive_callers(search_entries, _e.digest == digest)
    own = select(callers.c.caller_id).where(callers.c.caller_id.is_not(None)).limit(_MOST_SCANS + 1)
    return list(connection.execute(own).scalars())


def _callers_with_reference(connection: Connection, reference: str) -> list[str]:
    callers = _recursive_callers(payments, true())
    has_it = exists(select(_p.payment_id).where(_p.caller_id == callers.c.caller_id, _p.reference == reference))
    return list(connection.execute(select(callers.c.caller_id).where(has_it).limit(_MOST_SCANS)).scalars())


def _recursive_callers(table: Table, which: ColumnElement[bool]) -> Any:
    """Each caller by one index lookup, from the one before (loose index scan)."""
    column: Column[Any] = table.c.caller_id
    first = select(func.min(column).label("caller_id")).where(which).cte("callers", recursive=True)
    following = select(func.min(column)).where(which, column > first.c.caller_id).scalar_subquery()
    return first.union_all(select(following).where(first.c.caller_id.is_not(None)))


def _has_one_of(digests: Digests) -> Condition:
    other = search_entries.alias("other")

    def condition(columns: Any) -> ColumnElement[bool]:
        return or_(
            *(
                exists(
                    select(other.c.digest).where(
                        other.c.digest == digest,
                        *(other.c[name] == columns[name] for name in ("caller_id", "create_time", "payment_id")),
                    )
                )
                for digest in sorted(digests)
            )
        )

    return condition


def _order(position: Position) -> tuple[Any, str]:
    return position.time, position.id
