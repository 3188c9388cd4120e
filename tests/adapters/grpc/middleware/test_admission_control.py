"""Limits for each caller, for each peer and for all together, and the answers beyond them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
import pytest
from dependency_injector import providers
from google.rpc import error_details_pb2 as rich  # type: ignore[import-untyped]
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from adapters import cooperation
from adapters.grpc.middleware.admission_control import FailedLogins
from adapters.grpc.middleware.authorization import peer_of
from adapters.grpc.token_bucket import TokenBuckets
from application.common.concurrency import blocking_call
from application.common.errors import AuthFailure, NotAuthenticated
from bayar.payments.v1 import dispute_service_pb2, payment_service_pb2
from bayar.payments.v1.card_pb2 import Card
from bayar.payments.v1.dispute_service_pb2_grpc import DisputeServiceStub
from bayar.payments.v1.money_pb2 import Money
from bayar.payments.v1.payment_pb2 import Payment, PaymentState
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from tests.adapters.grpc.serving import House, a_house, serving

LIST = payment_service_pb2.ListPaymentsRequest()


class Slow:
    """A gateway that answers when it is let."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.go_on = cooperation.Event()
        self.begun = threading.Semaphore(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def authorize(self, *asked: Any) -> Any:
        self.begun.release()
        with blocking_call():
            assert self.go_on.wait(30)
        return self._inner.authorize(*asked)


def a_slow_house(**settings: Any) -> tuple[House, Slow]:
    house = a_house(**settings)
    slow = Slow(house.gateway)
    house.container.gateway.override(providers.Object(slow))
    return house, slow


def an_order(request_id: str = "") -> payment_service_pb2.CreatePaymentRequest:
    return payment_service_pb2.CreatePaymentRequest(
        request_id=request_id or str(uuid.uuid4()),
        reference=f"order {uuid.uuid4()}",
        amount=Money(minor_units=100, currency_code="USD"),
        card=Card(number="4111111111111111", expiration_month=12, expiration_year=2035, cvv="123"),
    )


def refusal(call: Any) -> tuple[grpc.StatusCode, str, float]:
    """The code, the reason, and the seconds of RetryInfo."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    error: Any = raised.value
    status = rpc_status.from_call(error)
    assert status is not None, error
    info, retry = rich.ErrorInfo(), rich.RetryInfo()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(retry)
    return error.code(), info.reason, retry.retry_delay.ToTimedelta().total_seconds()


@contextmanager
def stubs(house: House) -> Iterator[PaymentServiceStub]:
    with serving(house) as channel:
        yield PaymentServiceStub(channel)


class Steady:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_bucket_lets_a_burst_pass_and_then_a_rate() -> None:
    clock = Steady()
    buckets = TokenBuckets(10, 3, clock)
    assert [buckets.take("a") for _ in range(3)] == [0.0] * 3
    assert buckets.take("a") == pytest.approx(0.1)
    assert buckets.take("b") == 0.0, "each has a bucket of its own"
    clock.seconds += 0.1
    assert buckets.take("a") == 0.0
    assert buckets.take("a") > 0
    clock.seconds += 1000
    assert [buckets.take("a") > 0 for _ in range(4)] == [False, False, False, True]


def test_invented_names_fill_no_memory() -> None:
    buckets = TokenBuckets(1, 1, Steady())
    for n in range(20_000):
        buckets.take(str(n))
    assert len(buckets._buckets) == 10_000


def test_a_rate_of_nought_lets_everything_pass() -> None:
    buckets = TokenBuckets(0, 0, Steady())
    assert not any(buckets.take("a") for _ in range(1000))


class Peer:
    def __init__(self, credential: str, peer: str = "ipv4:203.0.113.7:4000") -> None:
        self._credential = credential
        self._peer = peer

    def peer(self) -> str:
        return self._peer

    def invocation_metadata(self) -> Any:
        return (("authorization", self._credential),)

    def auth_context(self) -> Any:
        return {}


def logs_in(logins: FailedLogins, peer: Peer, *, good: bool) -> str:
    try:
        with logins.watched(peer):
            if not good:
                raise NotAuthenticated(AuthFailure.INVALID)
    except Exception as error:
        return type(error).__name__
    return "in"


def test_a_peer_that_goes_on_failing_is_not_looked_at_any_more() -> None:
    clock = Steady()
    logins = FailedLogins(3, clock)
    guesses = [logs_in(logins, Peer(f"guess {n}", f"ipv4:203.0.113.7:{4000 + n}"), good=False) for n in range(5)]
    assert guesses == ["NotAuthenticated"] * 3 + ["TooManyFailedLogins"] * 2
    assert logs_in(logins, Peer("good"), good=True) == "TooManyFailedLogins"
    assert logs_in(logins, Peer("good", "ipv4:203.0.113.8:1"), good=True) == "in"
    clock.seconds += 20
    assert logs_in(logins, Peer("good"), good=True) == "in"


def test_a_recently_authenticated_caller_passes_behind_a_shared_proxy() -> None:
    logins = FailedLogins(2, Steady())
    assert logs_in(logins, Peer("good"), good=True) == "in"
    for _ in range(5):
        logs_in(logins, Peer("bad"), good=False)
    assert logs_in(logins, Peer("bad"), good=False) == "TooManyFailedLogins"
    assert logs_in(logins, Peer("good"), good=True) == "in"


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("ipv4:203.0.113.7:80", "203.0.113.7"),
        ("ipv6:%5B2001:db8::1%5D:80", "2001:db8::/64"),
        ("ipv6:[2001:db8::2]:80", "2001:db8::/64"),
        ("unix:", "unix"),
    ],
)
def test_a_peer_is_known_by_its_address_without_its_port(peer: str, name: str) -> None:
    assert peer_of(Peer("", peer)) == name


def test_a_read_limit_names_the_retry_time_and_allows_writes() -> None:
    with stubs(a_house(reads_per_second=0.5)) as payments:
        payments.ListPayments(LIST, timeout=30)
        code, reason, seconds = refusal(lambda: [payments.ListPayments(LIST, timeout=30) for _ in range(3)])
        assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
        assert 0 < seconds <= 2
        assert payments.CreatePayment(an_order(), timeout=30).payment.payment_id


def test_a_write_limit_refuses_before_anything_is_recorded() -> None:
    with stubs(a_house(writes_per_second=0.5)) as payments:
        payments.CreatePayment(an_order(), timeout=30)
        assert refusal(lambda: payments.CreatePayment(an_order(), timeout=30))[1] == "RATE_LIMITED"
        assert len(payments.ListPayments(LIST, timeout=30).payments) == 1


def test_beyond_the_queue_calls_are_refused_at_once_while_reads_and_health_answer() -> None:
    house, slow = a_slow_house(grpc_threads=2, grpc_queue=2)
    with serving(house) as channel, ThreadPoolExecutor(3) as pool:
        payments = PaymentServiceStub(channel)
        first = pool.submit(payments.CreatePayment, an_order(), timeout=60)
        assert slow.begun.acquire(timeout=30)
        # The second thread is kept for reads. Two more wait; whichever comes last is refused.
        more = [payments.CreatePayment.future(an_order(), timeout=60) for _ in range(3)]
        refused = first_done(more)
        assert refusal(refused.result) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 1.0)
        assert payments.ListPayments(LIST, timeout=30) is not None
        health: Any = health_pb2_grpc.HealthStub(channel)
        assert (
            health.Check(health_pb2.HealthCheckRequest(), timeout=30).status == health_pb2.HealthCheckResponse.SERVING
        )
        slow.go_on.set()
        assert first.result().payment.payment_id
        assert all(one.result().payment.payment_id for one in more if one is not refused)
        assert payments.CreatePayment(an_order(), timeout=30).payment.payment_id, "there is room again"


def test_reads_have_threads_of_their_own_while_payments_wait_for_the_gateway() -> None:
    house, slow = a_slow_house(grpc_threads=2, grpc_queue=20)
    with serving(house) as channel:
        payments = PaymentServiceStub(channel)
        waiting = [payments.CreatePayment.future(an_order(), timeout=60) for _ in range(5)]
        assert slow.begun.acquire(timeout=30)
        for _ in range(5):
            assert payments.ListPayments(LIST, timeout=10) is not None
        assert not any(one.done() for one in waiting)
        slow.go_on.set()
        assert all(one.result().payment.payment_id for one in waiting)


def first_done(futures: list[Any]) -> Any:
    done = threading.Event()
    for one in futures:
        one.add_done_callback(lambda _: done.set())
    assert done.wait(30)
    return next(one for one in futures if one.done())


def test_waiters_time_out_and_the_running_request_continues() -> None:
    house, slow = a_slow_house(call_seconds=0.3)
    with stubs(house) as payments:
        order = an_order()
        assert refusal(lambda: payments.CreatePayment(order))[:2] == (
            grpc.StatusCode.DEADLINE_EXCEEDED,
            "CALL_TOO_LONG",
        )
        slow.go_on.set()
        assert payments.CreatePayment(order).payment.captured_amount.minor_units == 100
        assert len(house.gateway.effects) == 1


def test_an_ordinary_request_is_far_smaller_than_one_with_evidence() -> None:
    with serving(a_house()) as channel:
        large = payment_service_pb2.VoidPaymentRequest(note="x" * 300_000)
        refused = refusal(lambda: PaymentServiceStub(channel).VoidPayment(large, timeout=30))
        assert refused[:2] == (grpc.StatusCode.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE")
        evidence = dispute_service_pb2.AddDisputeEvidenceRequest()
        evidence.file.content = b"x" * 300_000
        assert refusal(lambda: DisputeServiceStub(channel).AddDisputeEvidence(evidence, timeout=30))[1] not in (
            "REQUEST_TOO_LARGE",
            "",
        )


def test_the_largest_valid_payment_is_small_enough() -> None:
    order = an_order()
    for n in range(50):
        order.metadata["🦆" * 38 + f"{n:02}"] = "🦆" * 500
    with stubs(a_house()) as payments:
        assert payments.CreatePayment(order, timeout=30).payment.payment_id


def test_a_caller_has_so_many_streams_and_a_closed_one_makes_room() -> None:
    house, slow = a_slow_house(streams_per_caller=2)
    with stubs(house) as payments, ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        order = an_order()
        paying = pool.submit(payments.CreatePayment, order, timeout=60)
        assert slow.begun.acquire(timeout=30)
        stack.callback(slow.go_on.set)
        (payment,) = payments.ListPayments(LIST, timeout=30).payments
        watch = payment_service_pb2.WatchPaymentRequest(payment_id=payment.payment_id)
        streams = [payments.WatchPayment(watch, timeout=60) for _ in range(2)]
        for stream in streams:
            assert next(stream).payment.payment_id == payment.payment_id
        refused = refusal(lambda: list(payments.WatchPayment(watch, timeout=60)))
        assert refused[:2] == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
        streams[0].cancel()
        deadline = time.monotonic() + 30
        while True:
            try:
                assert next(payments.WatchPayment(watch, timeout=60)).payment
                break
            except grpc.RpcError:
                assert time.monotonic() < deadline, "the closed stream makes room"
        slow.go_on.set()
        assert paying.result().payment.payment_id


def test_a_stream_ends_politely_after_its_time() -> None:
    house, slow = a_slow_house(stream_seconds=0.5)
    with stubs(house) as payments, ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        paying = pool.submit(payments.CreatePayment, an_order(), timeout=60)
        assert slow.begun.acquire(timeout=30)
        stack.callback(slow.go_on.set)
        (payment,) = payments.ListPayments(LIST, timeout=30).payments
        watch = payment_service_pb2.WatchPaymentRequest(payment_id=payment.payment_id)
        refused = refusal(lambda: list(payments.WatchPayment(watch)))
        assert refused == (grpc.StatusCode.UNAVAILABLE, "STREAM_ENDED", 1.0)
        slow.go_on.set()
        assert paying.result().payment.payment_id


def test_the_snapshot_of_a_call_outlives_the_call() -> None:
    """The metadata is read again when the answer is written, long after this caller has hung up."""
    house, slow = a_slow_house(grpc_threads=32, declines_per_card=0)
    with stubs(house) as payments:
        order = an_order()
        order.amount.minor_units = 2046_00
        for n in range(20):
            order.request_id, order.reference = str(uuid.uuid4()), f"order {n}"
            leaving = payments.CreatePayment.future(order, timeout=30, metadata=(("x-large", "x" * 4000),))
            assert slow.begun.acquire(timeout=30)
            leaving.cancel()
        slow.go_on.set()
        deadline = time.monotonic() + 30
        while any(one.state == PaymentState.PAYMENT_STATE_PENDING for one in listed(payments)):
            assert time.monotonic() < deadline, "what has begun goes on to its end"


def listed(payments: PaymentServiceStub) -> list[Payment]:
    return list(payments.ListPayments(LIST, timeout=30).payments)
