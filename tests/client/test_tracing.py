"""The context of the current trace travels with every attempt; interceptors of the program see them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.context import attach, detach

from bayar import AsyncBayarClient, BayarClient, tracing
from bayar.payments.v1.payment_pb2 import Payment
from bayar.payments.v1.payment_service_pb2 import GetPaymentResponse
from tests.client.clocks import Clock
from tests.client.scripted_server import AuthFailure, scripted_server

ANSWER = GetPaymentResponse(payment=Payment(payment_id="pay_1"))
LOST = AuthFailure(grpc.StatusCode.UNAVAILABLE, "Socket closed")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def _in_a_span() -> Any:
    context = trace.SpanContext(
        trace_id=0x0AF7651916CD43DD8448EB211C80319C,
        span_id=0xB7AD6B7169203331,
        is_remote=False,
        trace_flags=trace.TraceFlags(1),
    )
    token = attach(trace.set_span_in_context(trace.NonRecordingSpan(context)))
    yield
    detach(token)


@pytest.mark.usefixtures("_in_a_span")
def test_every_attempt_carries_the_current_span() -> None:
    with scripted_server(LOST, ANSWER) as script, BayarClient(script.address, retry=Clock().policy()) as bayar:
        bayar.get_payment(payment_id="pay_1")
    assert [each.get("traceparent") for each in script.metadata] == [TRACEPARENT] * 2


@pytest.mark.usefixtures("_in_a_span")
def test_the_asyncio_client_carries_it_too() -> None:
    async def work() -> None:
        async with AsyncBayarClient(script.address) as bayar:
            await bayar.get_payment(payment_id="pay_1")

    with scripted_server(ANSWER) as script:
        asyncio.run(work())
    assert script.metadata[0].get("traceparent") == TRACEPARENT


def test_without_a_span_nothing_is_sent() -> None:
    with scripted_server(ANSWER) as script, BayarClient(script.address) as bayar:
        bayar.get_payment(payment_id="pay_1")
    assert "traceparent" not in script.metadata[0]


def test_without_opentelemetry_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.propagate", None)
    tracing._propagate.cache_clear()
    try:
        assert tracing.trace_metadata() == ()
    finally:
        tracing._propagate.cache_clear()


def test_an_interceptor_sees_every_attempt() -> None:
    seen: list[str] = []

    class Counting(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(
            self, continuation: Callable[[Any, Any], Any], client_call_details: Any, request: Any
        ) -> Any:
            seen.append(client_call_details.method)
            return continuation(client_call_details, request)

    with (
        scripted_server(LOST, ANSWER) as script,
        BayarClient(script.address, retry=Clock().policy(), interceptors=[Counting()]) as bayar,
    ):
        bayar.get_payment(payment_id="pay_1")
    assert seen == ["/bayar.payments.v1.PaymentService/GetPayment"] * 2
