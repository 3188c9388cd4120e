"""Pauses between tries double up to the longest, however often it was tried."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.common.backoff import doubled

SECOND = timedelta(seconds=1)


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [doubled(2 * SECOND, times, 50 * SECOND).total_seconds() for times in range(7)]
    assert pauses == [2, 4, 8, 16, 32, 50, 50]


@pytest.mark.parametrize("times", [0, 1, 1_000_000_000])
def test_a_first_pause_that_is_too_long_is_cut(times: int) -> None:
    assert doubled(3 * SECOND, times, 2 * SECOND) == 2 * SECOND


def test_the_longest_pause_is_reached_however_short_the_first_one_is() -> None:
    assert doubled(timedelta(microseconds=1), 1_000_000_000, timedelta(days=365)) == timedelta(days=365)
    assert doubled(timedelta(microseconds=1), 40, timedelta(days=365)) == timedelta(microseconds=2**40)
