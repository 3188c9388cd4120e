"""Finding a transaction, and calling it off before it settles."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.life import enter, save
from braintree_twin.resources.transactions.common import ROOT, answer, load
from braintree_twin.validation import failed
from braintree_twin.views.transactions import transaction as transaction_view

VOIDABLE = frozenset({"authorized", "submitted_for_settlement"})
CANNOT_VOID = "91504"


def find(call: Call) -> Answer:
    return Answer(ROOT, transaction_view(load(call)))


def void(call: Call) -> Answer:
    record = load(call)
    if record.status not in VOIDABLE:
        raise failed(ROOT, "base", CANNOT_VOID)
    record.due_at = None
    enter(call, record, "voided")
    save(call, record)
    return answer(call, record)
