"""Keyset pagination: pages of filtered rows at a constant cost, however many rows there are.

A page scans one index from the last row of the page before, and reads a bounded number of rows. The database's planner
must not choose that index: where one caller made most of the payments, PostgreSQL would scan by time and skip the
payments of others, which takes seconds if that caller has paid nothing for long. So the query asks for an order that no
other index has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import ge, le
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    TextClause,
    literal,
    select,
    tuple_,
    union_all,
)

# The number of rows that a page reads where a filter skips some. The first is enough for common filters.
SCAN_LIMITS: Final = (400, 2_000)

Condition = Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Bound:
    """A position in an index scan: values of the first of the order's columns, or of all. The last is unique."""

    values: tuple[Any, ...]
    inclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexScan:
    """An index scan, in the index's order or against it."""

    # The index's leading columns, all compared for equality.
    equality_prefix: Mapping[Column[Any], Any]
    # The columns that follow in the index.
    order: tuple[Column[Any], ...]
    low: Bound | None = None
    high: Bound | None = None
    descending: bool = False
    # The conditions of the partial index.
    where: tuple[ColumnElement[bool] | TextClause, ...] = ()


def scan_page(
    connection: Connection,
    scans: Sequence[IndexScan],
    rest: Sequence[Condition],
    limit: int,
    lengths: Sequence[int] | None = None,
) -> tuple[list[Row[Any]], Row[Any] | None]:
    """The first rows of the merged scans that meet the remaining conditions, and the row after which the next page
    starts.

    That row is None at the end. With remaining conditions, a page can have fewer rows than the limit, or none, before
    the end. The scans differ only in the values of their pins. lengths: the numbers of rows that are read at most, the
    first of them first; default: SCAN_LIMITS.
    """
    if not rest:
        found = list(connection.execute(_merged_scan(connection, scans, limit + 1)))
        return found[:limit], found[limit - 1] if len(found) > limit else None
    for length in (max(1, length // len(scans)) for length in lengths or SCAN_LIMITS):
        merged = _merged_scan(connection, scans, length)
        seen = merged.subquery("seen")
        matching = select(seen).where(*(condition(seen.c) for condition in rest))
        matching = matching.order_by(*_order(connection, scans, seen)).limit(limit + 1)
        found = list(connection.execute(matching))
        if len(found) > limit:
            return found[:limit], found[limit - 1]
        last = connection.execute(merged.limit(1).offset(length - 1)).first()
        if last is None:
            break
    return found, last


def _merged_scan(connection: Connection, scans: Sequence[IndexScan], length: int) -> Select[Any]:
    """The first rows of the merged scans."""
    each = [_scan(connection, scan).limit(length) for scan in scans]
    if len(each) == 1:
        return each[0]
    together = union_all(*(select(one.subquery()) for one in each)).subquery("together")
    return select(together).order_by(*_order(connection, scans, together)).limit(length)


def _scan(connection: Connection, scan: IndexScan) -> Select[Any]:
    is_led = _uses_row_ranges(connection)
    conditions = list(scan.where)
    if not is_led:
        conditions += [column == value for column, value in scan.equality_prefix.items()]
    equality_prefix, values = (
        (tuple(scan.equality_prefix), tuple(scan.equality_prefix.values())) if is_led else ((), ())
    )
    for bound, within in ((scan.low, ge), (scan.high, le)):
        given = bound.values if bound else ()
        columns = (*equality_prefix, *scan.order[: len(given)])
        if columns:
            conditions.append(within(tuple_(*columns), tuple_(*map(_literal, columns, (*values, *given)))))
        if bound and not bound.inclusive:
            # Apart from the range: PostgreSQL would lose the equality columns for a range that excludes its end.
            conditions.append(columns[-1] != given[-1])
    table = scan.order[0].table
    return select(table).where(*conditions).order_by(*_order(connection, [scan], table))


def _literal(column: Column[Any], value: Any) -> ColumnElement[Any]:
    return literal(value, column.type)


def _order(connection: Connection, scans: Sequence[IndexScan], rows: FromClause) -> list[ColumnElement[Any]]:
    scan = scans[0]
    # The merged rows of several scans are sorted: they are few by then.
    equality_prefix = scan.equality_prefix if _uses_row_ranges(connection) and len(scans) == 1 else ()
    columns = [rows.c[column.name] for column in (*equality_prefix, *scan.order)]
    return [column.desc() for column in columns] if scan.descending else columns


def _uses_row_ranges(connection: Connection) -> bool:
    """Whether equality is written as a row range: PostgreSQL drops equality columns from the sort order."""
    return connection.dialect.name == "postgresql"
