"""While the gateway hangs, callers are told quickly, and whatever needs no gateway goes on."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import urlopen

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bayar.messages import BayarClient, BayarError, Payment, PaymentState
from tests.end_to_end.payment_steps import an_order, pay
from tests.end_to_end.service import Pair, until
from tests.order_ids import operation_of

CALLERS = 60
HANG_SECONDS = 8.0
# Far below what a caller waits for a gateway that hangs, far above what a busy machine adds.
SOON_SECONDS = 3.0


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {
        "BAYAR_GRPC_THREADS": "16",
        "BAYAR_BRAINTREE_MAX_CALLS": "8",
        "BAYAR_BRAINTREE_BREAKER_FAILURES": "8",
        "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "5",
    }


def try_to_pay(bayar: BayarClient, request_id: str, reference: str) -> Payment | BayarError:
    try:
        return pay(bayar, request_id=request_id, reference=reference)
    except BayarError as error:
        return error


def metrics(pair: Pair) -> dict[str, float]:
    with urlopen(f"{pair.service.http_url}/metrics") as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    return {name: float(number) for name, _, number in (line.rpartition(" ") for line in lines if line[0] != "#")}


def charges(pair: Pair) -> list[str]:
    return [operation_of(entry.order_id) for entry in pair.twin.control.ledger()]


def test_reads_and_health_go_on_while_the_gateway_hangs_and_nobody_pays_twice(bayar: BayarClient, pair: Pair) -> None:
    before = pay(bayar)
    orders = [(str(uuid.uuid4()), an_order()) for _ in range(CALLERS)]
    pair.twin.control.add_fault("delay", method="POST", path="/transactions", seconds=HANG_SECONDS, when="after")
    with ThreadPoolExecutor(CALLERS) as pool:
        begun = [pool.submit(try_to_pay, bayar, *order) for order in orders]
        until(lambda: sum(one.done() for one in begun) >= CALLERS // 2, what="those who are told quickly")
        assert not all(one.done() for one in begun), "somebody still waits for the gateway"
        for _ in range(20):
            start = time.monotonic()
            assert bayar.get_payment(payment_id=before.payment_id) == before
            assert time.monotonic() - start < SOON_SECONDS
        with grpc.insecure_channel(pair.service.address) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            health = stub.Check(health_pb2.HealthCheckRequest(), timeout=SOON_SECONDS)
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        answers = [one.result() for one in begun]
    told = [answer for answer in answers if isinstance(answer, BayarError)]
    assert {(error.code, error.reason) for error in told} == {(grpc.StatusCode.UNAVAILABLE, "GATEWAY_UNREACHABLE")}
    assert all(error.retry_after_seconds for error in told)
    paid = [answer for answer in answers if isinstance(answer, Payment)]
    assert {payment.state for payment in paid} == {PaymentState.PAYMENT_STATE_PENDING}
    assert 8 <= len(paid) < CALLERS // 2
    shown = metrics(pair)
    assert shown['bayar_gateway_calls_total{calls="moves",end="lost"}'] == len(paid)
    refused = sum(
        shown[f'bayar_gateway_calls_total{{calls="moves",end="refused_{why}"}}'] for why in ("busy", "silent")
    )
    assert refused >= len(told)
    assert shown['bayar_gateway_breaker_open{calls="moves"}'] == 1
    assert shown['bayar_gateway_breaker_open{calls="searches"}'] == 0

    pair.twin.control.clear_faults()

    def all_paid() -> bool:
        again = [try_to_pay(bayar, *order) for order in orders]
        return all(
            isinstance(answer, Payment) and answer.state == PaymentState.PAYMENT_STATE_CAPTURED for answer in again
        )

    until(all_paid, seconds=60, what="every order paid")
    assert len(charges(pair)) == len(set(charges(pair))) == CALLERS + 1
