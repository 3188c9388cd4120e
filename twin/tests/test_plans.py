"""Plans, with the official SDK."""

from __future__ import annotations

from decimal import Decimal

import pytest
from braintree.exceptions.not_found_error import NotFoundError
from subscription_steps import Gateway, new_token, subscribe
from twin_sdk import codes


@pytest.fixture(scope="module")
def token(gateway: Gateway) -> str:
    return new_token(gateway)


def test_a_plan_is_created_changed_and_found(gateway: Gateway) -> None:
    made = gateway.plan.create(
        {
            "id": "gold",
            "name": "Gold",
            "description": "All of it",
            "price": "20.00",
            "billing_frequency": 3,
            "billing_day_of_month": 31,
            "number_of_billing_cycles": 4,
            "currency_iso_code": "USD",
            "trial_period": True,
            "trial_duration": 1,
            "trial_duration_unit": "month",
            "add_ons": {"add": [{"inherited_from_id": "increase_10", "amount": "1.50", "quantity": 2}]},
        }
    ).plan
    assert (made.id, made.name, made.price, made.billing_frequency) == ("gold", "Gold", "20.00", 3)
    assert (made.trial_period, made.trial_duration, made.trial_duration_unit) == (True, 1, "month")
    assert [(each.id, each.amount, each.quantity) for each in made.add_ons] == [("increase_10", Decimal("1.50"), 2)]
    # The SDK refuses "remove", which the reference names.
    asked = {"name": "Golden", "price": "25.00", "add_ons": {"update": [{"existing_id": "increase_10", "quantity": 3}]}}
    changed = gateway.plan.update("gold", asked).plan
    assert (changed.name, changed.price, changed.billing_day_of_month) == ("Golden", "25.00", 31)
    assert [each.quantity for each in changed.add_ons] == [3]
    assert gateway.plan.find("gold").number_of_billing_cycles == 4
    assert "gold" in {each.id for each in gateway.plan.all()}
    with pytest.raises(NotFoundError):
        gateway.plan.find("silver")
    refused = gateway.plan.create({"name": "Gold", "id": "gold", "price": "x", "currency_iso_code": "USD"})
    assert sorted(codes(refused)) == ["81902", "81904"]


def test_a_plans_new_price_leaves_its_subscriptions_alone(gateway: Gateway, token: str) -> None:
    gateway.plan.create({"id": "moving", "name": "Moving", "price": "5.00", "currency_iso_code": "USD"})
    made = subscribe(gateway, token, "moving")
    gateway.plan.update("moving", {"price": "6.00"})
    assert gateway.subscription.find(made.id).price == Decimal("5.00")
    assert subscribe(gateway, token, "moving").price == Decimal("6.00")
