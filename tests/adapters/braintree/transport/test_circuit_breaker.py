"""A gateway that hangs costs little: few calls wait for it, and after some lost answers hardly any."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date

import pytest

from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.transport.bulkhead import Bulkhead
from adapters.braintree.transport.circuit_breaker import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    Breaker,
    CallClass,
    CallEnd,
)
from adapters.braintree.transport.connection import AnswerLost, RequestNotSent
from application.ports.gateway import Approved, GatewayNotReached, GatewayUnavailable, Outcome, Unknown
from tests.adapters.braintree import documents
from tests.adapters.braintree.asking import CAPTURE, OPERATION, PART, REFUND, VOID, adapter, authorization, new_method
from tests.adapters.braintree.server import Act, Server, answer, hang, refusing, reset, serving
from tests.fakes.runtime import HELD


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


@pytest.mark.parametrize(("answers", "losses", "opens"), [(1, 2, True), (2, 3, True), (1, 1, False), (9, 1, False)])
def test_it_opens_where_more_is_lost_than_answered_and_only_there(answers: int, losses: int, opens: bool) -> None:
    calls = Calls(failures=10)
    for _ in range(60):
        if calls.breaker.is_open:
            break
        for _ in range(answers):
            calls.answered()
        for _ in range(losses):
            if not calls.breaker.is_open:
                calls.fail()
    assert calls.breaker.is_open == opens


def test_many_answers_do_not_make_up_for_losses_to_come() -> None:
    calls = Calls()
    for _ in range(100):
        calls.answered()
    for _ in range(3):
        calls.fail()
    assert calls.refused()


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


def test_calls_from_before_the_circuit_closed_do_not_count_afterwards() -> None:
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


def test_a_try_that_is_lost_after_another_answer_closed_it_opens_nothing() -> None:
    calls = Calls(failures=2)
    late = calls.breaker()
    late.__enter__()
    calls.fail()
    calls.fail()
    calls.clock.now += FIRST_PAUSE_SECONDS
    calls.fail(meanwhile=lambda: late.__exit__(None, None, None))
    assert not calls.breaker.is_open
    calls.fail()
    assert not calls.breaker.is_open, "the lost try counts for nothing any more"


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


def test_a_waiter_keeps_waiting_while_other_requests_end() -> None:
    bulkhead = Bulkhead(1, 3, longest_wait_seconds=0.5)
    never = threading.Event()

    def take_a_while() -> None:
        with bulkhead():
            never.wait(0.3)

    with ThreadPoolExecutor() as pool:
        start = time.monotonic()
        for one in [pool.submit(take_a_while) for _ in range(4)]:
            one.result(20)
    assert time.monotonic() - start > 0.5, "the last one waited for longer than anybody waits for what hangs"


def test_a_starved_waiter_fails_before_its_lease_ends() -> None:
    bulkhead = Bulkhead(1, 1, longest_wait_seconds=20, longest_in_all_seconds=0.2)
    with bulkhead(), pytest.raises(RequestNotSent, match="always first"), bulkhead():
        pass
    with bulkhead():
        pass


def test_a_hanging_request_gets_no_further_waiters() -> None:
    bulkhead = Bulkhead(1, 1, longest_wait_seconds=0.2)
    with bulkhead():
        with pytest.raises(RequestNotSent, match="none of them ends"), bulkhead():
            pass
        start = time.monotonic()
        with pytest.raises(RequestNotSent, match="none of them ends"), bulkhead():
            pass
        assert time.monotonic() - start < 0.2


def test_a_timed_out_waiter_is_reported_as_unsent_and_frees_its_slot() -> None:
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
                return gateway.authorize(authorization(), HELD)
            except GatewayNotReached:
                return None

        with ThreadPoolExecutor(40) as pool:
            outcomes = list(pool.map(pay, range(40)))
        unknown = [one for one in outcomes if isinstance(one, Unknown)]
        assert len(unknown) == len(server.received)
        assert len(unknown) + outcomes.count(None) == 40
        assert 4 <= len(unknown) <= 10
        with pytest.raises(GatewayNotReached, match="does not answer"):
            gateway.authorize(authorization(), HELD)


# Behaviours of the gateway -------------------------------------------------------------------------------------------


def by_path(acts: Mapping[str, Act]) -> Act:
    """Does what is said of the first part that the path of the request has."""

    def act(server: Server, peer: socket.socket) -> None:
        path = server.received[-1].path
        next(each for part, each in acts.items() if part in path)(server, peer)

    return act


def test_searches_that_hang_are_left_alone_although_payments_are_answered() -> None:
    with serving(by_path({"advanced_search": hang, "": answer(201, documents.transaction())})) as server:
        gateway = adapter(server.url, breaker_failures=2, read_timeout_seconds=0.2)
        for _ in range(2):
            assert isinstance(gateway.authorize(authorization(), HELD), Approved)
            with pytest.raises(GatewayUnavailable) as lost:
                gateway.find_by_operation(OPERATION)
            assert not isinstance(lost.value, GatewayNotReached)
        with pytest.raises(GatewayNotReached, match="does not answer"):
            gateway.find_by_operation(OPERATION)
        assert isinstance(gateway.authorize(authorization(), HELD), Approved)
        assert gateway.find_transaction("tx1") is not None
        assert gateway.stats.open_circuits == {CallClass.SEARCHES}


def test_payments_that_hang_are_left_alone_although_searches_are_answered() -> None:
    with serving(by_path({"advanced_search": answer(200, documents.found_ids()), "": hang})) as server:
        gateway = adapter(server.url, breaker_failures=2, read_timeout_seconds=0.2)
        for _ in range(2):
            assert gateway.find_by_operation(OPERATION) == []
            assert isinstance(gateway.authorize(authorization(), HELD), Unknown)
        with pytest.raises(GatewayNotReached, match="does not answer"):
            gateway.authorize(authorization(), HELD)
        assert gateway.find_by_operation(OPERATION) == []
        assert gateway.stats.open_circuits == {CallClass.MOVES}


def test_a_gateway_that_answers_one_in_three_is_mostly_left_alone() -> None:
    sold = answer(201, documents.transaction())
    with serving(*[hang, hang, sold] * 30) as server:
        gateway = adapter(server.url, breaker_failures=4, read_timeout_seconds=0.1)
        outcomes: list[object] = []
        for _ in range(100):
            try:
                outcomes.append(gateway.authorize(authorization(), HELD))
            except GatewayNotReached:
                outcomes.append(None)
        assert outcomes.count(None) > 70
        assert len(server.received) == 100 - outcomes.count(None)


def test_a_gateway_that_is_slow_but_answers_is_waited_for_by_as_many_as_may() -> None:
    sold = answer(201, documents.transaction())
    others_were_told = threading.Event()

    def slow(server: Server, peer: socket.socket) -> None:
        assert others_were_told.wait(20)
        sold(server, peer)

    with serving(slow) as server:
        gateway = adapter(server.url, max_connections=3, max_waiting=0, breaker_failures=1, read_timeout_seconds=30)
        with ThreadPoolExecutor(3) as pool:
            first = [pool.submit(gateway.authorize, authorization(), HELD) for _ in range(3)]
            while gateway.stats.under_way < 3:
                pass
            for _ in range(20):
                with pytest.raises(GatewayNotReached, match="too many"):
                    gateway.authorize(authorization(), HELD)
            others_were_told.set()
            assert all(isinstance(one.result(), Approved) for one in first)
        assert gateway.stats.open_circuits == frozenset()
        assert gateway.stats.under_way == 0


def test_a_question_may_be_what_finds_that_the_gateway_answers_questions_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.braintree.transport.circuit_breaker.FIRST_PAUSE_SECONDS", 0.0)
    with serving(hang, hang, answer(404), answer(201, documents.transaction())) as server:
        gateway = adapter(server.url, breaker_failures=2, read_timeout_seconds=0.2)
        for _ in range(2):
            with pytest.raises(GatewayUnavailable):
                gateway.find_transaction("tx1")
        assert gateway.find_transaction("tx1") is None
        assert isinstance(gateway.authorize(authorization(), HELD), Approved)


@pytest.mark.parametrize(
    ("kind", "move"),
    [
        (CallClass.MOVES, lambda gateway: gateway.authorize(authorization(), HELD)),
        (CallClass.MOVES, lambda gateway: gateway.capture(CAPTURE, HELD)),
        (CallClass.MOVES, lambda gateway: gateway.capture(PART, HELD)),
        (CallClass.MOVES, lambda gateway: gateway.void(VOID, HELD)),
        (CallClass.MOVES, lambda gateway: gateway.refund(REFUND, HELD)),
        (CallClass.SEARCHES, lambda gateway: gateway.find_by_operation(OPERATION)),
        (CallClass.SEARCHES, lambda gateway: gateway.find_transactions(["tx1"])),
        (CallClass.SEARCHES, lambda gateway: list(gateway.disputes_received(date(2026, 3, 1)))),
        (CallClass.OTHERS, lambda gateway: gateway.find_transaction("tx1")),
        (CallClass.OTHERS, lambda gateway: gateway.store_method(new_method(), HELD)),
        (CallClass.OTHERS, lambda gateway: gateway.create_client_token(None, None)),
    ],
)
def test_each_call_counts_with_its_kind(kind: CallClass, move: Callable[[BraintreeAdapter], object]) -> None:
    with serving(answer(500)) as server:
        gateway = adapter(server.url)
        with suppress(GatewayUnavailable):
            move(gateway)
        assert gateway.stats.ended == {(kind, CallEnd.ANSWERED): 1}


def test_the_result_of_each_call_is_counted() -> None:
    with refusing() as nowhere:
        gateway = adapter(nowhere)
        with pytest.raises(GatewayNotReached):
            gateway.authorize(authorization(), HELD)
    assert gateway.stats.ended == {(CallClass.MOVES, CallEnd.NOT_SENT): 1}
    with serving(reset) as server:
        gateway = adapter(server.url, breaker_failures=1)
        assert isinstance(gateway.authorize(authorization(), HELD), Unknown)
        with pytest.raises(GatewayNotReached):
            gateway.authorize(authorization(), HELD)
    assert gateway.stats.ended == {
        (CallClass.MOVES, CallEnd.LOST): 1,
        (CallClass.MOVES, CallEnd.REFUSED_CIRCUIT_OPEN): 1,
    }
    with serving(hang) as server, ThreadPoolExecutor(1) as pool:
        gateway = adapter(server.url, max_connections=1, max_waiting=0)
        first = pool.submit(gateway.authorize, authorization(), HELD)
        assert server.arrived.wait(5)
        with pytest.raises(GatewayNotReached):
            gateway.authorize(authorization(), HELD)
        assert gateway.stats.under_way == 1
        assert gateway.stats.ended == {(CallClass.MOVES, CallEnd.REFUSED_BULKHEAD_FULL): 1}
        server.stopped.set()
        first.result()
