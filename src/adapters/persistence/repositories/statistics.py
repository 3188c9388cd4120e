"""The repository of the statistics: hourly rollups, and the facts of each payment that are in them."""

from __future__ import annotations

from collections import defaultdict, namedtuple
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import dispute_from_row
from adapters.persistence.newer_records import Members
from adapters.persistence.repositories import feed_followers
from adapters.persistence.sql.bulk import BulkInsert, OfKeys
from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.sql.statements import insert_if_absent, limited
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
from application.ports.statistics import (
    EVERY_HOUR,
    Bucket,
    CountedMovement,
    CountedPayment,
    DaySum,
    PaymentFacts,
    StatisticsProgress,
    Sum,
)
from domain.dispute import Dispute
from domain.ids import CallerId, PaymentId
from domain.money import Money
from domain.movement import MovementKind
from domain.payment_state import PaymentState

_ROW_ID: Final = 1
# Rollups of this caller are of every caller: no caller has an empty id.
_EVERYBODY: Final = ""
_MOVEMENTS: Final = "movement:"
_COUNTED_KINDS: Final = (FeedKind.PAYMENT.value, FeedKind.DISPUTE.value)
_r: Final = statistics_rollups.c
_f: Final = statistics_facts.c
_KEY: Final = (_r.generation, _r.caller_id, _r.hour, _r.currency_code, _r.measure)

_Rollup = tuple[str, Bucket]

_p: Final = payments.c
_m: Final = movements.c
_feed: Final = feed_events.c
_progress: Final = statistics_progress.c
_STATES: Final = Members(PaymentState)
_KINDS: Final = Members(MovementKind)
# mypy knows only literal names.
_row_type: Final[Callable[..., Any]] = namedtuple
_DisputeRow: Final = _row_type("_DisputeRow", disputes.c.keys())
_STATE: Final = Prepared(
    select(
        _progress.version,
        _progress.position,
        _progress.backfill_time,
        feed_followers.LAST_POSITION.scalar_subquery(),
        # The primary key begins with the generation, which only grows.
        select(_r.generation).where(_r.generation < _progress.generation).correlate(statistics_progress).exists(),
    )
)
_COLUMNS: Final = select(
    _progress.version, _progress.generation, _progress.position, _progress.backfill_time, _progress.backfill_id
)
_PROGRESS: Final = Prepared(_COLUMNS)
_CLAIM: Final = Prepared(_COLUMNS.with_for_update(skip_locked=True))
_SAVE: Final = Prepared(update(statistics_progress))
# Rollups of earlier generations. The primary key begins with the generation, which only grows.
_OF_OTHERS: Final = Prepared(limited(select(*_KEY).where(_r.generation < bindparam("generation")), bindparam("limit")))
_CHANGED: Final = Prepared(
    select(_feed.payment_id)
    .where(
        _feed.position > bindparam("after"),
        _feed.position <= bindparam("until"),
        or_(*(_feed.kind == literal_column(f"'{kind}'") for kind in _COUNTED_KINDS)),
    )
    .distinct()
)
_PAYMENTS: Final = OfKeys(
    lambda keys: select(_p.payment_id, _p.caller_id, _p.create_time, _p.minor_units, _p.currency_code, _p.state).where(
        _p.payment_id.in_(keys)
    )
)
_SAVE_FACTS: Final = BulkInsert(statistics_facts, replaced=("generation", "facts"))
_ADD_TO_ROLLUPS: Final = BulkInsert(statistics_rollups, added=("count", "minor_units"))
_DISPUTES: Final = OfKeys(lambda keys: select(disputes).where(disputes.c.payment_id.in_(keys)))
_MOVED: Final = OfKeys(
    lambda keys: select(_m.payment_id, _m.kind, _m.time, _m.minor_units, _m.currency_code).where(
        _m.payment_id.in_(keys)
    )
)
_FACTS: Final = OfKeys(lambda keys: select(_f.payment_id, _f.generation, _f.facts).where(_f.payment_id.in_(keys)))


@dataclass(frozen=True, slots=True)
class SqlStatistics:
    connection: Connection
    sealer: Sealer

    def has_work(self, version: int) -> bool:
        for found, position, backfill_time, end, has_others in _STATE.all(self.connection, {}):
            return found != version or backfill_time is not None or (end or 0) > position or bool(has_others)
        return True

    def claim(self, version: int) -> StatisticsProgress | None:
        rows = _CLAIM.all(self.connection, {})
        if not rows:
            beginning = {
                "row_id": _ROW_ID,
                "generation": 1,
                "version": version,
                **feed_followers.beginning(self.connection),
            }
            insert_if_absent(self.connection, statistics_progress, beginning, "row_id")
            rows = _CLAIM.all(self.connection, {})
        if rows and rows[0][0] != version:
            self._begin_again(rows[0][1], version)
            rows = _CLAIM.all(self.connection, {})
        return _progress_of(rows)

    def save(self, progress: StatisticsProgress) -> None:
        _SAVE.run(self.connection, feed_followers.columns_of(progress))

    def restart(self) -> None:
        row = self.connection.execute(select(statistics_progress).with_for_update()).first()
        if row is not None:
            self._begin_again(row.generation, row.version)

    def progress(self) -> StatisticsProgress | None:
        return _progress_of(_PROGRESS.all(self.connection, {}))

    def changed_after(self, position: int, limit: int) -> tuple[list[PaymentId], int]:
        until = min(position + limit, feed_followers.end_of_feed(self.connection))
        if until <= position:
            return [], position
        found = _CHANGED.all(self.connection, {"after": position, "until": until})
        return [PaymentId(row[0]) for row in found], until

    def older_payments(self, before: Position, limit: int) -> list[Position]:
        return feed_followers.older_payments(self.connection, before, limit)

    def payments(self, payment_ids: Collection[PaymentId]) -> list[CountedPayment]:
        return [
            CountedPayment(PaymentId(own), CallerId(caller_id), time, Money(minor_units, currency_code), _STATES[state])
            for own, caller_id, time, minor_units, currency_code, state in _PAYMENTS.all(self.connection, payment_ids)
        ]

    def disputes_of(self, payment_ids: Collection[PaymentId]) -> Mapping[PaymentId, Sequence[Dispute]]:
        found: dict[PaymentId, list[Dispute]] = defaultdict(list)
        for row in map(_DisputeRow._make, _DISPUTES.all(self.connection, payment_ids)):
            found[PaymentId(row.payment_id)].append(dispute_from_row(row, self.sealer))
        return found

    def movements_of(self, payment_ids: Collection[PaymentId]) -> Mapping[PaymentId, Sequence[CountedMovement]]:
        found: dict[PaymentId, list[CountedMovement]] = defaultdict(list)
        for payment_id, kind, time, minor_units, currency_code in _MOVED.all(self.connection, payment_ids):
            found[payment_id].append(CountedMovement(_KINDS[kind], time, Money(minor_units, currency_code)))
        return found

    def put(self, generation: int, facts: Iterable[PaymentFacts]) -> int:
        now = {one.payment_id: one for one in facts}
        counted = {own: (of, text) for own, of, text in _FACTS.all(self.connection, now)}
        # Of the callers' own hours: the number of things, and their amounts in minor units.
        changes: defaultdict[_Rollup, list[int]] = defaultdict(lambda: [0, 0])
        rows = []
        for payment_id, one in now.items():
            of, text = counted.get(payment_id, (generation, ""))
            before = _unpacked(text) if of == generation else {}
            if before != one.sums:
                _add_to(changes, one.caller_id, one.sums, 1)
                _add_to(changes, one.caller_id, before, -1)
                rows.append({"payment_id": payment_id, "generation": generation, "facts": _packed(one.sums)})
        if rows:
            _SAVE_FACTS.run(self.connection, rows)
            self._add(generation, changes)
        return len(rows)

    def remove_others(self, generation: int, limit: int) -> int:
        keys = [tuple(row) for row in _OF_OTHERS.all(self.connection, {"generation": generation, "limit": limit})]
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

    def _begin_again(self, generation: int, version: int) -> None:
        values = {"generation": generation + 1, "version": version, **feed_followers.beginning(self.connection)}
        self.connection.execute(update(statistics_progress), values)

    def _add(self, generation: int, changes: Mapping[_Rollup, Sequence[int]]) -> None:
        rows = [
            {
                "generation": generation,
                "caller_id": caller_id,
                **bucket._asdict(),
                "count": count,
                "minor_units": minor_units,
            }
            for (caller_id, bucket), (count, minor_units) in sorted(_of_rollups(changes).items())
            if count or minor_units
        ]
        _ADD_TO_ROLLUPS.run(self.connection, rows)


def _add_to(
    changes: defaultdict[_Rollup, list[int]], caller_id: str, sums: Mapping[Bucket, Sum], factor: Literal[1, -1]
) -> None:
    for bucket, total in sums.items():
        change = changes[caller_id, bucket]
        change[0] += factor * total.count
        change[1] += factor * total.minor_units


def _of_rollups(changes: Mapping[_Rollup, Sequence[int]]) -> Mapping[_Rollup, Sequence[int]]:
    """The changes of the callers' rollups and of everybody's, and those of movements of their totals over all hours."""
    found: defaultdict[_Rollup, list[int]] = defaultdict(lambda: [0, 0])
    for (caller_id, bucket), (count, minor_units) in changes.items():
        hours = [bucket.hour, EVERY_HOUR] if bucket.measure.startswith(_MOVEMENTS) else [bucket.hour]
        for key in ((whose, bucket._replace(hour=hour)) for whose in (caller_id, _EVERYBODY) for hour in hours):
            found[key][0] += count
            found[key][1] += minor_units
    return found


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


def _progress_of(rows: Sequence[Sequence[Any]]) -> StatisticsProgress | None:
    for _, generation, position, time, payment_id in rows:
        return StatisticsProgress(generation, position, Position(time, payment_id) if time is not None else None)
    return None


def _whose(generation: int, caller_id: CallerId | None, currency_code: str | None) -> list[ColumnElement[bool]]:
    whose = [_r.generation == generation, _r.caller_id == (caller_id if caller_id is not None else _EVERYBODY)]
    return [*whose, *([_r.currency_code == currency_code] if currency_code else [])]


def _totals() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return func.sum(_r.count).label("count_"), func.sum(_r.minor_units).label("units")
