"""SummarizePayments: the sums of each day and currency, whose they are, and bad input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from application.common.caller import Caller, Scope
from application.common.errors import InvalidRequest, NotForCustomers, Rule
from application.statistics.count_payments import CountPayments
from application.statistics.payment_facts import FACTS_VERSION
from application.statistics.summarize_payments import DaySummary, RawSummaryQuery, SummarizePayments, Summary
from domain.decline import DeclineReason
from domain.ids import CallerId, CustomerId
from domain.movement import MovementKind
from domain.payment_state import PaymentState
from tests.application.shop import SHOP, Shop, an_order, usd

ADMINISTRATOR = Caller(CallerId("office"), frozenset({Scope.ADMIN}))


@pytest.fixture
def shop() -> Shop:
    return Shop()


def counted(shop: Shop) -> None:
    with shop.store.begin() as work:
        while work.feed.relay(500):
            pass
    job = CountPayments(shop.store)
    for _ in range(50):
        job()
        with shop.store.read() as work:
            if not work.statistics.has_work(FACTS_VERSION):
                return
    raise AssertionError("the statistics do not come to an end")


def window(shop: Shop, more: Mapping[str, str]) -> RawSummaryQuery:
    today = shop.clock.now().date()
    return RawSummaryQuery(**{"start": today.isoformat(), "end": (today + timedelta(days=9)).isoformat(), **more})


def summary(shop: Shop, caller: Caller = SHOP, **more: str) -> Summary:
    return SummarizePayments(shop.store, shop.clock)(window(shop, more), caller)


def only_day(shop: Shop, caller: Caller = SHOP, **more: str) -> DaySummary:
    (day,) = summary(shop, caller, **more).days
    return day


def test_a_day_sums_up_states_declines_and_money_on_its_way(shop: Shop) -> None:
    shop.pay()
    shop.pay(an_order(amount=usd(2001_00)))
    counted(shop)
    day = only_day(shop)
    assert (day.attempted_count, day.approved_count, day.declined_count) == (2, 1, 1)
    declined = [reason for reason in DeclineReason if day.decline(reason).count]
    assert len(declined) == 1
    captured = day.moved(MovementKind.CAPTURE)
    assert captured.minor_units == day.state(PaymentState.CAPTURED).minor_units > 0
    assert day.on_its_way.awaiting_settlement == captured.minor_units
    assert day.on_its_way.awaiting_payout == 0


def test_money_stays_on_its_way_on_days_without_a_payment(shop: Shop) -> None:
    shop.pay()
    counted(shop)
    own = window(shop, {})
    shop.wait(timedelta(days=3))
    found = SummarizePayments(shop.store, shop.clock)(own, SHOP)
    assert [one.attempted_count for one in found.days] == [1, 0, 0, 0]
    assert len({one.on_its_way for one in found.days}) == 1


def test_an_administrator_sums_up_every_caller_and_a_caller_only_its_own(shop: Shop) -> None:
    shop.pay()
    counted(shop)
    other = replace(SHOP, caller_id=CallerId("another"))
    assert summary(shop, other).days == []
    assert summary(shop, other, caller_id=str(SHOP.caller_id)).days == []
    assert only_day(shop, ADMINISTRATOR).attempted_count == 1
    assert only_day(shop, ADMINISTRATOR, caller_id=str(SHOP.caller_id)).attempted_count == 1
    assert summary(shop, ADMINISTRATOR, caller_id="another").days == []
    assert summary(shop, currency_code="IDR").days == []


def test_a_customer_learns_nothing_of_the_business(shop: Shop) -> None:
    with pytest.raises(NotForCustomers):
        summary(shop, replace(SHOP, customer_id=CustomerId("cus_1")))


def test_the_sums_are_incomplete_until_every_payment_is_counted(shop: Shop) -> None:
    shop.pay()
    before = summary(shop)
    assert before.complete_from is not None
    counted(shop)
    assert (summary(shop).complete_from, summary(shop).uncounted) == (None, 0)
    shop.pay()
    with shop.store.begin() as work:
        assert work.feed.relay(500)
    assert summary(shop).uncounted > 0


@pytest.mark.parametrize(
    ("field", "text", "rule"),
    [
        ("start", "", Rule.REQUIRED),
        ("start", "1.11.2026", Rule.DATE),
        ("end", "20261130", Rule.DATE),
        ("end", "2000-01-01", Rule.AFTER),
        ("end", "2999-01-01", Rule.MAX_DAYS),
        ("time_zone", "Asia/Atlantis", Rule.TIME_ZONE),
        ("time_zone", "Asia/Kolkata", Rule.WHOLE_HOURS),
        ("currency_code", "usd", Rule.CURRENCY),
    ],
)
def test_bad_input_is_refused_by_name(shop: Shop, field: str, text: str, rule: Rule) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        SummarizePayments(shop.store, shop.clock)(window(shop, {field: text}), SHOP)
    names = {"start": "from_date", "end": "until_date"}
    assert [(one.field, one.rule) for one in refusal.value.violations] == [(names.get(field, field), rule)]


def test_a_day_of_another_zone_begins_elsewhere(shop: Shop) -> None:
    shop.pay()
    counted(shop)
    local = shop.clock.now() + timedelta(hours=7)
    found = only_day(shop, time_zone="Asia/Jakarta", start=str(local.date()), end=str(local.date() + timedelta(days=1)))
    assert found.day == date(local.year, local.month, local.day)
