"""The delivery cursor of each webhook endpoint, and the dead letters."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from adapters.persistence.mapping import picked
from adapters.persistence.newer_records import Members
from adapters.persistence.sql.statements import insert_if_absent, is_due
from adapters.persistence.tables import event_deliveries, event_lines
from application.ports.deliveries import Delivery, DeliveryCursor, DeliveryState
from domain.ids import EventId

# Longer than any backoff: beyond it, the clock that planned the attempt was wrong.
_MAX_ATTEMPT_AHEAD: Final = timedelta(hours=2)

_DELIVERY_STATES: Final = Members(DeliveryState)


@dataclass(frozen=True, slots=True)
class SqlDeliveries:
    connection: Connection

    def claim(self, name: str, start: int, now: datetime, lease_until: datetime) -> DeliveryCursor | None:
        table = event_lines.c
        new = DeliveryCursor(name=name, position=start, next_attempt_time=now)
        first = picked(new, DeliveryCursor.__slots__)
        due = select(event_lines).where(table.name == name, is_due(table.next_attempt_time, now, _MAX_ATTEMPT_AHEAD))
        row = self.connection.execute(due.with_for_update(skip_locked=True)).first()
        if row is None and insert_if_absent(self.connection, event_lines, first, "name"):
            row = self.connection.execute(due).first()
        if row is None:
            return None
        claimed = update(event_lines).where(table.name == name).values(next_attempt_time=lease_until)
        self.connection.execute(claimed)
        return _cursor_from_row(row)

    def save(self, cursor: DeliveryCursor) -> None:
        own = update(event_lines).where(event_lines.c.name == cursor.name, event_lines.c.position <= cursor.position)
        self.connection.execute(own, picked(cursor, DeliveryCursor.__slots__))

    def cursors(self) -> list[DeliveryCursor]:
        return [_cursor_from_row(row) for row in self.connection.execute(select(event_lines))]

    def upsert(self, delivery: Delivery) -> None:
        self.delete(delivery.endpoint, delivery.event_id)
        row = picked(delivery, Delivery.__slots__) | {"state": delivery.state.value}
        self.connection.execute(insert(event_deliveries), row)

    def delete(self, endpoint: str, event_id: EventId) -> None:
        table = event_deliveries.c
        self.connection.execute(delete(event_deliveries).where(table.endpoint == endpoint, table.event_id == event_id))

    def waiting(self, endpoint: str, limit: int) -> list[Delivery]:
        table = event_deliveries.c
        own = select(event_deliveries).where(table.endpoint == endpoint, table.state == DeliveryState.WAITING.value)
        return [_delivery_from_row(row) for row in self.connection.execute(own.order_by(table.position).limit(limit))]

    def count_dead(self, endpoint: str) -> int:
        table = event_deliveries.c
        dead = select(func.count()).where(table.endpoint == endpoint, table.state == DeliveryState.DEAD.value)
        return self.connection.execute(dead).scalar() or 0

    def page(self, endpoint: str, *, after: int, limit: int) -> list[Delivery]:
        table = event_deliveries.c
        own = select(event_deliveries).where(table.endpoint == endpoint, table.position > after)
        return [_delivery_from_row(row) for row in self.connection.execute(own.order_by(table.position).limit(limit))]


def _cursor_from_row(row: Row[Any]) -> DeliveryCursor:
    return DeliveryCursor(**picked(row, DeliveryCursor.__slots__))


def _delivery_from_row(row: Row[Any]) -> Delivery:
    return Delivery(**picked(row, Delivery.__slots__) | {"state": _DELIVERY_STATES[row.state]})
