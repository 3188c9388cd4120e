"""The charts of the overview, from summaries that are written here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from django.utils import translation

from bayar import Money
from bayar.models import DeclineReason, DeclineTotal, MovementKind, MovementTotal, PaymentSummary, Total
from bayar_console.configuration import Configuration
from bayar_console.pages import charts

DAYS = [date(2026, 11, number) for number in (28, 29, 30)]


@pytest.fixture(autouse=True)
def _configured(console: Configuration) -> None:
    """Words need a language."""
    assert console


def usd(minor_units: int) -> Money:
    return Money(minor_units=minor_units, currency_code="USD")


def a_summary(number: int, currency_code: str = "USD", **more: object) -> PaymentSummary:
    return PaymentSummary(date=f"2026-11-{number}", currency_code=currency_code, **more)  # type: ignore[arg-type]


def test_payments_of_all_currencies_are_piled_up_and_the_rate_is_a_line() -> None:
    found = [
        a_summary(28, attempted_count=4, approved_count=2, declined_count=2),
        a_summary(30, attempted_count=5, approved_count=3, declined_count=1),
        a_summary(30, "IDR", attempted_count=3, approved_count=3),
    ]
    chart = charts.payments_chart(DAYS, found)
    assert [row[1:] for row in chart.rows] == [
        ("4", "2", "2", "0", "50 %"),
        ("0", "0", "0", "0", "\N{EN DASH}"),
        ("8", "6", "1", "1", "86 %"),
    ]
    assert chart.line.split() == ["16.67,50.00", "83.33,14.29"]
    assert [(one.tone, round(one.height)) for one in chart.bars] == [
        ("good", 25),
        ("bad", 25),
        ("good", 75),
        ("bad", 12),
        ("quiet", 12),
    ]
    assert all(one.y >= 0 and one.y + one.height <= 100.01 for one in chart.bars)


def test_nothing_is_no_drawing() -> None:
    assert charts.payments_chart(DAYS, []).is_empty
    assert charts.disputes_chart(DAYS, []).is_empty
    assert charts.refunds_chart(DAYS, [], "USD").is_empty
    assert charts.on_its_way_chart(DAYS, [], "USD").is_empty
    assert charts.decline_bars([]) == []


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """A request of another test may have left its language behind."""
    with translation.override("en"):
        yield


def test_declines_come_most_frequent_first_in_words() -> None:
    def total(reason: DeclineReason, count: int) -> DeclineTotal:
        return DeclineTotal(reason=reason, total=Total(count=count, amount=usd(1)))

    found = [
        a_summary(28, declines=(total(DeclineReason.CARD_EXPIRED, 1), total(DeclineReason.INSUFFICIENT_FUNDS, 2))),
        a_summary(29, declines=(total(DeclineReason.INSUFFICIENT_FUNDS, 1),)),
    ]
    bars = charts.decline_bars(found)
    assert [(str(one.reason), one.count, one.share) for one in bars] == [
        ("Not enough money", 3, 75),
        ("Card expired", 1, 25),
    ]


def test_refunds_that_failed_later_are_taken_off() -> None:
    def moved(kind: MovementKind, count: int, units: int) -> MovementTotal:
        return MovementTotal(kind=kind, total=Total(count=count, amount=usd(units)))

    found = [
        a_summary(29, movements=(moved(MovementKind.REFUND, 3, 9_00), moved(MovementKind.REFUND_REVERSAL, 1, 4_00))),
        a_summary(29, "IDR", movements=(moved(MovementKind.REFUND, 7, 9_00),)),
    ]
    assert charts.refunds_chart(DAYS, found, "USD").rows[1][1:] == ("2", "USD 5.00")


def test_money_on_its_way_is_that_of_one_currency() -> None:
    found = [
        a_summary(30, awaiting_settlement_amount=usd(7_00), awaiting_payout_amount=usd(2_00)),
        a_summary(30, "IDR", awaiting_settlement_amount=Money(minor_units=1, currency_code="IDR")),
    ]
    chart = charts.on_its_way_chart(DAYS, found, "USD")
    assert chart.rows[2][1:] == ("USD 7.00", "USD 2.00", "\N{EN DASH}")
    assert chart.top == "USD 9.00"
    assert charts.currencies_of(found) == ["IDR", "USD"]
