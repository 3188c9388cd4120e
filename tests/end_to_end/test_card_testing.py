"""Card testing against the real service: many small payments and card adds are stopped, on every replica."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import grpc
import pytest

from bayar.messages import BayarClient, BayarError, PaymentState
from bayar.payments.v1.admin_service_pb2 import AbuseBlock, AbuseScope, ListAbuseBlocksRequest
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from braintree_twin.testing import Twin, start_twin
from tests.databases import Postgres, running_postgres
from tests.end_to_end.payment_steps import MASTERCARD, VISA, a_card, pay
from tests.end_to_end.service import Service, environment_of, run_bayar

LIMITS = {"BAYAR_DECLINES_PER_CARD": "3", "BAYAR_DECLINES_PER_CUSTOMER": "5", "BAYAR_CARDS_PER_CLIENT_ADDRESS": "2"}
DECLINED = "2046.00"
# Numbers that the sandbox knows, of different banks.
NUMBERS = ["4111111111111111", "4012888888881881", "5555555555554444", "2223000048400011", "6011111111111117"]


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Service]]:
    """Two services on one PostgreSQL."""
    directory = tmp_path_factory.mktemp("replicas")
    with running_postgres() as postgres, start_twin(directory) as twin:
        environment = _environment(twin, postgres)
        assert run_bayar("migrate", environment=environment).returncode == 0
        services = [Service(environment, directory / f"bayar{n}.log") for n in range(2)]
        try:
            for service in services:
                service.start()
            yield services
            for service in services:
                assert "Traceback" not in service.log
                assert not any(number in service.log for number in NUMBERS)
        finally:
            for service in services:
                service.close()


def _environment(twin: Twin, postgres: Postgres) -> dict[str, str]:
    return environment_of(twin, postgres.new_database(), LIMITS)


@pytest.fixture
def clients(replicas: list[Service]) -> list[BayarClient]:
    return [service.client() for service in replicas]


def refused(bayar: BayarClient, **order: object) -> BayarError:
    with pytest.raises(BayarError) as raised:
        pay(bayar, **order)  # type: ignore[arg-type]
    assert (raised.value.code, raised.value.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_DECLINES")
    assert raised.value.retry_after_seconds is not None
    assert 0 < raised.value.retry_after_seconds <= 3900
    assert not raised.value.outcome_unknown
    return raised.value


def blocks(bayar: BayarClient) -> list[AbuseBlock]:
    return list(AdminServiceStub(bayar.channel).ListAbuseBlocks(ListAbuseBlocksRequest(), timeout=30).blocks)


def test_a_card_that_one_replica_saw_declined_is_refused_by_the_other(
    clients: list[BayarClient], replicas: list[Service]
) -> None:
    for n in range(3):
        assert pay(clients[n % 2], DECLINED).state == PaymentState.PAYMENT_STATE_DECLINED
    for bayar in clients:
        refused(bayar)
    assert pay(clients[0], card=a_card(MASTERCARD)).state == PaymentState.PAYMENT_STATE_CAPTURED
    block = blocks(clients[1])[0]
    assert (block.scope, block.subject, block.limit) == (AbuseScope.ABUSE_SCOPE_CARD, "card ending in 1111", 3)
    assert sum("card testing suspected" in service.log for service in replicas) == 1


def test_a_lifted_block_lets_the_card_pay_on_every_replica(clients: list[BayarClient]) -> None:
    number = NUMBERS[1]
    for _ in range(3):
        pay(clients[0], DECLINED, card=a_card(number))
    refused(clients[1], card=a_card(number))
    block = blocks(clients[0])[0]
    request_id = str(uuid.uuid4())
    lifted = [
        bayar.lift_abuse_block(block_id=block.block_id, reason="a tester of ours", request_id=request_id)
        for bayar in clients
    ]
    assert lifted[0] == lifted[1]
    assert lifted[0].end_time.ToDatetime() < block.end_time.ToDatetime()
    for bayar in clients:
        assert pay(bayar, card=a_card(number)).state == PaymentState.PAYMENT_STATE_CAPTURED
    with pytest.raises(BayarError) as unknown:
        clients[0].lift_abuse_block(block_id="blk_01m852474tej6qn4m8j8cr2rpt", reason="a guess")
    assert unknown.value.reason == "BLOCK_NOT_FOUND"


def test_many_numbers_from_one_address_are_stopped(clients: list[BayarClient]) -> None:
    address = "2001:db8:7:7::1"
    for number in NUMBERS[1:3]:
        paid = pay(clients[0], DECLINED, card=a_card(number), client_address=address)
        assert paid.state == PaymentState.PAYMENT_STATE_DECLINED
    refused(clients[1], card=a_card(NUMBERS[3]), client_address="2001:db8:7:7:abcd::2")
    assert pay(clients[1], card=a_card(NUMBERS[3]), client_address="2001:db8:7:8::2").payment_id
    assert blocks(clients[0])[0].subject == "2001:db8:7:7::/64"


def test_verifications_count_for_the_customer_and_a_repeat_keeps_its_answer(clients: list[BayarClient]) -> None:
    bayar = clients[0]
    customer = bayar.create_customer(given_name="Sari").customer_id
    ids = [str(uuid.uuid4()) for _ in range(5)]
    # A single card each, with a name of its own: what counts is the customer.
    first = [
        bayar.add_payment_method(
            customer_id=customer, card=a_card(NUMBERS[n % 2 + 3]), verify=True, request_id=request_id
        ).payment_method_id
        for n, request_id in enumerate(ids)
    ]
    with pytest.raises(BayarError) as raised:
        bayar.add_payment_method(customer_id=customer, card=a_card(NUMBERS[2]), verify=True)
    assert raised.value.reason == "TOO_MANY_DECLINES"
    again = clients[1].add_payment_method(customer_id=customer, card=a_card(NUMBERS[3]), verify=True, request_id=ids[0])
    assert again.payment_method_id == first[0]
    assert len(list(bayar.list_payment_methods(customer_id=customer))) == 5


def test_an_address_that_is_none_is_an_invalid_request(clients: list[BayarClient]) -> None:
    with pytest.raises(BayarError) as raised:
        pay(clients[0], card=a_card(VISA), client_address="10.0.0.1:443")
    assert raised.value.reason == "INVALID_REQUEST"
