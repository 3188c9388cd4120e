"""Loads the seed's subscriptions, in any status; those that go on are next billed on a day to come."""

from __future__ import annotations

from datetime import date, timedelta

from braintree_twin.calls import Call
from braintree_twin.clock import stamp
from braintree_twin.ledger.billing_dates import add_months, billing_day_of
from braintree_twin.ledger.subscriptions import (
    ACTIVE,
    CANCELED,
    ENDED,
    EXPIRED,
    PAST_DUE,
    PENDING,
    enter,
    midnight,
    schedule_retry,
)
from braintree_twin.seed.fields import Fields
from braintree_twin.state.records import CatalogEntry, Subscription

STATUSES = (ACTIVE, CANCELED, EXPIRED, PAST_DUE, PENDING)


def load_subscription(call: Call, fields: Fields, identifier: str) -> None:
    accounts = call.merchant.by_id
    account = accounts[fields.one_of("merchant_account", accounts, call.merchant.default_account.id)]
    plan = _plan(call, fields)
    token = fields.required("payment_method")
    if token and call.store.payment_methods.get(call.merchant.id, token) is None:
        fields.fault("payment_method", f"is {token!r}, which is no payment method of this merchant")
    status = fields.one_of("status", STATUSES, ACTIVE)
    created = fields.moment("created_at") or call.clock.now()
    first = fields.day("first_billing_date") or created.date()
    frequency = int((plan and plan.fields.get("billing_frequency")) or 1)
    today = call.clock.now().date()
    record = Subscription(
        id=identifier,
        plan_id=plan.id if plan else "",
        status=status,
        price=fields.amount("price", account.currency, str(plan.fields["price"]) if plan else "0"),
        currency=account.currency,
        merchant_account_id=account.id,
        payment_method_token=token,
        created_at=stamp(created),
        updated_at=stamp(created),
        billing_day_of_month=billing_day_of(first),
        billing_frequency=frequency,
        first_billing_date=first.isoformat(),
        next_billing_date=first.isoformat(),
        number_of_billing_cycles=fields.number_from("number_of_billing_cycles", 1),
        current_billing_cycle=fields.number("current_billing_cycle", 0 if status == PENDING else 1) or 0,
        description=fields.text("description"),
    )
    _set_period(record, first, today)
    if status == PAST_DUE:
        record.balance, record.failure_count, record.past_due_since = record.price, 1, today.isoformat()
        record.paid_through_date = record.billing_period_start_date
        schedule_retry(call, record)
    enter(call, record, status)
    if call.store.subscriptions.get(call.merchant.id, identifier) is None:
        call.store.subscriptions.put(call.merchant.id, record)


def _set_period(record: Subscription, first: date, today: date) -> None:
    """Set the billing period of today, and the next billing date. One that starts later, or is over, has no period."""
    months, day = record.billing_frequency, record.billing_day_of_month
    start = first
    while add_months(start, months, day) <= today:
        start = add_months(start, months, day)
    if first <= today:
        following = add_months(start, months, day)
        record.billing_period_start_date = start.isoformat()
        record.billing_period_end_date = (following - timedelta(days=1)).isoformat()
        record.paid_through_date = record.billing_period_end_date
        record.next_billing_date = following.isoformat()
    if record.status not in ENDED:
        record.due_at = midnight(date.fromisoformat(record.next_billing_date))


def _plan(call: Call, fields: Fields) -> CatalogEntry | None:
    name = fields.required("plan")
    plan = call.store.catalog.get(call.merchant.id, f"plan/{name}") if name else None
    if name and plan is None:
        fields.fault("plan", f"is {name!r}, which is no plan of this merchant")
    return plan
