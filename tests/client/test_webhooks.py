"""A receiver believes the service's own webhooks, and nothing that somebody made, changed or kept."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from email.message import Message
from typing import Any

import pytest

from adapters.event_webhooks.signing import signature
from bayar import EventType, Operation, Payment, PaymentState
from bayar.webhooks import WebhookError, read_webhook

SECRET = "a-secret-that-signs-the-events"
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 bytes").decode()
NOW = int(datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp())
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "evt_1",
    "type": "bayar.payments.v1.payment_changed",
    "subject": "pay_1",
    "position": "7",
    "data": {
        "position": "7",
        "event_id": "evt_1",
        "type": "EVENT_TYPE_PAYMENT_CHANGED",
        "payment_change": {"payment": {"payment_id": "pay_1", "state": "PAYMENT_STATE_SETTLED"}},
    },
}
BODY = json.dumps(EVENT).encode()


def headers(body: bytes = BODY, *, keys: tuple[bytes, ...] = (SECRET.encode(),), at: int = NOW) -> dict[str, str]:
    return {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": str(at),
        "Webhook-Signature": signature(keys, "evt_1", at, body),
        "Content-Type": "application/cloudevents+json; charset=utf-8",
    }


def test_a_genuine_event_is_read() -> None:
    webhook = read_webhook(headers(), BODY, SECRET, now=NOW)
    assert (webhook.id, webhook.type, webhook.subject) == ("evt_1", "bayar.payments.v1.payment_changed", "pay_1")
    assert webhook.event.position == 7
    assert webhook.event.payment_change is not None
    assert webhook.event.payment_change.payment.state is PaymentState.SETTLED


def test_the_headers_of_the_standard_library_are_read() -> None:
    message = Message()
    for name, value in headers().items():
        message[name] = value
    assert read_webhook(message, BODY, SECRET, now=NOW).id == "evt_1"


@pytest.mark.parametrize(
    "secret", [f"{SECRET} {OTHER}", [OTHER, SECRET], f"\n{SECRET}\n"], ids=["with a space", "a list", "from a file"]
)
def test_during_a_rotation_either_secret_will_do(secret: str | list[str]) -> None:
    assert read_webhook(headers(), BODY, secret, now=NOW).id == "evt_1"


def test_a_secret_in_base64_is_read() -> None:
    signed = headers(keys=(b"old secret, which signs, too", b"another secret of 24 bytes"))
    assert read_webhook(signed, BODY, OTHER, now=NOW).id == "evt_1"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"Webhook-Signature": "v1,AAAA"}, "No signature"),
        ({"Webhook-Signature": headers()["Webhook-Signature"].replace("v1,", "v1a,")}, "No signature"),
        ({"Webhook-Signature": headers()["Webhook-Signature"] + "=\u00e9"}, "No signature"),
        ({"Webhook-Id": "evt_2"}, "No signature"),
        ({"Webhook-Timestamp": str(NOW + 1)}, "No signature"),
        ({"Webhook-Timestamp": "soon"}, "is no time"),
        ({"Webhook-Timestamp": "-1"}, "is no time"),
        ({"Webhook-Timestamp": "1" * 5000}, "is no time"),
        ({"Webhook-Signature": ""}, "webhook-signature is missing"),
        ({"Webhook-Id": ""}, "webhook-id is missing"),
    ],
)
def test_a_changed_request_is_refused(changed: dict[str, str], why: str) -> None:
    with pytest.raises(WebhookError, match=why) as raised:
        read_webhook(headers() | changed, BODY, SECRET, now=NOW)
    assert SECRET not in str(raised.value)


def test_another_body_is_refused() -> None:
    with pytest.raises(WebhookError, match="No signature"):
        read_webhook(headers(), BODY.replace(b"SETTLED", b"DECLINED"), SECRET, now=NOW)


def test_another_secret_is_refused() -> None:
    with pytest.raises(WebhookError, match="No signature"):
        read_webhook(headers(), BODY, OTHER, now=NOW)


@pytest.mark.parametrize("later", [-301, 301, 10**9])
def test_an_old_one_is_refused_and_one_of_the_future_too(later: int) -> None:
    with pytest.raises(WebhookError, match="signed more than 300 s from now"):
        read_webhook(headers(), BODY, SECRET, now=NOW + later)


@pytest.mark.parametrize("later", [-300, 0, 300])
def test_clocks_may_differ_by_five_minutes(later: int) -> None:
    assert read_webhook(headers(), BODY, SECRET, now=NOW + later).id == "evt_1"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"data": 7, "id": "e", "type": "t"}', b"\xff"])
def test_a_signed_body_without_an_event_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookError, match="holds no event"):
        read_webhook(headers(body), body, SECRET, now=NOW)


def test_an_event_of_a_newer_service_is_read() -> None:
    operations = [{"operation_id": "op_1", "kind": "OPERATION_KIND_DANCE", "steps": 3}]
    payment = {
        "payment_id": "pay_1",
        "state": "PAYMENT_STATE_SETTLED",
        "operations": operations,
        "metadata": {"a": "b"},
    }
    data = EVENT["data"] | {
        "mood": "good",
        "payment_change": {"payment": payment},
        "event_time": "2026-11-28T12:00:00Z",
    }
    body = json.dumps(EVENT | {"data": data | {"type": "EVENT_TYPE_MOON_CHANGED"}, "phase": "full"}).encode()
    event = read_webhook(headers(body), body, SECRET, now=NOW).event
    assert (event.position, event.type) == (7, EventType.UNSPECIFIED)
    assert event.event_time.timestamp() == NOW
    assert event.payment_change is not None
    assert event.payment_change.payment == Payment(
        payment_id="pay_1",
        state=PaymentState.SETTLED,
        operations=(Operation(operation_id="op_1"),),
        metadata={"a": "b"},
    )


@pytest.mark.parametrize("secret", ["", " ", [], [""], "whsec_ä", "whsec_", [SECRET, "whsec_"]])
def test_a_secret_that_is_none_is_the_receivers_own_fault(secret: str | list[str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        read_webhook(headers(), BODY, secret, now=NOW)
