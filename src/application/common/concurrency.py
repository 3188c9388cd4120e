"""Releases a thread's slot of the concurrency limit while the thread blocks on I/O.

A hundred calls that wait for the gateway cost nothing; a hundred that work at once are each a hundred times slower.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Turn(Protocol):
    """The right to work, of one thread."""

    def released(self) -> AbstractContextManager[None]:
        """While somebody else has it."""
        ...


class _Mine(threading.local):
    """The turn that this thread holds."""

    turn: Turn | None = None


_mine = _Mine()


@contextmanager
def working(turn: Turn) -> Iterator[None]:
    """In the thread that works with the turn."""
    _mine.turn = turn
    try:
        yield
    finally:
        _mine.turn = None


@contextmanager
def blocking_call() -> Iterator[None]:
    """Around what waits for others and does no work: the gateway, another call. Does nothing where nobody counts."""
    turn = _mine.turn
    if turn is None:
        yield
        return
    _mine.turn = None
    try:
        with turn.released():
            yield
    finally:
        _mine.turn = turn
