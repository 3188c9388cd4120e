"""The snapshot of a call can be read after the caller hung up, when gRPC has freed its own."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import grpc
import pytest

from adapters.grpc.middleware.admission_control import AdmissionControl, AdmissionLimits
from adapters.grpc.middleware.authorization import Guard
from adapters.grpc.middleware.call_context import DEFAULT_CALLER, requested_languages
from adapters.grpc.middleware.interceptor import CallInterceptor
from adapters.grpc.scheduling.call_pool import CallPool
from application.audit.audit_log import Audit
from tests.fakes.ids import CountingIds
from tests.fakes.memory_store import MemoryStore
from tests.fakes.runtime import ManualClock


class Details(NamedTuple):
    method: str = "/bayar.payments.v1.PaymentService/GetPayment"
    invocation_metadata: tuple[tuple[str, str], ...] = (("accept-language", "id"),)


class HungUp:
    """A context whose caller is gone."""

    def invocation_metadata(self) -> Any:
        raise AssertionError("that memory is not ours any more")

    def peer(self) -> str:
        return "ipv4:203.0.113.7:4000"

    def time_remaining(self) -> float | None:
        return None

    def auth_context(self) -> dict[str, list[bytes]]:
        return {}


class Listening(HungUp):
    """A stream's, which goes on to be written to."""

    def __init__(self) -> None:
        self.read: list[Any] = []

    async def send_initial_metadata(self, metadata: Any) -> None:
        assert not metadata

    async def write(self, answer: Any) -> None:
        self.read.append(answer)


def intercepted(handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
    async def intercept() -> grpc.RpcMethodHandler[Any, Any]:
        async def continuation(_: Any) -> grpc.RpcMethodHandler[Any, Any]:
            return handler

        audit = Audit(MemoryStore(CountingIds()), ManualClock(), CountingIds())
        guard = Guard(lambda _: DEFAULT_CALLER, {}, audit, record_refusal=print, must_take_changes=lambda: None)
        admission = AdmissionControl(guard, AdmissionLimits(), frozenset())
        interceptor = CallInterceptor(admission, CallPool(1, 1, 30), frozenset())
        found = await interceptor.intercept_service(continuation, Details())  # type: ignore[arg-type]
        assert found is not None
        return found

    return asyncio.run(intercept())


def wishes(request: Any, context: Any) -> list[str]:
    return requested_languages(request, context)


async def wishes_soon(request: Any, context: Any) -> list[str]:
    return requested_languages(request, context)


async def wishes_one_by_one(request: Any, context: Any) -> Any:
    for wish in requested_languages(request, context):
        yield wish


def test_a_call_on_a_thread_keeps_its_metadata() -> None:
    handler = intercepted(grpc.unary_unary_rpc_method_handler(wishes))
    behaviour: Any = handler.unary_unary
    assert asyncio.run(behaviour(b"", HungUp())) == ["id"]


def test_a_call_on_the_loop_keeps_its_metadata() -> None:
    handler = intercepted(grpc.unary_unary_rpc_method_handler(wishes_soon))
    behaviour: Any = handler.unary_unary
    assert asyncio.run(behaviour(b"", HungUp())) == ["id"]


def test_a_stream_keeps_its_metadata() -> None:
    handler = intercepted(grpc.unary_stream_rpc_method_handler(wishes_one_by_one))
    behaviour: Any = handler.unary_stream

    context = Listening()
    asyncio.run(behaviour(b"", context))
    assert context.read == ["id"]


def test_an_error_is_reported_in_the_language_asked_for() -> None:
    class Aborting(HungUp):
        told = b""

        async def abort(self, code: Any, message: str, trailing_metadata: Any) -> None:
            self.told = trailing_metadata[0][1]
            raise ConnectionAbortedError(code, message)

    def fail(_request: Any, _context: Any) -> Any:
        raise ValueError

    handler = intercepted(grpc.unary_unary_rpc_method_handler(fail))
    context = Aborting()
    behaviour: Any = handler.unary_unary
    with pytest.raises(ConnectionAbortedError):
        asyncio.run(behaviour(b"", context))
    assert b"LocalizedMessage" in context.told
