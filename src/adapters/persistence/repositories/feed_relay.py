"""The relay of the feed: gives committed events their positions, in one order, with few statements for many events."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Update,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.types import NullType

from adapters.persistence.sql.bulk import OfKeys, OfNumbers
from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.sql.statements import UniqueViolation, limited, savepoint
from adapters.persistence.tables import IS_UNPUBLISHED, feed_events, payment_events, payments
from application.ports.feed import FeedKind

# The resource whose events stay in sequence: a payment, or a customer with their methods. Its kind, caller, customer
# and payment; of a payment's own events, only the payment.
_Owner = tuple[str, str, str, str]
# The event's id, its time as the driver has it, its sequence and its owner.
_Event = tuple[str, Any, int, _Owner]

_feed: Final = feed_events.c
_events: Final = payment_events.c
# A time as the driver gives it: SQLite's is a text, in the order of times.
_EVENT: Final = (_events.event_id, type_coerce(_events.time, NullType()), _events.sequence, _events.payment_id)
_EARLIEST: Final = Prepared(
    limited(select(*_EVENT).where(IS_UNPUBLISHED).order_by(_events.time, _events.event_id), bindparam("limit"))
)
# No condition on the position: a planner would rather read all events without one than look up these payments.
_HISTORIES: Final = OfKeys(lambda keys: select(*_EVENT, _events.position).where(_events.payment_id.in_(keys)))
_WHOSE: Final = (_feed.kind, _feed.caller_id, _feed.customer_id, _feed.payment_id)
_CHANGES: Final = select(_feed.event_id, type_coerce(_feed.time, NullType()), _feed.sequence, *_WHOSE).where(
    IS_UNPUBLISHED
)
_EARLIEST_CHANGES: Final = Prepared(limited(_CHANGES.order_by(_feed.event_id), bindparam("limit")))
_END: Final = Prepared(select(func.max(_feed.position)))
_IS_WAITING: Final = Prepared(
    select(
        or_(
            select(_events.event_id).where(IS_UNPUBLISHED).exists(),
            select(_feed.event_id).where(IS_UNPUBLISHED).exists(),
        )
    )
)
_LOCK_END: Final = Prepared(
    select(_feed.position).where(_feed.position == bindparam("last")).with_for_update(skip_locked=True)
)


def _of_payments(event_id: ColumnElement[str], position: ColumnElement[int]) -> Insert:
    """The entries of payments' events: each points into its payment's history."""
    entry = {
        "event_id": _events.event_id,
        "position": position,
        "kind": literal_column(f"'{FeedKind.PAYMENT.value}'"),
        "caller_id": payments.c.caller_id,
        "customer_id": func.coalesce(payments.c.customer_id, literal_column("''")),
        "payment_id": _events.payment_id,
        "sequence": _events.sequence,
        "time": _events.time,
        "actor": _events.actor,
        "payload": literal_column("''"),
    }
    rows = (
        select(*entry.values())
        .join_from(payment_events, payments, payments.c.payment_id == _events.payment_id)
        .where(_events.event_id == event_id)
    )
    return insert(feed_events).from_select(list(entry), rows)


def _marked(event_id: ColumnElement[str], position: ColumnElement[int]) -> Update:
    return update(payment_events).where(_events.event_id == event_id).values(position=position)


def _changes(event_id: ColumnElement[str], position: ColumnElement[int]) -> Update:
    own = update(feed_events).where(_feed.event_id == event_id, IS_UNPUBLISHED)
    return own.values(position=position)


_ADD_OF_PAYMENTS: Final = OfNumbers(_of_payments)
_MARK: Final = OfNumbers(_marked)
_PUBLISH: Final = OfNumbers(_changes)


def is_waiting(connection: Connection) -> bool:
    """Whether an event waits for its position. One statement."""
    return bool(_IS_WAITING.all(connection, {})[0][0])


def end_of_feed(connection: Connection) -> int:
    return _END.all(connection, {})[0][0] or 0


def relay(connection: Connection, limit: int) -> int:
    """Gives the earliest events their positions, about `limit`. Returns their number; 0 also while another relay
    works.
    """
    last = end_of_feed(connection)
    of_payments, changes = _unpublished_payment_events(connection, limit), _unpublished_changes(connection, limit)
    ordered = _in_order([*of_payments, *changes])
    if not ordered or not _is_only_relay(connection, last):
        return 0
    positions = {event_id: position for position, event_id in enumerate(ordered, last + 1)}
    try:
        with savepoint(connection):
            _publish(connection, *({one[0]: positions[one[0]] for one in each} for each in (of_payments, changes)))
    except UniqueViolation:
        # No row to lock existed yet, or this transaction sees an old one: another relay was first.
        return 0
    return len(ordered)


def _publish(connection: Connection, of_payments: dict[str, int], changes: dict[str, int]) -> None:
    """Raises UniqueViolation, and IntegrityError if another relay took a position or an event."""
    if of_payments:
        _ADD_OF_PAYMENTS.run(connection, of_payments)
        _MARK.run(connection, of_payments)
    if changes and _PUBLISH.run(connection, changes) < len(changes):
        raise UniqueViolation


def _is_only_relay(connection: Connection, last: int) -> bool:
    """Whether the feed still ends where it did before its next events were read, and no other relay appends to it.

    The row of the feed's end is locked until the new positions are visible: every engine with PostgreSQL's protocol
    has row locks. SQLite has one writer.
    """
    if connection.dialect.name != "postgresql":
        return True
    if last and not _LOCK_END.all(connection, {"last": last}):
        return False
    return end_of_feed(connection) == last


def _unpublished_payment_events(connection: Connection, limit: int) -> list[_Event]:
    """The earliest events, and all that precede them in the history of their payments."""
    earliest: Sequence[Any] = _EARLIEST.all(connection, {"limit": limit})
    if len(earliest) >= limit:
        # Replicas' clocks differ: an event can have an earlier time than its predecessor in the same history.
        last: dict[str, int] = defaultdict(int)
        for _, _, sequence, payment_id in earliest:
            last[payment_id] = max(last[payment_id], sequence)
        histories = _HISTORIES.all(connection, last)
        earliest = [row for *row, position in histories if position is None and row[2] <= last[row[3]]]
    return [(event_id, time, sequence, ("", "", "", own)) for event_id, time, sequence, own in earliest]


def _unpublished_changes(connection: Connection, limit: int) -> list[_Event]:
    found: Sequence[Any] = _EARLIEST_CHANGES.all(connection, {"limit": limit})
    if len(found) >= limit:
        # As above. They are few: the waiting events of one customer or payment.
        last: dict[Any, int] = defaultdict(int)
        for _, _, sequence, *owner in found:
            last[tuple(owner)] = max(last[tuple(owner)], sequence)
        whole = connection.execute(_CHANGES.where(tuple_(*_WHOSE).in_(list(last)))).all()
        found = [row for row in whole if row[2] <= last[tuple(row[3:])]]
    return [(event_id, time, sequence, (a, b, c, d)) for event_id, time, sequence, a, b, c, d in found]


def _in_order(events: Sequence[_Event]) -> list[str]:
    """The ids by time; the events of one resource stay in their sequence, whatever their times."""
    waiting: defaultdict[_Owner, deque[str]] = defaultdict(deque)
    for event_id, _, _, owner in sorted(events, key=lambda event: (event[2], event[0])):
        waiting[owner].append(event_id)
    slots = sorted((time, event_id, owner) for event_id, time, _, owner in events)
    return [waiting[owner].popleft() for _, _, owner in slots]
