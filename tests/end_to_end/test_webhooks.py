"""Incoming webhooks are processed once, in any order, and only with a valid signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import braintree
import pytest

from adapters.braintree.settings import TwinEnvironment
from bayar.messages import BayarClient, Payment, PaymentFunds
from bayar.payments.v1.admin_service_pb2 import (
    ListWebhookNotificationsRequest,
    RetryWebhookNotificationRequest,
    WebhookNotification,
    WebhookNotificationOutcome,
    WebhookNotificationState,
)
from bayar.payments.v1.dispute_pb2 import DisputeState
from bayar.payments.v1.payment_method_pb2 import PaymentMethodState
from tests.end_to_end.dispute_steps import OPEN, Disputes, a_request_id, pay_and_settle, turn_on_webhooks
from tests.end_to_end.payment_steps import a_card, pay
from tests.end_to_end.refusal_reader import refused
from tests.end_to_end.service import Pair, run_bayar, running_pair, until

DONE = WebhookNotificationState.WEBHOOK_NOTIFICATION_STATE_DONE
DEAD = WebhookNotificationState.WEBHOOK_NOTIFICATION_STATE_DEAD
PENDING = WebhookNotificationState.WEBHOOK_NOTIFICATION_STATE_PENDING


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"BAYAR_DISPUTE_POLL_SECONDS": "3600", "BAYAR_WEBHOOK_ATTEMPTS": "3"}


@pytest.fixture(scope="module")
def disputes(bayar: BayarClient, pair: Pair) -> Disputes:
    turn_on_webhooks(pair)
    return Disputes.of(bayar)


def exchange(
    pair: Pair, method: str, path: str, form: dict[str, str] | bytes | None = None
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(pair.service.http_url).netloc, timeout=30)
    body = urlencode(form) if isinstance(form, dict) else form
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def deliver(pair: Pair, signature: str, payload: str) -> int:
    form = {"bt_signature": signature, "bt_payload": payload}
    return exchange(pair, "POST", "/webhooks/braintree", form).status


def signed(pair: Pair, document: str) -> tuple[str, str]:
    """As Braintree signs."""
    payload = base64.encodebytes(document.encode()).decode()
    key = hashlib.sha1(pair.twin.private_key.encode()).digest()  # noqa: S324 (as the gateway does it)
    return f"{pair.twin.public_key}|{hmac.new(key, payload.encode(), hashlib.sha1).hexdigest()}", payload


def told(disputes: Disputes, *states: WebhookNotificationState.ValueType) -> list[WebhookNotification]:
    request = ListWebhookNotificationsRequest(states=states, page_size=500)
    found: list[WebhookNotification] = []
    while True:
        answer = disputes.admin.ListWebhookNotifications(request, timeout=30)
        found += answer.notifications
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


def await_told(disputes: Disputes, kind: str, state: WebhookNotificationState.ValueType = DONE) -> WebhookNotification:
    return until(lambda: next((one for one in told(disputes, state) if one.kind == kind), None), seconds=30)


def metrics(pair: Pair) -> dict[str, float]:
    answer = exchange(pair, "GET", "/metrics")
    assert (answer.getheader("Content-Type") or "").startswith("text/plain; version=0.0.4")
    lines = answer.body.decode().splitlines()  # type: ignore[attr-defined]
    return {name: float(number) for name, _, number in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_no_challenge_of_anybody_else_is_answered(pair: Pair) -> None:
    for challenge in ("", "?bt_challenge=", "?bt_challenge=nothex", "?bt_challenge=" + "a" * 33, "?bt_challenge=%00"):
        answer = exchange(pair, "GET", f"/webhooks/braintree{challenge}")
        assert (answer.status, answer.body) == (401, b"")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"bt_signature": "a|b"},
        {"bt_payload": "YQ=="},
        {"bt_signature": "twin_public_key|0123", "bt_payload": "YQ=="},
        {"bt_signature": "||||", "bt_payload": "YQ=="},
        {"bt_signature": "a|b|c&twin_public_key|x", "bt_payload": "YQ=="},
        {"bt_signature": "twin_public_key|é", "bt_payload": "é"},
        {"bt_signature": "", "bt_payload": ""},
        b"\xff\xfe%%%",
        b"",
    ],
)
def test_a_webhook_with_an_invalid_signature_is_refused_without_details(
    pair: Pair, form: dict[str, str] | bytes
) -> None:
    answer = exchange(pair, "POST", "/webhooks/braintree", form)
    assert (answer.status, answer.body) == (401, b"")  # type: ignore[attr-defined]


def test_a_genuine_signature_does_not_cover_another_payload(pair: Pair) -> None:
    signature, payload = signed(pair, "<notification><kind>check</kind></notification>")
    _, other = signed(pair, "<notification><kind>dispute_won</kind></notification>")
    assert deliver(pair, signature, other) == 401
    assert deliver(pair, signature.replace(pair.twin.public_key, "other_key"), payload) == 401
    assert deliver(pair, f"other_key|00&{signature}", payload) == 200


def test_large_bodies_are_refused_before_they_are_read(pair: Pair) -> None:
    assert exchange(pair, "POST", "/webhooks/braintree", b"bt_payload=" + b"x" * 2_000_000).status == 413
    connection = http.client.HTTPConnection(urlsplit(pair.service.http_url).netloc, timeout=30)
    connection.putrequest("POST", "/webhooks/braintree")
    connection.putheader("Content-Type", "application/x-www-form-urlencoded")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_the_same_notification_is_stored_once(pair: Pair, disputes: Disputes) -> None:
    document = "<notification><kind>check</kind><subject><check type='boolean'>true</check></subject></notification>"
    signature, payload = signed(pair, document)
    digest = hashlib.sha256(document.encode()).hexdigest()
    with ThreadPoolExecutor(8) as senders:
        assert set(senders.map(lambda _: deliver(pair, signature, payload), range(24))) == {200}
    assert [one.kind for one in told(disputes) if one.notification_id == digest] == ["check"]


def test_unknown_kinds_are_kept_and_counted(pair: Pair, disputes: Disputes) -> None:
    signature, payload = signed(
        pair, "<notification><kind>moon_phase_changed</kind><subject><moon><id>1</id></moon></subject></notification>"
    )
    assert deliver(pair, signature, payload) == 200
    kept = await_told(disputes, "moon_phase_changed")
    assert kept.outcome == WebhookNotificationOutcome.WEBHOOK_NOTIFICATION_OUTCOME_UNKNOWN_KIND
    name = 'bayar_webhook_notifications_total{kind="unknown",outcome="unknown_kind"}'
    assert metrics(pair)[name] >= 1


def test_every_kind_that_the_gateway_sends_is_taken_in(pair: Pair, disputes: Disputes) -> None:
    kinds = ["check", "disbursement", "disbursement_exception", "transaction_disbursed", "transaction_settled"]
    kinds += ["transaction_settlement_declined", "dispute_lost", "dispute_auto_accepted", "transaction_reviewed"]
    kinds += ["payment_method_revoked_by_customer", "account_updater_daily_report", "subscription_expired"]
    kinds += ["local_payment_completed", "granted_payment_method_revoked", "refund_failed"]
    for kind in kinds:
        pair.twin.control.send_webhook(kind, f"some_{kind}")
    until(lambda: {one.kind for one in told(disputes, DONE)} >= set(kinds), seconds=30)
    outcomes = {one.kind: one.outcome for one in told(disputes, DONE)}
    ours = WebhookNotificationOutcome.WEBHOOK_NOTIFICATION_OUTCOME_NOT_OURS
    assert outcomes["dispute_lost"] == outcomes["disbursement"] == outcomes["transaction_reviewed"] == ours
    assert not told(disputes, DEAD)


@pytest.mark.usefixtures("disputes")
def test_a_payout_is_reported_by_its_webhook(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar, "23.00")
    pair.twin.control.settle()
    bayar.verify_payment(payment_id=payment.payment_id)
    pair.twin.control.advance(3 * 24 * 3600)
    pair.twin.control.settle()
    disbursed = PaymentFunds.PAYMENT_FUNDS_DISBURSED
    until(lambda: bayar.get_payment(payment_id=payment.payment_id).funds == disbursed, seconds=30)


@pytest.mark.usefixtures("disputes")
def test_a_revoked_method_is_deleted_and_a_renewed_card_is_read_again(bayar: BayarClient, pair: Pair) -> None:
    customer = bayar.create_customer(email="payer@shop.example")
    first, second = (
        bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(number)).payment_method_id
        for number in ("4111111111111111", "5555555555554444")
    )
    pair.twin.control.send_webhook("payment_method_revoked_by_customer", first)
    deleted = PaymentMethodState.PAYMENT_METHOD_STATE_DELETED
    until(lambda: bayar.get_payment_method(payment_method_id=first).state == deleted)
    assert bayar.get_customer(customer_id=customer.customer_id).default_payment_method_id == second
    sdk_of(pair).credit_card.update(second, {"expiration_date": "11/2039"})
    pair.twin.control.send_webhook("account_updater_daily_report", "any")
    until(lambda: bayar.get_payment_method(payment_method_id=second).instrument.expiration_year == 2039)


def test_a_failing_webhook_becomes_a_dead_letter_and_is_retried_on_demand(
    bayar: BayarClient, pair: Pair, disputes: Disputes
) -> None:
    payment = pay_and_settle(bayar, pair)
    dispute = disputes.await_one(payment)
    pair.twin.control.add_fault("status", path="/disputes/*", status=500)
    gateway_id = next(one.gateway_dispute_id for one in told(disputes) if one.kind == "dispute_opened")
    pair.twin.control.send_webhook("dispute_under_review", gateway_id)
    dead = await_told(disputes, "dispute_under_review", DEAD)
    assert (dead.attempt_count, dead.gateway_dispute_id) == (3, gateway_id)
    assert dead.last_error
    assert metrics(pair)['bayar_webhook_unfinished{state="dead"}'] == 1
    pair.twin.control.clear_faults()
    request = RetryWebhookNotificationRequest(request_id=a_request_id(), notification_id=dead.notification_id)
    assert disputes.admin.RetryWebhookNotification(request, timeout=30).notification.state == PENDING
    # The same request says what has become of it, and does not begin anew.
    until(lambda: disputes.admin.RetryWebhookNotification(request, timeout=30).notification.state == DONE)
    assert not told(disputes, DEAD)
    unknown = RetryWebhookNotificationRequest(request_id=a_request_id(), notification_id="0" * 64)
    assert refused(disputes.admin.RetryWebhookNotification, unknown).reason == "NOTIFICATION_NOT_FOUND"
    wrong = RetryWebhookNotificationRequest(request_id=a_request_id(), notification_id="x")
    assert refused(disputes.admin.RetryWebhookNotification, wrong).faults == {"notification_id": ["NOTIFICATION_ID"]}
    assert disputes.get(dispute).state == OPEN


def test_health_and_metrics_answer(pair: Pair) -> None:
    assert exchange(pair, "GET", "/healthz").status == 200
    assert exchange(pair, "GET", "/readyz").status == 200
    assert exchange(pair, "GET", "/").status == 404
    shown = metrics(pair)
    assert shown['bayar_webhook_requests_total{kind="",outcome="forged"}'] >= 1
    assert shown['bayar_gateway_handshakes_total{kind="full"}'] >= 1
    assert shown['bayar_gateway_calls_total{calls="others",end="answered"}'] >= 1


def test_an_address_that_is_taken_is_reported(pair: Pair, tmp_path: Path) -> None:
    taken = urlsplit(pair.service.http_url).netloc
    environment = pair.service.environment | {
        "BAYAR_HTTP_ADDRESS": taken,
        "BAYAR_DATABASE_URL": f"sqlite:///{tmp_path / 'b.db'}",
    }
    run = run_bayar("serve", environment=environment)
    assert run.returncode == 1
    assert f"cannot listen on {taken}. Set BAYAR_HTTP_ADDRESS" in run.stderr


def test_a_flood_does_not_keep_the_service_from_its_work(bayar: BayarClient, pair: Pair) -> None:
    payload = base64.encodebytes(bytes(200_000)).decode()
    with ThreadPoolExecutor(32) as senders:
        flood = [senders.submit(deliver, pair, f"{pair.twin.public_key}|00", payload) for _ in range(400)]
        assert pay(bayar, "19.00").payment_id
        statuses = {sent.result() for sent in flood}
    assert statuses <= {401, 503}
    signature, genuine = signed(pair, "<notification><kind>check</kind><subject/></notification>")
    assert deliver(pair, signature, genuine) == 200


@pytest.fixture
def own_pair(tmp_path: Path) -> Iterator[Pair]:
    with running_pair(tmp_path, {"BAYAR_DISPUTE_POLL_SECONDS": "3600"}) as pair:
        yield pair


def test_killed_between_the_inbox_and_the_work_it_loses_nothing(own_pair: Pair) -> None:
    bayar = own_pair.service.client()
    turn_on_webhooks(own_pair)
    # The gateway answers nobody who asks about disputes, so that notifications wait in the inbox.
    own_pair.twin.control.add_fault("status", method="GET", path="/disputes/*", status=503)
    payments = [pay_and_settle(bayar, own_pair) for _ in range(5)]
    until(lambda: len(told(Disputes.of(bayar), PENDING)) == 5)
    own_pair.service.kill()
    own_pair.twin.control.clear_faults()
    own_pair.service.restart()
    disputes = Disputes.of(own_pair.service.client())
    for payment in payments:
        assert disputes.await_one(payment).state == OPEN


def test_a_storm_of_late_repeated_shuffled_and_forged_notifications_leaves_the_right_state(own_pair: Pair) -> None:
    bayar, twin = own_pair.service.client(), own_pair.twin
    payments = [pay(bayar, f"{20 + number}.00", card=a_card("4023898493988028")) for number in range(25)]
    twin.control.settle()
    # Collected, not delivered: the address is where nobody listens.
    genuine: list[tuple[str, str]] = []
    gateway_ids = _dispute_ids(own_pair, payments)
    ends = ["won", "lost", "accepted", "expired", "under_review"]
    for number, gateway_id in enumerate(gateway_ids):
        end = ends[number % len(ends)]
        for kind in ("opened", "disputed", "under_review", end):
            for _ in range(10):
                sent = twin.control.send_webhook(f"dispute_{kind}", gateway_id)
                genuine += [(one.bt_signature, one.bt_payload) for one in sent]
        twin.control.move_dispute(gateway_id, end)
    # The same second gives the same payload: a counter in white space makes 1,000 different ones.
    different = [_resigned(own_pair, payload, number) for number, (_, payload) in enumerate(genuine)]
    assert len(set(different)) == 1000
    forged = [(signature[:-4] + "0000", payload) for signature, payload in different[:200]]
    storm = [*different * 3, *forged]
    random.Random(7).shuffle(storm)  # noqa: S311
    with ThreadPoolExecutor(8) as senders:
        statuses = list(senders.map(lambda one: _until_taken(own_pair, *one), storm))
    assert (statuses.count(200), statuses.count(401)) == (3000, 200)
    disputes = Disputes.of(bayar)
    until(lambda: metrics(own_pair)['bayar_webhook_unfinished{state="pending"}'] == 0, seconds=90)
    assert not told(disputes, DEAD)
    assert len([one for one in told(disputes, DONE) if one.kind.startswith("dispute_")]) == 1000
    for number, payment in enumerate(payments):
        end = ends[number % len(ends)]
        [dispute] = disputes.of_payment(payment)
        assert DisputeState.Name(dispute.state) == f"DISPUTE_STATE_{end.upper()}"
        now = bayar.get_payment(payment_id=payment.payment_id)
        claimed = 0 if end == "won" else payment.amount.minor_units
        assert now.disputed_amount.minor_units == claimed
        assert now.refundable_amount.minor_units == payment.amount.minor_units - claimed


def sdk_of(pair: Pair) -> braintree.BraintreeGateway:
    """Somebody else at the same merchant account: a bank, or a person in the control panel."""
    twin = pair.twin
    environment = TwinEnvironment(twin.url, str(twin.ca_file))
    return braintree.BraintreeGateway(
        braintree.Configuration(environment, twin.merchant_id, twin.public_key, twin.private_key)
    )


def _dispute_ids(pair: Pair, payments: list[Payment]) -> list[str]:
    find = sdk_of(pair).transaction.find
    return [str(find(payment.gateway_details.transaction_id).disputes[0].id) for payment in payments]


def _resigned(pair: Pair, payload: str, number: int) -> tuple[str, str]:
    document = base64.b64decode(payload).decode()
    return signed(pair, re.sub("</notification>\\s*$", f"<!-- {number} --></notification>", document))


def _until_taken(pair: Pair, signature: str, payload: str) -> int:
    """As the gateway does: again, when it is told to come again."""
    return until(lambda: (status := deliver(pair, signature, payload)) != 503 and status, seconds=60)
