"""The dates of a subscription: months that keep their billing day, trials, and shares of a billing period."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

# The billing day that stands for the last day of every month.
LAST_DAY = 31
DAYS_IN_EVERY_MONTH = 28


def billing_day_of(day: date) -> int:
    """The billing day of month of a subscription that starts on this day: 29 and later become the last day."""
    return day.day if day.day <= DAYS_IN_EVERY_MONTH else LAST_DAY


def _on_day(year: int, month: int, billing_day: int) -> date:
    return date(year, month, min(billing_day, monthrange(year, month)[1]))


def add_months(day: date, months: int, billing_day: int) -> date:
    """The billing day, so many months later."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return _on_day(year, month + 1, billing_day)


def next_on_day(today: date, billing_day: int) -> date:
    """The first such day of month from today on, today included."""
    this_month = _on_day(today.year, today.month, billing_day)
    return this_month if this_month >= today else add_months(today, 1, billing_day)


def end_of_trial(today: date, duration: int, unit: str) -> date:
    """The day after the trial: the first billing date."""
    return today + timedelta(days=duration) if unit == "day" else add_months(today, duration, today.day)


@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """From its first to its last day, both included."""

    start: date
    end: date

    def share_left(self, amount: Decimal, today: date) -> Decimal:
        """The part of an amount that falls on the days after today, in hundredths."""
        days = (self.end - self.start).days + 1
        left = max(0, min(days, (self.end - today).days))
        return (amount * left / days).quantize(Decimal("0.01"), ROUND_HALF_UP)
