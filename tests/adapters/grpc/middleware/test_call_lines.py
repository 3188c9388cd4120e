"""Each call has one line and one measurement, also where it reached no method or was cut."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Any

import grpc
import pytest

from adapters.grpc.middleware import early_authentication
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from bootstrap.observability.exposition import exposed
from tests.adapters.grpc import raw_http2 as http2
from tests.adapters.grpc.middleware.test_admission_control import a_slow_house, an_order
from tests.adapters.grpc.raw_http2 import Connection, call_headers, frame
from tests.adapters.grpc.serving import a_house, serving
from tests.end_to_end.service import until

CREATE = "/bayar.payments.v1.PaymentService/CreatePayment"
UNKNOWN = "/unknown/unknown"


def lines_of(caplog: pytest.LogCaptureFixture) -> list[tuple[int, dict[str, Any]]]:
    """The level and the fields of each call's line."""
    found = [one for one in caplog.records if one.name == "bayar.calls"]
    messages: list[Any] = [one.msg for one in found]
    return [(one.levelno, dict(message)) for one, message in zip(found, messages, strict=True)]


def address_of(channel: grpc.Channel) -> str:
    target: bytes = channel._channel.target()  # type: ignore[attr-defined]
    return target.decode().rpartition("/")[2]


def test_calls_of_unknown_methods_share_one_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    paths = (f"{CREATE}s", "/bayar.payments.v2.PaymentService/CreatePayment", "/nothing", "/a/b/c", f"/{'x' * 200}/y")
    house = a_house()
    with serving(house) as channel:
        for path in paths:
            call: Any = channel.unary_unary(path)
            with pytest.raises(grpc.RpcError) as refused:
                call(b"", timeout=10)
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    lines = lines_of(caplog)
    assert [(level, line["method"], line["code"]) for level, line in lines] == [
        (logging.INFO, UNKNOWN, "UNIMPLEMENTED")
    ] * len(paths)
    assert "xxx" not in caplog.text
    shown = exposed(house.container.instruments().collect())[0].decode()
    labels = 'grpc_code="UNIMPLEMENTED",grpc_method="unknown",grpc_service="unknown",grpc_type="unknown"'
    counted = [line for line in shown.splitlines() if "UNIMPLEMENTED" in line and "_total{" in line]
    assert counted == [f"grpc_server_handled_total{{{labels}}} {len(paths)}.0"]


def test_calls_that_a_stop_cuts_name_their_caller_and_request_as_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    house, slow = a_slow_house(grpc_threads=2)
    orders = [an_order() for _ in range(4)]
    try:
        with ExitStack() as stack:
            with serving(house) as channel:
                # The server stops while this one is open.
                own = stack.enter_context(grpc.insecure_channel(address_of(channel)))
                create = PaymentServiceStub(own).CreatePayment
                calls = [create.future(orders[0], timeout=30)]
                assert slow.begun.acquire(timeout=10)
                # There are fewer threads than calls.
                calls += [create.future(order, timeout=30) for order in orders[1:]]
                until(lambda: house.container.server().open_calls == len(orders))
            assert {call.code() for call in calls} == {grpc.StatusCode.UNAVAILABLE}
        cut = [(level, line["request_id"], line["reason"], line["caller"]) for level, line in lines_of(caplog)]
        assert sorted(cut) == sorted((logging.WARNING, one.request_id, "SERVICE_STOPPING", "default") for one in orders)
    finally:
        slow.go_on.set()


def test_a_call_whose_request_never_comes_has_a_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(early_authentication, "REQUEST_SECONDS", 0.1)
    with serving(a_house()) as channel, Connection.to(address_of(channel)) as connection:
        connection.send(frame(http2.HEADERS, http2.END_HEADERS, 1, call_headers(CREATE)))
        connection.read_until(lambda: bool(lines_of(caplog)), 10)
    lines = [(line["code"], line["method"], line["caller"]) for _, line in lines_of(caplog)]
    assert lines == [("DEADLINE_EXCEEDED", CREATE, "default")]
