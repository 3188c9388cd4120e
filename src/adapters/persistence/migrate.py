"""Migrates a database's schema to the current version, under a lock against other processes that migrate it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.engine import SQLITE_BEGIN

_SCRIPTS: Final = Path(__file__).parent / "migrations"
# The advisory lock's number, unique within the database: "bayar" in base 36.
_LOCK: Final = 18_986_787
_PAUSE_SECONDS: Final = 0.2


class UnknownSchema(Exception):
    """A newer version of the service has migrated the database. This version may use it, but not migrate it."""

    def __init__(self, revision: str) -> None:
        super().__init__(f"the schema is at {revision}, which this version does not know")
        self.revision = revision


def upgrade(engine: Engine, to: str = "head") -> None:
    """Runs every missing migration, up to and including `to`. Raises UnknownSchema and StoreUnavailable."""
    # Imported here only: Alembic takes a tenth of the memory of a service that has nothing to migrate.
    from alembic import command
    from alembic.config import Config

    revision = current(engine)
    if revision is not None and revision not in _steps():
        raise UnknownSchema(revision)
    config = Config()
    # A "%" in the path would be read as an interpolation.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with translate_db_errors(), _alone(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def current(engine: Engine) -> str | None:
    """The last migration that ran, None for an empty database. Raises StoreUnavailable."""
    with translate_db_errors(), engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def is_current(engine: Engine) -> bool:
    """Whether exactly the migrations that this version knows have run. Raises StoreUnavailable."""
    return current(engine) == _steps()[-1]


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
