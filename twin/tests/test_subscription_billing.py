"""Subscriptions driven by the twin's clock: renewals, retries, past due and expiry."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from subscription_steps import (
    DAY,
    DECLINED,
    MODIFIED,
    NOBODY,
    TRIAL,
    Gateway,
    advance_to,
    amounts,
    events,
    new_token,
    subscribe,
    today,
)
from twin_sdk import card, codes, codes_on, gateway_to

from braintree_twin.testing import Twin, start_twin


@pytest.fixture(scope="module")
def token(gateway: Gateway) -> str:
    return new_token(gateway)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Twin]:
    """A twin whose clock the test may move. Notifications go to a port where nobody listens."""
    with start_twin(tmp_path) as running:
        running.control.set_webhook_address(NOBODY)
        yield running


def test_each_month_is_charged_on_its_day_and_the_last_one_expires(own: Twin) -> None:
    gateway = gateway_to(own)
    made = subscribe(gateway, new_token(gateway), number_of_billing_cycles=3)
    assert events(own) == ["went_active", "charged_successfully"]
    advance_to(own, made.next_billing_date)
    advance_to(own, gateway.subscription.find(made.id).next_billing_date)
    two_months = gateway.subscription.find(made.id)
    assert (two_months.status, two_months.current_billing_cycle) == ("Active", 3)
    days = [each.created_at.date() for each in reversed(two_months.transactions)]
    assert days[0] == made.first_billing_date
    assert days[1] == made.next_billing_date
    assert two_months.billing_period_start_date == days[2]
    assert {each.status for each in two_months.transactions} == {"submitted_for_settlement"}
    assert events(own) == ["charged_successfully", "charged_successfully"]
    advance_to(own, two_months.next_billing_date)
    ended = gateway.subscription.find(made.id)
    assert (ended.status, len(ended.transactions)) == ("Expired", 3)
    assert events(own) == ["expired"]
    assert codes(gateway.subscription.update(made.id, {"price": "1.00"})) == ["81910"]
    own.control.advance(400 * DAY)
    assert len(gateway.subscription.find(made.id).transactions) == 3


def test_a_trial_ends_in_a_charge_with_its_add_ons(own: Twin) -> None:
    gateway = gateway_to(own)
    made = subscribe(
        gateway,
        new_token(gateway),
        MODIFIED,
        add_ons={"update": [{"existing_id": "increase_10", "number_of_billing_cycles": 1}]},
    )
    assert (events(own), made.add_ons[0].current_billing_cycle) == ([], 0)
    own.control.advance(2 * DAY)
    first = gateway.subscription.find(made.id)
    assert events(own) == ["trial_ended", "charged_successfully"]
    assert (amounts(first), first.next_bill_amount) == ([("21.99", "submitted_for_settlement")], "11.99")
    assert first.add_ons[0].current_billing_cycle == 1
    assert first.transactions[0].add_ons[0].amount == Decimal("10.00")
    advance_to(own, first.next_billing_date)
    assert amounts(gateway.subscription.find(made.id))[0] == ("11.99", "submitted_for_settlement")


def test_a_pending_subscription_becomes_active_on_its_day(own: Twin) -> None:
    gateway = gateway_to(own)
    made = subscribe(gateway, new_token(gateway), first_billing_date=today() + 3 * DAY)
    own.control.advance(3 * DAY)
    found = gateway.subscription.find(made.id)
    assert (found.status, len(found.transactions)) == ("Active", 1)
    assert [each.status for each in found.status_history] == ["Active", "Pending"]
    assert events(own) == ["went_active", "charged_successfully"]


def past_due(twin: Twin) -> tuple[Gateway, Any]:
    """A subscription whose first renewal is declined."""
    gateway = gateway_to(twin)
    made = subscribe(gateway, new_token(gateway), TRIAL, price=DECLINED)
    twin.control.advance(2 * DAY)
    return gateway, gateway.subscription.find(made.id)


def test_a_declined_renewal_is_past_due_and_tried_again(own: Twin) -> None:
    gateway, failed = past_due(own)
    assert (failed.status, failed.balance, failed.failure_count) == ("Past Due", Decimal(DECLINED), 1)
    assert (failed.days_past_due, failed.paid_through_date) == (0, None)
    assert failed.next_billing_date == failed.billing_period_start_date + 10 * DAY
    assert events(own) == ["trial_ended", "charged_unsuccessfully", "went_past_due"]
    own.control.advance(10 * DAY)
    first = gateway.subscription.find(failed.id)
    assert (first.failure_count, first.days_past_due, len(first.transactions)) == (2, 10, 2)
    assert first.next_billing_date == failed.billing_period_start_date + 16 * DAY
    own.control.advance(6 * DAY)
    second = gateway.subscription.find(failed.id)
    assert (second.failure_count, second.next_billing_date) == (3, failed.billing_period_end_date + DAY)
    assert events(own) == ["charged_unsuccessfully", "charged_unsuccessfully"]
    own.control.advance(20 * DAY)
    next_cycle = gateway.subscription.find(failed.id)
    # The renewal charges the balance and the price together; the amount decides, and 4000.00 is approved.
    assert amounts(next_cycle)[0] == ("4000.00", "submitted_for_settlement")
    assert (next_cycle.status, next_cycle.balance, next_cycle.current_billing_cycle) == ("Active", 0, 2)


def test_a_retry_charges_the_balance_and_makes_it_active(own: Twin) -> None:
    gateway, failed = past_due(own)
    events(own)
    declined = gateway.subscription.retry_charge(failed.id)
    assert (declined.is_success, declined.transaction.status) == (False, "processor_declined")
    assert events(own) == []
    paid = gateway.subscription.retry_charge(failed.id, "1000.00")
    assert (paid.transaction.amount, paid.transaction.status) == (Decimal("1000.00"), "authorized")
    found = gateway.subscription.find(failed.id)
    assert (found.status, found.balance, found.days_past_due, found.failure_count) == ("Active", 0, None, 0)
    assert found.next_billing_date == found.billing_period_end_date + DAY == found.paid_through_date + DAY
    assert events(own) == ["went_active"]
    assert codes_on(gateway.subscription.retry_charge(failed.id), "transaction", "base") == ["91531"]
    unknown = gateway.subscription.retry_charge("none", "1.00")
    assert codes_on(unknown, "transaction", "subscription_id") == ["91528"]


def test_a_retry_can_be_submitted_at_once(own: Twin) -> None:
    gateway, failed = past_due(own)
    paid = gateway.subscription.retry_charge(failed.id, "5.00", True)
    assert paid.transaction.status == "submitted_for_settlement"


def test_a_past_due_subscription_takes_a_new_method_but_no_new_price(own: Twin) -> None:
    gateway, failed = past_due(own)
    assert codes(gateway.subscription.update(failed.id, {"price": "1.00"})) == ["91920"]
    asked = {"add_ons": {"add": [{"inherited_from_id": "increase_30"}]}}
    assert "92022" in codes(gateway.subscription.update(failed.id, asked))
    customer = gateway.payment_method.find(failed.payment_method_token).customer_id
    other = gateway.credit_card.create({"customer_id": customer, **card()}).credit_card.token
    updated = gateway.subscription.update(failed.id, {"payment_method_token": other}).subscription
    # The balance is tried again; its amount is one that is declined.
    assert (updated.payment_method_token, len(updated.transactions)) == (other, 2)


def test_a_credit_that_covers_the_price_skips_the_charge(own: Twin) -> None:
    gateway = gateway_to(own)
    made = subscribe(gateway, new_token(gateway), price="100.00")
    prorated = {"price": "10.00", "options": {"prorate_charges": True}}
    credit = gateway.subscription.update(made.id, prorated).subscription.balance
    events(own)
    advance_to(own, made.next_billing_date)
    skipped = gateway.subscription.find(made.id)
    assert (skipped.status, skipped.balance, len(skipped.transactions)) == ("Active", credit + 10, 1)
    assert events(own) == ["billing_skipped"]


def test_the_sdks_testing_gateway_makes_a_subscription_past_due(gateway: Gateway, token: str) -> None:
    made = subscribe(gateway, token, TRIAL, price="6.00")
    gateway.testing.make_past_due(made.id, 5)
    found = gateway.subscription.find(made.id)
    assert (found.status, found.balance, found.days_past_due) == ("Past Due", Decimal("6.00"), 5)
    paid = gateway.subscription.retry_charge(made.id)
    assert (paid.transaction.amount, paid.transaction.status) == (Decimal("6.00"), "authorized")


def test_subscriptions_outlive_kill_9(own: Twin) -> None:
    gateway = gateway_to(own)
    made = subscribe(gateway, new_token(gateway))
    advance_to(own, made.next_billing_date)
    own.kill()
    own.restart()
    assert len(gateway.subscription.find(made.id).transactions) == 2
