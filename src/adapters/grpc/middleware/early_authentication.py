"""Early authentication: an unknown credential is checked before the request is received.

The service does not read the request of such a call until it knows the caller. So a stranger can neither leave
half-sent calls open nor make the service hold the data. One connection has a few open calls at most of the methods that
need no credential.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from inspect import isasyncgenfunction
from typing import Any, Final, TypeAlias

import grpc

from adapters.grpc.connections.connection_guard import ConnectionGuard
from adapters.grpc.errors.exceptions import TooManyFailedLogins
from adapters.grpc.middleware.admission_control import AdmissionControl
from adapters.grpc.middleware.call_observer import UNOBSERVED, UNOBSERVED_CALL, CallObserver, ObservedCall
from adapters.grpc.middleware.call_snapshot import CallSnapshot, Metadata
from adapters.grpc.middleware.refusals import aborting_on_error
from adapters.grpc.middleware.request_size import may_be_large

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

# A stranger's open calls of methods that need no credential (health and reflection). A client has one or two.
MAX_OPEN_CALLS: Final = 8
# The time limit for receiving a whole request, from its headers on.
REQUEST_SECONDS: Final = 20.0


class EarlyAuthenticationInterceptor(grpc.aio.ServerInterceptor):
    """Runs before the other interceptors. Calls with a recently accepted credential pass unchanged."""

    def __init__(
        self,
        admission: AdmissionControl,
        connections: ConnectionGuard,
        own: Collection[str],
        closed: Collection[str] = (),
        observer: CallObserver = UNOBSERVED,
    ) -> None:
        """own: the paths that need a credential. closed: further services that need one."""
        self._admission = admission
        self._observer = observer
        self._connections = connections
        self._own = frozenset(own)
        self._closed = frozenset(closed)
        self._open: Counter[str] = Counter()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        metadata = tuple(handler_call_details.invocation_metadata or ())
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        # A large request is received only once its connection is authenticated.
        if handler is None or (self._admission.has_recent_credential(metadata) and not may_be_large(method)):
            return handler
        needs_credential = method in self._own or method.split("/")[1] in self._closed
        enter = self._authenticated(method, metadata) if needs_credential else self._limited
        return _wrapped(handler, enter)

    def _authenticated(self, method: str, metadata: Metadata) -> Any:
        @asynccontextmanager
        async def known(context: Any) -> AsyncIterator[ObservedCall]:
            await self._require_open_connection(context)
            observed = self._observer.begin(method, metadata)
            async with aborting_on_error(observed, CallSnapshot.of(context, metadata), context) as snapshot:
                try:
                    observed.caller = await self._admission.authenticate_only(method, snapshot)
                except TooManyFailedLogins:
                    self._connections.refuse(snapshot.peer())
                    raise
            yield observed

        return known

    @asynccontextmanager
    async def _limited(self, context: Any) -> AsyncIterator[ObservedCall]:
        await self._require_open_connection(context)
        peer = str(context.peer())
        if self._open[peer] >= MAX_OPEN_CALLS:
            self._connections.refuse(peer)
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "This connection has too many such calls open.")
        self._open[peer] += 1
        try:
            yield UNOBSERVED_CALL
        finally:
            self._open[peer] -= 1
            if not self._open[peer]:
                del self._open[peer]

    async def _require_open_connection(self, context: Any) -> None:
        """A call on a connection that was closed is ended as cheaply as possible."""
        if self._connections.is_closed(str(context.peer())):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "This connection was closed.")


def _wrapped(handler: Handler, enter: Callable[[Any], Any]) -> Handler:
    """Wraps a handler behind `enter`. A unary request becomes a stream here, so that it is received on demand."""
    behaviour: Any = handler.unary_unary or handler.unary_stream or handler.stream_stream
    takes_one = handler.stream_stream is None
    decode, encode = handler.request_deserializer, handler.response_serializer

    async def call(requests: AsyncIterator[Any], context: Any) -> Any:
        async with enter(context) as observed:
            return await behaviour(await _single_request(requests, context, observed), context)

    async def stream(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async with enter(context) as observed:
            request = await _single_request(requests, context, observed) if takes_one else requests
            async for answer in behaviour(request, context):
                yield answer

    async def written(requests: AsyncIterator[Any], context: Any) -> None:
        async with enter(context) as observed:
            request = await _single_request(requests, context, observed) if takes_one else requests
            await behaviour(request, context)

    if handler.unary_unary is not None:
        return grpc.stream_unary_rpc_method_handler(call, decode, encode)
    return grpc.stream_stream_rpc_method_handler(stream if isasyncgenfunction(behaviour) else written, decode, encode)


async def _single_request(requests: AsyncIterator[Any], context: Any, observed: ObservedCall) -> Any:
    """Ends a call whose request does not come. Other calls go on, and end elsewhere."""
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            return await anext(requests)
    except TimeoutError:
        code, message = grpc.StatusCode.DEADLINE_EXCEEDED, "The request did not come in time."
    except StopAsyncIteration:
        code, message = grpc.StatusCode.INVALID_ARGUMENT, "There is no request."
    except asyncio.CancelledError:
        observed.end(grpc.StatusCode.CANCELLED, "")
        raise
    observed.end(code, "")
    return await context.abort(code, message)
