"""The soak test, also with kills in the middle: the ledger is consistent, and no answered call is lost."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from braintree_twin.soak import Client, run
from braintree_twin.testing import start_twin


def test_mixed_calls_from_many_threads_leave_a_consistent_ledger() -> None:
    with start_twin() as twin:
        outcome = run(twin, calls=800, threads=16)
        counted = sum(each.count for each in twin.control.requests().requests if "/_twin/" not in each.route)
    assert outcome.complaints == []
    assert outcome.calls == counted == 800
    assert set(outcome.statuses) == {200, 201, 422}
    assert {"sale settled", "sale voided", "sale processor_declined", "credit submitted_for_settlement"} <= set(
        outcome.totals
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_answered_call_survives_a_kill(seed: int) -> None:
    with start_twin() as twin:
        clients = [Client(twin, seed * 100 + number) for number in range(4)]
        enough = threading.Semaphore(0)

        def work(client: Client) -> None:
            try:
                while True:
                    client.sell()
                    enough.release()
            except OSError:
                pass  # the kill

        workers = [threading.Thread(target=work, args=(client,)) for client in clients]
        for worker in workers:
            worker.start()
        for _ in range(40 * seed):
            assert enough.acquire(timeout=20)
        twin.kill()
        for worker in workers:
            worker.join()
        twin.restart()
        ledger = {entry.id: entry for entry in twin.control.ledger()}
        answered = {identifier: each for client in clients for identifier, each in client.known.items()}
        assert len(answered) >= 40 * seed
        assert {each: (ledger[each].type, ledger[each].status) for each in answered} == {
            each: (expected.type, expected.status) for each, expected in answered.items()
        }
        # At most the one call that each thread was waiting for.
        assert len(ledger) - len(answered) <= len(clients)
        for client in clients:
            client.close()


def test_a_twin_stops_when_its_standard_input_ends() -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "braintree_twin", "serve", "--address", "127.0.0.1:0", "--state", ":memory:"),
            *("--plain", "--quiet", "--stop-with-stdin"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().startswith("braintree-twin ready at http://127.0.0.1:")
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(timeout=10) == 0
    process.stdout.close()
