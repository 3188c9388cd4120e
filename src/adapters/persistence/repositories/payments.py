"""The payment repository: payments with their operations and their history."""

import logging
from collections import defaultdict, namedtuple
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    LABEL_STYLE_NONE,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import (
    INSTRUMENT_FIELDS,
    OPERATION_REST,
    Values,
    event_from_row,
    event_to_row,
    operation_to_changes,
    operation_to_row,
    payment_from_rows,
    payment_to_changes,
    payment_to_row,
)
from adapters.persistence.newer_records import newer_entries
from adapters.persistence.observer import NOTHING, PaymentChange, Recorder
from adapters.persistence.repositories import payment_archives as archive
from adapters.persistence.repositories.disputed_payments import disputes_lead, page_of_disputed_payments
from adapters.persistence.repositories.movement_rows import ADD_MOVEMENT, payment_rows
from adapters.persistence.repositories.payment_indexes import page_of_payments
from adapters.persistence.repositories.search_documents import remove_documents
from adapters.persistence.sql.keyset_pagination import Bound, IndexScan, scan_page
from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.sql.statements import UniqueViolation, insert_if_absent, is_due, savepoint
from adapters.persistence.tables import (
    HAS_TRANSACTION,
    IS_FOLLOWED,
    IS_LIVE,
    IS_LIVE_IN_SPACE,
    IS_OPEN,
    operations,
    payment_events,
    payments,
)
from application.common.errors import RecordTooNew
from application.common.pagination import Position
from application.ports.feed import HistoryEntry
from application.ports.payment_filter import PaymentFilter, PaymentPage
from application.ports.runtime import IdSource
from application.ports.store import Archived, DetachedPayment, PaymentOperation, ReferenceTaken
from domain import ids as prefixes
from domain.ids import CallerId, CustomerId, EventId, PaymentId
from domain.operation import Operation, OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.personal_data import erased_from_json

_log = logging.getLogger(__name__)

_UPDATE_PAYMENT: Final = Prepared(
    update(payments).where(
        payments.c.payment_id == bindparam("own_id"), payments.c.version == bindparam("read_version")
    )
)
_BY_ID: Final = payments.c.payment_id == bindparam("payment_id")
_ONE_LOCKED: Final = Prepared(select(payments).where(_BY_ID).with_for_update())
_OPERATIONS_OF_ONE: Final = Prepared(
    select(operations)
    .where(operations.c.payment_id == bindparam("payment_id"))
    .order_by(operations.c.payment_id, operations.c.sequence)
)
# One round trip.
_ONE_WITH_OPERATIONS: Final = Prepared(
    select(payments, operations)
    .outerjoin_from(payments, operations, operations.c.payment_id == payments.c.payment_id)
    .where(_BY_ID)
    .order_by(operations.c.sequence)
    .set_label_style(LABEL_STYLE_NONE)
)
_WIDTH: Final = len(payments.c)
# mypy knows only literal names.
_row_type: Final[Callable[..., Any]] = namedtuple
_PaymentRow: Final = _row_type("_PaymentRow", payments.c.keys())
_OperationRow: Final = _row_type("_OperationRow", operations.c.keys())
_VERSION_LOCKED: Final = Prepared(select(payments.c.version).where(_BY_ID).with_for_update())
_OPERATIONS_OF: Final = (
    select(operations)
    .where(operations.c.payment_id.in_(bindparam("payment_ids", expanding=True)))
    .order_by(operations.c.payment_id, operations.c.sequence)
)
# Settled payments are polled weekly in the end.
_MAX_POLL_AHEAD: Final = timedelta(days=14)
# The first half of the advisory lock's key separates it from locks of other kinds.
_TRANSACTIONS: Final = 1
_CLAIM_TRANSACTION: Final = text("SELECT pg_advisory_xact_lock(:kind, hashtext(:transaction_id))")
_ADD_OPERATION: Final = Prepared(insert(operations))
_ADD_EVENT: Final = Prepared(insert(payment_events))
_UPDATE_OPERATION: Final = Prepared(update(operations).where(operations.c.operation_id == bindparam("own_id")))


class StaleWrite(RuntimeError):
    """Optimistic lock failure: the payment changed since it was read, or was not read here. An internal fault."""

    def __init__(self, payment_id: PaymentId) -> None:
        super().__init__(f"{payment_id} was not read under a lock in this unit of work")
        self.payment_id = payment_id


@dataclass(slots=True)
class _StoredState:
    """The database's state of a payment object."""

    # A reference, so that no other object gets its identity.
    payment: Payment
    version: int
    event_count: int
    operations: tuple[Operation, ...]
    is_live: bool
    next_poll_time: datetime | None
    # As they were read: a newer version may have written entries that this one does not know.
    operation_rows: Sequence[Any] = ()
    # The number of events whose movements are booked. A version without the ledger leaves it behind.
    booked_event_count: int | None = 0
    instrument: Values | None = None
    # A later unit of work has the object, and changes it.
    is_reattached: bool = False
    # No other unit of work changes the row before this one ends.
    is_locked: bool = False


class SqlPayments:
    def __init__(self, connection: Connection, ids: IdSource, sealer: Sealer, recorder: Recorder | None = None) -> None:
        """recorder: receives the changes of payments."""
        self._recorder = recorder
        self._sealer = sealer
        self._connection = connection
        self._ids = ids
        self._stored: dict[int, _StoredState] = {}
        # The versions that this unit of work has written, of which there may be several copies.
        self._written: dict[PaymentId, int] = {}

    def add(self, payment: Payment) -> None:
        row = payment_to_row(payment, self._sealer) | {
            "version": 1,
            "event_count": len(payment.new_events),
            "booked_event_count": len(payment.new_events),
        }
        self._refuse_if_paid_in_another_scope(payment)
        in_space = payment.terms.reference_space is not None
        unique = ("caller_id", "reference_space", "reference") if in_space else ("caller_id", "reference")
        where = IS_LIVE_IN_SPACE if in_space else IS_LIVE
        while not insert_if_absent(self._connection, payments, row, *unique, where=where):
            # Retried only if the other payment ended between the two statements.
            holder = self._holder(payment)
            if holder is not None:
                raise ReferenceTaken(holder)
        stored = _StoredState(payment, 1, 0, (), payment.is_live, payment.next_poll_time)
        stored.booked_event_count = len(payment.new_events)
        self._write_operations(stored)
        self._write_events(stored)
        self._stored[id(payment)] = stored

    def save(self, payment: Payment) -> None:
        stored = self._stored.get(id(payment))
        if stored is None:
            raise StaleWrite(payment.terms.payment_id)
        unmoved = payment.next_poll_time == stored.next_poll_time
        if unmoved and not payment.new_events and _same(payment.operations, stored.operations):
            return
        if payment.is_live and not stored.is_live:
            if payment.is_asked_to_pay:
                self._refuse_if_paid_in_another_scope(payment)
            try:
                with savepoint(self._connection):
                    self._write_payment(stored)
            except UniqueViolation as refusal:
                if payment.is_asked_to_pay:
                    # It can be gone again by now; a retry will see.
                    raise ReferenceTaken(self._holder(payment) or payment.terms.payment_id) from refusal
                # The gateway's action is a fact, and is recorded. People must resolve that two payments now hold money
                # for one reference.
                _log.error(
                    "payment %s holds money again, and payment %s for the same reference does too",
                    payment.terms.payment_id,
                    self._holder(payment),
                )
                # A scope of its own has no other payments.
                in_space = payment.terms.reference_space is not None
                apart = {"reference_space": payment.terms.payment_id} if in_space else {"is_live": False}
                self._write_payment(stored, **apart)
        else:
            self._write_payment(stored, later=stored.is_locked)
        self._write_operations(stored)
        self._write_events(stored)

    def get(self, payment_id: PaymentId, *, lock: bool = False) -> Payment | None:
        key = {"payment_id": payment_id}
        if lock:
            # No join with the operations: PostgreSQL would return those as they were before the wait for the lock.
            locked = _ONE_LOCKED.all(self._connection, key)
            if not locked:
                return None
            its = [_OperationRow._make(row) for row in _OPERATIONS_OF_ONE.all(self._connection, key)]
            return self._restored(_PaymentRow._make(locked[0]), its, is_locked=True)
        rows = _ONE_WITH_OPERATIONS.all(self._connection, key)
        if not rows:
            return None
        own = [_OperationRow._make(row[_WIDTH:]) for row in rows if row[_WIDTH] is not None]
        return self._restored(_PaymentRow._make(rows[0][:_WIDTH]), own)

    def paying(self, caller_id: CallerId, reference: str) -> PaymentId | None:
        table = payments.c
        same = select(table.payment_id).where(table.caller_id == caller_id, table.reference == reference, IS_LIVE)
        return self._connection.execute(same).scalar()

    def find(self, payment_ids: Collection[PaymentId]) -> list[Payment]:
        return self._load(
            self._connection.execute(select(payments).where(payments.c.payment_id.in_(payment_ids))).all()
        )

    def detach(self, payment: Payment) -> DetachedPayment:
        return replace(self._stored[id(payment)], is_reattached=False, is_locked=False)

    def reattach(self, kept: DetachedPayment) -> Payment | None:
        if not isinstance(kept, _StoredState) or kept.is_reattached:
            return None
        kept.is_reattached = True
        payment = kept.payment
        key = {"payment_id": payment.terms.payment_id}
        if [tuple(row) for row in _VERSION_LOCKED.all(self._connection, key)] != [(kept.version,)]:
            return None
        kept.is_locked = True
        self._stored[id(payment)] = kept
        return payment

    def page(
        self, caller_id: CallerId | None, which: PaymentFilter, *, after: Position | None, limit: int
    ) -> PaymentPage:
        read = page_of_disputed_payments if disputes_lead(self._connection, which) else page_of_payments
        rows, last = read(self._connection, caller_id, which, after, limit)
        return PaymentPage(self._load(rows), last)

    def history(
        self, payment_id: PaymentId, *, after_sequence: int = 0, limit: int | None = None
    ) -> list[HistoryEntry]:
        table = payment_events.c
        statement = (
            select(payment_events)
            .where(table.payment_id == payment_id, table.sequence > after_sequence)
            .order_by(table.sequence)
            .limit(limit)
        )
        history = [event_from_row(row, self._sealer) for row in self._connection.execute(statement)]
        if history and history[0].sequence == after_sequence + 1:
            return history
        before = archive.archived_events(self._connection, self._sealer, payment_id)
        return [*(entry for entry in before if entry.sequence > after_sequence), *history][:limit]

    def archive(self, before: datetime, *, after: str, limit: int) -> Archived:
        return archive.archive_batch(self._connection, self._sealer, before, after=after, limit=limit)

    def oldest_first(self, start: datetime, end: datetime, *, after: Position | None, limit: int) -> list[Payment]:
        table = payments.c
        low = Bound((after.time, after.id)) if after is not None else Bound((start,), inclusive=True)
        scan = IndexScan(equality_prefix={}, order=(table.create_time, table.payment_id), low=low, high=Bound((end,)))
        return self._load(scan_page(self._connection, [scan], [], limit)[0])

    def due_for_poll(self, now: datetime, lease_until: datetime, limit: int) -> list[Payment]:
        table = payments.c
        statement = (
            select(payments)
            .where(IS_FOLLOWED, is_due(table.follow_time, now, _MAX_POLL_AHEAD))
            .order_by(table.follow_time)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = self._connection.execute(statement).all()
        due = self._load_readable(rows, lease_until)
        for payment in due:
            payment.next_poll_time = lease_until
            self.save(payment)
        return due

    def find_operations(
        self, operation_ids: Collection[str], transaction_ids: Collection[str]
    ) -> list[PaymentOperation]:
        table = operations.c
        on_one = and_(HAS_TRANSACTION, table.transaction_id.in_(transaction_ids))
        statement = select(table.payment_id, table.operation_id)
        return self._with_payments(statement.where(or_(table.operation_id.in_(operation_ids), on_one)))

    def claim_transaction(self, transaction_id: str) -> None:
        # SQLite lets one transaction write at a time.
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_CLAIM_TRANSACTION, {"kind": _TRANSACTIONS, "transaction_id": transaction_id})

    def unresolved(
        self, started_before: datetime | None, *, after: Position | None, limit: int
    ) -> list[PaymentOperation]:
        table = operations.c
        # A few first, in no order: planners would rather read all in order until they find a match.
        few = select(operations).where(IS_OPEN, table.state == OperationState.STARTED.value).cte("open_ones")
        one = few.prefix_with("MATERIALIZED").c
        statement = select(one.payment_id, one.operation_id).order_by(one.create_time, one.operation_id).limit(limit)
        if started_before is not None:
            statement = statement.where(one.create_time < started_before)
        if after is not None:
            statement = statement.where(tuple_(one.create_time, one.operation_id) > tuple_(after.time, after.id))
        return self._with_payments(statement)

    def succeeded(
        self, start: datetime, end: datetime, *, after: Position | None, limit: int
    ) -> list[PaymentOperation]:
        table = operations.c
        statement = select(table.payment_id, table.operation_id).where(
            table.state == OperationState.SUCCEEDED.value, table.create_time < end
        )
        # One lower bound: a planner that is given two may choose the earlier.
        if after is None:
            statement = statement.where(table.create_time >= start)
        else:
            statement = statement.where(tuple_(table.create_time, table.operation_id) > tuple_(after.time, after.id))
        return self._with_payments(statement.order_by(table.create_time, table.operation_id).limit(limit))

    def _with_payments(self, statement: Select[Any]) -> list[PaymentOperation]:
        found = self._connection.execute(statement).all()
        if not found:
            return []
        wanted = {row.payment_id for row in found}
        rows = self._connection.execute(select(payments).where(payments.c.payment_id.in_(wanted))).all()
        loaded = {payment.terms.payment_id: payment for payment in self._load(rows)}
        return [
            PaymentOperation(loaded[row.payment_id], loaded[row.payment_id].operation(row.operation_id))
            for row in found
        ]

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        self._erase(payments.c.customer_id == customer_id)

    def erase_guest(self, payment_id: PaymentId) -> None:
        self._erase(payments.c.payment_id == payment_id)

    def _erase(self, which: ColumnElement[bool]) -> None:
        own = select(payments.c.payment_id, payments.c.terms, payments.c.instrument)
        # Locked, so that nobody writes meanwhile data that would escape erasure.
        own = own.where(which).order_by(payments.c.payment_id).with_for_update()
        rows = self._connection.execute(own).all()
        for row in rows:
            bare = {
                "terms": erased_from_json(row.terms),
                "instrument": erased_from_json(row.instrument) if row.instrument is not None else None,
                "version": payments.c.version + 1,
            }
            this = payments.c.payment_id == row.payment_id
            self._connection.execute(update(payments).where(this).values(bare))
            self._erase_history(row.payment_id)
        remove_documents(self._connection, [row.payment_id for row in rows])

    def _erase_history(self, payment_id: PaymentId) -> None:
        archive.erase_personal_data(self._connection, self._sealer, payment_id)
        table = payment_events.c
        history = select(table.event_id, table.payload).where(table.payment_id == payment_id)
        for event_id, payload in self._connection.execute(history).all():
            bare = erased_from_json(payload)
            if bare != payload:
                self._connection.execute(update(payment_events).where(table.event_id == event_id).values(payload=bare))

    def _load(self, rows: Sequence[Row[Any]]) -> list[Payment]:
        if not rows:
            return []
        own: defaultdict[str, list[Any]] = defaultdict(list)
        payment_ids = [row.payment_id for row in rows]
        for operation in self._connection.execute(_OPERATIONS_OF, {"payment_ids": payment_ids}):
            own[operation.payment_id].append(operation)
        return [self._restored(row, own[row.payment_id]) for row in rows]

    def _restored(self, row: Any, own: Sequence[Any], *, is_locked: bool = False) -> Payment:
        payment = payment_from_rows(row, own, self._sealer)
        is_live = row.is_live if row.reference_space is None else payment.is_live
        stored = _StoredState(payment, row.version, row.event_count, payment.operations, is_live, row.follow_time)
        stored.operation_rows, stored.instrument, stored.is_locked = own, row.instrument, is_locked
        stored.booked_event_count = row.booked_event_count
        self._stored[id(payment)] = stored
        return payment

    def _load_readable(self, rows: Sequence[Row[Any]], postponed_to: datetime) -> list[Payment]:
        """Those that this version can read. The others are postponed: they must not stop the rest."""
        try:
            return self._load(rows)
        except RecordTooNew:
            found = []
            for row in rows:
                try:
                    found += self._load([row])
                except RecordTooNew as failure:
                    _log.warning("payment %s waits for a process of a newer version: %s", row.payment_id, failure)
                    later = update(payments).where(payments.c.payment_id == row.payment_id)
                    self._connection.execute(later.values(follow_time=postponed_to))
            return found

    def _write_payment(self, stored: _StoredState, *, later: bool = False, **overruled: bool | str) -> None:
        """later: the row is locked, so that only this unit of work may have changed it since."""
        payment = stored.payment
        payment_id = payment.terms.payment_id
        event_count = stored.event_count + len(payment.new_events)
        if stored.booked_event_count == stored.event_count:
            stored.booked_event_count = event_count
        values = payment_to_changes(payment, self._sealer) | {
            "version": stored.version + 1,
            "event_count": event_count,
            "booked_event_count": stored.booked_event_count,
            **overruled,
        }
        if values["instrument"] is not None:
            values["instrument"] |= newer_entries(stored.instrument, INSTRUMENT_FIELDS)
        key = {"own_id": payment_id, "read_version": stored.version}
        if later and self._written.get(payment_id, stored.version) == stored.version:
            _UPDATE_PAYMENT.run_later(self._connection, values | key)
        elif not _UPDATE_PAYMENT.run(self._connection, values | key):
            raise StaleWrite(payment_id)
        stored.version += 1
        self._written[payment_id] = stored.version
        stored.is_live = values["is_live"] if payment.terms.reference_space is None else payment.is_live
        stored.next_poll_time = payment.next_poll_time

    def _write_operations(self, stored: _StoredState) -> None:
        payment, known = stored.payment, len(stored.operations)
        payment_id = payment.terms.payment_id
        # Operations are values: a changed one is another object.
        changed = [now for now, then in zip(payment.operations, stored.operations, strict=False) if now is not then]
        if changed:
            rows = [operation_to_changes(operation) | {"own_id": operation.operation_id} for operation in changed]
            before = {row.operation_id: row.rest for row in stored.operation_rows}
            for row in rows:
                row["rest"] |= newer_entries(before.get(row["own_id"]), OPERATION_REST)
            _UPDATE_OPERATION.run_later(self._connection, *rows)
        new = payment.operations[known:]
        if new:
            trace = self._recorder.trace if self._recorder is not None else NOTHING
            rows = [
                {**operation_to_row(operation, payment_id, known + n), **trace} for n, operation in enumerate(new, 1)
            ]
            _ADD_OPERATION.run_later(self._connection, *rows)
        stored.operations = payment.operations

    def _write_events(self, stored: _StoredState) -> None:
        payment = stored.payment
        payment_id, events = payment.terms.payment_id, payment.new_events
        if not events:
            return
        rows = [
            event_to_row(EventId(self._ids.new(prefixes.EVENT)), payment_id, sequence, event, state.value, self._sealer)
            for sequence, (event, state) in enumerate(
                zip(events, self._states_after(stored), strict=True), stored.event_count + 1
            )
        ]
        _ADD_EVENT.run_later(self._connection, *rows)
        if payment.new_movements:
            numbered = [(stored.event_count + 1 + index, movement) for index, movement in payment.new_movements]
            times = {stored.event_count + n: event.context.time for n, event in enumerate(events, 1)}
            moved = [row | {"record_time": times[number]} for number, row in payment_rows(payment_id, numbered)]
            ADD_MOVEMENT.run_later(self._connection, *moved)
        stored.event_count += len(events)
        if self._recorder is not None:
            self._recorder.changes.append(PaymentChange(payment, tuple(events)))
        payment.clear_new()

    def _states_after(self, stored: _StoredState) -> list[PaymentState]:
        """The state after each new event."""
        payment = stored.payment
        last = payment.state if payment.operations else PaymentState.PENDING
        if len(payment.new_events) == 1:
            return [last]
        before = [entry.event for entry in self.history(payment.terms.payment_id)] if stored.event_count else []
        states = Payment.states_in([*before, *payment.new_events[:-1]])
        return [*islice(states, len(before), None), last]

    def _refuse_if_paid_in_another_scope(self, payment: Payment) -> None:
        """The customer's row is locked, so that nobody else starts to pay for the customer's same order meanwhile."""
        terms = payment.terms
        if terms.customer_id is None:
            return
        table = payments.c
        same = select(payments).where(table.caller_id == terms.caller_id, table.reference == terms.reference)
        if terms.reference_space is None:
            elsewhere = same.where(table.reference_space == terms.customer_id, IS_LIVE_IN_SPACE)
        else:
            elsewhere = same.where(table.customer_id == terms.customer_id, IS_LIVE)
        for other in self._load(self._connection.execute(elsewhere).all()):
            if other.already_pays(terms):
                raise ReferenceTaken(other.terms.payment_id)

    def _holder(self, payment: Payment) -> PaymentId | None:
        """The live payment with the reference in its scope."""
        terms, table = payment.terms, payments.c
        if terms.reference_space is None:
            return self.paying(terms.caller_id, terms.reference)
        same = select(table.payment_id).where(table.caller_id == terms.caller_id, table.reference == terms.reference)
        return self._connection.execute(
            same.where(table.reference_space == terms.reference_space, IS_LIVE_IN_SPACE)
        ).scalar()


def _same(now: tuple[Operation, ...], then: tuple[Operation, ...]) -> bool:
    return len(now) == len(then) and all(a is b for a, b in zip(now, then, strict=True))
