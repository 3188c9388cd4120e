"""The sending of a stream's answers, and the end of a stream without a reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import grpc
import pytest

from adapters.grpc.middleware.stream_writer import StreamLimits, send


class Gone:
    """A reader who is there for so many answers."""

    def __init__(self, most: int) -> None:
        self._left = most

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
