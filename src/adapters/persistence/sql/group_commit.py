"""Group commit on SQLite: units of work that are ready together share one durable transaction."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, Engine

from adapters import cooperation
from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.engine import SQLITE_BEGIN
from adapters.persistence.sql.prepared import execute_sql
from application.common.errors import StoreUnavailable

# This process's writers queue here. SQLite's own queue lets them sleep and overtake one another.
_TURN_TIMEOUT_SECONDS: Final = 10.0
# The first unit of a group waits for the last one: a group takes no more units than that, and none after that long.
_MAX_UNITS: Final = 32
_MAX_SECONDS: Final = 0.05

# SQLite has one writer at a time. BEGIN takes its lock, so that rows read before a write cannot change until then.
_TAKES_WRITE_LOCK: Final[dict[str, Any]] = {SQLITE_BEGIN: "BEGIN IMMEDIATE"}
_SAVEPOINT: Final = "SAVEPOINT unit_of_work"
_RELEASE: Final = "RELEASE unit_of_work"
_UNDO: Final = "ROLLBACK TO unit_of_work"


@dataclass(slots=True, eq=False)
class _Group:
    """The units of work of one transaction."""

    connection: Connection
    begin_time: float
    # The units that are kept: each ended without an error.
    units: int = 0
    is_done: cooperation.Event = field(default_factory=cooperation.Event)
    failure: BaseException | None = None

    @property
    def driver(self) -> Any:
        return self.connection.connection.driver_connection

    @property
    def is_intact(self) -> bool:
        """False once SQLite has rolled back the transaction by itself, as it may on a full disk."""
        return not self.connection.invalidated and self.driver.in_transaction

    def wait(self) -> None:
        """Returns once the transaction is durable. Raises StoreUnavailable if it is not."""
        self.is_done.wait()
        if self.failure is not None:
            raise StoreUnavailable(str(self.failure)) from self.failure


class GroupCommit:
    """Lets one unit of work write at a time, in the order of arrival.

    A unit that ends while others wait hands its transaction to the next one instead of committing it, and the last one
    commits for all. During the commit more units arrive, which share the next one. A unit without neighbours commits at
    once. No unit returns, or fails because of rows that it saw, before the commit of its transaction is durable.

    Each unit has a savepoint: one that fails undoes only its own changes.
    """

    def __init__(self, engine: Engine, *, keeps_connection: bool = False) -> None:
        """keeps_connection: keeps the connection of one group for the next, until `close`; the pool needs others."""
        self._engine = engine
        self._keeps_connection = keeps_connection
        self._kept: Connection | None = None
        # Of its own: a commit waits for the disk, and for nobody else.
        self._commits = cooperation.one_thread("commits")
        self._lock = Lock()
        self._is_taken = False
        # Whoever passes the turn on wakes the next one.
        self._waiting: deque[cooperation.Waiter] = deque()
        # Only the holder of the turn uses it.
        self._group: _Group | None = None

    @property
    def waiting(self) -> int:
        """The number of units of work that wait for their turn."""
        return len(self._waiting)

    @contextmanager
    def unit(self) -> Iterator[Connection]:
        """The connection, for one unit of work. Raises StoreUnavailable, also at the end."""
        group = self._join()
        is_first = group.units == 0
        try:
            yield group.connection
        except BaseException:
            self._undo(group, is_first=is_first)
            if not is_first:
                # The failure may follow from a neighbour's rows, which are not durable yet.
                group.wait()
            raise
        self._keep(group, is_first=is_first)
        group.wait()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Between two transactions of this process."""
        self._take_turn()
        try:
            if self._group is not None:
                self._commit(self._group)
            yield
        finally:
            self._pass_turn()

    def _join(self) -> _Group:
        """The open group, or a new one, with the turn and a savepoint."""
        self._take_turn()
        try:
            if self._group is None:
                self._group = self._begin()
            else:
                self._execute(self._group, _SAVEPOINT)
        except BaseException as failure:
            if self._group is not None:
                self._fail(self._group, failure)
            self._pass_turn()
            raise
        return self._group

    def _begin(self) -> _Group:
        with translate_db_errors():
            connection = self._take_kept() or self._connect()
            try:
                connection.begin()
            except BaseException:
                connection.close()
                raise
        return _Group(connection, time.monotonic())

    def _connect(self) -> Connection:
        # An engine with options would look for its listeners in two places at each statement.
        return self._engine.connect().execution_options(**_TAKES_WRITE_LOCK)

    def _keep(self, group: _Group, *, is_first: bool) -> None:
        """Adds the unit to the group, and hands the group on or commits it."""
        try:
            if not group.is_intact:
                raise StoreUnavailable("the database has rolled back the transaction")
            if not is_first:
                self._execute(group, _RELEASE)
            group.units += 1
        except BaseException as failure:
            self._fail(group, failure)
            self._pass_turn()
            raise
        self._hand_on(group)

    def _undo(self, group: _Group, *, is_first: bool) -> None:
        """Undoes the changes of the unit. Its neighbours' stay."""
        if is_first:
            self._close(group)
            self._pass_turn()
            return
        try:
            if not group.is_intact:
                raise StoreUnavailable("the database has rolled back the transaction")
            self._execute(group, _UNDO)
            self._execute(group, _RELEASE)
        except Exception as failure:
            self._fail(group, failure)
            self._pass_turn()
            return
        self._hand_on(group)

    def _hand_on(self, group: _Group) -> None:
        """Passes the turn with the open group, or commits where nobody waits for it."""
        is_open = group.units < _MAX_UNITS and time.monotonic() - group.begin_time < _MAX_SECONDS
        if is_open and self._pass_turn_to_waiting():
            return
        try:
            self._commit(group)
        finally:
            self._pass_turn()

    def _commit(self, group: _Group) -> None:
        """Leaves an error to the units of the group, which all raise it."""
        try:
            with translate_db_errors():
                # The disk may take long, and others work meanwhile.
                cooperation.on_thread(group.connection.commit, threads=self._commits)
        except BaseException as failure:
            self._fail(group, failure)
            if not isinstance(failure, Exception):
                raise
        else:
            self._end(group)

    def _fail(self, group: _Group, failure: BaseException) -> None:
        group.failure = failure
        self._close(group)

    def _end(self, group: _Group) -> None:
        """Keeps the connection for the next group, which costs less than the way through the pool."""
        if not self._keeps_connection:
            self._close(group)
            return
        self._group = None
        with self._lock:
            self._kept = group.connection
        group.is_done.set()

    def _take_kept(self) -> Connection | None:
        with self._lock:
            kept, self._kept = self._kept, None
        return kept

    def __del__(self) -> None:
        """A store that is gone leaves no connection behind, which would keep SQLite's write-ahead log."""
        self.close()

    def close(self) -> None:
        """Closes the kept connection, if there is one."""
        kept = self._take_kept()
        if kept is not None:
            kept.detach()
            kept.close()

    def _close(self, group: _Group) -> None:
        """Rolls back whatever is not committed. SQLAlchemy does not where a commit has failed."""
        self._group = None
        try:
            if group.is_intact:
                group.driver.rollback()
        except Exception:
            group.connection.invalidate()
            raise
        finally:
            group.connection.close()
            group.is_done.set()

    def _execute(self, group: _Group, statement: str) -> None:
        with translate_db_errors():
            execute_sql(group.connection, statement)

    def _take_turn(self) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            turn = cooperation.Waiter()
            self._waiting.append(turn)
        if turn.wait(_TURN_TIMEOUT_SECONDS):
            return
        with self._lock:
            if turn not in self._waiting:
                # It was passed at the last moment.
                return
            self._waiting.remove(turn)
        raise StoreUnavailable("too many writers wait for the database")

    def _pass_turn(self) -> None:
        if not self._pass_turn_to_waiting(or_free=True):
            raise RuntimeError("nobody holds the turn")

    def _pass_turn_to_waiting(self, *, or_free: bool = False) -> bool:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().wake()
                return True
            if or_free:
                self._is_taken = False
            return or_free
