"""Measures for how long the gateway has not found an operation, until it counts as never sent."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

# The default horizon.
HORIZON_SECONDS: Final = 180.0
# Entries are dropped after this many horizons without a look. Another replica may have resolved the operation without
# notice. A dropped entry only delays a verdict, so this must merely exceed the pauses between one replica's looks.
KEPT_HORIZONS: Final = 20
# More open operations than this are watched only as room becomes free: late in an outage of hours, but correct.
MOST_WATCHED: Final = 100_000


@dataclass(slots=True)
class _Sighting:
    first: float
    latest: float


@dataclass(frozen=True, slots=True)
class NotFoundTimer:
    """Measures for how long the gateway has not found an operation, by this process's own monotonic clock.

    Wall clocks jump, and differ between replicas. A restart only starts the measurement again, which delays a verdict
    and never hastens one. Thread-safe; its memory is bounded.
    """

    steady_seconds: Callable[[], float]
    horizon: timedelta
    most_watched: int = MOST_WATCHED
    # Ordered by the latest look, the longest ago first.
    _watched: dict[str, _Sighting] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_proven(self, key: str) -> bool:
        """Whether the operation has been missing for the whole horizon. Each call counts as one look.

        The key names one attempt: another replica may have given up an earlier attempt without this one's knowledge.
        """
        with self._lock:
            now = self.steady_seconds()
            self._drop_stale(now)
            sighting = self._watched.pop(key, None)
            if sighting is None:
                if len(self._watched) >= self.most_watched:
                    return False
                sighting = _Sighting(first=now, latest=now)
            sighting.latest = now
            self._watched[key] = sighting
            return now - sighting.first >= self.horizon.total_seconds()

    def forget(self, key: str) -> None:
        """Stops watching: the operation was found, or given up."""
        with self._lock:
            self._watched.pop(key, None)

    @property
    def count(self) -> int:
        """The number of watched attempts."""
        return len(self._watched)

    def _drop_stale(self, now: float) -> None:
        stale = now - KEPT_HORIZONS * self.horizon.total_seconds()
        while self._watched:
            oldest = next(iter(self._watched))
            if self._watched[oldest].latest >= stale:
                return
            del self._watched[oldest]
