"""Work that is held, webhooks of Braintree, and endpoints of events."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from typing import Final

import psycopg

from bayar.payments.v1.admin_service_pb2 import WebhookNotificationState
from tests.deploy.drills.database_drills import OLDEST_TRANSACTIONS
from tests.deploy.drills.drill import Drill, Plan
from tests.end_to_end.service import until


def a_service_that_is_held(drill: Drill) -> None:
    drill.fault("an administrator holds the service, and forgets it")
    drill.shell('bayar background hold --reason "restored, reconciling"')
    for number in range(110):
        drill.stack.twin.control.send_webhook("transaction_settled", f"drill{number}")
    drill.say("110 webhooks of Braintree arrive")
    drill.fires("BayarWebhooksWaiting", "BayarServiceHeld")
    drill.shell("bayar background status")
    drill.shell("bayar webhooks list --state pending --limit 2")
    drill.shell("bayar background release")
    drill.is_over("BayarServiceHeld", "BayarWebhooksWaiting")
    drill.shell("bayar webhooks list --state pending")


def a_relay_that_waits(drill: Drill) -> None:
    drill.fault("background work is held, and payments go on")
    drill.shell('bayar background hold --accept-calls --reason "maintenance"')
    drill.fires("BayarFeedLate", "BayarSettlementLate")
    drill.query("max(bayar_feed_unpublished_events)")
    drill.query("max(bayar_settlement_polls_due)")
    drill.shell("bayar background status")
    drill.shell("bayar background release")
    drill.is_over("BayarFeedLate", "BayarSettlementLate")
    drill.query("max(bayar_feed_unpublished_events)")


def a_search_that_waits(drill: Drill) -> None:
    report = psycopg.connect(drill.stack.database_url)
    report.execute("SELECT * FROM search_progress FOR UPDATE")
    drill.fault("somebody's transaction locks the progress of the search index, and payments go on")
    drill.fires("BayarSearchLate")
    drill.shell("bayar search status")
    drill.shell(OLDEST_TRANSACTIONS, lines=5)
    drill.shell(f'psql "$BAYAR_DATABASE_URL" -c "SELECT pg_terminate_backend({report.info.backend_pid})"')
    report.close()
    drill.is_over("BayarSearchLate")
    drill.shell("bayar search status")


def webhooks_that_fail(drill: Drill) -> None:
    twin = drill.stack.twin.control
    twin.add_fault("reset_before", method="GET", path="/transactions/*")
    twin.add_fault("reset_before", path="/transactions/advanced_search*")
    drill.fault("the gateway resets every look-up, and sends a webhook about a payment")
    twin.send_webhook("transaction_settled", twin.ledger()[-1].id)
    drill.fires("BayarWebhooksDead")
    drill.shell("bayar webhooks list --state dead")
    twin.clear_faults()
    drill.say("the gateway answers again")
    client = drill.stack.service.client()
    (dead,) = [
        one
        for one in client.list_webhook_notifications()
        if one.state == WebhookNotificationState.WEBHOOK_NOTIFICATION_STATE_DEAD
    ]
    drill.shell(f"bayar webhooks retry {dead.notification_id}")
    drill.is_over("BayarWebhooksDead")
    drill.shell("bayar webhooks list --state dead")


def webhooks_that_are_forged(drill: Drill) -> None:
    drill.fault("thirty webhooks with a wrong signature")
    for _ in range(30):
        _post_forged(f"{drill.stack.service.http_url}/webhooks/braintree")
    drill.fires("BayarWebhooksForged")
    drill.query("sum by (outcome) (bayar_webhook_requests_total)")
    drill.shell("bayar webhooks list")
    drill.is_over("BayarWebhooksForged")


def _post_forged(url: str) -> None:
    form = urllib.parse.urlencode({"bt_signature": "key|0000", "bt_payload": "Zm9yZ2Vk"}).encode()
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(url, data=form, timeout=10)  # noqa: S310 (our own address)


def an_endpoint_that_fails(drill: Drill) -> None:
    drill.stack.endpoint.status = 500
    drill.fault("the shop's endpoint answers 500")
    drill.fires("BayarEventEndpointFailing")
    drill.shell("bayar webhooks endpoints")
    drill.stack.execute(
        "UPDATE event_lines SET failing_since = failing_since - interval '3 days', next_attempt_time = now()"
    )
    drill.say("three days pass, in the database")
    drill.fires("BayarEventDeadLetters")
    drill.shell("bayar webhooks undelivered shop")
    drill.stack.endpoint.status = 204
    drill.say("the endpoint answers 204 again")
    drill.is_over("BayarEventEndpointFailing")
    events = [one.event_id for one in drill.stack.service.client().list_event_deliveries(endpoint="shop")]
    drill.shell(f"bayar webhooks resend shop {' '.join(events[:100])}")
    drill.is_over("BayarEventDeadLetters")
    drill.shell("bayar webhooks undelivered shop")
    until(lambda: drill.stack.endpoint.received, what="an event")


EVENT_DRILLS: Final = (
    Plan(("BayarServiceHeld", "BayarWebhooksWaiting"), a_service_that_is_held),
    Plan(("BayarFeedLate", "BayarSettlementLate"), a_relay_that_waits),
    Plan(("BayarSearchLate",), a_search_that_waits),
    Plan(("BayarWebhooksDead",), webhooks_that_fail),
    Plan(("BayarWebhooksForged",), webhooks_that_are_forged),
    Plan(("BayarEventEndpointFailing", "BayarEventDeadLetters"), an_endpoint_that_fails),
)
