"""A call is repeated where that is safe, and what is not known is never called a failure."""

import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo  # type: ignore[import-untyped]

from bayar.messages import BayarClient, BayarError, Payment, PaymentState, money
from bayar.payments.v1.payment_service_pb2 import (
    CapturePaymentResponse,
    CreatePaymentResponse,
    GetPaymentResponse,
    WatchPaymentResponse,
)
from tests.client.clocks import Clock
from tests.client.scripted_server import AuthFailure, Collapse, Script, Silence, scripted_server

PAYMENT = Payment(payment_id="pay_1", state=PaymentState.PAYMENT_STATE_CAPTURED)
CREATED = CreatePaymentResponse(payment=PAYMENT)
LOST = AuthFailure(grpc.StatusCode.UNAVAILABLE, "Socket closed")


def refusal(code: grpc.StatusCode, reason: str, retry_after_seconds: int | None = None) -> AuthFailure:
    details: list[Message] = [ErrorInfo(reason=reason, domain="bayar")]
    if retry_after_seconds is not None:
        details.append(RetryInfo(retry_delay=Duration(seconds=retry_after_seconds)))
    return AuthFailure(code, "What the service says.", tuple(details))


def client_of(script: Script, clock: Clock, attempts: int = 5, timeout_seconds: float = 90) -> BayarClient:
    return BayarClient(script.address, retry=clock.policy(attempts), timeout_seconds=timeout_seconds)


def create(client: BayarClient, request_id: str | None = None) -> Payment:
    return client.create_payment(
        reference="order-1", amount=money("25.00", "USD"), payment_method_id="pm_1", request_id=request_id
    )


def failure(client: BayarClient) -> BayarError:
    with pytest.raises(BayarError) as raised:
        create(client)
    return raised.value


def test_every_attempt_carries_the_same_request() -> None:
    clock = Clock()
    with scripted_server(LOST, LOST, CREATED) as script, client_of(script, clock) as client:
        assert create(client) == PAYMENT
    first, second, third = script.requests
    assert first == second == third
    assert uuid.UUID(first.request_id).version == 4


def test_two_calls_are_two_requests() -> None:
    with scripted_server(CREATED, CREATED) as script, client_of(script, Clock()) as client:
        create(client)
        create(client)
    assert script.requests[0].request_id != script.requests[1].request_id


def test_a_request_id_of_the_caller_is_kept() -> None:
    with scripted_server(LOST, CREATED) as script, client_of(script, Clock()) as client:
        create(client, request_id="8f14e45f-ceea-467f-a9b4-6d1f5d3b8a11")
    assert {request.request_id for request in script.requests} == {"8f14e45f-ceea-467f-a9b4-6d1f5d3b8a11"}


def test_an_empty_request_id_is_for_the_service_to_refuse() -> None:
    with scripted_server(CREATED) as script, client_of(script, Clock()) as client:
        create(client, request_id="")
    assert script.requests[0].request_id == ""


def test_without_advice_each_wait_is_longer_up_to_a_limit() -> None:
    clock = Clock()
    with scripted_server(*itertools.repeat(LOST, 8)) as script, client_of(script, clock, attempts=8) as client:
        failure(client)
    assert clock.waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_waits_vary_between_half_and_whole() -> None:
    clock = Clock()
    policy = clock.policy()
    error = BayarError(grpc.StatusCode.UNAVAILABLE, "")
    halved = type(policy)(jitter=lambda: 0.0)
    assert (policy.delay_seconds(3, error), halved.delay_seconds(3, error)) == (0.8, 0.4)


@pytest.mark.parametrize(
    "busy",
    [
        refusal(grpc.StatusCode.UNAVAILABLE, "GATEWAY_UNREACHABLE", 7),
        refusal(grpc.StatusCode.ABORTED, "OPERATION_IN_PROGRESS", 7),
    ],
)
def test_the_service_says_how_long_to_wait(busy: AuthFailure) -> None:
    clock = Clock()
    with scripted_server(busy, CREATED) as script, client_of(script, clock) as client:
        assert create(client) == PAYMENT
    assert clock.waits == [7.0]


def test_an_operation_under_way_is_waited_for_without_advice_too() -> None:
    clock = Clock()
    busy = refusal(grpc.StatusCode.ABORTED, "OPERATION_IN_PROGRESS")
    with scripted_server(busy, CapturePaymentResponse(payment=PAYMENT)) as script, client_of(script, clock) as client:
        assert client.capture_payment(payment_id="pay_1") == PAYMENT
    assert clock.waits == [0.2]


def test_attempts_end() -> None:
    clock = Clock()
    with scripted_server(*itertools.repeat(LOST, 3)) as script, client_of(script, clock, attempts=3) as client:
        assert failure(client).code is grpc.StatusCode.UNAVAILABLE
    assert len(script.requests) == 3
    assert len(clock.waits) == 2


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    clock = Clock()
    later = refusal(grpc.StatusCode.UNAVAILABLE, "GATEWAY_UNREACHABLE", 60)
    with scripted_server(later, later) as script, client_of(script, clock, timeout_seconds=90) as client:
        error = failure(client)
    assert clock.waits == [60.0]
    assert error.retry_after_seconds == 60


def test_attempts_share_one_deadline() -> None:
    later = refusal(grpc.StatusCode.UNAVAILABLE, "GATEWAY_UNREACHABLE", 60)
    with scripted_server(later, CREATED) as script, client_of(script, Clock(), timeout_seconds=90) as client:
        create(client)
    first, second = script.seconds_allowed
    assert first is not None
    assert second is not None
    assert 60 < first <= 91
    assert second <= 31


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.ABORTED,
    ],
)
def test_a_refusal_is_final_and_known(code: grpc.StatusCode) -> None:
    clock = Clock()
    with scripted_server(refusal(code, "SOME_REASON")) as script, client_of(script, clock) as client:
        error = failure(client)
    assert (error.code, error.reason) == (code, "SOME_REASON")
    assert len(script.requests) == 1
    assert clock.waits == []
    assert not error.outcome_unknown


def test_no_answer_in_time_is_an_unknown_outcome() -> None:
    with scripted_server(Silence()) as script, BayarClient(script.address, timeout_seconds=0.3) as client:
        error = failure(client)
    assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert error.outcome_unknown
    assert error.request_id == script.requests[0].request_id
    assert "within 0.3 s" in str(error)
    assert "same request_id" in str(error)
    assert error.request_id in str(error)


def test_a_call_cancelled_by_a_stopping_server_is_retried() -> None:
    clock = Clock()
    cancelled = AuthFailure(grpc.StatusCode.CANCELLED, "CANCELLED")
    with scripted_server(cancelled, CREATED) as script, client_of(script, clock) as client:
        assert create(client) == PAYMENT
    first, second = script.requests
    assert first == second
    assert clock.waits == [0.2]


def test_a_call_whose_client_is_closed_meanwhile_is_not_sent_again() -> None:
    clock = Clock()
    with scripted_server(Silence()) as script, ThreadPoolExecutor(1) as pool, client_of(script, clock) as client:
        call = pool.submit(failure, client)
        assert script.arrived.wait(10)
        client.close()
        error = call.result()
    assert error.code is grpc.StatusCode.CANCELLED
    assert error.outcome_unknown
    assert clock.waits == []


def test_a_server_that_dies_over_a_call_leaves_its_outcome_unknown() -> None:
    with scripted_server(Collapse()) as script, client_of(script, Clock(), attempts=1) as client:
        assert failure(client).outcome_unknown


@pytest.mark.parametrize(
    "unsure",
    [
        LOST,
        AuthFailure(grpc.StatusCode.INTERNAL, "RST_STREAM"),
        AuthFailure(grpc.StatusCode.UNKNOWN, ""),
        AuthFailure(grpc.StatusCode.CANCELLED, ""),
        AuthFailure(grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max"),
        AuthFailure(grpc.StatusCode.ABORTED, "from a proxy"),
        refusal(grpc.StatusCode.INTERNAL, "INTERNAL"),
        refusal(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    ],
)
def test_an_unreadable_answer_leaves_the_outcome_unknown(unsure: AuthFailure) -> None:
    with scripted_server(unsure) as script, client_of(script, Clock(), attempts=1) as client:
        assert failure(client).outcome_unknown


def test_reading_has_no_outcome() -> None:
    with (
        scripted_server(LOST) as script,
        client_of(script, Clock(), attempts=1) as client,
        pytest.raises(BayarError) as raised,
    ):
        client.get_payment(payment_id="pay_1")
    assert not raised.value.outcome_unknown
    assert raised.value.request_id == ""


def test_reading_is_repeated_too() -> None:
    with scripted_server(LOST, GetPaymentResponse(payment=PAYMENT)) as script, client_of(script, Clock()) as client:
        assert client.get_payment(payment_id="pay_1") == PAYMENT


@pytest.mark.parametrize(
    ("last", "unknown"),
    [
        (refusal(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED"), True),
        (refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS"), True),
        (refusal(grpc.StatusCode.ABORTED, "OPERATION_IN_PROGRESS", 600), True),
        (refusal(grpc.StatusCode.UNAVAILABLE, "GATEWAY_UNREACHABLE", 600), False),
        (refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"), False),
        (refusal(grpc.StatusCode.ALREADY_EXISTS, "REFERENCE_ALREADY_PAID"), False),
    ],
)
def test_a_lost_attempt_stays_unknown_unless_a_later_one_settles_it(last: AuthFailure, unknown: bool) -> None:
    with scripted_server(LOST, last) as script, client_of(script, Clock()) as client:
        error = failure(client)
    assert error.outcome_unknown is unknown


def test_where_nobody_listens_nothing_was_sent() -> None:
    with scripted_server() as script:
        address = script.address
    clock = Clock()
    with BayarClient(address, retry=clock.policy(attempts=2)) as client:
        error = failure(client)
    assert error.code is grpc.StatusCode.UNAVAILABLE
    assert not error.outcome_unknown
    assert str(error).startswith(f"Bayar at {address} cannot be reached: ")
    assert "Nothing took effect." in str(error)
    assert len(clock.waits) == 1


def state(name: str) -> WatchPaymentResponse:
    return WatchPaymentResponse(payment=Payment(payment_id="pay_1", state=PaymentState.Value(f"PAYMENT_STATE_{name}")))


def test_a_watch_survives_lost_connections_and_repeats_nothing() -> None:
    clock = Clock()
    answers = (
        [state("PENDING"), LOST],
        [state("PENDING"), state("CAPTURED"), LOST],
        [LOST],
        [state("CAPTURED"), state("SETTLED")],
    )
    with scripted_server(*answers) as script, client_of(script, clock, attempts=3) as client:
        seen = [payment.state for payment in client.watch_payment(payment_id="pay_1")]
    assert [PaymentState.Name(each) for each in seen] == [
        "PAYMENT_STATE_PENDING",
        "PAYMENT_STATE_CAPTURED",
        "PAYMENT_STATE_SETTLED",
    ]
    assert clock.waits == [0.2, 0.2, 0.4]


def test_a_watch_that_never_comes_back_ends_with_an_error() -> None:
    with (
        scripted_server([state("PENDING"), LOST], [LOST], [LOST]) as script,
        client_of(script, Clock(), attempts=3) as client,
    ):
        watch = client.watch_payment(payment_id="pay_1")
        assert next(watch) == state("PENDING").payment
        with pytest.raises(BayarError) as raised:
            next(watch)
    assert raised.value.code is grpc.StatusCode.UNAVAILABLE


def test_a_watch_ends_when_its_time_is_over() -> None:
    with scripted_server([state("PENDING"), Silence()]) as script, BayarClient(script.address) as client:
        watch = client.watch_payment(payment_id="pay_1", timeout_seconds=0.5)
        assert next(watch) == state("PENDING").payment
        with pytest.raises(BayarError, match=r"within 0\.5 s"):
            next(watch)


def test_leaving_a_watch_ends_it_at_the_server() -> None:
    with scripted_server([state("PENDING"), Silence()]) as script, BayarClient(script.address) as client:
        for payment in client.watch_payment(payment_id="pay_1"):
            assert payment == state("PENDING").payment
            break
        assert script.ended.wait(10)


def test_a_closed_client_says_so() -> None:
    bayar = BayarClient("127.0.0.1:1")
    bayar.close()
    bayar.close()
    for payments in (bayar.list_payments(), bayar.watch_payment(payment_id="pay_1")):
        with pytest.raises(RuntimeError, match=r"This client is closed\."):
            next(payments)
