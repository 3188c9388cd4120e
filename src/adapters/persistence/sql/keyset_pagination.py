"""Keyset pagination: pages of filtered rows at a constant cost, however many rows there are.

A page scans one index from the last row of the page before, and reads a bounded number of rows. The database's planner
must not choose that index: where one caller made most of the payments, PostgreSQL would scan by time and skip the
payments of others, which takes seconds if that caller has paid nothing for long. So the query asks for an order that no
other index has.
"""

from __future__ import annotations

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
STRETCHES: Final = (400, 2_000)

Condition = Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Bound:
    """A position in an index scan: values of the first of the order's columns, or of all. The last is unique."""

    values: tuple[Any, ...]
    inclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """An index scan, in the index's order or against it."""

    # The index's leading columns, all compared for equality.
    pins: Mapping[Column[Any], Any]
    # The columns that follow in the index.
    order: tuple[Column[Any], ...]
    low: Bound | None = None
    high: Bound | None = None
    backwards: bool = False
    # The conditions of the partial index.
    where: tuple[ColumnElement[bool] | TextClause, ...] = ()


def walk(
    connection: Connection, ways: Sequence[Way], rest: Sequence[Condition], limit: int
) -> tuple[list[Row[Any]], Row[Any] | None]:
    """The first rows of the merged scans that meet the remaining conditions, and the row after which the next page
    starts.

    That row is None at the end. With remaining conditions, a page can have fewer rows than the limit, or none, before
    the end. The scans differ only in the values of their pins.
    """
    if not rest:
        found = list(connection.execute(_stretch(connection, ways, limit + 1)))
        return found[:limit], found[limit - 1] if len(found) > limit else None
    for length in (length // len(ways) for length in STRETCHES):
        stretch = _stretch(connection, ways, length)
        seen = stretch.subquery("seen")
        matching = select(seen).where(*(condition(seen.c) for condition in rest))
        matching = matching.order_by(*_order(connection, ways, seen)).limit(limit + 1)
        found = list(connection.execute(matching))
        if len(found) > limit:
            return found[:limit], found[limit - 1]
        last = connection.execute(stretch.limit(1).offset(length - 1)).first()
        if last is None:
            break
    return found, last


def _stretch(connection: Connection, ways: Sequence[Way], length: int) -> Select[Any]:
    """The first rows of the merged scans."""
    each = [_along(connection, way).limit(length) for way in ways]
    if len(each) == 1:
        return each[0]
    together = union_all(*(select(one.subquery()) for one in each)).subquery("together")
    return select(together).order_by(*_order(connection, ways, together)).limit(length)


def _along(connection: Connection, way: Way) -> Select[Any]:
    is_led = _is_led(connection)
    conditions = list(way.where)
    if not is_led:
        conditions += [column == value for column, value in way.pins.items()]
    pins, values = (tuple(way.pins), tuple(way.pins.values())) if is_led else ((), ())
    for bound, within in ((way.low, ge), (way.high, le)):
        given = bound.values if bound else ()
        columns = (*pins, *way.order[: len(given)])
        if columns:
            conditions.append(within(tuple_(*columns), tuple_(*map(_literal, columns, (*values, *given)))))
        if bound and not bound.inclusive:
            # Apart from the range: PostgreSQL would lose the equality columns for a range that excludes its end.
            conditions.append(columns[-1] != given[-1])
    table = way.order[0].table
    return select(table).where(*conditions).order_by(*_order(connection, [way], table))


def _literal(column: Column[Any], value: Any) -> ColumnElement[Any]:
    return literal(value, column.type)


def _order(connection: Connection, ways: Sequence[Way], rows: FromClause) -> list[ColumnElement[Any]]:
    way = ways[0]
    # The merged rows of several scans are sorted: they are few by then.
    pins = way.pins if _is_led(connection) and len(ways) == 1 else ()
    columns = [rows.c[column.name] for column in (*pins, *way.order)]
    return [column.desc() for column in columns] if way.backwards else columns


def _is_led(connection: Connection) -> bool:
    """Whether equality is written as a row range: PostgreSQL drops equality columns from the sort order."""
    return connection.dialect.name == "postgresql"
