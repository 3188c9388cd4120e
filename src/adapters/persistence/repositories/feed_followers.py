"""Common to the tables that follow the feed: a position in it, and a backfill of payments from before."""

from datetime import UTC, datetime
from typing import Any, Final, Protocol

from sqlalchemy import Connection, func, select

from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.sql.statements import newest_first_page
from adapters.persistence.tables import feed_events, payments
from application.common.pagination import Position

# Before every payment, newest first.
NEWEST: Final = Position(datetime(9999, 12, 31, tzinfo=UTC), "")
LAST_POSITION: Final = select(func.max(feed_events.c.position))
_LAST: Final = Prepared(LAST_POSITION)


class Progress(Protocol):
    @property
    def position(self) -> int: ...

    @property
    def backfill(self) -> Position | None: ...


def end_of_feed(connection: Connection) -> int:
    """The last position; 0 in an empty feed."""
    return _LAST.all(connection, {})[0][0] or 0


def beginning(connection: Connection) -> dict[str, Any]:
    """The columns of a follower that begins: from the end of the feed on, with every payment in the backfill."""
    return _columns(end_of_feed(connection), NEWEST)


def columns_of(progress: Progress) -> dict[str, Any]:
    return _columns(progress.position, progress.backfill)


def older_payments(connection: Connection, before: Position, limit: int) -> list[Position]:
    """Newest first."""
    table = payments.c
    own = select(table.create_time, table.payment_id)
    page = newest_first_page(own, table.create_time, table.payment_id, before, limit)
    return [Position(row.create_time, row.payment_id) for row in connection.execute(page)]


def _columns(position: int, backfill: Position | None) -> dict[str, Any]:
    return {
        "position": position,
        "backfill_time": backfill.time if backfill else None,
        "backfill_id": backfill.id if backfill else None,
    }
