"""The committed state of the store in memory, row locks, and helpers of its repositories."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from application.common.api_key import ApiKey
from application.common.operator import Operator
from application.common.pagination import Position
from application.ports.audit_log import AuditEntry
from application.ports.deliveries import Delivery, DeliveryCursor
from application.ports.feed import FeedEntry, HistoryEntry
from application.ports.gateway_webhooks import StoredGatewayWebhook
from application.ports.search import IndexProgress
from application.ports.statistics import PaymentFacts, StatisticsProgress
from application.ports.store import RequestRecord, farthest_check
from application.ports.velocity import VelocityBlock
from domain.checkout import Checkout, CheckoutUse
from domain.customer import Customer
from domain.dispute import Dispute
from domain.ids import CallerId, CheckoutId, CustomerId, DisputeId, PaymentId, PaymentMethodId, RequestId
from domain.movement import Movement
from domain.operation import Operation, OperationState
from domain.payment import Payment
from domain.payment_method import PaymentMethod

Record = TypeVar("Record")

_MAX_CHECK_DELAY = timedelta(days=1)


@dataclass(frozen=True)
class MovementRow:
    movement: Movement
    payment_id: PaymentId
    record_time: datetime


@dataclass(frozen=True)
class IndexedPayment:
    """The terms that the search index has of a payment."""

    terms: frozenset[str]
    is_stale: bool


@dataclass
class StoreState:
    """The committed state. Only payments are changed in place, so only they are copied on reads."""

    payments: dict[PaymentId, Payment] = field(default_factory=dict)
    history: dict[PaymentId, list[HistoryEntry]] = field(default_factory=dict)
    customers: dict[CustomerId, Customer] = field(default_factory=dict)
    methods: dict[PaymentMethodId, PaymentMethod] = field(default_factory=dict)
    requests: dict[tuple[CallerId, RequestId], RequestRecord] = field(default_factory=dict)
    disputes: dict[DisputeId, Dispute] = field(default_factory=dict)
    notifications: dict[str, StoredGatewayWebhook] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    operators: dict[str, Operator] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    velocity_counters: dict[tuple[str, datetime, str], int] = field(default_factory=dict)
    blocks: list[VelocityBlock] = field(default_factory=list)
    feed: list[FeedEntry] = field(default_factory=list)
    unsequenced: list[FeedEntry] = field(default_factory=list)
    # The last archived sequence of each archived payment.
    archived: dict[PaymentId, int] = field(default_factory=dict)
    cursors: dict[str, DeliveryCursor] = field(default_factory=dict)
    deliveries: dict[tuple[str, str], Delivery] = field(default_factory=dict)
    checkouts: dict[CheckoutId, Checkout] = field(default_factory=dict)
    checkout_uses: dict[tuple[CheckoutId, str], CheckoutUse] = field(default_factory=dict)
    movements: dict[str, MovementRow] = field(default_factory=dict)
    indexed: dict[PaymentId, IndexedPayment] = field(default_factory=dict)
    search_progress: IndexProgress | None = None
    search_version: int = 0
    counted: dict[PaymentId, PaymentFacts] = field(default_factory=dict)
    statistics_progress: StatisticsProgress | None = None
    statistics_version: int = 0

    def copy(self) -> StoreState:
        history = {payment_id: list(entries) for payment_id, entries in self.history.items()}
        return StoreState(
            dict(self.payments),
            history,
            dict(self.customers),
            dict(self.methods),
            dict(self.requests),
            dict(self.disputes),
            dict(self.notifications),
            dict(self.api_keys),
            dict(self.operators),
            list(self.audit),
            dict(self.velocity_counters),
            list(self.blocks),
            list(self.feed),
            list(self.unsequenced),
            dict(self.archived),
            dict(self.cursors),
            dict(self.deliveries),
            dict(self.checkouts),
            dict(self.checkout_uses),
            dict(self.movements),
            dict(self.indexed),
            self.search_progress,
            self.search_version,
            dict(self.counted),
            self.statistics_progress,
            self.statistics_version,
        )


def copied_payment(payment: Payment) -> Payment:
    """A copy that can change by itself. Only what is new is changed in place."""
    another = copy(payment)
    another.new_events = list(payment.new_events)
    another.new_movements = list(payment.new_movements)
    return another


class RowLocks:
    """The rows that a unit of work has locked. Saving any other row could overwrite a concurrent change.

    A reading unit of work locks none: a database refuses it.
    """

    def __init__(self, *, read_only: bool) -> None:
        self._held: set[str] = set()
        self._read_only = read_only

    def acquire(self, row_id: str, *, lock: bool = True) -> None:
        if lock and self._read_only:
            raise RuntimeError(f"{row_id} cannot be locked by a reading unit of work")
        if lock:
            self._held.add(row_id)

    def require(self, row_id: str) -> None:
        if row_id not in self._held:
            raise RuntimeError(f"{row_id} was not locked before it was saved")


def is_due(next_check_time: datetime | None, now: datetime, farthest: timedelta = _MAX_CHECK_DELAY) -> bool:
    return next_check_time is None or next_check_time <= now or next_check_time > now + farthest


def latest_check(operation: Operation, lease: timedelta) -> timedelta:
    return farthest_check(lease, scheduled=operation.state is OperationState.SCHEDULED)


def newest_first_page(
    found: Iterable[tuple[Position, Record]], after: Position | None, limit: int | None
) -> list[Record]:
    def sort_key(position: Position) -> tuple[datetime, str]:
        return position.time, position.id

    newest_first = sorted(found, key=lambda pair: sort_key(pair[0]), reverse=True)
    return [record for position, record in newest_first if after is None or sort_key(position) < sort_key(after)][
        :limit
    ]
