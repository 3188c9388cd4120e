"""The pace of a queue."""

from __future__ import annotations

import pytest

from adapters.grpc.scheduling.pace import Pace


def starts(pace: Pace, *times: float, others_wait: bool = True) -> Pace:
    for now in times:
        pace.note_start(now, others_wait=others_wait)
    return pace


def test_the_pace_is_the_mean_time_between_starts() -> None:
    assert Pace().seconds == 0
    assert starts(Pace(), 5.0).seconds == 0
    assert starts(Pace(), 0.0, 0.1, 0.3, 0.6).seconds == pytest.approx(0.2)


def test_time_in_which_nobody_waited_does_not_count() -> None:
    pace = starts(Pace(), 0.0, 0.2, 0.4)
    starts(pace, 0.5, others_wait=False)
    starts(pace, 100.0, 100.2)
    assert pace.seconds == pytest.approx(0.2)


def test_one_stop_does_not_outweigh_hundreds_of_starts() -> None:
    steady = [number * 0.004 for number in range(200)]
    pace = starts(Pace(), *steady, *(time + 3.0 for time in steady))
    assert pace.seconds < 0.02
    starts(pace, *(10 + time for time in steady), *(11 + time for time in steady))
    assert pace.seconds == pytest.approx(0.004, rel=0.3), "it was long ago"


def test_a_past_slowdown_is_forgotten_while_nobody_waits() -> None:
    pace = starts(Pace(), *(float(number) for number in range(100)))
    starts(pace, *(200.0 + number for number in range(50)), others_wait=False)
    assert pace.seconds == pytest.approx(1.0)
    starts(pace, *(300.0 + number for number in range(49)), others_wait=False)
    assert pace.seconds == 0
