"""Group commit: units of work share a durable transaction, and each is still all or nothing for itself.

Each check is also run on planted bugs, which it must see.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from adapters.persistence.migrate import upgrade
from adapters.persistence.repositories.idempotency_keys import SqlRequests
from adapters.persistence.sql import group_commit
from adapters.persistence.sql.engine import create_engine
from adapters.persistence.sql.group_commit import GroupCommit
from adapters.persistence.store import SqlStore
from application.common.errors import StoreUnavailable
from application.ports.store import RequestRecord
from domain.ids import CallerId, RequestId
from tests.contract.random_payments import START
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds

ROOT: Final = Path(__file__).parents[4]
NAMES: Final = ("two", "three", "four", "five")


def record(request_id: str) -> RequestRecord:
    return RequestRecord(
        caller_id=CallerId("shop"),
        request_id=RequestId(request_id),
        method="CreatePayment",
        resource_id="pay_1",
        fingerprint={},
        create_time=START,
    )


class Refused(Exception):
    """The unit of work ends with an error."""


class Disk:
    """A disk that writes a commit only when it is allowed to, and may fail it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._allowed = threading.Semaphore(0)
        self.fails = False
        # The commits that have begun.
        self.commits = 0
        self.groups = GroupCommit(engine)
        event.listen(engine, "commit", self._commit)

    def _commit(self, _connection: object) -> None:
        self.commits += 1
        assert self._allowed.acquire(timeout=10)
        if self.fails:
            raise OperationalError("COMMIT", None, OSError("disk I/O error"))

    def allow(self, commits: int = 1) -> None:
        self._allowed.release(commits)

    def write(self, request_id: str, *, fails: bool = False) -> str:
        """One unit of work. Returns the request's id once it is told as recorded."""
        with self.groups.unit() as connection:
            if SqlRequests(connection).claim(record(request_id)) is not None:
                raise Refused(f"{request_id} is known")
            if fails:
                raise Refused(request_id)
        return request_id

    def begin(self, pool: ThreadPoolExecutor, *units: Callable[[], str]) -> tuple[Future[str], list[Future[str]]]:
        """Begins the commit of unit "one". The other units arrive meanwhile, one after the other."""
        first = pool.submit(self.write, "one")
        until(lambda: self.commits == 1)
        begun = []
        for count, unit in enumerate(units, 1):
            begun.append(pool.submit(unit))
            until(lambda count=count: self.groups.waiting == count)  # type: ignore[misc]
        return first, begun

    def recorded(self) -> set[str]:
        """The requests that another process would see."""
        with self._engine.connect() as connection:
            return set(connection.exec_driver_sql("SELECT request_id FROM requests").scalars())


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def disk(sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Disk:
    # However busy the machine is, a group stays open.
    monkeypatch.setattr(group_commit, "_MAX_SECONDS", 60.0)
    return Disk(sqlite_engine)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as threads:
        yield threads


def outcomes(begun: list[Future[str]]) -> list[str]:
    return [type(failure).__name__ if (failure := each.exception(10)) else each.result() for each in begun]


def check_no_answer_precedes_the_shared_commit(disk: Disk, pool: ThreadPoolExecutor) -> None:
    """Neither that of a unit that wrote, nor that of one that was refused because of a neighbour's rows."""
    units = ("two", "two", "three", "four")
    first, begun = disk.begin(pool, *(partial(disk.write, name) for name in units))
    disk.allow()
    assert first.result(10) == "one"
    until(lambda: disk.commits == 2)
    assert [each.done() for each in begun] == [False] * 4
    assert disk.recorded() == {"one"}
    disk.allow()
    assert outcomes(begun) == ["two", "Refused", "three", "four"]
    assert disk.recorded() == {"one", "two", "three", "four"}
    assert disk.commits == 2


def check_a_failed_unit_fails_alone(disk: Disk, pool: ThreadPoolExecutor) -> None:
    units: tuple[Callable[[str], str], ...] = (
        disk.write,
        partial(disk.write, fails=True),
        disk.write,
        partial(disk.write, fails=True),
    )
    _, begun = disk.begin(pool, *(partial(unit, name) for unit, name in zip(units, NAMES, strict=True)))
    disk.allow(2)
    assert outcomes(begun) == ["two", "Refused", "four", "Refused"]
    assert disk.recorded() == {"one", "two", "four"}


def check_a_failed_commit_fails_each_unit(disk: Disk, pool: ThreadPoolExecutor) -> None:
    first, begun = disk.begin(pool, *(partial(disk.write, name) for name in ("two", "two", "three")))
    disk.allow()
    first.result(10)
    until(lambda: disk.commits == 2)
    disk.fails = True
    disk.allow()
    # The refusal was because of a row that never was.
    assert outcomes(begun) == ["StoreUnavailable"] * 3
    assert disk.recorded() == {"one"}
    disk.fails = False
    disk.allow()
    assert disk.write("two") == "two"


def check_a_transaction_that_sqlite_gave_up_fails_each_unit(disk: Disk, pool: ThreadPoolExecutor) -> None:
    """As it may on a full disk, in the middle of a unit."""

    def write_and_lose(request_id: str) -> str:
        with disk.groups.unit() as connection:
            SqlRequests(connection).claim(record(request_id))
            connection.exec_driver_sql("ROLLBACK")
        return request_id

    units = (write_and_lose, disk.write, write_and_lose, disk.write)
    _, begun = disk.begin(pool, *(partial(unit, name) for unit, name in zip(units, NAMES, strict=True)))
    disk.allow(2)
    # The first one was alone in its transaction. The third one takes the second along, which is told so.
    assert outcomes(begun) == ["StoreUnavailable"] * 3 + ["five"]
    assert disk.recorded() == {"one", "five"}


CHECKS: Final = (
    check_no_answer_precedes_the_shared_commit,
    check_a_failed_unit_fails_alone,
    check_a_failed_commit_fails_each_unit,
    check_a_transaction_that_sqlite_gave_up_fails_each_unit,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_units_of_work_share_a_commit(check: Callable[..., None], disk: Disk, pool: ThreadPoolExecutor) -> None:
    check(disk, pool)


def _do_not_wait(_group: Any) -> None:
    return None


def _take_the_neighbours_along(groups: Any, group: Any, *, is_first: bool) -> None:
    group.driver.execute("ROLLBACK")
    group.driver.execute("BEGIN IMMEDIATE")
    if is_first:
        groups._close(group)
        groups._pass_turn()
        return
    groups._hand_on(group)


def _keep_all_the_same(groups: Any, group: Any, *, is_first: bool) -> None:
    del is_first
    groups._hand_on(group)


def _hide_the_failure(groups: Any, group: Any) -> None:
    try:
        group.connection.commit()
    except OperationalError:
        group.connection.close()
    groups._close(group)


MUTANTS: Final = {
    "an answer precedes the shared commit": ("_Group.wait", _do_not_wait, 0),
    "a failed unit takes its neighbours along": ("GroupCommit._undo", _take_the_neighbours_along, 1),
    "a failed unit is not undone": ("GroupCommit._undo", _keep_all_the_same, 1),
    "a failed commit is told as done": ("GroupCommit._commit", _hide_the_failure, 2),
    "a lost transaction is told as done": ("_Group.is_intact", property(lambda _: True), 3),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_seen(
    name: str, disk: Disk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, mutant, check = MUTANTS[name]
    monkeypatch.setattr(f"adapters.persistence.sql.group_commit.{place}", mutant)
    with pytest.raises(AssertionError):
        CHECKS[check](disk, pool)
    # For the units that still wait.
    disk.allow(10)


def test_nobody_waits_when_alone(disk: Disk) -> None:
    disk.allow(2)
    assert [disk.write("one"), disk.write("two")] == ["one", "two"]
    assert disk.commits == 2


def test_a_unit_that_fails_alone_commits_nothing(disk: Disk) -> None:
    with pytest.raises(Refused):
        disk.write("one", fails=True)
    assert (disk.commits, disk.recorded()) == (0, set())


def test_a_group_ends_so_that_its_first_unit_has_an_answer(
    disk: Disk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "_MAX_UNITS", 2)
    _, begun = disk.begin(pool, *(partial(disk.write, name) for name in NAMES))
    disk.allow(3)
    assert outcomes(begun) == [*NAMES]
    assert disk.commits == 3


def test_a_writer_that_waits_too_long_is_refused_and_nobody_else(
    disk: Disk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "_TURN_TIMEOUT_SECONDS", 0.01)
    first, _ = disk.begin(pool)
    with pytest.raises(StoreUnavailable, match="too many writers"):
        disk.write("two")
    disk.allow(2)
    assert first.result(10) == "one"
    assert disk.write("two") == "two"


def test_exclusive_work_stands_between_two_transactions(disk: Disk, pool: ThreadPoolExecutor) -> None:
    def look_alone() -> str:
        with disk.groups.exclusive():
            return " ".join(sorted(disk.recorded()))

    _, begun = disk.begin(pool, partial(disk.write, "two"), look_alone, partial(disk.write, "three"))
    disk.allow(3)
    assert outcomes(begun) == ["two", "one two", "three"]


def test_each_of_many_writers_is_told_the_truth(sqlite_engine: Engine, pool: ThreadPoolExecutor) -> None:
    store = SqlStore(sqlite_engine, CountingIds(), SEALER)

    def write(number: int) -> str:
        try:
            with store.begin() as work:
                if work.requests.claim(record(f"{number // 2}")) is not None or number % 7 == 0:
                    raise Refused
        except Refused:
            return ""
        return f"{number // 2}"

    told = [request_id for request_id in pool.map(write, range(400)) if request_id]
    with sqlite_engine.connect() as connection:
        recorded = list(connection.exec_driver_sql("SELECT request_id FROM requests").scalars())
    assert sorted(told) == sorted(recorded)
    assert len(recorded) > 150


_VICTIM: Final = """
import os, sys
from tests.adapters.persistence.sql.test_group_commit import NAMES, Disk, partial, until
from adapters.persistence.sql import group_commit
from adapters.persistence.sql.engine import create_engine
from concurrent.futures import ThreadPoolExecutor
group_commit._MAX_SECONDS = 60.0
disk = Disk(create_engine(sys.argv[1]))
def write(name):
    disk.write(name)
    os.write(1, name.encode() + bytes([10]))
    return name
with ThreadPoolExecutor() as pool:
    disk.begin(pool, *(partial(write, name) for name in NAMES))
    disk.allow()
    until(lambda: disk.commits == 2)
    print("commits", flush=True)
    sys.stdin.readline()
    disk.allow()
"""


def test_a_kill_in_the_middle_of_a_shared_commit_leaves_all_of_it_or_nothing(sqlite_url: str) -> None:
    """An answer that was given stands."""
    names = set(NAMES)
    for delay_seconds in (None, 0.0, 0.0005, 0.001, 0.002, 0.004):
        engine = create_engine(sqlite_url)
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM requests")
        victim = subprocess.Popen(
            [sys.executable, "-c", _VICTIM, sqlite_url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert victim.stdin is not None
        assert victim.stdout is not None
        assert victim.stdout.readline() == "commits\n"
        if delay_seconds is not None:
            victim.stdin.write("\n")
            victim.stdin.flush()
            time.sleep(delay_seconds)
        victim.send_signal(signal.SIGKILL)
        told = set(victim.communicate()[0].split())
        with engine.connect() as connection:
            recorded = set(connection.exec_driver_sql("SELECT request_id FROM requests").scalars()) - {"one"}
        assert recorded in (set(), names)
        assert told <= recorded
        if delay_seconds is None:
            assert recorded == set()
        engine.dispose()


def undone(connection: Connection) -> None:
    SqlRequests(connection).claim(record("undone"))
    raise RuntimeError


def test_a_group_keeps_its_connection_for_the_next_one(sqlite_engine: Engine) -> None:
    groups = GroupCommit(sqlite_engine, keeps_connection=True)
    used = []
    for request_id in NAMES:
        with groups.unit() as connection:
            driver: Any = connection.connection.driver_connection
            used.append(driver)
            SqlRequests(connection).claim(record(request_id))
    assert len(set(used)) == 1
    with pytest.raises(RuntimeError), groups.unit() as connection:
        undone(connection)
    with groups.unit() as connection:
        assert SqlRequests(connection).claim(record("six")) is None
    with sqlite_engine.connect() as connection:
        found = set(connection.exec_driver_sql("SELECT request_id FROM requests").scalars())
    assert found == {*NAMES, "six"}
    groups.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        used[0].execute("SELECT 1")


def test_stores_give_their_connections_back(sqlite_engine: Engine) -> None:
    """More stores than the pool has connections, and once more after the engine was disposed of."""
    for number in range(12):
        store = SqlStore(sqlite_engine, CountingIds(), SEALER)
        with store.begin() as work:
            work.requests.claim(record(str(number)))
    sqlite_engine.dispose()
    with store.begin() as work:
        assert work.requests.get(CallerId("shop"), RequestId("11")) is not None


def test_a_store_that_is_gone_leaves_no_write_ahead_log(tmp_path: Path) -> None:
    """A copy of the database's file alone has everything then."""
    file = tmp_path / "bayar.db"
    engine = create_engine(f"sqlite:///{file}")
    upgrade(engine)
    with SqlStore(engine, CountingIds(), SEALER).begin() as work:
        work.requests.claim(record("1"))
    engine.dispose()
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_a_connection_waits_for_locks_again_after_it_wrote(sqlite_engine: Engine) -> None:
    """While it writes, it polls for the lock itself."""
    groups = GroupCommit(sqlite_engine)
    asked = "PRAGMA busy_timeout"
    with groups.unit() as connection:
        driver = connection.connection.driver_connection
        assert connection.exec_driver_sql(asked).scalar() == 0
    with sqlite_engine.connect() as connection:
        assert connection.connection.driver_connection is driver
        assert connection.exec_driver_sql(asked).scalar() == 5000
