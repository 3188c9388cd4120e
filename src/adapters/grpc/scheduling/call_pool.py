"""The thread pool for blocking calls, behind bounded queues with fair queueing by CPU time used and load shedding."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, TypeVar

from adapters.grpc.errors.exceptions import CallTooLong, Overloaded, ServiceStopping
from adapters.grpc.scheduling.fair_queue import FairQueue, Flow, Share
from application.common.concurrency import holding_slot

Answer = TypeVar("Answer")

# The weight of the latest call in the moving averages.
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
    share: Share[_Job]
    future: Future[Any]
    # On the monotonic clock. A later start would end after the caller's deadline.
    latest_start: float = math.inf
    expected_seconds: float = 0.0
    took_seconds: float = 0.0

    def run(self, pool: CallPool) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        began, used = time.monotonic(), time.thread_time()
        if began > self.latest_start:
            self.future.set_exception(Overloaded())
            return
        try:
            with holding_slot(_JobSlot(pool, self)):
                answer = self.work()
        except BaseException as failure:
            self.future.set_exception(failure)
        else:
            self.future.set_result(answer)
        # CPU time costs other threads. Blocked time costs them nothing.
        self.took_seconds = time.thread_time() - used
        self.lane.duration += (time.monotonic() - began - self.lane.duration) * _WEIGHT

    def refuse(self) -> None:
        """Refuses a job that has not started."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(Overloaded())


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
    # Moving averages in seconds: the duration of a call, and the time between two ends while others waited.
    duration: float = 0.0
    pace: float = 0.0
    last_end: float | None = None

    def next(self) -> _Job | None:
        """The next job, with the slots that it needs to start."""
        if self.started >= self.threads or self.running >= _MAX_RUNNING:
            return None
        job = self.queue.pop(self._may_start)
        if job is not None:
            self.started += 1
            self.running += 1
            job.expected_seconds = job.share.cost_seconds
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
        if before > 0 and now + before * self.pace > latest:
            raise Overloaded
        return latest

    def note_end(self, job: _Job, now: float) -> None:
        self.started -= 1
        self.running -= 1
        self.queue.end(job.share, job.took_seconds, job.expected_seconds)
        if not len(self.queue):
            self.last_end = None
            # The queue is empty: a past slowdown must not count against later calls.
            self.pace -= self.pace * _WEIGHT
            return
        if self.last_end is not None:
            self.pace += (now - self.last_end - self.pace) * _WEIGHT
        self.last_end = now

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
    """Runs blocking calls. It sheds calls that would queue behind too many, or past their deadline, and bounds every
    wait.

    Slow calls, which wait for others, have `slow_threads` of the threads, and quick calls the rest. Each lane has its
    own queue, so that neither waits for the other. The number of running calls is bounded, so that none is much slower
    than alone. The queues are fair: the caller with the least CPU time goes next. A full queue makes room by refusing
    the newest call of the caller that has the most waiting.
    """

    def __init__(self, threads: int, queue: int, longest_seconds: float, slow_threads: int | None = None) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="call")
        self._queue = queue
        self._longest_seconds = longest_seconds
        slow = threads if slow_threads is None else slow_threads
        self._slow = _Lane(slow)
        self._quick = _Lane(max(1, threads - slow))
        self._lock = Lock()
        self._is_stopped = False

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
        remaining_seconds: float | None = None,
        flow: Flow = Flow(),  # noqa: B008
    ) -> Answer:
        """Returns the work's result. Raises Overloaded if there is no room, or if the call cannot end within the
        remaining seconds; CallTooLong after the maximum wait, and ServiceStopping after shutdown.

        If the caller stops waiting, started work runs to its end, and queued work never starts.
        """
        job = self._submit(work, self._slow if is_slow else self._quick, flow, remaining_seconds)
        try:
            answer: Answer = await asyncio.wait_for(asyncio.wrap_future(job.future), self._longest_seconds)
        except (TimeoutError, asyncio.CancelledError) as end:
            if job.future.cancel():
                self._dequeue(job)
            if isinstance(end, TimeoutError):
                raise CallTooLong(self._longest_seconds) from None
            raise
        return answer

    def shutdown(self) -> None:
        """Waits for the running calls and for those that queue behind them."""
        self._is_stopped = True
        self._executor.shutdown()

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

    def _submit(self, work: Callable[[], Any], lane: _Lane, flow: Flow, remaining_seconds: float | None) -> _Job:
        with self._lock:
            share = lane.queue.share(flow)
            job = _Job(work, lane, share, Future())
            lane.queue.push(share, job)
            startable = lane.startable_jobs()
            if job not in startable:
                self._require_room(job, remaining_seconds)
        for one in startable:
            if not self._start(one) and one is job:
                raise ServiceStopping
        return job

    def _require_room(self, job: _Job, remaining_seconds: float | None) -> None:
        """Raises Overloaded if the job cannot queue. Called under the lock."""
        lane = job.lane
        try:
            if len(lane.queue) > self._queue:
                longest = lane.queue.longest()
                if longest is job.share or longest.waiting <= 1:
                    raise Overloaded
                lane.queue.pop_newest(longest).refuse()
            job.latest_start = lane.latest_start(job.share, time.monotonic(), remaining_seconds)
        except Overloaded:
            lane.queue.remove(job.share, job)
            raise

    def _start(self, job: _Job) -> bool:
        """False after shutdown."""
        try:
            self._executor.submit(self._run, job)
        except RuntimeError:
            # If the system gives no new thread, the job stays queued, and starts once a thread is free.
            if not self._is_stopped:
                return True
            job.future.cancel()
            # Releases this job's slot to those who wait.
            self._run(job)
            return False
        return True

    def _dequeue(self, job: _Job) -> None:
        """Removes an abandoned job from the queue, which frees its room."""
        with self._lock:
            job.lane.queue.remove(job.share, job)

    def _run(self, job: _Job) -> None:
        following: _Job | None = job
        while following is not None:
            following.run(self)
            following = self._end(following)

    def _end(self, job: _Job) -> _Job | None:
        """The next job, if it may start now."""
        with self._lock:
            job.lane.note_end(job, time.monotonic())
            following = job.lane.next()
        # One end may let more than one job start, since its estimated cost no longer counts.
        self._start_waiting(job.lane)
        return following

    def _start_waiting(self, lane: _Lane) -> None:
        """Starts none after shutdown: the running threads take the queued jobs then."""
        with self._lock:
            startable = [] if self._is_stopped else lane.startable_jobs()
        for job in startable:
            self._start(job)
