"""The record in memory: one transaction at a time, each on a copy that replaces the whole when it commits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import TypeVar

from application.common.api_key import ApiKey
from application.common.errors import StoreUnavailable
from application.common.page_tokens import Position
from application.ports.audit_log import AuditEntry
from application.ports.deliveries import Delivery, DeliveryState, Line
from application.ports.feed import FeedEntry, FeedFilter, FeedKind, HistoryEntry, Resource
from application.ports.gateway_webhooks import Notification, NotificationState, StoredNotification
from application.ports.runtime import IdSource
from application.ports.store import (
    Archived,
    DetachedPayment,
    DisputeFilter,
    DueOperation,
    ExternalIdTaken,
    PaymentFilter,
    PaymentOperation,
    PaymentPage,
    ReferenceTaken,
    RequestRecord,
    UnitOfWork,
    farthest_look,
)
from application.ports.velocity import VelocityBlock, VelocityCounter
from application.recovery.service_hold import Hold
from domain import ids as prefixes
from domain.address import Address
from domain.customer import Customer
from domain.dispute import Dispute
from domain.events import SERVICE, OperationDeclined, OperationSucceeded, PaymentCreated, PaymentEvent, PaymentTerms
from domain.ids import CallerId, CustomerId, DisputeId, EventId, PaymentId, PaymentMethodId, RequestId
from domain.instrument import Instrument
from domain.operation import Operation, OperationState
from domain.payment import Payment
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.transitions import PaymentState

Record = TypeVar("Record")

_FARTHEST_LOOK = timedelta(days=1)
_LONGEST_TURN_SECONDS = 10.0


@dataclass
class _State:
    """Everything. Only payments can be changed in place, so only they are copied for whoever reads one."""

    payments: dict[PaymentId, Payment] = field(default_factory=dict)
    history: dict[PaymentId, list[HistoryEntry]] = field(default_factory=dict)
    customers: dict[CustomerId, Customer] = field(default_factory=dict)
    methods: dict[PaymentMethodId, PaymentMethod] = field(default_factory=dict)
    requests: dict[tuple[CallerId, RequestId], RequestRecord] = field(default_factory=dict)
    disputes: dict[DisputeId, Dispute] = field(default_factory=dict)
    notifications: dict[str, StoredNotification] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    tallies: dict[tuple[str, datetime, str], int] = field(default_factory=dict)
    blocks: list[VelocityBlock] = field(default_factory=list)
    feed: list[FeedEntry] = field(default_factory=list)
    unsequenced: list[FeedEntry] = field(default_factory=list)
    # Of which the history was put away, as far as it went.
    archived: dict[PaymentId, int] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    deliveries: dict[tuple[str, str], Delivery] = field(default_factory=dict)

    def copy(self) -> _State:
        history = {payment_id: list(entries) for payment_id, entries in self.history.items()}
        return _State(
            dict(self.payments),
            history,
            dict(self.customers),
            dict(self.methods),
            dict(self.requests),
            dict(self.disputes),
            dict(self.notifications),
            dict(self.api_keys),
            list(self.audit),
            dict(self.tallies),
            list(self.blocks),
            list(self.feed),
            list(self.unsequenced),
            dict(self.archived),
            dict(self.lines),
            dict(self.deliveries),
        )


def _copied(payment: Payment) -> Payment:
    """Another one that can be changed by itself: all that it is made of is never changed in place, but for one list."""
    another = copy(payment)
    another.new_events = list(payment.new_events)
    return another


class MemoryStore:
    """Safe for many threads: transactions that may write wait for one another."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._lock = Lock()
        self._state = _State()

    @contextmanager
    def begin(self, actor: str = SERVICE) -> Iterator[UnitOfWork]:
        with self._turn():
            state = self._state.copy()
            yield _Work(state, self._ids, actor)
            self._state = state

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        # A committed state is never changed again.
        yield _Work(self._state.copy(), self._ids, SERVICE, is_reading=True)

    def due_operations(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[DueOperation]:
        lease = lease_until - now
        with self._turn():
            state = self._state.copy()
            due = [
                (operation.next_check_time or now, DueOperation(payment_id, operation.operation_id))
                for payment_id, payment in state.payments.items()
                for operation in payment.operations
                if operation.state.is_open and _is_due(operation.next_check_time, now, _farthest(operation, lease))
            ]
            due.sort(key=lambda pair: pair[0])
            claimed = [one for _, one in due[:limit]]
            for one in claimed:
                payment = _copied(state.payments[one.payment_id])
                payment.schedule_check(one.operation_id, lease_until)
                state.payments[one.payment_id] = payment
            self._state = state
        return claimed

    def back_up(self) -> Callable[[], None]:
        """Returns what restores the store as it is now."""
        backup = self._state

        def restore() -> None:
            self._state = backup

        return restore

    def wipe(self) -> None:
        """What is overwritten in memory is gone."""

    def hold(self) -> Hold:
        """There is no backup to restore."""
        return Hold()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=_LONGEST_TURN_SECONDS):
            raise StoreUnavailable("too many writers wait")
        try:
            yield
        finally:
            self._lock.release()


def _is_due(next_check_time: datetime | None, now: datetime, farthest: timedelta = _FARTHEST_LOOK) -> bool:
    return next_check_time is None or next_check_time <= now or next_check_time > now + farthest


def _farthest(operation: Operation, lease: timedelta) -> timedelta:
    return farthest_look(lease, scheduled=operation.state is OperationState.SCHEDULED)


class _Locks:
    """Rows that a unit of work holds. Saving another one would write over what somebody else wrote meanwhile.

    One that only reads holds none: a database refuses to lock there.
    """

    def __init__(self, *, is_reading: bool) -> None:
        self._held: set[str] = set()
        self._is_reading = is_reading

    def take(self, row_id: str, *, lock: bool = True) -> None:
        if lock and self._is_reading:
            raise RuntimeError(f"{row_id} was to be locked by what only reads")
        if lock:
            self._held.add(row_id)

    def require(self, row_id: str) -> None:
        if row_id not in self._held:
            raise RuntimeError(f"{row_id} was not locked before it was saved")


class _Work:
    def __init__(self, state: _State, ids: IdSource, actor: str, *, is_reading: bool = False) -> None:
        locks = _Locks(is_reading=is_reading)
        self.feed = _Feed(state, ids, actor)
        self.deliveries = _Deliveries(state)
        self.payments = _Payments(state, ids, locks)
        self.customers = _Customers(state, self.feed, locks)
        self.payment_methods = _Methods(state, self.feed, locks)
        self.disputes = _Disputes(state, self.feed, locks)
        self.notifications = _Notifications(state, locks)
        self.requests = _Requests(state)
        self.api_keys = _ApiKeys(state)
        self.audit = _Audit(state)
        self.attempts = _Attempts(state)


class _Deliveries:
    def __init__(self, state: _State) -> None:
        self._state = state

    def claim(self, name: str, start: int, now: datetime, lease_until: datetime) -> Line | None:
        line = self._state.lines.setdefault(name, Line(name=name, position=start, next_attempt_time=now))
        if not _is_due(line.next_attempt_time, now, timedelta(hours=2)):
            return None
        self._state.lines[name] = replace(line, next_attempt_time=lease_until)
        return line

    def save(self, line: Line) -> None:
        if self._state.lines[line.name].position <= line.position:
            self._state.lines[line.name] = line

    def lines(self) -> list[Line]:
        return list(self._state.lines.values())

    def keep(self, delivery: Delivery) -> None:
        self._state.deliveries[delivery.endpoint, delivery.event_id] = delivery

    def drop(self, endpoint: str, event_id: EventId) -> None:
        self._state.deliveries.pop((endpoint, event_id), None)

    def waiting(self, endpoint: str, limit: int) -> list[Delivery]:
        return [one for one in self._of(endpoint) if one.state is DeliveryState.WAITING][:limit]

    def count_dead(self, endpoint: str) -> int:
        return sum(one.state is DeliveryState.DEAD for one in self._of(endpoint))

    def page(self, endpoint: str, *, after: int, limit: int) -> list[Delivery]:
        return [one for one in self._of(endpoint) if one.position > after][:limit]

    def _of(self, endpoint: str) -> list[Delivery]:
        own = (one for one in self._state.deliveries.values() if one.endpoint == endpoint)
        return sorted(own, key=lambda one: one.position)


class _Feed:
    def __init__(self, state: _State, ids: IdSource, actor: str) -> None:
        self._state = state
        self._ids = ids
        self._actor = actor

    def note(self, resource: Resource) -> None:
        payment_id = resource.payment_id if isinstance(resource, Dispute) else ""
        payment = self._state.payments.get(PaymentId(payment_id))
        customer_id = payment.terms.customer_id if payment else None
        if not isinstance(resource, Dispute):
            customer_id = resource.customer_id
        kinds = {Customer: FeedKind.CUSTOMER, PaymentMethod: FeedKind.PAYMENT_METHOD, Dispute: FeedKind.DISPUTE}
        self._state.unsequenced.append(
            FeedEntry(
                position=0,
                event_id=EventId(self._ids.new(prefixes.EVENT)),
                kind=kinds[type(resource)],
                time=resource.update_time,
                actor=self._actor,
                caller_id=resource.caller_id,
                customer_id=customer_id or "",
                payment_id=payment_id,
                resource=resource,
            )
        )

    def relay(self, limit: int) -> int:
        placed, self._state.unsequenced[:] = self._state.unsequenced[:limit], self._state.unsequenced[limit:]
        self._state.feed += [replace(one, position=n) for n, one in enumerate(placed, self.end() + 1)]
        return len(placed)

    def end(self) -> int:
        return len(self._state.feed)

    def after(self, position: int, which: FeedFilter, *, until: int, limit: int) -> tuple[list[FeedEntry], int]:
        found = [
            one
            for one in self._state.feed[position:until]
            if which.caller_id in (None, one.caller_id)
            and (not which.kinds or one.kind in which.kinds)
            and which.customer_id in (None, one.customer_id)
        ]
        return found[:limit], found[limit - 1].position if len(found) > limit else until

    def find(self, event_id: EventId) -> FeedEntry | None:
        return next((one for one in self._state.feed if one.event_id == event_id), None)

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        for entries in (self._state.feed, self._state.unsequenced):
            for place, one in enumerate(entries):
                if one.customer_id == customer_id:
                    entries[place] = replace(one, resource=_bare_resource(one.resource))


def _bare_resource(resource: Resource | None) -> Resource | None:
    match resource:
        case Customer():
            return replace(resource, external_id="", given_name="", family_name="", email="", phone="")
        case PaymentMethod():
            return replace(resource, instrument=_bare(resource.instrument), billing_address=Address())
        case _:
            return resource


@dataclass
class _KeptPayment:
    payment: Payment
    stored: Payment
    is_taken_up: bool = False


class _Payments:
    def __init__(self, state: _State, ids: IdSource, locks: _Locks) -> None:
        self._state = state
        self._ids = ids
        self._locks = locks
        # By identity: the objects that this unit of work handed out, each with what it was read as.
        self._known: dict[int, tuple[Payment, Payment]] = {}

    def add(self, payment: Payment) -> None:
        if payment.terms.payment_id in self._state.payments:
            raise ValueError(f"{payment.terms.payment_id} is there already")
        self._locks.take(payment.terms.payment_id)
        self._store(payment)

    def save(self, payment: Payment) -> None:
        known = self._known.get(id(payment))
        if known is None or known[1] is not self._state.payments.get(payment.terms.payment_id):
            raise RuntimeError(f"{payment.terms.payment_id} was not read in this unit of work")
        self._locks.require(payment.terms.payment_id)
        self._store(payment)

    def get(self, payment_id: PaymentId, *, lock: bool = False) -> Payment | None:
        self._locks.take(payment_id, lock=lock)
        stored = self._state.payments.get(payment_id)
        return None if stored is None else self._hand_out(stored)

    def keep(self, payment: Payment) -> DetachedPayment:
        return _KeptPayment(payment, self._state.payments[payment.terms.payment_id])

    def reattach(self, kept: DetachedPayment) -> Payment | None:
        if not isinstance(kept, _KeptPayment) or kept.is_taken_up:
            return None
        kept.is_taken_up = True
        if self._state.payments.get(kept.payment.terms.payment_id) is not kept.stored:
            return None
        self._locks.take(kept.payment.terms.payment_id)
        self._known[id(kept.payment)] = (kept.payment, kept.stored)
        return kept.payment

    def page(
        self, caller_id: CallerId | None, which: PaymentFilter, *, after: Position | None, limit: int
    ) -> PaymentPage:
        found = [
            (Position(payment.create_time, payment_id), payment)
            for payment_id, payment in self._state.payments.items()
            if caller_id in (None, payment.terms.caller_id) and _matches(payment, which)
        ]
        page = [self._hand_out(payment) for payment in _page(found, after, limit + 1)]
        last = page[limit - 1] if len(page) > limit else None
        return PaymentPage(page[:limit], Position(last.create_time, last.terms.payment_id) if last else None)

    def history(
        self, payment_id: PaymentId, *, after_sequence: int = 0, limit: int | None = None
    ) -> list[HistoryEntry]:
        return self._state.history.get(payment_id, [])[after_sequence:][:limit]

    def archive(self, before: datetime, *, after: str, limit: int) -> Archived:
        events = sorted(
            (entry.event_id, entry.event.context.time, payment_id)
            for payment_id, history in self._state.history.items()
            for entry in history
            if entry.sequence > self._state.archived.get(payment_id, 0) and entry.event_id > after
        )[:limit]
        unsequenced = {entry.payment_id for entry in self._state.unsequenced}
        moved = [
            payment_id
            for payment_id in {payment_id for _, time, payment_id in events if time < before}
            if self._rests(payment_id, before) and payment_id not in unsequenced
        ]
        count = sum(len(self._state.history[one]) - self._state.archived.get(one, 0) for one in moved)
        self._state.archived |= {payment_id: len(self._state.history[payment_id]) for payment_id in moved}
        is_over = len(events) < limit or events[-1][1] >= before
        return Archived(len(moved), count, None if is_over else events[-1][0])

    def _rests(self, payment_id: PaymentId, before: datetime) -> bool:
        payment = self._state.payments[payment_id]
        is_under_way = any(operation.state.is_open for operation in payment.operations)
        return (
            payment.update_time < before
            and (payment.next_poll_time is None or payment.state is PaymentState.SETTLED)
            and payment.state is not PaymentState.PENDING
            and not is_under_way
        )

    def oldest_first(self, start: datetime, end: datetime, *, after: Position | None, limit: int) -> list[Payment]:
        found = [
            ((payment.create_time, payment_id), payment)
            for payment_id, payment in self._state.payments.items()
            if start <= payment.create_time < end
        ]
        found.sort(key=lambda pair: pair[0])
        later = [payment for place, payment in found if after is None or place > (after.time, after.id)]
        return [self._hand_out(payment) for payment in later[:limit]]

    def due_for_poll(self, now: datetime, lease_until: datetime, limit: int) -> list[Payment]:
        times = [(p.next_poll_time, payment_id) for payment_id, p in self._state.payments.items() if p.next_poll_time]
        claimed = []
        for _, payment_id in sorted(pair for pair in times if _is_due(pair[0], now, timedelta(days=14)))[:limit]:
            payment = _copied(self._state.payments[payment_id])
            payment.next_poll_time = lease_until
            self._locks.take(payment_id)
            self._state.payments[payment_id] = payment
            claimed.append(self._hand_out(payment))
        return claimed

    def find_operations(
        self, operation_ids: Collection[str], transaction_ids: Collection[str]
    ) -> list[PaymentOperation]:
        return self._operations(
            lambda o: (
                o.operation_id in operation_ids or (o.transaction_id != "" and o.transaction_id in transaction_ids)
            )
        )

    def claim_transaction(self, transaction_id: str) -> None:
        """One unit of work at a time is under way here."""

    def unresolved(
        self, started_before: datetime | None, *, after: Position | None, limit: int
    ) -> list[PaymentOperation]:
        def asked_for(operation: Operation) -> bool:
            started = operation.state is OperationState.STARTED
            return started and (started_before is None or operation.create_time < started_before)

        return self._operations(asked_for, after)[:limit]

    def succeeded(
        self, start: datetime, end: datetime, *, after: Position | None, limit: int
    ) -> list[PaymentOperation]:
        def asked_for(operation: Operation) -> bool:
            return operation.state is OperationState.SUCCEEDED and start <= operation.create_time < end

        return self._operations(asked_for, after)[:limit]

    def _operations(
        self, asked_for: Callable[[Operation], bool], after: Position | None = None
    ) -> list[PaymentOperation]:
        """Oldest first."""
        found = []
        for stored in self._state.payments.values():
            wanted = [operation.operation_id for operation in stored.operations if asked_for(operation)]
            if wanted:
                payment = self._hand_out(stored)
                found += [PaymentOperation(payment, payment.operation(operation_id)) for operation_id in wanted]

        def place(one: PaymentOperation) -> tuple[datetime, str]:
            return one.operation.create_time, one.operation.operation_id

        return [one for one in sorted(found, key=place) if after is None or place(one) > (after.time, after.id)]

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        for payment_id, stored in list(self._state.payments.items()):
            if stored.terms.customer_id == customer_id:
                payment = _copied(stored)
                payment.terms = _bare_terms(payment.terms)
                payment.instrument = _bare(payment.instrument)
                self._state.payments[payment_id] = payment
                self._state.history[payment_id] = [
                    replace(entry, event=_bare_event(entry.event)) for entry in self._state.history[payment_id]
                ]

    def _hand_out(self, stored: Payment) -> Payment:
        payment = _copied(stored)
        self._known[id(payment)] = (payment, stored)
        return payment

    def _store(self, payment: Payment) -> None:
        terms = payment.terms
        for other in self._state.payments.values():
            if (
                payment.is_asked_to_pay
                and payment.is_live
                and other.terms.payment_id != terms.payment_id
                and other.already_pays(terms)
            ):
                raise ReferenceTaken(other.terms.payment_id)
        entries = self._state.history.setdefault(terms.payment_id, [])
        events = [entry.event for entry in entries]
        for event in payment.new_events:
            events.append(event)
            so_far = Payment.replay(events)
            state = so_far.state if so_far.operations else PaymentState.PENDING
            event_id = EventId(self._ids.new(prefixes.EVENT))
            entries.append(
                HistoryEntry(
                    event_id=event_id, payment_id=terms.payment_id, sequence=len(events), event=events[-1], state=state
                )
            )
            self._state.unsequenced.append(
                FeedEntry(
                    position=0,
                    event_id=event_id,
                    kind=FeedKind.PAYMENT,
                    time=event.context.time,
                    actor=event.context.actor,
                    caller_id=terms.caller_id,
                    customer_id=terms.customer_id or "",
                    payment_id=terms.payment_id,
                    sequence=len(events),
                )
            )
        payment.new_events.clear()
        stored = _copied(payment)
        self._state.payments[terms.payment_id] = stored
        self._known[id(payment)] = (payment, stored)


def _bare(instrument: Instrument | None) -> Instrument | None:
    return replace(instrument, cardholder_name="", account="") if instrument else None


def _bare_terms(terms: PaymentTerms) -> PaymentTerms:
    return replace(terms, billing_address=Address())


def _bare_event(event: PaymentEvent) -> PaymentEvent:
    match event:
        case PaymentCreated():
            return replace(event, terms=_bare_terms(event.terms))
        case OperationSucceeded() | OperationDeclined():
            return replace(event, instrument=_bare(event.instrument))
        case _:
            return event


def _matches(payment: Payment, which: PaymentFilter) -> bool:
    terms, instrument = payment.terms, payment.instrument
    contained = (which.reference_contains or "").casefold()
    validator = (
        (which.customer_id, which.customer_id == terms.customer_id),
        (which.reference, which.reference == terms.reference),
        (which.reference_contains, contained in terms.reference.casefold()),
        (which.states or None, payment.state in which.states),
        (which.created_from, which.created_from is None or payment.create_time >= which.created_from),
        (which.created_until, which.created_until is None or payment.create_time < which.created_until),
        (which.currency_code, which.currency_code == terms.amount.currency_code),
        (which.min_minor_units, terms.amount.minor_units >= (which.min_minor_units or 0)),
        (which.max_minor_units, terms.amount.minor_units <= (which.max_minor_units or 0)),
        (which.brand, which.brand == (instrument.brand if instrument else "")),
        (which.last_four, which.last_four == (instrument.last_four if instrument else "")),
    )
    return all(fits for asked, fits in validator if asked is not None)


class _Customers:
    def __init__(self, state: _State, feed: _Feed, locks: _Locks) -> None:
        self._state = state
        self._locks = locks
        self._feed = feed

    def add(self, customer: Customer) -> None:
        if customer.customer_id in self._state.customers:
            raise ValueError(f"{customer.customer_id} is there already")
        self._locks.take(customer.customer_id)
        self._store(customer)

    def save(self, customer: Customer) -> None:
        if customer.customer_id not in self._state.customers:
            raise LookupError(customer.customer_id)
        self._locks.require(customer.customer_id)
        self._store(customer)

    def get(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None:
        self._locks.take(customer_id, lock=lock)
        return self._state.customers.get(customer_id)

    def find_by_external_id(self, caller_id: CallerId, external_id: str) -> Customer | None:
        held = (c for c in self._state.customers.values() if c.external_id and c.delete_time is None)
        return next((c for c in held if (c.caller_id, c.external_id) == (caller_id, external_id)), None)

    def page(
        self, caller_id: CallerId | None, *, email: str | None, after: Position | None, limit: int
    ) -> list[Customer]:
        found = [
            (Position(customer.create_time, customer.customer_id), customer)
            for customer in self._state.customers.values()
            if caller_id in (None, customer.caller_id)
            and customer.delete_time is None
            and (email is None or (customer.email and customer.email.casefold() == email.casefold()))
        ]
        return _page(found, after, limit)

    def _store(self, customer: Customer) -> None:
        if customer.delete_time is None:
            holder = self.find_by_external_id(customer.caller_id, customer.external_id)
            if holder is not None and holder.customer_id != customer.customer_id:
                raise ExternalIdTaken(holder.customer_id)
        before = self._state.customers.get(customer.customer_id)
        self._state.customers[customer.customer_id] = customer
        if before is None or replace(before, is_at_gateway=customer.is_at_gateway) != customer:
            self._feed.note(customer)


class _Methods:
    def __init__(self, state: _State, feed: _Feed, locks: _Locks) -> None:
        self._state = state
        self._locks = locks
        self._feed = feed

    def add(self, method: PaymentMethod) -> None:
        if method.payment_method_id in self._state.methods:
            raise ValueError(f"{method.payment_method_id} is there already")
        self._locks.take(method.payment_method_id)
        self._store(method)

    def save(self, method: PaymentMethod) -> None:
        if method.payment_method_id not in self._state.methods:
            raise LookupError(method.payment_method_id)
        self._locks.require(method.payment_method_id)
        self._store(method)

    def get(self, payment_method_id: PaymentMethodId, *, lock: bool = False) -> PaymentMethod | None:
        self._locks.take(payment_method_id, lock=lock)
        return self._state.methods.get(payment_method_id)

    def of_customer(
        self, customer_id: CustomerId, *, after: Position | None = None, limit: int | None = None, lock: bool = False
    ) -> list[PaymentMethod]:
        found = [
            (Position(method.create_time, method.payment_method_id), method)
            for method in self._state.methods.values()
            if method.customer_id == customer_id
            and method.state in (PaymentMethodState.ACTIVE, PaymentMethodState.PENDING)
        ]
        page = _page(found, after, limit)
        for method in page:
            self._locks.take(method.payment_method_id, lock=lock)
        return page

    def active(self, *, after: str, limit: int) -> list[PaymentMethod]:
        found = sorted(self._state.methods.items())
        return [m for method_id, m in found if method_id > after and m.state is PaymentMethodState.ACTIVE][:limit]

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[PaymentMethod]:
        waiting = [
            (method.next_check_time, method_id)
            for method_id, method in self._state.methods.items()
            if method.state is PaymentMethodState.PENDING and method.next_check_time is not None
        ]
        farthest = farthest_look(lease_until - now)
        due = [method_id for time, method_id in sorted(waiting) if _is_due(time, now, farthest)]
        found = [self._state.methods[method_id] for method_id in due[:limit]]
        for method in found:
            self._locks.take(method.payment_method_id)
            self._state.methods[method.payment_method_id] = replace(method, next_check_time=lease_until)
        return found

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        for method_id, method in list(self._state.methods.items()):
            if method.customer_id == customer_id:
                bare = replace(method, instrument=_bare(method.instrument), billing_address=Address())
                self._state.methods[method_id] = bare

    def _store(self, method: PaymentMethod) -> None:
        if method.is_default:
            for other in self._state.methods.values():
                is_other = other.payment_method_id != method.payment_method_id
                if is_other and other.is_default and other.customer_id == method.customer_id:
                    deposed = replace(other, is_default=False, update_time=method.update_time)
                    self._state.methods[other.payment_method_id] = deposed
                    self._feed.note(deposed)
        before = self._state.methods.get(method.payment_method_id)
        self._state.methods[method.payment_method_id] = method
        if before != method:
            self._feed.note(method)


class _Disputes:
    def __init__(self, state: _State, feed: _Feed, locks: _Locks) -> None:
        self._state = state
        self._locks = locks
        self._feed = feed

    def add(self, dispute: Dispute) -> None:
        if self.find(dispute.report.gateway_dispute_id) is not None:
            raise ValueError(f"{dispute.report.gateway_dispute_id} is there already")
        self._locks.take(dispute.dispute_id)
        before = self._state.disputes.get(dispute.dispute_id)
        self._state.disputes[dispute.dispute_id] = dispute
        if before != dispute:
            self._feed.note(dispute)

    def save(self, dispute: Dispute) -> None:
        if dispute.dispute_id not in self._state.disputes:
            raise LookupError(dispute.dispute_id)
        self._locks.require(dispute.dispute_id)
        before = self._state.disputes.get(dispute.dispute_id)
        self._state.disputes[dispute.dispute_id] = dispute
        if before != dispute:
            self._feed.note(dispute)

    def get(self, dispute_id: DisputeId, *, lock: bool = False) -> Dispute | None:
        self._locks.take(dispute_id, lock=lock)
        return self._state.disputes.get(dispute_id)

    def find(self, gateway_dispute_id: str, *, lock: bool = False) -> Dispute | None:
        all_of_them = self._state.disputes.values()
        found = next((d for d in all_of_them if d.report.gateway_dispute_id == gateway_dispute_id), None)
        if found is not None:
            self._locks.take(found.dispute_id, lock=lock)
        return found

    def of_transaction(self, transaction_id: str) -> list[Dispute]:
        found = [d for d in self._state.disputes.values() if d.report.transaction_id == transaction_id]
        return sorted(found, key=lambda dispute: (dispute.create_time, dispute.dispute_id))

    def page(
        self, caller_id: CallerId | None, which: DisputeFilter, *, after: Position | None, limit: int
    ) -> list[Dispute]:
        found = [
            (Position(dispute.create_time, dispute.dispute_id), dispute)
            for dispute in self._state.disputes.values()
            if caller_id in (None, dispute.caller_id)
            and which.payment_id in (None, dispute.payment_id)
            and which.customer_id in (None, dispute.customer_id)
            and (not which.states or dispute.state in which.states)
            and (which.reply_before is None or _is_before(dispute.report.reply_by_time, which.reply_before))
        ]
        return _page(found, after, limit)

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[Dispute]:
        times = [(d.next_check_time, dispute_id) for dispute_id, d in self._state.disputes.items() if d.next_check_time]
        found = [self._state.disputes[dispute_id] for time, dispute_id in sorted(times) if _is_due(time, now)][:limit]
        for dispute in found:
            self._locks.take(dispute.dispute_id)
            self._state.disputes[dispute.dispute_id] = replace(dispute, next_check_time=lease_until)
        return found


def _is_before(time: datetime | None, limit: datetime) -> bool:
    return time is not None and time < limit


class _Notifications:
    def __init__(self, state: _State, locks: _Locks) -> None:
        self._state = state
        self._locks = locks

    def receive(self, notification: Notification, time: datetime) -> bool:
        is_new = notification.notification_id not in self._state.notifications
        if is_new:
            self._state.notifications[notification.notification_id] = StoredNotification(
                notification=notification, state=NotificationState.PENDING, receive_time=time, next_attempt_time=time
            )
        return is_new

    def save(self, stored: StoredNotification) -> None:
        if stored.notification.notification_id not in self._state.notifications:
            raise LookupError(stored.notification.notification_id)
        self._locks.require(stored.notification.notification_id)
        self._state.notifications[stored.notification.notification_id] = stored

    def get(self, notification_id: str, *, lock: bool = False) -> StoredNotification | None:
        self._locks.take(notification_id, lock=lock)
        return self._state.notifications.get(notification_id)

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[StoredNotification]:
        waiting = [
            (one.next_attempt_time, notification_id)
            for notification_id, one in self._state.notifications.items()
            if one.state is NotificationState.PENDING and one.next_attempt_time is not None
        ]
        found = []
        for _, notification_id in sorted(pair for pair in waiting if _is_due(pair[0], now))[:limit]:
            one = self._state.notifications[notification_id]
            self._locks.take(notification_id)
            claimed = replace(one, next_attempt_time=lease_until, attempt_count=one.attempt_count + 1)
            self._state.notifications[notification_id] = claimed
            found.append(claimed)
        return found

    def page(
        self, states: frozenset[NotificationState], *, after: Position | None, limit: int
    ) -> list[StoredNotification]:
        found = [
            (Position(one.receive_time, notification_id), one)
            for notification_id, one in self._state.notifications.items()
            if not states or one.state in states
        ]
        return _page(found, after, limit)

    def count(self) -> Mapping[NotificationState, int]:
        states = [one.state for one in self._state.notifications.values()]
        return {state: states.count(state) for state in (NotificationState.PENDING, NotificationState.DEAD)}


class _Requests:
    def __init__(self, state: _State) -> None:
        self._state = state

    def get(self, caller_id: CallerId, request_id: RequestId) -> RequestRecord | None:
        return self._state.requests.get((caller_id, request_id))

    def claim(self, record: RequestRecord) -> RequestRecord | None:
        key = (record.caller_id, record.request_id)
        earlier = self._state.requests.get(key)
        if earlier is None:
            self._state.requests[key] = replace(record, fingerprint=dict(record.fingerprint))
        return earlier

    def refuse(self, caller_id: CallerId, request_id: RequestId, refusal: Mapping[str, str]) -> None:
        key = (caller_id, request_id)
        self._state.requests[key] = replace(self._state.requests[key], refusal=dict(refusal))


class _Audit:
    def __init__(self, state: _State) -> None:
        self._state = state

    def add(self, entry: AuditEntry) -> None:
        self._state.audit.append(entry)

    def page(self, *, after: Position | None, limit: int) -> list[AuditEntry]:
        return _page([(Position(one.time, one.entry_id), one) for one in self._state.audit], after, limit)


class _ApiKeys:
    def __init__(self, state: _State) -> None:
        self._state = state

    def add(self, key: ApiKey) -> None:
        self._state.api_keys[key.key_id] = key

    def save(self, key: ApiKey) -> None:
        kept = self._state.api_keys.get(key.key_id)
        if kept is None:
            raise LookupError(key.key_id)
        self._state.api_keys[key.key_id] = replace(kept, revoke_time=key.revoke_time)

    def get(self, key_id: str) -> ApiKey | None:
        return self._state.api_keys.get(key_id)

    def all(self) -> list[ApiKey]:
        return sorted(self._state.api_keys.values(), key=lambda key: (key.create_time, key.key_id), reverse=True)

    def note_use(self, key_id: str, time: datetime, *, unless_after: datetime) -> None:
        key = self._state.api_keys.get(key_id)
        if key is not None and (key.last_use_time is None or key.last_use_time <= unless_after):
            self._state.api_keys[key_id] = replace(key, last_use_time=time)


class _Attempts:
    def __init__(self, state: _State) -> None:
        self._state = state

    def add(self, tallies: Collection[VelocityCounter]) -> None:
        for tally in tallies:
            place = (tally.key, tally.bucket, tally.card)
            self._state.tallies[place] = self._state.tallies.get(place, 0) + tally.count

    def counted(self, keys: Collection[str], start: datetime, end: datetime) -> Sequence[VelocityCounter]:
        return [
            VelocityCounter(*place, count)
            for place, count in self._state.tallies.items()
            if place[0] in keys and start < place[1] <= end
        ]

    def block(self, block: VelocityBlock) -> bool:
        for one in self._state.blocks:
            same = one.key == block.key and one.counts_cards == block.counts_cards
            if same and (one.create_time <= block.create_time < one.end_time or one.end_time == block.end_time):
                return False
        self._state.blocks.append(block)
        return True

    def blocks(self, *, after: Position | None, limit: int) -> Sequence[VelocityBlock]:
        return _page(((Position(one.create_time, one.block_id), one) for one in self._state.blocks), after, limit)

    def forget(self, before: datetime, after: datetime, blocks_before: datetime, limit: int) -> int:
        tallies = [place for place in self._state.tallies if not before <= place[1] <= after][:limit]
        blocks = [one for one in self._state.blocks if one.end_time < blocks_before][:limit]
        for place in tallies:
            del self._state.tallies[place]
        for one in blocks:
            self._state.blocks.remove(one)
        return len(tallies) + len(blocks)


def _page(found: Iterable[tuple[Position, Record]], after: Position | None, limit: int | None) -> list[Record]:
    def place(position: Position) -> tuple[datetime, str]:
        return position.time, position.id

    newest_first = sorted(found, key=lambda pair: place(pair[0]), reverse=True)
    return [record for position, record in newest_first if after is None or place(position) < place(after)][:limit]
