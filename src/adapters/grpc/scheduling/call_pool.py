"""The pool of calls, which run on the event loop or on threads, behind bounded queues with fair queueing by CPU time
used and load shedding.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, Final, TypeVar, cast

from adapters import cooperation
from adapters.grpc.errors.exceptions import CallTooLong, Overloaded, ServiceStopping
from adapters.grpc.scheduling.fair_queue import FairQueue, Flow, Share
from adapters.grpc.scheduling.pace import Pace
from application.common.concurrency import holding_slot

Answer = TypeVar("Answer")

# Only calls that run on threads need one. Fewer than that run at once, and some wait for others.
_MOST_THREADS: Final = 500
# The weight of the latest call in the moving average.
_WEIGHT: Final = 0.1
# The safety margin over the average duration.
_MARGIN: Final = 1.5
# Enough for a database that is some milliseconds away; more threads would only contend with one another.
_MAX_RUNNING: Final = 32
# The CPU seconds that one caller among several may have under way at once, and the calls that it may always have:
# nobody else waits for more than that.
_UNDER_WAY_SECONDS: Final = 0.03
_ALWAYS: Final = 2
# The estimated cost of a new caller's first call.
_FIRST_COST_SECONDS: Final = 0.001
# Where there are several callers, one has at most this share of the threads. Of a caller's, its customers with
# credentials of their own have at most half together, and each a tenth.
_SHARE_OF_CALLER: Final = 0.9
_SHARE_OF_CUSTOMERS: Final = 0.5
_SHARE_OF_CUSTOMER: Final = 0.1


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    lane: _Lane
    loop: asyncio.AbstractEventLoop
    # Done early where nobody waits any more.
    answer: asyncio.Future[Any]
    # Whether it runs in a greenlet on the loop. Otherwise, it runs on a thread.
    is_cooperative: bool = False
    # Its caller's, from its arrival in the queue on.
    share: Share[_Job] = field(init=False)
    # On the monotonic clock. A later start would end after the caller's deadline.
    latest_start: float = math.inf
    expected_seconds: float = 0.0
    took_seconds: float = 0.0
    # Sets the result or the failure of the future.
    _outcome: Callable[[], None] | None = None

    def run(self, pool: CallPool) -> None:
        if self.answer.done():
            return
        began = time.monotonic()
        # Work begins with the job, and a thread has had others.
        used = 0.0 if self.is_cooperative else time.thread_time()
        if began > self.latest_start:
            self._outcome = partial(self._set_failure, Overloaded())
            return
        try:
            with holding_slot(_JobSlot(pool, self)):
                answer = self.work()
        except BaseException as failure:
            self._outcome = partial(self._set_failure, failure)
        else:
            self._outcome = partial(self._set, answer)
        # CPU time costs other calls. Blocked time costs them nothing.
        self.took_seconds = cooperation.cpu_seconds() - used
        self.lane.duration += (time.monotonic() - began - self.lane.duration) * _WEIGHT

    def tell(self) -> None:
        """Gives the outcome to whoever waits for it, once the slot is released."""
        # Forgotten here: it refers to this job, and so would be left to the garbage collector with all of the call.
        outcome, self._outcome = self._outcome, None
        if outcome is not None:
            self._tell(outcome)

    def _tell(self, outcome: Callable[[], None]) -> None:
        if cooperation.current_loop() is self.loop:
            outcome()
        else:
            # A loop that is closed has nobody who waits.
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(outcome)

    def fail(self, failure: BaseException) -> None:
        """Ends a job that has not started, or the wait for one that has."""
        self._tell(partial(self._set_failure, failure))

    def _set(self, answer: Any) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def _set_failure(self, failure: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(failure)


@dataclass(frozen=True, slots=True)
class _JobSlot:
    pool: CallPool
    job: _Job

    @contextmanager
    def released(self) -> Iterator[None]:
        self.pool.pause(self.job)
        try:
            yield
        finally:
            # A started job resumes at once, and the queued jobs wait a little longer.
            self.pool.resume(self.job)


@dataclass(slots=True)
class _Lane:
    """A bulkhead: calls that share a number of threads, and the queue in front of them."""

    threads: int
    queue: FairQueue[_Job] = field(default_factory=lambda: FairQueue(_FIRST_COST_SECONDS))
    started: int = 0
    running: int = 0
    pace: Pace = field(default_factory=Pace)
    # The moving average of the duration of a call, in seconds.
    duration: float = 0.0

    def next(self) -> _Job | None:
        """The next job, with the slots that it needs to start."""
        if not len(self.queue) or self.started >= self.threads or self.running >= _MAX_RUNNING:
            return None
        job = self.queue.pop(self._may_start)
        if job is not None:
            self.started += 1
            self.running += 1
            job.expected_seconds = job.share.cost_seconds
            self.pace.note_start(time.monotonic(), others_wait=len(self.queue) > 0)
        return job

    def startable_jobs(self) -> list[_Job]:
        found = []
        while (job := self.next()) is not None:
            found.append(job)
        return found

    def latest_start(self, share: Share[_Job], now: float, remaining_seconds: float | None) -> float:
        """Raises Overloaded if the job would start too late to end before its caller's deadline."""
        if remaining_seconds is None:
            return math.inf
        latest = now + remaining_seconds - _MARGIN * self.duration
        # Other callers run one job for each of this caller's, as long as they have jobs waiting.
        own = share.parent.waiting if share.parent is not None else share.waiting
        before = min(len(self.queue), own * self.queue.busy_callers) - 1
        if before > 0 and now + before * self.pace.seconds > latest:
            raise Overloaded
        return latest

    def note_end(self, job: _Job) -> None:
        self.started -= 1
        self.running -= 1
        self.queue.end(job.share, job.took_seconds, job.expected_seconds)

    def _may_start(self, share: Share[_Job]) -> bool:
        is_caller = not share.items
        if (is_caller and self.queue.known_callers <= 1) or not (is_caller or share.name):
            # A single caller, or a back end within its caller.
            return True
        if share.running >= _ALWAYS and share.running * share.cost_seconds >= _UNDER_WAY_SECONDS:
            return False
        if is_caller or share.parent is None:
            return share.started < self._part(_SHARE_OF_CALLER)
        return share.started < self._part(_SHARE_OF_CUSTOMER) and share.parent.started_by_customers < self._part(
            _SHARE_OF_CUSTOMERS
        )

    def _part(self, share: float) -> int:
        return max(1, int(self.threads * share))


class CallPool:
    """Runs synchronous calls. It sheds calls that would queue behind too many, or past their deadline, and bounds every
    wait.

    Cooperative calls run on the event loop, and wait as adapters/cooperation.py lets them; others have threads. Slow
    calls, which wait for others, have `slow_threads` of the slots, and quick calls the rest. Each lane has its
    own queue, so that neither waits for the other. The number of running calls is bounded, so that none is much slower
    than alone. The queues are fair: the caller with the least CPU time goes next. A full queue makes room by refusing
    the newest call of the caller that has the most waiting.
    """

    def __init__(self, threads: int, queue: int, longest_seconds: float, slow_threads: int | None = None) -> None:
        self._executor = ThreadPoolExecutor(min(threads, _MOST_THREADS), thread_name_prefix="call")
        self._queue = queue
        self._longest_seconds = longest_seconds
        slow = threads if slow_threads is None else slow_threads
        self._slow = _Lane(slow)
        self._quick = _Lane(max(1, threads - slow))
        self._lock = Lock()
        self._is_stopped = False
        self._drained: Future[None] = Future()

    def is_full(self, *, is_slow: bool, flow: Callable[[], Flow] = Flow) -> bool:
        """Whether the flow's next call would be refused for lack of room. Without a queue, only `run` can tell."""
        lane = self._slow if is_slow else self._quick
        if not 0 < self._queue <= len(lane.queue):
            return False
        with self._lock:
            return len(lane.queue) > 0 and lane.queue.share(flow()) is lane.queue.longest()

    async def run(
        self,
        work: Callable[[], Answer],
        *,
        is_slow: bool = False,
        is_cooperative: bool = False,
        remaining_seconds: float | None = None,
        flow: Flow = Flow(),  # noqa: B008
    ) -> Answer:
        """Returns the work's result. Raises Overloaded if there is no room, or if the call cannot end within the
        remaining seconds; CallTooLong after the maximum wait, and ServiceStopping after shutdown.

        If the caller stops waiting, started work runs to its end, and queued work never starts.
        """
        loop = asyncio.get_running_loop()
        lane = self._slow if is_slow else self._quick
        job = _Job(work, lane, loop, loop.create_future(), is_cooperative)
        self._submit(job, flow, remaining_seconds)
        if job.answer.done():
            # It ran on the loop, and had to wait for nothing.
            return cast("Answer", job.answer.result())
        timer = loop.call_later(self._longest_seconds, job.fail, CallTooLong(self._longest_seconds))
        try:
            answer: Answer = await job.answer
        except (CallTooLong, asyncio.CancelledError):
            self._dequeue(job)
            raise
        finally:
            timer.cancel()
        return answer

    def shutdown(self) -> Future[None]:
        """Accepts no more calls. The future is done once the running calls, and those that queue behind them, have
        ended: never, if the event loop of some ends before.
        """
        with self._lock:
            self._is_stopped = True
            self._note_drained()
        return self._drained

    def pause(self, job: _Job) -> None:
        """Releases the slot of a job that blocks, so that another may run."""
        with self._lock:
            job.lane.running -= 1
            job.lane.queue.pause(job.share)
        self._start_waiting(job.lane)

    def resume(self, job: _Job) -> None:
        with self._lock:
            job.lane.running += 1
            job.lane.queue.resume(job.share)

    def _submit(self, job: _Job, flow: Flow, remaining_seconds: float | None) -> None:
        lane = job.lane
        with self._lock:
            if self._is_stopped:
                raise ServiceStopping
            job.share = lane.queue.share(flow)
            lane.queue.push(job.share, job)
            startable = lane.startable_jobs()
            if job not in startable:
                self._require_room(job, remaining_seconds)
        for one in startable:
            self._start(one)

    def _require_room(self, job: _Job, remaining_seconds: float | None) -> None:
        """Raises Overloaded if the job cannot queue. Called under the lock."""
        lane = job.lane
        try:
            if len(lane.queue) > self._queue:
                longest = lane.queue.longest()
                if longest is job.share or longest.waiting <= 1:
                    raise Overloaded
                lane.queue.pop_newest(longest).fail(Overloaded())
            job.latest_start = lane.latest_start(job.share, time.monotonic(), remaining_seconds)
        except Overloaded:
            lane.queue.remove(job.share, job)
            raise

    def _start(self, job: _Job) -> None:
        if not job.is_cooperative:
            # If the system gives no new thread, the job waits for a thread that is free.
            with suppress(RuntimeError):
                self._executor.submit(self._run_on_thread, job)
            return
        work = partial(self._run, job)
        if cooperation.current_loop() is not job.loop:
            job.loop.call_soon_threadsafe(cooperation.start, work)
        elif cooperation.is_cooperative():
            job.loop.call_soon(cooperation.start, work)
        else:
            cooperation.start(work)

    def _dequeue(self, job: _Job) -> None:
        """Removes an abandoned job from the queue, which frees its room."""
        with self._lock:
            job.lane.queue.remove(job.share, job)
            self._note_drained()

    def _run(self, job: _Job) -> None:
        job.run(self)
        following = self._end(job)
        job.tell()
        if following is not None:
            self._start(following)

    def _run_on_thread(self, job: _Job) -> None:
        following: _Job | None = job
        while following is not None and not following.is_cooperative:
            following.run(self)
            ended, following = following, self._end(following)
            ended.tell()
        if following is not None:
            self._start(following)

    def _end(self, job: _Job) -> _Job | None:
        """The next job, if it may start now."""
        with self._lock:
            job.lane.note_end(job)
            following = job.lane.next()
            # One end may let more than one job start, since its estimated cost no longer counts.
            others = job.lane.startable_jobs()
            self._note_drained()
        for other in others:
            self._start(other)
        return following

    def _start_waiting(self, lane: _Lane) -> None:
        with self._lock:
            startable = lane.startable_jobs()
        for job in startable:
            self._start(job)

    def _note_drained(self) -> None:
        """Called under the lock."""
        if not self._is_stopped or self._drained.done():
            return
        if not any(lane.started or len(lane.queue) for lane in (self._slow, self._quick)):
            self._executor.shutdown(wait=False)
            self._drained.set_result(None)
