"""The service is killed at each failpoint, and restarted."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from bayar.messages import BayarClient, BayarError, Payment, PaymentState, RetryPolicy, money
from tests.crash.failpoints import STEPS
from tests.crash.load_generators import VISA
from tests.crash.storm import Storm
from tests.order_ids import operation_of

pytestmark = pytest.mark.timeout(120)

OF_A_PAYMENT = [step for step in STEPS if step.startswith(("caller start", "caller call", "caller outcome"))]
OF_A_SHARED_COMMIT = [step for step in STEPS if "shared commit" in step]
# The steps after which the gateway may hold the money ...
SENT = {"caller call: under way", "caller call: answered", *(s for s in OF_A_PAYMENT if "outcome" in s)}
# ... and those after which it certainly does.
HELD = SENT - {"caller call: under way"}
OF_THE_RESOLVER = [
    "resolver claim: taken",
    "resolver look: answered",
    "resolver finding: before commit",
    "resolver finding: recorded",
]


def pay(storm: Storm, reference: str) -> None:
    """Send the payment once, and ignore the answer."""
    draw = random.Random(reference)  # noqa: S311
    asked = storm.request_log.new("create_payment", draw, reference=reference, amount=money("25.00", "USD"), card=VISA)
    replica = storm.replicas[0]
    with BayarClient(replica.address, retry=RetryPolicy(attempts=1), timeout_seconds=20) as client:
        storm.request_log.ask(client, asked)


def find(client: BayarClient, reference: str) -> list[Payment]:
    return list(client.list_payments(reference=reference))


def test_a_crash_at_any_step_leaves_the_gateways_truth(house: Storm) -> None:
    replica = house.replicas[0]
    for step in OF_A_PAYMENT:
        replica.start(step)
        pay(house, step)
        assert replica.wait_for_death(10) == -9, step
    for step in OF_THE_RESOLVER:
        replica.start(step)
        assert replica.wait_for_death(20) == -9, step
    for each in house.replicas:
        each.start()
    board = house.finish()
    assert board.findings.lines() == []
    with BayarClient(replica.address) as client:
        for step in OF_A_PAYMENT:
            payments = find(client, step)
            if step in ("caller start: before", "caller start: before commit"):
                assert payments == [], step
                continue
            held = payments[0].state == PaymentState.PAYMENT_STATE_SETTLED
            assert held or step not in HELD, step
            assert not held or step in SENT, step
            assert held or payments[0].state == PaymentState.PAYMENT_STATE_FAILED, step


def test_a_replay_after_any_crash_charges_once(house: Storm) -> None:
    replica = house.replicas[0]
    replica.kill()
    replica.start()
    with BayarClient(replica.address) as client:
        for asked in list(house.request_log.asked):
            answers = []
            for _ in range(2):
                try:
                    answers.append(client.create_payment(**asked.arguments).payment_id)
                except BayarError as error:
                    answers.append(error.reason)
            assert answers[0] == answers[1]
    for each in house.replicas[1:]:
        each.kill()
        each.start()
    assert house.finish().findings.lines() == []
    captured = [operation_of(entry.order_id) for entry in house.ledger() if entry.status == "settled"]
    assert len(captured) <= len(OF_A_PAYMENT)
    assert len(captured) == len(set(captured))


def test_a_crash_around_a_shared_commit_leaves_the_gateways_truth(house: Storm) -> None:
    """Several payments at once share commits on SQLite. PostgreSQL groups the commits of its connections by itself."""
    steps = OF_A_SHARED_COMMIT if house.board.database == "sqlite" else ()
    replica = house.replicas[0]
    for step in steps:
        replica.kill()
        replica.start(step)
        with ThreadPoolExecutor(16) as callers:
            for attempt in range(20):
                list(callers.map(pay, [house] * 16, [f"{step} {attempt} {number}" for number in range(16)]))
                if replica.wait_for_death(0.1) is not None:
                    break
        assert replica.wait_for_death(0) == -9, step
    for each in house.replicas:
        each.kill()
        each.start()
    board = house.finish()
    assert board.payments > len(steps)
    assert board.findings.lines() == []
