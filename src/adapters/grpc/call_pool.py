"""Threads for calls that block, and a queue with an end before them."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, TypeVar

from adapters.grpc.errors import CallTooLong, Overloaded, ServiceStopping
from application.turns import Turns

Answer = TypeVar("Answer")

# What a call that just ended weighs in what is expected of the next one.
_WEIGHT: Final = 0.1
# Some take longer than most.
_MARGIN: Final = 1.5
# Enough for a database that is some milliseconds away; more would only be in one another's way.
_MOST_AT_WORK: Final = 32


@dataclass(slots=True)
class _Job:
    work: Callable[[], Any]
    lane: _Lane
    future: Future[Any]
    # By the steady clock. Later, the caller would be gone before the end. None: it did not have to wait.
    latest_begin: float | None

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        began = time.monotonic()
        if self.latest_begin is not None and began > self.latest_begin:
            self.future.set_exception(Overloaded())
            return
        try:
            with self.lane.turns.work() if self.lane.turns is not None else nullcontext():
                answer = self.work()
        except BaseException as failure:
            self.future.set_exception(failure)
        else:
            self.future.set_result(answer)
        self.lane.duration += (time.monotonic() - began - self.lane.duration) * _WEIGHT


@dataclass(slots=True)
class _Lane:
    """Calls that may take so many threads together, and those that wait until they may begin."""

    left: int
    # How many of them may work at once. None: all.
    turns: Turns | None = None
    waiting: deque[_Job] = field(default_factory=deque)
    # In seconds, of late: from the beginning to the end of one, and between the ends of two while others waited.
    duration: float = 0.0
    pace: float = 0.0
    last_end: float | None = None

    def may_begin(self) -> bool:
        """Takes what a call needs to begin, if it is there."""
        if self.left > 0 and (self.turns is None or self.turns.take()):
            self.left -= 1
            return True
        return False

    def latest_begin(self, now: float, remaining_seconds: float | None) -> float:
        """Raises Overloaded where it would begin too late to end in the time that its caller has left."""
        if remaining_seconds is None:
            return math.inf
        latest = now + remaining_seconds - _MARGIN * self.duration
        if self.waiting and now + len(self.waiting) * self.pace > latest:
            raise Overloaded
        return latest

    def note_end(self, now: float) -> None:
        self.left += 1
        if self.turns is not None:
            self.turns.give_back()
        if not self.waiting:
            self.last_end = None
            return
        if self.last_end is not None:
            self.pace += (now - self.last_end - self.pace) * _WEIGHT
        self.last_end = now


class CallPool:
    """Refuses what would wait behind too many, or for longer than its caller does, and lets nobody wait for ever.

    What may be slow, as it waits for others, has `slow_threads` of the threads, and so many work at once that none is
    much slower than alone. What is not slow has the other threads: neither waits behind the other.
    """

    def __init__(self, threads: int, queue: int, longest_seconds: float, slow_threads: int | None = None) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="call")
        self._room = threads + queue
        self._longest_seconds = longest_seconds
        slow = threads if slow_threads is None else slow_threads
        self._turns = Turns(_MOST_AT_WORK, self._begin_waiting)
        self._slow = _Lane(slow, self._turns)
        self._quick = _Lane(max(1, threads - slow))
        self._lock = Lock()
        self._taken = 0

    @property
    def is_full(self) -> bool:
        """Whether the next one would be refused."""
        return self._taken >= self._room

    async def run(
        self, work: Callable[[], Answer], *, is_slow: bool = False, remaining_seconds: float | None = None
    ) -> Answer:
        """What the work gives. Raises Overloaded where there is no room, or no hope to end in the remaining seconds;
        CallTooLong after the longest time, and ServiceStopping after the end.

        Whoever stops waiting, for that or another reason, abandons nothing that has begun: it goes on to its end. What
        has not begun is never begun.
        """
        future: Future[Answer] = Future()
        self._submit(work, self._slow if is_slow else self._quick, future, remaining_seconds)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._longest_seconds)
        except TimeoutError:
            raise CallTooLong(self._longest_seconds) from None

    def shutdown(self) -> None:
        """Waits for what has begun, and for what waits for it to end."""
        self._executor.shutdown()

    def _submit(
        self, work: Callable[[], Any], lane: _Lane, future: Future[Any], remaining_seconds: float | None
    ) -> None:
        job = _Job(work, lane, future, None)
        with self._lock:
            if self._taken >= self._room:
                raise Overloaded
            if lane.waiting or not lane.may_begin():
                job.latest_begin = lane.latest_begin(time.monotonic(), remaining_seconds)
                lane.waiting.append(job)
                self._taken += 1
                return
            self._taken += 1
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
        """The one that has waited longest, if it may begin now."""
        with self._lock:
            self._taken -= 1
            job.lane.note_end(time.monotonic())
            return job.lane.waiting.popleft() if job.lane.waiting and job.lane.may_begin() else None

    def _begin_waiting(self) -> None:
        """Somebody waits for others, and so somebody else may work."""
        lane = self._slow
        with self._lock:
            if not lane.waiting or not lane.may_begin():
                return
            try:
                self._executor.submit(self._run, lane.waiting[0])
            except RuntimeError:
                # At the stop, whoever ends goes on with those who wait.
                lane.left += 1
                self._turns.give_back()
                return
            lane.waiting.popleft()
