"""Creating, changing and searching subscriptions, with the official SDK."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from braintree import Subscription, SubscriptionSearch
from braintree.exceptions.not_found_error import NotFoundError
from subscription_steps import BILLING_DAY, DAY, DECLINED, MODIFIED, PLAIN, TRIAL, Gateway, new_token, subscribe, today
from twin_sdk import card, codes, codes_on


@pytest.fixture(scope="module")
def token(gateway: Gateway) -> str:
    return new_token(gateway)


# Creating.


def test_a_subscription_without_trial_is_charged_at_once(gateway: Gateway, token: str) -> None:
    made = subscribe(gateway, token, descriptor={"name": "123*product", "phone": "3334445555"})
    assert len(made.id) == 6
    assert (made.status, made.plan_id, made.price, made.balance) == ("Active", PLAIN, Decimal("12.34"), Decimal(0))
    assert (made.current_billing_cycle, made.failure_count, made.days_past_due) == (1, 0, None)
    assert (made.merchant_account_id, made.never_expires) == ("twin_usd", True)
    assert made.billing_period_start_date == made.first_billing_date == today()
    assert made.billing_period_end_date == made.paid_through_date == made.next_billing_date - DAY
    assert made.next_bill_amount == "12.34"
    (charged,) = made.transactions
    assert (charged.amount, charged.status, charged.type) == (Decimal("12.34"), "submitted_for_settlement", "sale")
    assert (charged.subscription_id, charged.plan_id, charged.recurring) == (made.id, PLAIN, True)
    assert charged.subscription_details.billing_period_end_date == made.billing_period_end_date
    assert (charged.descriptor.name, made.descriptor.phone) == ("123*product", "3334445555")
    (event,) = made.status_history
    assert (event.status, event.price, event.subscription_source) == ("Active", Decimal("12.34"), "api")
    assert gateway.subscription.find(made.id).id == made.id
    (vaulted,) = [each for each in gateway.payment_method.find(token).subscriptions if each.id == made.id]
    assert vaulted.transactions[0].id == charged.id


def test_a_trial_is_active_and_not_charged(gateway: Gateway, token: str) -> None:
    made = subscribe(gateway, token, TRIAL)
    assert (made.status, made.trial_duration, made.trial_duration_unit, made.transactions) == ("Active", 2, "day", [])
    assert made.first_billing_date == made.next_billing_date == today() + 2 * DAY
    longer = subscribe(gateway, token, TRIAL, trial_duration=5, trial_duration_unit="month")
    assert (longer.trial_duration, longer.trial_duration_unit) == (5, "month")
    without = subscribe(gateway, token, TRIAL, trial_period=False)
    assert (without.trial_period, len(without.transactions)) == (False, 1)


def test_a_start_in_the_future_is_pending(gateway: Gateway, token: str) -> None:
    later = subscribe(gateway, token, first_billing_date=today() + 3 * DAY)
    assert (later.status, later.first_billing_date, later.transactions) == ("Pending", today() + 3 * DAY, [])
    assert later.billing_period_start_date is None
    other_day = (today() + 2 * DAY).day
    if other_day <= 28:
        by_day = subscribe(gateway, token, BILLING_DAY, billing_day_of_month=other_day)
        assert (by_day.status, by_day.billing_day_of_month) == ("Pending", other_day)
    now = subscribe(gateway, token, BILLING_DAY, options={"start_immediately": True})
    assert (now.billing_day_of_month, len(now.transactions)) == (5, 1)


def test_a_declined_first_charge_makes_no_subscription(gateway: Gateway, token: str) -> None:
    result = gateway.subscription.create(
        {"payment_method_token": token, "plan_id": PLAIN, "price": DECLINED, "id": "never_made"}
    )
    assert (result.is_success, result.message, result.transaction.status) == (
        False,
        "Do Not Honor",
        "processor_declined",
    )
    with pytest.raises(NotFoundError):
        gateway.subscription.find("never_made")


def test_a_vaulted_nonce_pays_and_an_unvaulted_one_does_not(gateway: Gateway, token: str) -> None:
    nonce = gateway.payment_method_nonce.create(token).payment_method_nonce.nonce
    made = gateway.subscription.create({"payment_method_nonce": nonce, "plan_id": PLAIN})
    assert made.subscription.payment_method_token == token
    for unvaulted, code in (("fake-valid-visa-nonce", "91927"), ("fake-paypal-future-nonce", "91925")):
        refused = gateway.subscription.create({"payment_method_nonce": unvaulted, "plan_id": PLAIN})
        assert codes_on(refused, "subscription", "payment_method_nonce") == [code]


def test_a_paypal_account_can_be_charged(gateway: Gateway) -> None:
    customer = gateway.customer.create({"payment_method_nonce": "fake-paypal-future-nonce"}).customer
    made = subscribe(gateway, customer.paypal_accounts[0].token)
    assert made.transactions[0].paypal_details.payer_email


@pytest.mark.parametrize(
    ("fields", "attribute", "code"),
    [
        ({"plan_id": "none"}, "plan_id", "91904"),
        ({"payment_method_token": "none"}, "payment_method_token", "91903"),
        ({"merchant_account_id": "none"}, "merchant_account_id", "91901"),
        ({"merchant_account_id": "twin_eur"}, "base", "91923"),
        ({"id": "a b"}, "id", "81906"),
        ({"price": ""}, "price", "81903"),
        ({"price": "9.2.1 apples"}, "price", "81904"),
        ({"price": "-1.00"}, "price", "81904"),
        ({"price": "999999999999.00"}, "price", "81923"),
        ({"trial_period": True}, "trial_duration", "81908"),
        ({"trial_period": True, "trial_duration": "x", "trial_duration_unit": "day"}, "trial_duration", "81907"),
        ({"trial_period": True, "trial_duration": 2, "trial_duration_unit": "year"}, "trial_duration_unit", "81909"),
        ({"number_of_billing_cycles": "x"}, "number_of_billing_cycles", "91906"),
        ({"number_of_billing_cycles": 0}, "number_of_billing_cycles", "91907"),
        ({"number_of_billing_cycles": "", "never_expires": False}, "number_of_billing_cycles", "91912"),
        ({"number_of_billing_cycles": 2, "never_expires": True}, "base", "91908"),
        ({"billing_day_of_month": "x"}, "billing_day_of_month", "91913"),
        ({"billing_day_of_month": 30}, "billing_day_of_month", "91914"),
        ({"first_billing_date": "soon"}, "first_billing_date", "91915"),
        ({"first_billing_date": "2020-01-01"}, "first_billing_date", "91916"),
        ({"first_billing_date": "2099-01-01", "billing_day_of_month": 5}, "base", "91917"),
    ],
)
def test_each_error_of_a_new_subscription_has_its_code(
    gateway: Gateway, token: str, fields: dict[str, Any], attribute: str, code: str
) -> None:
    result = gateway.subscription.create({"payment_method_token": token, "plan_id": PLAIN, **fields})
    assert code in codes_on(result, "subscription", attribute)


def test_an_id_is_taken_once(gateway: Gateway, token: str) -> None:
    subscribe(gateway, token, id="mine")
    refused = gateway.subscription.create({"payment_method_token": token, "plan_id": PLAIN, "id": "mine"})
    assert refused.errors.for_object("subscription").on("id")[0].message == "ID has already been taken."


# Add-ons and discounts.


def modifications(items: Any) -> list[tuple[str, str, int, int | None]]:
    return sorted((each.id, str(each.amount), each.quantity, each.number_of_billing_cycles) for each in items)


def test_add_ons_and_discounts_are_inherited_changed_removed_and_added(gateway: Gateway, token: str) -> None:
    inherited = subscribe(gateway, token, MODIFIED)
    assert modifications(inherited.add_ons) == [("increase_10", "10.00", 1, None), ("increase_20", "20.00", 1, None)]
    assert modifications(inherited.discounts) == [("discount_11", "11.00", 1, None), ("discount_7", "7.00", 1, None)]
    assert inherited.next_bill_amount == "21.99"
    alone = subscribe(gateway, token, MODIFIED, options={"do_not_inherit_add_ons_or_discounts": True})
    assert (alone.add_ons, alone.discounts) == ([], [])
    changed = subscribe(
        gateway,
        token,
        MODIFIED,
        add_ons={
            "update": [{"existing_id": "increase_10", "amount": "50.00", "quantity": 2, "number_of_billing_cycles": 5}],
            "add": [{"inherited_from_id": "increase_30"}],
            "remove": ["increase_20"],
        },
        discounts={"remove": ["discount_7", "discount_11"]},
    )
    assert modifications(changed.add_ons) == [("increase_10", "50.00", 2, 5), ("increase_30", "30.00", 1, None)]
    assert (changed.discounts, changed.next_bill_amount) == ([], "139.99")


def test_errors_of_modifications_are_found_by_index(gateway: Gateway, token: str) -> None:
    result = gateway.subscription.create(
        {
            "payment_method_token": token,
            "plan_id": MODIFIED,
            "add_ons": {
                "update": [
                    {"existing_id": "increase_10", "amount": "invalid"},
                    {"existing_id": "increase_20", "quantity": -10},
                    {"existing_id": "increase_30"},
                    {"existing_id": "discount_7"},
                ],
                "add": [{"inherited_from_id": "none"}, {"amount": "1.00"}],
                "remove": ["increase_30"],
            },
        }
    )
    add_ons = result.errors.for_object("subscription").for_object("add_ons")
    update, add = add_ons.for_object("update"), add_ons.for_object("add")
    assert update.for_index(0).on("amount")[0].code == "92002"
    assert update.for_index(1).on("quantity")[0].code == "92001"
    assert update.for_index(2).on("existing_id")[0].code == "92015"
    assert update.for_index(3).on("existing_id")[0].code == "92020"
    assert add.for_index(0).on("inherited_from_id")[0].code == "92013"
    assert add.for_index(1).on("inherited_from_id")[0].code == "92014"
    assert "92016" in codes(result)


# Updating.


def test_a_higher_price_is_prorated_by_default(gateway: Gateway, token: str) -> None:
    made = subscribe(gateway, token, price="54.32")
    dearer = gateway.subscription.update(made.id, {"price": "55.32"}).subscription
    days = (made.billing_period_end_date - made.billing_period_start_date).days + 1
    owed = (Decimal(days - 1) / days).quantize(Decimal("0.01"))
    assert (dearer.price, dearer.balance, len(dearer.transactions)) == (Decimal("55.32"), Decimal(0), 2)
    assert dearer.transactions[0].amount == owed
    cheaper = gateway.subscription.update(made.id, {"price": "10.00"}).subscription
    assert (cheaper.price, len(cheaper.transactions)) == (Decimal("10.00"), 2)
    silent = gateway.subscription.update(made.id, {"price": "70.00", "options": {"prorate_charges": False}})
    assert len(silent.subscription.transactions) == 2
    credited = gateway.subscription.update(made.id, {"price": "10.00", "options": {"prorate_charges": True}})
    assert credited.subscription.balance < 0


def test_a_failed_proration_reverts_the_update_or_leaves_a_balance(gateway: Gateway, token: str) -> None:
    made = subscribe(gateway, token, price="54.32")
    asked = {"price": "2154.32", "options": {"revert_subscription_on_proration_failure": True}}
    reverted = gateway.subscription.update(made.id, asked)
    assert not reverted.is_success
    assert (reverted.subscription.price, len(reverted.subscription.transactions)) == (Decimal("54.32"), 2)
    assert reverted.subscription.transactions[0].status == "processor_declined"
    assert gateway.subscription.find(made.id).balance == 0
    asked["options"] = {"revert_subscription_on_proration_failure": False}
    kept = gateway.subscription.update(made.id, asked).subscription
    assert (kept.price, kept.balance) == (Decimal("2154.32"), kept.transactions[0].amount)


def test_an_update_changes_the_other_fields_too(gateway: Gateway, token: str) -> None:
    customer = gateway.payment_method.find(token).customer_id
    other = gateway.credit_card.create({"customer_id": customer, **card()}).credit_card.token
    made = subscribe(gateway, token, number_of_billing_cycles=10)
    asked = {
        "id": f"renamed_{made.id}",
        "plan_id": TRIAL,
        "payment_method_token": other,
        "merchant_account_id": "twin_usd_no_duplicate_check",
        "number_of_billing_cycles": 5,
        "descriptor": {"name": "999*99"},
    }
    changed = gateway.subscription.update(made.id, asked).subscription
    assert (changed.id, changed.plan_id, changed.payment_method_token) == (asked["id"], TRIAL, other)
    assert (changed.merchant_account_id, changed.number_of_billing_cycles) == ("twin_usd_no_duplicate_check", 5)
    assert (changed.price, changed.descriptor.name) == (Decimal("12.34"), "999*99")
    assert changed.transactions[0].subscription_id == changed.id
    forever = gateway.subscription.update(changed.id, {"never_expires": True}).subscription
    assert (forever.number_of_billing_cycles, forever.never_expires) == (None, True)


def test_an_update_replaces_all_add_ons_and_discounts(gateway: Gateway, token: str) -> None:
    made = subscribe(gateway, token, MODIFIED)
    asked = {
        "add_ons": {"add": [{"inherited_from_id": "increase_30"}]},
        "discounts": {"add": [{"inherited_from_id": "discount_15"}]},
        "options": {"replace_all_add_ons_and_discounts": True},
    }
    changed = gateway.subscription.update(made.id, asked).subscription
    assert modifications(changed.add_ons) == [("increase_30", "30.00", 1, None)]
    assert modifications(changed.discounts) == [("discount_15", "15.00", 1, None)]


@pytest.mark.parametrize(
    ("fields", "attribute", "code"),
    [
        ({"price": ""}, "price", "81903"),
        ({"id": "a b"}, "id", "81906"),
        ({"plan_id": "none"}, "plan_id", "91904"),
        ({"payment_method_token": "none"}, "payment_method_token", "91903"),
        ({"number_of_billing_cycles": 0}, "number_of_billing_cycles", "91907"),
    ],
)
def test_each_error_of_an_update_has_its_code(
    gateway: Gateway, token: str, fields: dict[str, Any], attribute: str, code: str
) -> None:
    made = subscribe(gateway, token)
    assert codes_on(gateway.subscription.update(made.id, fields), "subscription", attribute) == [code]


def test_another_customers_method_and_another_frequency_are_refused(gateway: Gateway, token: str) -> None:
    made = subscribe(gateway, token)
    foreign = gateway.subscription.update(made.id, {"payment_method_token": new_token(gateway)})
    assert codes(foreign) == ["91905"]
    plan = {"name": "Yearly", "price": "99.00", "billing_frequency": 12, "currency_iso_code": "USD"}
    yearly = gateway.plan.create(plan).plan
    assert codes(gateway.subscription.update(made.id, {"plan_id": yearly.id})) == ["91922"]
    assert subscribe(gateway, token, yearly.id).next_billing_date.year == today().year + 1


def test_a_canceled_subscription_stays_as_it_is(gateway: Gateway, token: str) -> None:
    made = subscribe(gateway, token)
    assert gateway.subscription.cancel(made.id).subscription.status == "Canceled"
    again = gateway.subscription.cancel(made.id)
    assert codes_on(again, "subscription", "status") == ["81905"]
    assert codes(gateway.subscription.update(made.id, {"price": "1.00"})) == ["81901"]


def test_a_deleted_payment_method_or_customer_cancels(gateway: Gateway) -> None:
    first, second = new_token(gateway), new_token(gateway)
    by_method, by_customer = subscribe(gateway, first), subscribe(gateway, second)
    gateway.payment_method.delete(first)
    gateway.customer.delete(gateway.payment_method.find(second).customer_id)
    for made in (by_method, by_customer):
        assert gateway.subscription.find(made.id).status == "Canceled"


# Searching.


def found(gateway: Gateway, *criteria: Any) -> set[str]:
    return {each.id for each in gateway.subscription.search(*criteria).items}


def test_each_criterion_finds_its_subscriptions(gateway: Gateway, token: str) -> None:
    price = SubscriptionSearch.price == Decimal("7.77")
    plain = subscribe(gateway, token, price="7.77", id="search_plain", number_of_billing_cycles=5)
    trial = subscribe(gateway, token, TRIAL, price="7.77", id="search_trial", number_of_billing_cycles=15)
    late = subscribe(gateway, token, TRIAL, price="7.77", id="search_late")
    gateway.testing.make_past_due(late.id, 3)
    moment = datetime.now(UTC).replace(tzinfo=None)
    cases: list[tuple[Any, set[Any]]] = [
        (SubscriptionSearch.id.starts_with("search_"), {plain, trial, late}),
        (SubscriptionSearch.plan_id == PLAIN, {plain}),
        (SubscriptionSearch.plan_id.in_list([PLAIN, TRIAL]), {plain, trial, late}),
        (SubscriptionSearch.status.in_list([Subscription.Status.PastDue]), {late}),
        (SubscriptionSearch.merchant_account_id == "twin_usd", {plain, trial, late}),
        (SubscriptionSearch.merchant_account_id == "bogus", set()),
        (SubscriptionSearch.days_past_due.between(2, 10), {late}),
        (SubscriptionSearch.billing_cycles_remaining >= 7, {trial}),
        (SubscriptionSearch.in_trial_period.in_list([True]), {trial}),
        (SubscriptionSearch.transaction_id == plain.transactions[0].id, {plain}),
        (SubscriptionSearch.next_billing_date >= moment + 5 * DAY, {plain, late}),
        (SubscriptionSearch.created_at >= moment - DAY, {plain, trial, late}),
    ]
    for criterion, expected in cases:
        assert found(gateway, criterion, price) == {each.id for each in expected}, criterion.name
