"""Rate limits of the page, by the shopper's address and by checkout."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

_MOST_KEYS: Final = 50_000
_SECONDS: Final = 60.0


@dataclass(slots=True)
class RateLimit:
    """A token bucket for each key: `per_minute` at once, refilled over a minute. Belongs to one event loop.

    The keys used longest ago are forgotten first.
    """

    per_minute: int
    seconds: Callable[[], float]
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict, repr=False)

    def take(self, key: str) -> int:
        """0 where it was taken, or else the seconds to wait."""
        now = self.seconds()
        left, since = self._left.pop(key, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - since) * self.per_minute / _SECONDS)
        taken = left >= 1
        self._left[key] = (left - 1 if taken else left, now)
        if len(self._left) > _MOST_KEYS:
            self._left.popitem(last=False)
        return 0 if taken else math.ceil((1 - left) * _SECONDS / self.per_minute)
