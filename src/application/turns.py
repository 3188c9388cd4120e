"""Lets so many work at once, and gives the turn of one who waits for somebody else to the next.

A hundred calls that wait for the gateway cost nothing; a hundred that work at once are each a hundred times slower.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Mine(threading.local):
    """The turns of which this thread holds one."""

    turns: Turns | None = None


_mine = _Mine()


class Turns:
    """Safe for many threads."""

    def __init__(self, most: int, when_free: Callable[[], None]) -> None:
        """when_free: told each time that somebody who works goes away to wait."""
        self._left = most
        self._when_free = when_free
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether there was one left. Whoever works in another thread then has to `work` there."""
        with self._lock:
            if self._left <= 0:
                return False
            self._left -= 1
            return True

    def give_back(self) -> None:
        with self._lock:
            self._left += 1

    @contextmanager
    def work(self) -> Iterator[None]:
        """In the thread that works with a turn that was taken."""
        _mine.turns = self
        try:
            yield
        finally:
            _mine.turns = None

    @contextmanager
    def lent(self) -> Iterator[None]:
        self.give_back()
        self._when_free()
        try:
            yield
        finally:
            with self._lock:
                # What has begun is to end: it goes on at once, and those who wait to begin wait a little longer.
                self._left -= 1


@contextmanager
def away() -> Iterator[None]:
    """Around what waits for others and does no work: the gateway, another call. Does nothing where nobody counts."""
    turns = _mine.turns
    if turns is None:
        yield
        return
    _mine.turns = None
    try:
        with turns.lent():
            yield
    finally:
        _mine.turns = turns
