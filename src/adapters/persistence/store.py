"""The store port on a SQL database: opens units of work and runs maintenance."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final
from weakref import WeakMethod

from sqlalchemy import Connection, Engine, QueuePool, and_, event, or_, select, update

from adapters import cooperation
from adapters.persistence.encryption.sealing import KEYLESS, Sealer
from adapters.persistence.observer import UNOBSERVED, Recorder, StoreObserver, now
from adapters.persistence.repositories.deployment import hold_of, renew_mark, save_hold
from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.group_commit import GroupCommit
from adapters.persistence.sql.single_reads import SingleReads
from adapters.persistence.sql.statements import is_due
from adapters.persistence.tables import IS_OPEN, disputes, operations, payment_methods
from adapters.persistence.unit_of_work import SqlUnitOfWork
from application.ports.runtime import IdSource
from application.ports.store import DueOperation, UnitOfWork, farthest_check
from application.recovery.service_hold import Hold
from domain.events import SERVICE, OnBehalf
from domain.ids import DISPUTE, OPERATION, PAYMENT_METHOD, OperationId, PaymentId
from domain.operation import OperationState

_log = logging.getLogger(__name__)

_POSTGRESQL_READS: Final[dict[str, Any]] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
# By the prefix of the id: the traceparent of what a call began, and the column of its id.
_TRACES: Final = {
    OPERATION: (operations.c.trace_context, operations.c.operation_id),
    PAYMENT_METHOD: (payment_methods.c.trace_context, payment_methods.c.payment_method_id),
    DISPUTE: (disputes.c.trace_context, disputes.c.dispute_id),
}


class SqlStore:
    """Safe for many threads. It owns no connection: the engine's creator disposes of the engine."""

    def __init__(
        self, engine: Engine, ids: IdSource, sealer: Sealer = KEYLESS, observer: StoreObserver = UNOBSERVED
    ) -> None:
        is_sqlite = engine.dialect.name == "sqlite"
        self._ids = ids
        self._observer = observer
        self._sealer = sealer
        self._engine = engine
        self._reading = engine if is_sqlite else engine.execution_options(**_POSTGRESQL_READS)
        self._single_reads = SingleReads(engine, keeps_connection=_has_several(engine)) if is_sqlite else None
        # PostgreSQL groups the commits of its connections by itself.
        self._groups = GroupCommit(engine, keeps_connection=_has_several(engine)) if is_sqlite else None
        for kept in (self._single_reads, self._groups):
            if kept is not None:
                # The engine does not keep the store alive: a store that nobody uses any more gives its connections
                # back.
                event.listen(engine, "engine_disposed", partial(_close, WeakMethod(kept.close)))

    def begin(self, actor: str = SERVICE, on_behalf: OnBehalf | None = None) -> AbstractContextManager[UnitOfWork]:
        return self._unit_of_work(self._write(), actor, on_behalf, is_write=True)

    def read(self) -> AbstractContextManager[UnitOfWork]:
        return self._unit_of_work(self._reading.begin(), is_write=False)

    def read_once(self) -> AbstractContextManager[UnitOfWork]:
        single = self._statement() if self._single_reads is None else self._single_reads.connection()
        return self._unit_of_work(single, is_write=False)

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
        with translate_db_errors(), self._write() as connection:
            rows = connection.execute(due).all()
            claimed = [row.operation_id for row in rows]
            if claimed:
                connection.execute(
                    update(operations).where(table.operation_id.in_(claimed)).values(next_check_time=lease_until)
                )
        return [DueOperation(PaymentId(row.payment_id), OperationId(row.operation_id)) for row in rows]

    def trace_context_of(self, resource_id: str) -> str:
        """The traceparent of the call that began an operation, a payment method, or a dispute's last action; empty
        without one. Raises StoreUnavailable.
        """
        trace, own_id = _TRACES[resource_id.partition("_")[0]]
        own = select(trace).where(own_id == resource_id)
        with translate_db_errors(), self._reading.begin() as connection:
            return connection.scalar(own) or ""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction that only reads. Raises the driver's errors."""
        return self._reading.begin()

    def hold(self) -> Hold:
        with translate_db_errors(), self._reading.begin() as connection:
            return hold_of(connection)

    def set_hold(self, hold: Hold) -> None:
        with translate_db_errors(), self._write() as connection:
            save_hold(connection, hold)

    def renew_mark(self) -> str:
        with translate_db_errors(), self._write() as connection:
            return renew_mark(connection)

    def wipe(self) -> None:
        # PostgreSQL's vacuum does this by itself. SQLite's log keeps the old pages until it is truncated.
        if self._groups is None:
            return
        with translate_db_errors(), self._groups.exclusive():
            is_busy = cooperation.on_thread(self._truncate_log)
        if is_busy:
            _log.warning("the database was busy: erased data stays in its write-ahead log until the next erasure")

    def _truncate_log(self) -> bool:
        """Whether others kept it from doing so."""
        with closing(self._engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return bool(cursor.fetchall()[0][0])

    @contextmanager
    def _unit_of_work(
        self,
        transaction: AbstractContextManager[Connection],
        actor: str = SERVICE,
        on_behalf: OnBehalf | None = None,
        *,
        is_write: bool,
    ) -> Iterator[UnitOfWork]:
        began = now()
        recorder = Recorder(self._observer)
        try:
            with translate_db_errors(), transaction as connection:
                yield SqlUnitOfWork(connection, self._ids, self._sealer, actor, recorder, on_behalf)
        except BaseException:
            self._observer.transaction_ended(is_write=is_write, began=began, is_committed=False, changes=())
            raise
        self._observer.transaction_ended(is_write=is_write, began=began, is_committed=True, changes=recorder.changes)

    @contextmanager
    def _statement(self) -> Iterator[Connection]:
        """A connection for one statement that reads, without a transaction."""
        with self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            with driver.without_transaction():
                yield connection

    def _write(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction that may write, which is durable at the end."""
        return self._groups.unit() if self._groups is not None else self._engine.begin()


def _close(kept: WeakMethod[Callable[[], None]], _disposed: Engine) -> None:
    close = kept()
    if close is not None:
        close()


def _has_several(engine: Engine) -> bool:
    """Whether the pool has connections for others while two are kept."""
    return isinstance(engine.pool, QueuePool) and engine.pool.size() > 2
