"""A graceful stop: calls under way are finished, and no caller waits for ever."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from bayar.messages import BayarClient, CaptureMode, Payment, PaymentState, RetryPolicy, money
from tests.crash.load_generators import VISA
from tests.crash.replica import wait_until
from tests.crash.storm import Storm

pytestmark = pytest.mark.timeout(60)

AMOUNT = money("50.00", "USD")


@pytest.fixture(autouse=True)
def _running(house: Storm) -> Iterator[None]:
    house.replicas[0].start()
    yield
    house.replicas[0].kill()


def test_a_stop_lets_a_call_under_way_finish(house: Storm) -> None:
    replica = house.replicas[0]
    house.delay_answers(1.0)
    answers: list[Payment] = []
    with BayarClient(replica.address, retry=RetryPolicy(attempts=1), timeout_seconds=30) as client:
        caller = threading.Thread(
            target=lambda: answers.append(client.create_payment(reference="last", amount=AMOUNT, card=VISA))
        )
        caller.start()
        assert wait_until(lambda: list(client.list_payments(reference="last")), 5, every_seconds=0.02)
        replica.signal(signal.SIGTERM)
        caller.join(20)
    house.stop_faults()
    assert replica.wait_for_death(20) == 0
    assert [answer.state for answer in answers] == [PaymentState.PAYMENT_STATE_CAPTURED]


def test_a_watch_does_not_delay_a_stop_and_resumes(house: Storm) -> None:
    replica = house.replicas[0]
    seen: list[PaymentState.ValueType] = []
    with BayarClient(replica.address) as client:
        payment = client.create_payment(
            reference="watched", amount=AMOUNT, card=VISA, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL
        )
        watch = client.watch_payment(payment_id=payment.payment_id, timeout_seconds=40)
        watcher = threading.Thread(target=lambda: seen.extend(each.state for each in watch))
        watcher.start()
        assert wait_until(lambda: seen, 5)
        begin = time.monotonic()
        replica.signal(signal.SIGTERM)
        assert replica.wait_for_death(20) == 0
        assert time.monotonic() - begin < 5
        replica.start()
        client.void_payment(payment_id=payment.payment_id)
        watcher.join(30)
    # The watch may see the void while it is under way.
    rested = [state for state in seen if state != PaymentState.PAYMENT_STATE_PENDING]
    assert rested == [PaymentState.PAYMENT_STATE_AUTHORIZED, PaymentState.PAYMENT_STATE_VOIDED]
