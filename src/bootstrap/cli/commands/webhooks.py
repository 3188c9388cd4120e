"""bayar webhooks list|retry|endpoints|undelivered|resend: webhooks from the gateway, and those to shops."""

import argparse
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from bayar.messages import BayarClient
from bayar.payments.v1.admin_service_pb2 import (
    EventDelivery,
    EventDeliveryState,
    EventEndpoint,
    WebhookNotification,
    WebhookNotificationOutcome,
    WebhookNotificationState,
)
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.acts import act, add_act
from bootstrap.cli.terminal.arguments import add_limit, add_request_id
from bootstrap.cli.terminal.connection import add_common_arguments
from bootstrap.cli.terminal.listing import print_list
from bootstrap.cli.terminal.output import as_json, console, write_json
from bootstrap.cli.terminal.tables import Column
from bootstrap.cli.terminal.timestamps import Clock

_STATES: Final = [
    name.removeprefix("WEBHOOK_NOTIFICATION_STATE_").lower() for name in WebhookNotificationState.keys()[1:]
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    every = actions.add_parser(
        "list",
        help="list the gateway's webhooks, newest first",
        description="Lists the webhooks that the gateway has sent, newest first.",
    )
    every.add_argument(
        "--state", nargs="+", action="extend", default=[], choices=_STATES, metavar="STATE", help=", ".join(_STATES)
    )
    add_limit(every)
    add_common_arguments(every, list_notifications)
    retry = actions.add_parser(
        "retry",
        help="process a webhook of the gateway again",
        description="Processes a webhook of the gateway again, for example a dead letter.",
    )
    retry.add_argument("notification_id", metavar="NOTIFICATION_ID")
    add_request_id(retry)
    add_act(retry)
    add_common_arguments(retry, retry_notification)
    endpoints = actions.add_parser(
        "endpoints",
        help="list the endpoints of event webhooks",
        description="Lists the shops' endpoints and how far each has received its events.",
    )
    add_limit(endpoints)
    add_common_arguments(endpoints, list_endpoints)
    undelivered = actions.add_parser(
        "undelivered",
        help="list events that an endpoint did not receive",
        description="Lists the dead letters of an endpoint, and the events that are to be sent again, oldest first.",
    )
    undelivered.add_argument("endpoint", metavar="ENDPOINT")
    add_limit(undelivered)
    add_common_arguments(undelivered, list_deliveries)
    resend = actions.add_parser(
        "resend",
        aliases=["redeliver"],
        help="send events to an endpoint again",
        description="Sends 1 to 100 events to an endpoint again.",
    )
    resend.add_argument("endpoint", metavar="ENDPOINT")
    resend.add_argument("event_ids", nargs="+", metavar="EVENT_ID")
    add_request_id(resend)
    add_act(resend)
    add_common_arguments(resend, resend_events)


def list_notifications(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    clock = Clock(local=parsed.local)
    return print_list(
        parsed,
        lambda page_size: bayar.list_webhook_notifications(
            states=[
                WebhookNotificationState.Value(f"WEBHOOK_NOTIFICATION_STATE_{one.upper()}") for one in parsed.state
            ],
            page_size=page_size,
        ),
        [
            Column(f"received ({clock.zone_name})"),
            Column("kind"),
            Column("state"),
            Column("outcome", rank=2),
            Column("attempts", align="right", rank=3),
            Column("last error", rank=4, shrinks=20),
            Column("notification", rank=1),
        ],
        lambda notification: _notification(notification, clock),
        noun="webhook",
    )


def retry_notification(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    notification = bayar.retry_webhook_notification(
        notification_id=parsed.notification_id, request_id=parsed.request_id, **act(parsed, bayar)
    )
    if parsed.json:
        write_json(as_json(notification))
    else:
        console().print(
            f"{notification.kind}: {words.phrase(WebhookNotificationState, notification.state)}, "
            f"to be processed shortly.",
            soft_wrap=True,
        )
    return 0


def list_endpoints(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    clock = Clock(local=parsed.local)
    return print_list(
        parsed,
        lambda _: bayar.list_event_endpoints(),
        [
            Column("endpoint"),
            Column("caller", rank=2),
            Column("position", align="right"),
            Column("behind", align="right"),
            Column("dead letters", align="right"),
            Column(f"failing since ({clock.zone_name})", rank=1),
            Column("last error", rank=3, shrinks=20),
            Column(f"last received ({clock.zone_name})", rank=4),
        ],
        lambda endpoint: _endpoint(endpoint, clock),
        noun="endpoint",
        order="first",
    )


def list_deliveries(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    clock = Clock(local=parsed.local)
    return print_list(
        parsed,
        lambda page_size: bayar.list_event_deliveries(endpoint=parsed.endpoint, page_size=page_size),
        [
            Column("event"),
            Column("position", align="right", rank=1),
            Column("state"),
            Column("reason", rank=2, shrinks=20),
            Column(f"since ({clock.zone_name})", rank=3),
        ],
        lambda delivery: _delivery(delivery, clock),
        noun="undelivered event",
        order="oldest",
    )


def resend_events(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    count = bayar.resend_events(
        endpoint=parsed.endpoint, event_ids=parsed.event_ids, request_id=parsed.request_id, **act(parsed, bayar)
    )
    if parsed.json:
        write_json({"event_count": count})
    else:
        console().print(f"{count} event{' is' if count == 1 else 's are'} sent to {parsed.endpoint} again.")
    return 0


def _notification(notification: WebhookNotification, clock: Clock) -> Sequence[Text | str]:
    outcome = notification.outcome
    return (
        clock.minute(notification.receive_time),
        words.plain(notification.kind),
        words.phrase(WebhookNotificationState, notification.state),
        words.phrase(WebhookNotificationOutcome, outcome) if outcome else "",
        str(notification.attempt_count),
        words.plain(notification.last_error),
        notification.notification_id,
    )


def _endpoint(endpoint: EventEndpoint, clock: Clock) -> Sequence[Text | str]:
    failing = endpoint.HasField("failing_since_time")
    return (
        words.plain(endpoint.name),
        words.plain(endpoint.caller_id),
        str(endpoint.position),
        str(endpoint.behind),
        str(endpoint.dead_count),
        clock.minute(endpoint.failing_since_time) if failing else "",
        words.plain(endpoint.last_error),
        clock.minute(endpoint.success_time) if endpoint.HasField("success_time") else "",
    )


def _delivery(delivery: EventDelivery, clock: Clock) -> Sequence[Text | str]:
    return (
        delivery.event_id,
        str(delivery.position),
        words.phrase(EventDeliveryState, delivery.state),
        words.plain(delivery.reason),
        clock.minute(delivery.change_time),
    )
