"""Absence is proven by time that this process saw go by, and what nobody looks for any more is forgotten."""

from __future__ import annotations

import threading
from datetime import timedelta

from application.common.not_found_horizon import KEPT_HORIZONS, NotFoundTimer

HORIZON = timedelta(seconds=180)


class Steady:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_the_first_look_proves_nothing_and_the_horizon_does() -> None:
    time = Steady()
    watch = NotFoundTimer(time, HORIZON)
    assert not watch.is_proven("one")
    time.seconds = 179.9
    assert not watch.is_proven("one")
    time.seconds = 180
    assert watch.is_proven("one")
    watch.forget("one")
    assert not watch.is_proven("one")


def test_a_timer_of_an_operation_resolved_by_another_replica_is_dropped() -> None:
    time = Steady()
    watch = NotFoundTimer(time, HORIZON)
    for number in range(1000):
        watch.is_proven(f"resolved elsewhere {number}")
    assert watch.count == 1000
    time.seconds = KEPT_HORIZONS * HORIZON.total_seconds() + 1
    watch.is_proven("another")
    assert watch.count == 1


def test_a_running_timer_is_not_dropped() -> None:
    time = Steady()
    watch = NotFoundTimer(time, timedelta(hours=1))
    watch.is_proven("long")
    for hour in range(1, 3 * KEPT_HORIZONS):
        time.seconds = hour * 3600
        watch.is_proven(f"other {hour}")
        assert watch.is_proven("long")
    assert watch.count <= KEPT_HORIZONS + 2


def test_a_full_watch_makes_room_by_verdicts_and_never_hastens_one() -> None:
    time = Steady()
    watch = NotFoundTimer(time, HORIZON, most_watched=10)
    missing = [f"missing {number}" for number in range(35)]
    rounds = 0
    while missing:
        for key in list(missing):
            if watch.is_proven(key):
                watch.forget(key)
                missing.remove(key)
        assert watch.count <= 10
        time.seconds += HORIZON.total_seconds()
        rounds += 1
    # Ten at a time, and each only after a look and another one a horizon later.
    assert 4 < rounds <= 8


def test_many_threads_look_at_once() -> None:
    watch = NotFoundTimer(Steady(), HORIZON)
    failures: list[Exception] = []

    def look(name: int) -> None:
        try:
            for number in range(300):
                watch.is_proven(f"{name} {number}")
                watch.is_proven(f"shared {number}")
                watch.forget(f"{name} {number}")
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=look, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, watch.count) == ([], 300)
