"""Steps of the tests of subscriptions: a card on file, a subscription, the passing of days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import braintree
from twin_sdk import card

from braintree_twin.testing import Twin

Gateway = braintree.BraintreeGateway
PLAIN, TRIAL = "integration_trialless_plan", "integration_trial_plan"
BILLING_DAY, MODIFIED = "integration_plan_with_billing_day_of_month", "integration_plan_with_add_ons_and_discounts"
DAY = timedelta(days=1)
DECLINED = "2000.00"
NOBODY = "http://127.0.0.1:9/"


def new_token(gateway: Gateway, **fields: Any) -> str:
    created = gateway.customer.create({"first_name": "Ada", "credit_card": card(**fields)})
    assert created.is_success, created.message
    return str(created.customer.credit_cards[0].token)


def subscribe(gateway: Gateway, token: str, plan: str = PLAIN, **fields: Any) -> Any:
    result = gateway.subscription.create({"payment_method_token": token, "plan_id": plan, **fields})
    assert result.is_success, result.message
    return result.subscription


def events(twin: Twin) -> list[str]:
    """The notifications about subscriptions since the last question, oldest first; the address stays."""
    kinds = [each.kind.removeprefix("subscription_") for each in twin.control.webhooks() if "subscription" in each.kind]
    twin.control.forget_webhooks()
    twin.control.set_webhook_address(NOBODY)
    return kinds


def advance_to(twin: Twin, day: date) -> None:
    """The clock moves to noon of a day: a start on the 29th or later makes a first period longer than a month."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    twin.control.advance(noon - datetime.fromisoformat(twin.control.now()))


def today() -> date:
    return datetime.now(UTC).date()


def amounts(subscription: Any) -> list[tuple[str, str]]:
    return [(str(each.amount), each.status) for each in subscription.transactions]
