"""The days on which a subscription is billed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from braintree_twin.ledger.billing_dates import BillingPeriod, add_months, billing_day_of, end_of_trial, next_on_day


def test_a_subscription_of_the_31st_bills_on_the_last_day_of_every_month() -> None:
    assert billing_day_of(date(2026, 1, 31)) == 31
    assert [add_months(date(2026, 1, 31), months, 31).isoformat() for months in (1, 2, 3, 12)] == [
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
        "2027-01-31",
    ]


def test_a_billing_day_of_month_starts_today_or_later() -> None:
    assert next_on_day(date(2026, 5, 5), 5) == date(2026, 5, 5)
    assert next_on_day(date(2026, 5, 6), 5) == date(2026, 6, 5)
    assert next_on_day(date(2026, 4, 30), 31) == date(2026, 4, 30)


def test_a_trial_lasts_days_or_months() -> None:
    assert end_of_trial(date(2026, 1, 31), 2, "day") == date(2026, 2, 2)
    assert end_of_trial(date(2026, 1, 31), 1, "month") == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("period", "day", "amount", "expected"),
    [
        # The published example of proration: ten days into June, 30 dollars more.
        ((date(2026, 6, 1), date(2026, 6, 30)), date(2026, 6, 10), "30.00", "20.00"),
        ((date(2026, 1, 1), date(2026, 12, 31)), date(2026, 6, 1), "720.00", "420.16"),
        ((date(2026, 6, 1), date(2026, 6, 30)), date(2026, 6, 30), "30.00", "0.00"),
        ((date(2026, 6, 1), date(2026, 6, 30)), date(2026, 7, 2), "30.00", "0.00"),
    ],
)
def test_proration_is_by_the_days_after_today(period: tuple[date, date], day: date, amount: str, expected: str) -> None:
    assert str(BillingPeriod(*period).share_left(Decimal(amount), day)) == expected
