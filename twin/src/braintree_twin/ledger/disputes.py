"""The lifecycle of a dispute: opened by a trigger card, answered or expired, won or lost."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal

from braintree_twin.calls import Call
from braintree_twin.clock import parse_stamp, stamp
from braintree_twin.rules.cards import DISPUTE
from braintree_twin.rules.money import canonical
from braintree_twin.state.records import Dispute, Transaction
from braintree_twin.views.disputes import dispute as dispute_view
from braintree_twin.webhooks.notifications import notify

DAYS_TO_REPLY = 14
OPEN = "open"
STATUSES = ("accepted", "auto_accepted", "disputed", "expired", "lost", OPEN, "under_review", "won")


def open_triggered_dispute(call: Call, record: Transaction) -> None:
    """Open a dispute over an approved sale if its card number triggers one."""
    if record.type == "sale" and record.card and record.card.get("behaviour") == DISPUTE:
        open_dispute(call, record, new_dispute(call, record))


def new_dispute(call: Call, record: Transaction) -> Dispute:
    now = call.clock.now()
    return Dispute(
        id=call.ids.dispute(),
        transaction_id=record.id,
        merchant_account_id=record.merchant_account_id,
        currency=record.currency,
        amount=record.amount,
        amount_won=canonical(Decimal(0), record.currency),
        status=OPEN,
        created_at=stamp(now),
        updated_at=stamp(now),
        received_date=f"{now:%Y-%m-%d}",
        reply_by_date=f"{now + timedelta(days=DAYS_TO_REPLY):%Y-%m-%d}",
        case_number=f"CB{call.ids.reference()}",
        reference_number=call.ids.reference(),
        customer_id=record.customer_id,
        transaction={
            "amount": record.amount,
            "created_at": record.created_at,
            "order_id": record.order_id,
            "purchase_order_number": record.purchase_order_number,
            "payment_instrument_subtype": record.card["card_type"] if record.card else record.kind,
        },
    )


def open_dispute(call: Call, record: Transaction, dispute: Dispute) -> None:
    """Store a new dispute with its transaction."""
    record.disputes.append({"id": dispute.id})
    call.store.transactions.put(call.merchant.id, record)
    enter(call, dispute, dispute.status, notified_as="opened")
    record.disputes = [*record.disputes[:-1], asdict(dispute)]


def enter(call: Call, dispute: Dispute, status: str, *, notified_as: str | None = None) -> None:
    """Give the dispute a status, add it to the history, and notify the merchant."""
    today = f"{call.clock.now():%Y-%m-%d}"
    dispute.status = status
    dispute.history.append(
        {"status": status, "timestamp": call.clock.stamp(), "effective_date": today, "disbursement_date": today}
    )
    if status == "won":
        dispute.date_won, dispute.amount_won = today, dispute.amount
    dispute.due_at = _expiry(dispute) if status == OPEN else None
    save(call, dispute)
    notify(call, f"dispute_{notified_as or status}", {"dispute": dispute_view(dispute)})


def _expiry(dispute: Dispute) -> str:
    """The midnight at the end of the day by which a reply is due."""
    return stamp(parse_stamp(f"{dispute.reply_by_date}T00:00:00Z") + timedelta(days=1))


def save(call: Call, dispute: Dispute) -> None:
    """Store the dispute, and its copy in the transaction."""
    dispute.updated_at = call.clock.stamp()
    call.store.disputes.put(call.merchant.id, dispute)
    record = call.store.transactions.get(call.merchant.id, dispute.transaction_id)
    if record:
        record.disputes = [asdict(dispute) if copy["id"] == dispute.id else copy for copy in record.disputes]
        call.store.transactions.put(call.merchant.id, record)


def finalize(call: Call, dispute: Dispute) -> None:
    """Submit the evidence. A text of the sandbox decides the dispute at once."""
    for each in dispute.evidence:
        each["sent_to_processor_at"] = f"{call.clock.now():%Y-%m-%d}"
    enter(call, dispute, "disputed")
    texts = {each["comments"] for each in dispute.evidence}
    if "compelling_evidence" in texts:
        enter(call, dispute, "won")
    elif "losing_evidence" in texts:
        enter(call, dispute, "lost")


def expire_due_disputes(call: Call) -> int:
    due = list(call.store.disputes.scan(call.merchant.id, [("due_at <= ?", call.clock.stamp())]))
    for dispute in due:
        enter(call, dispute, "expired")
    return len(due)
