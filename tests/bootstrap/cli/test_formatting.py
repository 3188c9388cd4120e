"""Words for people: spans of time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bootstrap.cli.terminal.formatting import duration


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(days=3), "3 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(hours=1, minutes=30), "1 hour 30 minutes"),
        (timedelta(days=2, seconds=1), "2 days 1 second"),
        (timedelta(), "0 seconds"),
    ],
)
def test_a_span_of_time_is_told_in_words(span: timedelta, text: str) -> None:
    assert duration(span) == text
