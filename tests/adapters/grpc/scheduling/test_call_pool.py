"""The call pool: threads, the queue, and refusals."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from adapters.grpc.errors.exceptions import CallTooLong, Overloaded, ServiceStopping
from adapters.grpc.scheduling.call_pool import CallPool
from application.common.concurrency import blocking_call


class Gate:
    """Work that begins, and ends when it is let."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        self.started.release()
        assert self.go_on.wait(20)
        return self.count


@contextmanager
def a_pool(threads: int, queue: int, *, seconds: float = 20, slow_threads: int | None = None) -> Iterator[CallPool]:
    pool = CallPool(threads, queue, seconds, slow_threads)
    yield pool
    pool.shutdown().result(20)


def in_a_loop(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await asyncio.wait_for(story(), 30)

    asyncio.run(told())


async def started(gate: Gate, count: int) -> None:
    for _ in range(count):
        assert await asyncio.to_thread(gate.started.acquire, timeout=10)


def test_slow_calls_leave_threads_for_fast_ones() -> None:
    async def story() -> None:
        gate = Gate()
        with a_pool(3, 100, slow_threads=2) as pool:
            slow = [asyncio.ensure_future(pool.run(gate, is_slow=True)) for _ in range(20)]
            await started(gate, 2)
            for number in range(10):
                assert await pool.run(lambda number=number: number) == number  # type: ignore[misc]
            assert gate.count == 2
            gate.go_on.set()
            assert len(await asyncio.gather(*slow)) == gate.count == 20

    in_a_loop(story)


def test_there_is_an_end_to_the_queue_and_room_again_after_it() -> None:
    async def story() -> None:
        gate = Gate()
        with a_pool(2, 3, slow_threads=1) as pool:
            slow = [asyncio.ensure_future(pool.run(gate, is_slow=True)) for _ in range(4)]
            await started(gate, 1)
            with pytest.raises(Overloaded):
                await pool.run(gate, is_slow=True)
            assert await pool.run(lambda: "not slow") == "not slow", "another queue"
            gate.go_on.set()
            await asyncio.gather(*slow)
            assert await pool.run(lambda: "room", is_slow=True) == "room"

    in_a_loop(story)


def test_an_abandoned_call_frees_its_queue_slot() -> None:
    async def story() -> None:
        gate = Gate()
        with a_pool(2, 2, slow_threads=1) as pool:
            first = asyncio.ensure_future(pool.run(gate, is_slow=True))
            await started(gate, 1)
            for _ in range(3):
                given_up = [asyncio.ensure_future(pool.run(gate, is_slow=True)) for _ in range(2)]
                await asyncio.sleep(0)
                with pytest.raises(Overloaded):
                    await pool.run(gate, is_slow=True)
                for one in given_up:
                    one.cancel()
                await asyncio.gather(*given_up, return_exceptions=True)
            last = asyncio.ensure_future(pool.run(lambda: "room", is_slow=True))
            await asyncio.sleep(0)
            gate.go_on.set()
            assert await last == "room"
            assert await first == gate.count == 1

    in_a_loop(story)


def test_an_abandoned_call_is_not_started_and_a_running_one_ends() -> None:
    async def story() -> None:
        gate, forgotten = Gate(), Gate()
        with a_pool(2, 10, slow_threads=1) as pool:
            first = asyncio.ensure_future(pool.run(gate, is_slow=True))
            await started(gate, 1)
            second = asyncio.ensure_future(pool.run(forgotten, is_slow=True))
            await asyncio.sleep(0)
            second.cancel()
            first.cancel()
            assert await asyncio.gather(first, second, return_exceptions=True)
            third = asyncio.ensure_future(pool.run(lambda: "next", is_slow=True))
            gate.go_on.set()
            assert await third == "next"
            assert (gate.count, forgotten.count) == (1, 0)

    in_a_loop(story)


def test_a_fault_of_the_work_is_told_and_takes_no_room() -> None:
    async def story() -> None:
        with a_pool(1, 0, slow_threads=1) as pool:
            for is_slow in (True, False, True):
                with pytest.raises(ZeroDivisionError):
                    await pool.run(lambda: 1 // 0, is_slow=is_slow)
            assert await pool.run(lambda: "well", is_slow=True) == "well"

    in_a_loop(story)


def test_a_wait_ends_at_its_longest_time() -> None:
    async def story() -> None:
        gate = Gate()
        with a_pool(1, 1, seconds=0.1, slow_threads=1) as pool:
            for _ in range(2):
                with pytest.raises(CallTooLong):
                    await pool.run(gate, is_slow=True)
            gate.go_on.set()
        assert gate.count == 1
        with pytest.raises(ServiceStopping):
            await pool.run(gate)

    in_a_loop(story)


def test_a_wait_beyond_the_deadline_is_refused_at_once() -> None:
    async def story() -> None:
        with a_pool(1, 1000) as pool:
            pause = threading.Event()
            # How long one takes is learned from those that go before.
            await asyncio.gather(*(pool.run(lambda: pause.wait(0.02)) for _ in range(40)))
            many = [asyncio.ensure_future(pool.run(lambda: pause.wait(0.02))) for _ in range(20)]
            await asyncio.sleep(0)
            start = time.monotonic()
            with pytest.raises(Overloaded):
                await pool.run(lambda: "too late", remaining_seconds=0.1)
            assert time.monotonic() - start < 0.1
            assert await pool.run(lambda: "in time", remaining_seconds=20) == "in time"
            await asyncio.gather(*many)
            assert await pool.run(lambda: "nobody waits", remaining_seconds=0.1) == "nobody waits"

    in_a_loop(story)


def test_an_old_slow_call_does_not_delay_later_callers() -> None:
    async def story() -> None:
        with a_pool(1, 1000) as pool:
            pause = threading.Event()
            await asyncio.gather(*(pool.run(lambda: pause.wait(0.05)) for _ in range(30)))
            for _ in range(100):
                await pool.run(lambda: None)
            gate = Gate()
            first = asyncio.ensure_future(pool.run(gate))
            await started(gate, 1)
            burst = [asyncio.ensure_future(pool.run(lambda: "done", remaining_seconds=0.9)) for _ in range(50)]
            await asyncio.sleep(0)
            gate.go_on.set()
            assert await asyncio.gather(*burst) == ["done"] * 50
            await first

    in_a_loop(story)


def test_where_the_system_gives_no_new_thread_calls_wait_for_the_threads_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        gate, waiting = Gate(), Gate()

        def wait_for_others() -> int:
            with blocking_call():
                return waiting()

        with a_pool(200, 100, slow_threads=100) as pool:
            threads = [asyncio.ensure_future(pool.run(gate, is_slow=True)) for _ in range(3)]
            await started(gate, 3)
            with monkeypatch.context() as patched:
                patched.setattr(threading.Thread, "start", _no_thread)
                # The first 29 have a turn; the others wait until one of those goes away.
                calls = [asyncio.ensure_future(pool.run(wait_for_others, is_slow=True)) for _ in range(80)]
                await asyncio.sleep(0)
                gate.go_on.set()
                waiting.go_on.set()
                await asyncio.gather(*calls)
            assert waiting.count == 80
            await asyncio.gather(*threads)
            await asyncio.gather(*(pool.run(wait_for_others, is_slow=True) for _ in range(100)))
            assert waiting.count == 180, "no place was lost"

    in_a_loop(story)


def _no_thread(*_: object) -> None:
    raise RuntimeError("can't start new thread")


def test_a_call_past_its_deadline_is_not_started() -> None:
    async def story() -> None:
        gate, late = Gate(), Gate()
        with a_pool(1, 10) as pool:
            first = asyncio.ensure_future(pool.run(gate))
            await started(gate, 1)
            # Nothing is known yet of how long things take.
            second = asyncio.ensure_future(pool.run(late, remaining_seconds=0.05))
            await asyncio.sleep(0.1)
            gate.go_on.set()
            with pytest.raises(Overloaded):
                await second
            assert await first == 1
            assert late.count == 0
            assert await pool.run(lambda: "room") == "room"

    in_a_loop(story)


def test_a_flood_of_calls_with_little_time_is_answered_as_fast_as_it_can_be() -> None:
    """Without looking at the time that is left, each would begin when it is nearly over, and end too late."""

    async def story() -> None:
        ended = 0

        async def call(pool: CallPool) -> None:
            nonlocal ended
            with suppress(Overloaded, TimeoutError):
                await asyncio.wait_for(
                    pool.run(lambda: threading.Event().wait(0.01), remaining_seconds=0.2), 0.2 - 0.001
                )
                ended += 1

        with a_pool(1, 1000) as pool:
            calls = []
            # Five times as many as one thread can do.
            for _ in range(500):
                calls.append(asyncio.ensure_future(call(pool)))
                await asyncio.sleep(0.002)
            await asyncio.gather(*calls)
        assert ended > 40, "a hundred could be done in that time"

    in_a_loop(story)


def test_blocked_threads_release_their_slots() -> None:
    async def story() -> None:
        working, waiting = Gate(), Gate()

        def wait_for_others() -> int:
            with blocking_call():
                return waiting()

        with a_pool(300, 1000, slow_threads=200) as pool:
            running = [asyncio.ensure_future(pool.run(working, is_slow=True)) for _ in range(100)]
            await started(working, 32)
            assert working.count == 32, "so many work at once"
            working.go_on.set()
            await asyncio.gather(*running)
            calls = [asyncio.ensure_future(pool.run(wait_for_others, is_slow=True)) for _ in range(250)]
            await started(waiting, 200)
            assert waiting.count == 200, "so many have a thread"
            # A call that works meanwhile takes a slot, not a thread of the waiting calls.
            waiting.go_on.set()
            assert len(await asyncio.gather(*calls)) == waiting.count == 250
            assert await pool.run(lambda: "well", is_slow=True) == "well"

    in_a_loop(story)


def test_a_stop_goes_on_with_those_who_wait_for_others() -> None:
    async def story() -> None:
        gate = Gate()

        def wait_for_others() -> int:
            with blocking_call():
                return gate()

        with a_pool(40, 1000, slow_threads=35) as pool:
            calls = [asyncio.ensure_future(pool.run(wait_for_others, is_slow=True)) for _ in range(80)]
            await started(gate, 35)
            stopping = asyncio.get_running_loop().run_in_executor(None, pool.shutdown)
            await asyncio.sleep(0.05)
            with pytest.raises(ServiceStopping):
                await pool.run(lambda: "late")
            gate.go_on.set()
            assert len(await asyncio.gather(*calls)) == 80
            await stopping

    in_a_loop(story)


def test_a_stop_waits_for_what_waits_behind_what_has_begun() -> None:
    async def story() -> None:
        gate = Gate()
        with a_pool(1, 10, slow_threads=1) as pool:
            all_of_them = [asyncio.ensure_future(pool.run(gate, is_slow=True)) for _ in range(4)]
            await started(gate, 1)
            gate.go_on.set()
        assert len(await asyncio.gather(*all_of_them)) == 4

    in_a_loop(story)


def test_an_ended_call_leaves_nothing_to_the_garbage_collector() -> None:
    class Request:
        """Held by the work."""

    async def story() -> None:
        request = Request()
        left = weakref.ref(request)
        with a_pool(1, 10) as pool:
            # The pool's threads keep no work, so only a cycle can.
            assert await pool.run(partial(id, request), is_cooperative=True) == id(request)
            del request
            await asyncio.sleep(0)
            assert left() is None

    gc.disable()
    try:
        in_a_loop(story)
    finally:
        gc.enable()
