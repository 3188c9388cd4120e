"""Rollups of a long history: each hour of it has some of every measure, in three currencies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import Engine, insert

from adapters.persistence.tables import statistics_progress, statistics_rollups
from application.statistics.payment_facts import FACTS_VERSION, hour_of
from tests.history_generator import LATEST, SHOP, LongHistory

MEASURES: Final = (
    "payment:captured",
    "payment:settled",
    "payment:declined",
    "decline:insufficient_funds",
    "movement:capture",
    "movement:settlement",
    "movement:refund",
    "dispute:opened",
)
_AT_ONCE: Final = 20_000
_GENERATION: Final = 1


def fill_statistics(engine: Engine, history: LongHistory) -> None:
    rows = _rows(hour_of(history.time_of(0)), hour_of(LATEST))
    with engine.begin() as connection:
        while batch := list(islice(rows, _AT_ONCE)):
            connection.execute(insert(statistics_rollups), batch)
        progress = {"row_id": 1, "version": FACTS_VERSION, "generation": _GENERATION, "position": 0}
        connection.execute(insert(statistics_progress).values(**progress, backfill_time=None, backfill_id=None))
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("ANALYZE statistics_rollups")


def _rows(first: int, last: int) -> Iterator[dict[str, Any]]:
    for caller_id in ("", SHOP):
        for hour in (-1, *range(first, last + 1)):
            for currency_code in ("EUR", "IDR", "USD"):
                for measure in MEASURES:
                    if hour >= 0 or measure.startswith("movement:"):
                        yield {
                            "generation": _GENERATION,
                            "caller_id": caller_id,
                            "hour": hour,
                            "currency_code": currency_code,
                            "measure": measure,
                            "count": 3,
                            "minor_units": 30_00,
                        }


def days(count: int) -> tuple[int, int]:
    """The hours of the last days of the history."""
    end = hour_of(datetime(LATEST.year, LATEST.month, LATEST.day, tzinfo=UTC))
    return end - 24 * count, end
