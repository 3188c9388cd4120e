"""Loads the seed's disputes, in any status and with any dates."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from braintree_twin.calls import Call
from braintree_twin.clock import stamp
from braintree_twin.ledger.disputes import STATUSES, new_dispute, save
from braintree_twin.seed.fields import Fields
from braintree_twin.state.records import Transaction

KINDS = ("chargeback", "pre_arbitration", "retrieval")
PROTECTION_LEVELS = ("effortless", "standard", "not_protected")
REASONS = (
    "cancelled_recurring_transaction",
    "credit_not_processed",
    "duplicate",
    "fraud",
    "general",
    "invalid_account",
    "not_recognized",
    "product_not_received",
    "product_unsatisfactory",
    "retrieval",
    "transaction_amount_differs",
)


def load_dispute(call: Call, fields: Fields, identifier: str) -> None:
    transaction_id = fields.required("transaction")
    record = call.store.transactions.get(call.merchant.id, transaction_id)
    if record is None:
        if transaction_id:
            fields.fault("transaction", f"is {transaction_id!r}, which is no transaction of this merchant")
        # The other fields are read over a transaction that nobody keeps, so that all their faults are told.
        account = call.merchant.default_account
        record = Transaction(
            id="",
            type="sale",
            status="settled",
            merchant_account_id=account.id,
            currency=account.currency,
            amount="0",
            amount_requested="0",
            created_at=call.clock.stamp(),
            updated_at=call.clock.stamp(),
        )
    dispute = new_dispute(call, record)
    dispute.id = identifier
    dispute.status = status = fields.one_of("status", STATUSES, "open")
    dispute.kind = fields.one_of("kind", KINDS, dispute.kind)
    dispute.reason = fields.one_of("reason", REASONS, dispute.reason)
    dispute.reason_code = fields.text("reason_code") or dispute.reason_code
    dispute.case_number = fields.text("case_number") or dispute.case_number
    dispute.reference_number = fields.text("reference_number") or dispute.reference_number
    dispute.amount = fields.amount("amount", record.currency, record.amount)
    dispute.pre_dispute_program = fields.one_of("pre_dispute_program", ("none", "visa_rdr"), "none")
    dispute.protection_level = fields.one_of("protection_level", PROTECTION_LEVELS, "not_protected")
    created = fields.moment("created_at")
    received = fields.day("received_date") or (created or call.clock.now()).date()
    reply_by = fields.day("reply_by_date") or received + timedelta(days=14)
    if reply_by < received:
        fields.fault("reply_by_date", "must not be before received_date")
    resolved = fields.day("resolved_date") or received
    dispute.created_at = dispute.updated_at = stamp(created) if created else f"{received}T00:00:00Z"
    dispute.received_date, dispute.reply_by_date = received.isoformat(), reply_by.isoformat()
    if status == "won":
        dispute.amount_won, dispute.date_won = dispute.amount, resolved.isoformat()
    if status == "open":
        dispute.due_at = f"{reply_by + timedelta(days=1)}T00:00:00Z"
    days = {"open": received.isoformat(), status: resolved.isoformat()} if status != "open" else {"open": f"{received}"}
    dispute.history = [
        {"status": each, "timestamp": f"{day}T00:00:00Z", "effective_date": day, "disbursement_date": day}
        for each, day in days.items()
    ]
    if record.id and call.store.disputes.get(call.merchant.id, identifier) is None:
        record.disputes.append(asdict(dispute))
        call.store.transactions.put(call.merchant.id, record)
        save(call, dispute)
