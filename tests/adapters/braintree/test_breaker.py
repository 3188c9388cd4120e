"""A gateway that hangs costs little: few calls wait for it, and after some lost answers hardly any."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.braintree.breaker import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Breaker, Bulkhead
from adapters.braintree.connection import AnswerLost, RequestNotSent
from application.ports.gateway import Approved, GatewayNotReached, GatewayUnavailable, Outcome, Unknown
from tests.adapters.braintree import documents
from tests.adapters.braintree.asking import adapter, authorization
from tests.adapters.braintree.server import answer, hang, serving


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Calls:
    """Calls behind a breaker, which end as the test says."""

    def __init__(self, failures: int = 3) -> None:
        self.clock = Clock()
        self.breaker = Breaker(failures, self.clock)

    def answered(self) -> None:
        with self.breaker():
            pass

    def fail(
        self,
        failure: type[BaseException] = AnswerLost,
        *,
        seconds: float = 0,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        def call() -> None:
            with self.breaker():
                self.clock.now += seconds
                meanwhile()
                raise failure("the test")

        with pytest.raises(failure, match="the test"):
            call()

    def refused(self) -> bool:
        try:
            self.answered()
        except RequestNotSent:
            return True
        return False


def test_lost_answers_in_a_row_open_it_and_one_answer_after_a_pause_closes_it() -> None:
    calls = Calls()
    for _ in range(3):
        calls.fail()
    assert calls.refused()
    calls.clock.now += FIRST_PAUSE_SECONDS
    assert not calls.refused()
    calls.fail()
    calls.fail()
    assert not calls.refused()


def test_an_answer_between_makes_it_count_anew() -> None:
    calls = Calls()
    for _ in range(5):
        calls.fail()
        calls.fail()
        calls.answered()
    assert not calls.refused()


def test_only_one_call_tries_and_the_pause_grows_to_its_limit() -> None:
    calls = Calls()
    for _ in range(3):
        calls.fail()
    pause = FIRST_PAUSE_SECONDS
    for _ in range(6):
        calls.clock.now += pause - 0.01
        assert calls.refused()
        calls.clock.now += 0.01
        others: list[bool] = []
        calls.fail(meanwhile=lambda others=others: others.append(calls.refused()))  # type: ignore[misc]
        assert others == [True]
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    assert pause == LONGEST_PAUSE_SECONDS


def test_a_try_that_is_interrupted_lets_another_one_try() -> None:
    calls = Calls(failures=1)
    calls.fail()
    calls.clock.now += FIRST_PAUSE_SECONDS
    calls.fail(KeyboardInterrupt)
    calls.clock.now += LONGEST_PAUSE_SECONDS
    assert not calls.refused()


def test_connections_refused_at_once_do_not_count_but_those_waited_for_do() -> None:
    calls = Calls()
    for _ in range(10):
        calls.fail(RequestNotSent)
    assert not calls.refused()
    for _ in range(3):
        calls.fail(RequestNotSent, seconds=5)
    assert calls.refused()


def test_what_began_before_it_closed_says_nothing_of_the_time_since() -> None:
    calls = Calls(failures=1)

    def open_and_close() -> None:
        calls.fail()
        calls.clock.now += FIRST_PAUSE_SECONDS
        calls.answered()

    calls.fail(meanwhile=open_and_close)
    assert not calls.refused()


def test_a_late_answer_to_an_earlier_call_closes_it() -> None:
    calls = Calls(failures=1)
    with calls.breaker():
        calls.fail()
        assert calls.refused()
    assert not calls.refused()


def test_without_a_limit_it_never_opens() -> None:
    calls = Calls(failures=0)
    for _ in range(100):
        calls.fail()
    assert not calls.refused()


def test_a_full_bulkhead_lets_some_wait_and_refuses_the_others() -> None:
    bulkhead = Bulkhead(1, 1, longest_wait_seconds=30)
    told = threading.Event()

    def come() -> bool:
        try:
            with bulkhead():
                return True
        except RequestNotSent:
            # One of two waits, so that the other is told at once.
            told.set()
            return False

    with ThreadPoolExecutor() as pool:
        with bulkhead():
            both = [pool.submit(come), pool.submit(come)]
            assert told.wait(20)
        assert sorted(one.result() for one in both) == [False, True]
    with bulkhead():
        pass


def test_who_waits_in_vain_is_told_that_nothing_was_sent_and_leaves_room() -> None:
    bulkhead = Bulkhead(1, 1, longest_wait_seconds=0.01)
    with bulkhead():
        for _ in range(3):
            with pytest.raises(RequestNotSent, match="too many"), bulkhead():
                pass
    with bulkhead():
        pass


def test_while_the_gateway_hangs_few_calls_wait_and_the_others_surely_were_not_sent() -> None:
    with serving(hang) as server:
        gateway = adapter(server.url, max_connections=4, max_waiting=1, breaker_failures=4, read_timeout_seconds=1.5)

        def pay(_number: int) -> Outcome | None:
            try:
                return gateway.authorize(authorization())
            except GatewayNotReached:
                return None

        with ThreadPoolExecutor(40) as pool:
            outcomes = list(pool.map(pay, range(40)))
        unknown = [one for one in outcomes if isinstance(one, Unknown)]
        assert len(unknown) == len(server.received)
        assert len(unknown) + outcomes.count(None) == 40
        assert 4 <= len(unknown) <= 10
        with pytest.raises(GatewayNotReached, match="does not answer"):
            gateway.authorize(authorization())


def test_a_question_may_be_what_finds_that_the_gateway_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.braintree.breaker.FIRST_PAUSE_SECONDS", 0.0)
    with serving(hang, hang, answer(404), answer(201, documents.transaction())) as server:
        gateway = adapter(server.url, breaker_failures=2, read_timeout_seconds=0.2)
        for _ in range(2):
            with pytest.raises(GatewayUnavailable):
                gateway.find_transaction("tx1")
        assert gateway.find_transaction("tx1") is None
        assert isinstance(gateway.authorize(authorization()), Approved)
