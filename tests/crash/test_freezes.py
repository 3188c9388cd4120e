"""A process that hangs and wakes up must not do what others have given up in the meantime."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from bayar import BayarClient, BayarError, Payment, PaymentState, RetryPolicy, money
from tests.crash.replica import wait_until
from tests.crash.shoppers import VISA
from tests.crash.storm import Storm
from tests.order_ids import operation_of

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(autouse=True)
def _replicas(two_replicas: Storm) -> Iterator[None]:
    yield
    for replica in two_replicas.replicas:
        replica.kill()


def found(client: BayarClient, reference: str) -> Payment | None:
    return next(iter(client.list_payments(reference=reference)), None)


def test_a_call_is_not_sent_once_its_operation_has_been_given_up(two_replicas: Storm) -> None:
    frozen, other = two_replicas.replicas
    frozen.start("caller start: recorded", number=signal.SIGSTOP)
    other.start()
    with (
        BayarClient(frozen.address, retry=RetryPolicy(attempts=1), timeout_seconds=60) as caller,
        BayarClient(other.address) as watcher,
    ):
        answers: list[Payment | BayarError] = []

        def pay() -> None:
            try:
                answers.append(caller.create_payment(reference="frozen", amount=money("25.00", "USD"), card=VISA))
            except BayarError as error:
                answers.append(error)

        calls = threading.Thread(target=pay)
        calls.start()
        assert wait_until(frozen.is_frozen, 10)

        def is_given_up() -> bool:
            payment = found(watcher, "frozen")
            return payment is not None and payment.state == PaymentState.PAYMENT_STATE_FAILED

        assert wait_until(is_given_up, 40)
        frozen.signal(signal.SIGCONT)
        calls.join(20)
        assert [getattr(answer, "reason", "OK") for answer in answers] == ["GATEWAY_UNREACHABLE"]
        assert is_given_up()
        payment = found(watcher, "frozen")
        assert payment is not None
        ours = {operation.operation_id for operation in payment.operations}
        assert [entry for entry in two_replicas.ledger() if operation_of(entry.order_id) in ours] == []
