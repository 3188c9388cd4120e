"""Online migration steps: they block no other user of the database, however large the table is.

PostgreSQL builds an index concurrently only outside a transaction. So each of these steps is committed at once, and
runs again when the migration is interrupted after it. The steps before it in a migration must be repeatable, too.

A change of a table needs an exclusive lock, if only for an instant. While it waits behind a long transaction (a backup,
a report), every later query waits behind it. So it waits briefly, lets the others pass, and tries again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import OperationalError

_log = logging.getLogger(__name__)

_BATCH = 1_000
LOCK_WAIT_MILLISECONDS: Final = 500
# Longer than a lock wait, so that those who waited meanwhile are through.
_PAUSE_SECONDS: Final = 1.0
_ATTEMPTS_BETWEEN_REPORTS: Final = 20
_LOCK_NOT_AVAILABLE: Final = "55P03"


def add_column(table: str, column: sa.Column[object]) -> None:
    """The column must be nullable or have a constant default: neither rewrites a row."""
    if is_postgresql():
        _alter(table, lambda: op.add_column(table, column, if_not_exists=True))
    else:
        op.add_column(table, column)


def drop_column(table: str, column: str) -> None:
    """Only in a migration that is `compatible_from` a version that no longer knows the column."""
    if is_postgresql():
        _alter(table, lambda: op.drop_column(table, column, if_exists=True))
    else:
        op.drop_column(table, column)


def create_index(name: str, table: str, columns: Sequence[str], *, where: str = "", unique: bool = False) -> None:
    condition = sa.text(where) if where else None
    if not is_postgresql():
        op.create_index(name, table, list(columns), unique=unique, sqlite_where=condition)
        return
    with _outside_a_transaction():
        # An interrupted build leaves an invalid index under the name.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.create_index(
            name, table, list(columns), unique=unique, postgresql_where=condition, postgresql_concurrently=True
        )


def drop_index(name: str, table: str) -> None:
    if not is_postgresql():
        op.drop_index(name, table)
        return
    with _outside_a_transaction():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def update(table: str, key: str, values: Mapping[str, str], where: str) -> None:
    """Changes rows in batches. The condition must not hold for a changed row."""
    rows = sa.table(table, sa.column(key), *map(sa.column, values))
    some = sa.select(rows.c[key]).where(sa.text(where))
    change = sa.update(rows).values({name: sa.text(value) for name, value in values.items()})
    if not is_postgresql():
        op.execute(change.where(rows.c[key].in_(some)))
        return
    batch = change.where(rows.c[key].in_(some.limit(sa.literal_column(str(_BATCH))).with_for_update()))
    with _outside_a_transaction():
        if op.get_context().as_sql:
            op.execute(batch)
            return
        while op.get_bind().execute(batch).rowcount:
            pass


def is_postgresql() -> bool:
    """Also while the migration is only planned, without a connection."""
    return op.get_context().dialect.name == "postgresql"


@contextmanager
def _outside_a_transaction() -> Iterator[None]:
    with op.get_context().autocommit_block():
        # The build waits for earlier transactions, and blocks nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute("RESET lock_timeout")


def _alter(table: str, change: Callable[[], None]) -> None:
    """Makes a change that needs the table's exclusive lock, and blocks others for half a second at most."""
    with op.get_context().autocommit_block():
        op.execute(f"SET lock_timeout = {LOCK_WAIT_MILLISECONDS}")
        try:
            attempts = 0
            while not _is_made(change):
                if attempts % _ATTEMPTS_BETWEEN_REPORTS == 0:
                    _log.warning(
                        "the migration waits for a long transaction on the table %s, and lets the others pass", table
                    )
                attempts += 1
                time.sleep(_PAUSE_SECONDS)
        finally:
            op.execute("RESET lock_timeout")


def _is_made(change: Callable[[], None]) -> bool:
    try:
        change()
    except OperationalError as failure:
        if getattr(failure.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True
