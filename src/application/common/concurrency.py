"""Releases a thread's slot of the concurrency limit while the thread blocks on I/O.

A hundred calls that wait for the gateway cost nothing; a hundred that work at once are each a hundred times slower.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class ConcurrencySlot(Protocol):
    """A slot of the concurrency limit, held by one thread."""

    def released(self) -> AbstractContextManager[None]:
        """Releases the slot to another thread for the duration of the context."""


class _HeldSlot(threading.local):
    """The slot that this thread holds."""

    slot: ConcurrencySlot | None = None


_held = _HeldSlot()


@contextmanager
def holding_slot(slot: ConcurrencySlot) -> Iterator[None]:
    """Registers the slot for the thread that works with it."""
    _held.slot = slot
    try:
        yield
    finally:
        _held.slot = None


@contextmanager
def blocking_call() -> Iterator[None]:
    """Wraps a wait without work: a gateway call, another call. Does nothing where the thread holds no slot."""
    slot = _held.slot
    if slot is None:
        yield
        return
    _held.slot = None
    try:
        with slot.released():
            yield
    finally:
        _held.slot = slot
