"""Port for gateway webhooks, here called notifications. Each is only a hint to look at the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol


class ForgedNotification(Exception):
    """The webhook does not carry the gateway's signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The subject of a notification, by the gateway's ids. Nothing else of its content is kept."""

    transaction_ids: tuple[str, ...] = ()
    dispute_id: str = ""
    customer_id: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A genuine notification. Its id is the digest of the received content, so that a redelivery has the same id."""

    notification_id: str
    kind: str
    # The time of the event, according to the gateway.
    event_time: datetime | None = None
    subject: Subject = Subject()


class NotificationState(Enum):
    PENDING = "pending"
    DONE = "done"
    # Given up: a dead letter. An administrator can retry it.
    DEAD = "dead"


class NotificationOutcome(Enum):
    """The outcome of a notification that is DONE."""

    NONE = "none"
    RECORDED = "recorded"
    # Its subject at the gateway was not made by this service.
    NOT_OURS = "not_ours"
    # Its kind has no meaning for this service.
    UNKNOWN_KIND = "unknown_kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotification:
    """One row of the inbox."""

    notification: Notification
    state: NotificationState
    receive_time: datetime
    outcome: NotificationOutcome = NotificationOutcome.NONE
    attempt_count: int = 0
    next_attempt_time: datetime | None = None
    last_error: str = ""
    finish_time: datetime | None = None


class NotificationReader(Protocol):
    """Verifies and parses the gateway's notifications."""

    def read(self, signature: str, payload: str) -> Notification:
        """Raises ForgedNotification for anything invalid."""
        ...

    def answer_challenge(self, challenge: str) -> str:
        """Proves possession of the keys to the gateway. Raises ForgedNotification for an invalid challenge."""
        ...
