"""The repository of the statistics: hourly rollups, and the facts of each payment that are in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import dispute_from_row
from adapters.persistence.repositories.movement_rows import movement_from_row
from adapters.persistence.sql.statements import insert_if_absent, newest_first_page
from adapters.persistence.tables import (
    disputes,
    feed_events,
    movements,
    payments,
    statistics_facts,
    statistics_progress,
    statistics_rollups,
)
from application.common.pagination import Position
from application.ports.feed import FeedKind
from application.ports.statistics import EVERY_HOUR, Bucket, DaySum, PaymentFacts, StatisticsProgress, Sum
from domain.dispute import Dispute
from domain.ids import CallerId, PaymentId
from domain.movement import Movement

_ROW_ID: Final = 1
# Before every payment, newest first.
_NEWEST: Final = Position(datetime(9999, 12, 31, tzinfo=UTC), "")
# Rollups of this caller are of every caller: no caller has an empty id.
_EVERYBODY: Final = ""
_MOVEMENTS: Final = "movement:"
_COUNTED_KINDS: Final = (FeedKind.PAYMENT.value, FeedKind.DISPUTE.value)
_r: Final = statistics_rollups.c
_f: Final = statistics_facts.c
_KEY: Final = (_r.generation, _r.caller_id, _r.hour, _r.currency_code, _r.measure)

_Rollup = tuple[str, Bucket]


@dataclass(frozen=True, slots=True)
class SqlStatistics:
    connection: Connection
    sealer: Sealer

    def has_work(self, version: int) -> bool:
        row = self.connection.execute(select(statistics_progress)).first()
        if row is None or row.version != version or row.backfill_time is not None:
            return True
        if (self.connection.execute(select(func.max(feed_events.c.position))).scalar() or 0) > row.position:
            return True
        # There are no rollups of others before the first rebuild.
        return row.generation > 1 and self.connection.execute(_of_others(row.generation).limit(1)).first() is not None

    def claim(self, version: int) -> StatisticsProgress | None:
        own = select(statistics_progress).with_for_update(skip_locked=True)
        row = self.connection.execute(own).first()
        if row is None:
            beginning = {"row_id": _ROW_ID, "generation": 1, "version": version, **self._beginning()}
            insert_if_absent(self.connection, statistics_progress, beginning, "row_id")
            row = self.connection.execute(own).first()
        if row is None:
            return None
        if row.version != version:
            self._begin_again(row.generation, version)
            row = self.connection.execute(select(statistics_progress)).one()
        return _progress_of(row)

    def save(self, progress: StatisticsProgress) -> None:
        backfill = progress.backfill
        values = {
            "position": progress.position,
            "backfill_time": backfill.time if backfill else None,
            "backfill_id": backfill.id if backfill else None,
        }
        self.connection.execute(update(statistics_progress), values)

    def restart(self) -> None:
        row = self.connection.execute(select(statistics_progress).with_for_update()).first()
        if row is not None:
            self._begin_again(row.generation, row.version)

    def progress(self) -> StatisticsProgress | None:
        row = self.connection.execute(select(statistics_progress)).first()
        return _progress_of(row) if row is not None else None

    def changed_after(self, position: int, limit: int) -> tuple[list[PaymentId], int]:
        feed = feed_events.c
        own = select(feed.position, feed.kind, feed.payment_id).where(feed.position > position)
        rows = self.connection.execute(own.order_by(feed.position).limit(limit)).all()
        changed = dict.fromkeys(PaymentId(row.payment_id) for row in rows if row.kind in _COUNTED_KINDS)
        return list(changed), rows[-1].position if rows else position

    def older_payments(self, before: Position, limit: int) -> list[Position]:
        table = payments.c
        own = select(table.create_time, table.payment_id)
        page = newest_first_page(own, table.create_time, table.payment_id, before, limit)
        return [Position(row.create_time, row.payment_id) for row in self.connection.execute(page)]

    def disputes_of(self, payment_ids: Collection[PaymentId]) -> Mapping[PaymentId, Sequence[Dispute]]:
        found: dict[PaymentId, list[Dispute]] = defaultdict(list)
        own = select(disputes).where(disputes.c.payment_id.in_(payment_ids))
        for row in self.connection.execute(own):
            found[PaymentId(row.payment_id)].append(dispute_from_row(row, self.sealer))
        return found

    def movements_of(self, payment_ids: Collection[PaymentId]) -> Mapping[PaymentId, Sequence[Movement]]:
        found: dict[PaymentId, list[Movement]] = defaultdict(list)
        own = select(movements).where(movements.c.payment_id.in_(payment_ids))
        for row in self.connection.execute(own):
            found[PaymentId(row.payment_id)].append(movement_from_row(row))
        return found

    def put(self, generation: int, facts: Iterable[PaymentFacts]) -> int:
        now = {one.payment_id: one for one in facts}
        own = select(statistics_facts).where(_f.payment_id.in_(sorted(now)))
        counted = {row.payment_id: row for row in self.connection.execute(own)}
        changes: dict[_Rollup, Sum] = {}
        rows = []
        for payment_id, one in now.items():
            row = counted.get(payment_id)
            before = _unpacked(row.facts) if row is not None and row.generation == generation else {}
            if before != one.sums:
                _add_differences(changes, one.caller_id, before, one.sums)
                rows.append({"payment_id": payment_id, "generation": generation, "facts": _packed(one.sums)})
        if rows:
            self._save(statistics_facts, rows, ("generation", "facts"))
            self._add(generation, changes)
        return len(rows)

    def remove_others(self, generation: int, limit: int) -> int:
        keys = [tuple(row) for row in self.connection.execute(_of_others(generation).limit(limit))]
        if keys:
            self.connection.execute(delete(statistics_rollups).where(tuple_(*_KEY).in_(keys)))
        return len(keys)

    def by_day(
        self,
        generation: int,
        caller_id: CallerId | None,
        currency_code: str | None,
        *,
        start: int,
        end: int,
        hours_a_day: int,
    ) -> list[DaySum]:
        day = ((_r.hour - start) // hours_a_day).label("day")
        which = [*_whose(generation, caller_id, currency_code), _r.hour >= start, _r.hour < end]
        return self._sums(select(day, _r.currency_code, _r.measure, *_totals()).where(*which), day)

    def totals(
        self, generation: int, caller_id: CallerId | None, currency_code: str | None, *, until: int
    ) -> list[DaySum]:
        """Those of every hour, less those of the hours from `until` on, which are few."""
        whose = _whose(generation, caller_id, currency_code)
        columns = (_r.currency_code, _r.measure, *_totals())
        day = func.min(0).label("day")
        every = self._sums(select(day, *columns).where(*whose, _r.hour == EVERY_HOUR))
        is_later = (_r.hour >= until, _r.measure.startswith(_MOVEMENTS, autoescape=True))
        later = self._sums(select(day, *columns).where(*whose, *is_later))
        less = {(one.currency_code, one.measure): one.total for one in later}
        return [
            DaySum(0, one.currency_code, one.measure, total)
            for one in every
            for total in [one.total.minus(less.get((one.currency_code, one.measure), Sum()))]
            if total != Sum()
        ]

    def _sums(self, statement: Select[Any], *day: ColumnElement[int]) -> list[DaySum]:
        grouped = statement.group_by(*day, _r.currency_code, _r.measure)
        sums = [
            DaySum(int(row.day), row.currency_code, row.measure, Sum(int(row.count_), int(row.units)))
            for row in self.connection.execute(grouped)
        ]
        return [one for one in sums if one.total != Sum()]

    def _beginning(self) -> dict[str, Any]:
        end = self.connection.execute(select(func.max(feed_events.c.position))).scalar() or 0
        return {"position": end, "backfill_time": _NEWEST.time, "backfill_id": _NEWEST.id}

    def _begin_again(self, generation: int, version: int) -> None:
        values = {"generation": generation + 1, "version": version, **self._beginning()}
        self.connection.execute(update(statistics_progress), values)

    def _add(self, generation: int, changes: Mapping[_Rollup, Sum]) -> None:
        rows = [
            {
                "generation": generation,
                "caller_id": caller_id,
                **bucket._asdict(),
                "count": total.count,
                "minor_units": total.minor_units,
            }
            for (caller_id, bucket), total in sorted(changes.items())
            if total != Sum()
        ]
        if rows:
            self._save(statistics_rollups, rows, ("count", "minor_units"), is_added=True)

    def _save(self, table: Any, rows: list[dict[str, Any]], names: Sequence[str], *, is_added: bool = False) -> None:
        """Inserts the rows, or replaces these columns of the rows that exist, or adds to them."""
        dialect = postgresql if self.connection.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(table)
        new = {name: insert.excluded[name] for name in names}
        values = {name: table.c[name] + value for name, value in new.items()} if is_added else new
        self.connection.execute(
            insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=values), rows
        )


def _add_differences(
    changes: dict[_Rollup, Sum], caller_id: str, before: Mapping[Bucket, Sum], now: Mapping[Bucket, Sum]
) -> None:
    """Adds the difference to the rollups of the caller and of everybody; that of movements to their totals, too."""
    for bucket in {*before, *now}:
        change = now.get(bucket, Sum()).minus(before.get(bucket, Sum()))
        hours = [bucket.hour, EVERY_HOUR] if bucket.measure.startswith(_MOVEMENTS) else [bucket.hour]
        for key in ((whose, bucket._replace(hour=hour)) for whose in (caller_id, _EVERYBODY) for hour in hours):
            changes[key] = changes.get(key, Sum()).plus(change)


def _packed(sums: Mapping[Bucket, Sum]) -> str:
    """As short as a text can be that a person still reads: there is one for each payment."""
    return " ".join(
        f"{bucket.hour},{bucket.currency_code},{bucket.measure},{total.count},{total.minor_units}"
        for bucket, total in sorted(sums.items())
    )


def _unpacked(text: str) -> dict[Bucket, Sum]:
    found = {}
    for fact in text.split():
        hour, currency_code, measure, count, minor_units = fact.split(",")
        found[Bucket(int(hour), currency_code, measure)] = Sum(int(count), int(minor_units))
    return found


def _progress_of(row: Row[Any]) -> StatisticsProgress:
    backfill = Position(row.backfill_time, row.backfill_id) if row.backfill_time is not None else None
    return StatisticsProgress(row.generation, row.position, backfill)


def _of_others(generation: int) -> Select[Any]:
    """Rollups of earlier generations. The primary key begins with the generation, which only grows."""
    return select(*_KEY).where(_r.generation < generation)


def _whose(generation: int, caller_id: CallerId | None, currency_code: str | None) -> list[ColumnElement[bool]]:
    whose = [_r.generation == generation, _r.caller_id == (caller_id if caller_id is not None else _EVERYBODY)]
    return [*whose, *([_r.currency_code == currency_code] if currency_code else [])]


def _totals() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return func.sum(_r.count).label("count_"), func.sum(_r.minor_units).label("units")
