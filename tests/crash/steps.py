"""The steps at which a process can die, by name, and a store and a gateway that die there."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from application.ports.store import DueOperation, Store, UnitOfWork
from domain.events import SERVICE

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
_OF_A_LOOK: Final = ("look: before", "look: answered", "finding: before", "finding: before commit", "finding: recorded")
# What each thread of the service goes through. A resolver starts, calls and records what was scheduled.
STEPS: Final[tuple[str, ...]] = (
    *(f"caller {step}" for step in (*_OF_A_CALLER, *_OF_A_LOOK)),
    "resolver claim: before",
    "resolver claim: taken",
    *(f"resolver {step}" for step in (*_OF_A_LOOK, *_OF_A_CALLER)),
    *(f"method resolver {step}" for step in (*_OF_A_CALLER[:3], *_OF_A_LOOK)),
)

LONGEST_UNDER_WAY_SECONDS: Final = 0.02


@dataclass(slots=True)
class Fuse:
    """Ends this process as kill -9 does, or freezes it, when the step is reached for the nth time. No step: never."""

    step: str = ""
    nth: int = 1
    number: signal.Signals = signal.SIGKILL
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, what: str) -> None:
        if self._counts(what):
            self._end()

    def reach_during(self, what: str) -> None:
        """Ends the process a moment later, while the step lasts."""
        if self._counts(what):
            threading.Timer(random.uniform(0, LONGEST_UNDER_WAY_SECONDS), self._end).start()  # noqa: S311

    def _end(self) -> None:
        # To this very thread, so that it does not take a step more. All the others stop or end with it.
        signal.pthread_kill(threading.get_ident(), self.number)

    def _counts(self, what: str) -> bool:
        if not self.step or f"{_who()} {what}" != self.step:
            return False
        with self._lock:
            self.nth -= 1
            return self.nth == 0


class _Beat(threading.local):
    """What the thread's next transaction records: a start, the outcome of a call, or the finding of a look."""

    records = "start"


def _who() -> str:
    name = threading.current_thread().name
    return "caller" if name.startswith("call") else name


@dataclass(frozen=True, slots=True)
class DyingStore:
    """Another store, with a fuse at each of its steps."""

    store: Store
    fuse: Fuse
    beat: _Beat

    @contextmanager
    def begin(self, actor: str = SERVICE) -> Iterator[UnitOfWork]:
        what = self.beat.records
        self.fuse.reach(f"{what}: before")
        with self.store.begin(actor) as work:
            yield work
            self.fuse.reach(f"{what}: before commit")
        self.fuse.reach(f"{what}: recorded")
        self.beat.records = "start"

    def __getattr__(self, name: str) -> Any:
        """What is no step is the other store's."""
        return getattr(self.store, name)

    def due_operations(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[DueOperation]:
        self.beat.records = "start"
        self.fuse.reach("claim: before")
        due = self.store.due_operations(now, lease_until, limit)
        if due:
            self.fuse.reach("claim: taken")
        return due


class DyingGateway:
    """Another gateway, with a fuse at each of its steps."""

    def __init__(self, gateway: Any, fuse: Fuse, beat: _Beat) -> None:
        self._gateway = gateway
        self._fuse = fuse
        self._beat = beat

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gateway, name)
        if name in _MOVES:
            return self._with_fuse(method, "call", "outcome")
        if name in _LOOKS:
            return self._with_fuse(method, "look", "finding")
        return method

    def _with_fuse(self, method: Callable[..., Any], doing: str, then_records: str) -> Callable[..., Any]:
        def ask(*arguments: Any, **named: Any) -> Any:
            self._fuse.reach(f"{doing}: before")
            self._fuse.reach_during(f"{doing}: under way")
            try:
                return method(*arguments, **named)
            finally:
                self._beat.records = then_records
                self._fuse.reach(f"{doing}: answered")

        return ask


def with_fuse(store: Store, gateway: Any, fuse: Fuse) -> tuple[DyingStore, DyingGateway]:
    beat = _Beat()
    return DyingStore(store, fuse, beat), DyingGateway(gateway, fuse, beat)
