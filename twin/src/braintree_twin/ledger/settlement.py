"""Settlement of one transaction, and the batch that settles everything that was submitted."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from braintree_twin.calls import Call
from braintree_twin.clock import stamp
from braintree_twin.ledger.disputes import expire_due_disputes
from braintree_twin.ledger.lifecycle import apply_due, enter, save
from braintree_twin.ledger.subscriptions import bill_due_subscriptions
from braintree_twin.rules.processor_responses import SETTLEMENT_TEXTS, settlement_of
from braintree_twin.state.records import Transaction
from braintree_twin.webhooks.settlement_notifications import notify_disbursement, notify_settled

WAITING = ("submitted_for_settlement", "settling")
DISBURSED_AFTER = timedelta(days=1)
_CODES = {
    "settled": "4000",
    "settlement_confirmed": "4000",
    "settlement_declined": "4001",
    "settlement_pending": "4002",
}
SETTLEMENTS = ("settled", "settlement_declined", "settlement_pending")


def settle_as(call: Call, record: Transaction, status: str, batch: str | None = None) -> None:
    """Settle one transaction, decline it or leave it pending, by `status`; in this batch, or in one of its own."""
    code = _CODES[status]
    record.processor_settlement_response_code = code
    record.processor_settlement_response_text = SETTLEMENT_TEXTS[code]
    if status == "settled":
        now = call.clock.now()
        record.settlement_batch_id = f"{now:%Y-%m-%d}_{record.merchant_account_id}_{batch or call.ids.batch()}"
        record.due_at = stamp(now + DISBURSED_AFTER)
    enter(call, record, status, source="")
    save(call, record)
    notify_settled(call, record)


def run_batch(call: Call) -> dict[str, int]:
    """Settle everything that one merchant submitted. Trigger amounts of the sandbox are declined or stay pending."""
    outcome: dict[str, int] = {}
    batch = call.ids.batch()
    for waiting in WAITING:
        for record in call.store.transactions.find(call.merchant.id, status=waiting):
            status = "settled"
            if record.type == "sale":
                status, _ = settlement_of(Decimal(record.amount), record.kind)
            settle_as(call, record, status, batch)
            outcome[status] = outcome.get(status, 0) + 1
    return outcome


def advance_due(call: Call) -> int:
    """Apply everything that has come due for one merchant; returns the number of changes."""
    due = list(call.store.transactions.scan(call.merchant.id, [("due_at <= ?", call.clock.stamp())]))
    waiting = {record.id for record in due if record.disbursement is None}
    for record in due:
        apply_due(call, record)
    notify_disbursement(call, [record for record in due if record.disbursement and record.id in waiting])
    return len(due) + expire_due_disputes(call) + bill_due_subscriptions(call)
