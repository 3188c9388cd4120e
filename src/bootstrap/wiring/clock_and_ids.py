"""The system clock and the ULID source."""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
# Two digits of base 32 for each number of ten bits.
_PAIRS: Final = [one + other for one in _ALPHABET for other in _ALPHABET]
_SHIFTS: Final = range(120, -1, -10)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class UlidSource:
    """ULIDs: 48 bits of milliseconds and 80 random bits, in Crockford's base 32. Monotonic within one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self, prefix: str) -> str:
        fresh = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10))
        with self._lock:
            self._last = value = max(fresh, self._last + 1)
        return f"{prefix}_{ulid(value)}"


def ulid(value: int) -> str:
    """The 26 digits of a number of 128 bits."""
    return "".join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS])
