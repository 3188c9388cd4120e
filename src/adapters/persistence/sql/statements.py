"""SQL statements that several repositories share: insert-if-absent, savepoints, due times, pages."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, TextClause, literal_column, or_, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from adapters.persistence.sql.prepared import Prepared, execute_sql
from application.common.pagination import Position


def insert_if_absent(
    connection: Connection, table: Table, row: Mapping[str, Any], *unique: str, where: TextClause | None = None
) -> bool:
    """Inserts, unless a row with the same unique columns exists. Waits for a concurrent insert of the same row."""
    # The statement returns a row exactly if it inserted one.
    return bool(_insertion(connection.dialect.name, table, unique, where).all(connection, row))


@cache
def _insertion(dialect_name: str, table: Table, unique: tuple[str, ...], where: TextClause | None) -> Prepared:
    # Cached: building a statement takes twice as long as executing it.
    insert = postgresql.insert if dialect_name == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_nothing(index_elements=unique, index_where=where)
    return Prepared(statement.returning(table.primary_key.columns[0]))


def insert_or_ignore(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows that do not exist. Waits for a concurrent insert of the same row."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(table).on_conflict_do_nothing(), rows)


# No check is planned that far ahead.
_MAX_CHECK_AHEAD: Final = timedelta(days=1)


class UniqueViolation(Exception):
    """A unique constraint was violated. The transaction can continue."""


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Raises UniqueViolation after undoing only the statements inside. PostgreSQL would abort the whole transaction.

    After any other error, the transaction may only be rolled back. SQLAlchemy's costs as much as thirty events.
    """
    execute_sql(connection, "SAVEPOINT attempt")
    try:
        yield
        # The driver of PostgreSQL may have left statements for it.
        execute_sql(connection, "RELEASE attempt")
    except (IntegrityError, UniqueViolation) as refusal:
        execute_sql(connection, "ROLLBACK TO attempt")
        raise UniqueViolation from refusal


def is_due(
    time: ColumnElement[datetime], now: datetime, max_ahead: timedelta = _MAX_CHECK_AHEAD
) -> ColumnElement[bool]:
    """Whether the time of a check has come, or is so far ahead that the clock that planned it must have been wrong."""
    return or_(time <= now, time > now + max_ahead)


def limited(statement: Select[Any], limit: ColumnElement[int]) -> Select[Any]:
    """For Prepared: SQLAlchemy's limits have parameters of their own, on SQLite an offset as well."""
    return statement.limit(limit).offset(literal_column("0"))


def newest_first_page(
    statement: Select[Any], time: ColumnElement[Any], id_: ColumnElement[str], after: Position | None, limit: int | None
) -> Select[Any]:
    """Newest first, after the position."""
    if after is not None:
        statement = statement.where(tuple_(time, id_) < tuple_(after.time, after.id))
    return statement.order_by(time.desc(), id_.desc()).limit(limit)
