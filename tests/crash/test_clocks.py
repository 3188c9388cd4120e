"""Replicas whose clocks differ by hours resolve operations as fast and as correctly as others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bayar.messages import BayarClient, BayarError, Payment, PaymentState, RetryPolicy, money
from tests.crash.load_generators import VISA
from tests.crash.replica import wait_until
from tests.crash.storm import Storm

pytestmark = pytest.mark.timeout(120)

HOUR = timedelta(hours=1)
# Much less than the clocks are apart.
SOON_SECONDS = 40


@pytest.fixture(autouse=True)
def _replicas(two_replicas: Storm) -> Iterator[None]:
    yield
    for replica in two_replicas.replicas:
        replica.kill()


def pay(address: str, reference: str) -> Payment | BayarError:
    with BayarClient(address, retry=RetryPolicy(attempts=1), timeout_seconds=30) as client:
        try:
            return client.create_payment(reference=reference, amount=money("25.00", "USD"), card=VISA)
        except BayarError as error:
            return error


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["dies ahead", "dies behind"])
@pytest.mark.parametrize(
    ("step", "ends"),
    [
        ("caller call: before", PaymentState.PAYMENT_STATE_FAILED),
        ("caller call: answered", PaymentState.PAYMENT_STATE_CAPTURED),
    ],
)
def test_a_replica_soon_resolves_what_another_left_open(
    two_replicas: Storm, ahead: timedelta, step: str, ends: PaymentState.ValueType
) -> None:
    dying, other = two_replicas.replicas
    dying.start(step, clock_is_off_by=ahead)
    other.start(clock_is_off_by=-ahead)
    reference = f"{step} {ahead}"
    pay(dying.address, reference)
    assert dying.wait_for_death(20) == -9
    with BayarClient(other.address) as client:

        def states() -> list[PaymentState.ValueType]:
            return [payment.state for payment in client.list_payments(reference=reference)]

        assert wait_until(lambda: states() == [ends], SOON_SECONDS), states()
    dying.start()
    assert two_replicas.finish(clocks_agree=False).findings.lines() == []


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["asked ahead", "asked behind"])
def test_a_call_under_way_is_left_alone(two_replicas: Storm, ahead: timedelta) -> None:
    asked, other = two_replicas.replicas
    asked.start(clock_is_off_by=ahead)
    other.start(clock_is_off_by=-ahead)
    two_replicas.delay_answers(0.5)
    answers = [pay(asked.address, f"under way {ahead} {number}") for number in range(3)]
    two_replicas.stop_faults()
    assert [getattr(answer, "state", answer) for answer in answers] == [PaymentState.PAYMENT_STATE_CAPTURED] * 3
    assert two_replicas.finish(clocks_agree=False).findings.lines() == []
