"""The few pieces of SQL that every table needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, TextClause, or_, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from adapters.persistence.translate import Values
from application.ports.store import Position


def insert_unless_taken(
    connection: Connection, table: Table, row: Values, *unique: str, where: TextClause | None = None
) -> bool:
    """Inserts, unless a row stands under the unique columns already. Waits for whoever is just inserting one."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_nothing(index_elements=unique, index_where=where)
    # What comes back is there exactly if the row was inserted.
    inserted = connection.execute(statement.returning(table.primary_key.columns[0]), row)
    return inserted.first() is not None


# No look is planned that far ahead.
_FARTHEST_LOOK: Final = timedelta(days=1)


class Taken(Exception):
    """A unique rule stood against it. The transaction can go on."""


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Raises Taken, with what was done inside undone and nothing else. PostgreSQL would give up the transaction."""
    try:
        with connection.begin_nested():
            yield
    except IntegrityError as refusal:
        raise Taken from refusal


def is_due(time: ColumnElement[datetime], now: datetime, farthest: timedelta = _FARTHEST_LOOK) -> ColumnElement[bool]:
    """Whether the time of a look has come, or is so far ahead that the clock that planned it must have been wrong."""
    return or_(time <= now, time > now + farthest)


def page_of(
    statement: Select[Any], time: ColumnElement[Any], id_: ColumnElement[str], after: Position | None, limit: int | None
) -> Select[Any]:
    """Newest first, from the place on."""
    if after is not None:
        statement = statement.where(tuple_(time, id_) < tuple_(after.time, after.id))
    return statement.order_by(time.desc(), id_.desc()).limit(limit)
