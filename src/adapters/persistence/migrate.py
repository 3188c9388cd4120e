"""Migrates a database's schema to the current version, under a lock against other processes that migrate it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.engine import SQLITE_BEGIN

_SCRIPTS: Final = Path(__file__).parent / "migrations"
# Any number that nobody else uses for a lock in the same database: "bayar" in base 36.
_LOCK: Final = 18_986_787
_PAUSE_SECONDS: Final = 0.2


class UnknownSchema(Exception):
    """A newer version of the service has migrated the database. This one may work with it, but not migrate it."""

    def __init__(self, revision: str) -> None:
        super().__init__(f"the schema is at {revision}, which this version does not know")
        self.revision = revision


def upgrade(engine: Engine, to: str = "head") -> None:
    """Takes every step that is missing, or those up to one. Raises UnknownSchema and StoreUnavailable."""
    # Only here: it is a tenth of the memory of a service that starts with nothing to do.
    from alembic import command
    from alembic.config import Config

    revision = current(engine)
    if revision is not None and revision not in _steps():
        raise UnknownSchema(revision)
    config = Config()
    # A "%" in the path would be read as a reference.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with translate_db_errors(), _alone(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def current(engine: Engine) -> str | None:
    """The last step that was taken, None for an empty database. Raises StoreUnavailable."""
    with translate_db_errors(), engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def is_current(engine: Engine) -> bool:
    """Whether every step that this version knows has been taken, and no other. Raises StoreUnavailable."""
    return current(engine) == _steps()[-1]


def _steps() -> list[str]:
    """Every step that this version knows, in order: their files are named after them."""
    return sorted(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*.py"))


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A connection, while no other process migrates the database."""
    if engine.dialect.name == "sqlite":
        with engine.execution_options(**{SQLITE_BEGIN: "BEGIN IMMEDIATE"}).begin() as connection:
            yield connection
        return
    # The guard has no transaction open, so that indexes can be built beside it (CREATE INDEX CONCURRENTLY).
    guards = engine.execution_options(isolation_level="AUTOCOMMIT")
    with guards.connect() as guard, engine.connect() as connection:
        # Neither goes back to the pool: they wait for as long as it takes. A step may need the second outside a
        # transaction, which a detached one cannot be.
        guard.detach()
        # Asked again and again, since an index is built only when no statement is left that began before: one that
        # waited for the lock would wait for the build, and the build for it.
        while not guard.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar():
            time.sleep(_PAUSE_SECONDS)
        connection.execute(text("SET statement_timeout = 0"))
        connection.commit()
        try:
            yield connection
        finally:
            connection.invalidate()
