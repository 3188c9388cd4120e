"""Books movements that are missing in the ledger: those of payments that a version without the ledger wrote."""

from collections.abc import Callable
from dataclasses import dataclass

from application.ports.store import Store


@dataclass(frozen=True, slots=True)
class BookMovements:
    """A saved payment is booked in the same transaction, so this finds work only after, and during, an upgrade."""

    store: Store
    is_stopping: Callable[[], bool] = lambda: False
    batch_size: int = 200

    def __call__(self) -> int:
        """Books until nothing is left, in small transactions. Returns the number. Raises StoreUnavailable."""
        total = 0
        while booked := self.batch():
            total += booked
            if self.is_stopping():
                break
        return total

    def batch(self) -> int:
        """Books one batch. Returns the number of payments and disputes."""
        with self.store.read() as work:
            if work.movements.is_complete():
                return 0
        with self.store.begin() as work:
            return work.movements.book(self.batch_size)
