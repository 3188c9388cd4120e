"""Work that waits without a thread: each kind of wait, on the event loop and on a thread, with others beside it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

import pytest

from adapters import cooperation

NAME: Final[ContextVar[str]] = ContextVar("name", default="nobody")


def result_of(work: Callable[[], Any]) -> asyncio.Future[Any]:
    """Starts the work on the running loop."""
    result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def told() -> None:
        try:
            result.set_result(work())
        except BaseException as failure:
            result.set_exception(failure)

    cooperation.start(told)
    return result


def in_a_loop(story: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(story(), 20)

    asyncio.run(limited())


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    one.setblocking(False)
    with one, other:
        yield one, other


def test_ten_thousand_wait_at_once_without_a_thread_each() -> None:
    async def story() -> None:
        everyone = cooperation.Event()
        before = set(threading.enumerate())
        waiting = [result_of(everyone.wait) for _ in range(10_000)]
        assert set(threading.enumerate()) <= before
        everyone.set()
        assert all(await asyncio.gather(*waiting))

    in_a_loop(story)


def test_the_event_loop_goes_on_while_work_waits() -> None:
    async def story() -> None:
        event, turns = cooperation.Event(), 0
        waiting = result_of(event.wait)
        for _ in range(100):
            await asyncio.sleep(0)
            turns += 1
        assert not waiting.done()
        event.set()
        assert await waiting is True
        assert turns == 100

    in_a_loop(story)


def test_a_thread_wakes_work_and_work_wakes_a_thread() -> None:
    async def story() -> None:
        asked, answered = cooperation.Event(), cooperation.Event()

        def answer() -> None:
            assert asked.wait(10)
            answered.set()

        thread = threading.Thread(target=answer)
        thread.start()

        def ask() -> bool:
            asked.set()
            return answered.wait(10)

        assert await result_of(ask) is True
        thread.join()

    in_a_loop(story)


@pytest.mark.parametrize("where", ["work", "thread"])
def test_a_wait_without_a_wake_ends_with_its_timeout(where: str) -> None:
    def waits() -> list[bool]:
        condition = cooperation.Condition()
        with condition:
            told = condition.wait(0.01)
        return [cooperation.Event().wait(0.01), told, cooperation.Semaphore(0).acquire(0.01)]

    async def story() -> None:
        assert await (result_of(waits) if where == "work" else asyncio.to_thread(waits)) == [False] * 3

    in_a_loop(story)


def test_a_wake_after_the_timeout_wakes_nobody_else() -> None:
    async def story() -> None:
        event = cooperation.Event()
        assert await result_of(lambda: event.wait(0.01)) is False

        later = cooperation.Event()
        waiting = result_of(lambda: later.wait(0.05))
        event.set()
        assert await waiting is False

    in_a_loop(story)


def test_a_semaphore_is_handed_over_in_the_order_of_arrival_by_threads_and_work() -> None:
    async def story() -> None:
        semaphore = cooperation.Semaphore(1)
        assert semaphore.acquire()
        order: list[int] = []

        def take(number: int) -> None:
            assert semaphore.acquire(10)
            order.append(number)
            semaphore.release()

        waiting = [result_of(partial(take, number)) for number in range(20)]
        await asyncio.to_thread(semaphore.release)
        await asyncio.gather(*waiting)
        assert order == list(range(20))
        assert semaphore.acquire(0)
        assert not semaphore.acquire(0)

    in_a_loop(story)


def test_threads_and_work_lose_no_place_of_a_semaphore() -> None:
    async def story() -> None:
        semaphore, inside, most = cooperation.Semaphore(3), 0, 0
        lock = threading.Lock()

        def enter() -> None:
            nonlocal inside, most
            if not semaphore.acquire(0.02):
                return
            with lock:
                inside += 1
                most = max(most, inside)
            cooperation.sleep(0.001)
            with lock:
                inside -= 1
            semaphore.release()

        waiting = [result_of(enter) if number % 2 else asyncio.to_thread(enter) for number in range(200)]
        await asyncio.gather(*waiting)
        assert most <= 3
        assert [semaphore.acquire(0) for _ in range(4)] == [True, True, True, False]

    in_a_loop(story)


def test_a_release_in_the_midst_of_an_acquisition_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by the garbage collector, which runs where objects are made."""
    semaphore = cooperation.Semaphore(0)

    class Interrupted(cooperation.Waiter):
        def __init__(self) -> None:
            semaphore.release()
            super().__init__()

    monkeypatch.setattr(cooperation, "Waiter", Interrupted)
    assert semaphore.acquire(5)
    assert not semaphore.acquire(0)


def test_a_condition_tells_one_of_those_who_wait() -> None:
    async def story() -> None:
        condition, free = cooperation.Condition(), 0

        def take() -> None:
            nonlocal free
            with condition:
                while not free:
                    assert condition.wait(10)
                free -= 1

        def give() -> None:
            nonlocal free
            with condition:
                free += 1
                condition.notify()

        waiting = [result_of(take) for _ in range(10)]
        for number in range(10):
            give() if number % 2 else await asyncio.to_thread(give)
        await asyncio.gather(*waiting)
        assert free == 0

    in_a_loop(story)


def test_blocking_functions_run_on_a_thread_with_the_context_and_their_errors() -> None:
    def blocking(number: int) -> tuple[str, float, int]:
        time.sleep(0.05)
        return NAME.get(), number / 1, threading.get_ident()

    async def story() -> None:
        loop_thread = threading.get_ident()

        def work() -> tuple[str, float, int]:
            NAME.set("Ayu")
            return cooperation.on_thread(blocking, 7)

        waiting = result_of(work)
        assert not waiting.done()
        name, number, thread = await waiting
        assert (name, number) == ("Ayu", 7)
        assert thread != loop_thread
        with pytest.raises(ZeroDivisionError):
            await result_of(lambda: cooperation.on_thread(lambda: 1 / 0))

    in_a_loop(story)
    assert cooperation.on_thread(threading.get_ident) == threading.get_ident(), "no work, no other thread"


def test_one_thread_runs_functions_in_order_however_many_threads_are_taken() -> None:
    async def story() -> None:
        thread, go_on = cooperation.one_thread("ordered"), threading.Event()
        order: list[int] = []
        taken = [result_of(partial(cooperation.on_thread, go_on.wait, 10)) for _ in range(100)]
        try:
            await asyncio.gather(
                *(
                    result_of(partial(cooperation.on_thread, order.append, number, threads=thread))
                    for number in range(20)
                )
            )
            assert order == list(range(20))
            assert not any(one.done() for one in taken)
        finally:
            go_on.set()
        assert await asyncio.gather(*taken) == [True] * 100

    in_a_loop(story)


def test_each_work_keeps_its_context_and_its_exception_across_waits() -> None:
    async def story() -> None:
        everyone = cooperation.Event()

        def work(name: str) -> tuple[str, str]:
            NAME.set(name)
            try:
                raise KeyError(name)
            except KeyError as failure:
                everyone.wait()
                return NAME.get(), str(failure)

        waiting = [result_of(partial(work, f"caller {number}")) for number in range(50)]
        everyone.set()
        names = [f"caller {number}" for number in range(50)]
        assert await asyncio.gather(*waiting) == [(name, f"'{name}'") for name in names]
        assert NAME.get() == "nobody"

    in_a_loop(story)


def test_cpu_time_is_the_work_s_own() -> None:
    def compute(seconds: float) -> None:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass

    async def story() -> None:
        event = cooperation.Event()

        def idle() -> float:
            event.wait()
            return cooperation.cpu_seconds()

        def busy() -> float:
            compute(0.05)
            event.set()
            return cooperation.cpu_seconds()

        waiting = result_of(idle)
        assert await result_of(busy) >= 0.05
        assert await waiting < 0.02

    in_a_loop(story)


@pytest.fixture(params=["epoll", "the loop's own"])
def sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way in which sockets are waited for."""
    monkeypatch.setattr(cooperation, "_HAS_EPOLL", request.param == "epoll")


@pytest.mark.usefixtures("sockets")
def test_sockets_are_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    one, other = pair

    async def story() -> None:
        wait = partial(cooperation.wait_for_socket, one.fileno())

        def receive() -> list[bytes]:
            parts = []
            for _ in range(3):
                assert wait(cooperation.READABLE, 10) == cooperation.READABLE
                parts.append(one.recv(10))
            assert wait(cooperation.READABLE, 0.01) == 0
            assert wait(cooperation.WRITABLE) == cooperation.WRITABLE
            return parts

        waiting = result_of(receive)
        for part in (b"a", b"b", b"c"):
            other.send(part)
            await asyncio.sleep(0.01)
        assert await waiting == [b"a", b"b", b"c"]

    in_a_loop(story)


@pytest.mark.usefixtures("sockets")
def test_a_socket_that_nobody_waits_for_costs_the_loop_one_event_at_most(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    looks = []
    end_waits = cooperation._Sockets._end_waits

    def noting(self: Any) -> None:
        looks.append(1)
        end_waits(self)

    monkeypatch.setattr(cooperation._Sockets, "_end_waits", noting)

    async def story() -> None:
        wait = partial(cooperation.wait_for_socket, one.fileno(), cooperation.READABLE)
        assert await result_of(partial(wait, 0.001)) == 0
        other.send(b"unsolicited")
        await asyncio.sleep(0.02)
        assert len(looks) <= 1
        assert await result_of(partial(wait, 10)) == cooperation.READABLE

    in_a_loop(story)


@pytest.mark.usefixtures("sockets")
def test_the_number_of_a_closed_socket_may_be_used_again() -> None:
    async def story() -> None:
        for is_armed in [False, True] * 10:
            one, other = socket.socketpair()
            wait = partial(cooperation.wait_for_socket, one.fileno(), cooperation.READABLE)
            if is_armed:
                assert await result_of(partial(wait, 0.001)) == 0
            waiting = result_of(partial(wait, 10))
            other.close()
            assert await waiting == cooperation.READABLE
            one.close()

    in_a_loop(story)


def test_work_that_is_left_when_the_loop_ends_never_goes_on() -> None:
    event, began, went_on = cooperation.Event(), [], []

    async def story() -> None:
        def work() -> None:
            began.append("began")
            event.wait()
            went_on.append("went on")

        result_of(work)

    in_a_loop(story)
    event.set()
    assert (began, went_on) == (["began"], [])


def test_work_that_is_ready_together_lets_the_loop_look_at_its_own_events_in_between() -> None:
    async def story() -> None:
        everyone, ran, most = cooperation.Event(), 0, 0

        def works() -> None:
            nonlocal ran
            everyone.wait()
            end = time.perf_counter() + 0.001
            while time.perf_counter() < end:
                pass
            ran += 1

        waiting = [result_of(works) for _ in range(100)]
        everyone.set()
        while ran < 100:
            before = ran
            await asyncio.sleep(0)
            most = max(most, ran - before)
        assert most < 10
        await asyncio.gather(*waiting)

    in_a_loop(story)


def test_work_goes_on_in_the_order_in_which_it_became_ready() -> None:
    async def story() -> None:
        order: list[int] = []

        def works(number: int) -> None:
            end = time.perf_counter() + 0.0005
            while time.perf_counter() < end:
                pass
            order.append(number)

        await asyncio.gather(*(result_of(partial(works, number)) for number in range(50)))
        assert order == [*range(50)]

    in_a_loop(story)


def test_work_has_a_part_of_the_time_where_the_loop_s_own_events_take_long() -> None:
    """While thousands of calls arrive, each round of the loop takes milliseconds."""
    own_seconds, work_seconds = 0.0, 0.0

    def compute(seconds: float) -> float:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass
        return seconds

    async def story() -> None:
        loop = asyncio.get_running_loop()
        is_over = False

        def arrive() -> None:
            nonlocal own_seconds
            own_seconds += compute(0.008)
            if not is_over:
                loop.call_soon(arrive)

        def work() -> None:
            nonlocal work_seconds
            while not is_over:
                work_seconds += compute(0.0005)
                cooperation.sleep(0)

        loop.call_soon(arrive)
        for _ in range(30):
            cooperation.start(work)
        await asyncio.sleep(0.8)
        is_over = True
        await asyncio.sleep(0.05)

    in_a_loop(story)
    assert work_seconds > own_seconds / 20
