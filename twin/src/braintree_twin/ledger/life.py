"""A transaction's statuses, and what time alone does to them."""

from __future__ import annotations

from datetime import timedelta

from braintree_twin.calls import Call
from braintree_twin.clock import parse_stamp, stamp
from braintree_twin.rules.cards import brand_named
from braintree_twin.state.records import Transaction
from braintree_twin.webhooks.events import tell_disbursed

# By transaction source, where it is not the brand's usual time.
_VISA_DAYS = dict.fromkeys(("recurring", "installment", "unscheduled", "merchant"), 1)
_MASTERCARD_DAYS = {"estimated": 30}
_DAYS_OF_WALLETS = {"paypal_account": 29, "venmo_account": 10}


def save(call: Call, record: Transaction) -> None:
    record.updated_at = call.clock.stamp()
    call.store.transactions.put(call.merchant.id, record)


def enter(call: Call, record: Transaction, status: str, *, source: str = "api") -> None:
    """Give the transaction a status, and note it in its history."""
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
    """When the money stops being held, by brand."""
    days = _DAYS_OF_WALLETS.get(record.kind)
    if days is None:
        days = _days_of_card(record)
    return stamp(parse_stamp(record.created_at) + timedelta(days=days))


def _days_of_card(record: Transaction) -> int:
    """Merchants' own payments are held for a day by Visa; Mastercard holds an estimate for a month."""
    brand = record.card["card_type"] if record.card else ""
    days = {"Visa": _VISA_DAYS, "MasterCard": _MASTERCARD_DAYS}.get(brand, {}).get(record.transaction_source or "")
    return days or (brand_named(brand).authorization_days if record.card else 7)


def come_due(call: Call, record: Transaction) -> None:
    """Carry out what time alone does to a transaction: it expires, or its money is disbursed."""
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
        tell_disbursed(call, record)
    record.due_at = None
    save(call, record)
