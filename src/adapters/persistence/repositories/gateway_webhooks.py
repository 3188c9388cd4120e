"""The inbox of the gateway's webhooks, deduplicated."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, true, update

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import notification_from_row, notification_to_row
from adapters.persistence.newer_records import readable
from adapters.persistence.sql.statements import insert_if_absent, is_due, newest_first_page
from adapters.persistence.tables import IS_DONE, IS_UNFINISHED, webhook_notifications
from application.common.pagination import Position
from application.ports.gateway_webhooks import GatewayWebhook, GatewayWebhookState, StoredGatewayWebhook

_c = webhook_notifications.c
_UNFINISHED: Final = frozenset({GatewayWebhookState.PENDING, GatewayWebhookState.DEAD})


@dataclass(frozen=True, slots=True)
class SqlGatewayWebhooks:
    connection: Connection
    sealer: Sealer

    def receive(self, webhook: GatewayWebhook, time: datetime) -> bool:
        stored = StoredGatewayWebhook(
            webhook=webhook, state=GatewayWebhookState.PENDING, receive_time=time, next_attempt_time=time
        )
        row = notification_to_row(stored, self.sealer)
        return insert_if_absent(self.connection, webhook_notifications, row, "notification_id")

    def save(self, stored: StoredGatewayWebhook) -> None:
        own = _c.notification_id == stored.webhook.notification_id
        statement = update(webhook_notifications).where(own)
        if not self.connection.execute(statement, notification_to_row(stored, self.sealer)).rowcount:
            raise LookupError(stored.webhook.notification_id)

    def get(self, notification_id: str, *, lock: bool = False) -> StoredGatewayWebhook | None:
        statement = select(webhook_notifications).where(_c.notification_id == notification_id)
        row = self.connection.execute(statement.with_for_update() if lock else statement).first()
        return notification_from_row(row, self.sealer) if row else None

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[StoredGatewayWebhook]:
        statement = (
            select(webhook_notifications)
            .where(IS_UNFINISHED, _c.state == GatewayWebhookState.PENDING.value, is_due(_c.next_attempt_time, now))
            .order_by(_c.next_attempt_time)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = self.connection.execute(statement).all()
        claimed = _c.notification_id.in_([row.notification_id for row in rows])
        if rows:
            # Counted before the attempt, so that a webhook that kills the process reaches the limit, too.
            changes = {"next_attempt_time": lease_until, "attempt_count": _c.attempt_count + 1}
            self.connection.execute(update(webhook_notifications).where(claimed).values(changes))
        found = readable(rows, lambda row: notification_from_row(row, self.sealer))
        return [replace(one, attempt_count=one.attempt_count + 1, next_attempt_time=lease_until) for one in found]

    def page(
        self, states: frozenset[GatewayWebhookState], *, after: Position | None, limit: int
    ) -> list[StoredGatewayWebhook]:
        wanted = _c.state.in_(sorted(state.value for state in states))
        statement = select(webhook_notifications).where(wanted if states else true())
        own: Any = _c
        if states and states <= _UNFINISHED:
            # A few first, in no order: planners would rather read all in order until they find a match.
            few = statement.where(IS_UNFINISHED).cte("few").prefix_with("MATERIALIZED")
            statement, own = select(few), few.c
        statement = newest_first_page(statement, own.receive_time, own.notification_id, after, limit)
        return [notification_from_row(row, self.sealer) for row in self.connection.execute(statement)]

    def count(self) -> Mapping[GatewayWebhookState, int]:
        statement = select(_c.state, func.count()).where(IS_UNFINISHED).group_by(_c.state)
        counted = {GatewayWebhookState(state): number for state, number in self.connection.execute(statement)}
        return {state: counted.get(state, 0) for state in (GatewayWebhookState.PENDING, GatewayWebhookState.DEAD)}

    def purge(self, finished_before: datetime, limit: int) -> int:
        old = select(_c.notification_id).where(IS_DONE, _c.finish_time < finished_before)
        some = old.limit(limit).with_for_update(skip_locked=True)
        return self.connection.execute(delete(webhook_notifications).where(_c.notification_id.in_(some))).rowcount
