"""The line of each call: its fields, and a level that says whether a person is needed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from adapters.braintree.transport.circuit_breaker import CallClass, CallEnd
from application.common.caller import Caller
from bayar.payments.v1.payment_pb2 import Payment, PaymentState
from bayar.payments.v1.payment_service_pb2 import CapturePaymentRequest, CapturePaymentResponse, CreatePaymentRequest
from bootstrap.logging.trace_ids import CURRENT_CALL, TRACEPARENT
from bootstrap.observability.call_fields import call_fields
from bootstrap.observability.call_metrics import CallMetrics
from bootstrap.observability.calls import Calls, level_of
from bootstrap.observability.event_log import LASTING_SECONDS, GatewayLog
from bootstrap.observability.instruments import Instruments
from domain.ids import CallerId

SENT = "0af7651916cd43dd8448eb211c80319c"
CALLER = Caller(CallerId("shop"), credential="key_1")
CAPTURE = "/bayar.payments.v1.PaymentService/CapturePayment"
OK = grpc.StatusCode.OK


@pytest.fixture(autouse=True)
def _without_a_trace() -> Iterator[None]:
    """A call leaves its trace on its thread, which here is that of all tests."""
    yield
    TRACEPARENT.set("")
    CURRENT_CALL.set(None)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    event: Any = record.msg
    return dict(event)


def test_a_call_is_one_line_with_its_ids_and_its_outcome(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    calls = Calls(CallMetrics(Instruments()))
    call = calls.begin(CAPTURE, (("traceparent", f"00-{SENT}-b7ad6b7169203331-01"),))
    call.enter()
    answer = CapturePaymentResponse(
        payment=Payment(payment_id="pay_1", state=PaymentState.PAYMENT_STATE_CAPTURED, reference="a secret order")
    )
    call.caller = CALLER
    call.end(
        OK, "", CapturePaymentRequest(request_id="8f14e45f-ceea-467f-a9b4-6d1f5d3b8a11", payment_id="pay_1"), answer
    )
    call.end(grpc.StatusCode.INTERNAL, "LATE")
    (record,) = caplog.records
    fields = fields_of(record)
    assert fields.pop("duration_ms") >= 0
    assert fields == {
        "event": "call",
        "method": CAPTURE,
        "code": "OK",
        "caller": "shop",
        "credential": "key_1",
        "request_id": "8f14e45f-ceea-467f-a9b4-6d1f5d3b8a11",
        "payment_id": "pay_1",
        "outcome": "CAPTURED",
    }


@pytest.mark.parametrize("value", ["a b", "line\nbreak", "4111 1111 1111 1111", "x" * 65, "é"])
def test_a_malformed_id_is_not_repeated(value: str) -> None:
    assert call_fields(CreatePaymentRequest(request_id=value), None, None) == {"request_id": "malformed"}


@pytest.mark.parametrize(
    ("code", "reason", "outcome", "level"),
    [
        (OK, "", "CAPTURED", logging.INFO),
        (OK, "", "DECLINED", logging.INFO),
        (OK, "", "PENDING", logging.WARNING),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", "", logging.INFO),
        (grpc.StatusCode.UNAVAILABLE, "SERVICE_STOPPING", "", logging.WARNING),
        (grpc.StatusCode.UNAVAILABLE, "GATEWAY_UNREACHABLE", "", logging.WARNING),
        (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", "", logging.WARNING),
        (grpc.StatusCode.INTERNAL, "INTERNAL", "", logging.ERROR),
    ],
)
def test_the_level_says_whether_a_person_is_needed(
    code: grpc.StatusCode, reason: str, outcome: str, level: int
) -> None:
    assert level_of(code, reason, outcome) == level


def test_a_stream_that_a_stop_ends_needs_nobody() -> None:
    assert level_of(grpc.StatusCode.UNAVAILABLE, "SERVICE_STOPPING", "", is_stream=True) == logging.INFO


def test_a_gateway_that_is_not_reached_is_logged_at_its_begin_when_it_lasts_and_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    now = 0.0
    log = GatewayLog(lambda: now)

    def ends(end: CallEnd, at: float) -> None:
        nonlocal now
        now = at
        log.call_ended(CallClass.MOVES, end, "POST", "/transactions", 0.0)

    ends(CallEnd.ANSWERED, 0)
    for second in range(30):
        ends(CallEnd.NOT_SENT, second)
    ends(CallEnd.ANSWERED, 31)
    ends(CallEnd.ANSWERED, 32)
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.ERROR, logging.INFO]
    assert fields_of(caplog.records[1])["seconds"] == LASTING_SECONDS


def test_a_call_that_its_caller_gave_up_before_it_began_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    calls = Calls(CallMetrics(Instruments()))
    waiting, begun = calls.begin(CAPTURE, ()), calls.begin(CAPTURE, ())
    request = CapturePaymentRequest(payment_id="pay_01kb0000000000000000000000")
    waiting.leave(request)
    begun.enter()
    begun.leave(request)
    begun.end(OK, "", request)
    assert [fields_of(record)["code"] for record in caplog.records] == ["CANCELLED", "OK"]


def test_the_line_of_a_call_that_fails_names_the_payment_that_it_changed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    calls = Calls(CallMetrics(Instruments()))
    for changed in ("pay_01kb0000000000000000000000", ""):
        call = calls.begin(CAPTURE, ())
        call.enter()
        working = CURRENT_CALL.get()
        assert working is not None
        working.changed_payment = changed
        call.end(grpc.StatusCode.UNAVAILABLE, "GATEWAY_UNREACHABLE", CreatePaymentRequest())
    first, second = map(fields_of, caplog.records)
    assert first["payment_id"] == "pay_01kb0000000000000000000000"
    assert "payment_id" not in second
