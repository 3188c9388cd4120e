"""Online migration steps: they block no other user of the database, however large the table is.

PostgreSQL builds an index concurrently only outside a transaction. So each of these steps is committed at once, and
runs again when the migration is interrupted after it. The steps before it in a migration must be repeatable, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

_BATCH = 1_000


def add_column(table: str, column: sa.Column[object]) -> None:
    """The column must be nullable or have a constant default: neither rewrites a row."""
    if _is_postgresql():
        with _outside_a_transaction():
            op.add_column(table, column, if_not_exists=True)
    else:
        op.add_column(table, column)


def create_index(name: str, table: str, columns: Sequence[str], *, where: str = "", unique: bool = False) -> None:
    condition = sa.text(where) if where else None
    if not _is_postgresql():
        op.create_index(name, table, list(columns), unique=unique, sqlite_where=condition)
        return
    with _outside_a_transaction():
        # An interrupted build leaves an invalid index under the name.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.create_index(
            name, table, list(columns), unique=unique, postgresql_where=condition, postgresql_concurrently=True
        )


def drop_index(name: str, table: str) -> None:
    if not _is_postgresql():
        op.drop_index(name, table)
        return
    with _outside_a_transaction():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def update(table: str, key: str, values: Mapping[str, str], where: str) -> None:
    """Changes rows in batches. The condition must not hold for a changed row."""
    rows = sa.table(table, sa.column(key), *map(sa.column, values))
    some = sa.select(rows.c[key]).where(sa.text(where))
    change = sa.update(rows).values({name: sa.text(value) for name, value in values.items()})
    if not _is_postgresql():
        op.execute(change.where(rows.c[key].in_(some)))
        return
    batch = change.where(rows.c[key].in_(some.limit(_BATCH).with_for_update()))
    with _outside_a_transaction():
        while op.get_bind().execute(batch).rowcount:
            pass


@contextmanager
def _outside_a_transaction() -> Iterator[None]:
    with op.get_context().autocommit_block():
        # The build waits for earlier transactions, and blocks nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute("RESET lock_timeout")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
