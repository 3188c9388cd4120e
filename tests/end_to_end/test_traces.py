"""Traces of the real service, sent by OTLP to a collector: one trace for a payment, whoever ends it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from opentelemetry import trace

from bayar.messages import Address, BayarClient, BayarError, PaymentState
from bayar.payments.v1 import payment_service_pb2 as wire
from bayar.payments.v1.payment_method_pb2 import PaymentMethodState
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from domain.card_detector import looks_like_card
from tests.api_keys import TEST_KEY
from tests.end_to_end.dispute_steps import Disputes, pay_and_settle
from tests.end_to_end.payment_steps import VISA, a_card, an_order, pay, usd
from tests.end_to_end.service import Pair, end_leases, running_pair, until
from tests.end_to_end.test_event_webhooks import SECRET, Receiver
from tests.otlp_collector import CLIENT_SPAN, SERVER_SPAN, CollectedSpan, Collector, running_collector

CREATE = "bayar.payments.v1.PaymentService/CreatePayment"
STEPS = ("record the intent", "call the gateway", "record the outcome")
PERSONAL = ("Ani", "Widjaja", "ani@example.com", "Jalan Melati", "birthday cake")


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with running_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture(scope="module")
def settings(collector: Collector, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    config = tmp_path_factory.mktemp("webhooks") / "webhooks.toml"
    config.write_text(
        f'[[endpoint]]\nname = "shop"\nurl = "{receiver.url}"\ncaller = "default"\nsecret_env = "SHOP_SECRET"\n'
    )
    return {
        "BAYAR_OTLP_ENDPOINT": collector.url,
        "BAYAR_DISPUTE_POLL_SECONDS": "1",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=payments",
        "BAYAR_EVENT_WEBHOOKS_FILE": str(config),
        "BAYAR_ALLOW_PRIVATE_WEBHOOKS": "true",
        "SHOP_SECRET": SECRET,
    }


@contextmanager
def callers_trace(*, is_sampled: bool = True) -> Iterator[str]:
    """The caller's own span, which the client sends as traceparent. Gives its trace id."""
    trace_id, span_id = secrets.randbits(128) | 1 << 127, secrets.randbits(64) | 1
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if is_sampled else trace.TraceFlags.DEFAULT)
    context = trace.SpanContext(trace_id, span_id, is_remote=False, trace_flags=flags)
    with trace.use_span(trace.NonRecordingSpan(context)):
        yield f"{trace_id:032x}"


def span_of(collector: Collector, trace_id: str, name: str, *, seconds: float = 60) -> CollectedSpan:
    """The span, once the collector has it."""
    return until(
        lambda: next((span for span in collector.of_trace(trace_id) if span.name == name), None),
        seconds=seconds,
        what=f"a span {name}",
    )


def test_a_payment_is_one_trace_within_its_callers(bayar: BayarClient, collector: Collector) -> None:
    with callers_trace() as trace_id:
        payment = pay(bayar)
    call = span_of(collector, trace_id, CREATE)
    spans = collector.of_trace(trace_id)
    by_id = {span.span_id: span for span in spans}
    assert call.kind == SERVER_SPAN
    assert call.parent_id
    assert call.parent_id not in by_id
    assert call.attributes["rpc.response.status_code"] == "OK"
    assert call.attributes["bayar.outcome"] == "CAPTURED"
    assert call.attributes["bayar.caller"] == "default"
    steps = {span.name: span for span in spans if span.name in STEPS}
    assert set(steps) == set(STEPS)
    assert {span.parent_id for span in steps.values()} == {call.span_id}
    at_once = [span for span in spans if span.name != "deliver the event"]
    inside = {name: {span.name for span in at_once if span.parent_id == steps[name].span_id} for name in STEPS}
    assert inside == {STEPS[0]: {"write transaction"}, STEPS[1]: {"POST transactions"}, STEPS[2]: {"write transaction"}}
    operation_ids = {span.attributes.get("bayar.operation_id", "") for span in (call, *steps.values())}
    assert len(operation_ids) == 1
    assert operation_ids.pop().startswith("op_")
    assert {span.attributes["bayar.payment_id"] for span in (call, *steps.values())} == {payment.payment_id}
    assert len({span.attributes["bayar.request_id"] for span in (call, *steps.values())}) == 1
    gateway = next(span for span in spans if span.name == "POST transactions")
    assert gateway.kind == CLIENT_SPAN
    assert gateway.attributes["bayar.payment_id"] == payment.payment_id
    assert not any(span.is_error for span in spans)
    assert call.resource["service.name"] == "bayar"
    assert collector.headers["x-tenant"] == "payments"


def test_the_resolver_continues_the_trace_of_a_payment_that_a_crash_interrupted(
    pair: Pair, collector: Collector
) -> None:
    pair.twin.control.add_fault("delay", method="POST", path="/transactions", seconds=20, when="after", next=1)
    with callers_trace() as trace_id, ThreadPoolExecutor(1) as pool:
        context = trace.get_current_span()

        def call() -> object:
            with trace.use_span(context):
                return pay(pair.service.client())

        begun = pool.submit(call)
        intent = span_of(collector, trace_id, STEPS[0])
        until(pair.twin.control.ledger)
        pair.service.kill()
        assert isinstance(begun.exception(), BayarError)
    end_leases(pair)
    pair.service.restart()
    resolved = span_of(collector, trace_id, "resolve the outcome")
    assert resolved.parent_id == intent.span_id
    assert resolved.attributes["bayar.operation_id"].startswith("op_")
    assert resolved.attributes["bayar.request_id"] == intent.attributes["bayar.request_id"]
    payment_id = resolved.attributes["bayar.payment_id"]
    bayar = pair.service.client()
    until(lambda: bayar.get_payment(payment_id=payment_id).state == PaymentState.PAYMENT_STATE_CAPTURED)
    inside = [span.name for span in collector.of_trace(trace_id) if span.parent_id == resolved.span_id]
    assert "POST transactions" in inside
    assert "write transaction" in inside
    recovered = [line for line in pair.service.log.splitlines() if "the outcome is recovered" in line]
    assert any(payment_id in line and f"trace_id={trace_id}" in line for line in recovered)


def test_the_resolver_continues_the_trace_of_a_payment_method_whose_answer_was_lost(
    pair: Pair, collector: Collector
) -> None:
    bayar = pair.service.client()
    customer = bayar.create_customer()
    pair.twin.control.add_fault("reset_after", method="POST", path="/payment_methods", next=1)
    with callers_trace() as trace_id:
        method = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    assert method.state == PaymentMethodState.PAYMENT_METHOD_STATE_PENDING
    resolved = span_of(collector, trace_id, "resolve the outcome")
    assert resolved.parent_id == span_of(collector, trace_id, STEPS[0]).span_id
    assert resolved.attributes["bayar.payment_method_id"] == method.payment_method_id


def test_the_resolver_continues_the_trace_of_an_answer_to_a_dispute_that_was_lost(
    pair: Pair, collector: Collector
) -> None:
    bayar = pair.service.client()
    disputes = Disputes.of(bayar)
    payment = pay_and_settle(bayar, pair)
    dispute = disputes.await_one(payment)
    # The earlier action has a trace that the later one must not continue.
    with callers_trace() as earlier:
        disputes.add_text(dispute, "delivered on Monday")
    pair.twin.control.add_fault("reset_after", path="/disputes/*/accept", next=1)
    with callers_trace() as trace_id:
        bayar.accept_dispute(dispute_id=dispute.dispute_id)
    resolved = span_of(collector, trace_id, "resolve the outcome")
    assert resolved.parent_id == span_of(collector, trace_id, STEPS[0]).span_id
    assert resolved.attributes["bayar.dispute_id"] == dispute.dispute_id
    assert resolved.attributes["bayar.payment_id"] == payment.payment_id
    assert resolved.attributes["bayar.operation_id"].startswith("op_")
    assert "resolve the outcome" not in collector.names(earlier)


def test_the_webhook_of_an_event_continues_the_trace_of_its_call(
    pair: Pair, collector: Collector, receiver: Receiver
) -> None:
    with callers_trace() as trace_id:
        pay(pair.service.client())
    delivered = span_of(collector, trace_id, "deliver the event")
    assert delivered.attributes["bayar.webhook_endpoint"] == "shop"
    span_ids = {span.span_id for span in collector.of_trace(trace_id) if span.name == "deliver the event"}
    sent = [headers["traceparent"] for headers in receiver.headers if trace_id in headers.get("traceparent", "")]
    assert {one.split("-")[2] for one in sent} >= span_ids
    assert delivered.span_id in span_ids


def test_no_span_holds_card_data_personal_data_or_a_value_of_the_caller(pair: Pair, collector: Collector) -> None:
    bayar = pair.service.client()
    customer = bayar.create_customer(given_name="Ani", family_name="Widjaja", email="ani@example.com")
    with callers_trace() as trace_id:
        for card in (a_card(), a_card("4000111111111115")):
            pay(
                bayar,
                card=card,
                customer_id=customer.customer_id,
                billing_address=Address(street_address="Jalan Melati 1"),
                metadata={"note": "birthday cake"},
            )
        for request_id in (VISA, "Ani Widjaja"):
            with pytest.raises(BayarError):
                pay(bayar, request_id=request_id)
    with grpc.insecure_channel(pair.service.address) as channel:
        with_card = ("traceparent", f"00-abcdef{VISA}abcdefabcd-b7ad6b7169203331-01")
        PaymentServiceStub(channel).ListDeclineReasons(
            wire.ListDeclineReasonsRequest(), metadata=(("authorization", f"Bearer {TEST_KEY}"), with_card), timeout=30
        )
    until(lambda: collector.names(trace_id).count(CREATE) == 4)
    until(lambda: [span for span in list(collector.spans) if span.name.endswith("ListDeclineReasons")])
    assert not collector.of_trace(with_card[1].split("-")[1])
    texts = [
        (span.name, text)
        for span in list(collector.spans)
        for text in (*span.texts, *span.attributes.values(), *span.resource.values())
    ]
    assert len(texts) > 100
    assert [one for one in texts if looks_like_card(one[1])] == []
    assert [one for one in texts if any(word in one[1] for word in (*PERSONAL, TEST_KEY, SECRET))] == []


def test_a_decision_of_the_caller_against_a_trace_is_kept(pair: Pair, collector: Collector) -> None:
    bayar = pair.service.client()
    with callers_trace(is_sampled=False) as unsampled:
        payment = pay(bayar)
    with callers_trace() as sampled:
        pay(bayar)
    span_of(collector, sampled, CREATE)
    assert collector.of_trace(unsampled) == []
    lines = [line for line in pair.service.log.splitlines() if payment.payment_id in line and "CreatePayment" in line]
    assert f"trace_id={unsampled}" in lines[0]


def test_a_refusal_is_no_fault_and_a_gateway_that_is_not_reached_is_one(pair: Pair, collector: Collector) -> None:
    bayar, reference = pair.service.client(), an_order()
    pay(bayar, reference=reference)
    with callers_trace() as refused, pytest.raises(BayarError):
        pay(bayar, reference=reference)
    assert not span_of(collector, refused, CREATE).is_error
    assert not any(span.is_error for span in collector.of_trace(refused))
    pair.twin.control.add_fault("refuse", seconds=1)
    with callers_trace() as unreached, pytest.raises(BayarError):
        pay(bayar, reference=an_order())
    call = span_of(collector, unreached, CREATE)
    assert call.is_error
    assert call.attributes["bayar.reason"] == "GATEWAY_UNREACHABLE"
    assert call.attributes["bayar.payment_id"].startswith("pay_")
    assert "record that nothing was sent" in collector.names(unreached)


def test_a_collector_that_hangs_delays_no_payment_and_no_stop(tmp_path: Path) -> None:
    with running_collector() as collector:
        collector.hangs = True
        few = {"OTEL_BSP_MAX_QUEUE_SIZE": "128", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "64"}
        with running_pair(tmp_path, {"BAYAR_OTLP_ENDPOINT": collector.url, **few}) as pair:
            bayar = pair.service.client()
            pay(bayar)
            until(lambda: collector.hanging)
            # More spans than the queue holds.
            began = time.monotonic()
            for _ in range(40):
                assert pay(bayar, usd("1.00")).state == PaymentState.PAYMENT_STATE_CAPTURED
            assert collector.hanging <= 20
            seconds = time.monotonic() - began
            until(lambda: "BAYAR_OTLP_ENDPOINT does not take spans" in pair.service.log)
            began = time.monotonic()
            assert pair.service.stop() == 0
            assert time.monotonic() - began < 6
            assert seconds < 60
            assert pair.service.log.count("does not take spans") == 1
            assert "opentelemetry" not in pair.service.log
