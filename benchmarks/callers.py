"""Makes calls from a process of its own, and tells how many it made and how long each took.

`orders` go to the web shop, all others to a gRPC server. Closed loop: so many callers, each with one call
under way; or with --rate open loop: so many calls a second, timed from when each should have begun.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class VelocityCounter:
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, outcome: str, seconds: float) -> None:
        self.outcomes[outcome] += 1
        if outcome == "OK":
            self.seconds.append(seconds)


def _credentials() -> tuple[tuple[str, str], ...]:
    key = os.environ.get("BAYAR_API_KEY", "")
    return (("authorization", f"Bearer {key}"),) if key else ()


async def _told(call: Awaitable[object]) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


async def _stubs(
    given: argparse.Namespace, stack: AsyncExitStack
) -> list[payment_service_pb2_grpc.PaymentServiceAsyncStub]:
    """Each with a connection of its own, as back ends have."""
    own: Any = (("grpc.use_local_subchannel_pool", 1),)
    return [
        payment_service_pb2_grpc.PaymentServiceStub(
            await stack.enter_async_context(grpc.aio.insecure_channel(given.address, options=own))
        )
        for _ in range(given.connections)
    ]


async def _payments(given: argparse.Namespace, stack: AsyncExitStack) -> Call:
    stubs = await _stubs(given, stack)
    run = uuid.uuid4().hex[:12]
    metadata = _credentials()

    async def pay(number: int) -> str:
        request = payment_service_pb2.CreatePaymentRequest(
            request_id=str(uuid.uuid4()),
            reference=f"{run}-{number}",
            amount=money_pb2.Money(minor_units=1000 + 100 * (number % 50), currency_code="USD"),
            card=card_pb2.Card(number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123"),
        )
        return await _told(
            stubs[number % len(stubs)].CreatePayment(request, metadata=metadata, timeout=given.timeout_seconds)
        )

    return pay


async def _reads(given: argparse.Namespace, stack: AsyncExitStack) -> Call:
    stubs = await _stubs(given, stack)
    metadata = _credentials()
    request = payment_service_pb2.GetPaymentRequest(payment_id=given.payment_id)

    async def read(number: int) -> str:
        return await _told(
            stubs[number % len(stubs)].GetPayment(request, metadata=metadata, timeout=given.timeout_seconds)
        )

    return read


async def _lists(given: argparse.Namespace, stack: AsyncExitStack) -> Call:
    """The largest page that there is."""
    stubs = await _stubs(given, stack)
    metadata = _credentials()
    request = payment_service_pb2.ListPaymentsRequest(page_size=500)

    async def read(number: int) -> str:
        return await _told(
            stubs[number % len(stubs)].ListPayments(request, metadata=metadata, timeout=given.timeout_seconds)
        )

    return read


async def _feed(given: argparse.Namespace, stack: AsyncExitStack) -> list[event_service_pb2_grpc.EventServiceAsyncStub]:
    own: Any = (("grpc.use_local_subchannel_pool", 1),)
    return [
        event_service_pb2_grpc.EventServiceStub(
            await stack.enter_async_context(grpc.aio.insecure_channel(given.address, options=own))
        )
        for _ in range(given.connections)
    ]


async def _first_events(given: argparse.Namespace, stack: AsyncExitStack) -> Call:
    """Streams that are left after their first event."""
    stubs, metadata = await _feed(given, stack), _credentials()

    async def read(number: int) -> str:
        stream = stubs[number % len(stubs)].StreamEvents(
            event_service_pb2.StreamEventsRequest(), metadata=metadata, timeout=given.timeout_seconds
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


async def _unread_streams(given: argparse.Namespace, stack: AsyncExitStack) -> Call:
    """Streams of all events, of which none is read."""
    stubs, metadata = await _feed(given, stack), _credentials()

    async def open_one(number: int) -> str:
        stream = stubs[number % len(stubs)].StreamEvents(
            event_service_pb2.StreamEventsRequest(), metadata=metadata, timeout=given.timeout_seconds
        )
        await asyncio.sleep(given.seconds)
        stream.cancel()
        return "OK"

    return open_one


async def _orders(given: argparse.Namespace, stack: AsyncExitStack) -> Call:
    session = await stack.enter_async_context(aiohttp.ClientSession())
    run = uuid.uuid4().hex[:12]

    async def order(number: int) -> str:
        body = {
            "reference": f"{run}-{number}",
            "amount": f"{10 + number % 50}.00",
            "card": {"number": "4111111111111111", "expiration_date": "12/2030", "cvv": "123"},
        }
        async with session.post(f"http://{given.address}/payments", json=body) as response:
            await response.read()
            return "OK" if response.status == 200 else str(response.status)

    return order


_KINDS: Final = {
    "payments": _payments,
    "reads": _reads,
    "lists": _lists,
    "first_events": _first_events,
    "unread_streams": _unread_streams,
    "orders": _orders,
}


async def _closed_loop(call: Call, numbers: Iterator[int], callers: int, end: float, tally: VelocityCounter) -> None:
    async def go_on() -> None:
        while (started := time.monotonic()) < end:
            tally.add(await call(next(numbers)), time.monotonic() - started)

    await asyncio.gather(*(go_on() for _ in range(callers)))


async def _open_loop(call: Call, numbers: Iterator[int], rate: float, end: float, tally: VelocityCounter) -> None:
    under_way: set[asyncio.Task[None]] = set()

    async def once(number: int, due: float) -> None:
        outcome = await call(number)
        # From when it was due, not from when it was sent: a stall is not to hide what waited behind it.
        tally.add(outcome, time.monotonic() - due)

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


async def _run(given: argparse.Namespace) -> dict[str, object]:
    make = _KINDS[given.what]
    async with AsyncExitStack() as stack:
        call = await make(given, stack)
        numbers = count()
        await _closed_loop(call, numbers, given.callers, time.monotonic() + given.warm_up_seconds, VelocityCounter())
        print("begins", flush=True)
        tally, started, cpu_before = VelocityCounter(), time.monotonic(), time.process_time()
        if given.rate:
            await _open_loop(call, numbers, given.rate, started + given.seconds, tally)
        else:
            await _closed_loop(call, numbers, given.callers, started + given.seconds, tally)
        return {
            "wall_seconds": time.monotonic() - started,
            "outcomes": tally.outcomes,
            "seconds": sorted(tally.seconds),
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
