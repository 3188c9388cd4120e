"""Reverses a transaction: a void before settlement, a full refund after it."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call
from braintree_twin.resources.transactions.common import ROOT, load
from braintree_twin.resources.transactions.refunding import refund_all
from braintree_twin.resources.transactions.voiding import VOIDABLE, void
from braintree_twin.validation import failed

# The settlement is pending at the processor, or consists of parts that have to be reversed one by one.
IN_BETWEEN = frozenset({"authorizing", "settlement_pending", "settlement_confirmed"})
NOT_NOW = "915282"


def reverse(call: Call) -> Answer:
    record = load(call)
    if record.status in VOIDABLE:
        return void(call)
    if record.status in IN_BETWEEN:
        raise failed(ROOT, "base", NOT_NOW)
    return refund_all(call, record)
