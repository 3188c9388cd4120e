"""Helpers that the transaction calls share."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call
from braintree_twin.errors import NotFound
from braintree_twin.ledger.lifecycle import apply_due
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.rules.processor_responses import text_of
from braintree_twin.state.records import Transaction
from braintree_twin.validation import Errors, error_answer
from braintree_twin.views.transactions import transaction as transaction_view

ROOT = "transaction"
MAX_TEXT_LENGTH = 255
UNSUCCESSFUL = frozenset({"processor_declined", "gateway_rejected", "failed"})


def load(call: Call) -> Transaction:
    """The transaction of the path, after everything that came due is applied."""
    record = call.store.transactions.get(call.merchant.id, call.path["id"])
    if record is None:
        raise NotFound
    if record.due_at and record.due_at <= call.clock.stamp():
        apply_due(call, record)
    return record


def account_of(call: Call, record: Transaction) -> MerchantAccount:
    return call.merchant.by_id.get(record.merchant_account_id) or call.merchant.default_account


def answer(call: Call, record: Transaction, *, status: int = 200) -> Answer:
    """Answer with the transaction. A decline or rejection is a 422 that contains it, without errors."""
    if record.status not in UNSUCCESSFUL:
        return Answer(ROOT, transaction_view(record), status)
    message = decline_message(record)
    node = error_answer(Errors(), echo(call), message=message, transaction=transaction_view(record))
    return Answer("api_error_response", node, 422)


def echo(call: Call) -> dict[str, object]:
    return {**Params(call.document).echo()}


def decline_message(record: Transaction) -> str:
    if record.gateway_rejection_reason:
        return f"Gateway Rejected: {record.gateway_rejection_reason}"
    return text_of(record.processor_response_code or "")


def check_order_id(params: Params, errors: Errors) -> str | None:
    order_id = params.text("order_id")
    if order_id and len(order_id) > MAX_TEXT_LENGTH:
        errors.add("order_id", "91501")
    return order_id
