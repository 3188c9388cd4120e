"""The days of a time zone as spans of whole hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from application.statistics.days import Span, has_whole_hours, spans, zone_named
from application.statistics.payment_facts import hour_of

JAKARTA = zone_named("Asia/Jakarta")
BERLIN = zone_named("Europe/Berlin")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_days_of_utc_are_one_span() -> None:
    start = hour_of(datetime(2026, 11, 1, tzinfo=UTC))
    assert list(spans(UTC, date(2026, 11, 1), date(2026, 11, 15))) == [Span(date(2026, 11, 1), start, start + 336, 24)]


def test_a_day_of_jakarta_begins_seven_hours_earlier() -> None:
    assert JAKARTA is not None
    (span,) = spans(JAKARTA, date(2026, 11, 1), date(2026, 11, 2))
    assert span.start == hour_of(datetime(2026, 10, 31, 17, tzinfo=UTC))
    assert span.end - span.start == 24


def test_days_on_which_the_clocks_change_are_spans_of_their_own() -> None:
    assert BERLIN is not None
    found = list(spans(BERLIN, date(2026, 3, 1), date(2026, 11, 1)))
    assert [(one.hours_a_day, one.first_day) for one in found] == [
        (24, date(2026, 3, 1)),
        (23, date(2026, 3, 29)),
        (24, date(2026, 3, 30)),
        (25, date(2026, 10, 25)),
        (24, date(2026, 10, 26)),
    ]
    assert all(one.end == following.start for one, following in pairwise(found))


@pytest.mark.parametrize(
    ("name", "expected"), [("Asia/Jakarta", True), ("Asia/Kolkata", False), ("Asia/Kathmandu", False)]
)
def test_a_zone_whose_days_begin_within_an_hour_of_utc_is_recognized(name: str, expected: bool) -> None:
    zone = zone_named(name)
    assert zone is not None
    assert has_whole_hours(zone, NOON.date(), NOON.date() + timedelta(days=9)) is expected


@pytest.mark.parametrize("name", ["Asia/Atlantis", "../../etc/passwd", "/etc/localtime", "Asia", "a" * 300, "x\0y"])
def test_no_other_name_is_a_zone(name: str) -> None:
    assert zone_named(name) is None
