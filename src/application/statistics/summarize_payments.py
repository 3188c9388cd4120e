"""Sums up payments, declines, disputes and movements of money by day and currency."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from application.common.caller import Caller
from application.common.errors import NotForCustomers, Rule
from application.common.validator import Validator, require_checked
from application.ports.runtime import Clock
from application.ports.statistics import DaySum, Sum
from application.ports.store import Store, UnitOfWork
from application.statistics.days import has_whole_hours, spans, zone_named
from application.statistics.payment_facts import LOST, OPENED, WON, decline_measure, movement_measure, state_measure
from domain.currencies import EXPONENTS
from domain.decline import DeclineReason
from domain.ids import CallerId
from domain.movement import MovementKind
from domain.payment_state import PaymentState

MOST_DAYS: Final = 92
_DAY: Final = timedelta(days=1)
_EMPTY: Final = Sum()
_UNANSWERED: Final = frozenset({PaymentState.PENDING, PaymentState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSummaryQuery:
    """The days to sum up, unchecked: ISO 8601 dates, the end exclusive; a zone such as "Asia/Jakarta"."""

    start: str
    end: str
    time_zone: str = ""
    # Of this caller. Empty: of every caller whose payments the credential reaches.
    caller_id: str = ""
    currency_code: str = ""


@dataclass(frozen=True, slots=True)
class MoneyOnItsWay:
    """Amounts in minor units at one instant: on the way to the merchant's bank, and back to customers."""

    awaiting_settlement: int
    awaiting_payout: int
    refunds_awaiting_settlement: int
    refunds_awaiting_payout: int


NOTHING: Final = MoneyOnItsWay(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class DaySummary:
    """The sums of one day and currency, by the names of payment_facts."""

    day: date
    currency_code: str
    sums: Mapping[str, Sum]
    # At the end of the day.
    on_its_way: MoneyOnItsWay

    def state(self, state: PaymentState) -> Sum:
        """The payments created that day that are in the state now."""
        return self.sums.get(state_measure(state), _EMPTY)

    def decline(self, reason: DeclineReason) -> Sum:
        return self.sums.get(decline_measure(reason), _EMPTY)

    def moved(self, kind: MovementKind) -> Sum:
        return self.sums.get(movement_measure(kind), _EMPTY)

    @property
    def attempted_count(self) -> int:
        return sum(self.state(state).count for state in PaymentState)

    @property
    def declined_count(self) -> int:
        return self.state(PaymentState.DECLINED).count

    @property
    def approved_count(self) -> int:
        """Those that were authorized, whatever became of them later."""
        others = sum(self.state(state).count for state in _UNANSWERED)
        return self.attempted_count - self.declined_count - others

    @property
    def opened(self) -> Sum:
        return self.sums.get(OPENED, _EMPTY)

    @property
    def won(self) -> Sum:
        return self.sums.get(WON, _EMPTY)

    @property
    def lost(self) -> Sum:
        return self.sums.get(LOST, _EMPTY)


@dataclass(frozen=True, slots=True)
class Summary:
    """The days and currencies in which there was anything, by day, then currency."""

    days: list[DaySummary] = field(default_factory=list)
    # While the statistics are being built: payments created before this time may be missing. None: they are complete.
    complete_from: datetime | None = None
    # Events of the feed that are not counted yet.
    uncounted: int = 0


@dataclass(frozen=True, slots=True)
class SummarizePayments:
    store: Store
    clock: Clock

    def __call__(self, raw: RawSummaryQuery, caller: Caller) -> Summary:
        """Raises InvalidRequest, NotForCustomers and StoreUnavailable."""
        if caller.customer_id is not None:
            raise NotForCustomers
        zone, start, end = _check(raw)
        reach = CallerId(raw.caller_id) if raw.caller_id else caller.reach
        if reach is not None and caller.reach not in (None, reach):
            return Summary()
        with self.store.read() as work:
            return self._sum_up(work, reach, raw.currency_code or None, zone, start, end)

    def _sum_up(
        self, work: UnitOfWork, reach: CallerId | None, currency_code: str | None, zone: tzinfo, start: date, end: date
    ) -> Summary:
        progress = work.statistics.progress()
        if progress is None:
            return Summary(complete_from=self.clock.now(), uncounted=work.feed.end())
        days: dict[tuple[date, str], dict[str, Sum]] = {}
        own = list(spans(zone, start, end))
        for span in own:
            for one in work.statistics.by_day(
                progress.generation, reach, currency_code, start=span.start, end=span.end, hours_a_day=span.hours_a_day
            ):
                day = span.first_day + timedelta(days=one.day)
                days.setdefault((day, one.currency_code), {})[one.measure] = one.total
        before = work.statistics.totals(progress.generation, reach, currency_code, until=own[0].start)
        now, backfill = self.clock.now(), progress.backfill
        return Summary(
            days=list(_with_balances(days, before, start, min(end, now.astimezone(zone).date() + _DAY))),
            # Before the first batch, the backfill stands in the far future.
            complete_from=min(backfill.time, now) if backfill else None,
            uncounted=max(0, work.feed.end() - progress.position),
        )


def _with_balances(
    days: Mapping[tuple[date, str], Mapping[str, Sum]], before: Iterable[DaySum], start: date, end: date
) -> Iterator[DaySummary]:
    """The days and currencies with anything in them, or with money on its way, which each day carries to the next."""
    balances: dict[str, Counter[str]] = defaultdict(Counter)
    for one in before:
        balances[one.currency_code][one.measure] += one.total.minor_units
    # Movements can be dated later today than now: those of payouts are, at noon.
    last = max((day for day, _ in days), default=start)
    for number in range((max(end, last + _DAY) - start).days):
        day = start + _DAY * number
        for currency_code in sorted({*balances, *(code for when, code in days if when == day)}):
            sums = days.get((day, currency_code), {})
            for measure, total in sums.items():
                balances[currency_code][measure] += total.minor_units
            on_its_way = _on_its_way(balances[currency_code])
            if sums or on_its_way != NOTHING:
                yield DaySummary(day, currency_code, sums, on_its_way)


def _on_its_way(moved: Mapping[str, int]) -> MoneyOnItsWay:
    def of(kind: MovementKind) -> int:
        return moved.get(movement_measure(kind), 0)

    captured = of(MovementKind.CAPTURE) - of(MovementKind.CAPTURE_REVERSAL)
    settled = of(MovementKind.SETTLEMENT) - of(MovementKind.SETTLEMENT_REVERSAL)
    refunded = of(MovementKind.REFUND) - of(MovementKind.REFUND_REVERSAL)
    refunds_settled = of(MovementKind.REFUND_SETTLEMENT) - of(MovementKind.REFUND_SETTLEMENT_REVERSAL)
    return MoneyOnItsWay(
        awaiting_settlement=captured - settled,
        awaiting_payout=settled - of(MovementKind.PAYOUT),
        refunds_awaiting_settlement=refunded - refunds_settled,
        refunds_awaiting_payout=refunds_settled - of(MovementKind.REFUND_PAYOUT),
    )


def _check(raw: RawSummaryQuery) -> tuple[tzinfo, date, date]:
    validator = Validator()
    start = validator.day("from_date", raw.start)
    end = validator.day("until_date", raw.end)
    zone = zone_named(validator.plain_text("time_zone", raw.time_zone))
    validator.plain_text("caller_id", raw.caller_id)
    if raw.currency_code and raw.currency_code not in EXPONENTS:
        validator.add("currency_code", Rule.CURRENCY)
    if zone is None:
        validator.add("time_zone", Rule.TIME_ZONE)
    if start is not None and end is not None:
        if end <= start:
            validator.add("until_date", Rule.AFTER, "from_date")
        elif (end - start).days > MOST_DAYS:
            validator.add("until_date", Rule.MAX_DAYS, MOST_DAYS)
        elif zone is not None and not has_whole_hours(zone, start, end):
            validator.add("time_zone", Rule.WHOLE_HOURS)
    validator.done()
    return require_checked(zone), require_checked(start), require_checked(end)
