"""Port for event delivery: endpoints, the position of each, and dead letters."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from application.ports.feed import FeedKind
from domain.ids import CallerId, EventId


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The target of one caller's events, of some kinds or of all."""

    name: str
    url: str
    caller_id: CallerId
    kinds: frozenset[FeedKind] = frozenset()
    # The signing secrets: two during a rotation.
    secrets: tuple[bytes, ...] = field(repr=False)
    from_beginning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCursor:
    """An endpoint's delivery state. Events before the position were delivered, or became dead letters."""

    name: str
    position: int
    # The attempts of the next event so far.
    attempt_count: int = 0
    failing_since: datetime | None = None
    last_error: str = ""
    next_attempt_time: datetime
    success_time: datetime | None = None


class DeliveryState(Enum):
    # To be resent, at an administrator's request.
    WAITING = "waiting"
    # Given up: a dead letter.
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event outside its endpoint's regular order: a dead letter, or one to be resent."""

    endpoint: str
    event_id: EventId
    position: int
    state: DeliveryState
    reason: str
    time: datetime


class Deliveries(Protocol):
    """The delivery state of each endpoint, its dead letters, and its events to be resent."""

    def claim(self, name: str, start: int, now: datetime, lease_until: datetime) -> DeliveryCursor | None:
        """Leases the delivery state if it is due, or creates it at `start`. Nobody else gets it during the lease."""

    def save(self, cursor: DeliveryCursor) -> None:
        """Never moves the position back: events that another replica sent in between stay sent."""

    def cursors(self) -> list[DeliveryCursor]: ...

    def upsert(self, delivery: Delivery) -> None:
        """Replaces an earlier one of the same event and endpoint."""

    def delete(self, endpoint: str, event_id: EventId) -> None: ...

    def waiting(self, endpoint: str, limit: int) -> list[Delivery]: ...

    def count_dead(self, endpoint: str) -> int: ...

    def page(self, endpoint: str, *, after: int, limit: int) -> list[Delivery]:
        """Those after the position, in feed order."""
