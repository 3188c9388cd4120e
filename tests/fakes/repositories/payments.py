"""Payments and their histories, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from application.common.pagination import Position
from application.ports.feed import FeedEntry, FeedKind, HistoryEntry
from application.ports.payment_filter import PaymentFilter, PaymentPage
from application.ports.runtime import IdSource
from application.ports.store import Archived, DetachedPayment, PaymentOperation, ReferenceTaken
from domain import ids as prefixes
from domain.dispute import Dispute
from domain.ids import CallerId, CustomerId, EventId, PaymentId
from domain.operation import Operation, OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.personal_data import erased_from
from tests.fakes.repositories.movements import book_payment
from tests.fakes.store_state import IndexedPayment, RowLocks, StoreState, copied_payment, is_due, newest_first_page


@dataclass
class _DetachedPayment:
    payment: Payment
    stored: Payment
    is_reattached: bool = False


class MemoryPayments:
    def __init__(self, state: StoreState, ids: IdSource, locks: RowLocks) -> None:
        self._state = state
        self._ids = ids
        self._locks = locks
        # By id(): the payments that this unit of work returned, each with its stored version.
        self._known: dict[int, tuple[Payment, Payment]] = {}

    def add(self, payment: Payment) -> None:
        if payment.terms.payment_id in self._state.payments:
            raise ValueError(f"{payment.terms.payment_id} exists already")
        self._locks.acquire(payment.terms.payment_id)
        self._store(payment)

    def save(self, payment: Payment) -> None:
        known = self._known.get(id(payment))
        if known is None or known[1] is not self._state.payments.get(payment.terms.payment_id):
            raise RuntimeError(f"{payment.terms.payment_id} was not read in this unit of work")
        self._locks.require(payment.terms.payment_id)
        self._store(payment)

    def get(self, payment_id: PaymentId, *, lock: bool = False) -> Payment | None:
        self._locks.acquire(payment_id, lock=lock)
        stored = self._state.payments.get(payment_id)
        return None if stored is None else self._tracked_copy(stored)

    def paying(self, caller_id: CallerId, reference: str) -> PaymentId | None:
        wanted = (caller_id, reference, None)
        for one in self._state.payments.values():
            if one.is_live and (one.terms.caller_id, one.terms.reference, one.terms.reference_space) == wanted:
                return one.terms.payment_id
        return None

    def find(self, payment_ids: Collection[PaymentId]) -> list[Payment]:
        return [self._tracked_copy(self._state.payments[one]) for one in payment_ids if one in self._state.payments]

    def detach(self, payment: Payment) -> DetachedPayment:
        return _DetachedPayment(payment, self._state.payments[payment.terms.payment_id])

    def reattach(self, kept: DetachedPayment) -> Payment | None:
        if not isinstance(kept, _DetachedPayment) or kept.is_reattached:
            return None
        kept.is_reattached = True
        if self._state.payments.get(kept.payment.terms.payment_id) is not kept.stored:
            return None
        self._locks.acquire(kept.payment.terms.payment_id)
        self._known[id(kept.payment)] = (kept.payment, kept.stored)
        return kept.payment

    def page(
        self, caller_id: CallerId | None, which: PaymentFilter, *, after: Position | None, limit: int
    ) -> PaymentPage:
        found = [
            (Position(payment.create_time, payment_id), payment)
            for payment_id, payment in self._state.payments.items()
            if caller_id in (None, payment.terms.caller_id)
            and matches(payment, which, list(self._state.disputes.values()))
        ]
        page = [self._tracked_copy(payment) for payment in newest_first_page(found, after, limit + 1)]
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
            if self._can_be_archived(payment_id, before) and payment_id not in unsequenced
        ]
        count = sum(len(self._state.history[one]) - self._state.archived.get(one, 0) for one in moved)
        self._state.archived |= {payment_id: len(self._state.history[payment_id]) for payment_id in moved}
        is_over = len(events) < limit or events[-1][1] >= before
        return Archived(len(moved), count, None if is_over else events[-1][0])

    def _can_be_archived(self, payment_id: PaymentId, before: datetime) -> bool:
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
        later = [payment for sort_key, payment in found if after is None or sort_key > (after.time, after.id)]
        return [self._tracked_copy(payment) for payment in later[:limit]]

    def due_for_poll(self, now: datetime, lease_until: datetime, limit: int) -> list[Payment]:
        times = [(p.next_poll_time, payment_id) for payment_id, p in self._state.payments.items() if p.next_poll_time]
        claimed = []
        for _, payment_id in sorted(pair for pair in times if is_due(pair[0], now, timedelta(days=14)))[:limit]:
            payment = copied_payment(self._state.payments[payment_id])
            payment.next_poll_time = lease_until
            self._locks.acquire(payment_id)
            self._state.payments[payment_id] = payment
            claimed.append(self._tracked_copy(payment))
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
        """Does nothing: there is only one writing unit of work at a time."""

    def unresolved(
        self, started_before: datetime | None, *, after: Position | None, limit: int
    ) -> list[PaymentOperation]:
        def is_wanted(operation: Operation) -> bool:
            started = operation.state is OperationState.STARTED
            return started and (started_before is None or operation.create_time < started_before)

        return self._operations(is_wanted, after)[:limit]

    def succeeded(
        self, start: datetime, end: datetime, *, after: Position | None, limit: int
    ) -> list[PaymentOperation]:
        def is_wanted(operation: Operation) -> bool:
            return operation.state is OperationState.SUCCEEDED and start <= operation.create_time < end

        return self._operations(is_wanted, after)[:limit]

    def _operations(
        self, is_wanted: Callable[[Operation], bool], after: Position | None = None
    ) -> list[PaymentOperation]:
        """The operations that `is_wanted`, oldest first."""
        found = []
        for stored in self._state.payments.values():
            wanted = [operation.operation_id for operation in stored.operations if is_wanted(operation)]
            if wanted:
                payment = self._tracked_copy(stored)
                found += [PaymentOperation(payment, payment.operation(operation_id)) for operation_id in wanted]

        def sort_key(one: PaymentOperation) -> tuple[datetime, str]:
            return one.operation.create_time, one.operation.operation_id

        return [one for one in sorted(found, key=sort_key) if after is None or sort_key(one) > (after.time, after.id)]

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        for payment_id, stored in list(self._state.payments.items()):
            if stored.terms.customer_id == customer_id:
                self.erase_guest(payment_id)

    def erase_guest(self, payment_id: PaymentId) -> None:
        payment = copied_payment(self._state.payments[payment_id])
        payment.terms = erased_from(payment.terms)
        payment.instrument = erased_from(payment.instrument)
        self._state.payments[payment_id] = payment
        self._state.history[payment_id] = [
            replace(entry, event=erased_from(entry.event)) for entry in self._state.history[payment_id]
        ]
        self._state.indexed[payment_id] = IndexedPayment(frozenset(), is_stale=True)

    def _tracked_copy(self, stored: Payment) -> Payment:
        payment = copied_payment(stored)
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
        book_payment(self._state, payment, len(entries))
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
        payment.clear_new()
        stored = copied_payment(payment)
        self._state.payments[terms.payment_id] = stored
        self._known[id(payment)] = (payment, stored)


def matches(payment: Payment, which: PaymentFilter, disputes: Sequence[Dispute]) -> bool:
    """Whether the payment meets the filter."""
    terms, instrument = payment.terms, payment.instrument
    states = {one.state for one in disputes if one.payment_id == terms.payment_id}
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
        (which.funds or None, payment.funds in which.funds),
        (which.dispute_states or None, bool(states & which.dispute_states)),
        (which.is_disputed, bool(states) is which.is_disputed),
    )
    return all(fits for asked, fits in validator if asked is not None)
