"""Who gets a thread, who waits for one, and who is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from adapters.grpc.call_pool import CallPool
from adapters.grpc.errors import CallTooLong, Overloaded, ServiceStopping


class Gate:
    """Work that begins, and ends when it is let."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        self.begun.release()
        assert self.go_on.wait(20)
        return self.count


@contextmanager
def a_pool(threads: int, queue: int, *, seconds: float = 20, slow_threads: int | None = None) -> Iterator[CallPool]:
    pool = CallPool(threads, queue, seconds, slow_threads)
    yield pool
    pool.shutdown()


def in_a_loop(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await asyncio.wait_for(story(), 30)

    asyncio.run(told())


async def begun(gate: Gate, count: int) -> None:
    for _ in range(count):
        assert await asyncio.to_thread(gate.begun.acquire, timeout=10)


def test_what_may_be_slow_leaves_threads_for_what_is_not() -> None:
    async def story() -> None:
        gate = Gate()
        with a_pool(3, 100, slow_threads=2) as pool:
            slow = [asyncio.ensure_future(pool.run(gate, is_slow=True)) for _ in range(20)]
            await begun(gate, 2)
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
            slow = [asyncio.ensure_future(pool.run(gate, is_slow=True)) for _ in range(5)]
            await begun(gate, 1)
            for is_slow in (True, False):
                with pytest.raises(Overloaded):
                    await pool.run(gate, is_slow=is_slow)
            gate.go_on.set()
            await asyncio.gather(*slow)
            assert await pool.run(lambda: "room", is_slow=True) == "room"

    in_a_loop(story)


def test_what_nobody_waits_for_any_more_is_not_begun_and_what_has_begun_ends() -> None:
    async def story() -> None:
        gate, forgotten = Gate(), Gate()
        with a_pool(2, 10, slow_threads=1) as pool:
            first = asyncio.ensure_future(pool.run(gate, is_slow=True))
            await begun(gate, 1)
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


def test_nobody_waits_longer_than_the_longest_time() -> None:
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


def test_a_stop_waits_for_what_waits_behind_what_has_begun() -> None:
    async def story() -> None:
        gate = Gate()
        with a_pool(1, 10, slow_threads=1) as pool:
            all_of_them = [asyncio.ensure_future(pool.run(gate, is_slow=True)) for _ in range(4)]
            await begun(gate, 1)
            gate.go_on.set()
        assert len(await asyncio.gather(*all_of_them)) == 4

    in_a_loop(story)
