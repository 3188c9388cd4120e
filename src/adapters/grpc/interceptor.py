"""Around every call: undecodable requests, errors told as google.rpc.Status, and one line in the log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Final, TypeAlias

import grpc

from adapters.grpc.access import Guard
from adapters.grpc.auditing import audited
from adapters.grpc.call_context import wishes_of
from adapters.grpc.catalogue import catalogue
from adapters.grpc.errors import Problem, ServiceStopping, UndecodableRequest, problem_of, status_of

_log = logging.getLogger("bayar.calls")

_DETAILS_KEY: Final = "grpc-status-details-bin"
_OWN_PREFIX: Final = "/bayar."


_END: Final = object()

Metadata: TypeAlias = tuple[Any, ...]


class _Undecodable:
    """Stands for a request whose bytes could not be decoded."""


class KeptContext:
    """A call's context, with the metadata kept from the start.

    Work goes on when the caller hangs up, and then gRPC reads metadata from memory that is not its own any more.
    """

    def __init__(self, context: Any, metadata: Metadata) -> None:
        self._context = context
        self._metadata = metadata

    def invocation_metadata(self) -> Metadata:
        return self._metadata

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of the contract's services; health and reflection are only guarded, where they are closed."""

    def __init__(self, guard: Guard, closed: Collection[str] = ()) -> None:
        """closed: services besides the contract's that only a known caller may use."""
        self._guard = guard
        self._closed = frozenset(closed)
        self._stopping = asyncio.Event()

    def end_streams(self) -> None:
        """Ends every stream, now and from now on, with a word to come again. Other calls go on."""
        self._stopping.set()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None:
            return None
        if not method.startswith(_OWN_PREFIX):
            return guarded(handler, method, self._guard) if method.split("/")[1] in self._closed else handler
        decode = _forgiving(handler.request_deserializer)
        encode = handler.response_serializer
        metadata = tuple(handler_call_details.invocation_metadata or ())
        if handler.unary_stream is not None:
            streaming = self._answered_for(handler.unary_stream, method)
            return grpc.unary_stream_rpc_method_handler(
                _stream(streaming, method, metadata, self._guard, self._stopping), decode, encode
            )
        behaviour: Callable[[Any, Any], Any] | None = handler.unary_unary
        if behaviour is None:
            raise TypeError(f"{method} takes a stream of requests, which no call of the contract does")
        wrap = _coroutine if iscoroutinefunction(behaviour) else _function
        behaviour = self._answered_for(behaviour, method)
        return grpc.unary_unary_rpc_method_handler(wrap(behaviour, method, metadata, self._guard), decode, encode)

    def _answered_for(self, behaviour: Callable[[Any, Any], Any], method: str) -> Callable[[Any, Any], Any]:
        """Administrative calls go into the audit log."""
        return audited(behaviour, method, self._guard.audit) if self._guard.is_administrative(method) else behaviour


def _forgiving(decode: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    def decode_or_mark(data: bytes) -> Any:
        if decode is None:
            return data
        try:
            return decode(data)
        except Exception:
            return _Undecodable

    return decode_or_mark


def _function(
    behaviour: Callable[[Any, Any], Any], method: str, metadata: Metadata, guard: Guard
) -> Callable[[Any, Any], Any]:
    """A synchronous unary handler; it runs on the server's thread pool."""

    def call(request: Any, context: Any) -> Any:
        started = time.perf_counter()
        context = KeptContext(context, metadata)
        try:
            guard.admit(method, context)
            if request is _Undecodable:
                raise UndecodableRequest
            answer = behaviour(request, context)
        except Exception as error:
            problem = problem_of(error)
            _note(method, started, problem)
            context.set_trailing_metadata(((_DETAILS_KEY, _told(problem, request, context)),))
            context.abort(problem.code, problem.message)
            raise AssertionError("abort raises") from None
        _note(method, started, None)
        return answer

    return call


def _coroutine(
    behaviour: Callable[[Any, Any], Any], method: str, metadata: Metadata, guard: Guard
) -> Callable[[Any, Any], Any]:
    async def call(request: Any, context: Any) -> Any:
        started = time.perf_counter()
        context = KeptContext(context, metadata)
        try:
            await guard.admit_stream(method, context)
            if request is _Undecodable:
                raise UndecodableRequest
            answer = await behaviour(request, context)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise
        except Exception as error:
            await _abort(method, started, error, request, context)
        _note(method, started, None)
        return answer

    return call


def _stream(
    behaviour: Callable[[Any, Any], Any], method: str, metadata: Metadata, guard: Guard, stopping: asyncio.Event
) -> Callable[[Any, Any], AsyncIterator[Any]]:
    if not isasyncgenfunction(behaviour):
        raise TypeError(f"{method} must be an asynchronous generator, so that it holds no thread")

    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        started = time.perf_counter()
        context = KeptContext(context, metadata)
        try:
            await guard.admit_stream(method, context)
            if request is _Undecodable:
                raise UndecodableRequest
            async for answer in _until(stopping, behaviour(request, context)):
                yield answer
        except (asyncio.CancelledError, GeneratorExit, grpc.aio.AbortError):
            raise
        except Exception as error:
            await _abort(method, started, error, request, context)
        _note(method, started, None)

    return call


async def _until(stopping: asyncio.Event, answers: AsyncGenerator[Any, None]) -> AsyncIterator[Any]:
    """The answers as they come. Raises ServiceStopping once the service stops."""
    stop = asyncio.ensure_future(stopping.wait())
    following: asyncio.Future[Any] | None = None
    try:
        while not stop.done():
            following = asyncio.ensure_future(anext(answers, _END))
            await asyncio.wait((following, stop), return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                answer = following.result()
                if answer is _END:
                    return
                yield answer
        raise ServiceStopping
    finally:
        stop.cancel()
        if following is not None and not following.done():
            following.cancel()
            await asyncio.wait((following,))
        await answers.aclose()


def guarded(handler: grpc.RpcMethodHandler[Any, Any], method: str, guard: Guard) -> grpc.RpcMethodHandler[Any, Any]:
    """The same, for callers who are known. Health and reflection are coroutines and asynchronous generators."""
    kinds: tuple[tuple[Any, Callable[..., grpc.RpcMethodHandler[Any, Any]]], ...] = (
        (handler.unary_unary, grpc.unary_unary_rpc_method_handler),
        (handler.unary_stream, grpc.unary_stream_rpc_method_handler),
        (handler.stream_stream, grpc.stream_stream_rpc_method_handler),
    )
    behaviour, make = next(kind for kind in kinds if kind[0] is not None)

    async def admit(request: Any, context: Any) -> None:
        started = time.perf_counter()
        try:
            await guard.admit_stream(method, context)
        except Exception as error:
            await _abort(method, started, error, request, context)

    async def call(request: Any, context: Any) -> Any:
        await admit(request, context)
        return await behaviour(request, context)

    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        await admit(request, context)
        async for answer in behaviour(request, context):
            yield answer

    wrapped = stream if isasyncgenfunction(behaviour) else call
    return make(wrapped, handler.request_deserializer, handler.response_serializer)


async def _abort(method: str, started: float, error: Exception, request: Any, context: Any) -> None:
    problem = problem_of(error)
    _note(method, started, problem)
    details = ((_DETAILS_KEY, _told(problem, request, context)),)
    await context.abort(problem.code, problem.message, trailing_metadata=details)


def _told(problem: Problem, request: Any, context: Any) -> bytes:
    texts = catalogue()
    told: bytes = status_of(problem, texts, texts.choose(wishes_of(request, context))).SerializeToString()
    return told


def _note(method: str, started: float, problem: Problem | None) -> None:
    """One line for each call: never what was in it."""
    milliseconds = (time.perf_counter() - started) * 1000
    if problem is None:
        _log.info("%s OK %.1f ms", method, milliseconds)
    else:
        _log.info("%s %s %s %.1f ms", method, problem.code.name, problem.reason, milliseconds)
