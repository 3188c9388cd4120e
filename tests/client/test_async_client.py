"""The asyncio client beyond the conformance suite: cancellation, closing, concurrency, interceptors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import grpc
import pytest

from bayar import AsyncBayarClient, BayarError, Payment, RetryPolicy, money
from bayar.payments.v1.payment_pb2 import Payment as PaymentMessage
from bayar.payments.v1.payment_service_pb2 import (
    CreatePaymentResponse,
    GetPaymentRequest,
    GetPaymentResponse,
    ListPaymentsResponse,
    WatchPaymentResponse,
)
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from tests.client.scripted_server import AuthFailure, Script, Silence, scripted_server

ANSWER = GetPaymentResponse(payment=PaymentMessage(payment_id="pay_1"))
LOST = AuthFailure(grpc.StatusCode.UNAVAILABLE, "Socket closed")


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20))


async def arrived(script: Script) -> None:
    await asyncio.to_thread(script.arrived.wait, 10)


def test_a_task_that_is_cancelled_ends_its_call_and_nothing_else() -> None:
    async def work() -> None:
        async with AsyncBayarClient(script.address) as bayar:
            task = asyncio.create_task(bayar.get_payment(payment_id="pay_1"))
            await arrived(script)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(script.ended.wait, 10)
            assert (await bayar.get_payment(payment_id="pay_1")).payment_id == "pay_1"

    with scripted_server(Silence(), ANSWER) as script:
        run(work())


def test_a_timeout_of_asyncio_ends_a_call_during_its_pauses_too() -> None:
    async def work() -> None:
        slowly = RetryPolicy(first_delay_seconds=60, longest_delay_seconds=60)
        async with AsyncBayarClient(script.address, retry=slowly) as bayar:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(bayar.get_payment(payment_id="pay_1"), 0.5)

    with scripted_server(LOST, ANSWER) as script:
        run(work())
    assert len(script.requests) == 1


def test_a_client_that_is_closed_over_a_call_leaves_the_outcome_unknown() -> None:
    async def work() -> None:
        bayar = AsyncBayarClient(script.address)
        task = asyncio.create_task(
            bayar.create_payment(reference="o", amount=money("1.00", "USD"), payment_method_id="pm_1")
        )
        await arrived(script)
        await bayar.close()
        with pytest.raises(BayarError) as raised:
            await task
        assert raised.value.code is grpc.StatusCode.CANCELLED
        assert raised.value.outcome_unknown
        assert raised.value.request_id == script.requests[0].request_id
        with pytest.raises(RuntimeError, match="This client is closed"):
            await bayar.get_payment(payment_id="pay_1")
        await bayar.close()

    with scripted_server(Silence()) as script:
        run(work())


def test_a_watch_that_is_left_ends_at_the_server() -> None:
    async def work() -> None:
        async with AsyncBayarClient(script.address) as bayar:
            async with contextlib.aclosing(bayar.watch_payment(payment_id="pay_1")) as watch:
                async for payment in watch:
                    assert payment == Payment(payment_id="pay_1")
                    break
            assert await asyncio.to_thread(script.ended.wait, 10)

    with scripted_server([WatchPaymentResponse(payment=PaymentMessage(payment_id="pay_1")), Silence()]) as script:
        run(work())


def test_calls_run_beside_one_another() -> None:
    async def work() -> None:
        async with AsyncBayarClient(script.address) as bayar:
            first = asyncio.create_task(bayar.get_payment(payment_id="pay_1", timeout_seconds=5))
            await arrived(script)
            assert (await bayar.get_payment(payment_id="pay_2")).payment_id == "pay_1"
            assert not first.done()
            first.cancel()

    with scripted_server(Silence(), ANSWER) as script:
        run(work())


def test_a_list_is_read_as_it_is_asked_for() -> None:
    async def work() -> None:
        async with AsyncBayarClient(script.address) as bayar:
            seen = [payment.payment_id async for payment in bayar.list_payments(page_size=1)]
            assert seen == ["pay_2", "pay_1"]

    pages = (
        ListPaymentsResponse(payments=[PaymentMessage(payment_id="pay_2")], next_page_token="two"),
        ListPaymentsResponse(payments=[PaymentMessage(payment_id="pay_1")]),
    )
    with scripted_server(*pages) as script:
        run(work())
    assert [request.page_token for request in script.requests] == ["", "two"]


def test_the_limits_of_one_call_replace_those_of_the_client() -> None:
    async def work() -> None:
        async with AsyncBayarClient(script.address, timeout_seconds=50) as bayar:
            await bayar.get_payment(payment_id="pay_1", timeout_seconds=7)
            with pytest.raises(BayarError):
                await bayar.get_payment(payment_id="pay_1", retry=RetryPolicy(attempts=1))

    with scripted_server(ANSWER, LOST) as script:
        run(work())
    first, second = script.seconds_allowed
    assert first is not None
    assert second is not None
    assert 5 < first <= 8
    assert 40 < second <= 51


def test_an_interceptor_sees_every_attempt_and_the_credential_comes_after_it() -> None:
    seen: list[list[str]] = []

    class Counting(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(
            self, continuation: Callable[[Any, Any], Awaitable[Any]], client_call_details: Any, request: Any
        ) -> Any:
            seen.append([key for key, _ in client_call_details.metadata or ()])
            return await continuation(client_call_details, request)

    async def work() -> None:
        async with AsyncBayarClient(script.address, credential="bayar_key_x", interceptors=[Counting()]) as bayar:
            await bayar.get_payment(payment_id="pay_1")

    with scripted_server(LOST, ANSWER) as script:
        run(work())
    assert len(seen) == 2
    assert all("authorization" not in keys for keys in seen)
    assert [each["authorization"] for each in script.metadata] == ["Bearer bayar_key_x"] * 2


def test_generated_stubs_share_the_connection_and_the_credential() -> None:
    async def work() -> None:
        async with AsyncBayarClient(script.address, credential="bayar_key_x") as bayar:
            stub = PaymentServiceStub(bayar.channel)
            answer = await stub.GetPayment(GetPaymentRequest(payment_id="pay_1"))
            assert answer == ANSWER

    with scripted_server(ANSWER) as script:
        run(work())
    assert script.metadata[0]["authorization"] == "Bearer bayar_key_x"


def test_a_client_says_where_it_leads_and_no_more() -> None:
    assert repr(AsyncBayarClient("127.0.0.1:1", credential="bayar_key_x")) == "AsyncBayarClient('127.0.0.1:1')"


def test_contradictions_are_refused_before_anything_is_opened() -> None:
    with pytest.raises(ValueError, match="without a scheme"):
        AsyncBayarClient("https://bayar.example.com")
    with pytest.raises(ValueError, match="plain text"):
        AsyncBayarClient("bayar.example.com:1", credential="bayar_key_x", insecure=True)


def test_an_answer_in_a_payment_is_a_model() -> None:
    async def work() -> None:
        async with AsyncBayarClient(script.address) as bayar:
            payment = await bayar.create_payment(reference="o", amount=money("1.00", "USD"), payment_method_id="pm_1")
            assert payment == Payment(payment_id="pay_1")

    with scripted_server(CreatePaymentResponse(payment=PaymentMessage(payment_id="pay_1"))) as script:
        run(work())


def test_a_client_serves_one_event_loop_after_the_other() -> None:
    async def work() -> str:
        return (await bayar.get_payment(payment_id="pay_1")).payment_id

    with scripted_server(ANSWER, ANSWER) as script:
        bayar = AsyncBayarClient(script.address)
        assert [asyncio.run(work()), asyncio.run(work())] == ["pay_1", "pay_1"]
        asyncio.run(bayar.close())


def test_two_event_loops_at_once_need_a_client_each() -> None:
    async def elsewhere() -> None:
        with pytest.raises(RuntimeError, match="belongs to another event loop"):
            await bayar.get_payment(payment_id="pay_1")

    async def work() -> None:
        await bayar.get_payment(payment_id="pay_1")
        await asyncio.to_thread(lambda: asyncio.run(elsewhere()))
        await bayar.close()

    with scripted_server(ANSWER) as script:
        bayar = AsyncBayarClient(script.address)
        run(work())
