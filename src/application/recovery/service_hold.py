"""Holds the service after a restore, while its record is older than the gateway's, until both are reconciled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

from application.common.errors import ServiceHeld

# A hold and a release take effect in every process within this time.
_LOOK_SECONDS: Final = 1.0


class HoldLevel(Enum):
    """The extent of the hold. Reads, VerifyPayment and administration are never held."""

    NONE = ""
    # Background work: resolvers, polls, gateway webhooks, events. Callers pay and refund as usual.
    BACKGROUND = "background"
    # Callers' changes as well: a request missing from the restored record would be executed again.
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Hold:
    """The extent, reason and start time of the hold."""

    level: HoldLevel = HoldLevel.NONE
    reason: str = ""
    time: datetime | None = None


class HoldStore(Protocol):
    """Stores the hold with the payments, so that every process sees it, and it survives restarts."""

    def hold(self) -> Hold:
        """Raises StoreUnavailable."""

    def set_hold(self, hold: Hold) -> None:
        """Raises StoreUnavailable."""

    def renew_mark(self) -> str:
        """Gives the database a mark that differs from its original's. Raises StoreUnavailable."""


class HoldWatch:
    """The present hold, read at most once a second. Thread-safe."""

    def __init__(self, store: HoldStore, steady_seconds: Callable[[], float]) -> None:
        self._store = store
        self._steady_seconds = steady_seconds
        self._lock = threading.Lock()
        self._seen: tuple[float, Hold] | None = None

    def current(self) -> Hold:
        """Raises StoreUnavailable."""
        now = self._steady_seconds()
        with self._lock:
            if self._seen is not None and now - self._seen[0] < _LOOK_SECONDS:
                return self._seen[1]
        hold = self._store.hold()
        with self._lock:
            self._seen = now, hold
        return hold

    def unless_held(self, job: Callable[[], int]) -> Callable[[], int]:
        """Wraps a background job so that it does nothing during a hold."""

        def run() -> int:
            return job() if self.current().level is HoldLevel.NONE else 0

        return run

    def must_take_changes(self) -> None:
        """Raises ServiceHeld while callers' changes are held, and StoreUnavailable."""
        hold = self.current()
        if hold.level is HoldLevel.ALL:
            raise ServiceHeld(hold.reason)
