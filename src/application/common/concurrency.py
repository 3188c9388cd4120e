"""Releases a thread's slot of the concurrency limit while the thread blocks on I/O.

A hundred calls that wait for the gateway cost nothing; a hundred that work at once are each a hundred times slower.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Final, Protocol


class ConcurrencySlot(Protocol):
    """A slot of the concurrency limit, held by one thread."""

    def released(self) -> AbstractContextManager[None]:
        """Releases the slot to another thread for the duration of the context."""


_held: Final[ContextVar[ConcurrencySlot | None]] = ContextVar("held_slot", default=None)


@contextmanager
def holding_slot(slot: ConcurrencySlot) -> Iterator[None]:
    """Registers the slot for the thread that works with it."""
    token = _held.set(slot)
    try:
        yield
    finally:
        _held.reset(token)


@contextmanager
def blocking_call() -> Iterator[None]:
    """Wraps a wait without work: a gateway call, another call. Does nothing where the thread holds no slot."""
    slot = _held.get()
    if slot is None:
        yield
        return
    token = _held.set(None)
    try:
        with slot.released():
            yield
    finally:
        _held.reset(token)
