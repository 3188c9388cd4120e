"""Sends a stream's messages with backpressure, until the stream ends or exceeds a limit."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import grpc

from adapters.grpc.errors.exceptions import ReaderTooSlow, ServiceStopping, StreamTooLong


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """In seconds: the lifetime of a stream, and the time that one message may wait for its reader."""

    longest_seconds: float
    slowest_read_seconds: float


async def send(
    answers: AsyncGenerator[Any, None],
    context: Any,
    stopping: asyncio.Event,
    loss: asyncio.Future[None],
    limits: StreamLimits,
) -> None:
    """Returns once all messages are sent. Raises ServiceStopping at shutdown, StreamTooLong and ReaderTooSlow by the
    limits, CancelledError once the reader is gone, and the error of `loss`. Any pending wait is then cancelled, also
    one for a reader who reads nothing.
    """
    # gRPC notes that they are sent only when the message that came with them is. A stream that ends before would send
    # them a second time with its status, which fails: then the call is open until the server's grace is over.
    await context.send_initial_metadata(())
    writer = _Writer(answers, context)
    writing = asyncio.ensure_future(writer.run())
    stop = asyncio.ensure_future(stopping.wait())
    end = time.monotonic() + limits.longest_seconds
    try:
        while not writing.done():
            now = time.monotonic()
            if stop.done():
                raise ServiceStopping
            if loss.done():
                loss.result()
            if now >= end:
                raise StreamTooLong
            if writer.waits_since is not None and now - writer.waits_since >= limits.slowest_read_seconds:
                raise ReaderTooSlow(limits.slowest_read_seconds)
            look_again = min(end - now, limits.slowest_read_seconds / 4)
            await asyncio.wait((writing, stop, loss), timeout=look_again, return_when=asyncio.FIRST_COMPLETED)
        writing.result()
    finally:
        stop.cancel()
        if not writing.done():
            writing.cancel()
            await asyncio.wait((writing,))
        elif not writing.cancelled():
            # Already reported, or of no use to a caller who is gone.
            writing.exception()
        await answers.aclose()


class _Writer:
    def __init__(self, answers: AsyncGenerator[Any, None], context: Any) -> None:
        self._answers = answers
        self._context = context
        # On the monotonic clock: since when a message waits for its reader. None: none waits.
        self.waits_since: float | None = None

    async def run(self) -> None:
        async for answer in self._answers:
            self.waits_since = time.monotonic()
            try:
                await self._context.write(answer)
            except grpc.aio.InternalError:
                # The reader is gone, and the core reports that before it cancels the call.
                raise asyncio.CancelledError from None
            self.waits_since = None
