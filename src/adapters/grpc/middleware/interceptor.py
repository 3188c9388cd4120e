"""The interceptor of every call: rejects undecodable requests, maps errors to google.rpc.Status, logs one line."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Final

import grpc

from adapters.grpc.errors import Overloaded, RequestTooLarge, UndecodableRequest
from adapters.grpc.messages.catalogue import catalogue
from adapters.grpc.middleware.admission_control import AdmissionControl
from adapters.grpc.middleware.audit import audited
from adapters.grpc.middleware.call_context import requested_languages
from adapters.grpc.middleware.call_snapshot import CallSnapshot, Metadata
from adapters.grpc.middleware.request_size import max_bytes
from adapters.grpc.middleware.status import Problem, problem_of, status_of
from adapters.grpc.middleware.stream_writer import StreamLimits, send
from adapters.grpc.scheduling.call_pool import CallPool

_log = logging.getLogger("bayar.calls")

_DETAILS_KEY: Final = "grpc-status-details-bin"
_OWN_PREFIX: Final = "/bayar."


# Calls that read the database and never ask the gateway: they do not queue behind calls that may.
_ONLY_RECORD: Final = ("Get", "List")


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """A request that could not be decoded."""

    error: Exception


class _Refused(Exception):
    """The refusal of a call on a thread; the event loop sends it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of the contract's services. Health and reflection are only guarded, and only where closed."""

    def __init__(self, traffic: AdmissionControl, pool: CallPool, closed: Collection[str] = ()) -> None:
        """closed: services besides the contract's that need an authenticated caller."""
        self._traffic = traffic
        self._pool = pool
        self._closed = frozenset(closed)
        self._stopping = asyncio.Event()
        # Methods that run in the pool, among those that were called before.
        self._pooled: set[str] = set()

    def end_streams(self) -> None:
        """Ends every stream, current and future, and asks the client to retry. Other calls go on."""
        self._stopping.set()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        method = handler_call_details.method
        metadata = tuple(handler_call_details.invocation_metadata or ())
        if method in self._pooled and self._pool.is_full(
            is_slow=_is_slow(method), flow=lambda: self._traffic.flow_of(CallSnapshot(metadata, "", {}))
        ):
            return _refused_unread(method, metadata)
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        if not method.startswith(_OWN_PREFIX):
            return (
                guarded(handler, method, metadata, self._traffic) if method.split("/")[1] in self._closed else handler
            )
        decode = _forgiving(handler.request_deserializer, max_bytes(method))
        encode = handler.response_serializer
        if handler.unary_stream is not None:
            streaming = self._answered_for(handler.unary_stream, method)
            return grpc.unary_stream_rpc_method_handler(
                _stream(streaming, method, metadata, self._traffic, self._stopping), decode, encode
            )
        behaviour: Callable[[Any, Any], Any] | None = handler.unary_unary
        if behaviour is None:
            raise TypeError(f"{method} takes a stream of requests, which no call of the contract does")
        behaviour = self._answered_for(behaviour, method)
        if iscoroutinefunction(behaviour):
            wrapped = _coroutine(behaviour, method, metadata, self._traffic)
        else:
            self._pooled.add(method)
            # Large answers are serialized on the thread that makes them: the event loop is shared by all.
            wrapped = _function(behaviour, method, metadata, self._traffic, self._pool, encode or _as_it_is)
            encode = None
        return grpc.unary_unary_rpc_method_handler(wrapped, decode, encode)

    def _answered_for(self, behaviour: Callable[[Any, Any], Any], method: str) -> Callable[[Any, Any], Any]:
        """Wraps administrative calls with the audit log."""
        return (
            audited(behaviour, method, self._traffic.guard.audit)
            if self._traffic.guard.is_administrative(method)
            else behaviour
        )


def _as_it_is(answer: Any) -> Any:
    return answer


def _forgiving(decode: Callable[[bytes], Any] | None, most: int) -> Callable[[bytes], Any]:
    def decode_or_mark(data: bytes) -> Any:
        if len(data) > most:
            return _Unreadable(RequestTooLarge(most))
        if decode is None:
            return data
        try:
            return decode(data)
        except Exception:
            return _Unreadable(UndecodableRequest())

    return decode_or_mark


def _must_be_readable(request: Any) -> None:
    if isinstance(request, _Unreadable):
        raise request.error


def _is_slow(method: str) -> bool:
    return not method.rpartition("/")[2].startswith(_ONLY_RECORD)


def _function(
    behaviour: Callable[[Any, Any], Any],
    method: str,
    metadata: Metadata,
    traffic: AdmissionControl,
    pool: CallPool,
    encode: Callable[[Any], Any],
) -> Callable[[Any, Any], Any]:
    """A synchronous unary handler. It runs on a thread to its end, even if the caller hangs up."""
    is_slow = _is_slow(method)

    def work(request: Any, facts: CallSnapshot) -> Any:
        started = time.perf_counter()
        try:
            traffic.admit(method, facts)
            _must_be_readable(request)
            answer = encode(behaviour(request, facts))
        except Exception as error:
            problem = problem_of(error)
            _note(method, started, problem)
            raise _Refused(problem) from None
        _note(method, started, None)
        return answer

    async def call(request: Any, context: Any) -> Any:
        started, facts = time.perf_counter(), CallSnapshot.of(context, metadata)
        try:
            remaining = context.time_remaining()
            flow = traffic.flow_of(facts)
            traffic.unread.must_have_room(flow)
            answer = await pool.run(
                partial(work, request, facts), is_slow=is_slow, remaining_seconds=remaining, flow=flow
            )
            traffic.unread.hold(flow, len(answer), context)
            return answer
        except _Refused as refused:
            problem = refused.problem
        except Exception as error:
            problem = problem_of(error)
            _note(method, started, problem)
        return await _tell(problem, request, facts, context)

    return call


def _refused_unread(method: str, metadata: Metadata) -> grpc.RpcMethodHandler[Any, Any]:
    """Sheds load at the least cost: the request is not read, and nothing is raised."""
    problem = problem_of(Overloaded())
    details = ((_DETAILS_KEY, _told(problem, None, CallSnapshot(metadata, "", {}))),)

    async def refuse(_: bytes, context: Any) -> bytes:
        context.set_trailing_metadata(details)
        context.set_code(problem.code)
        context.set_details(problem.message)
        _note(method, time.perf_counter(), problem)
        return b""

    return grpc.unary_unary_rpc_method_handler(refuse)


def _coroutine(
    behaviour: Callable[[Any, Any], Any], method: str, metadata: Metadata, traffic: AdmissionControl
) -> Callable[[Any, Any], Any]:
    async def call(request: Any, context: Any) -> Any:
        started, facts = time.perf_counter(), CallSnapshot.of(context, metadata)
        try:
            await traffic.admit_stream(method, facts)
            _must_be_readable(request)
            answer = await behaviour(request, facts)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise
        except Exception as error:
            await _abort(method, started, error, request, facts, context)
        _note(method, started, None)
        return answer

    return call


def _stream(
    behaviour: Callable[[Any, Any], Any],
    method: str,
    metadata: Metadata,
    traffic: AdmissionControl,
    stopping: asyncio.Event,
) -> Callable[[Any, Any], Awaitable[None]]:
    if not isasyncgenfunction(behaviour):
        raise TypeError(f"{method} must be an asynchronous generator, so that it holds no thread")

    limits = StreamLimits(traffic.limits.stream_seconds, traffic.limits.slowest_read_seconds)

    # No generator: while it sends, more than its reader can end it.
    async def call(request: Any, context: Any) -> None:
        started, facts = time.perf_counter(), CallSnapshot.of(context, metadata)
        try:
            caller = await traffic.admit_stream(method, facts)
            _must_be_readable(request)
            with traffic.stream_of(caller, method):
                try:
                    with traffic.credentials.watched(method, facts, caller) as loss:
                        await send(behaviour(request, facts), context, stopping, loss, limits)
                except (asyncio.CancelledError, grpc.aio.AbortError):
                    raise
                except Exception as error:
                    # The stream counts as open until its reader has received the end.
                    await _abort(method, started, error, request, facts, context)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise
        except Exception as error:
            await _abort(method, started, error, request, facts, context)
        _note(method, started, None)

    return call


def guarded(
    handler: grpc.RpcMethodHandler[Any, Any], method: str, metadata: Metadata, traffic: AdmissionControl
) -> grpc.RpcMethodHandler[Any, Any]:
    """Wraps health and reflection, which are coroutines and async generators, for authenticated callers."""
    kinds: tuple[tuple[Any, Callable[..., grpc.RpcMethodHandler[Any, Any]]], ...] = (
        (handler.unary_unary, grpc.unary_unary_rpc_method_handler),
        (handler.unary_stream, grpc.unary_stream_rpc_method_handler),
        (handler.stream_stream, grpc.stream_stream_rpc_method_handler),
    )
    behaviour, make = next(kind for kind in kinds if kind[0] is not None)

    async def admit(request: Any, context: Any) -> None:
        started, facts = time.perf_counter(), CallSnapshot.of(context, metadata)
        try:
            await traffic.admit_stream(method, facts)
        except Exception as error:
            await _abort(method, started, error, request, facts, context)

    async def call(request: Any, context: Any) -> Any:
        await admit(request, context)
        return await behaviour(request, context)

    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        await admit(request, context)
        async for answer in behaviour(request, context):
            yield answer

    wrapped = stream if isasyncgenfunction(behaviour) else call
    return make(wrapped, handler.request_deserializer, handler.response_serializer)


@asynccontextmanager
async def refusing(method: str, facts: CallSnapshot, context: Any) -> AsyncIterator[CallSnapshot]:
    """Errors raised in the context become the call's refusal."""
    started = time.perf_counter()
    try:
        yield facts
    except (asyncio.CancelledError, grpc.aio.AbortError):
        raise
    except Exception as error:
        await _abort(method, started, error, None, facts, context)


async def _abort(
    method: str, started: float, error: Exception, request: Any, facts: CallSnapshot, context: Any
) -> None:
    problem = problem_of(error)
    _note(method, started, problem)
    await _tell(problem, request, facts, context)


async def _tell(problem: Problem, request: Any, facts: CallSnapshot, context: Any) -> None:
    details = ((_DETAILS_KEY, _told(problem, request, facts)),)
    await context.abort(problem.code, problem.message, trailing_metadata=details)


def _told(problem: Problem, request: Any, facts: CallSnapshot) -> bytes:
    texts = catalogue()
    told: bytes = status_of(problem, texts, texts.choose(requested_languages(request, facts))).SerializeToString()
    return told


def _note(method: str, started: float, problem: Problem | None) -> None:
    """Logs one line for each call, without any content."""
    milliseconds = (time.perf_counter() - started) * 1000
    if problem is None:
        _log.info("%s OK %.1f ms", method, milliseconds)
    else:
        _log.info("%s %s %s %.1f ms", method, problem.code.name, problem.reason, milliseconds)
