"""Verifications of US bank accounts: find them, and confirm the amounts of micro-transfers."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.request_schema import schema
from braintree_twin.rules.bank_accounts import MAX_ATTEMPTS, PENDING
from braintree_twin.state.records import BankVerification
from braintree_twin.validation import failed
from braintree_twin.vault.bank_verifications import apply_due, confirm, is_micro_transfer
from braintree_twin.views.bank_accounts import verification as verification_view

ROOT = "us_bank_account_verification"
NOT_CONFIRMABLE, NO_MICRO_TRANSFERS, DIFFERENT_AMOUNTS = "96101", "96102", "96103"
TOO_MANY_ATTEMPTS, ALREADY_CONFIRMED, INVALID_AMOUNTS = "96104", "96105", "96106"
MAX_CENTS = 100


def _load(call: Call) -> BankVerification:
    apply_due(call)
    record = call.store.bank_verifications.get(call.merchant.id, call.path["id"])
    if record is None:
        raise NotFound
    return record


def find(call: Call) -> Answer:
    return Answer(ROOT, verification_view(_load(call)))


def confirm_amounts(call: Call) -> Answer:
    """Confirm the amounts in cents of the two deposits, in any order. One attempt too many rejects the verification."""
    record = _load(call)
    amounts = call.params(ROOT).texts("deposit_amounts")
    fault = _fault(record, amounts)
    if fault is None and sorted(int(each) for each in amounts) != sorted(record.deposits):
        # The attempt counts although it is refused: failed requests are rolled back, so the answer is no exception.
        record.attempts += 1
        call.store.bank_verifications.put(call.merchant.id, record)
        return failed(ROOT, "base", DIFFERENT_AMOUNTS).as_answer(call.document)
    if fault == TOO_MANY_ATTEMPTS:
        record.status, record.updated_at = "gateway_rejected", call.clock.stamp()
        call.store.bank_verifications.put(call.merchant.id, record)
        return failed(ROOT, "base", fault, **{ROOT: verification_view(record)}).as_answer(call.document)
    if fault:
        raise failed(ROOT, "base", fault)
    confirm(call, record)
    return Answer(ROOT, verification_view(record))


def _fault(record: BankVerification, amounts: list[str]) -> str | None:
    if not is_micro_transfer(record):
        return NO_MICRO_TRANSFERS
    if record.attempts >= MAX_ATTEMPTS:
        return TOO_MANY_ATTEMPTS
    if record.status != PENDING:
        return NOT_CONFIRMABLE
    if record.due_at:
        return ALREADY_CONFIRMED
    valid = len(amounts) == 2 and all(each.isascii() and each.isdigit() and len(each) < 4 for each in amounts)
    return None if valid and all(0 < int(each) < MAX_CENTS for each in amounts) else INVALID_AMOUNTS


ROUTES = (
    Route("GET", "/us_bank_account_verifications/{id}", find),
    Route(
        "PUT",
        "/us_bank_account_verifications/{id}/confirm_micro_transfer_amounts",
        confirm_amounts,
        takes={ROOT: schema("deposit_amounts")},
    ),
)
