"""The load generator, a separate process: makes calls, and prints their number and durations.

`orders` go to the FastAPI shop, `forms` to the Django shop, all others to a gRPC server. Closed loop: a number of
callers, each with one call under way. Open loop, with --rate: calls per second, timed from the planned start of each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import aiohttp
import grpc

from bayar.payments.v1 import (
    card_pb2,
    event_service_pb2,
    event_service_pb2_grpc,
    money_pb2,
    payment_service_pb2,
    payment_service_pb2_grpc,
)

Call = Callable[[int], Awaitable[str]]

_CALLERS_OF_WARM_UP: Final = 4


@dataclass(slots=True)
class CallCounter:
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, outcome: str, seconds: float) -> None:
        self.outcomes[outcome] += 1
        if outcome == "OK":
            self.seconds.append(seconds)


def _credentials() -> tuple[tuple[str, str], ...]:
    key = os.environ.get("BAYAR_API_KEY", "")
    return (("authorization", f"Bearer {key}"),) if key else ()


async def _status_of(call: Awaitable[object]) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


async def _stubs(
    arguments: argparse.Namespace, stack: AsyncExitStack
) -> list[payment_service_pb2_grpc.PaymentServiceAsyncStub]:
    """Stubs with separate connections, as back ends have."""
    own: Any = (("grpc.use_local_subchannel_pool", 1),)
    return [
        payment_service_pb2_grpc.PaymentServiceStub(
            await stack.enter_async_context(grpc.aio.insecure_channel(arguments.address, options=own))
        )
        for _ in range(arguments.connections)
    ]


async def _payments(arguments: argparse.Namespace, stack: AsyncExitStack) -> Call:
    stubs = await _stubs(arguments, stack)
    run = uuid.uuid4().hex[:12]
    metadata = _credentials()

    async def pay(number: int) -> str:
        request = payment_service_pb2.CreatePaymentRequest(
            request_id=str(uuid.uuid4()),
            reference=f"{run}-{number}",
            amount=money_pb2.Money(minor_units=1000 + 100 * (number % 50), currency_code="USD"),
            card=card_pb2.Card(number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123"),
        )
        return await _status_of(
            stubs[number % len(stubs)].CreatePayment(request, metadata=metadata, timeout=arguments.timeout_seconds)
        )

    return pay


async def _reads(arguments: argparse.Namespace, stack: AsyncExitStack) -> Call:
    stubs = await _stubs(arguments, stack)
    metadata = _credentials()
    request = payment_service_pb2.GetPaymentRequest(payment_id=arguments.payment_id)

    async def read(number: int) -> str:
        return await _status_of(
            stubs[number % len(stubs)].GetPayment(request, metadata=metadata, timeout=arguments.timeout_seconds)
        )

    return read


async def _lists(arguments: argparse.Namespace, stack: AsyncExitStack) -> Call:
    """Lists pages of the largest size."""
    stubs = await _stubs(arguments, stack)
    metadata = _credentials()
    request = payment_service_pb2.ListPaymentsRequest(page_size=500)

    async def read(number: int) -> str:
        return await _status_of(
            stubs[number % len(stubs)].ListPayments(request, metadata=metadata, timeout=arguments.timeout_seconds)
        )

    return read


async def _feed(
    arguments: argparse.Namespace, stack: AsyncExitStack
) -> list[event_service_pb2_grpc.EventServiceAsyncStub]:
    own: Any = (("grpc.use_local_subchannel_pool", 1),)
    return [
        event_service_pb2_grpc.EventServiceStub(
            await stack.enter_async_context(grpc.aio.insecure_channel(arguments.address, options=own))
        )
        for _ in range(arguments.connections)
    ]


async def _first_events(arguments: argparse.Namespace, stack: AsyncExitStack) -> Call:
    """Opens streams and leaves them after the first event."""
    stubs, metadata = await _feed(arguments, stack), _credentials()

    async def read(number: int) -> str:
        stream = stubs[number % len(stubs)].StreamEvents(
            event_service_pb2.StreamEventsRequest(), metadata=metadata, timeout=arguments.timeout_seconds
        )
        try:
            async for answer in stream:
                if answer.HasField("event"):
                    return "OK"
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
        finally:
            stream.cancel()
        return "NO_EVENT"

    return read


async def _unread_streams(arguments: argparse.Namespace, stack: AsyncExitStack) -> Call:
    """Opens streams of all events, and reads none."""
    stubs, metadata = await _feed(arguments, stack), _credentials()

    async def open_one(number: int) -> str:
        stream = stubs[number % len(stubs)].StreamEvents(
            event_service_pb2.StreamEventsRequest(), metadata=metadata, timeout=arguments.timeout_seconds
        )
        await asyncio.sleep(arguments.seconds)
        stream.cancel()
        return "OK"

    return open_one


async def _orders(arguments: argparse.Namespace, stack: AsyncExitStack) -> Call:
    session = await stack.enter_async_context(aiohttp.ClientSession())
    run = uuid.uuid4().hex[:12]

    async def order(number: int) -> str:
        body = {
            "reference": f"{run}-{number}",
            "amount": f"{10 + number % 50}.00",
            "card": {"number": "4111111111111111", "expiration_date": "12/2030", "cvv": "123"},
        }
        async with session.post(f"http://{arguments.address}/payments", json=body) as response:
            await response.read()
            return "OK" if response.status == 200 else str(response.status)

    return order


async def _forms(arguments: argparse.Namespace, stack: AsyncExitStack) -> Call:
    """Orders at the Django shop, and pays each with the card's form. Does not ask for the empty form before."""
    token = secrets.token_hex(16)
    session = await stack.enter_async_context(
        aiohttp.ClientSession(
            f"http://{arguments.address}",
            cookies={"csrftoken": token},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers={"X-CSRFToken": token},
        )
    )
    run = uuid.uuid4().hex[:12]
    card = {"name": "Ada Lovelace", "number": "4111111111111111", "cvv2": "123"}
    card |= {"expiration_0": "12", "expiration_1": str(datetime.now(UTC).year + 4)}

    async def submit(path: str, form: Mapping[str, str]) -> tuple[int, str]:
        async with session.post(path, data=form, allow_redirects=False) as response:
            await response.read()
            return response.status, response.headers.get("Location", "")

    async def pay(number: int) -> str:
        status, place = await submit("/orders/", {"reference": f"{run}-{number}", "amount": f"{10 + number % 50}.00"})
        if status == 302:
            status, place = await submit(place, card)
        return "OK" if status == 302 and "/paid/" in place else str(status)

    return pay


_KINDS: Final = {
    "payments": _payments,
    "reads": _reads,
    "lists": _lists,
    "first_events": _first_events,
    "unread_streams": _unread_streams,
    "orders": _orders,
    "forms": _forms,
}


async def _closed_loop(call: Call, numbers: Iterator[int], callers: int, end: float, counter: CallCounter) -> None:
    async def call_until_end() -> None:
        while (started := time.monotonic()) < end:
            counter.add(await call(next(numbers)), time.monotonic() - started)

    await asyncio.gather(*(call_until_end() for _ in range(callers)))


async def _open_loop(call: Call, numbers: Iterator[int], rate: float, end: float, counter: CallCounter) -> None:
    under_way: set[asyncio.Task[None]] = set()

    async def once(number: int, due: float) -> None:
        outcome = await call(number)
        # From when it was due, not from when it was sent: a stall is not to hide what waited behind it.
        counter.add(outcome, time.monotonic() - due)

    started = time.monotonic()
    for place, number in enumerate(numbers):
        due = started + place / rate
        if due >= end:
            break
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        task = asyncio.create_task(once(number, due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)


async def _run(arguments: argparse.Namespace) -> dict[str, object]:
    make = _KINDS[arguments.what]
    async with AsyncExitStack() as stack:
        call = await make(arguments, stack)
        numbers = count()
        # Each connection learns its limit of calls before all callers come at once.
        few = min(arguments.callers, _CALLERS_OF_WARM_UP * arguments.connections)
        await _closed_loop(call, numbers, few, time.monotonic() + arguments.warm_up_seconds, CallCounter())
        print("begins", flush=True)
        counter, started, cpu_before = CallCounter(), time.monotonic(), time.process_time()
        if arguments.rate:
            await _open_loop(call, numbers, arguments.rate, started + arguments.seconds, counter)
        else:
            end = started + arguments.seconds
            await _closed_loop(call, numbers, arguments.callers, end, counter)
        return {
            "wall_seconds": time.monotonic() - started,
            "outcomes": counter.outcomes,
            "seconds": sorted(counter.seconds),
            "own_cpu_seconds": time.process_time() - cpu_before,
        }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=_KINDS)
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--warm-up-seconds", type=float, default=1.0)
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--payment-id", default="")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--timeout-seconds", type=float, default=60.0)
    print(json.dumps(asyncio.run(_run(parser.parse_args()))))


if __name__ == "__main__":
    main()
