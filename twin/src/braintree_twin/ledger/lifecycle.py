"""The lifecycle of a transaction: its statuses, and the changes that come due with time."""

from __future__ import annotations

from datetime import timedelta

from braintree_twin.calls import Call
from braintree_twin.clock import parse_stamp, stamp
from braintree_twin.rules.cards import brand_named
from braintree_twin.state.records import Transaction
from braintree_twin.webhooks.settlement_notifications import notify_transaction_disbursed

# Days by transaction source, where they differ from the brand's usual ones.
_VISA_DAYS = dict.fromkeys(("recurring", "installment", "unscheduled", "merchant"), 1)
_MASTERCARD_DAYS = {"estimated": 30}
_DAYS_OF_WALLETS = {"paypal_account": 29, "venmo_account": 10}


def save(call: Call, record: Transaction) -> None:
    record.updated_at = call.clock.stamp()
    call.store.transactions.put(call.merchant.id, record)


def enter(call: Call, record: Transaction, status: str, *, source: str = "api") -> None:
    """Give the transaction a status, and add it to the history."""
    record.status = status
    record.history.append(
        {
            "timestamp": call.clock.stamp(),
            "status": status,
            "amount": record.amount,
            "user": call.merchant.user if source == "api" else None,
            "transaction_source": source,
        }
    )


def authorization_expiry(record: Transaction) -> str:
    """The time at which the authorization expires, by brand."""
    days = _DAYS_OF_WALLETS.get(record.kind)
    if days is None:
        days = _days_of_card(record)
    return stamp(parse_stamp(record.created_at) + timedelta(days=days))


def _days_of_card(record: Transaction) -> int:
    """Visa holds merchant-initiated payments for a day; Mastercard holds an estimated amount for a month."""
    brand = record.card["card_type"] if record.card else ""
    days = {"Visa": _VISA_DAYS, "MasterCard": _MASTERCARD_DAYS}.get(brand, {}).get(record.transaction_source or "")
    return days or (brand_named(brand).authorization_days if record.card else 7)


def apply_due(call: Call, record: Transaction) -> None:
    """Apply what has come due: the authorization expires, or the money is disbursed."""
    if record.status == "authorized":
        enter(call, record, "authorization_expired", source="")
    elif record.status == "settled" and record.disbursement is None:
        record.disbursement = {
            "date": (record.due_at or "")[:10],
            "amount": record.amount,
            "currency": record.currency,
            "exchange_rate": "1",
            "base_exchange_rate": "1",
        }
        notify_transaction_disbursed(call, record)
    record.due_at = None
    save(call, record)
