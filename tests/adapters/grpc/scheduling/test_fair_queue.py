"""Fair shares between callers, and between customers and their back end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import grpc
import pytest
from dependency_injector import providers

from adapters.grpc.errors.exceptions import Overloaded, TooMuchUnread
from adapters.grpc.middleware.admission_control import UnreadAnswers
from adapters.grpc.scheduling.call_pool import CallPool
from adapters.grpc.scheduling.fair_queue import FairQueue, Flow, Share
from adapters.grpc.scheduling.stream_pool import StreamPool
from adapters.grpc.services.event_buffer import EventBuffer
from application.common.caller import Caller
from application.common.concurrency import blocking_call
from bayar.payments.v1.event_pb2 import Event
from bayar.payments.v1.event_service_pb2 import StreamEventsRequest
from bayar.payments.v1.event_service_pb2_grpc import EventServiceStub
from bayar.payments.v1.payment_service_pb2 import GetPaymentRequest, ListPaymentsRequest
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from domain.ids import CallerId
from tests.adapters.grpc.credentials import ANN, EVE, a_guarded_house, give_key
from tests.adapters.grpc.middleware.test_admission_control import LIST, Slow, an_order, first_done, refusal
from tests.adapters.grpc.scheduling.test_call_pool import Gate, a_pool, in_a_loop, started
from tests.adapters.grpc.serving import serving

NOISY, QUIET = Flow("noisy"), Flow("quiet")


def burn(seconds: float) -> None:
    """Takes so much of the CPU, however busy the machine is."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def served(costs: dict[str, float], turns: int) -> Counter[str]:
    """Whose items are begun, where each always has one waiting and each item takes what it costs."""
    queue: FairQueue[str] = FairQueue(0.001)
    shares = {name: queue.share(Flow(*name.split("/"))) for name in costs}
    for name, share in shares.items():
        queue.push(share, name)
    counts: Counter[str] = Counter()
    for _ in range(turns):
        name = queue.pop(lambda _: True) or ""
        counts[name] += 1
        share = shares[name]
        queue.push(share, name)
        queue.end(share, costs[name], share.cost_seconds)
    return counts


def test_turns_are_shared_by_what_they_take() -> None:
    counts = served({"cheap": 0.001, "dear": 0.1}, 1_010)
    assert counts["dear"] == pytest.approx(10, abs=3)


def test_a_caller_with_many_customers_has_no_more_than_one_with_none() -> None:
    counts = served({"shop/": 0.01, **{f"shop/cus_{n}": 0.01 for n in range(9)}, "market/": 0.01}, 200)
    assert counts["market/"] == pytest.approx(100, abs=5)
    assert counts["shop/"] == pytest.approx(10, abs=3)


def test_an_idle_caller_saves_up_no_share() -> None:
    queue: FairQueue[str] = FairQueue(0.01)
    noisy, quiet = queue.share(NOISY), queue.share(QUIET)
    for number in range(100):
        queue.push(noisy, f"noisy {number}")
        assert queue.pop(lambda _: True)
        queue.end(noisy, 0.01, noisy.cost_seconds)
    for _ in range(10):
        queue.push(noisy, "noisy")
        queue.push(quiet, "quiet")
    order = [queue.pop(lambda _: True) for _ in range(10)]
    assert 4 <= order.count("noisy") <= 6


def test_idle_callers_are_dropped() -> None:
    queue: FairQueue[str] = FairQueue(0.01)
    for number in range(5_000):
        share = queue.share(Flow(f"caller {number}"))
        queue.push(share, "item")
        queue.pop(lambda _: True)
        queue.end(share, 0.01, 0.01)
    assert queue.known_callers <= 1_000


def test_a_quiet_caller_does_not_wait_behind_what_a_noisy_one_asked_for() -> None:
    async def story() -> None:
        order: list[str] = []
        gate = Gate()
        with a_pool(1, 1_000) as pool:
            first = asyncio.ensure_future(pool.run(gate, flow=NOISY))
            await started(gate, 1)
            calls = [asyncio.ensure_future(pool.run(lambda: order.append("noisy"), flow=NOISY)) for _ in range(200)]
            await asyncio.sleep(0)
            quiet = [asyncio.ensure_future(pool.run(lambda: order.append("quiet"), flow=QUIET)) for _ in range(3)]
            await asyncio.sleep(0)
            gate.go_on.set()
            await asyncio.gather(first, *calls, *quiet)
        assert max(place for place, name in enumerate(order) if name == "quiet") < 10

    in_a_loop(story)


def test_a_full_queue_makes_room_for_whoever_has_less_waiting() -> None:
    async def story() -> None:
        gate = Gate()
        with a_pool(1, 10) as pool:
            first = asyncio.ensure_future(pool.run(gate, flow=NOISY))
            await started(gate, 1)
            noisy = [asyncio.ensure_future(pool.run(lambda: "noisy", flow=NOISY)) for _ in range(10)]
            await asyncio.sleep(0)
            quiet = [asyncio.ensure_future(pool.run(lambda: "quiet", flow=QUIET)) for _ in range(3)]
            await asyncio.sleep(0)
            with pytest.raises(Overloaded):
                await pool.run(lambda: "noisy", flow=NOISY)
            gate.go_on.set()
            assert await asyncio.gather(*quiet) == ["quiet"] * 3
            outcomes = await asyncio.gather(*noisy, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [str] * 7 + [Overloaded] * 3, "the newest are refused"
            await first

    in_a_loop(story)


def test_only_the_one_with_the_most_waiting_is_refused_unread() -> None:
    async def story() -> None:
        gate = Gate()
        with a_pool(2, 4, slow_threads=1) as pool:
            calls = [asyncio.ensure_future(pool.run(gate, is_slow=True, flow=NOISY)) for _ in range(5)]
            await started(gate, 1)
            assert pool.is_full(is_slow=True, flow=lambda: NOISY)
            assert not pool.is_full(is_slow=True, flow=lambda: QUIET)
            gate.go_on.set()
            await asyncio.gather(*calls)

    in_a_loop(story)


def test_of_calls_that_take_long_one_caller_has_two_under_way_and_another_begins_at_once() -> None:
    async def story() -> None:
        under_way, most, ended = 0, 0, 0
        lock = threading.Lock()

        def heavy() -> None:
            nonlocal under_way, most, ended
            with lock:
                under_way += 1
                most = max(most, under_way)
            burn(0.06)
            with lock:
                under_way -= 1
                ended += 1

        with a_pool(40, 1_000, slow_threads=8) as pool:
            await pool.run(lambda: None, flow=QUIET)
            await pool.run(heavy, flow=NOISY)
            calls = [asyncio.ensure_future(pool.run(heavy, flow=NOISY)) for _ in range(10)]
            await asyncio.sleep(0)
            before = ended
            await pool.run(lambda: "quiet", flow=QUIET)
            assert ended - before <= 4, "it begins beside those that are under way"
            await asyncio.gather(*calls)
        assert most == 2

    in_a_loop(story)


def test_customers_who_wait_for_the_gateway_leave_threads_for_their_back_end() -> None:
    async def story() -> None:
        gate = Gate()

        def wait_for_others() -> int:
            with blocking_call():
                return gate()

        with a_pool(60, 1_000, slow_threads=40) as pool:
            calls = [
                asyncio.ensure_future(pool.run(wait_for_others, is_slow=True, flow=Flow("shop", f"cus_{n % 20}")))
                for n in range(100)
            ]
            await started(gate, 20)
            await asyncio.sleep(0.05)
            assert gate.count == 20, "half of the threads"
            assert await pool.run(lambda: "back end", is_slow=True, flow=Flow("shop")) == "back end"
            gate.go_on.set()
            await asyncio.gather(*calls)

    in_a_loop(story)


def test_where_there_are_several_callers_none_has_all_threads() -> None:
    async def story() -> None:
        gate = Gate()

        def wait_for_others() -> int:
            with blocking_call():
                return gate()

        with a_pool(60, 1_000, slow_threads=40) as pool:
            await pool.run(lambda: None, is_slow=True, flow=QUIET)
            calls = [asyncio.ensure_future(pool.run(wait_for_others, is_slow=True, flow=NOISY)) for _ in range(100)]
            await started(gate, 36)
            await asyncio.sleep(0.05)
            assert gate.count == 36
            assert await pool.run(lambda: "quiet", is_slow=True, flow=QUIET) == "quiet"
            gate.go_on.set()
            await asyncio.gather(*calls)

    in_a_loop(story)


def test_streams_of_a_noisy_caller_leave_threads_for_a_quiet_one() -> None:
    async def story() -> None:
        gate, work = Gate(), StreamPool("test", threads=4)
        noisy, quiet = Caller(CallerId("noisy")), Caller(CallerId("quiet"))
        pieces = [asyncio.ensure_future(work.run(noisy, gate)) for _ in range(50)]
        await started(gate, 2)
        assert await work.run(quiet, lambda: "quiet") == "quiet"
        assert gate.count == 2
        for piece in pieces[10:]:
            piece.cancel()
        gate.go_on.set()
        await asyncio.gather(*pieces, return_exceptions=True)
        assert gate.count == 10, "what was given up before it began never begins"
        with pytest.raises(ZeroDivisionError):
            await work.run(quiet, lambda: 1 / 0)

    in_a_loop(story)


def test_buffers_for_slow_readers_are_bounded_in_total() -> None:
    buffer = EventBuffer(most_bytes=1_000)
    page = [Event(event_id="x" * 98) for _ in range(4)]
    streams = [object() for _ in range(10)]
    for stream in streams:
        buffer.put(stream, page)
        assert buffer.take(stream) is not None
    assert buffer.take(streams[0]) is None, "it is read again"
    assert buffer.take(streams[-1]) is not None
    assert sum(buffer.take(stream) is not None for stream in streams) < 5
    for stream in streams:
        buffer.forget(stream)
    assert buffer._bytes == 0


class Call:
    """As much of a call as is asked for."""

    def __init__(self) -> None:
        self.callbacks: list[Any] = []

    def add_done_callback(self, callback: Any) -> None:
        self.callbacks.append(callback)


def test_a_peer_that_reads_no_answers_gets_no_more() -> None:
    unread, call = UnreadAnswers(most_bytes=100_000), Call()
    for _ in range(3):
        unread.require_room(NOISY)
        unread.hold(NOISY, 50_000, call)
    with pytest.raises(TooMuchUnread):
        unread.require_room(NOISY)
    unread.require_room(QUIET)
    for callback in call.callbacks:
        callback(call)
    unread.require_room(NOISY)


def test_streams_of_a_customer_do_not_refuse_the_back_end() -> None:
    house = a_guarded_house(streams_per_caller=20)
    shop = give_key(house, "shop")
    customers = [give_key(house, f"customer {n}", customer_id=customer) for n, customer in enumerate((ANN, EVE))]
    second = give_key(house, "another of ann", customer_id=ANN)
    with serving(house) as channel, ExitStack() as stack:
        events = EventServiceStub(channel)

        def listen(metadata: Any) -> Any:
            stream = events.StreamEvents(StreamEventsRequest(), metadata=metadata, timeout=60)
            stack.callback(stream.cancel)
            next(stream)
            return stream

        for metadata in customers:
            for _ in range(2):
                listen(metadata)
        for metadata in (*customers, second):
            assert refusal(partial(listen, metadata))[1] == "TOO_MANY_STREAMS"
        assert all(listen(shop) for _ in range(20))
        assert refusal(lambda: listen(shop))[1] == "TOO_MANY_STREAMS"


def test_a_customer_who_empties_their_rate_leaves_the_back_end_its_own() -> None:
    house = a_guarded_house(reads_per_second=20)
    shop, ann = give_key(house, "shop"), give_key(house, "ann", customer_id=ANN)
    with serving(house) as channel:
        payments = PaymentServiceStub(channel)

        def read(metadata: Any) -> Any:
            return payments.ListPayments(LIST, metadata=metadata, timeout=30)

        assert refusal(lambda: [read(ann) for _ in range(20)])[1] == "RATE_LIMITED"
        for _ in range(30):
            read(shop)


def test_payments_of_a_customer_that_hang_leave_the_back_end_its_threads() -> None:
    house = a_guarded_house(grpc_threads=24, grpc_queue=10)
    slow = Slow(house.gateway)
    house.container.gateway.override(providers.Object(slow))
    shop, ann = give_key(house, "shop"), give_key(house, "ann", customer_id=ANN)
    with serving(house) as channel, ThreadPoolExecutor(1):
        payments = PaymentServiceStub(channel)
        # Known from now on: before, nobody can tell whose call it is.
        for metadata in (shop, ann):
            payments.ListPayments(LIST, metadata=metadata, timeout=30)
        hanging = [payments.CreatePayment.future(an_order(), metadata=ann, timeout=60) for _ in range(40)]
        assert slow.begun.acquire(timeout=30)
        assert refusal(first_done(hanging).result)[1] == "OVERLOADED"
        paying = payments.CreatePayment.future(an_order(), metadata=shop, timeout=60)
        for _ in range(100):
            if slow.begun.acquire(timeout=0.05) and paying.running():
                break
        slow.go_on.set()
        assert paying.result().payment.payment_id
        for call in hanging:
            call.cancel()


def test_a_caller_is_known_by_its_credential_from_the_second_call_on() -> None:
    house = a_guarded_house()
    shop = give_key(house, "shop")
    with serving(house) as channel:
        payments = PaymentServiceStub(channel)
        payments.ListPayments(ListPaymentsRequest(), metadata=shop, timeout=30)
        pool: CallPool = house.container.server()._pool
        payments.ListPayments(ListPaymentsRequest(), metadata=shop, timeout=30)
        assert pool._quick.queue.known_callers == 1
        with pytest.raises(grpc.RpcError):
            payments.GetPayment(GetPaymentRequest(), timeout=30)
        assert pool._quick.queue.known_callers == 1, "strangers share one place"


def test_shares_are_named() -> None:
    share: Share[str] = FairQueue[str](0.1).share(Flow("shop", "cus_1"))
    assert share.name == "cus_1"
    assert share.parent is not None
    assert share.parent.name == "shop"
