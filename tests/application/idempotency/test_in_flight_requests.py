"""A request that comes twice at once waits for the first one, without a place to work and not among too many."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from application.common.concurrency import blocking_call, holding_slot
from application.common.lease import Lease, LeaseOver, steady_seconds
from application.idempotency.in_flight_requests import InFlightRequests, Key
from domain.ids import CallerId, RequestId

KEY: Key = (CallerId("shop"), RequestId("1"))
OTHER: Key = (CallerId("shop"), RequestId("2"))
LONG = 5.0


class CountedTurn:
    """Counts how often it is lent, and says whether somebody else has it now."""

    def __init__(self) -> None:
        self.count = 0
        self.is_lent = threading.Event()

    @contextmanager
    def released(self) -> Iterator[None]:
        self.count += 1
        self.is_lent.set()
        try:
            yield
        finally:
            self.is_lent.clear()


class Waiter:
    """A thread that waits for a request. Its turn tells that it has begun to."""

    def __init__(self, in_flight: InFlightRequests, key: Key = KEY, seconds: float = LONG) -> None:
        self.turn = CountedTurn()
        self._thread = threading.Thread(target=self._wait, args=(in_flight, key, seconds), daemon=True)
        self._thread.start()

    def _wait(self, in_flight: InFlightRequests, key: Key, seconds: float) -> None:
        with holding_slot(self.turn):
            in_flight.wait(key, seconds)

    def begins(self) -> bool:
        return self.turn.is_lent.wait(LONG)

    def ends(self) -> bool:
        self._thread.join(LONG)
        return not self._thread.is_alive()

    @property
    def still_waits(self) -> bool:
        return self._thread.is_alive()


@pytest.fixture
def in_flight() -> InFlightRequests:
    return InFlightRequests(most_threads=100)


def test_a_repeat_waits_until_the_first_one_is_through(in_flight: InFlightRequests) -> None:
    with in_flight.track(KEY):
        waiter = Waiter(in_flight)
        assert waiter.begins()
        assert waiter.still_waits
    assert waiter.ends()
    assert waiter.turn.count == 1


def test_a_wait_for_a_request_that_does_not_run_returns_at_once(in_flight: InFlightRequests) -> None:
    with in_flight.track(OTHER):
        waiter = Waiter(in_flight)
        assert waiter.ends()
    in_flight.wait(OTHER, LONG)
    assert waiter.turn.count == 0


def test_a_request_that_failed_is_through_as_well(in_flight: InFlightRequests) -> None:
    waiters: list[Waiter] = []

    def fail() -> None:
        with in_flight.track(KEY):
            waiters.append(Waiter(in_flight))
            assert waiters[0].begins()
            raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        fail()
    assert waiters[0].ends()


def test_the_first_one_stays_the_one_to_wait_for(in_flight: InFlightRequests) -> None:
    with in_flight.track(KEY):
        with in_flight.track(KEY):
            waiter = Waiter(in_flight)
            assert waiter.begins()
        late = Waiter(in_flight)
        assert late.begins()
        assert waiter.still_waits
    assert waiter.ends()
    assert late.ends()


def test_a_timed_out_waiter_continues_and_frees_its_slot() -> None:
    in_flight = InFlightRequests(most_threads=2)
    with in_flight.track(KEY):
        for _ in range(3):
            waiter = Waiter(in_flight, seconds=0.01)
            assert waiter.ends()
            assert waiter.turn.count == 1


@pytest.mark.parametrize("room", [0, 1, 2])
def test_those_that_run_and_those_that_wait_are_bounded_together(room: int) -> None:
    in_flight = InFlightRequests(most_threads=2 + room)
    with in_flight.track(KEY), in_flight.track(OTHER):
        waiters = [Waiter(in_flight) for _ in range(room)]
        assert all(waiter.begins() for waiter in waiters)
        one_too_many = Waiter(in_flight)
        assert one_too_many.ends()
        assert one_too_many.turn.count == 0
        assert all(waiter.still_waits for waiter in waiters)
    assert all(waiter.ends() for waiter in waiters)


# The turn to work


def test_a_turn_is_lent_once_however_deep_the_wait_is_and_held_again_afterwards() -> None:
    turn = CountedTurn()
    with holding_slot(turn):
        with blocking_call():
            assert turn.is_lent.is_set()
            with blocking_call():
                assert turn.count == 1
            assert turn.is_lent.is_set()
        assert not turn.is_lent.is_set()
        with pytest.raises(ValueError, match="lost"), blocking_call():
            raise ValueError("lost")
        with blocking_call():
            pass
    assert turn.count == 3


def test_a_thread_without_a_slot_releases_none() -> None:
    turn = CountedTurn()
    with blocking_call():
        pass
    with pytest.raises(ValueError, match="failed"), holding_slot(turn):
        raise ValueError("failed")
    with blocking_call():
        assert turn.count == 0


def test_a_turn_is_of_one_thread() -> None:
    turn = CountedTurn()

    def elsewhere() -> None:
        with blocking_call():
            pass

    with holding_slot(turn):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert turn.count == 0


# The lease


def test_a_lease_is_held_until_its_end_and_not_at_it() -> None:
    now = [9.9]
    lease = Lease(lambda: now[-1], 10.0)
    assert lease.is_held
    lease.hold()
    for later in (10.0, 10.1):
        now.append(later)
        assert not lease.is_held
        with pytest.raises(LeaseOver):
            lease.hold()


def test_the_steady_clock_ignores_changes_of_the_wall_clock() -> None:
    before = steady_seconds()
    started = time.monotonic()
    time.sleep(0.02)  # The clock itself is what is measured.
    assert steady_seconds() - before == pytest.approx(time.monotonic() - started, abs=0.5)
    assert steady_seconds() > before
