"""The sending of a stream's answers, and the end of a stream without a reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import grpc
import pytest

from adapters.grpc.errors.exceptions import ServiceStopping
from adapters.grpc.middleware.stream_writer import StreamLimits, send


class Gone:
    """A reader who is there for so many answers."""

    def __init__(self, most: int) -> None:
        self._left = most

    async def send_initial_metadata(self, _metadata: Any) -> None:
        return

    async def write(self, _answer: Any) -> None:
        if not self._left:
            raise grpc.aio.InternalError("the core could not write")
        self._left -= 1


def test_a_reader_who_is_gone_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    closed = []

    async def answers() -> AsyncGenerator[int, None]:
        try:
            for number in range(10):
                yield number
        finally:
            closed.append(True)

    async def story() -> None:
        loss = asyncio.get_running_loop().create_future()
        with pytest.raises(asyncio.CancelledError):
            await send(answers(), Gone(3), asyncio.Event(), loss, StreamLimits(60, 60))

    asyncio.run(story())
    assert closed == [True]
    assert caplog.text == ""


def test_a_stream_that_ends_while_its_first_message_is_under_way_has_a_status() -> None:
    """The core would refuse it, and keep the call open, if the headers were still under way with the message."""

    async def story() -> None:
        began, stopping, ending = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def answers() -> AsyncGenerator[bytes, None]:
            began.set()
            # More than a reader takes who does not read yet.
            yield b"x" * 3_000_000
            await asyncio.Event().wait()

        async def behaviour(_request: bytes, context: Any) -> None:
            loss = asyncio.get_running_loop().create_future()
            try:
                await send(answers(), context, stopping, loss, StreamLimits(60, 60))
            except ServiceStopping:
                ending.set()
                await context.abort(grpc.StatusCode.UNAVAILABLE, "stopping")

        server = grpc.aio.server()
        handler: Any = grpc.unary_stream_rpc_method_handler(behaviour)
        own = grpc.method_handlers_generic_handler("shop", {"Watch": handler})
        server.add_generic_rpc_handlers((own,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            watch: Any = channel.unary_stream("/shop/Watch")
            call = watch(b"")
            await began.wait()
            stopping.set()
            await asyncio.wait_for(ending.wait(), 10)
            assert len(await asyncio.wait_for(call.read(), 10)) == 3_000_000
            assert await asyncio.wait_for(call.code(), 10) is grpc.StatusCode.UNAVAILABLE
        await server.stop(0)

    asyncio.run(story())
