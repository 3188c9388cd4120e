"""Migrates a database's schema to the current version, under a lock against other processes that migrate it.

Migrations expand the schema, so that the version before runs on it, too. A migration that removes something raises the
schema's oldest revision: only code that knows that migration may run from then on.
"""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, insert, inspect, select, text, update

from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.engine import SQLITE_BEGIN
from adapters.persistence.tables import metadata, schema_compatibility

if TYPE_CHECKING:
    from alembic.script import Script, ScriptDirectory

_SCRIPTS: Final = Path(__file__).parent / "migrations"
# The advisory lock's number, unique within the database: "bayar" in base 36.
_LOCK: Final = 18_986_787
_PAUSE_SECONDS: Final = 0.2
_ONLY_ROW: Final = 1
# The revisions of every version.
_FORM: Final = re.compile(r"[0-9]{4}")


class SchemaState(Enum):
    """The schema's relation to this version."""

    # Migrations are missing; an empty database lacks all of them.
    BEHIND = "behind"
    CURRENT = "current"
    # A newer version has migrated it, and this version may run on it.
    NEWER = "newer"
    # A newer version has removed something that this version needs.
    TOO_NEW = "too new"
    # It has tables of the same names, or the migrations, of another application.
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Schema:
    """A database's schema, as this version sees it."""

    # The last migration that ran, None for an empty database.
    revision: str | None
    state: SchemaState
    # The migrations that this version knows and that have not run, in order.
    missing: Sequence[str] = ()
    # The code of the oldest version that may run must know this migration. None where the database does not say.
    oldest_revision: str | None = None
    # The tables of another application whose names this version needs, in alphabetical order.
    foreign_tables: Sequence[str] = ()

    @property
    def is_usable(self) -> bool:
        """Whether this version may run on it."""
        return self.state in (SchemaState.CURRENT, SchemaState.NEWER)


class UnknownSchema(Exception):
    """A newer version, or another application, has made a schema on which this version cannot run."""

    def __init__(self, revision: str | None) -> None:
        super().__init__(f"the schema is at {revision}, which this version does not know")
        self.revision = revision


def upgrade(engine: Engine, to: str = "head") -> None:
    """Runs every missing migration, up to and including `to`. Does nothing to a newer schema that serves this version.

    Raises UnknownSchema and StoreUnavailable.
    """
    # Imported here only: Alembic takes a tenth of the memory of a service that has nothing to migrate.
    from alembic import command
    from alembic.config import Config

    with translate_db_errors(), _alone(engine) as connection:
        # Read under the lock: another version may have migrated it meanwhile.
        schema = _schema_of(connection)
        if schema.state in (SchemaState.TOO_NEW, SchemaState.FOREIGN):
            raise UnknownSchema(schema.revision)
        if schema.state is SchemaState.NEWER:
            return
        oldest = _oldest_revision_after(last_migration() if to == "head" else to)
        # Before something is removed: no code that needs it may start from now on.
        _save_oldest_revision(connection, oldest)
        _end_transaction(connection)
        config = Config()
        # A "%" in the path would be read as an interpolation.
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        _save_oldest_revision(connection, oldest)
        _end_transaction(connection)


def schema_of(engine: Engine) -> Schema:
    """Raises StoreUnavailable."""
    with translate_db_errors(), engine.connect() as connection:
        return _schema_of(connection)


def current(engine: Engine) -> str | None:
    """The last migration that ran, None for an empty database. Raises StoreUnavailable."""
    return schema_of(engine).revision


def is_current(engine: Engine) -> bool:
    """Whether exactly the migrations that this version knows have run. Raises StoreUnavailable."""
    return schema_of(engine).state is SchemaState.CURRENT


def last_migration() -> str:
    """The last migration that this version knows."""
    return _steps()[-1]


def scripts() -> "ScriptDirectory":
    """The migrations' modules."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(_SCRIPTS))


def compatible_from(script: "Script") -> str | None:
    """The oldest revision that a migration's module demands; None for one that only expands the schema."""
    oldest: str | None = getattr(script.module, "compatible_from", None)
    return oldest


def _schema_of(connection: Connection) -> Schema:
    known = _steps()
    revision = _revision_of(connection)
    if revision is not None and _FORM.fullmatch(revision) is None:
        return Schema(revision, SchemaState.FOREIGN)
    if revision is None and (taken := _own_names_in(connection)):
        return Schema(revision, SchemaState.FOREIGN, foreign_tables=taken)
    if revision is None or revision in known[:-1]:
        missing = known[known.index(revision) + 1 :] if revision else known
        return Schema(revision, SchemaState.BEHIND, missing)
    if revision == known[-1]:
        return Schema(revision, SchemaState.CURRENT)
    oldest = _stored_oldest_revision(connection)
    serves = revision > known[-1] and oldest is not None and oldest <= known[-1]
    return Schema(revision, SchemaState.NEWER if serves else SchemaState.TOO_NEW, oldest_revision=oldest)


def _revision_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _own_names_in(connection: Connection) -> list[str]:
    """The tables and views with names of Bayar's tables, in alphabetical order.

    A migration records its revision in the transaction that creates its tables, so a database without a revision has
    none of Bayar's.
    """
    found = inspect(connection)
    return sorted(metadata.tables.keys() & {*found.get_table_names(), *found.get_view_names()})


def _stored_oldest_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(schema_compatibility.name):
        return None
    return connection.execute(select(schema_compatibility.c.oldest_revision)).scalar()


def _oldest_revision_after(to: str) -> str:
    found = (compatible_from(script) for script in scripts().walk_revisions() if script.revision <= to)
    return max((revision for revision in found if revision), default="")


def _save_oldest_revision(connection: Connection, revision: str) -> None:
    """Never lowers it."""
    if not inspect(connection).has_table(schema_compatibility.name):
        return
    stored = _stored_oldest_revision(connection)
    values = {"row_id": _ONLY_ROW, "oldest_revision": revision}
    if stored is None:
        connection.execute(insert(schema_compatibility).values(values))
    elif stored < revision:
        connection.execute(update(schema_compatibility).values(values))


def _end_transaction(connection: Connection) -> None:
    """PostgreSQL's migrations run in transactions of their own, and SQLite's in a single one."""
    if connection.dialect.name == "postgresql":
        connection.commit()


def _steps() -> list[str]:
    """Every migration that this version knows, in order: the files have their names."""
    return sorted(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*.py"))


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A connection that holds the migration lock against other processes."""
    if engine.dialect.name == "sqlite":
        with engine.execution_options(**{SQLITE_BEGIN: "BEGIN IMMEDIATE"}).begin() as connection:
            yield connection
        return
    # The lock's connection has no open transaction, so that indexes can be built concurrently (CREATE INDEX
    # CONCURRENTLY).
    guards = engine.execution_options(isolation_level="AUTOCOMMIT")
    with guards.connect() as guard, engine.connect() as connection:
        # Neither connection returns to the pool: they wait for as long as it takes. A migration may need the second one
        # outside a transaction, which a detached connection cannot be.
        guard.detach()
        # The lock is polled, since an index is built only once every earlier statement has ended: a statement that
        # waited for the lock would wait for the build, and the build for it (deadlock).
        while not guard.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar():
            time.sleep(_PAUSE_SECONDS)
        connection.execute(text("SET statement_timeout = 0"))
        connection.commit()
        try:
            yield connection
        finally:
            connection.invalidate()
