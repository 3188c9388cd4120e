"""Notifications about subscriptions."""

from __future__ import annotations

from braintree_twin.calls import Call
from braintree_twin.state.records import Subscription
from braintree_twin.views.subscriptions import subscription as subscription_view
from braintree_twin.webhooks.notifications import address_of, notify


def notify_subscription(call: Call, event: str, record: Subscription) -> None:
    """Queue the notification of one event, such as went_past_due."""
    if address_of(call.store, call.merchant.id):
        notify(call, f"subscription_{event}", {"subscription": subscription_view(call, record)})
