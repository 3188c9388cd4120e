"""Releases a thread's slot of the concurrency limit while the thread blocks on I/O.

A hundred calls that wait for the gateway cost nothing; a hundred that work at once are each a hundred times slower.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Turn(Protocol):
    """A slot of the concurrency limit, held by one thread."""

    def released(self) -> AbstractContextManager[None]:
        """Releases the slot to another thread for the duration of the context."""
        ...


class _Mine(threading.local):
    """The slot that this thread holds."""

    turn: Turn | None = None


_mine = _Mine()


@contextmanager
def working(turn: Turn) -> Iterator[None]:
    """Registers the slot for the thread that works with it."""
    _mine.turn = turn
    try:
        yield
    finally:
        _mine.turn = None


@contextmanager
def blocking_call() -> Iterator[None]:
    """Wraps a wait without work: a gateway call, another call. Does nothing where the thread holds no slot."""
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
