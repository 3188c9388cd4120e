"""The change feed: a transactional outbox. The relay numbers events after the commit, so readers never miss one."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    TextClause,
    bindparam,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import feed_entry_from_row, feed_payload, feed_payload_without_personal_data
from adapters.persistence.sql.keyset_pagination import Bound, Condition, IndexScan, scan_page
from adapters.persistence.sql.statements import UniqueViolation, savepoint
from adapters.persistence.tables import HAS_CUSTOMER, IS_UNPUBLISHED, feed_events, payment_events, payments
from application.ports.feed import FeedEntry, FeedFilter, FeedKind, Resource
from application.ports.runtime import IdSource
from domain import ids as prefixes
from domain.checkout import Checkout
from domain.customer import Customer
from domain.dispute import Dispute
from domain.events import OnBehalf
from domain.ids import CustomerId, EventId
from domain.payment_method import PaymentMethod

_Owner = tuple[str, str, str, str]

_PUBLISH_PAYMENT_EVENT: Final = (
    update(payment_events)
    .where(payment_events.c.event_id == bindparam("own_id"))
    .values(position=bindparam("own_position"))
)
_PUBLISH_CHANGE: Final = (
    update(feed_events)
    .where(feed_events.c.event_id == bindparam("own_id"), IS_UNPUBLISHED)
    .values(position=bindparam("own_position"))
)


@dataclass(frozen=True, slots=True)
class FeedWriter:
    """Appends the change to the outbox, in the transaction that makes the change."""

    connection: Connection
    ids: IdSource
    sealer: Sealer
    actor: str
    on_behalf: OnBehalf | None = None

    def append(self, *resources: Resource) -> None:
        for resource in resources:
            self.connection.execute(insert(feed_events), self._row(resource))

    def _row(self, resource: Resource) -> dict[str, Any]:
        event_id = EventId(self.ids.new(prefixes.EVENT))
        about = {
            "kind": _kind_of(resource).value,
            "caller_id": resource.caller_id,
            "customer_id": _customer_of(self.connection, resource),
            "payment_id": resource.payment_id if isinstance(resource, Dispute) else "",
        }
        return {
            **about,
            "event_id": event_id,
            "position": None,
            "sequence": self._next_sequence(about),
            "time": resource.update_time,
            "actor": self.actor,
            "payload": feed_payload(event_id, resource, self.sealer, self.on_behalf),
        }

    def _next_sequence(self, about: Mapping[str, str]) -> int:
        """A sequence above those of all unsequenced events of the resource: their times may be of a clock that is
        ahead.

        A writer holds the resource's lock, so that all earlier events are visible.
        """
        same = [feed_events.c[name] == value for name, value in about.items()]
        last = select(func.max(feed_events.c.sequence)).where(IS_UNPUBLISHED, *same)
        return (self.connection.execute(last).scalar() or 0) + 1


@dataclass(frozen=True, slots=True)
class SqlFeed:
    connection: Connection
    sealer: Sealer

    def relay(self, limit: int) -> int:
        last = self.end()
        published = _in_order(self._unpublished_payment_events(limit), self._unpublished_changes(limit))
        if not published or not self._is_only_relay(last):
            return 0
        of_payments: list[dict[str, Any]] = []
        for position, row in enumerate(published, last + 1):
            if row.kind == FeedKind.PAYMENT.value:
                of_payments.append({**row._mapping, "position": position, "payload": ""})
        changes = [
            {"own_id": row.event_id, "own_position": position}
            for position, row in enumerate(published, last + 1)
            if row.kind != FeedKind.PAYMENT.value
        ]
        try:
            with savepoint(self.connection):
                self._publish(of_payments, changes)
        except UniqueViolation:
            # No row to lock existed yet, or this transaction sees an old one: another relay was first.
            return 0
        return len(published)

    def _publish(self, of_payments: list[dict[str, Any]], changes: list[dict[str, Any]]) -> None:
        """Raises UniqueViolation, and IntegrityError if another relay took a position or an event."""
        if of_payments:
            self.connection.execute(insert(feed_events), of_payments)
            marks = [{"own_id": row["event_id"], "own_position": row["position"]} for row in of_payments]
            self.connection.execute(_PUBLISH_PAYMENT_EVENT, marks)
        if changes and self.connection.execute(_PUBLISH_CHANGE, changes).rowcount < len(changes):
            raise UniqueViolation

    def end(self) -> int:
        return self.connection.execute(select(func.max(feed_events.c.position))).scalar() or 0

    def after(self, position: int, which: FeedFilter, *, until: int, limit: int) -> tuple[list[FeedEntry], int]:
        table = feed_events.c
        equality_prefix: dict[Column[Any], Any] = {}
        where: tuple[ColumnElement[bool] | TextClause, ...] = ()
        if which.customer_id is not None:
            equality_prefix, where = {table.customer_id: which.customer_id}, (HAS_CUSTOMER,)
            if which.caller_id is not None:
                where = (*where, table.caller_id == which.caller_id)
        elif which.caller_id is not None:
            equality_prefix = {table.caller_id: which.caller_id}
        scan = IndexScan(
            equality_prefix=equality_prefix,
            order=(table.position,),
            low=Bound((position,)),
            high=Bound((until,), inclusive=True),
            where=where,
        )
        kinds = sorted(kind.value for kind in which.kinds)
        rest: list[Condition] = [lambda columns: columns.kind.in_(kinds)] if kinds else []
        rows, last = scan_page(self.connection, [scan], rest, limit)
        return [feed_entry_from_row(row, self.sealer) for row in rows], last.position if last is not None else until

    def find(self, event_id: EventId) -> FeedEntry | None:
        table = feed_events.c
        own = select(feed_events).where(table.event_id == event_id, table.position.is_not(None))
        row = self.connection.execute(own).first()
        return feed_entry_from_row(row, self.sealer) if row else None

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        table = feed_events.c
        of_people = (FeedKind.CUSTOMER.value, FeedKind.PAYMENT_METHOD.value)
        own = select(feed_events).where(table.customer_id == customer_id, table.kind.in_(of_people)).with_for_update()
        for row in self.connection.execute(own).all():
            bare = feed_payload_without_personal_data(row, self.sealer)
            self.connection.execute(update(feed_events).where(table.event_id == row.event_id).values(payload=bare))

    def _is_only_relay(self, last: int) -> bool:
        """Whether the feed still ends where it did before its next events were read, and no other relay appends to it.

        The row of the feed's end is locked until the new positions are visible: every engine with PostgreSQL's protocol
        has row locks. SQLite has one writer.
        """
        if self.connection.dialect.name != "postgresql":
            return True
        end = select(feed_events.c.position).where(feed_events.c.position == last).with_for_update(skip_locked=True)
        if last and self.connection.execute(end).first() is None:
            return False
        return self.end() == last

    def _unpublished_payment_events(self, limit: int) -> Sequence[Row[Any]]:
        """The earliest events, and all that precede them in the history of their payments."""
        table = payment_events.c
        unpublished = (
            select(
                table.event_id,
                table.payment_id,
                table.sequence,
                table.time,
                table.actor,
                payments.c.caller_id,
                func.coalesce(payments.c.customer_id, "").label("customer_id"),
                text(f"'{FeedKind.PAYMENT.value}' AS kind"),
            )
            .join(payments, payments.c.payment_id == table.payment_id)
            .where(IS_UNPUBLISHED)
        )
        earliest: Sequence[Any] = self.connection.execute(
            unpublished.order_by(table.time, table.event_id).limit(limit)
        ).all()
        if len(earliest) < limit:
            return earliest
        # Replicas' clocks differ: an event can have an earlier time than its predecessor in the same history.
        last = {row.payment_id: row.sequence for row in sorted(earliest, key=lambda row: row.sequence)}
        whole: Sequence[Any] = self.connection.execute(unpublished.where(table.payment_id.in_(list(last)))).all()
        return [row for row in whole if row.sequence <= last[row.payment_id]]

    def _unpublished_changes(self, limit: int) -> Sequence[Row[Any]]:
        table = feed_events.c
        whose = (table.kind, table.caller_id, table.customer_id, table.payment_id)
        statement = select(table.event_id, table.time, table.sequence, *whose).where(IS_UNPUBLISHED)
        found: Sequence[Any] = self.connection.execute(statement.order_by(table.event_id).limit(limit)).all()
        if len(found) < limit:
            return found
        # As above. They are few: the waiting events of one customer or payment.
        last = {_owner(row): row.sequence for row in sorted(found, key=lambda row: row.sequence)}
        whole: Sequence[Any] = self.connection.execute(statement.where(tuple_(*whose).in_(list(last)))).all()
        return [row for row in whole if row.sequence <= last[_owner(row)]]


def _in_order(of_payments: Iterable[Row[Any]], changes: Iterable[Row[Any]]) -> list[Row[Any]]:
    """By time; the events of one resource stay in their sequence, whatever their times."""
    waiting: defaultdict[_Owner, deque[Row[Any]]] = defaultdict(deque)
    slots: list[tuple[datetime, str, _Owner]] = []
    for row in sorted([*of_payments, *changes], key=lambda row: (row.sequence, row.event_id)):
        waiting[_owner(row)].append(row)
        slots.append((row.time, row.event_id, _owner(row)))
    slots.sort()
    return [waiting[owner].popleft() for _, _, owner in slots]


def _owner(row: Row[Any]) -> _Owner:
    """The resource whose events stay in sequence: a payment, or a customer with their methods."""
    return (row.kind, row.caller_id, row.customer_id, row.payment_id)


def _kind_of(resource: Resource) -> FeedKind:
    match resource:
        case Customer():
            return FeedKind.CUSTOMER
        case PaymentMethod():
            return FeedKind.PAYMENT_METHOD
        case Dispute():
            return FeedKind.DISPUTE
        case Checkout():
            return FeedKind.CHECKOUT


def _customer_of(connection: Connection, resource: Resource) -> str:
    if isinstance(resource, Dispute):
        own = select(payments.c.customer_id).where(payments.c.payment_id == resource.payment_id)
        return connection.execute(own).scalar() or ""
    return resource.customer_id or ""
