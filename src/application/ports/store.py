"""Port for the database: repositories, and the unit of work that reads and changes them in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from application.common.api_key import ApiKey
from application.common.operator import Operator
from application.common.pagination import Position
from application.ports.audit_log import AuditLog
from application.ports.deliveries import Deliveries
from application.ports.feed import Feed, HistoryEntry
from application.ports.gateway_webhooks import GatewayWebhook, GatewayWebhookState, StoredGatewayWebhook
from application.ports.movements import Movements
from application.ports.payment_filter import PaymentFilter, PaymentPage
from application.ports.search import SearchIndex
from application.ports.statistics import Statistics
from application.ports.velocity import VelocityCounters
from domain.checkout import Checkout, CheckoutState, CheckoutUse
from domain.customer import Customer
from domain.dispute import Dispute, DisputeState
from domain.events import SERVICE, OnBehalf
from domain.ids import (
    CallerId,
    CheckoutId,
    CustomerId,
    DisputeId,
    OperationId,
    OperatorId,
    PaymentId,
    PaymentMethodId,
    RequestId,
)
from domain.operation import Operation
from domain.payment import Payment
from domain.payment_method import PaymentMethod
from domain.quick_init import quick_init


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


class LoginTaken(Exception):
    """Another operator has the login."""


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """The permanent record of a request that changes something.

    `fingerprint` holds a keyed hash for each field of the request, card data left out.
    """

    caller_id: CallerId
    request_id: RequestId
    method: str
    resource_id: str
    fingerprint: Mapping[str, str]
    create_time: datetime
    # The standing refusal that answers it. None where it was not refused.
    refusal: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Archived:
    """The numbers of payments and events archived, and the event after which to continue: None at the end."""

    payment_count: int
    event_count: int
    go_on_after: str | None


def farthest_check(lease: timedelta, *, scheduled: bool = False) -> timedelta:
    """The longest possible time until the next check of something open: resolvers wait five minutes, or an hour."""
    return max(timedelta(hours=2) if scheduled else timedelta(minutes=10), 2 * lease)


@dataclass(frozen=True, slots=True)
class DueOperation:
    """An operation whose outcome is due to be checked."""

    payment_id: PaymentId
    operation_id: OperationId


@dataclass(frozen=True, slots=True)
class PaymentOperation:
    payment: Payment
    operation: Operation


class DetachedPayment(Protocol):
    """A payment as a unit of work left it. One later unit of work can reattach it."""


class Payments(Protocol):
    def add(self, payment: Payment) -> None:
        """Stores a new payment with its events. Raises ReferenceTaken."""

    def save(self, payment: Payment) -> None:
        """Stores the changes, with the new events. Raises ReferenceTaken where the payment became live again."""

    def get(self, payment_id: PaymentId, *, lock: bool = False) -> Payment | None:
        """Reads a payment. With `lock`, nobody else changes it until the transaction ends."""

    def paying(self, caller_id: CallerId, reference: str) -> PaymentId | None:
        """The live payment for the caller's reference. Payments by customers' own credentials do not count."""

    def find(self, payment_ids: Collection[PaymentId]) -> list[Payment]:
        """Those of the payments that exist, in no order."""

    def detach(self, payment: Payment) -> DetachedPayment:
        """Detaches the payment as stored now. Valid once this transaction commits, unless the object changes."""

    def reattach(self, kept: DetachedPayment) -> Payment | None:
        """The payment, locked, without another read. None if it was written since, and on a second use."""

    def page(
        self, caller_id: CallerId | None, which: PaymentFilter, *, after: Position | None, limit: int
    ) -> PaymentPage:
        """Newest first; of every caller where none is given."""

    def history(
        self, payment_id: PaymentId, *, after_sequence: int = 0, limit: int | None = None
    ) -> list[HistoryEntry]:
        """Oldest first."""

    def archive(self, before: datetime, *, after: str, limit: int) -> Archived:
        """Archives the events of payments that rest and have not changed since before the time.

        Reads at most `limit` of the events with ids after `after`. Archived events are read as before, and no longer
        slow the others down.
        """

    def oldest_first(self, start: datetime, end: datetime, *, after: Position | None, limit: int) -> list[Payment]:
        """Payments of every caller, created from start until before end."""

    def due_for_poll(self, now: datetime, lease_until: datetime, limit: int) -> list[Payment]:
        """Payments whose next_poll_time has come. Nobody else gets them during the lease."""

    def find_operations(
        self, operation_ids: Collection[str], transaction_ids: Collection[str]
    ) -> list[PaymentOperation]:
        """The operations with one of the operation ids, or with an effect in one of the transactions."""

    def claim_transaction(self, transaction_id: str) -> None:
        """Takes an exclusive lock on the gateway's transaction until this unit of work ends, waiting for other holders.

        Call it after locking the payment, and before reading which operation the transaction is recorded for.
        """

    def unresolved(
        self, started_before: datetime | None, *, after: Position | None, limit: int
    ) -> list[PaymentOperation]:
        """STARTED operations of every caller, oldest first."""

    def succeeded(
        self, start: datetime, end: datetime, *, after: Position | None, limit: int
    ) -> list[PaymentOperation]:
        """SUCCEEDED operations of every caller, requested from start until before end, oldest first."""

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        """Erases names, addresses and account names from the customer's payments and their events. Amounts stay."""

    def erase_guest(self, payment_id: PaymentId) -> None:
        """Erases the same from one payment."""


class Customers(Protocol):
    def add(self, customer: Customer) -> None:
        """Raises ExternalIdTaken."""

    def save(self, customer: Customer) -> None:
        """Raises ExternalIdTaken."""

    def get(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None: ...

    def find_by_external_id(self, caller_id: CallerId, external_id: str) -> Customer | None: ...

    def page(
        self, caller_id: CallerId | None, *, email: str | None, after: Position | None, limit: int
    ) -> list[Customer]:
        """Newest first, without deleted ones; of every caller where none is given."""


class PaymentMethods(Protocol):
    def add(self, method: PaymentMethod) -> None: ...

    def save(self, method: PaymentMethod) -> None: ...

    def get(self, payment_method_id: PaymentMethodId, *, lock: bool = False) -> PaymentMethod | None: ...

    def of_customer(
        self, customer_id: CustomerId, *, after: Position | None = None, limit: int | None = None, lock: bool = False
    ) -> list[PaymentMethod]:
        """ACTIVE and PENDING ones, newest first. Set `lock` to save them afterwards."""

    def active(self, *, after: str, limit: int) -> list[PaymentMethod]:
        """ACTIVE ones of every customer with an id above the given one, ordered by id."""

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[PaymentMethod]:
        """PENDING ones whose next_check_time has come. Nobody else gets them during the lease."""

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        """Erases names, addresses and account names from all the customer's methods, in any state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFilter:
    """A filter of disputes. None or empty: no restriction."""

    payment_id: PaymentId | None = None
    customer_id: CustomerId | None = None
    states: frozenset[DisputeState] = frozenset()
    reply_before: datetime | None = None


class Disputes(Protocol):
    """Every change of a dispute goes through `add` or `save`."""

    def add(self, dispute: Dispute) -> None: ...

    def save(self, dispute: Dispute) -> None: ...

    def get(self, dispute_id: DisputeId, *, lock: bool = False) -> Dispute | None: ...

    def find(self, gateway_dispute_id: str, *, lock: bool = False) -> Dispute | None:
        """Finds a dispute by the gateway's id."""

    def of_transaction(self, transaction_id: str) -> list[Dispute]:
        """Oldest first."""

    def page(
        self, caller_id: CallerId | None, which: DisputeFilter, *, after: Position | None, limit: int
    ) -> list[Dispute]:
        """Newest first."""

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[Dispute]:
        """Disputes whose next_check_time has come. Nobody else gets them during the lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutFilter:
    """A filter of checkouts. None or empty: no restriction."""

    reference: str | None = None
    customer_id: CustomerId | None = None
    states: frozenset[CheckoutState] = frozenset()


class Checkouts(Protocol):
    """Checkouts and their uses. The lock of a checkout covers its uses."""

    def add(self, checkout: Checkout) -> None: ...

    def save(self, checkout: Checkout) -> None:
        """Stores a locked checkout. A change of its state or of its completed uses goes to the feed."""

    def get(self, checkout_id: CheckoutId, *, lock: bool = False) -> Checkout | None: ...

    def find(self, token: str) -> Checkout | None:
        """Finds a checkout by the secret part of its address."""

    def page(
        self, caller_id: CallerId | None, which: CheckoutFilter, *, after: Position | None, limit: int
    ) -> list[Checkout]:
        """Newest first."""

    def expired(self, now: datetime, limit: int) -> list[Checkout]:
        """OPEN ones past their expire time whose uses have an outcome, or which are payment links. Locked; others skip
        them.
        """

    def use(self, checkout_id: CheckoutId, session: str) -> CheckoutUse | None: ...

    def add_use(self, use: CheckoutUse) -> None: ...

    def save_use(self, use: CheckoutUse) -> None:
        """Stores a use whose checkout is locked."""

    def due_uses(self, now: datetime, lease_until: datetime, limit: int) -> list[CheckoutUse]:
        """PAYING ones whose next_check_time has come. Nobody else gets them during the lease."""


class GatewayWebhooks(Protocol):
    """The inbox of gateway webhooks."""

    def receive(self, webhook: GatewayWebhook, time: datetime) -> bool:
        """Stores it once, as PENDING. Returns whether it is new."""

    def save(self, stored: StoredGatewayWebhook) -> None: ...

    def get(self, notification_id: str, *, lock: bool = False) -> StoredGatewayWebhook | None: ...

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[StoredGatewayWebhook]:
        """PENDING ones that are due, each with its attempt counted. Nobody else gets them during the lease."""

    def page(
        self, states: frozenset[GatewayWebhookState], *, after: Position | None, limit: int
    ) -> list[StoredGatewayWebhook]:
        """Newest first."""

    def count(self) -> Mapping[GatewayWebhookState, int]:
        """The numbers of PENDING and DEAD ones."""

    def purge(self, finished_before: datetime, limit: int) -> int:
        """Deletes DONE ones, up to the limit. Returns their number."""


class Requests(Protocol):
    """The idempotency records of requests."""

    def get(self, caller_id: CallerId, request_id: RequestId) -> RequestRecord | None: ...

    def claim(self, record: RequestRecord) -> RequestRecord | None:
        """Stores the record and returns None, or returns the earlier one with the same caller and request id."""

    def refuse(self, caller_id: CallerId, request_id: RequestId, refusal: Mapping[str, str]) -> None:
        """Adds the refusal to the existing record."""


class ApiKeys(Protocol):
    def add(self, key: ApiKey) -> None: ...

    def save(self, key: ApiKey) -> None:
        """Stores the revocation time; nothing else ever changes."""

    def get(self, key_id: str) -> ApiKey | None: ...

    def all(self) -> list[ApiKey]:
        """Newest first."""

    def record_use(self, key_id: str, time: datetime, *, unless_after: datetime) -> None:
        """Stores the time of the last use, unless the stored one is later than `unless_after`."""


class Operators(Protocol):
    def add(self, operator: Operator) -> None:
        """Raises LoginTaken."""

    def save(self, operator: Operator) -> None:
        """Stores name, login, rights and revocation time. Raises LoginTaken."""

    def get(self, operator_id: OperatorId) -> Operator | None: ...

    def find_login(self, login: str) -> Operator | None:
        """The operator with this login who is not revoked. None for an empty login."""

    def all(self) -> list[Operator]:
        """Newest first."""


class UnitOfWork(Protocol):
    """One transaction. Leaving its `with` block commits; an exception rolls back."""

    @property
    def payments(self) -> Payments: ...

    @property
    def customers(self) -> Customers: ...

    @property
    def payment_methods(self) -> PaymentMethods: ...

    @property
    def disputes(self) -> Disputes: ...

    @property
    def movements(self) -> Movements: ...

    @property
    def gateway_webhooks(self) -> GatewayWebhooks: ...

    @property
    def checkouts(self) -> Checkouts: ...

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
    def operators(self) -> Operators: ...

    @property
    def velocity(self) -> VelocityCounters: ...

    @property
    def search(self) -> SearchIndex: ...

    @property
    def statistics(self) -> Statistics: ...


class Store(Protocol):
    """The database, reached through units of work."""

    def wipe(self) -> None:
        """Removes erased data from the database's files as well, where they keep it for a while.

        If the database is busy, it may leave this to the next call.
        """

    def begin(self, actor: str = SERVICE, on_behalf: OnBehalf | None = None) -> AbstractContextManager[UnitOfWork]:
        """A transaction that may write. The actor is recorded with its changes, and the act of an operator.

        Raises StoreUnavailable, also at the end.
        """

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """A read-only transaction with one consistent view. Raises StoreUnavailable."""

    def read_once(self) -> AbstractContextManager[UnitOfWork]:
        """For one read, which needs no transaction to be consistent. Raises StoreUnavailable.

        A further read may see a later moment.
        """

    def due_operations(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[DueOperation]:
        """Leases open operations that are due. Nobody else gets them during the lease.

        A check planned further ahead than `farthest_check` is due too: only a wrong clock can have planned it.
        Elsewhere that limit is a day.
        """
