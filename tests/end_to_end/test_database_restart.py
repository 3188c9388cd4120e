"""PostgreSQL falls while payments run, and comes back: nothing is lost, doubled, or called declined."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from bayar.messages import BayarClient, BayarError, Payment, PaymentState
from braintree_twin.testing import Twin, start_twin
from tests.databases import Postgres, running_postgres
from tests.end_to_end.payment_steps import an_order, pay
from tests.end_to_end.service import Service, environment_of, run_bayar, until
from tests.order_ids import operation_of

CALLERS = 6


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with running_postgres(own=True) as server:
        yield server


@pytest.fixture
def twin() -> Iterator[Twin]:
    with start_twin() as twin:
        yield twin


@pytest.fixture
def service(postgres: Postgres, twin: Twin, tmp_path: Path) -> Iterator[Service]:
    # The resolver looks for operations under way once their lease is over: the timeouts and fifteen seconds.
    soon = {"BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "2", "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": "0.5"}
    few = {
        "BAYAR_GRPC_THREADS": "16",
        "BAYAR_DATABASE_CONNECTIONS": "16",
        "BAYAR_WORKERS": "2",
        "BAYAR_ABSENCE_HORIZON_SECONDS": "2",
    }
    environment = environment_of(twin, postgres.new_database(), soon | few)
    assert run_bayar("migrate", environment=environment).returncode == 0
    service = Service(environment, tmp_path / "bayar.log")
    try:
        service.start()
        yield service
    finally:
        service.close()


@dataclass(slots=True)
class Shoppers:
    """Pay again and again, and send each request again until there is an answer."""

    service: Service
    leaving: threading.Event = field(default_factory=threading.Event)
    told: list[Payment] = field(default_factory=list)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)

    def shop(self, bayar: BayarClient) -> None:
        while not self.leaving.is_set():
            self.told.append(self._insist(bayar, str(uuid.uuid4()), an_order()))

    def _insist(self, bayar: BayarClient, request_id: str, reference: str) -> Payment:
        while True:
            try:
                return pay(bayar, request_id=request_id, reference=reference)
            except BayarError as error:
                self.errors[error.code.name, error.reason] += 1
                time.sleep(0.05)  # as a client waits between attempts


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as page:  # noqa: S310 (our own address)
            return int(page.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_payments_go_on_after_postgresql_was_down_and_both_ledgers_agree(
    service: Service, postgres: Postgres, twin: Twin
) -> None:
    shoppers = Shoppers(service)
    with ThreadPoolExecutor(CALLERS) as pool:
        shopping = [pool.submit(shoppers.shop, service.client()) for _ in range(CALLERS)]
        try:
            until(lambda: len(shoppers.told) > 3 * CALLERS)
            postgres.crash()
            until(lambda: sum(shoppers.errors.values()) > 3 * CALLERS)
            before = len(shoppers.told)
            assert status_of(f"{service.http_url}/readyz") == 503
            assert status_of(f"{service.http_url}/healthz") == 200
            postgres.start()
            until(lambda: status_of(f"{service.http_url}/readyz") == 200, what="readyz")
            until(lambda: len(shoppers.told) > before + 3 * CALLERS)
        finally:
            shoppers.leaving.set()
        for one in shopping:
            one.result()
    # Every caller was answered "try again".
    assert set(shoppers.errors) == {("UNAVAILABLE", "STORE_UNAVAILABLE")}
    states = {payment.state for payment in shoppers.told}
    assert states <= {PaymentState.PAYMENT_STATE_CAPTURED, PaymentState.PAYMENT_STATE_PENDING}
    bayar = service.client()
    charged = Counter(operation_of(entry.order_id) for entry in twin.control.ledger())
    for payment in shoppers.told:
        known = until(partial(_unless_pending, bayar, payment), seconds=40)
        [operation] = known.operations
        is_paid = known.state == PaymentState.PAYMENT_STATE_CAPTURED
        # Or it was proven that nothing was sent.
        assert is_paid or known.state == PaymentState.PAYMENT_STATE_FAILED
        assert charged[operation.operation_id] == is_paid
    assert sum(charged.values()) == len([p for p in bayar.list_payments() if p.captured_amount.minor_units])
    assert "Traceback" not in service.log, service.log[-4000:]


def _unless_pending(bayar: BayarClient, payment: Payment) -> Payment | None:
    now = bayar.get_payment(payment_id=payment.payment_id)
    return None if now.state == PaymentState.PAYMENT_STATE_PENDING else now
