"""Creates a subscription: reads it over its plan, and charges at once if it starts today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.billing_dates import billing_day_of, end_of_trial, next_on_day
from braintree_twin.ledger.subscriptions import ACTIVE, PENDING, enter, is_approved, midnight, save, start, today
from braintree_twin.params import Params
from braintree_twin.resources.subscriptions.common import (
    ROOT,
    check_instrument,
    declined,
    read_account,
    read_descriptor_of,
    read_id,
    read_method,
    read_modifications,
    read_plan,
)
from braintree_twin.rules.modifications import ARRAYS, Modification
from braintree_twin.rules.recurring_billing import read_billing_day, read_cycles, read_day, read_price, read_trial
from braintree_twin.state.records import CatalogEntry, Subscription
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.views.catalog import modifications_of
from braintree_twin.views.subscriptions import subscription as subscription_view
from braintree_twin.webhooks.subscription_notifications import notify_subscription

IN_THE_PAST, INCONSISTENT_START = "91916", "91917"


@dataclass(frozen=True, slots=True)
class _Schedule:
    """When the subscription bills: the trial, the first day, the day of each month after it."""

    trial: tuple[bool, int | None, str | None]
    first_day: date
    billing_day: int


def create(call: Call) -> Answer:
    params = call.params(ROOT)
    errors = Errors()
    record = _read(call, params, errors.on(ROOT))
    if errors or record is None:
        raise ValidationFailed(errors)
    first_day = date.fromisoformat(record.first_billing_date)
    if record.trial_period or first_day > today(call):
        # A trial is active, a start in the future is pending.
        record.due_at = midnight(first_day)
        enter(call, record, ACTIVE if record.trial_period else PENDING)
        save(call, record)
        return Answer(ROOT, subscription_view(call, record), 201)
    transaction = start(call, record, first_day)
    if transaction and not is_approved(transaction):
        transaction.subscription_id = None
        call.store.transactions.put(call.merchant.id, transaction)
        return declined(call, transaction)
    enter(call, record, ACTIVE)
    save(call, record)
    notify_subscription(call, "went_active", record)
    notify_subscription(call, "charged_successfully", record)
    return Answer(ROOT, subscription_view(call, record), 201)


def _read(call: Call, params: Params, errors: Errors) -> Subscription | None:
    plan = read_plan(call, params, errors)
    method = read_method(call, params, errors)
    identifier = read_id(call, params, errors)
    descriptor = read_descriptor_of(params, errors)
    if plan is None:
        return None
    currency = str(plan.fields["currency_iso_code"])
    account = read_account(call, params, currency, errors)
    if method:
        check_instrument(account, method, params, errors)
    price = read_price(params, currency, errors)
    cycles = read_cycles(params, plan.fields.get("number_of_billing_cycles"), errors)
    schedule = _read_schedule(call, params, plan, errors)
    inherited = _inherited(call, params, plan)
    modifications = read_modifications(call, params, currency, errors, inherited)
    if method is None or errors:
        return None
    now = call.clock.stamp()
    trial, duration, unit = schedule.trial
    return Subscription(
        id=identifier or call.ids.subscription(),
        plan_id=plan.id,
        status=PENDING,
        price=price if price is not None else str(plan.fields["price"]),
        currency=currency,
        merchant_account_id=account.id,
        payment_method_token=method.token,
        created_at=now,
        updated_at=now,
        billing_day_of_month=schedule.billing_day,
        billing_frequency=int(plan.fields.get("billing_frequency") or 1),
        first_billing_date=schedule.first_day.isoformat(),
        next_billing_date=schedule.first_day.isoformat(),
        number_of_billing_cycles=cycles,
        trial_period=trial,
        trial_duration=duration,
        trial_duration_unit=unit,
        descriptor=descriptor,
        description=params.section("options").section("paypal").text("description"),
        add_ons=modifications["add_ons"],
        discounts=modifications["discounts"],
    )


def _inherited(call: Call, params: Params, plan: CatalogEntry) -> dict[str, list[Modification]]:
    alone = params.section("options").flag("do_not_inherit_add_ons_or_discounts")
    return {array: [] if alone else modifications_of(call, plan, kind) for kind, array in ARRAYS.items()}


def _read_schedule(call: Call, params: Params, plan: CatalogEntry, errors: Errors) -> _Schedule:
    fields = plan.fields
    now = today(call)
    first = read_day(params, "first_billing_date", errors)
    day = read_billing_day(params, errors)
    immediately = params.section("options").flag("start_immediately")
    asked = (first is not None, day is not None, immediately, params.flag("trial_period"))
    errors.add("base", INCONSISTENT_START if sum(asked) > 1 else None)
    errors.add("first_billing_date", IN_THE_PAST if first and first < now else None)
    known = (bool(fields.get("trial_period")), fields.get("trial_duration"), fields.get("trial_duration_unit"))
    starts_otherwise = first is not None or day is not None or immediately
    trial = read_trial(params, (False, None, None) if starts_otherwise else known, errors)
    planned = fields.get("billing_day_of_month")
    if first is None and trial[0] and trial[1] is not None and trial[2] is not None:
        first = end_of_trial(now, trial[1], trial[2])
    elif first is None:
        wanted = None if immediately else day or planned
        first = next_on_day(now, wanted) if wanted else now
    return _Schedule(trial, first, day or planned or billing_day_of(first))
