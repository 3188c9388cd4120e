"""The statistics, in memory: the facts of each payment, added up at each read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from application.common.pagination import Position
from application.ports.feed import FeedKind
from application.ports.statistics import (
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
from tests.fakes.store_state import StoreState

_NEWEST = Position(datetime(9999, 12, 31, tzinfo=UTC), "")


class MemoryStatistics:
    def __init__(self, state: StoreState) -> None:
        self._state = state

    def has_work(self, version: int) -> bool:
        progress = self._state.statistics_progress
        if progress is None or progress.backfill is not None or self._state.statistics_version != version:
            return True
        return progress.position < len(self._state.feed)

    def claim(self, version: int) -> StatisticsProgress | None:
        progress = self._state.statistics_progress
        if progress is None:
            self._state.statistics_progress = StatisticsProgress(1, len(self._state.feed), _NEWEST)
        elif self._state.statistics_version != version:
            self.restart()
        self._state.statistics_version = version
        return self._state.statistics_progress

    def save(self, progress: StatisticsProgress) -> None:
        self._state.statistics_progress = progress

    def restart(self) -> None:
        progress = self._state.statistics_progress
        if progress is not None:
            self._state.counted.clear()
            self._state.statistics_progress = StatisticsProgress(
                progress.generation + 1, len(self._state.feed), _NEWEST
            )

    def progress(self) -> StatisticsProgress | None:
        return self._state.statistics_progress

    def changed_after(self, position: int, limit: int) -> tuple[list[PaymentId], int]:
        entries = self._state.feed[position : position + limit]
        counted = (FeedKind.PAYMENT, FeedKind.DISPUTE)
        changed = [PaymentId(one.payment_id) for one in entries if one.kind in counted]
        return list(dict.fromkeys(changed)), position + len(entries)

    def older_payments(self, before: Position, limit: int) -> list[Position]:
        found = [Position(one.create_time, one.terms.payment_id) for one in self._state.payments.values()]
        older = [one for one in found if (one.time, one.id) < (before.time, before.id)]
        return sorted(older, key=lambda one: (one.time, one.id), reverse=True)[:limit]

    def payments(self, payment_ids: Collection[PaymentId]) -> list[CountedPayment]:
        found = [self._state.payments[own] for own in payment_ids if own in self._state.payments]
        return [
            CountedPayment(one.terms.payment_id, one.terms.caller_id, one.create_time, one.terms.amount, one.state)
            for one in found
        ]

    def disputes_of(self, payment_ids: Collection[PaymentId]) -> Mapping[PaymentId, Sequence[Dispute]]:
        every = self._state.disputes.values()
        return {own: [one for one in every if one.payment_id == own] for own in payment_ids}

    def movements_of(self, payment_ids: Collection[PaymentId]) -> Mapping[PaymentId, Sequence[CountedMovement]]:
        rows = [(row.payment_id, row.movement) for row in self._state.movements.values()]
        return {
            own: [CountedMovement(one.kind, one.time, one.amount) for whose, one in rows if whose == own]
            for own in payment_ids
        }

    def put(self, generation: int, facts: Iterable[PaymentFacts]) -> int:
        changed = [one for one in facts if self._state.counted.get(one.payment_id) != one]
        self._state.counted |= {one.payment_id: one for one in changed}
        return len(changed)

    def remove_others(self, generation: int, limit: int) -> int:
        """There is only one."""
        return 0

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
        return self._sums(
            ((bucket.hour - start) // hours_a_day, bucket, total)
            for bucket, total in self._counted(caller_id, currency_code)
            if start <= bucket.hour < end
        )

    def totals(
        self, generation: int, caller_id: CallerId | None, currency_code: str | None, *, until: int
    ) -> list[DaySum]:
        return self._sums(
            (0, bucket, total)
            for bucket, total in self._counted(caller_id, currency_code)
            if bucket.hour < until and bucket.measure.startswith("movement:")
        )

    def _counted(self, caller_id: CallerId | None, currency_code: str | None) -> Iterator[tuple[Bucket, Sum]]:
        for one in self._state.counted.values():
            if caller_id in (None, one.caller_id):
                yield from (pair for pair in one.sums.items() if currency_code in (None, pair[0].currency_code))

    def _sums(self, found: Iterable[tuple[int, Bucket, Sum]]) -> list[DaySum]:
        sums: dict[tuple[int, str, str], DaySum] = {}
        for day, bucket, total in found:
            key = (day, bucket.currency_code, bucket.measure)
            before = sums.get(key, DaySum(*key, Sum()))
            sums[key] = replace(before, total=before.total.plus(total))
        return list(sums.values())
