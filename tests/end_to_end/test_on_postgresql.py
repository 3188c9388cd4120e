"""The service on PostgreSQL: migrated, two processes on one database, no double charge."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bayar.messages import BayarError, OperationState, Payment, PaymentState
from braintree_twin.testing import Twin, start_twin
from tests.databases import Postgres, running_postgres
from tests.end_to_end.payment_steps import an_order, pay, usd
from tests.end_to_end.service import Service, environment_of, run_bayar, until
from tests.order_ids import operation_of


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with start_twin() as twin:
        yield twin


@pytest.fixture(scope="module")
def replicas(postgres: Postgres, twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Service]]:
    directory, url = tmp_path_factory.mktemp("postgres"), postgres.new_database()
    environment = environment_of(twin, url)
    assert run_bayar("migrate", environment=environment).returncode == 0
    services = [Service(environment, Path(directory / f"bayar{n}.log")) for n in range(2)]
    try:
        for service in services:
            service.start()
        yield services
        assert not any("Traceback" in service.log for service in services)
    finally:
        for service in services:
            service.close()
        postgres.drop(url)


def charges(twin: Twin, payment: Payment) -> list[str]:
    ours = {operation.operation_id for operation in payment.operations}
    return [entry.amount for entry in twin.control.ledger() if operation_of(entry.order_id) in ours]


def test_a_schema_that_is_not_up_to_date_is_reported_with_the_remedy(postgres: Postgres, twin: Twin) -> None:
    url = postgres.new_database()
    run = run_bayar("serve", environment=environment_of(twin, url))
    assert run.returncode == 1
    assert "bayar migrate" in run.stderr
    first = run_bayar("migrate", environment=environment_of(twin, url))
    assert (first.returncode, run_bayar("migrate", environment=environment_of(twin, url)).returncode) == (0, 0)
    postgres.drop(url)


def test_fifty_of_the_same_request_at_two_replicas_make_one_charge(replicas: list[Service], twin: Twin) -> None:
    request_id, reference = str(uuid.uuid4()), an_order()
    clients = [replica.client() for replica in replicas]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: pay(clients[n % 2], request_id=request_id, reference=reference), range(50)))
    assert {answer.payment_id for answer in answers} == {answers[0].payment_id}
    assert charges(twin, answers[0]) == ["10.00"]
    # The other replica may answer PENDING at first; asked again, both give the same answer.
    assert pay(clients[1], request_id=request_id, reference=reference).state == PaymentState.PAYMENT_STATE_CAPTURED


def test_refunds_at_two_replicas_never_give_back_more_than_was_taken(replicas: list[Service], twin: Twin) -> None:
    clients = [replica.client() for replica in replicas]
    payment = pay(clients[0], "100.00")
    twin.control.settle()
    clients[0].verify_payment(payment_id=payment.payment_id)

    def refund(number: int) -> str:
        try:
            clients[number % 2].refund_payment(payment_id=payment.payment_id, amount=usd("9.00"))
        except BayarError as error:
            return error.reason
        return "refunded"

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(refund, range(20)))
    assert (answers.count("refunded"), answers.count("AMOUNT_EXCEEDS_REFUNDABLE")) == (11, 9)
    after = clients[1].get_payment(payment_id=payment.payment_id)
    assert after.refunded_amount == usd("99.00")
    assert sorted(charges(twin, after)) == ["100.00", *["9.00"] * 11]


def test_a_double_click_at_two_replicas_pays_once(replicas: list[Service], twin: Twin) -> None:
    clients, reference = [replica.client() for replica in replicas], an_order()

    def click(number: int) -> Payment | str:
        try:
            return pay(clients[number % 2], reference=reference)
        except BayarError as error:
            return error.reason

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(click, range(8)))
    [paid] = [answer for answer in answers if isinstance(answer, Payment)]
    assert answers.count("REFERENCE_ALREADY_PAID") == 7
    assert charges(twin, paid) == ["10.00"]


def test_a_lost_answer_is_found_once_though_both_look(replicas: list[Service], twin: Twin) -> None:
    clients = [replica.client() for replica in replicas]
    twin.control.add_fault("reset_after", method="POST", path="/transactions", next=1)
    payment = pay(clients[0])
    assert payment.state == PaymentState.PAYMENT_STATE_PENDING

    def look() -> Payment | None:
        now = clients[1].get_payment(payment_id=payment.payment_id)
        return now if now.state != PaymentState.PAYMENT_STATE_PENDING else None

    found = until(look)
    assert found.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert [o.state for o in found.operations] == [OperationState.OPERATION_STATE_SUCCEEDED]
    events = [event.sequence for event in clients[0].list_payment_events(payment_id=payment.payment_id)]
    assert events == [1, 2, 3, 4]


def test_a_scheduled_refund_is_carried_out_once_though_both_look(replicas: list[Service], twin: Twin) -> None:
    bayar = replicas[0].client()
    payment = pay(bayar, "50.00")
    bayar.refund_payment(payment_id=payment.payment_id, amount=usd("20.00"))
    twin.control.settle()

    def look() -> Payment | None:
        now = bayar.get_payment(payment_id=payment.payment_id)
        return now if now.refunded_amount == usd("20.00") else None

    assert sorted(charges(twin, until(look))) == ["20.00", "50.00"]
