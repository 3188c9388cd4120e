"""Guards health and reflection, where only authenticated callers may use them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from inspect import isasyncgenfunction
from typing import Any

import grpc

from adapters.grpc.middleware.admission_control import AdmissionControl
from adapters.grpc.middleware.call_observer import CallObserver
from adapters.grpc.middleware.call_snapshot import CallSnapshot, Metadata
from adapters.grpc.middleware.refusals import abort_with_error


def guarded_handler(
    handler: grpc.RpcMethodHandler[Any, Any],
    method: str,
    admission: AdmissionControl,
    observer: CallObserver,
    metadata: Metadata,
) -> grpc.RpcMethodHandler[Any, Any]:
    """Wraps health and reflection, which are coroutines and async generators, for authenticated callers."""
    kinds: tuple[tuple[Any, Callable[..., grpc.RpcMethodHandler[Any, Any]]], ...] = (
        (handler.unary_unary, grpc.unary_unary_rpc_method_handler),
        (handler.unary_stream, grpc.unary_stream_rpc_method_handler),
        (handler.stream_stream, grpc.stream_stream_rpc_method_handler),
    )
    behaviour, make = next(kind for kind in kinds if kind[0] is not None)

    async def admit(request: Any, context: Any) -> None:
        snapshot = CallSnapshot.of(context, metadata)
        try:
            await admission.admit_stream(method, snapshot)
        except Exception as error:
            await abort_with_error(observer.begin(method, metadata), error, request, snapshot, context)

    async def call(request: Any, context: Any) -> Any:
        await admit(request, context)
        return await behaviour(request, context)

    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        await admit(request, context)
        async for answer in behaviour(request, context):
            yield answer

    wrapped = stream if isasyncgenfunction(behaviour) else call
    return make(wrapped, handler.request_deserializer, handler.response_serializer)
