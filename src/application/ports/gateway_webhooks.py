"""Port for gateway webhooks, here called notifications. Each is only a hint to look at the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol


class ForgedNotification(Exception):
    """It does not carry the gateway's signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a notification is about, by the gateway's ids. Nothing else of its content is kept."""

    transaction_ids: tuple[str, ...] = ()
    dispute_id: str = ""
    customer_id: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A genuine one. Its id is the digest of what was sent: the same one sent again has the same id."""

    notification_id: str
    kind: str
    # When the gateway says that it happened.
    event_time: datetime | None = None
    subject: Subject = Subject()


class NotificationState(Enum):
    PENDING = "pending"
    DONE = "done"
    # Given up; an administrator can have it tried again.
    DEAD = "dead"


class NotificationOutcome(Enum):
    """What came of one that is DONE."""

    NONE = "none"
    RECORDED = "recorded"
    # About something at the gateway that this service did not make.
    NOT_OURS = "not_ours"
    # Of a kind that means nothing to this service.
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
    """Tells the gateway's notifications from everybody else's."""

    def read(self, signature: str, payload: str) -> Notification:
        """Raises ForgedNotification, whatever is wrong with it."""
        ...

    def answer_challenge(self, challenge: str) -> str:
        """Proves to the gateway that this service holds the keys. Raises ForgedNotification for no challenge."""
        ...
