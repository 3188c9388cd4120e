"""Failpoints: the named steps at which a process can be killed or frozen, in store and gateway."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from adapters import cooperation
from adapters.persistence.sql.group_commit import GroupCommit
from application.ports.store import DueOperation, Store, UnitOfWork
from domain.events import SERVICE, OnBehalf

_MOVES: Final = frozenset({"authorize", "capture", "void", "refund", "store_method"})
_LOOKS: Final = frozenset({"find_transaction", "find_transactions", "find_by_operation", "find_method"})

_OF_A_CALLER: Final = (
    "start: before",
    "start: before commit",
    "start: recorded",
    "call: before",
    "call: under way",
    "call: answered",
    "outcome: before",
    "outcome: before commit",
    "outcome: recorded",
)
# The commit of several units of work. Only SQLite's store groups them itself.
_OF_A_SHARED_COMMIT: Final = ("shared commit: before", "shared commit: under way", "shared commit: durable")
_OF_A_LOOK: Final = ("look: before", "look: answered", "finding: before", "finding: before commit", "finding: recorded")
# The steps of each thread of the service. A resolver also starts, sends and records scheduled refunds.
STEPS: Final[tuple[str, ...]] = (
    *(f"caller {step}" for step in (*_OF_A_CALLER, *_OF_A_LOOK, *_OF_A_SHARED_COMMIT)),
    "resolver claim: before",
    "resolver claim: taken",
    *(f"resolver {step}" for step in (*_OF_A_LOOK, *_OF_A_CALLER)),
    *(f"method resolver {step}" for step in (*_OF_A_CALLER[:3], *_OF_A_LOOK)),
)

LONGEST_UNDER_WAY_SECONDS: Final = 0.02


@dataclass(slots=True)
class Failpoint:
    """Kills or freezes this process when it reaches a step for the nth time. Without a step, it never acts."""

    step: str = ""
    nth: int = 1
    number: signal.Signals = signal.SIGKILL
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, what: str) -> None:
        if self._counts(what):
            self._end()

    def reach_during(self, what: str) -> None:
        """Kill the process shortly after, during the step."""
        if self._counts(what):
            threading.Timer(random.uniform(0, LONGEST_UNDER_WAY_SECONDS), self._end).start()  # noqa: S311

    def _end(self) -> None:
        # To this thread, so that it takes no further step. The other threads stop or end with it.
        signal.pthread_kill(threading.get_ident(), self.number)

    def _counts(self, what: str) -> bool:
        if not self.step or f"{_role()} {what}" != self.step:
            return False
        with self._lock:
            self.nth -= 1
            return self.nth == 0


_KIND: Final[ContextVar[str]] = ContextVar("record_kind", default="start")


class _RecordKind:
    """The next record of the call or the thread: a start, the outcome of a call, or the finding of a check."""

    @property
    def records(self) -> str:
        return _KIND.get()

    @records.setter
    def records(self, kind: str) -> None:
        _KIND.set(kind)


def _role() -> str:
    name = threading.current_thread().name
    return "caller" if cooperation.is_cooperative() or name.startswith("call") else name


@dataclass(frozen=True, slots=True)
class FailpointStore:
    """A store with failpoints."""

    store: Store
    failpoint: Failpoint
    record_kind: _RecordKind

    @contextmanager
    def begin(self, actor: str = SERVICE, on_behalf: OnBehalf | None = None) -> Iterator[UnitOfWork]:
        what = self.record_kind.records
        self.failpoint.reach(f"{what}: before")
        with self.store.begin(actor, on_behalf) as work:
            yield work
            self.failpoint.reach(f"{what}: before commit")
        self.failpoint.reach(f"{what}: recorded")
        self.record_kind.records = "start"

    def __getattr__(self, name: str) -> Any:
        """Everything without a failpoint is the inner store's."""
        return getattr(self.store, name)

    def due_operations(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[DueOperation]:
        self.record_kind.records = "start"
        self.failpoint.reach("claim: before")
        due = self.store.due_operations(now, lease_until, limit)
        if due:
            self.failpoint.reach("claim: taken")
        return due


class FailpointGateway:
    """A gateway with failpoints."""

    def __init__(self, gateway: Any, failpoint: Failpoint, record_kind: _RecordKind) -> None:
        self._gateway = gateway
        self._failpoint = failpoint
        self._record_kind = record_kind

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gateway, name)
        if name in _MOVES:
            return self._with_failpoint(method, "call", "outcome")
        if name in _LOOKS:
            return self._with_failpoint(method, "look", "finding")
        return method

    def _with_failpoint(self, method: Callable[..., Any], doing: str, then_records: str) -> Callable[..., Any]:
        def ask(*arguments: Any, **named: Any) -> Any:
            self._failpoint.reach(f"{doing}: before")
            self._failpoint.reach_during(f"{doing}: under way")
            try:
                return method(*arguments, **named)
            finally:
                self._record_kind.records = then_records
                self._failpoint.reach(f"{doing}: answered")

        return ask


def put_into_shared_commits(failpoint: Failpoint) -> None:
    """Puts the failpoint around each commit of more than one unit of work, in this process."""
    commit = GroupCommit._commit

    def reach(groups: GroupCommit, group: Any) -> None:
        if group.units < 2:
            commit(groups, group)
            return
        failpoint.reach("shared commit: before")
        failpoint.reach_during("shared commit: under way")
        commit(groups, group)
        failpoint.reach("shared commit: durable")

    setattr(GroupCommit, "_commit", reach)  # noqa: B010


def with_failpoint(store: Store, gateway: Any, failpoint: Failpoint) -> tuple[FailpointStore, FailpointGateway]:
    record_kind = _RecordKind()
    return FailpointStore(store, failpoint, record_kind), FailpointGateway(gateway, failpoint, record_kind)
