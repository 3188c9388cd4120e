"""A connection that went dead without a word is noticed, and the service permits the pings that notice it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pytest

from adapters.grpc.middleware.admission_control import AdmissionLimits
from adapters.grpc.server.server_options import options_of
from bayar import AsyncBayarClient, BayarClient, channels
from bayar.payments.v1.payment_pb2 import Payment as PaymentMessage
from bayar.payments.v1.payment_service_pb2 import GetPaymentResponse
from tests.client.scripted_server import Script, Silence, scripted_server
from tests.conformance.scripted import Relay

ANSWER = GetPaymentResponse(payment=PaymentMessage(payment_id="pay_1"))
# Without pings, the call would last as long.
SECONDS = 20.0


@dataclass(frozen=True)
class DyingConnection:
    """A service behind a relay that lets the first connection die as soon as a call has arrived over it."""

    script: Script
    address: str


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[DyingConnection]:
    monkeypatch.setattr(channels, "KEEPALIVE_TIME_MS", 200)
    monkeypatch.setattr(channels, "KEEPALIVE_TIMEOUT_MS", 200)
    with (
        scripted_server(Silence(), ANSWER) as script,
        closing(Relay(int(script.address.rpartition(":")[2]))) as relay,
        _silenced(script, relay),
    ):
        yield DyingConnection(script, relay.address)


@contextmanager
def _silenced(script: Script, relay: Relay) -> Iterator[None]:
    def work() -> None:
        script.arrived.wait(SECONDS)
        relay.silence()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


def test_a_call_is_sent_again_over_a_new_connection(dying: DyingConnection) -> None:
    with BayarClient(dying.address, timeout_seconds=SECONDS) as bayar:
        assert bayar.get_payment(payment_id="pay_1").payment_id == "pay_1"
    assert len(dying.script.requests) == 2


def test_a_call_of_asyncio_is_sent_again_over_a_new_connection(dying: DyingConnection) -> None:
    async def work() -> None:
        async with AsyncBayarClient(dying.address, timeout_seconds=SECONDS) as bayar:
            assert (await bayar.get_payment(payment_id="pay_1")).payment_id == "pay_1"

    asyncio.run(work())
    assert len(dying.script.requests) == 2


def test_the_service_permits_the_pings_of_its_clients() -> None:
    server = dict(options_of(AdmissionLimits()))
    assert 2 * server["grpc.http2.min_ping_interval_without_data_ms"] <= channels.KEEPALIVE_TIME_MS
    assert (channels.KEEPALIVE_TIME_MS, channels.KEEPALIVE_TIMEOUT_MS) == (20_000, 10_000)
