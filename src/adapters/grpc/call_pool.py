"""Threads for calls that block, and a queue with an end before them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

from adapters.grpc.errors import CallTooLong, Overloaded, ServiceStopping

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[], Any]
    is_slow: bool
    future: Future[Any]

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            answer = self.work()
        except BaseException as failure:
            self.future.set_exception(failure)
        else:
            self.future.set_result(answer)


class CallPool:
    """Refuses what would wait behind too many, and lets nobody wait for ever.

    What may be slow has `slow_threads` of the threads at most: the rest is for what is not.
    """

    def __init__(self, threads: int, queue: int, longest_seconds: float, slow_threads: int | None = None) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="call")
        self._room = threads + queue
        self._longest_seconds = longest_seconds
        self._slow_left = threads if slow_threads is None else slow_threads
        self._slow_waiting: deque[_Job] = deque()
        self._lock = Lock()
        self._taken = 0

    async def run(self, work: Callable[[], Answer], *, is_slow: bool = False) -> Answer:
        """What the work gives. Raises Overloaded where there is no room, CallTooLong after the longest time, and
        ServiceStopping after the end.

        Whoever stops waiting, for that or another reason, abandons nothing that has begun: it goes on to its end. What
        has not begun is never begun.
        """
        future: Future[Answer] = Future()
        self._submit(_Job(work, is_slow, future))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._longest_seconds)
        except TimeoutError:
            raise CallTooLong(self._longest_seconds) from None

    def shutdown(self) -> None:
        """Waits for what has begun, and for what waits for it to end."""
        self._executor.shutdown()

    def _submit(self, job: _Job) -> None:
        with self._lock:
            if self._taken >= self._room:
                raise Overloaded
            self._taken += 1
            if job.is_slow:
                if not self._slow_left:
                    self._slow_waiting.append(job)
                    return
                self._slow_left -= 1
        try:
            self._executor.submit(self._run, job)
        except RuntimeError:
            self._leave(job)
            raise ServiceStopping from None

    def _run(self, job: _Job) -> None:
        following: _Job | None = job
        while following is not None:
            following.run()
            following = self._leave(following)

    def _leave(self, job: _Job) -> _Job | None:
        """The slow one that is next, after a slow one."""
        with self._lock:
            self._taken -= 1
            if not job.is_slow:
                return None
            if self._slow_waiting:
                return self._slow_waiting.popleft()
            self._slow_left += 1
            return None
