"""Counts the work that waits in the database, for metrics.

Each query reads a partial index, or a bounded number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, case, func, or_, select, text

from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.store import SqlStore
from adapters.persistence.tables import (
    IS_FOLLOWED,
    IS_OPEN,
    IS_PENDING,
    IS_UNFINISHED,
    IS_UNPUBLISHED,
    event_deliveries,
    event_lines,
    feed_events,
    operations,
    payment_events,
    payment_methods,
    payments,
    search_progress,
    webhook_notifications,
)
from domain.operation import OperationState

# Enough to see that there are too many.
_MOST_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """The number of waiting rows, and the time since which the oldest waits; None if there is none."""

    count: int = 0
    oldest_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class EndpointBacklog:
    """An endpoint of event webhooks: positions behind the feed's end, dead letters, and since when it fails."""

    lag: int
    dead_letters: int
    failing_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    # By kind and by pending, unresolved or scheduled.
    operations: Mapping[tuple[str, str], Waiting]
    pending_methods: int
    unpublished: Waiting
    # Positions of the feed that the search index has not followed yet, and whether its backfill is under way.
    unindexed: Waiting
    is_index_complete: bool
    due_polls: Waiting
    gateway_webhooks: Mapping[str, int]
    endpoints: Mapping[str, EndpointBacklog]


def read_backlog(store: SqlStore, lease: timedelta, now: datetime) -> Backlog:
    """lease: the longest time of a call; an older operation is unresolved. Raises StoreUnavailable."""
    with translate_db_errors(), store.reading() as connection:
        return Backlog(
            operations=_operations(connection, now, now - lease),
            pending_methods=connection.scalar(select(func.count()).select_from(payment_methods).where(IS_PENDING)) or 0,
            unpublished=_unpublished(connection),
            unindexed=_unindexed(connection),
            is_index_complete=_is_index_complete(connection),
            due_polls=_due_polls(connection, now),
            gateway_webhooks=_gateway_webhooks(connection),
            endpoints=_endpoints(connection),
        )


def _operations(connection: Connection, now: datetime, lease_end: datetime) -> dict[tuple[str, str], Waiting]:
    table = operations.c
    # A check that the gateway did not answer is not counted, and postpones the next one.
    is_overdue = or_(
        table.check_count > 0,
        table.next_check_time < now,
        table.next_check_time.is_(None),
        table.create_time < lease_end,
    )
    state = case(
        (table.state == OperationState.SCHEDULED.value, "scheduled"), (is_overdue, "unresolved"), else_="pending"
    )
    found = select(table.kind, state, func.count(), func.min(table.create_time)).where(IS_OPEN)
    rows = connection.execute(found.group_by(text("1"), text("2"))).all()
    return {(kind, name): Waiting(count, oldest) for kind, name, count, oldest in rows}


def _unpublished(connection: Connection) -> Waiting:
    waiting = [
        Waiting(*row)
        for table in (payment_events, feed_events)
        for row in connection.execute(select(func.count(), func.min(table.c.time)).where(IS_UNPUBLISHED))
    ]
    times = [one.oldest_time for one in waiting if one.oldest_time is not None]
    return Waiting(sum(one.count for one in waiting), min(times, default=None))


def _unindexed(connection: Connection) -> Waiting:
    indexed = connection.scalar(select(search_progress.c.position)) or 0
    position = feed_events.c.position
    end = connection.scalar(select(func.max(position))) or 0
    after = select(feed_events.c.time).where(position > indexed).order_by(position).limit(1)
    return Waiting(max(0, end - indexed), connection.scalar(after))


def _is_index_complete(connection: Connection) -> bool:
    row = connection.execute(select(search_progress)).first()
    return row is not None and row.backfill_time is None and row.version != ""


def _due_polls(connection: Connection, now: datetime) -> Waiting:
    due = select(payments.c.follow_time).where(IS_FOLLOWED, payments.c.follow_time <= now)
    some = due.order_by(payments.c.follow_time).limit(_MOST_COUNTED).subquery()
    return Waiting(*connection.execute(select(func.count(), func.min(some.c.follow_time))).one())


def _gateway_webhooks(connection: Connection) -> dict[str, int]:
    state = webhook_notifications.c.state
    counted = connection.execute(select(state, func.count()).where(IS_UNFINISHED).group_by(state)).all()
    return {str(name): int(count) for name, count in counted}


def _endpoints(connection: Connection) -> dict[str, EndpointBacklog]:
    lines: Sequence[tuple[str, int, datetime | None]] = [
        (row.name, row.position, row.failing_since) for row in connection.execute(select(event_lines))
    ]
    if not lines:
        return {}
    end = connection.scalar(select(func.max(feed_events.c.position))) or 0
    endpoint = event_deliveries.c.endpoint
    dead = select(endpoint, func.count()).where(event_deliveries.c.state == "dead").group_by(endpoint)
    letters = {str(row[0]): int(row[1]) for row in connection.execute(dead)}
    return {
        name: EndpointBacklog(max(0, end - position), letters.get(name, 0), failing_since)
        for name, position, failing_since in lines
    }
