"""Tells what a migration would run, which locks it takes and about how long it lasts. It changes nothing."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection, Engine, inspect, text

from adapters.persistence.migrate import Schema, compatible_from, schema_of, scripts
from adapters.persistence.migrations.online import LOCK_WAIT_MILLISECONDS
from adapters.persistence.sql.db_errors import translate_db_errors

# Rows a second, measured on two cores of a shared machine with the database's own defaults, and rounded down.
_INDEXED_ROWS: Final = 200_000
_UPDATED_ROWS: Final = 10_000
_INSTANT_SECONDS: Final = 0.05
# A row of an average table with its overhead, for a table that PostgreSQL has not analyzed yet.
_ROW_BYTES: Final = 400

# Of the transactions around a statement, and of its own settings.
_FRAME: Final = re.compile(r"(BEGIN|COMMIT|SET |RESET )", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PlannedStatement:
    sql: str
    # A sentence: who waits meanwhile.
    lock: str
    # An estimate.
    seconds: float


@dataclass(frozen=True, slots=True)
class PlannedMigration:
    revision: str
    # The migration's first line.
    summary: str
    statements: Sequence[PlannedStatement]
    # The oldest revision that it demands of the code that runs. None for one that only expands the schema.
    compatible_from: str | None

    @property
    def seconds(self) -> float:
        return sum(statement.seconds for statement in self.statements)


@dataclass(frozen=True, slots=True)
class Plan:
    schema: Schema
    # "sqlite" or "postgresql".
    dialect: str
    migrations: Sequence[PlannedMigration]

    @property
    def seconds(self) -> float:
        """An estimate for all of them."""
        return sum(migration.seconds for migration in self.migrations)


def plan(engine: Engine) -> Plan:
    """The migrations that are missing. Raises StoreUnavailable."""
    schema = schema_of(engine)
    with translate_db_errors(), engine.connect() as connection:
        rows = _row_counts(connection)
    dialect = engine.dialect.name
    return Plan(schema, dialect, [_planned(revision, dialect, rows) for revision in schema.missing])


def statements_of(revision: str, dialect: str) -> list[str]:
    """The SQL of a migration, without that of its transactions. It needs no database."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    written = _Statements()
    # Alembic writes text to it, and flushes it.
    options = {"as_sql": True, "output_buffer": cast("Any", written), "transactional_ddl": True}
    context = MigrationContext.configure(dialect_name=dialect, opts=options)
    with context.begin_transaction(), Operations.context(context):
        cast("Any", scripts().get_revision(revision)).module.upgrade()
    return [statement for statement in written.statements if not _FRAME.match(statement)]


class _Statements:
    """A text file whose every write is one statement."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def write(self, written: str) -> None:
        self.statements.append(" ".join(written.split()).rstrip("; "))

    def flush(self) -> None:
        """Everything is already kept."""


def _planned(revision: str, dialect: str, rows: Mapping[str, int]) -> PlannedMigration:
    script = scripts().get_revision(revision)
    statements = statements_of(revision, dialect)
    new = {made[1] for one in statements if (made := re.match(r"CREATE TABLE (\w+)", one))}
    known = {name: 0 if name in new else count for name, count in rows.items()}
    explain = _on_postgresql if dialect == "postgresql" else _on_sqlite
    return PlannedMigration(
        revision=revision,
        summary=(script.doc or "").strip().splitlines()[0],
        statements=[PlannedStatement(one, *explain(one, known, new)) for one in statements],
        compatible_from=compatible_from(script),
    )


def _on_postgresql(statement: str, rows: Mapping[str, int], new: set[str]) -> tuple[str, float]:
    table = _table_of(statement)
    count = rows.get(table, 0)
    if table in new and (parent := re.search(r"REFERENCES (\w+)", statement)):
        return f"writers of {parent[1]} for an instant; new rows refer to it", _INSTANT_SECONDS
    if table in new:
        return "nobody: the table is new", _INSTANT_SECONDS
    if re.match(r"CREATE (UNIQUE )?INDEX CONCURRENTLY", statement):
        return "nobody: it is built beside readers and writers", count / _INDEXED_ROWS + _INSTANT_SECONDS
    if re.match(r"DROP INDEX CONCURRENTLY", statement):
        return "nobody", _INSTANT_SECONDS
    if re.match(r"ALTER TABLE", statement):
        wait = LOCK_WAIT_MILLISECONDS / 1000
        return f"users of {table} for an instant; behind a long transaction {wait:g} s at a time", _INSTANT_SECONDS
    if re.match(r"UPDATE|DELETE", statement):
        return f"writers of the same rows of {table}, a thousand rows at a time", count / _UPDATED_ROWS
    return f"writers of {table} for an instant" if table else "nobody", _INSTANT_SECONDS


def _on_sqlite(statement: str, rows: Mapping[str, int], _new: set[str]) -> tuple[str, float]:
    count = rows.get(_table_of(statement), 0)
    lasting: Sequence[tuple[str, Callable[[], float]]] = (
        (r"CREATE (UNIQUE )?INDEX", lambda: count / _INDEXED_ROWS),
        (r"UPDATE|DELETE|ALTER TABLE \w+ DROP", lambda: count / _UPDATED_ROWS),
    )
    seconds = next((cost() for pattern, cost in lasting if re.match(pattern, statement)), 0.0)
    return "writers of the whole file", seconds


def _table_of(statement: str) -> str:
    found = re.search(r"(?:CREATE TABLE|ALTER TABLE|UPDATE|DELETE FROM| ON) (\w+)", statement)
    return found[1] if found else ""


def _row_counts(connection: Connection) -> dict[str, int]:
    if connection.dialect.name == "postgresql":
        estimates = text(
            "SELECT relname, CASE WHEN reltuples >= 0 THEN reltuples ELSE pg_relation_size(oid) / :row_bytes END "
            "FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )
        return {str(name): int(count) for name, count in connection.execute(estimates, {"row_bytes": _ROW_BYTES})}
    counts = {}
    for name in inspect(connection).get_table_names():
        if name != "alembic_version":
            counts[name] = _last_rowid(connection, name)
    return counts


def _last_rowid(connection: Connection, table: str) -> int:
    """About the number of rows, without reading them. 0 for a table without row ids."""
    named = connection.execute(text("SELECT wr FROM pragma_table_list(:name)"), {"name": table}).scalar()
    if named:
        return 0
    quoted = connection.dialect.identifier_preparer.quote(table)
    return int(connection.execute(text(f"SELECT max(rowid) FROM {quoted}")).scalar() or 0)  # noqa: S608 (a table of ours)
