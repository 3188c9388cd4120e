"""The disk under SQLite is full: callers are told to come again, and once there is room nothing is lost or doubled."""

from __future__ import annotations

import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from bayar.messages import BayarError, Payment, PaymentState
from tests.end_to_end.payment_steps import an_order, pay
from tests.end_to_end.service import Pair, running_pair, until
from tests.order_ids import operation_of

CAPTURED = PaymentState.PAYMENT_STATE_CAPTURED
COME_AGAIN = {"STORE_UNAVAILABLE", "OUTCOME_PENDING"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the files of a running process")


# An outcome that found no room is looked up once the lease of its call is over.
FAST = {"BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "3", "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": "0.5"}


@pytest.fixture
def fresh_pair(tmp_path: Path) -> Iterator[Pair]:
    with running_pair(tmp_path, FAST, program=("-m", "tests.end_to_end.in_haste", "serve")) as running:
        yield running


def let_files_grow_to(pair: Pair, size: int) -> None:
    """Writes beyond that fail, as on a full disk."""
    process = psutil.Process(pair.service.process.pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))


@pytest.mark.parametrize("room_bytes", [0, 20_000, 60_000])
def test_a_full_disk_is_store_unavailable_and_loses_nothing(fresh_pair: Pair, room_bytes: int) -> None:
    pair = fresh_pair
    client = pair.service.client()
    assert pay(client).state == CAPTURED
    orders: dict[str, str] = {}

    def send(request_id: str) -> Payment:
        return pay(client, request_id=request_id, reference=orders[request_id])

    def send_again(request_id: str) -> Payment | None:
        try:
            return send(request_id)
        except BayarError as error:
            if error.reason not in COME_AGAIN:
                raise
            return None

    log = pair.database.with_name("bayar.db-wal")
    let_files_grow_to(pair, log.stat().st_size + room_bytes if room_bytes else 1)
    refused: list[str] = []
    try:
        # A log that begins anew after a checkpoint has room for many payments.
        while len(orders) < 12 or (not refused and len(orders) < 500):
            request_id = str(uuid.uuid4())
            orders[request_id] = an_order()
            try:
                send(request_id)
            except BayarError as error:
                refused.append(error.reason)
    finally:
        let_files_grow_to(pair, psutil.RLIM_INFINITY)
    assert refused, "the disk was full"
    assert set(refused) <= COME_AGAIN
    for request_id in orders:
        payment_id = until(partial(send_again, request_id)).payment_id
        until(lambda payment_id=payment_id: client.get_payment(payment_id=payment_id).state == CAPTURED)  # type: ignore[misc]
    kept = Counter(one.reference for one in client.list_payments() if one.reference in orders.values())
    assert kept == Counter(orders.values())
    operations = [operation_of(one.order_id) for one in pair.twin.control.ledger()]
    assert len(operations) == len(set(operations)), "nothing is charged twice"
