"""Database engines: connection pools, timeouts and durability settings for SQLite and PostgreSQL."""

from __future__ import annotations

import select
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy import URL, Connection, Dialect, Engine, event
from sqlalchemy.exc import ArgumentError, InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from adapters import cooperation
from adapters.persistence.sql.cooperative_connections import ConnectionQueuePool
from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.documents import from_json, to_json
from adapters.persistence.sql.file_permissions import create_private, restrict_to_owner
from adapters.persistence.sql.prepared import execute_sql

_EXAMPLES: Final = "for example sqlite:///bayar.db or postgresql://bayar@localhost/bayar"
_POSTGRESQL: Final = ("postgresql", "postgres", "postgresql+psycopg")
_SQLITE: Final = ("sqlite", "sqlite+pysqlite")

# A connection that was idle for this long is tested before its next use.
_MAX_UNTESTED_IDLE_SECONDS: Final = 1.0
# The polling interval of a thread that waits for SQLite's write lock.
_LOCK_POLL_SECONDS: Final = 0.002
_IDLE_SINCE: Final = "idle_since"
# Marks a connection that does not wait for locks by itself.
_IS_IMPATIENT: Final = "is_impatient"

# The execution option with the BEGIN statement that opens a transaction on SQLite. Empty: none opens.
SQLITE_BEGIN: Final = "sqlite_begin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Pool sizes and database timeouts."""

    # The connections of one process. Further threads wait.
    pool_size: int = 10
    pool_timeout: timedelta = timedelta(seconds=5)
    connect_timeout: timedelta = timedelta(seconds=5)
    # SQLite: the wait for the single writer. PostgreSQL: the wait for a row lock.
    lock_timeout: timedelta = timedelta(seconds=5)
    # PostgreSQL only, like the next one.
    statement_timeout: timedelta = timedelta(seconds=15)
    idle_in_transaction_timeout: timedelta = timedelta(seconds=60)


def create_engine(url: str, limits: Limits = Limits()) -> Engine:
    """Opens no connection yet. Raises ValueError, without the password, for a URL that cannot be used."""
    parsed = _parse(url)
    shared: dict[str, Any] = {
        "poolclass": ConnectionQueuePool,
        "pool_size": limits.pool_size,
        "max_overflow": 0,
        # LIFO: the last used connection has the warmest caches, its own and the machine's.
        "pool_use_lifo": True,
        "pool_timeout": limits.pool_timeout.total_seconds(),
        # Errors are logged, and rows hold personal data.
        "hide_parameters": True,
        "json_serializer": to_json,
    }
    if parsed.drivername in _SQLITE:
        return _create_sqlite(parsed, limits, shared)
    return _create_postgresql(parsed.set(drivername="postgresql+psycopg"), limits, shared)


def _parse(url: str) -> URL:
    try:
        parsed = sqlalchemy.make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError(f"this is no database URL; {_EXAMPLES}") from None
    if parsed.drivername not in _SQLITE + _POSTGRESQL:
        raise ValueError(f"no database of the kind {parsed.drivername!r} is supported; {_EXAMPLES}")
    if parsed.drivername in _SQLITE and parsed.host:
        raise ValueError(f"a SQLite URL has three slashes before a relative path, four before an absolute; {_EXAMPLES}")
    if parsed.drivername in _SQLITE and (not parsed.database or ":memory:" in parsed.database):
        raise ValueError(f"a SQLite URL must name a file; {_EXAMPLES}")
    return parsed


def _create_sqlite(url: URL, limits: Limits, shared: dict[str, Any]) -> Engine:
    # Without an isolation level, the driver leaves BEGIN to this service.
    connect_args = {"timeout": limits.lock_timeout.total_seconds(), "isolation_level": None}
    engine = sqlalchemy.create_engine(url, connect_args=connect_args, json_deserializer=from_json, **shared)
    if not _names_uri(url):
        event.listen(engine, "do_connect", _private(Path(url.database or "")), once=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", partial(_begin_sqlite, limits.lock_timeout))
    event.listen(engine, "checkin", partial(_restore_timeout, limits.lock_timeout))
    return engine


def _names_uri(url: URL) -> bool:
    return (url.database or "").startswith("file:")


def _private(path: Path) -> Callable[..., None]:
    """Creates the file before SQLite does, which gives its log and index the same mode."""

    def make_private(*_: object) -> None:
        create_private(path)
        restrict_to_owner(path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))

    return make_private


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    # A commit is on the disk before its answer leaves.
    connection.execute("PRAGMA synchronous=FULL")
    # Pages of the log, 16 MB, after which a commit copies them into the database. It writes and syncs for long then,
    # and pages that many payments change are copied once.
    connection.execute("PRAGMA wal_autocheckpoint=4000")
    # macOS only: its fsync does not flush the disk's own cache.
    connection.execute("PRAGMA fullfsync=ON")
    # Deleted content is overwritten, not only unlinked.
    connection.execute("PRAGMA secure_delete=ON")


def _begin_sqlite(timeout: timedelta, connection: Connection) -> None:
    begin = connection.get_execution_options().get(SQLITE_BEGIN, "BEGIN")
    if not begin:
        return
    if begin == "BEGIN":
        # This BEGIN takes no lock yet.
        execute_sql(connection, begin)
        return
    if _IS_IMPATIENT not in connection.info:
        execute_sql(connection, "PRAGMA busy_timeout = 0")
        connection.info[_IS_IMPATIENT] = True
    _take_write_lock(connection, begin, time.monotonic() + timeout.total_seconds())


def _restore_timeout(timeout: timedelta, connection: Any, record: ConnectionPoolEntry) -> None:
    """A connection that wrote is used for reads next, which have no polling of their own."""
    if record.info.pop(_IS_IMPATIENT, False) and connection is not None:
        connection.execute(f"PRAGMA busy_timeout = {_milliseconds(timeout)}")


def _take_write_lock(connection: Connection, begin: str, end: float) -> None:
    """SQLite's own busy handler polls ever more rarely, down to ten times a second: beside a writer that begins again
    at once it would hardly ever find the lock free.
    """
    while True:
        try:
            execute_sql(connection, begin)
        except OperationalError as failure:
            locked = isinstance(failure.orig, sqlite3.OperationalError) and "locked" in str(failure.orig)
            if not locked or time.monotonic() >= end:
                raise
            cooperation.sleep(_LOCK_POLL_SECONDS)
        else:
            return


def _create_postgresql(url: URL, limits: Limits, shared: dict[str, Any]) -> Engine:
    # Imported here only: a service on SQLite does without the memory of PostgreSQL's driver.
    from adapters.persistence.sql.postgres_connection import connect_postgresql

    settings = {
        "timezone": "UTC",
        "statement_timeout": _milliseconds(limits.statement_timeout),
        "lock_timeout": _milliseconds(limits.lock_timeout),
        "idle_in_transaction_session_timeout": _milliseconds(limits.idle_in_transaction_timeout),
    }
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    theirs = url.query.get("options", "")
    connect_args = {
        "application_name": "bayar",
        "connect_timeout": str(max(2, round(limits.connect_timeout.total_seconds()))),
        "keepalives_idle": "30",
        # A vanished peer is detected before callers give up.
        "tcp_user_timeout": str(_milliseconds(limits.statement_timeout)),
    } | {name: value for name, value in url.query.items() if isinstance(value, str)}
    connect_args["options"] = f"{ours} {theirs if isinstance(theirs, str) else ' '.join(theirs)}".strip()
    engine = sqlalchemy.create_engine(url, connect_args=connect_args, **shared)
    event.listen(engine, "do_connect", connect_postgresql)
    event.listen(engine, "connect", _make_durable)
    event.listen(engine, "checkin", _record_checkin)
    event.listen(engine, "checkout", partial(_ping_if_suspect, engine.dialect))
    return engine


def _make_durable(connection: Any, _record: object) -> None:
    """A commit is on the disk before its answer leaves, and on that of the standby if there is a synchronous one,
    whatever the settings of the server, the database or the user. `remote_apply` is stricter, and stays.
    """
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')"
    )
    connection.commit()


def _record_checkin(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_IDLE_SINCE] = time.monotonic()


def _ping_if_suspect(dialect: Dialect, connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Pings only suspect connections: a ping each time, as SQLAlchemy makes it, costs as much as a statement."""
    idle_since = record.info.pop(_IDLE_SINCE, None)
    if idle_since is None:
        # It has just been opened.
        return
    try:
        # A closed connection has no descriptor, and raises as well.
        if time.monotonic() - idle_since >= _MAX_UNTESTED_IDLE_SECONDS or _has_unsolicited_data(connection.fileno()):
            dialect.do_ping(connection)
    except Exception as failure:
        # The other connections go to the same server.
        raise InvalidatePoolError from failure


def _has_unsolicited_data(descriptor: int) -> bool:
    """Whether unsolicited data has arrived: as a rule, the notice that the server shuts down."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def _milliseconds(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))


def unsafe_durability_settings(engine: Engine) -> list[str]:
    """The server's settings that risk the loss or corruption of committed data in a crash of its machine.

    Only the server's operator can change them. Raises StoreUnavailable.
    """
    if engine.dialect.name != "postgresql":
        return []
    asked = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name"
    with translate_db_errors(), engine.connect() as connection:
        return [str(name) for name in connection.exec_driver_sql(asked).scalars()]


def max_connections_of(engine: Engine) -> int | None:
    """max_connections minus superuser_reserved_connections.

    None for SQLite, and for engines that have no such limits. Raises StoreUnavailable.
    """
    if engine.dialect.name != "postgresql":
        return None
    asked = "SELECT name, setting FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections')"
    with translate_db_errors(), engine.connect() as connection:
        limits = {str(name): int(setting) for name, setting in connection.exec_driver_sql(asked).all()}
    if "max_connections" not in limits:
        return None
    return limits["max_connections"] - limits.get("superuser_reserved_connections", 0)
