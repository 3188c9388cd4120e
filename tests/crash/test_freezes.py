"""A process that freezes and continues must not send what others have failed meanwhile."""

from __future__ import annotations

import signal
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from bayar.messages import BayarClient, BayarError, Payment, PaymentState, RetryPolicy, money
from tests.crash.load_generators import VISA
from tests.crash.replica import Replica, wait_until
from tests.crash.storm import Storm
from tests.order_ids import operation_of

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(autouse=True)
def _replicas(two_replicas: Storm) -> Iterator[None]:
    yield
    two_replicas.stop_faults()
    for replica in two_replicas.replicas:
        replica.environment = {}
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
        assert wait_until(frozen.is_frozen, 30)

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


AMOUNT = money("25.00", "USD")
PAYING_AGAIN_SECONDS = 40


def pay_in_the_background(replica: Replica, references: Sequence[str]) -> list[threading.Thread]:
    """Each caller tries once, and ignores the answer."""

    def pay(reference: str) -> None:
        with (
            BayarClient(replica.address, retry=RetryPolicy(attempts=1), timeout_seconds=60) as client,
            suppress(BayarError),
        ):
            client.create_payment(reference=reference, amount=AMOUNT, card=VISA)

    callers = [threading.Thread(target=pay, args=(reference,), daemon=True) for reference in references]
    for caller in callers:
        caller.start()
    return callers


def repeat_failed_payments(client: BayarClient, references: Sequence[str]) -> int:
    """Pay the failed references again, once each outcome is known. Returns their number."""
    left = set(references)
    failed = 0

    def is_settled(reference: str) -> bool:
        nonlocal failed
        payment = found(client, reference)
        if payment is None:
            # The frozen replica has not started it, and will.
            return True
        if payment.state == PaymentState.PAYMENT_STATE_PENDING:
            return False
        if payment.state == PaymentState.PAYMENT_STATE_FAILED:
            client.create_payment(reference=reference, amount=AMOUNT, card=VISA)
            failed += 1
        return True

    def are_settled() -> bool:
        for reference in list(left):
            if is_settled(reference):
                left.discard(reference)
        return not left

    assert wait_until(are_settled, PAYING_AGAIN_SECONDS)
    return failed


def charges(house: Storm, client: BayarClient, references: Sequence[str]) -> Counter[str]:
    """The number of sales at the gateway for each reference."""
    owners = {
        operation.operation_id: reference
        for reference in references
        for payment in client.list_payments(reference=reference)
        for operation in payment.operations
    }
    named = (owners.get(operation_of(entry.order_id)) for entry in house.ledger())
    return Counter(reference for reference in named if reference)


@pytest.mark.parametrize(
    ("environment", "count"),
    [
        pytest.param({"BAYAR_BRAINTREE_MAX_CALLS": "2"}, 12, id="while calls wait for a place"),
        pytest.param(
            {
                "BAYAR_BRAINTREE_USE_API_REQUEST_KEY": "true",
                "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": "USD=twin_usd_no_request_keys",
            },
            1,
            id="before a second request without the refused key",
        ),
    ],
)
def test_a_repeated_payment_during_a_freeze_charges_once(
    two_replicas: Storm, environment: dict[str, str], count: int
) -> None:
    frozen, other = two_replicas.replicas
    frozen.environment = other.environment = environment
    frozen.start()
    other.start()
    references = [f"frozen {uuid.uuid4()}" for _ in range(count)]
    two_replicas.delay_sales(0.9)
    callers = pay_in_the_background(frozen, references)
    with BayarClient(other.address, timeout_seconds=20) as client:
        # By now the others wait for a connection, or the request key was refused.
        assert wait_until(
            lambda: (
                two_replicas.delayed_sales() >= min(count, 2) and all(found(client, one) for one in references[-1:])
            ),
            30,
            every_seconds=0.02,
        )
        frozen.signal(signal.SIGSTOP)
        assert wait_until(frozen.is_frozen, 5)
        two_replicas.stop_faults()
        assert repeat_failed_payments(client, references)
        frozen.signal(signal.SIGCONT)
        for caller in callers:
            caller.join(20)
        assert set(charges(two_replicas, client, references).values()) == {1}
