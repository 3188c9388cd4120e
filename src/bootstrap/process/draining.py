"""The stop of a process: not ready first, then a delay, then no new calls, then the end, within a bounded time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

from bootstrap.logging.nonblocking_output import STDERR, STDOUT

if TYPE_CHECKING:
    from bootstrap.observability.tracing import Tracing

_log = logging.getLogger(__name__)

# The time for the last records and the end of the process, beyond the delay and the grace.
ENDING_SECONDS: Final = 4.0
_SPANS_SECONDS: Final = 1.0


class StopRequest:
    """The first request to stop, by a signal or from within. Belongs to the running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._skips_delay = False
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._on_signal, number)

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def stop_now(self) -> None:
        """A stop without the delay, for a process that nobody can call any more. Safe for many threads."""
        self._loop.call_soon_threadsafe(self._on_signal, signal.SIGINT)

    def restore_signals(self) -> None:
        """A further signal then ends the process at once."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.remove_signal_handler(number)

    async def wait(self) -> None:
        await self._event.wait()

    async def delay(self, seconds: float) -> None:
        """Waits until balancers know. Nothing balances calls to a service at somebody's terminal (SIGINT)."""
        if not self._skips_delay:
            await asyncio.sleep(seconds)

    def _on_signal(self, number: int) -> None:
        if not self._event.is_set():
            self._skips_delay = number == signal.SIGINT
            self._event.set()


async def within(seconds: float, work: Callable[[], object]) -> bool:
    """Runs blocking work. Returns whether it ended in time; else its thread still runs."""
    running = asyncio.get_running_loop().run_in_executor(None, work)
    done, _ = await asyncio.wait((running,), timeout=seconds)
    for one in done:
        one.result()
    return bool(done)


async def send_last_spans(tracing: Tracing | None) -> bool:
    """Returns whether the sending has ended. A collector that hangs holds up no stop."""
    return await within(_SPANS_SECONDS, tracing.close) if tracing else True


def end_process(status: int) -> NoReturn:
    """Ends the process although threads still wait for the gateway or the database: the interpreter would wait, too.

    Their operations are as after a crash: the resolver finds them.
    """
    for writer in (STDOUT, STDERR):
        writer.flush()
    os._exit(status)
