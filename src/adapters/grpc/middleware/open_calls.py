"""The calls that wait on the event loop, so that a stop can end them with a status instead of a broken connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from inspect import isasyncgenfunction
from typing import Any

import grpc

from adapters.grpc.errors.exceptions import ServiceStopping


class OpenCalls:
    """Belongs to an event loop. After `end`, each open call raises ServiceStopping where it waits."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_ended = False

    def __len__(self) -> int:
        return len(self._tasks)

    def enter(self) -> asyncio.Task[Any]:
        """Counts the current task as an open call, until `leave`. Raises ServiceStopping after the end."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call runs in a task")
        if self._is_ended:
            raise ServiceStopping
        self._tasks.add(task)
        return task

    def leave(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)

    def was_ended(self, task: asyncio.Task[Any]) -> bool:
        """Whether `end` cancelled the task, which then goes on to send its status; else its caller hung up."""
        return self._is_ended and task.uncancel() == 0

    def end(self) -> int:
        """Returns the number of calls that it ended."""
        self._is_ended = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        return len(tasks)


def endable_handler(handler: grpc.RpcMethodHandler[Any, Any], calls: OpenCalls) -> grpc.RpcMethodHandler[Any, Any]:
    """Health and reflection, whose streams stay open for as long as their reader wants: a stop ends them."""
    kinds: tuple[tuple[Any, Callable[..., grpc.RpcMethodHandler[Any, Any]]], ...] = (
        (handler.unary_stream, grpc.unary_stream_rpc_method_handler),
        (handler.stream_stream, grpc.stream_stream_rpc_method_handler),
    )
    for behaviour, make in kinds:
        if behaviour is not None:
            return make(_endable(behaviour, calls), handler.request_deserializer, handler.response_serializer)
    return handler


def _endable(behaviour: Callable[[Any, Any], Any], calls: OpenCalls) -> Callable[[Any, Any], Any]:
    async def relay(request: Any, context: Any) -> None:
        if not isasyncgenfunction(behaviour):
            await behaviour(request, context)
            return
        async for answer in behaviour(request, context):
            await context.write(answer)

    async def call(request: Any, context: Any) -> None:
        task = None
        try:
            task = calls.enter()
            await relay(request, context)
        except ServiceStopping:
            await _abort(context)
        except asyncio.CancelledError:
            if task is None or not calls.was_ended(task):
                raise
            await _abort(context)
        finally:
            if task is not None:
                calls.leave(task)

    return call


async def _abort(context: Any) -> None:
    await context.abort(grpc.StatusCode.UNAVAILABLE, "This replica of the service is being stopped. Call again.")
