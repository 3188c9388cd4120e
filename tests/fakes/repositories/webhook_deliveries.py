"""The cursors and deliveries of outgoing webhooks, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from application.ports.deliveries import Delivery, DeliveryCursor, DeliveryState
from domain.ids import EventId
from tests.fakes.store_state import StoreState, is_due


class MemoryDeliveries:
    def __init__(self, state: StoreState) -> None:
        self._state = state

    def claim(self, name: str, start: int, now: datetime, lease_until: datetime) -> DeliveryCursor | None:
        cursor = self._state.cursors.setdefault(name, DeliveryCursor(name=name, position=start, next_attempt_time=now))
        if not is_due(cursor.next_attempt_time, now, timedelta(hours=2)):
            return None
        self._state.cursors[name] = replace(cursor, next_attempt_time=lease_until)
        return cursor

    def save(self, cursor: DeliveryCursor) -> None:
        if self._state.cursors[cursor.name].position <= cursor.position:
            self._state.cursors[cursor.name] = cursor

    def cursors(self) -> list[DeliveryCursor]:
        return list(self._state.cursors.values())

    def upsert(self, delivery: Delivery) -> None:
        self._state.deliveries[delivery.endpoint, delivery.event_id] = delivery

    def delete(self, endpoint: str, event_id: EventId) -> None:
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
