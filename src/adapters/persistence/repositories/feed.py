"""The change feed: a transactional outbox. Positions come after the commit, so readers never miss an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, TextClause, func, insert, select, update

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import feed_entry_from_row, feed_payload, feed_payload_without_personal_data
from adapters.persistence.repositories import feed_relay
from adapters.persistence.sql.keyset_pagination import Bound, Condition, IndexScan, scan_page
from adapters.persistence.tables import HAS_CUSTOMER, IS_UNPUBLISHED, feed_events, payments
from application.ports.feed import FeedEntry, FeedFilter, FeedKind, Resource
from application.ports.runtime import IdSource
from domain import ids as prefixes
from domain.checkout import Checkout
from domain.customer import Customer
from domain.dispute import Dispute
from domain.events import OnBehalf
from domain.ids import CustomerId, EventId
from domain.payment_method import PaymentMethod


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

    def is_waiting(self) -> bool:
        return feed_relay.is_waiting(self.connection)

    def relay(self, limit: int) -> int:
        return feed_relay.relay(self.connection, limit)

    def end(self) -> int:
        return feed_relay.end_of_feed(self.connection)

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
