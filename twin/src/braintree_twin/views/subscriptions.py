"""The XML of subscriptions, with their newest transactions."""

from __future__ import annotations

from datetime import date

from braintree_twin.calls import Call
from braintree_twin.rules.modifications import price_of_cycle
from braintree_twin.rules.money import canonical
from braintree_twin.state.records import Fields, Subscription
from braintree_twin.views.modifications import modifications
from braintree_twin.views.transactions import transaction as transaction_view
from braintree_twin.xml_writer import Date, Elements, Node, Timestamp

MAX_TRANSACTIONS = 20


def _date(text: str | None) -> Node:
    return Date(text) if text else None


def subscription(call: Call, record: Subscription) -> dict[str, Node]:
    newest = record.transaction_ids[:MAX_TRANSACTIONS]
    charged = (call.store.transactions.get(call.merchant.id, identifier) for identifier in newest)
    upcoming = canonical(price_of_cycle(record, next_cycle=True), record.currency)
    return {
        "add_ons": modifications("add_on", record.add_ons),
        "balance": record.balance,
        "billing_day_of_month": record.billing_day_of_month,
        "billing_period_end_date": _date(record.billing_period_end_date),
        "billing_period_start_date": _date(record.billing_period_start_date),
        "created_at": Timestamp(record.created_at),
        "updated_at": Timestamp(record.updated_at),
        "current_billing_cycle": record.current_billing_cycle,
        "days_past_due": _days_past_due(call, record),
        "discounts": modifications("discount", record.discounts),
        "failure_count": record.failure_count,
        "first_billing_date": _date(record.first_billing_date),
        "id": record.id,
        "merchant_account_id": record.merchant_account_id,
        "never_expires": record.number_of_billing_cycles is None,
        "next_bill_amount": upcoming,
        "next_billing_period_amount": upcoming,
        "next_billing_date": _date(record.next_billing_date),
        "number_of_billing_cycles": record.number_of_billing_cycles,
        "paid_through_date": _date(record.paid_through_date),
        "payment_method_token": record.payment_method_token,
        "plan_id": record.plan_id,
        "price": record.price,
        "status": record.status,
        "trial_duration": record.trial_duration,
        "trial_duration_unit": record.trial_duration_unit,
        "trial_period": record.trial_period,
        "descriptor": {name: record.descriptor.get(name) for name in ("name", "phone", "url")},
        "description": record.description,
        "transactions": Elements("transaction", [transaction_view(each) for each in charged if each]),
        "status_history": Elements("status_event", [_event(event) for event in record.history]),
    }


def _days_past_due(call: Call, record: Subscription) -> int | None:
    if record.past_due_since is None:
        return None
    return (call.clock.now().date() - date.fromisoformat(record.past_due_since)).days


def _event(event: Fields) -> dict[str, Node]:
    return {
        "timestamp": Timestamp(event["timestamp"] or ""),
        "status": event["status"],
        "user": event["user"],
        "subscription_source": event["subscription_source"],
        "balance": event["balance"],
        "price": event["price"],
        "currency_iso_code": event["currency_iso_code"],
        "plan_id": event["plan_id"],
    }
