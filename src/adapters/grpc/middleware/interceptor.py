"""The interceptor of every call: rejects undecodable requests, maps errors to google.rpc.Status, reports its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Final, TypeAlias

import grpc

from adapters.grpc.errors.exceptions import RequestTooLarge, ServiceStopping, UndecodableRequest
from adapters.grpc.errors.status_codes import Problem, problem_of
from adapters.grpc.middleware.admission_control import AdmissionControl
from adapters.grpc.middleware.audit import audited
from adapters.grpc.middleware.call_observer import UNKNOWN_METHOD, UNOBSERVED, CallObserver, ObservedCall, end_with
from adapters.grpc.middleware.call_snapshot import CallSnapshot, Metadata
from adapters.grpc.middleware.guarded_handler import guarded_handler
from adapters.grpc.middleware.open_calls import OpenCalls, endable_handler
from adapters.grpc.middleware.refusals import abort_with_error, abort_with_status, shed
from adapters.grpc.middleware.request_size import max_bytes
from adapters.grpc.middleware.stream_writer import StreamLimits, send
from adapters.grpc.scheduling.call_pool import CallPool
from application.common.operator import NO_ACTS

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_OWN_PREFIX: Final = "/bayar."
_OK: Final = grpc.StatusCode.OK
_CANCELLED: Final = grpc.StatusCode.CANCELLED


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """A request that could not be decoded."""

    error: Exception


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """The handler of a method, made once."""

    # Gives it the metadata of a call.
    handler_of_call: Callable[[Metadata], _Handler]
    # Whether its calls run in the pool.
    is_pooled: bool = False


class _CallRefused(Exception):
    """The refusal of a call on a thread; the event loop sends it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of the contract's services. Health and reflection are only guarded, and only where closed."""

    def __init__(
        self,
        admission: AdmissionControl,
        pool: CallPool,
        record_only: Collection[str],
        closed: Collection[str] = (),
        observer: CallObserver = UNOBSERVED,
        cooperative: Collection[str] = (),
    ) -> None:
        """record_only: the methods that have slots of their own. closed: services besides the contract's that need an
        authenticated caller. cooperative: the methods that run on the event loop.
        """
        self._admission = admission
        self._observer = observer
        self._pool = pool
        self._record_only = frozenset(record_only)
        self._closed = frozenset(closed)
        self._cooperative = frozenset(cooperative)
        self._stopping = asyncio.Event()
        self._open_calls = OpenCalls()
        self._open_probes = OpenCalls()
        # Of the methods that were called before.
        self._wrapped: dict[str, _Wrapped] = {}

    @property
    def open_calls(self) -> int:
        """The number of calls on threads that wait for their answer."""
        return len(self._open_calls)

    def end_streams(self) -> None:
        """Ends every stream, current and future, and asks the client to retry. Other calls go on."""
        self._stopping.set()
        self._open_probes.end()

    def end_calls(self) -> int:
        """Ends the wait of every call, and asks the client to retry. Their work goes on. Returns their number."""
        return self._open_calls.end()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        method = handler_call_details.method
        metadata = tuple(handler_call_details.invocation_metadata or ())
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                self._observer.begin(UNKNOWN_METHOD, metadata).end(grpc.StatusCode.UNIMPLEMENTED, "")
                return None
            wrapped = self._wrapped[method] = self._wrap(handler, method)
        if wrapped.is_pooled and self._pool.is_full(
            is_slow=self._is_slow(method), flow=lambda: self._admission.flow_of(CallSnapshot(metadata, "", {}))
        ):
            return shed(self._observer.begin(method, metadata), metadata)
        return wrapped.handler_of_call(metadata)

    def _is_slow(self, method: str) -> bool:
        return method not in self._record_only

    def _wrap(self, handler: _Handler, method: str) -> _Wrapped:
        if not method.startswith(_OWN_PREFIX):
            handler = endable_handler(handler, self._open_probes)
            if method.split("/")[1] in self._closed:
                return _Wrapped(partial(guarded_handler, handler, method, self._admission, self._observer))
            return _Wrapped(lambda _: handler)
        decode = _checked_decoder(handler.request_deserializer, max_bytes(method))
        encode = handler.response_serializer
        if handler.unary_stream is not None:
            streaming = self._audited(handler.unary_stream, method)
            stream = _stream_handler(streaming, method, self._admission, self._stopping, self._observer)
            return _Wrapped(
                lambda metadata: grpc.unary_stream_rpc_method_handler(partial(stream, metadata), decode, encode)
            )
        behaviour: Callable[[Any, Any], Any] | None = handler.unary_unary
        if behaviour is None:
            raise TypeError(f"{method} takes a stream of requests, which no call of the contract does")
        behaviour = self._audited(behaviour, method)
        if iscoroutinefunction(behaviour):
            unary = _async_handler(behaviour, method, self._admission, self._observer)
            return _Wrapped(
                lambda metadata: grpc.unary_unary_rpc_method_handler(partial(unary, metadata), decode, encode)
            )
        run = partial(self._pool.run, is_slow=self._is_slow(method), is_cooperative=method in self._cooperative)
        # Large answers are serialized where they are made, as a rule on a thread: the event loop is shared by all.
        pooled = _blocking_handler(
            behaviour, method, self._admission, run, encode or _identity, self._open_calls, self._observer
        )
        return _Wrapped(
            lambda metadata: grpc.unary_unary_rpc_method_handler(partial(pooled, metadata), decode), is_pooled=True
        )

    def _audited(self, behaviour: Callable[[Any, Any], Any], method: str) -> Callable[[Any, Any], Any]:
        """Wraps administrative calls and operators' acts with the audit log."""
        guard = self._admission.guard
        right, is_administrative = guard.rights.get(method), guard.is_administrative(method)
        if not is_administrative and (right is None or right in NO_ACTS):
            return behaviour
        return audited(behaviour, method, guard.audit, right, always=is_administrative)


def _identity(answer: Any) -> Any:
    return answer


def _checked_decoder(decode: Callable[[bytes], Any] | None, most: int) -> Callable[[bytes], Any]:
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


def _raise_if_unreadable(request: Any) -> None:
    if isinstance(request, _Unreadable):
        raise request.error


def _blocking_handler(
    behaviour: Callable[[Any, Any], Any],
    method: str,
    admission: AdmissionControl,
    run: Callable[..., Awaitable[bytes]],
    encode: Callable[[Any], Any],
    open_calls: OpenCalls,
    observer: CallObserver,
) -> Callable[[Metadata, Any, Any], Any]:
    """A synchronous unary handler. It runs on a thread to its end, even if the caller hangs up."""

    def work(request: Any, snapshot: CallSnapshot, observed: ObservedCall) -> Any:
        observed.enter()
        try:
            observed.caller = admission.admit(method, snapshot)
            _raise_if_unreadable(request)
            answer = behaviour(request, snapshot)
            encoded = encode(answer)
        except Exception as error:
            problem = problem_of(error)
            end_with(observed, problem, request)
            raise _CallRefused(problem) from None
        observed.end(_OK, "", request, answer)
        return encoded

    async def call(metadata: Metadata, request: Any, context: Any) -> Any:
        observed, snapshot = observer.begin(method, metadata), CallSnapshot.of(context, metadata)
        task = None
        try:
            task = open_calls.enter()
            remaining = context.time_remaining()
            flow = admission.flow_of(snapshot)
            admission.unread.require_room(flow)
            answer = await run(partial(work, request, snapshot, observed), remaining_seconds=remaining, flow=flow)
            admission.unread.hold(flow, len(answer), context)
            return answer
        except _CallRefused as refusal:
            problem = refusal.problem
        except asyncio.CancelledError:
            if task is None or not open_calls.was_ended(task):
                observed.caller = observed.caller or admission.recent_caller(snapshot)
                observed.leave(request)
                raise
            problem = problem_of(ServiceStopping())
        except Exception as error:
            problem = problem_of(error)
        finally:
            if task is not None:
                open_calls.leave(task)
        observed.caller = observed.caller or admission.recent_caller(snapshot)
        end_with(observed, problem, request)
        return await abort_with_status(problem, request, snapshot, context)

    return call


def _async_handler(
    behaviour: Callable[[Any, Any], Any], method: str, admission: AdmissionControl, observer: CallObserver
) -> Callable[[Metadata, Any, Any], Any]:
    async def call(metadata: Metadata, request: Any, context: Any) -> Any:
        observed, snapshot = observer.begin(method, metadata), CallSnapshot.of(context, metadata)
        try:
            observed.enter()
            observed.caller = await admission.admit_stream(method, snapshot)
            _raise_if_unreadable(request)
            answer = await behaviour(request, snapshot)
        except asyncio.CancelledError:
            observed.end(_CANCELLED, "", request)
            raise
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await abort_with_error(observed, error, request, snapshot, context)
        observed.end(_OK, "", request, answer)
        return answer

    return call


def _stream_handler(
    behaviour: Callable[[Any, Any], Any],
    method: str,
    admission: AdmissionControl,
    stopping: asyncio.Event,
    observer: CallObserver,
) -> Callable[[Metadata, Any, Any], Awaitable[None]]:
    if not isasyncgenfunction(behaviour):
        raise TypeError(f"{method} must be an asynchronous generator, so that it holds no thread")

    limits = StreamLimits(admission.limits.stream_seconds, admission.limits.slowest_read_seconds)

    # No generator: while it sends, more than its reader can end it.
    async def call(metadata: Metadata, request: Any, context: Any) -> None:
        observed, snapshot = observer.begin(method, metadata), CallSnapshot.of(context, metadata)
        try:
            observed.enter()
            observed.caller = caller = await admission.admit_stream(method, snapshot)
            _raise_if_unreadable(request)
            with admission.open_stream(caller, method):
                try:
                    with admission.credentials.watched(method, snapshot, caller) as loss:
                        await send(behaviour(request, snapshot), context, stopping, loss, limits)
                except (asyncio.CancelledError, grpc.aio.AbortError):
                    raise
                except Exception as error:
                    # The stream counts as open until its reader has received the end.
                    await abort_with_error(observed, error, request, snapshot, context)
        except asyncio.CancelledError:
            observed.end(_CANCELLED, "", request)
            raise
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await abort_with_error(observed, error, request, snapshot, context)
        observed.end(_OK, "", request)

    return call
