"""A connection that went dead without a word is noticed, and the service permits the pings that notice it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from adapters.grpc.middleware.admission_control import AdmissionLimits
from adapters.grpc.server.server_options import options_of
from bayar import AsyncBayarClient, BayarClient, channels
from tests.client.dying_connection import SECONDS, DyingConnection, dying_connection


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[DyingConnection]:
    monkeypatch.setattr(channels, "KEEPALIVE_TIME_MS", 200)
    monkeypatch.setattr(channels, "KEEPALIVE_TIMEOUT_MS", 200)
    with dying_connection() as dying:
        yield dying


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
