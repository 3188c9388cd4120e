"""The charts of the overview: bars and a line for SVG, each with the table of its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from bayar import Money
from bayar.models import DeclineReason, MovementKind, PaymentSummary, Total
from bayar_console.words import word

Text: TypeAlias = str | Promise
# The part of a day's width that its bars take.
_FILLED: Final = 0.8
_NONE: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Rect:
    """A bar in a drawing of 100 by 100. tone: its class in the style sheet."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Series:
    """One measure: its name, its look, and its value of each day."""

    name: Text
    tone: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and its table. headings and rows: the table, the first of each the day."""

    name: str
    title: Text
    legend: Sequence[Series]
    bars: Sequence[Rect]
    headings: Sequence[Text]
    rows: Sequence[Sequence[str]]
    # The value at the top of the drawing.
    top: str
    # The points of a line, of 100 by 100.
    line: str = ""
    is_empty: bool = False
    notes: Sequence[Text] = field(default_factory=tuple)

    @property
    def first(self) -> str:
        return self.rows[0][0]

    @property
    def last(self) -> str:
        return self.rows[-1][0]


@dataclass(frozen=True, slots=True)
class DeclineBar:
    """The declines of one reason. width: of 100."""

    reason: Text
    count: int
    share: int
    width: float


def payments_chart(days: Sequence[date], found: Sequence[PaymentSummary]) -> Chart:
    """Payments of every currency by day, and the approval rate as a line."""
    attempted = _counts(days, found, lambda one: one.attempted_count)
    approved = _counts(days, found, lambda one: one.approved_count)
    declined = _counts(days, found, lambda one: one.declined_count)
    others = [all_ - yes - no for all_, yes, no in zip(attempted, approved, declined, strict=True)]
    rates = [rate(yes, no) for yes, no in zip(approved, declined, strict=True)]
    shown = (
        Series(_("Approved"), "good", approved),
        Series(_("Declined"), "bad", declined),
        Series(_("No answer, or failed"), "quiet", others),
    )
    return Chart(
        name="by-day",
        title=_("Payments and approval rate by day"),
        legend=(*shown, Series(_("Approval rate"), "line", [])),
        bars=_stacked(shown),
        line=_line(rates),
        headings=(_("Day"), _("Payments"), *(one.name for one in shown), _("Approval rate")),
        rows=[
            (_day(day), str(all_), str(yes), str(no), str(other), percent_text(share))
            for day, all_, yes, no, other, share in zip(days, attempted, approved, declined, others, rates, strict=True)
        ],
        top=str(max(attempted)),
        is_empty=not any(attempted),
        notes=(_("Approval rate: the approved payments, out of those that the bank answered."),),
    )


def disputes_chart(days: Sequence[date], found: Sequence[PaymentSummary]) -> Chart:
    """Disputes of every currency, by the day on which they were opened, won or lost."""
    sides: tuple[tuple[Text, str, Callable[[PaymentSummary], Total]], ...] = (
        (_("Opened"), "waiting", lambda one: one.disputes_opened),
        (_("Won"), "good", lambda one: one.disputes_won),
        (_("Lost"), "bad", lambda one: one.disputes_lost),
    )
    shown = [Series(name, tone, _counts(days, found, _count_of(of))) for name, tone, of in sides]
    totals = [[_totals(days[number], found, of) for _name, _tone, of in sides] for number in range(len(days))]
    return Chart(
        name="disputes",
        title=_("Disputes by day"),
        legend=shown,
        bars=_side_by_side(shown),
        headings=(_("Day"), *(one.name for one in shown)),
        rows=[(_day(day), *cells) for day, cells in zip(days, totals, strict=True)],
        top=str(max(max(one.values) for one in shown)),
        is_empty=not any(any(one.values) for one in shown),
    )


def refunds_chart(days: Sequence[date], found: Sequence[PaymentSummary], currency_code: str) -> Chart:
    """Refunds of one currency by day, less those that failed later."""
    totals = [_refunded(day, found, currency_code) for day in days]
    shown = (Series(_("Given back"), "waiting", [max(0, units) for _number, units in totals]),)
    return Chart(
        name="refunds",
        title=_("Refunds by day"),
        legend=shown,
        bars=_stacked(shown),
        headings=(_("Day"), _("How many"), _("Amount")),
        rows=[
            (_day(day), str(number), _amount(units, currency_code))
            for day, (number, units) in zip(days, totals, strict=True)
        ],
        top=_amount(int(max(shown[0].values)), currency_code),
        is_empty=not any(number for number, _units in totals),
    )


def on_its_way_chart(days: Sequence[date], found: Sequence[PaymentSummary], currency_code: str) -> Chart:
    """Money of one currency on its way, at the end of each day."""
    sides: tuple[tuple[Text, str, Callable[[PaymentSummary], Money]], ...] = (
        (_("Captured, not settled yet"), "waiting", lambda one: one.awaiting_settlement_amount),
        (_("Settled, not paid out yet"), "good", lambda one: one.awaiting_payout_amount),
    )
    back: tuple[Callable[[PaymentSummary], Money], ...] = (
        lambda one: one.refunds_awaiting_settlement_amount,
        lambda one: one.refunds_awaiting_payout_amount,
    )
    own = {one.date: one for one in found if one.currency_code == currency_code}

    def units(of: Callable[[PaymentSummary], Money]) -> list[int]:
        return [of(own[str(day)]).minor_units if str(day) in own else 0 for day in days]

    shown = [Series(name, tone, [max(0, value) for value in units(of)]) for name, tone, of in sides]
    coming, returning = [units(of) for _name, _tone, of in sides], [units(of) for of in back]
    return Chart(
        name="on-its-way",
        title=_("Money on its way"),
        legend=shown,
        bars=_stacked(shown),
        headings=(_("Day"), *(one.name for one in shown), _("Refunds on their way back")),
        rows=[
            (
                _day(day),
                *(_amount(values[number], currency_code) for values in coming),
                _amount(sum(values[number] for values in returning), currency_code),
            )
            for number, day in enumerate(days)
        ],
        top=_amount(int(max(map(sum, zip(*(one.values for one in shown), strict=True)))), currency_code),
        is_empty=not any(any(values) for values in (*coming, *returning)),
        notes=(_("At the end of each day; today: now."),),
    )


def decline_bars(found: Sequence[PaymentSummary]) -> list[DeclineBar]:
    """The declines of all days by reason, the most frequent first."""
    counts: dict[DeclineReason, int] = {}
    for total in (total for one in found for total in one.declines):
        counts[total.reason] = counts.get(total.reason, 0) + total.total.count
    all_, most = sum(counts.values()), max(counts.values(), default=1)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0].name))
    return [DeclineBar(word(reason), count, round(100 * count / all_), 100 * count / most) for reason, count in ordered]


def rate(approved: float, declined: float) -> float | None:
    """The approval rate in percent. None: the bank answered nothing."""
    answered = approved + declined
    return 100 * approved / answered if answered else None


def percent_text(share: float | None) -> str:
    return _NONE if share is None else f"{share:.0f} %"


def currencies_of(found: Sequence[PaymentSummary]) -> list[str]:
    """The currencies, that with the most payments first."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one.currency_code] = counts.get(one.currency_code, 0) + one.attempted_count
    return sorted(counts, key=lambda code: (-counts[code], code))


def _counts(days: Sequence[date], found: Sequence[PaymentSummary], of: Callable[[PaymentSummary], int]) -> list[int]:
    sums = dict.fromkeys(map(str, days), 0)
    for one in found:
        sums[one.date] = sums.get(one.date, 0) + of(one)
    return [sums[str(day)] for day in days]


def _count_of(of: Callable[[PaymentSummary], Total]) -> Callable[[PaymentSummary], int]:
    return lambda one: of(one).count


def _totals(day: date, found: Sequence[PaymentSummary], of: Callable[[PaymentSummary], Total]) -> str:
    """ "2: USD 30.00, IDR 10000.00", of every currency."""
    totals = [total for total in (of(one) for one in found if one.date == str(day)) if total.count]
    if not totals:
        return _NONE
    return f"{sum(one.count for one in totals)}: {', '.join(str(one.amount) for one in totals)}"


def _refunded(day: date, found: Sequence[PaymentSummary], currency_code: str) -> tuple[int, int]:
    signs = {MovementKind.REFUND: 1, MovementKind.REFUND_REVERSAL: -1}
    own = [one for one in found if one.date == str(day) and one.currency_code == currency_code]
    totals = [(signs[one.kind], one.total) for each in own for one in each.movements if one.kind in signs]
    return (
        sum(sign * total.count for sign, total in totals),
        sum(sign * total.amount.minor_units for sign, total in totals),
    )


def _amount(minor_units: int, currency_code: str) -> str:
    return str(Money(minor_units=minor_units, currency_code=currency_code)) if minor_units else _NONE


def _day(day: date) -> str:
    return date_format(day, "j M")


def _stacked(series: Sequence[Series]) -> list[Rect]:
    """Bars on top of one another; the highest pile is 100 high."""
    piles = list(zip(*(one.values for one in series), strict=True))
    most = max(map(sum, piles), default=0) or 1
    width = 100 / len(piles)
    bars = []
    for number, pile in enumerate(piles):
        y = 100.0
        for one, value in zip(series, pile, strict=True):
            height = 100 * value / most
            y -= height
            if value:
                bars.append(Rect(width * (number + (1 - _FILLED) / 2), y, width * _FILLED, height, one.tone))
    return bars


def _side_by_side(series: Sequence[Series]) -> list[Rect]:
    most = max((max(one.values) for one in series), default=0) or 1
    days = len(series[0].values)
    width = 100 / days
    own = width * _FILLED / len(series)
    return [
        Rect(
            width * (number + (1 - _FILLED) / 2) + place * own,
            100 - 100 * value / most,
            own,
            100 * value / most,
            one.tone,
        )
        for place, one in enumerate(series)
        for number, value in enumerate(one.values)
        if value
    ]


def _line(rates: Sequence[float | None]) -> str:
    """The points of the days that have a rate, each in the middle of its day."""
    width = 100 / len(rates)
    points = [(width * (number + 0.5), 100 - share) for number, share in enumerate(rates) if share is not None]
    # A line of one point is a dot, if it ends where it begins.
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in (points * 2 if len(points) == 1 else points))
