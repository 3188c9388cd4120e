"""The batch that settles everything that was submitted, and everything that comes due with time."""

from __future__ import annotations

from decimal import Decimal

from braintree_twin.calls import Call
from braintree_twin.ledger import local_payments
from braintree_twin.ledger.disputes import expire_due_disputes
from braintree_twin.ledger.lifecycle import WAITING, apply_due, settle_as
from braintree_twin.ledger.subscriptions import bill_due_subscriptions
from braintree_twin.rules.bank_accounts import BANK_KINDS
from braintree_twin.rules.processor_responses import settlement_of
from braintree_twin.vault import bank_verifications
from braintree_twin.webhooks.settlement_notifications import notify_disbursement


def run_batch(call: Call) -> dict[str, int]:
    """Settle everything that one merchant submitted. Trigger amounts of the sandbox are declined or stay pending."""
    outcome: dict[str, int] = {}
    batch = call.ids.batch()
    for waiting in WAITING:
        for record in call.store.transactions.find(call.merchant.id, status=waiting):
            if record.kind in BANK_KINDS:
                continue
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
    changes = expire_due_disputes(call) + bill_due_subscriptions(call) + bank_verifications.apply_due(call)
    changes += local_payments.apply_due(call)
    return len(due) + changes
