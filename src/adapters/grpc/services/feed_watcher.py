"""Single-flight polling for the end of the feed: all readers of a process share one query."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Executor

from application.common.errors import StoreUnavailable

_log = logging.getLogger(__name__)


class FeedWatcher:
    """Belongs to the event loop in which it is first awaited. It polls only while somebody waits."""

    def __init__(self, end: Callable[[], int], executor: Executor, interval_seconds: float) -> None:
        self._end = end
        self._executor = executor
        self._interval_seconds = interval_seconds
        self._position = 0
        self._waiting = 0
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def wait_beyond(self, position: int, timeout_seconds: float) -> None:
        """Returns once the feed has events after the position, or after the timeout."""
        self._waiting += 1
        try:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._watch())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds), self._moved:
                    await self._moved.wait_for(lambda: self._position > position)
        finally:
            self._waiting -= 1

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        idle_looks = 0
        # A little longer than a reader's timeout, since readers return at once.
        while idle_looks < 100:
            idle_looks = 0 if self._waiting else idle_looks + 1
            try:
                position = await loop.run_in_executor(self._executor, self._end)
            except StoreUnavailable as failure:
                _log.warning("the last position of the feed could not be read: %s", failure)
                position = self._position
            if position != self._position:
                async with self._moved:
                    self._position = position
                    self._moved.notify_all()
            await asyncio.sleep(self._interval_seconds)
