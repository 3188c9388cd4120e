"""Ids with counted numbers."""

from itertools import count


class CountingIds:
    """Unique and sorted ids in the form of real ones."""

    def __init__(self, start: int = 1) -> None:
        # next() of a count is atomic.
        self._numbers = count(start)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers):026}"
