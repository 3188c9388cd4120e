"""The same repeated calls for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import grpc

from bayar.acts import Metadata
from bayar.calls import Attempts, Limits, RetryPolicy, prepare
from bayar.errors import closed_meanwhile, read_error
from bayar.rpc import ModelT, Pages, Rpc, Stream, Unary
from bayar.tracing import trace_metadata


class AsyncCaller:
    """Sends calls to one address, each within its time. `open_channel` is called by the first call, in its loop."""

    def __init__(
        self, open_channel: Callable[[], Any], address: str, limits: Limits, metadata: tuple[tuple[str, str], ...]
    ) -> None:
        self._open_channel = open_channel
        self._channel: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._address = address
        self._limits = limits
        self._metadata = metadata
        self._methods: dict[str, Any] = {}

    @property
    def channel(self) -> Any:
        """The grpc.aio.Channel of the running loop. Raises RuntimeError for a closed client and for a second loop."""
        if self._closed:
            raise RuntimeError("This client is closed.")
        if self._channel is None or (self._loop is not None and self._loop.is_closed()):
            # A channel lives and ends with its loop.
            self._channel, self._loop, self._methods = self._open_channel(), _running_loop(), {}
        elif self._loop not in (None, _running_loop()):
            raise RuntimeError("This client belongs to another event loop, which still runs: make one for each loop.")
        return self._channel

    async def close(self) -> None:
        self._closed = True
        if self._channel is not None and not (self._loop is not None and self._loop.is_closed()):
            await self._channel.close()

    async def unary(
        self, call: Unary[Any, ModelT], timeout_seconds: float | None, retry: RetryPolicy | None, act: Metadata = ()
    ) -> ModelT:
        """The result. Raises BayarError."""
        limits = self._limits.of_call(timeout_seconds, retry)
        return call.shape(call.pick(await self._answer(call.rpc, call.request, *limits, act)))

    def pages(
        self, call: Pages[Any, ModelT], timeout_seconds: float | None, retry: RetryPolicy | None
    ) -> AsyncGenerator[ModelT, None]:
        """The items, page after page; the time is that of one page. Raises BayarError."""
        return self._pages(call, *self._limits.of_call(timeout_seconds, retry))

    async def _pages(
        self, call: Pages[Any, ModelT], timeout_seconds: float, retry: RetryPolicy
    ) -> AsyncGenerator[ModelT, None]:
        more = True
        while more:
            page = await self._answer(call.rpc, call.request, timeout_seconds, retry)
            for item in call.items(page):
                yield call.shape(item)
            more = call.advance(call.request, page)

    def stream(
        self, call: Stream[Any, ModelT], timeout_seconds: float | None, retry: RetryPolicy | None, act: Metadata = ()
    ) -> AsyncGenerator[ModelT, None]:
        """The items as they come. The first answer of a reopened stream is left out if it repeats the last one."""
        return self._stream(call, *self._limits.of_stream(timeout_seconds, retry), act)

    async def _stream(
        self, call: Stream[Any, ModelT], timeout_seconds: float | None, retry: RetryPolicy, act: Metadata
    ) -> AsyncGenerator[ModelT, None]:
        attempts = Attempts(retry, timeout_seconds)
        last, begun = None, False
        while True:
            method = self._method(call.rpc, self.channel.unary_stream)
            answers = method(call.request, timeout=attempts.remaining_seconds, metadata=self._metadata_now(act))
            try:
                async for answer in answers:
                    begun = True
                    attempts.begin_again()
                    if answer != last:
                        for item in call.items(answer):
                            yield call.shape(item)
                    last = answer
                    if call.resume:
                        call.resume(call.request, answer)
                return
            except grpc.RpcError as raised:
                error = read_error(raised, call.request, self._address, timeout_seconds)
            except asyncio.CancelledError:
                if not self._ended_here():
                    raise
                error = closed_meanwhile(call.request)
            finally:
                answers.cancel()
            if begun and call.resume is None:
                raise error
            await asyncio.sleep(attempts.delay_or_raise(error))

    async def _answer(
        self, rpc: Rpc, request: Any, timeout_seconds: float, retry: RetryPolicy, act: Metadata = ()
    ) -> Any:
        attempts = Attempts(retry, timeout_seconds)
        while True:
            method = self._method(rpc, self.channel.unary_unary)
            try:
                return await method(request, timeout=attempts.remaining_seconds, metadata=self._metadata_now(act))
            except grpc.RpcError as raised:
                error = read_error(raised, request, self._address, timeout_seconds)
            except asyncio.CancelledError:
                if not self._ended_here():
                    raise
                error = closed_meanwhile(request)
            await asyncio.sleep(attempts.delay_or_raise(error))

    def _ended_here(self) -> bool:
        """Whether gRPC cancelled the call because this client was closed, rather than somebody the task."""
        task = asyncio.current_task()
        return self._closed and not (task is not None and task.cancelling())

    def _method(self, rpc: Rpc, make: Callable[..., Any]) -> Any:
        if rpc.path not in self._methods:
            self._methods[rpc.path] = prepare(rpc, make)
        return self._methods[rpc.path]

    def _metadata_now(self, act: Metadata) -> Metadata:
        return (*self._metadata, *act, *trace_metadata())


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """None outside of a loop, where a program may look at the channel."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
