"""Threads for calls that block, and a queue with an end before them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from adapters.grpc.errors import CallTooLong, Overloaded, ServiceStopping

Answer = TypeVar("Answer")


class CallPool:
    """Refuses what would wait behind too many, and lets nobody wait for ever."""

    def __init__(self, threads: int, queue: int, longest_seconds: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="call")
        self._room = threads + queue
        self._longest_seconds = longest_seconds
        self._lock = Lock()
        self._taken = 0

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """What the work gives. Raises Overloaded where there is no room, CallTooLong after the longest time, and
        ServiceStopping after the end.

        Whoever stops waiting, for that or another reason, abandons nothing that has begun: it goes on to its end. What
        has not begun is never begun.
        """
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._submit(work)), self._longest_seconds)
        except TimeoutError:
            raise CallTooLong(self._longest_seconds) from None

    def shutdown(self) -> None:
        """Waits for what has begun."""
        self._executor.shutdown()

    def _submit(self, work: Callable[[], Answer]) -> Future[Answer]:
        with self._lock:
            if self._taken >= self._room:
                raise Overloaded
            self._taken += 1
        try:
            future = self._executor.submit(work)
        except RuntimeError:
            self._leave(None)
            raise ServiceStopping from None
        future.add_done_callback(self._leave)
        return future

    def _leave(self, _: object) -> None:
        with self._lock:
            self._taken -= 1
