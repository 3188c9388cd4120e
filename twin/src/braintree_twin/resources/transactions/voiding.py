"""Finds a transaction, and voids it before settlement."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.lifecycle import enter, save
from braintree_twin.resources.transactions.common import ROOT, answer, load
from braintree_twin.state.records import Transaction
from braintree_twin.validation import failed
from braintree_twin.views.transactions import transaction as transaction_view

VOIDABLE = frozenset({"authorized", "submitted_for_settlement"})
CANNOT_VOID = "91504"


def find(call: Call) -> Answer:
    return Answer(ROOT, transaction_view(load(call)))


def void(call: Call) -> Answer:
    record = load(call)
    if record.status not in VOIDABLE and not _is_voidable_while_pending(record):
        raise failed(ROOT, "base", CANNOT_VOID)
    record.due_at = None
    enter(call, record, "voided")
    save(call, record)
    return answer(call, record)


def _is_voidable_while_pending(record: Transaction) -> bool:
    """Whether it is a pending PayPal settlement, or the rest of a partly settled hold (inferred for cards)."""
    in_parts = bool(record.partial_settlement_ids)
    return record.status == "settlement_pending" and (record.kind == "paypal_account" or in_parts)
