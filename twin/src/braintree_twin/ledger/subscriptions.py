"""The life of a subscription: charges, trials, past due, retries, expiry, cancellation, all by the twin's clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from braintree_twin.calls import Call
from braintree_twin.clock import FixedClock, parse_stamp
from braintree_twin.ledger.authorization import AuthorizationRequest, authorize
from braintree_twin.ledger.billing_dates import add_months, billing_day_of
from braintree_twin.ledger.lifecycle import enter as enter_transaction_status
from braintree_twin.merchants import MerchantAccount
from braintree_twin.rules.customers import FIELDS as CUSTOMER_FIELDS
from braintree_twin.rules.modifications import price_of_cycle
from braintree_twin.rules.money import canonical
from braintree_twin.state.records import Fields, PaymentMethod, Subscription, Transaction
from braintree_twin.vault.instruments import of_method
from braintree_twin.webhooks.subscription_notifications import notify_subscription

ACTIVE, PAST_DUE, PENDING, CANCELED, EXPIRED = "Active", "Past Due", "Pending", "Canceled", "Expired"
ENDED = frozenset({CANCELED, EXPIRED})
API, RECURRING = "api", "recurring"


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge of a subscription's payment method."""

    amount: Decimal
    source: str = API
    submit: bool = True


def today(call: Call) -> date:
    return call.clock.now().date()


def midnight(day: date) -> str:
    return f"{day}T00:00:00Z"


def account_of(call: Call, record: Subscription) -> MerchantAccount:
    return call.merchant.by_id.get(record.merchant_account_id) or call.merchant.default_account


def enter(call: Call, record: Subscription, status: str, *, source: str = API) -> None:
    """Give the subscription a status, and add it to the history."""
    record.status = status
    event: Fields = {
        "timestamp": call.clock.stamp(),
        "status": status,
        "balance": record.balance,
        "price": record.price,
        "currency_iso_code": record.currency,
        "plan_id": record.plan_id,
        "subscription_source": source,
        "user": call.merchant.user if source == API else None,
    }
    record.history = [event, *record.history]


def save(call: Call, record: Subscription) -> None:
    record.updated_at = call.clock.stamp()
    call.store.subscriptions.put(call.merchant.id, record)


def charge(call: Call, record: Subscription, asked: Charge) -> Transaction | None:
    """Charge the payment method, and add the transaction to the subscription; None if the method is gone."""
    method = call.store.payment_methods.get(call.merchant.id, record.payment_method_token)
    if method is None:
        return None
    transaction = _draft(call, record, method, asked)
    account = account_of(call, record)
    instrument = of_method(call, method)
    request = AuthorizationRequest(
        account=account,
        amount=asked.amount,
        behaviour=instrument.behaviour,
        # Subscriptions are not subject to duplicate checking.
        has_request_key=True,
    )
    decision = authorize(call, transaction, request)
    transaction.duplicate_key = None
    if decision.approved and asked.submit:
        transaction.due_at = None
        enter_transaction_status(call, transaction, "submitted_for_settlement", source=asked.source)
    call.store.transactions.put(call.merchant.id, transaction)
    record.transaction_ids = [transaction.id, *record.transaction_ids]
    return transaction


def _draft(call: Call, record: Subscription, method: PaymentMethod, asked: Charge) -> Transaction:
    now = call.clock.stamp()
    instrument = of_method(call, method)
    customer = call.store.customers.get(call.merchant.id, method.customer_id)
    amount = canonical(asked.amount, record.currency)
    fields: Fields = {name: getattr(customer, name) for name in CUSTOMER_FIELDS} if customer else {}
    return Transaction(
        id=call.ids.transaction(),
        type="sale",
        status="authorizing",
        merchant_account_id=record.merchant_account_id,
        currency=record.currency,
        amount=amount,
        amount_requested=amount,
        created_at=now,
        updated_at=now,
        customer={"id": method.customer_id, **fields} if method.customer_id else {},
        billing=instrument.billing,
        descriptor=record.descriptor,
        recurring=True,
        kind=method.kind,
        card=method.card,
        wallet={**method.wallet, "description": record.description} if record.description else method.wallet,
        token=method.token,
        created_using="token",
        avs_postal="I" if method.card else None,
        avs_street="I" if method.card else None,
        cvv="I" if method.card else None,
        subscription_id=record.id,
        plan_id=record.plan_id,
        billing_period={"start": record.billing_period_start_date, "end": record.billing_period_end_date},
        add_ons=[dict(each) for each in record.add_ons],
        discounts=[dict(each) for each in record.discounts],
    )


def is_approved(transaction: Transaction | None) -> bool:
    return transaction is not None and transaction.processor_authorization_code is not None


def begin_period(record: Subscription, start: date) -> None:
    """Move the subscription to the billing period that starts on this day."""
    following = add_months(start, record.billing_frequency, record.billing_day_of_month)
    record.billing_period_start_date = start.isoformat()
    record.billing_period_end_date = (following - timedelta(days=1)).isoformat()
    record.next_billing_date = following.isoformat()
    record.current_billing_cycle += 1
    for each in (*record.add_ons, *record.discounts):
        each["current_billing_cycle"] = int(each["current_billing_cycle"]) + 1
    record.due_at = midnight(following)


def mark_paid(record: Subscription) -> None:
    record.balance = canonical(Decimal(0), record.currency)
    record.paid_through_date = record.billing_period_end_date
    record.failure_count = record.retries = 0
    record.past_due_since = None


def start(call: Call, record: Subscription, first_day: date, *, source: str = API) -> Transaction | None:
    """Begin the first billing period, and charge for it. The caller looks at the outcome."""
    begin_period(record, first_day)
    amount = price_of_cycle(record)
    transaction = charge(call, record, Charge(amount, source)) if amount else None
    if is_approved(transaction) or not amount:
        mark_paid(record)
    return transaction


def cancel(call: Call, record: Subscription, *, source: str = API) -> None:
    record.due_at = None
    enter(call, record, CANCELED, source=source)
    save(call, record)
    notify_subscription(call, "canceled", record)


def cancel_all_of(call: Call, token: str) -> None:
    """Cancel the subscriptions of a payment method that is deleted."""
    for record in call.store.subscriptions.find(call.merchant.id, payment_method_token=token):
        if record.status not in ENDED:
            cancel(call, record)


def bill_due_subscriptions(call: Call) -> int:
    """Apply everything that has come due, each at its own time, in the order of time. Returns the number of steps."""
    steps = 0
    limit = call.clock.stamp()
    while True:
        record = call.store.subscriptions.earliest(call.merchant.id, "due_at")
        if record is None or record.due_at is None or record.due_at > limit:
            return steps
        bill(replace(call, clock=FixedClock(parse_stamp(record.due_at))), record)
        steps += 1


def bill(call: Call, record: Subscription) -> None:
    """Apply the step that is due today: the first charge, a renewal, a retry, or the end."""
    if record.status == PAST_DUE and record.next_billing_date < _next_period(record):
        _retry(call, record)
    elif _is_over(record):
        _expire(call, record)
    else:
        _renew(call, record)
    save(call, record)


def _is_over(record: Subscription) -> bool:
    cycles = record.number_of_billing_cycles
    return cycles is not None and record.current_billing_cycle >= cycles


def _next_period(record: Subscription) -> str:
    """The day on which the next billing period starts."""
    end = record.billing_period_end_date
    return (date.fromisoformat(end) + timedelta(days=1)).isoformat() if end else record.first_billing_date


def _expire(call: Call, record: Subscription) -> None:
    record.due_at = None
    enter(call, record, EXPIRED, source=RECURRING)
    notify_subscription(call, "expired", record)


def _renew(call: Call, record: Subscription) -> None:
    was, first = record.status, record.current_billing_cycle == 0
    if first and record.trial_period:
        notify_subscription(call, "trial_ended", record)
    begin_period(record, today(call))
    owed = Decimal(record.balance) + price_of_cycle(record)
    if owed <= 0:
        _skip(call, record, owed, was)
        return
    transaction = charge(call, record, Charge(owed, RECURRING))
    if not is_approved(transaction):
        record.balance = canonical(owed, record.currency)
        _fail(call, record)
        return
    mark_paid(record)
    if was != ACTIVE:
        enter(call, record, ACTIVE, source=RECURRING)
        notify_subscription(call, "went_active", record)
    notify_subscription(call, "charged_successfully", record)


def _skip(call: Call, record: Subscription, owed: Decimal, was: str) -> None:
    """The credit covers the whole price: nothing is charged."""
    mark_paid(record)
    record.balance = canonical(owed, record.currency)
    if was != ACTIVE:
        enter(call, record, ACTIVE, source=RECURRING)
    notify_subscription(call, "billing_skipped", record)


def _fail(call: Call, record: Subscription) -> None:
    """A charge failed: the subscription is past due, and the next attempt is set."""
    record.failure_count += 1
    was = record.status
    if was != PAST_DUE:
        record.past_due_since = today(call).isoformat()
        record.retries = 0
        enter(call, record, PAST_DUE, source=RECURRING)
    schedule_retry(call, record)
    notify_subscription(call, "charged_unsuccessfully", record)
    if was != PAST_DUE:
        notify_subscription(call, "went_past_due", record)


def schedule_retry(call: Call, record: Subscription) -> None:
    """Set the next attempt: by the retry days, and otherwise with the next billing period, or never."""
    following = _next_period(record)
    waits = call.merchant.retry_days
    if record.retries >= len(waits) and call.merchant.after_retries == "leave":
        record.next_billing_date, record.due_at = following, None
        return
    if record.retries < len(waits):
        following = min(following, (today(call) + timedelta(days=waits[record.retries])).isoformat())
    record.next_billing_date = following
    record.due_at = midnight(date.fromisoformat(following))


def _retry(call: Call, record: Subscription) -> None:
    record.retries += 1
    transaction = charge(call, record, Charge(Decimal(record.balance), RECURRING))
    if is_approved(transaction):
        recover(call, record, source=RECURRING)
        notify_subscription(call, "charged_successfully", record)
        return
    if record.retries >= len(call.merchant.retry_days) and call.merchant.after_retries == "cancel":
        record.failure_count += 1
        notify_subscription(call, "charged_unsuccessfully", record)
        cancel(call, record, source=RECURRING)
        return
    _fail(call, record)


def recover(call: Call, record: Subscription, *, source: str = API) -> None:
    """A past due subscription is paid: it is active again, or expired if its last billing period is over."""
    mark_paid(record)
    following = _next_period(record)
    record.next_billing_date = following
    record.due_at = midnight(date.fromisoformat(following))
    if _is_over(record) and following <= today(call).isoformat():
        _expire(call, record)
        return
    enter(call, record, ACTIVE, source=source)
    notify_subscription(call, "went_active", record)


def make_past_due(call: Call, record: Subscription, days: int) -> None:
    """Put the subscription in the state that a charge which failed so many days ago leaves behind."""
    if record.current_billing_cycle == 0:
        first_day = today(call) - timedelta(days=days)
        record.first_billing_date = first_day.isoformat()
        record.billing_day_of_month = billing_day_of(first_day)
        begin_period(record, first_day)
    record.balance = canonical(price_of_cycle(record), record.currency)
    record.failure_count += 1
    record.past_due_since = (today(call) - timedelta(days=days)).isoformat()
    enter(call, record, PAST_DUE)
    schedule_retry(call, record)
    save(call, record)
