"""Token buckets for rate limits: a sustained rate per second and a burst. Counted in this process only."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

# The maximum of names. The least recently used are evicted, so that invented names do not fill the memory.
_MOST_NAMES: Final = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    time: float


class TokenBuckets:
    """One bucket for each name, initially full. A rate of 0 is unlimited. Safe for many threads."""

    def __init__(self, per_second: float, burst: float, steady_seconds: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = max(burst, 1.0)
        self._steady_seconds = steady_seconds
        self._lock = Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str) -> float:
        """Takes a token and returns 0.0, or takes none and returns the seconds until there is one."""
        return self._take(name, 1.0)

    def wait_seconds(self, name: str) -> float:
        """The seconds until there is a token; 0.0 if there is one. Takes none."""
        return self._take(name, 0.0)

    def _take(self, name: str, cost: float) -> float:
        if not self._per_second:
            return 0.0
        with self._lock:
            bucket = self._filled(name)
            if bucket.tokens < 1.0:
                return (1.0 - bucket.tokens) / self._per_second
            bucket.tokens -= cost
            return 0.0

    def _filled(self, name: str) -> _Bucket:
        now = self._steady_seconds()
        bucket = self._buckets.setdefault(name, _Bucket(self._burst, now))
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.time) * self._per_second)
        bucket.time = now
        self._buckets.move_to_end(name)
        if len(self._buckets) > _MOST_NAMES:
            self._buckets.popitem(last=False)
        return bucket
