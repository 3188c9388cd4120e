"""GatewayWebhooks are taken in once, listed newest first, and dealt with again when an administrator asks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.common.errors import InvalidRequest, NotFound, RequestIdReused, ResourceKind, Rule
from application.ports.gateway_webhooks import ForgedGatewayWebhook, GatewayWebhookOutcome, GatewayWebhookState
from tests.application.gateway_webhooks.inbox import GENUINE, Inbox
from tests.application.shop import SHOP, a_request_id
from tests.fakes.faulty_gateway import Fault

HOUR = timedelta(hours=1)
UNKNOWN = "f" * 64


@pytest.fixture
def inbox() -> Inbox:
    return Inbox(max_attempts=1)


# Receiving


def test_a_notification_that_comes_twice_is_kept_once(inbox: Inbox) -> None:
    one = inbox.told("check")
    stored = inbox.stored(one)
    assert (stored.state, stored.receive_time) == (GatewayWebhookState.PENDING, inbox.clock.now())
    inbox.process()
    done = inbox.stored(one)
    inbox.wait(HOUR)
    again = inbox.receive(GENUINE, one)
    assert (again.kind, again.is_new) == ("check", False)
    assert inbox.stored(one) == done


def test_receiving_a_webhook_returns_whether_it_is_new(inbox: Inbox) -> None:
    one = inbox.told("check")
    inbox.store = type(inbox.store)(inbox.ids)
    elsewhere = Inbox()
    elsewhere.reader.genuine = inbox.reader.genuine
    received = elsewhere.receive(GENUINE, one)
    assert (received.kind, received.is_new) == ("check", True)


def test_a_forged_notification_is_not_kept(inbox: Inbox) -> None:
    with pytest.raises(ForgedGatewayWebhook):
        inbox.receive("somebody's signature", "payload")
    assert inbox.list_gateway_webhooks(()) == ([], "")


# Dealing with it again


def dead(inbox: Inbox) -> str:
    one = inbox.told_of("bt1")
    inbox.fails("find_transaction", Fault.UNREACHABLE)
    assert inbox.dealt_with(one).state is GatewayWebhookState.DEAD
    return one


def test_a_dead_webhook_is_processed_again_from_the_start(inbox: Inbox) -> None:
    one, request_id = dead(inbox), a_request_id()
    inbox.wait(HOUR)
    pending = inbox.retry(request_id, one, SHOP)
    assert pending == inbox.stored(one)
    assert (pending.state, pending.outcome) == (GatewayWebhookState.PENDING, GatewayWebhookOutcome.NONE)
    assert (pending.attempt_count, pending.next_attempt_time, pending.finish_time) == (0, inbox.clock.now(), None)
    done = inbox.dealt_with(one)
    assert (done.state, done.outcome, done.attempt_count) == (
        GatewayWebhookState.DONE,
        GatewayWebhookOutcome.NOT_OURS,
        1,
    )
    assert inbox.retry(request_id, one, SHOP) == done
    assert inbox.process() == 0
    assert inbox.retry(a_request_id(), one, SHOP).outcome is GatewayWebhookOutcome.NONE


@pytest.mark.parametrize(
    ("notification_id", "rule"),
    [
        ("", Rule.REQUIRED),
        ("f" * 63, Rule.NOTIFICATION_ID),
        ("f" * 65, Rule.NOTIFICATION_ID),
        ("F" * 64, Rule.NOTIFICATION_ID),
        ("g" * 64, Rule.NOTIFICATION_ID),
    ],
)
def test_a_request_without_a_webhook_is_refused_with_every_violation(
    inbox: Inbox, notification_id: str, rule: Rule
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        inbox.retry("no uuid", notification_id, SHOP)
    assert [(fault.field, fault.rule) for fault in refusal.value.violations] == [
        ("request_id", Rule.UUID),
        ("notification_id", rule),
    ]


def test_an_unknown_notification_is_not_found_and_its_request_is_not_used_up(inbox: Inbox) -> None:
    request_id = a_request_id()
    with pytest.raises(NotFound) as refusal:
        inbox.retry(request_id, UNKNOWN, SHOP)
    assert (refusal.value.kind, refusal.value.resource_id) == (ResourceKind.NOTIFICATION, UNKNOWN)
    assert inbox.retry(request_id, dead(inbox), SHOP).state is GatewayWebhookState.PENDING


def test_a_request_for_one_notification_is_not_taken_for_another(inbox: Inbox) -> None:
    first, second, request_id = dead(inbox), dead(inbox), a_request_id()
    inbox.retry(request_id, first, SHOP)
    with pytest.raises(RequestIdReused) as refusal:
        inbox.retry(request_id, second, SHOP)
    assert refusal.value.fields == ("notification_id",)
    assert inbox.stored(second).state is GatewayWebhookState.DEAD


# Listing


def test_they_are_listed_newest_first_page_by_page(inbox: Inbox) -> None:
    told = []
    for _ in range(5):
        told.append(inbox.told("check"))
        inbox.wait(HOUR)
    listed, token, sizes = [], "", []
    while True:
        page, token = inbox.list_gateway_webhooks((), page_size=2, page_token=token)
        listed += [one.webhook.notification_id for one in page]
        sizes.append(len(page))
        if not token:
            break
    assert listed == told[::-1]
    assert sizes == [2, 2, 1]


def test_only_those_in_the_states_asked_for_are_listed(inbox: Inbox) -> None:
    given_up, done = dead(inbox), inbox.told("check")
    inbox.process()
    waiting = inbox.told("check")

    def listed(*states: GatewayWebhookState) -> set[str]:
        return {one.webhook.notification_id for one in inbox.list_gateway_webhooks(states)[0]}

    assert listed() == {given_up, done, waiting}
    assert listed(GatewayWebhookState.DEAD) == {given_up}
    assert listed(GatewayWebhookState.DONE, GatewayWebhookState.PENDING) == {done, waiting}


def test_every_violation_in_a_list_is_named(inbox: Inbox) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        inbox.list_gateway_webhooks((GatewayWebhookState.DEAD, None), page_size=-1, page_token="none of ours")
    assert [(fault.field, fault.rule) for fault in refusal.value.violations] == [
        ("page_size", Rule.NOT_NEGATIVE),
        ("states", Rule.KNOWN_VALUE),
        ("page_token", Rule.PAGE_TOKEN),
    ]


def test_a_page_of_one_list_is_none_of_another(inbox: Inbox) -> None:
    for _ in range(2):
        inbox.told("check")
    _, token = inbox.list_gateway_webhooks((GatewayWebhookState.PENDING,), page_size=1)
    assert token
    with pytest.raises(InvalidRequest):
        inbox.list_gateway_webhooks((GatewayWebhookState.DEAD,), page_size=1, page_token=token)
