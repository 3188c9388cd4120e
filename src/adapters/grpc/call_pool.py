"""Threads for calls that block, and a queue with an end before them."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
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


@dataclass(slots=True, eq=False)
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
            # Nobody is behind: what was slow once is not held against those who come long after it.
            self.pace -= self.pace * _WEIGHT
            return
        if self.last_end is not None:
            self.pace += (now - self.last_end - self.pace) * _WEIGHT
        self.last_end = now


class CallPool:
    """Refuses what would wait behind too many, or for longer than its caller does, and lets nobody wait for ever.

    What may be slow, as it waits for others, has `slow_threads` of the threads, and so many work at once that none is
    much slower than alone. What is not slow has the other threads: neither waits behind the other, and each has a queue
    of its own.
    """

    def __init__(self, threads: int, queue: int, longest_seconds: float, slow_threads: int | None = None) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="call")
        self._queue = queue
        self._longest_seconds = longest_seconds
        slow = threads if slow_threads is None else slow_threads
        self._turns = Turns(_MOST_AT_WORK, self._begin_waiting)
        self._slow = _Lane(slow, self._turns)
        self._quick = _Lane(max(1, threads - slow))
        self._lock = Lock()
        self._is_stopped = False

    def is_full(self, *, is_slow: bool) -> bool:
        """Whether the next one would be refused, as the queue has no room. Without any queue, `run` says it."""
        lane = self._slow if is_slow else self._quick
        return 0 < self._queue <= len(lane.waiting)

    async def run(
        self, work: Callable[[], Answer], *, is_slow: bool = False, remaining_seconds: float | None = None
    ) -> Answer:
        """What the work gives. Raises Overloaded where there is no room, or no hope to end in the remaining seconds;
        CallTooLong after the longest time, and ServiceStopping after the end.

        Whoever stops waiting, for that or another reason, abandons nothing that has begun: it goes on to its end. What
        has not begun is never begun.
        """
        job = _Job(work, self._slow if is_slow else self._quick, Future(), None)
        self._submit(job, remaining_seconds)
        try:
            answer: Answer = await asyncio.wait_for(asyncio.wrap_future(job.future), self._longest_seconds)
        except (TimeoutError, asyncio.CancelledError) as end:
            if job.future.cancel():
                self._forget(job)
            if isinstance(end, TimeoutError):
                raise CallTooLong(self._longest_seconds) from None
            raise
        return answer

    def shutdown(self) -> None:
        """Waits for what has begun, and for what waits for it to end."""
        self._is_stopped = True
        self._executor.shutdown()

    def _submit(self, job: _Job, remaining_seconds: float | None) -> None:
        lane = job.lane
        with self._lock:
            if lane.waiting or not lane.may_begin():
                if len(lane.waiting) >= self._queue:
                    raise Overloaded
                job.latest_begin = lane.latest_begin(time.monotonic(), remaining_seconds)
                lane.waiting.append(job)
                return
        if not self._begin(job):
            job.future.cancel()
            # Nobody who waits is left without the place that was taken for this one.
            self._run(job)
            raise ServiceStopping

    def _begin(self, job: _Job) -> bool:
        """False at the stop."""
        try:
            self._executor.submit(self._run, job)
        except RuntimeError:
            # Where the system gives no new thread, it is queued all the same, and begins once one is free.
            return not self._is_stopped
        return True

    def _forget(self, job: _Job) -> None:
        """It was given up: whoever comes now has its room."""
        with self._lock, suppress(ValueError):
            job.lane.waiting.remove(job)

    def _run(self, job: _Job) -> None:
        following: _Job | None = job
        while following is not None:
            following.run()
            following = self._leave(following)

    def _leave(self, job: _Job) -> _Job | None:
        """The one that has waited longest, if it may begin now."""
        with self._lock:
            job.lane.note_end(time.monotonic())
            return job.lane.waiting.popleft() if job.lane.waiting and job.lane.may_begin() else None

    def _begin_waiting(self) -> None:
        """Somebody waits for others, and so somebody else may work."""
        lane = self._slow
        with self._lock:
            if not lane.waiting or not lane.may_begin():
                return
            if self._begin(lane.waiting[0]):
                lane.waiting.popleft()
            else:
                # At the stop, whoever ends goes on with those who wait.
                lane.left += 1
                self._turns.give_back()
