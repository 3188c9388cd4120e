"""Port for the feed, a transactional outbox: every change of a resource, in one gapless order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from domain.customer import Customer
from domain.dispute import Dispute
from domain.ids import CallerId, CustomerId, EventId
from domain.payment_method import PaymentMethod

Resource = Customer | PaymentMethod | Dispute

# The version of what payloads mean. Raised when a reader would have to know.
PAYLOAD_VERSION = 1


class FeedKind(Enum):
    """What changed."""

    PAYMENT = "payment"
    CUSTOMER = "customer"
    PAYMENT_METHOD = "payment_method"
    DISPUTE = "dispute"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One change at its place. Of a payment's, `sequence` names the event of its history; else `resource` is what
    changed, as it was after the change, less the personal data of customers who were deleted since.
    """

    position: int
    event_id: EventId
    kind: FeedKind
    time: datetime
    actor: str
    caller_id: CallerId
    # Empty where no customer is known.
    customer_id: str = ""
    payment_id: str = ""
    sequence: int = 0
    resource: Resource | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFilter:
    """Which entries. None or empty: any."""

    caller_id: CallerId | None = None
    kinds: frozenset[FeedKind] = frozenset()
    customer_id: CustomerId | None = None


class Feed(Protocol):
    def relay(self, limit: int) -> int:
        """Gives their places to changes that have been committed and have none, at most so many of them. Returns how
        many. One transaction at a time does so: a change that commits late comes later, and is never passed over.
        """
        ...

    def end(self) -> int:
        """The last place that was given, 0 where none was."""
        ...

    def after(self, position: int, which: FeedFilter, *, until: int, limit: int) -> tuple[list[FeedEntry], int]:
        """The entries behind the position, up to and with `until`, in order; and the position up to which these are
        all. A bounded number is looked at: where few are of the kind, there can be none before the end.
        """
        ...

    def find(self, event_id: EventId) -> FeedEntry | None:
        """The entry of an event that has its place."""
        ...

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        """Takes names, addresses and the like out of what is kept of the customer's changes."""
        ...
