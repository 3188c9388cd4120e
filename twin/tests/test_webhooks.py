"""Webhooks: signed, delivered to a server of the test, and retried when it fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import braintree
import pytest
from braintree import WebhookNotification
from braintree.exceptions.invalid_signature_error import InvalidSignatureError
from twin_sdk import card, gateway_to, sale, settled_sale

from braintree_twin.control import ControlError, WebhookDelivery
from braintree_twin.testing import Twin, start_twin

Gateway = braintree.BraintreeGateway
KINDS = sorted(kind for name, kind in vars(WebhookNotification.Kind).items() if not name.startswith("_"))
SECONDS = 10


@dataclass
class Receiver:
    """A merchant's server. It answers with the statuses given, then with 200."""

    gateway: Gateway
    statuses: list[int] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    challenges: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    url: str = ""

    def wait_for(self, count: int) -> list[Any]:
        """The first so many notifications, as the SDK parses them."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.forms) >= count, SECONDS), self.forms
            forms = list(self.forms)
        return [self.gateway.webhook_notification.parse(form["bt_signature"], form["bt_payload"]) for form in forms]


@contextmanager
def receiving(gateway: Gateway, *statuses: int) -> Iterator[Receiver]:
    receiver = Receiver(gateway, list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (challenge,) = parse_qs(urlsplit(self.path).query)["bt_challenge"]
            receiver.challenges += 1
            self._answer(200, gateway.webhook_notification.verify(challenge))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            with receiver.changed:
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                receiver.forms.append({name: values[0] for name, values in parse_qs(body).items()})
                receiver.changed.notify_all()
            self._answer(status, "")

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/webhooks"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def own() -> Iterator[Twin]:
    with start_twin() as running:
        yield running


@pytest.fixture
def silent(own: Twin) -> Iterator[Twin]:
    """A twin that nobody has given an address to."""
    yield own
    own.control.forget_webhooks()


def settled_deliveries(twin: Twin) -> list[WebhookDelivery]:
    """The deliveries, as soon as none of them is on its way for the first time."""
    for _ in range(1000):
        deliveries = twin.control.webhooks()
        if all(each.attempts or each.status == "no_address" for each in deliveries):
            return deliveries
    raise AssertionError(deliveries)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_notification_is_sent_on_demand_and_parsed_by_the_sdk(silent: Twin, kind: str) -> None:
    gateway = gateway_to(silent)
    (sent,) = silent.control.send_webhook(kind, "my_id")
    assert sent.status == "no_address"
    notification = gateway.webhook_notification.parse(sent.bt_signature, sent.bt_payload)
    assert notification.kind == kind
    sample = gateway.webhook_testing.sample_notification(kind, "my_id")
    known = gateway.webhook_notification.parse(sample["bt_signature"], sample["bt_payload"])
    assert vars(known).keys() - vars(notification).keys() == set()


def test_a_changed_payload_fails_the_signature(silent: Twin) -> None:
    (sent,) = silent.control.send_webhook("check", "any")
    with pytest.raises(InvalidSignatureError):
        gateway_to(silent).webhook_notification.parse(sent.bt_signature, "A" + sent.bt_payload)


def test_a_dispute_sends_a_notification_for_each_status(silent: Twin) -> None:
    gateway = gateway_to(silent)
    with receiving(gateway) as receiver:
        silent.control.set_webhook_address(receiver.url, challenge=True)
        disputed = sale(gateway, credit_card=card(number="4023898493988028"))
        dispute = disputed.disputes[0]
        silent.control.move_dispute(dispute.id, "under_review")
        silent.control.move_dispute(dispute.id, "won")
        notifications = receiver.wait_for(3)
        assert [each.kind for each in notifications] == ["dispute_opened", "dispute_under_review", "dispute_won"]
        assert {each.dispute.id for each in notifications} == {dispute.id}
        assert notifications[-1].dispute.amount_won == disputed.amount
        assert receiver.challenges == 1
        assert [each.status for each in settled_deliveries(silent)] == ["delivered"] * 4


def test_a_disbursement_sends_notifications(silent: Twin) -> None:
    gateway = gateway_to(silent)
    with receiving(gateway) as receiver:
        silent.control.set_webhook_address(receiver.url)
        paid = [settled_sale(gateway).id, settled_sale(gateway, merchant_account_id="twin_eur").id]
        assert silent.control.webhooks() == []
        silent.control.advance(86_400)
        notifications = receiver.wait_for(4)
        transactions = [each.transaction for each in notifications if each.kind == "transaction_disbursed"]
        assert {each.id for each in transactions} == set(paid)
        assert all(each.disbursement_details.success for each in transactions)
        disbursements = [each.disbursement for each in notifications if each.kind == "disbursement"]
        assert {each.merchant_account.id for each in disbursements} == {"twin_usd", "twin_eur"}
        assert sorted(id for each in disbursements for id in each.transaction_ids) == sorted(paid)
        assert all(each.is_credit() and each.success for each in disbursements)


def test_a_failed_delivery_is_retried_as_the_clock_advances(silent: Twin) -> None:
    with receiving(gateway_to(silent), 500, 404) as receiver:
        silent.control.set_webhook_address(receiver.url)
        silent.control.send_webhook("check", "any")
        receiver.wait_for(1)
        _recorded(silent, 1)
        silent.control.advance(2)
        receiver.wait_for(2)
        _recorded(silent, 2)
        silent.control.advance(11)
        receiver.wait_for(3)
        assert len({form["bt_payload"] for form in receiver.forms}) == 1
        delivery = _recorded(silent, 3)
        assert delivery.status == "delivered"
        assert [each["outcome"] for each in delivery.attempts] == ["500", "404", "200"]
        assert delivery.next_attempt_at is None


def _recorded(twin: Twin, attempts: int) -> WebhookDelivery:
    """The one delivery, once the twin has recorded so many attempts: the time of the next one counts from then."""
    deadline = time.monotonic() + 30
    while True:
        (delivery,) = twin.control.webhooks()
        if len(delivery.attempts) >= attempts:
            return delivery
        assert time.monotonic() < deadline, delivery


def test_the_first_retry_needs_no_call(silent: Twin) -> None:
    with receiving(gateway_to(silent), 503) as receiver:
        silent.control.set_webhook_address(receiver.url)
        silent.control.send_webhook("check", "any")
        receiver.wait_for(2)


def test_a_pending_delivery_survives_a_kill() -> None:
    with start_twin() as twin:
        gateway = gateway_to(twin)
        twin.control.set_webhook_address("http://127.0.0.1:9/")
        twin.control.send_webhook("check", "any")
        (delivery,) = settled_deliveries(twin)
        assert delivery.status == "pending"
        twin.kill()
        with receiving(gateway) as receiver:
            twin.restart()
            (kept,) = twin.control.webhooks()
            assert (kept.id, kept.bt_payload) == (delivery.id, delivery.bt_payload)
            twin.control.set_webhook_address(receiver.url)
            twin.control.send_webhook("check", "any")
            assert receiver.wait_for(1)[0].kind == "check"


def test_a_server_without_the_keys_fails_the_challenge(silent: Twin) -> None:
    with receiving(gateway_to(silent, private_key="another")) as receiver:
        silent.control.set_webhook_address(receiver.url, challenge=True)
        (delivery,) = settled_deliveries(silent)
        assert delivery.status == "failed"
        assert delivery.attempts[0]["outcome"] == "the challenge was answered wrongly"


def test_the_command_line_sets_the_webhook_address() -> None:
    with start_twin(arguments=("--webhook-url", "http://127.0.0.1:9/hooks")) as twin:
        (sent,) = twin.control.send_webhook("check", "any")
        assert sent.url == "http://127.0.0.1:9/hooks"


def test_an_invalid_webhook_request_is_refused(silent: Twin) -> None:
    with pytest.raises(ControlError) as refusal:
        silent.control.send_webhook("no_such_kind", "any")
    assert refusal.value.field == "kind"
    with pytest.raises(ControlError) as refusal:
        silent.control.set_webhook_address("ftp://nowhere")
    assert refusal.value.field == "url"
    with pytest.raises(ControlError) as refusal:
        silent.control.move_dispute("none", "won")
    assert refusal.value.field == "id"
