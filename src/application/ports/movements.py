"""Port for the ledger of movements of money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.common.pagination import Position
from domain.movement import Movement, MovementKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementFilter:
    """Movements with a time from start until before end. No kinds: all."""

    start: datetime
    end: datetime
    kinds: frozenset[MovementKind] = frozenset()
    # Only those that this service recorded at this time or later.
    recorded_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedMovement:
    """A movement in the ledger, with its payment's facts as they are now."""

    movement_id: str
    movement: Movement
    # When this service recorded it. It is later than the movement's own time where the gateway was asked later.
    record_time: datetime
    payment_id: str
    caller_id: str
    reference: str
    customer_id: str
    brand: str
    last_four: str
    merchant_account_id: str


@dataclass(frozen=True, slots=True)
class MovementPage:
    """A page of movements, and the position to continue from: None at the end. A page can be short before the end."""

    movements: Sequence[BookedMovement]
    go_on_after: Position | None


class Movements(Protocol):
    """The ledger. Payments and disputes are booked when they are saved, in the same transaction."""

    def page(self, which: MovementFilter, *, after: Position | None, limit: int) -> MovementPage:
        """Movements of every caller, by time, oldest first."""

    def is_complete(self) -> bool:
        """Whether every payment and dispute is booked. Versions before the ledger left theirs unbooked."""

    def book(self, limit: int) -> int:
        """Books up to so many payments, and disputes, that are not booked. Returns their number."""
