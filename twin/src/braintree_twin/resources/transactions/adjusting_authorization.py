"""Adjusts an authorization to a higher or lower amount."""

from __future__ import annotations

from decimal import Decimal

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.lifecycle import save
from braintree_twin.merchants import MerchantAccount
from braintree_twin.resources.transactions.common import ROOT, account_of, answer, load
from braintree_twin.rules.money import TRANSACTION_AMOUNT, canonical
from braintree_twin.rules.processor_responses import HARD, decide_by_amount, kind_of
from braintree_twin.state.records import Transaction
from braintree_twin.validation import Errors, ValidationFailed, error_answer
from braintree_twin.views.transactions import transaction as transaction_view

NOT_AUTHORIZED, NOT_ELIGIBLE, SAME_AMOUNT = "915218", "915219", "95606"
# The element that errors about the adjustment itself stand under.
ADJUSTMENT = "authorization_adjustment"
# The sources of authorizations that are final.
_FINAL_SOURCES = frozenset({"recurring", "recurring_first"})
NO_ADJUSTMENTS, NO_INCREASES, NO_DECREASES = "915222", "915220", "915221"
HARD_DECLINED, SOFT_DECLINED = "95602", "95603"


def adjust_authorization(call: Call) -> Answer:
    """Adjust the authorized amount. A declined adjustment is recorded, and leaves the amount as it was."""
    record = load(call)
    amount = _adjusted_amount(call, record)
    change = amount - Decimal(record.amount)
    decision = decide_by_amount(abs(change), record.kind)
    code = decision.processor_response_code or "3000"
    record.authorization_adjustments.append(
        {
            "amount": canonical(change, record.currency),
            "timestamp": call.clock.stamp(),
            "success": decision.approved,
            "processor_response_code": code,
            "processor_response_type": kind_of(code),
        }
    )
    if decision.approved:
        record.amount = canonical(amount, record.currency)
        # The limit of later settlements.
        record.amount_requested = record.amount
    save(call, record)
    if decision.approved:
        return answer(call, record)
    errors = Errors()
    errors.on(ROOT).add("base", HARD_DECLINED if kind_of(code) == HARD else SOFT_DECLINED)
    node = error_answer(errors, {}, transaction=transaction_view(record))
    return Answer("api_error_response", node, 422)


def _unable(account: MerchantAccount, change: Decimal) -> str | None:
    """The error code of an adjustment that the account's processor cannot do."""
    if "adjustments" in account.lacks:
        return NO_ADJUSTMENTS
    if change > 0:
        return NO_INCREASES if "increases" in account.lacks else None
    return NO_DECREASES if change < 0 and "decreases" in account.lacks else None


def _adjusted_amount(call: Call, record: Transaction) -> Decimal:
    amount, fault = TRANSACTION_AMOUNT.check(call.params(ROOT).text("amount"), record.currency)
    if amount is None:
        raise _refused(record, ROOT, "amount", fault or "81502")
    if record.type != "sale" or record.status != "authorized":
        raise _refused(record, ROOT, "base", NOT_AUTHORIZED)
    if record.card is None or record.authorized_transaction_id or record.transaction_source in _FINAL_SOURCES:
        raise _refused(record, ROOT, "base", NOT_ELIGIBLE)
    unable = _unable(account_of(call, record), amount - Decimal(record.amount))
    if unable:
        raise _refused(record, ROOT, "base", unable)
    if amount == Decimal(record.amount):
        raise _refused(record, ADJUSTMENT, "base", SAME_AMOUNT)
    return amount


def _refused(record: Transaction, level: str, attribute: str, code: str) -> ValidationFailed:
    """A refusal, whose answer has the unchanged transaction."""
    errors = Errors()
    errors.on(level).add(attribute, code)
    return ValidationFailed(errors, transaction=transaction_view(record))
