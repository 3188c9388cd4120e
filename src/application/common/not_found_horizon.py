"""Measures for how long the gateway has not found an operation, until it counts as never sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

# Another replica may have resolved what this one watches for, and nobody tells. To forget what is not looked for any
# more delays a verdict at most, so all it must be is longer than the pauses between one replica's looks.
KEPT_HORIZONS: Final = 20
# What is open beyond that is watched as room is made. In an outage of hours that is late, and still true.
MOST_WATCHED: Final = 100_000


@dataclass(slots=True)
class _Sighting:
    first: float
    latest: float


@dataclass(frozen=True, slots=True)
class NotFoundTimer:
    """Measures for how long the gateway has not known of an operation, by this process's own steady clock.

    Wall clocks jump and differ between replicas. A restart only makes the watch start again, which delays a verdict and
    never hastens one. Safe for threads; what it holds is bounded.
    """

    steady_seconds: Callable[[], float]
    horizon: timedelta
    most_watched: int = MOST_WATCHED
    # Those looked for the longest ago come first.
    _watched: dict[str, _Sighting] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_proven(self, key: str) -> bool:
        """Whether what was sent has been missing for the whole horizon. Each call counts as one look.

        The key names one attempt: another replica may have given up an earlier one, of which this one is not told.
        """
        with self._lock:
            now = self.steady_seconds()
            self._forget_what_nobody_looks_for(now)
            sighting = self._watched.pop(key, None)
            if sighting is None:
                if len(self._watched) >= self.most_watched:
                    return False
                sighting = _Sighting(first=now, latest=now)
            sighting.latest = now
            self._watched[key] = sighting
            return now - sighting.first >= self.horizon.total_seconds()

    def forget(self, key: str) -> None:
        """It has been found, or given up."""
        with self._lock:
            self._watched.pop(key, None)

    @property
    def count(self) -> int:
        """How many attempts are watched for."""
        return len(self._watched)

    def _forget_what_nobody_looks_for(self, now: float) -> None:
        stale = now - KEPT_HORIZONS * self.horizon.total_seconds()
        while self._watched:
            oldest = next(iter(self._watched))
            if self._watched[oldest].latest >= stale:
                return
            del self._watched[oldest]
