"""Incoming webhooks, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from application.common.pagination import Position
from application.ports.gateway_webhooks import GatewayWebhook, GatewayWebhookState, StoredGatewayWebhook
from tests.fakes.store_state import RowLocks, StoreState, is_due, newest_first_page


class MemoryGatewayWebhooks:
    def __init__(self, state: StoreState, locks: RowLocks) -> None:
        self._state = state
        self._locks = locks

    def receive(self, webhook: GatewayWebhook, time: datetime) -> bool:
        is_new = webhook.notification_id not in self._state.notifications
        if is_new:
            self._state.notifications[webhook.notification_id] = StoredGatewayWebhook(
                webhook=webhook, state=GatewayWebhookState.PENDING, receive_time=time, next_attempt_time=time
            )
        return is_new

    def save(self, stored: StoredGatewayWebhook) -> None:
        if stored.webhook.notification_id not in self._state.notifications:
            raise LookupError(stored.webhook.notification_id)
        self._locks.require(stored.webhook.notification_id)
        self._state.notifications[stored.webhook.notification_id] = stored

    def get(self, notification_id: str, *, lock: bool = False) -> StoredGatewayWebhook | None:
        self._locks.acquire(notification_id, lock=lock)
        return self._state.notifications.get(notification_id)

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[StoredGatewayWebhook]:
        waiting = [
            (one.next_attempt_time, notification_id)
            for notification_id, one in self._state.notifications.items()
            if one.state is GatewayWebhookState.PENDING and one.next_attempt_time is not None
        ]
        found = []
        for _, notification_id in sorted(pair for pair in waiting if is_due(pair[0], now))[:limit]:
            one = self._state.notifications[notification_id]
            self._locks.acquire(notification_id)
            claimed = replace(one, next_attempt_time=lease_until, attempt_count=one.attempt_count + 1)
            self._state.notifications[notification_id] = claimed
            found.append(claimed)
        return found

    def page(
        self, states: frozenset[GatewayWebhookState], *, after: Position | None, limit: int
    ) -> list[StoredGatewayWebhook]:
        found = [
            (Position(one.receive_time, notification_id), one)
            for notification_id, one in self._state.notifications.items()
            if not states or one.state in states
        ]
        return newest_first_page(found, after, limit)

    def count(self) -> Mapping[GatewayWebhookState, int]:
        states = [one.state for one in self._state.notifications.values()]
        return {state: states.count(state) for state in (GatewayWebhookState.PENDING, GatewayWebhookState.DEAD)}

    def purge(self, finished_before: datetime, limit: int) -> int:
        old = [
            notification_id
            for notification_id, one in self._state.notifications.items()
            if one.state is GatewayWebhookState.DONE and one.finish_time and one.finish_time < finished_before
        ][:limit]
        for notification_id in old:
            del self._state.notifications[notification_id]
        return len(old)
