"""Subscriptions and plans, driven by the twin's clock, with the official SDK."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import braintree
import pytest
from braintree import Subscription, SubscriptionSearch
from braintree.exceptions.not_found_error import NotFoundError
from twin_sdk import card, codes, codes_on, gateway_to

from braintree_twin.ledger.billing_dates import BillingPeriod, add_months, billing_day_of, end_of_trial, next_on_day
from braintree_twin.testing import Twin, start_twin

Gateway = braintree.BraintreeGateway
PLAIN, TRIAL = "integration_trialless_plan", "integration_trial_plan"
BILLING_DAY, MODIFIED = "integration_plan_with_billing_day_of_month", "integration_plan_with_add_ons_and_discounts"
DAY = timedelta(days=1)
DECLINED = "2000.00"
NOBODY = "http://127.0.0.1:9/"


@pytest.fixture(scope="module")
def token(gateway: Gateway) -> str:
    return new_token(gateway)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Twin]:
    """A twin whose clock the test may move. Notifications go to a port where nobody listens."""
    with start_twin(tmp_path) as running:
        running.control.set_webhook_address(NOBODY)
        yield running


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


# Dates.


def test_a_subscription_of_the_31st_bills_on_the_last_day_of_every_month() -> None:
    assert billing_day_of(date(2026, 1, 31)) == 31
    assert [add_months(date(2026, 1, 31), months, 31).isoformat() for months in (1, 2, 3, 12)] == [
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
        "2027-01-31",
    ]


def test_a_billing_day_of_month_starts_today_or_later() -> None:
    assert next_on_day(date(2026, 5, 5), 5) == date(2026, 5, 5)
    assert next_on_day(date(2026, 5, 6), 5) == date(2026, 6, 5)
    assert next_on_day(date(2026, 4, 30), 31) == date(2026, 4, 30)


def test_a_trial_lasts_days_or_months() -> None:
    assert end_of_trial(date(2026, 1, 31), 2, "day") == date(2026, 2, 2)
    assert end_of_trial(date(2026, 1, 31), 1, "month") == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("period", "day", "amount", "expected"),
    [
        # The published example of proration: ten days into June, 30 dollars more.
        ((date(2026, 6, 1), date(2026, 6, 30)), date(2026, 6, 10), "30.00", "20.00"),
        ((date(2026, 1, 1), date(2026, 12, 31)), date(2026, 6, 1), "720.00", "420.16"),
        ((date(2026, 6, 1), date(2026, 6, 30)), date(2026, 6, 30), "30.00", "0.00"),
        ((date(2026, 6, 1), date(2026, 6, 30)), date(2026, 7, 2), "30.00", "0.00"),
    ],
)
def test_proration_is_by_the_days_after_today(period: tuple[date, date], day: date, amount: str, expected: str) -> None:
    assert str(BillingPeriod(*period).share_left(Decimal(amount), day)) == expected


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


# Time.


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


# Plans.


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
