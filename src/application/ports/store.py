"""Port for the database: repositories, and the unit of work that reads and changes them in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from application.access.api_key import ApiKey
from application.audit.audit_entry import AuditEntry
from application.ports.deliveries import Deliveries
from application.ports.feed import Feed
from application.ports.gateway_webhooks import Notification, NotificationState, StoredNotification
from application.ports.velocity import Attempts
from domain.customer import Customer
from domain.dispute import Dispute, DisputeState
from domain.events import SERVICE, PaymentEvent
from domain.ids import CallerId, CustomerId, DisputeId, EventId, OperationId, PaymentId, PaymentMethodId, RequestId
from domain.operation import Operation
from domain.payment import Payment
from domain.payment_method import PaymentMethod
from domain.transitions import PaymentState


class StoreUnavailable(Exception):
    """The database did not answer, or has no room. What was not committed did not happen."""


class StoreConflict(StoreUnavailable):
    """The database gave up the transaction in favour of another one. Nothing of it happened; it may be tried again."""


class ReferenceTaken(Exception):
    """The caller already has a live payment for the reference."""

    def __init__(self, payment_id: PaymentId) -> None:
        super().__init__(payment_id)
        self.payment_id = payment_id


class ExternalIdTaken(Exception):
    """The caller already has a customer with the external id."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__(customer_id)
        self.customer_id = customer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """What is remembered, for ever, of a request that changes something.

    `fingerprint` holds a keyed hash for each field of the request, card data left out.
    """

    caller_id: CallerId
    request_id: RequestId
    method: str
    resource_id: str
    fingerprint: Mapping[str, str]
    create_time: datetime
    # The refusal that is the answer to it, for ever. None where it was not refused.
    refusal: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """Which payments. None or empty: any."""

    customer_id: CustomerId | None = None
    reference: str | None = None
    reference_contains: str | None = None
    states: frozenset[PaymentState] = frozenset()
    created_from: datetime | None = None
    created_until: datetime | None = None
    currency_code: str | None = None
    min_minor_units: int | None = None
    max_minor_units: int | None = None
    brand: str | None = None
    last_four: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list that is sorted by time and id."""

    time: datetime
    id: str


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """Some payments, and the place after which to go on: None at the end.

    A store looks at a bounded number of payments for a page. So where few match a filter, there can be fewer than were
    asked for, or none, before the end.
    """

    payments: list[Payment]
    go_on_after: Position | None


@dataclass(frozen=True, slots=True)
class Archived:
    """How many payments had their history put away, of how many events, and the event after which to go on: None at
    the end.
    """

    payment_count: int
    event_count: int
    go_on_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One event of a payment as it was stored, with the state that it led to."""

    event_id: EventId
    payment_id: PaymentId
    sequence: int
    event: PaymentEvent = field(repr=False)
    state: PaymentState


def farthest_look(lease: timedelta, *, scheduled: bool = False) -> timedelta:
    """How far ahead a look at something open is planned at the very most: resolvers wait five minutes, or an hour."""
    return max(timedelta(hours=2) if scheduled else timedelta(minutes=10), 2 * lease)


@dataclass(frozen=True, slots=True)
class DueOperation:
    """An operation whose outcome is to be looked for."""

    payment_id: PaymentId
    operation_id: OperationId


@dataclass(frozen=True, slots=True)
class PaymentOperation:
    """An operation with the payment it belongs to."""

    payment: Payment
    operation: Operation


class DetachedPayment(Protocol):
    """A payment as a unit of work left it, to be taken up by one later unit of work."""


class Payments(Protocol):
    def add(self, payment: Payment) -> None:
        """Stores a new payment with its events. Raises ReferenceTaken."""
        ...

    def save(self, payment: Payment) -> None:
        """Stores what changed, with the new events. Raises ReferenceTaken where it became live again."""
        ...

    def get(self, payment_id: PaymentId, *, lock: bool = False) -> Payment | None:
        """Reads a payment; with lock, nobody else changes it until the transaction ends."""
        ...

    def keep(self, payment: Payment) -> DetachedPayment:
        """The payment as it is now stored. Of use once this transaction is committed, and nobody changes the object."""
        ...

    def reattach(self, kept: DetachedPayment) -> Payment | None:
        """The payment, locked, without being read again. None where somebody wrote it since, and the second time."""
        ...

    def page(
        self, caller_id: CallerId | None, which: PaymentFilter, *, after: Position | None, limit: int
    ) -> PaymentPage:
        """Newest first; of every caller where none is given."""
        ...

    def history(
        self, payment_id: PaymentId, *, after_sequence: int = 0, limit: int | None = None
    ) -> list[HistoryEntry]:
        """Oldest first."""
        ...

    def archive(self, before: datetime, *, after: str, limit: int) -> Archived:
        """Puts away the histories of payments that rest and have not changed since before the time, looking at so many
        of the events whose ids come after. They are read as before, and cost the others nothing any more.
        """
        ...

    def oldest_first(self, start: datetime, end: datetime, *, after: Position | None, limit: int) -> list[Payment]:
        """Of every caller, created from start until before end."""
        ...

    def due_to_follow(self, now: datetime, lease_until: datetime, limit: int) -> list[Payment]:
        """Payments whose follow_time has come; until the lease ends nobody else is given them."""
        ...

    def find_operations(
        self, operation_ids: Collection[str], transaction_ids: Collection[str]
    ) -> list[PaymentOperation]:
        """Those under one of the operation ids, and those whose effect lies in one of the transactions."""
        ...

    def claim_transaction(self, transaction_id: str) -> None:
        """Waits for every other unit of work that claimed the gateway's transaction, and keeps it until this one ends.

        After the payment is locked, and before a look at which operation the transaction is recorded for.
        """
        ...

    def unresolved(
        self, started_before: datetime | None, *, after: Position | None, limit: int
    ) -> list[PaymentOperation]:
        """STARTED operations of every caller, oldest first."""
        ...

    def succeeded(
        self, start: datetime, end: datetime, *, after: Position | None, limit: int
    ) -> list[PaymentOperation]:
        """SUCCEEDED operations of every caller that were asked for from start until before end, oldest first."""
        ...

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        """Takes names, addresses and account names out of the customer's payments and their events. Amounts stay."""
        ...


class Customers(Protocol):
    def add(self, customer: Customer) -> None:
        """Raises ExternalIdTaken."""
        ...

    def save(self, customer: Customer) -> None:
        """Raises ExternalIdTaken."""
        ...

    def get(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None: ...

    def find_by_external_id(self, caller_id: CallerId, external_id: str) -> Customer | None: ...

    def page(
        self, caller_id: CallerId | None, *, email: str | None, after: Position | None, limit: int
    ) -> list[Customer]:
        """Newest first, deleted ones left out; of every caller where none is given."""
        ...


class PaymentMethods(Protocol):
    def add(self, method: PaymentMethod) -> None: ...

    def save(self, method: PaymentMethod) -> None: ...

    def get(self, payment_method_id: PaymentMethodId, *, lock: bool = False) -> PaymentMethod | None: ...

    def of_customer(
        self, customer_id: CustomerId, *, after: Position | None = None, limit: int | None = None, lock: bool = False
    ) -> list[PaymentMethod]:
        """Newest first; ACTIVE and PENDING ones. `lock` is for those that are to be saved."""
        ...

    def active(self, *, after: str, limit: int) -> list[PaymentMethod]:
        """ACTIVE ones of every customer with an id above the given one, by id."""
        ...

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[PaymentMethod]:
        """PENDING ones whose next_check_time has come; until the lease ends nobody else is given them."""
        ...

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        """Takes names, addresses and account names out of all the customer's methods, whatever their state."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFilter:
    """Which disputes. None or empty: any."""

    payment_id: PaymentId | None = None
    customer_id: CustomerId | None = None
    states: frozenset[DisputeState] = frozenset()
    reply_before: datetime | None = None


class Disputes(Protocol):
    """Every change of a dispute is an `add` or a `save`."""

    def add(self, dispute: Dispute) -> None: ...

    def save(self, dispute: Dispute) -> None: ...

    def get(self, dispute_id: DisputeId, *, lock: bool = False) -> Dispute | None: ...

    def find(self, gateway_dispute_id: str, *, lock: bool = False) -> Dispute | None:
        """By the gateway's own id of it."""
        ...

    def of_transaction(self, transaction_id: str) -> list[Dispute]:
        """Oldest first."""
        ...

    def page(
        self, caller_id: CallerId | None, which: DisputeFilter, *, after: Position | None, limit: int
    ) -> list[Dispute]:
        """Newest first."""
        ...

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[Dispute]:
        """Those whose next_check_time has come; until the lease ends nobody else is given them."""
        ...


class Notifications(Protocol):
    """What the gateway told by itself: the inbox."""

    def receive(self, notification: Notification, time: datetime) -> bool:
        """Stores it once, to be dealt with. Returns whether it is new."""
        ...

    def save(self, stored: StoredNotification) -> None: ...

    def get(self, notification_id: str, *, lock: bool = False) -> StoredNotification | None: ...

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[StoredNotification]:
        """PENDING ones whose time has come, each counted as tried once more; nobody else is given them until the lease
        ends."""
        ...

    def page(
        self, states: frozenset[NotificationState], *, after: Position | None, limit: int
    ) -> list[StoredNotification]:
        """Newest first."""
        ...

    def count(self) -> Mapping[NotificationState, int]:
        """How many are PENDING and DEAD."""
        ...


class Requests(Protocol):
    def get(self, caller_id: CallerId, request_id: RequestId) -> RequestRecord | None: ...

    def claim(self, record: RequestRecord) -> RequestRecord | None:
        """Stores the record and returns None, or returns the one that came first under caller and request id."""
        ...

    def refuse(self, caller_id: CallerId, request_id: RequestId, refusal: Mapping[str, str]) -> None:
        """Stores the refusal with the record that is there."""
        ...


class ApiKeys(Protocol):
    def add(self, key: ApiKey) -> None: ...

    def save(self, key: ApiKey) -> None:
        """Stores when it was revoked; the rest never changes."""
        ...

    def get(self, key_id: str) -> ApiKey | None: ...

    def all(self) -> list[ApiKey]:
        """Newest first."""
        ...

    def note_use(self, key_id: str, time: datetime, *, unless_after: datetime) -> None:
        """Stores the time of the last use, unless one after `unless_after` is stored."""
        ...


class AuditLog(Protocol):
    def add(self, entry: AuditEntry) -> None: ...

    def page(self, *, after: Position | None, limit: int) -> list[AuditEntry]:
        """Newest first."""
        ...


class UnitOfWork(Protocol):
    """One transaction. Leaving its `with` commits, an exception rolls back."""

    @property
    def payments(self) -> Payments: ...

    @property
    def customers(self) -> Customers: ...

    @property
    def payment_methods(self) -> PaymentMethods: ...

    @property
    def disputes(self) -> Disputes: ...

    @property
    def notifications(self) -> Notifications: ...

    @property
    def feed(self) -> Feed: ...

    @property
    def deliveries(self) -> Deliveries: ...

    @property
    def requests(self) -> Requests: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def api_keys(self) -> ApiKeys: ...

    @property
    def attempts(self) -> Attempts: ...


class Store(Protocol):
    def wipe(self) -> None:
        """Takes what was erased out of the database's files, too, where they keep it for a while. May leave that to
        the next time, when the database is busy.
        """
        ...

    def begin(self, actor: str = SERVICE) -> AbstractContextManager[UnitOfWork]:
        """A transaction that may write; what changes in it, the actor changed.

        Raises StoreUnavailable, at the end, too.
        """
        ...

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """A transaction that only reads: one consistent view. Raises StoreUnavailable."""
        ...

    def due_operations(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[DueOperation]:
        """Claims open operations that are due: until the lease ends nobody else is given them.

        Due is also what only a wrong clock can have planned so far ahead (`farthest_look`); elsewhere: a day ahead.
        """
        ...
