"""Threads that produce the messages of streams: few at once, with fair queueing among callers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from adapters.grpc.scheduling.fair_queue import FairQueue, Flow, Share
from application.common.caller import Caller

Answer = TypeVar("Answer")

# The initial cost estimate: a page of the feed.
_FIRST_COST_SECONDS: Final = 0.01


@dataclass(slots=True, eq=False)
class _Task:
    work: Callable[[], Any]
    share: Share[_Task]
    answer: asyncio.Future[Any]
    expected_seconds: float = 0.0


class StreamPool:
    """Belongs to the event loop on which it is used. A caller has at most half of the threads."""

    def __init__(self, name: str, threads: int = 4) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads = threads
        self._queue: FairQueue[_Task] = FairQueue(_FIRST_COST_SECONDS)
        self._started = 0

    async def run(self, caller: Caller, work: Callable[..., Answer], *arguments: Any) -> Answer:
        """Returns the work's result. Work that is cancelled before its start never starts."""
        share = self._queue.share(Flow.of(caller))
        task = _Task(partial(work, *arguments), share, asyncio.get_running_loop().create_future())
        self._queue.push(share, task)
        self._start_waiting()
        try:
            answer: Answer = await task.answer
        except asyncio.CancelledError:
            self._queue.remove(share, task)
            raise
        return answer

    def _start_waiting(self) -> None:
        while self._started < self._threads and (task := self._queue.pop(self._may_start)) is not None:
            self._started += 1
            task.expected_seconds = task.share.cost_seconds
            running = asyncio.get_running_loop().run_in_executor(self._executor, _timed, task.work)
            running.add_done_callback(partial(self._end, task))

    def _may_start(self, share: Share[_Task]) -> bool:
        is_caller = not share.items
        return not is_caller or share.started < max(1, self._threads // 2)

    def _end(self, task: _Task, finished: asyncio.Future[tuple[float, Any, BaseException | None]]) -> None:
        self._started -= 1
        seconds, answer, failure = finished.result()
        self._queue.end(task.share, seconds, task.expected_seconds)
        if not task.answer.done():
            if failure is not None:
                task.answer.set_exception(failure)
            else:
                task.answer.set_result(answer)
        self._start_waiting()


def _timed(work: Callable[[], Any]) -> tuple[float, Any, BaseException | None]:
    """The CPU time, and the result or the error."""
    began = time.thread_time()
    try:
        answer, failure = work(), None
    except Exception as error:
        answer, failure = None, error
    return time.thread_time() - began, answer, failure
