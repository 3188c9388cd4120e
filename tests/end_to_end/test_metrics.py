"""The metrics of a running service: outcomes, latencies with exemplars, the backlog, and a database that is away."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psutil  # type: ignore[import-untyped]
import pytest

from bayar.messages import BayarClient, BayarError, PaymentState, money
from bayar.payments.v1.card_pb2 import Card
from bayar.payments.v1.payment_service_pb2 import CreatePaymentRequest
from bootstrap.observability.catalogue import CATALOGUE
from braintree_twin.testing import start_twin
from tests.api_keys import TEST_KEY
from tests.databases import Postgres, running_postgres
from tests.end_to_end.payment_steps import a_card, an_order, pay
from tests.end_to_end.service import Pair, Service, environment_of, run_bayar, running_pair, until

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with running_pair(tmp_path_factory.mktemp("metrics")) as pair:
        yield pair


def scraped(url: str, accept: str = "") -> str:
    request = urllib.request.Request(f"{url}/metrics", headers={"Accept": accept})  # noqa: S310 (our own address)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return str(answer.read().decode())


def numbers(url: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in scraped(url).splitlines() if not line.startswith("#"))
    return {name: float(number) for name, _, number in lines}


def outcome(shown: dict[str, float], **labels: str) -> float:
    wanted = [f'{name}="{value}"' for name, value in labels.items()]
    return sum(
        number
        for name, number in shown.items()
        if name.startswith("bayar_payment_operations_total{") and all(one in name for one in wanted)
    )


def test_outcomes_are_counted_with_reason_brand_and_currency(pair: Pair) -> None:
    bayar, url = pair.service.client(), pair.service.http_url
    before = numbers(url)
    payment = pay(bayar, money("12.00", "EUR"))
    bayar.refund_payment(payment_id=payment.payment_id)
    declined = pay(bayar, "2000.00", card=a_card("5555555555554444"))
    assert declined.state == PaymentState.PAYMENT_STATE_DECLINED
    now = numbers(url)

    def more(**labels: str) -> float:
        return outcome(now, **labels) - outcome(before, **labels)

    assert more(operation="authorize", outcome="succeeded", brand="visa", currency="EUR", recorded_by="call") == 1
    assert more(operation="void", outcome="succeeded", currency="EUR") == 1
    assert more(operation="authorize", outcome="declined", brand="mastercard", currency="USD") == 1
    assert more(outcome="declined", reason="") == 0


def test_calls_are_counted_and_timed_by_method_and_code(pair: Pair) -> None:
    bayar, url = pair.service.client(), pair.service.http_url
    before = numbers(url)
    with pytest.raises(BayarError) as refused:
        bayar.get_payment(payment_id="pay_none")
    refusal = refused.value
    assert refusal.code is not None
    payment = pay(bayar)
    bayar.get_payment(payment_id=payment.payment_id)
    now = numbers(url)
    for code in ("OK", refusal.code.name):
        labels = (
            f'{{grpc_code="{code}",grpc_method="GetPayment",'
            'grpc_service="bayar.payments.v1.PaymentService",grpc_type="unary"}'
        )
        for name in (f"grpc_server_handled_total{labels}", f"grpc_server_handling_seconds_count{labels}"):
            assert now[name] == before.get(name, 0) + 1
    assert now[f'bayar_grpc_refusals_total{{grpc_method="GetPayment",reason="{refusal.reason}"}}'] >= 1
    assert now['bayar_database_transactions_total{kind="write",outcome="committed"}'] > 0
    assert now['bayar_database_transaction_seconds_count{kind="write"}'] > 0
    assert now['bayar_gateway_call_duration_seconds_count{calls="moves",end="answered"}'] >= 1
    assert now['bayar_database_connections{state="limit"}'] == 24


def test_the_trace_id_of_a_caller_is_the_exemplar_of_its_call_and_of_what_it_waited_for(pair: Pair) -> None:
    request = CreatePaymentRequest(
        request_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
        reference=an_order(),
        amount=money("3.00", "USD"),
        card=Card(number="4111111111111111", expiration_month=12, expiration_year=2035, cvv="123"),
    )
    traceparent = f"00-{TRACE_ID}-b7ad6b7169203331-01"
    metadata = (("authorization", f"Bearer {TEST_KEY}"), ("traceparent", traceparent))
    with grpc.insecure_channel(pair.service.address) as channel:
        call = channel.unary_unary(
            "/bayar.payments.v1.PaymentService/CreatePayment",
            request_serializer=CreatePaymentRequest.SerializeToString,
            response_deserializer=lambda data: data,
        )
        call(request, metadata=metadata, timeout=30)
    text = scraped(pair.service.http_url, "application/openmetrics-text; version=1.0.0")
    with_trace = {line.partition("{")[0] for line in text.splitlines() if f'# {{trace_id="{TRACE_ID}"}}' in line}
    assert with_trace == {
        "grpc_server_handling_seconds_bucket",
        "bayar_gateway_call_duration_seconds_bucket",
        "bayar_database_transaction_seconds_bucket",
    }


def test_a_lost_answer_is_shown_as_pending_until_the_resolver_finds_it(pair: Pair) -> None:
    bayar, url = pair.service.client(), pair.service.http_url
    before = numbers(url)
    pair.twin.control.add_fault("reset_after", method="POST", path="/transactions", next=1)
    # The resolver finds nothing meanwhile.
    pair.twin.control.add_fault("reset_before", path="/transactions/advanced_search*")
    payment = pay(bayar)
    assert payment.state == PaymentState.PAYMENT_STATE_PENDING
    names = [f'bayar_operations_open{{operation="authorize",state="{state}"}}' for state in ("pending", "unresolved")]
    until(lambda: sum(numbers(url)[name] for name in names) == 1)
    shown = numbers(url)
    assert outcome(shown, outcome="unknown") - outcome(before, outcome="unknown") == 1
    pair.twin.control.clear_faults()
    until(lambda: outcome(numbers(url), recorded_by="background", outcome="succeeded") >= 1, seconds=30)
    until(lambda: sum(numbers(url)[name] for name in names) == 0)


def test_every_exported_family_is_documented_and_every_documented_one_of_a_single_process_is_exported(
    pair: Pair,
) -> None:
    exported = set(re.findall(r"^# TYPE (\S+) ", scraped(pair.service.http_url), re.MULTILINE))
    documented = {metric.name for metric in CATALOGUE}
    assert {name for name in exported if not name.startswith("process_")} <= documented
    assert documented - exported == {"bayar_workers_wanted", "bayar_workers_ready", "bayar_workers_replaced_total"}


def test_metrics_answer_while_the_database_is_away_and_while_it_hangs(tmp_path: Path) -> None:
    with running_postgres(own=True) as postgres, start_twin() as twin:
        environment = environment_of(twin, postgres.new_database(), {"BAYAR_DATABASE_CONNECTIONS": "8"})
        assert run_bayar("migrate", environment=environment).returncode == 0
        service = Service(environment, tmp_path / "bayar.log")
        try:
            service.start()
            with BayarClient(service.address) as bayar:
                pay(bayar)
            assert numbers(service.http_url)["bayar_database_up"] == 1
            with frozen(postgres):
                assert_away(service.http_url)
            until(lambda: numbers(service.http_url)["bayar_database_up"] == 1, seconds=30)
            postgres.crash()
            assert_away(service.http_url)
        finally:
            service.kill()


@contextmanager
def frozen(postgres: Postgres) -> Iterator[None]:
    postmaster = psutil.Process(postgres.server.get_pid())
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def assert_away(url: str) -> None:
    shown = until(lambda: away(url), seconds=20)
    assert shown['bayar_gateway_calls_total{calls="moves",end="answered"}'] >= 1
    assert "bayar_feed_lag_seconds" not in shown


def away(url: str) -> dict[str, float] | None:
    shown = numbers(url)
    return None if shown["bayar_database_up"] else shown
