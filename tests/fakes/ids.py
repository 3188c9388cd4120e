"""Ids that count."""

from itertools import count


class CountingIds:
    """Unique within one object, in the form of real ids, and sorted by time as they are."""

    def __init__(self, start: int = 1) -> None:
        # next() of a count is one step for all threads.
        self._numbers = count(start)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers):026}"
