"""Port for the feed, a transactional outbox: every change of a resource, in one gapless order."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from domain.checkout import Checkout
from domain.customer import Customer
from domain.dispute import Dispute
from domain.events import OnBehalf, PaymentEvent
from domain.ids import CallerId, CustomerId, EventId, PaymentId
from domain.payment import Payment
from domain.payment_method import PaymentMethod
from domain.payment_state import PaymentState

Resource = Customer | PaymentMethod | Dispute | Checkout

# The version of the payloads' meaning. Raised for changes that a reader must know.
PAYLOAD_VERSION = 1


class FeedKind(Enum):
    """The kind of change."""

    PAYMENT = "payment"
    CUSTOMER = "customer"
    PAYMENT_METHOD = "payment_method"
    DISPUTE = "dispute"
    CHECKOUT = "checkout"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One change with its position. For a payment, `sequence` identifies the event of its history. Otherwise `resource`
    holds the resource as it was after the change, less the personal data of customers deleted since.
    """

    position: int
    event_id: EventId
    kind: FeedKind
    time: datetime
    actor: str
    caller_id: CallerId
    # Empty where the customer is unknown.
    customer_id: str = ""
    payment_id: str = ""
    sequence: int = 0
    resource: Resource | None = field(default=None, repr=False)
    # The act that changed it. That of a payment is in its event.
    on_behalf: OnBehalf | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One stored event of a payment, with the state that it led to."""

    event_id: EventId
    payment_id: PaymentId
    sequence: int
    event: PaymentEvent = field(repr=False)
    state: PaymentState


@dataclass(frozen=True, slots=True)
class PaymentAfter:
    """An event of a payment, and the payment as it was after the event."""

    event: HistoryEntry
    payment: Payment


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A feed entry; for a payment, with its event."""

    entry: FeedEntry
    change: PaymentAfter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFilter:
    """A filter of entries. None or empty: no restriction."""

    caller_id: CallerId | None = None
    kinds: frozenset[FeedKind] = frozenset()
    customer_id: CustomerId | None = None


class Feed(Protocol):
    """The transactional outbox, read as one ordered feed."""

    def is_waiting(self) -> bool:
        """Whether committed changes have no position yet. One statement."""

    def relay(self, limit: int) -> int:
        """Assigns positions to committed changes that have none, at most `limit`. Returns their number.

        Only one transaction at a time does so. A change that commits late gets a later position, and is never skipped.
        """

    def end(self) -> int:
        """The last assigned position, or 0."""

    def after(self, position: int, which: FeedFilter, *, until: int, limit: int) -> tuple[list[FeedEntry], int]:
        """The matching entries after the position, up to and including `until`, in order; and the position up to which
        these are complete. It reads a bounded number of entries: where few match, it can return none before the end.
        """

    def find(self, event_id: EventId) -> FeedEntry | None:
        """The entry of an event that has a position."""

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        """Erases names, addresses and other personal data from the stored changes of the customer."""
