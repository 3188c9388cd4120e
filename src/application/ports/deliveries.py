"""Port for event delivery: endpoints, the position of each, and dead letters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from application.ports.feed import FeedKind
from domain.ids import CallerId, EventId


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where events go: one caller's, those of some kinds or all."""

    name: str
    url: str
    caller_id: CallerId
    kinds: frozenset[FeedKind] = frozenset()
    # What signs; two while one takes the place of the other.
    secrets: tuple[bytes, ...] = field(repr=False)
    from_beginning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How far an endpoint is. Events before the position were received, or given up."""

    name: str
    position: int
    # Of the event that is first in line now.
    attempt_count: int = 0
    failing_since: datetime | None = None
    last_error: str = ""
    next_attempt_time: datetime
    success_time: datetime | None = None


class DeliveryState(Enum):
    # Asked for again by an administrator.
    WAITING = "waiting"
    # Given up.
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event that is not in its endpoint's line any more."""

    endpoint: str
    event_id: EventId
    position: int
    state: DeliveryState
    reason: str
    time: datetime


class Deliveries(Protocol):
    def claim(self, name: str, start: int, now: datetime, lease_until: datetime) -> Line | None:
        """The line, if its time has come, begun at the start if it is new: until the lease ends nobody else gets it."""
        ...

    def save(self, line: Line) -> None:
        """Never back: what another replica has sent since stays sent."""
        ...

    def lines(self) -> list[Line]: ...

    def keep(self, delivery: Delivery) -> None:
        """In place of an earlier one of the same event and endpoint."""
        ...

    def drop(self, endpoint: str, event_id: EventId) -> None: ...

    def waiting(self, endpoint: str, limit: int) -> list[Delivery]: ...

    def count_dead(self, endpoint: str) -> int: ...

    def page(self, endpoint: str, *, after: int, limit: int) -> list[Delivery]:
        """Behind the position, in the order of the feed."""
        ...
