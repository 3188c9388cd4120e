"""Subscriptions: create, find, update, cancel. Retries are sales with a subscription_id."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.ledger.subscriptions import CANCELED, EXPIRED
from braintree_twin.ledger.subscriptions import cancel as cancel_subscription
from braintree_twin.ledger.subscriptions import make_past_due as make_subscription_past_due
from braintree_twin.resources.subscriptions.common import ROOT, load
from braintree_twin.resources.subscriptions.creating import create
from braintree_twin.resources.subscriptions.updating import update
from braintree_twin.rules.accepted_fields import SUBSCRIPTION, SUBSCRIPTION_UPDATE
from braintree_twin.validation import failed
from braintree_twin.views.subscriptions import subscription as subscription_view

ALREADY_CANCELED = "81905"


def find(call: Call) -> Answer:
    return Answer(ROOT, subscription_view(call, load(call)))


def cancel(call: Call) -> Answer:
    record = load(call)
    if record.status in (CANCELED, EXPIRED):
        raise failed(ROOT, "status", ALREADY_CANCELED)
    cancel_subscription(call, record)
    return Answer(ROOT, subscription_view(call, record))


def make_past_due(call: Call) -> Answer:
    """The SDKs' testing gateway: as if a charge had failed, so many days ago."""
    record = load(call)
    days = call.query.get("days_past_due", "1")
    make_subscription_past_due(call, record, int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 1)
    return Answer(ROOT, subscription_view(call, record))


ROUTES = (
    Route("POST", "/subscriptions", create, takes={ROOT: SUBSCRIPTION}),
    Route("GET", "/subscriptions/{id}", find),
    Route("PUT", "/subscriptions/{id}", update, takes={ROOT: SUBSCRIPTION_UPDATE}),
    Route("PUT", "/subscriptions/{id}/cancel", cancel),
    Route("PUT", "/subscriptions/{id}/make_past_due", make_past_due, query=frozenset({"days_past_due"})),
)
