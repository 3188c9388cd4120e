"""A service behind a relay that lets the first connection die without a word."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from bayar.payments.v1.payment_pb2 import Payment as PaymentMessage
from bayar.payments.v1.payment_service_pb2 import GetPaymentResponse
from tests.client.scripted_server import Script, Silence, scripted_server
from tests.conformance.scripted import Relay

_ANSWER = GetPaymentResponse(payment=PaymentMessage(payment_id="pay_1"))
# Without pings, a call lasts as long.
SECONDS = 20.0


@dataclass(frozen=True)
class DyingConnection:
    """It dies as soon as a call has arrived over it. A second call is answered."""

    script: Script
    address: str


@contextmanager
def dying_connection() -> Iterator[DyingConnection]:
    with (
        scripted_server(Silence(), _ANSWER) as script,
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
