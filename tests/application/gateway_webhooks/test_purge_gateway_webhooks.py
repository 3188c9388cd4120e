"""The inbox keeps processed webhooks for a time, and all others until somebody decides."""

from __future__ import annotations

from datetime import timedelta

from application.gateway_webhooks.purge_gateway_webhooks import PurgeGatewayWebhooks
from application.ports.gateway_webhooks import GatewayWebhookState
from tests.application.gateway_webhooks.inbox import Inbox
from tests.fakes.faulty_gateway import Fault

KEPT = timedelta(days=90)


def _states(inbox: Inbox) -> list[GatewayWebhookState]:
    return [one.state for one in inbox.list_gateway_webhooks(())[0]]


def test_only_webhooks_that_were_processed_long_ago_are_purged() -> None:
    inbox = Inbox(max_attempts=1)
    purge = PurgeGatewayWebhooks(inbox.store, inbox.clock, KEPT)
    inbox.told("check")
    inbox.process()
    inbox.fails("find_transaction", Fault.UNREACHABLE)
    inbox.dealt_with(inbox.told_of("bt1"))
    assert purge() == 0
    inbox.wait(KEPT + timedelta(seconds=1))
    assert purge() == 1
    assert purge() == 0
    assert _states(inbox) == [GatewayWebhookState.DEAD]


def test_a_webhook_that_comes_again_after_its_purge_is_processed_again() -> None:
    inbox = Inbox()
    one = inbox.told("check")
    inbox.process()
    inbox.wait(KEPT + timedelta(seconds=1))
    PurgeGatewayWebhooks(inbox.store, inbox.clock, KEPT)()
    assert _states(inbox) == []
    inbox.told("check")
    inbox.process()
    assert one
    assert _states(inbox) == [GatewayWebhookState.DONE]


def test_a_setting_keeps_them_for_ever() -> None:
    inbox = Inbox()
    inbox.told("check")
    inbox.process()
    inbox.wait(10 * KEPT)
    assert PurgeGatewayWebhooks(inbox.store, inbox.clock, None)() == 0
    assert _states(inbox) == [GatewayWebhookState.DONE]
