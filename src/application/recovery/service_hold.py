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
    """What is held. Reads, VerifyPayment and administration go on in any case."""

    NONE = ""
    # Background work: resolvers, followers, webhooks of the gateway, events. Callers pay and refund as ever.
    BACKGROUND = "background"
    # Callers' changes as well: a request that the record forgot would be carried out again.
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Hold:
    """What is held, why, and since when."""

    level: HoldLevel = HoldLevel.NONE
    reason: str = ""
    time: datetime | None = None


class HoldStore(Protocol):
    """Where the hold is kept: with the payments, so that every process sees it, and a restart changes nothing."""

    def hold(self) -> Hold:
        """Raises StoreUnavailable."""
        ...

    def set_hold(self, hold: Hold) -> None:
        """Raises StoreUnavailable."""
        ...

    def renew_mark(self) -> str:
        """Gives the database another mark than the one that it was copied with. Raises StoreUnavailable."""
        ...


class HoldWatch:
    """What is held at present, looked at once a second at most. Safe for threads."""

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
        """Background work that does nothing while it is held."""

        def run() -> int:
            return job() if self.current().level is HoldLevel.NONE else 0

        return run

    def must_take_changes(self) -> None:
        """Raises ServiceHeld while callers may change nothing, and StoreUnavailable."""
        hold = self.current()
        if hold.level is HoldLevel.ALL:
            raise ServiceHeld(hold.reason)
