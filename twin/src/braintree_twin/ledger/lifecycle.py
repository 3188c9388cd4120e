"""The lifecycle of a transaction: its statuses, and the changes that come due with time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from braintree_twin.calls import Call
from braintree_twin.clock import FixedClock, parse_stamp, stamp
from braintree_twin.rules.bank_accounts import (
    BANK_KINDS,
    DECLINED_CODE,
    LOCAL_PAYMENT,
    LOCAL_PAYMENT_SETTLED_AFTER,
    SEPA,
    SETTLED_AFTER,
    settled_after,
)
from braintree_twin.rules.cards import brand_named
from braintree_twin.rules.processor_responses import SETTLEMENT_TEXTS, settlement_of
from braintree_twin.state.records import Transaction
from braintree_twin.webhooks.settlement_notifications import notify_settled, notify_transaction_disbursed

WAITING = ("submitted_for_settlement", "settling")
# Statuses of a bank's payment that its bank has still to settle.
AT_BANK = ("settlement_pending", "settling")
SETTLEMENTS = ("settled", "settlement_declined", "settlement_pending")
DISBURSED_AFTER = timedelta(days=1)
_SETTLEMENT_CODES = {
    "settled": "4000",
    "settlement_confirmed": "4000",
    "settlement_declined": "4001",
    "settlement_pending": "4002",
}
# Days by transaction source, where they differ from the brand's usual ones.
_VISA_DAYS = dict.fromkeys(("recurring", "installment", "unscheduled", "merchant"), 1)
_MASTERCARD_DAYS = {"estimated": 30}
# Kinds that PayPal begins to settle as soon as they are submitted.
SETTLING_AT_ONCE = frozenset({"paypal_account", LOCAL_PAYMENT})
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


def leave_to_the_bank(call: Call, record: Transaction) -> None:
    """A submitted payment of a bank account, or a local one, waits for the bank, who settles or declines it later.

    PayPal, which carries SEPA payments, calls that settling.
    """
    if record.kind == LOCAL_PAYMENT and record.status == "settling":
        record.due_at = stamp(call.clock.now() + LOCAL_PAYMENT_SETTLED_AFTER)
    if record.kind in SETTLED_AFTER and record.status == "submitted_for_settlement":
        if record.kind == SEPA:
            enter(call, record, "settling")
        else:
            enter(call, record, "settlement_pending")
            record.processor_settlement_response_code = "4002"
            record.processor_settlement_response_text = SETTLEMENT_TEXTS["4002"]
        record.due_at = stamp(call.clock.now() + settled_after(record.kind, record.requested_ach_type))


def settle_as(call: Call, record: Transaction, status: str, batch: str | None = None) -> None:
    """Settle one transaction, decline it or leave it pending, by `status`; in this batch, or in one of its own."""
    code = _SETTLEMENT_CODES[status]
    record.processor_settlement_response_code = code
    record.processor_settlement_response_text = SETTLEMENT_TEXTS[code]
    record.due_at = None
    if status == "settled":
        now = call.clock.now()
        record.settlement_batch_id = f"{now:%Y-%m-%d}_{record.merchant_account_id}_{batch or call.ids.batch()}"
        record.due_at = stamp(now + DISBURSED_AFTER)
    enter(call, record, status, source="")
    save(call, record)
    notify_settled(call, record)


def return_by_bank(call: Call, record: Transaction, reason_code: str, reject_reason: str | None = None) -> None:
    """The customer's bank returns the payment, before or after its settlement."""
    record.ach_returns.append(
        {"created_at": call.clock.stamp(), "reason_code": reason_code, "reject_reason": reject_reason}
    )
    settle_as(call, record, "settlement_declined")


def _settle_at_bank(call: Call, record: Transaction) -> None:
    """The bank settles a payment, or declines it if its amount triggers that. It happens when it was due."""
    moment = replace(call, clock=FixedClock(parse_stamp(record.due_at or call.clock.stamp())))
    status, _ = settlement_of(Decimal(record.amount), record.kind)
    if record.type != "sale" or status == "settled":
        settle_as(moment, record, "settled")
    elif record.kind == LOCAL_PAYMENT:
        settle_as(moment, record, status)
    elif status == "settlement_declined":
        return_by_bank(moment, record, DECLINED_CODE)
    else:
        settle_as(moment, record, "settled")


def apply_due(call: Call, record: Transaction) -> None:
    """Apply what has come due: the authorization expires, a bank settles, or the money is disbursed."""
    if record.status in AT_BANK and record.kind in (*BANK_KINDS, LOCAL_PAYMENT):
        _settle_at_bank(call, record)
        if not record.due_at or record.due_at > call.clock.stamp():
            return
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
