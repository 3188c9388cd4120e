"""The store port on a SQL database: opens units of work and runs maintenance."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import datetime
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, Engine, and_, or_, select, update

from adapters.persistence.encryption.sealing import KEYLESS, Sealer
from adapters.persistence.observer import UNOBSERVED, PaymentChange, StoreObserver, now
from adapters.persistence.repositories.deployment import hold_of, renew_mark, save_hold
from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.engine import SQLITE_BEGIN
from adapters.persistence.sql.statements import is_due
from adapters.persistence.tables import IS_OPEN, operations
from adapters.persistence.unit_of_work import SqlUnitOfWork
from application.common.errors import StoreUnavailable
from application.ports.runtime import IdSource
from application.ports.store import DueOperation, UnitOfWork, farthest_check
from application.recovery.service_hold import Hold
from domain.events import SERVICE
from domain.ids import OperationId, PaymentId
from domain.operation import OperationState

_log = logging.getLogger(__name__)

# This process's writers queue here. SQLite's own queue lets them sleep and overtake one another.
_LOCK_TIMEOUT_SECONDS: Final = 10.0

# SQLite has one writer at a time. BEGIN takes its lock, so that rows read before a write cannot change until then.
_SQLITE_WRITES: Final[dict[str, Any]] = {SQLITE_BEGIN: "BEGIN IMMEDIATE"}
# One statement sees one moment without a transaction, which saves BEGIN and COMMIT.
_SQLITE_SINGLE_READS: Final[dict[str, Any]] = {SQLITE_BEGIN: ""}
_POSTGRESQL_SINGLE_READS: Final[dict[str, Any]] = {"isolation_level": "AUTOCOMMIT"}
_POSTGRESQL_READS: Final[dict[str, Any]] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class SqlStore:
    """Safe for many threads. It owns no connection: the engine's creator disposes of the engine."""

    def __init__(
        self, engine: Engine, ids: IdSource, sealer: Sealer = KEYLESS, observer: StoreObserver = UNOBSERVED
    ) -> None:
        is_sqlite = engine.dialect.name == "sqlite"
        self._ids = ids
        self._observer = observer
        self._sealer = sealer
        self._writing = engine.execution_options(**_SQLITE_WRITES) if is_sqlite else engine
        self._reading = engine if is_sqlite else engine.execution_options(**_POSTGRESQL_READS)
        self._reading_once = engine.execution_options(**_SQLITE_SINGLE_READS if is_sqlite else _POSTGRESQL_SINGLE_READS)
        self._write_lock = _WriteLock() if is_sqlite else _no_lock

    def begin(self, actor: str = SERVICE) -> AbstractContextManager[UnitOfWork]:
        return self._unit_of_work(self._writing, self._write_lock, actor)

    def read(self) -> AbstractContextManager[UnitOfWork]:
        return self._unit_of_work(self._reading, _no_lock, SERVICE)

    @contextmanager
    def read_once(self) -> Iterator[UnitOfWork]:
        with translate_db_errors(), self._reading_once.connect() as connection:
            yield SqlUnitOfWork(connection, self._ids, self._sealer, SERVICE)

    def due_operations(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[DueOperation]:
        table, lease = operations.c, lease_until - now
        is_started = table.state == OperationState.STARTED.value
        due = (
            select(table.payment_id, table.operation_id)
            .where(
                IS_OPEN,
                or_(
                    is_due(table.next_check_time, now, farthest_check(lease, scheduled=True)),
                    and_(is_started, is_due(table.next_check_time, now, farthest_check(lease))),
                    # An operation without a planned check is due as well.
                    table.next_check_time.is_(None),
                ),
            )
            .order_by(table.next_check_time)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with translate_db_errors(), self._write_lock(), self._writing.begin() as connection:
            rows = connection.execute(due).all()
            claimed = [row.operation_id for row in rows]
            if claimed:
                connection.execute(
                    update(operations).where(table.operation_id.in_(claimed)).values(next_check_time=lease_until)
                )
        return [DueOperation(PaymentId(row.payment_id), OperationId(row.operation_id)) for row in rows]

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction that only reads. Raises the driver's errors."""
        return self._reading.begin()

    def hold(self) -> Hold:
        with translate_db_errors(), self._reading.begin() as connection:
            return hold_of(connection)

    def set_hold(self, hold: Hold) -> None:
        with translate_db_errors(), self._write_lock(), self._writing.begin() as connection:
            save_hold(connection, hold)

    def renew_mark(self) -> str:
        with translate_db_errors(), self._write_lock(), self._writing.begin() as connection:
            return renew_mark(connection)

    def wipe(self) -> None:
        # PostgreSQL's vacuum does this by itself. SQLite's log keeps the old pages until it is truncated.
        if self._writing.dialect.name != "sqlite":
            return
        with translate_db_errors(), self._write_lock(), closing(self._writing.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy = cursor.fetchall()[0][0]
            cursor.close()
        if is_busy:
            _log.warning("the database was busy: erased data stays in its write-ahead log until the next erasure")

    @contextmanager
    def _unit_of_work(
        self, engine: Engine, lock: Callable[[], AbstractContextManager[None]], actor: str
    ) -> Iterator[UnitOfWork]:
        began, is_write = now(), engine is self._writing
        changes: list[PaymentChange] = []
        try:
            with translate_db_errors(), lock(), engine.begin() as connection:
                yield SqlUnitOfWork(connection, self._ids, self._sealer, actor, changes)
        except BaseException:
            self._observer.transaction_ended(is_write=is_write, began=began, is_committed=False, changes=())
            raise
        self._observer.transaction_ended(is_write=is_write, began=began, is_committed=True, changes=changes)


class _WriteLock:
    """A mutex: one thread writes at a time."""

    def __init__(self) -> None:
        self._lock = Lock()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=_LOCK_TIMEOUT_SECONDS):
            raise StoreUnavailable("too many writers wait for the database")
        try:
            yield
        finally:
            self._lock.release()


def _no_lock() -> AbstractContextManager[None]:
    return nullcontext()
