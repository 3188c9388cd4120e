"""Loads the seed's historical transactions and disputes, in any status."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

from braintree_twin.calls import Call
from braintree_twin.clock import stamp
from braintree_twin.ledger.disputes import STATUSES as DISPUTE_STATUSES
from braintree_twin.ledger.disputes import new_dispute, save
from braintree_twin.ledger.lifecycle import authorization_expiry
from braintree_twin.ledger.settlement import DISBURSED_AFTER
from braintree_twin.rules.customers import FIELDS as CUSTOMER_FIELDS
from braintree_twin.rules.processor_responses import SETTLEMENT_TEXTS, kind_of
from braintree_twin.seed.fields import Fields
from braintree_twin.state.records import Transaction
from braintree_twin.vault.instruments import Instrument

# Status -> the history up to it, and the processor response code.
_PATHS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "authorized": (("authorized",), "1000"),
    "authorization_expired": (("authorized", "authorization_expired"), "1000"),
    "voided": (("authorized", "voided"), "1000"),
    "submitted_for_settlement": (("authorized", "submitted_for_settlement"), "1000"),
    "settling": (("authorized", "submitted_for_settlement", "settling"), "1000"),
    "settled": (("authorized", "submitted_for_settlement", "settled"), "1000"),
    "settlement_pending": (("authorized", "submitted_for_settlement", "settlement_pending"), "1000"),
    "settlement_declined": (("authorized", "submitted_for_settlement", "settlement_declined"), "1000"),
    "processor_declined": (("processor_declined",), "2000"),
    "gateway_rejected": (("gateway_rejected",), None),
    "failed": (("failed",), "3000"),
}
_SETTLEMENT_CODES = {"settled": "4000", "settlement_declined": "4001", "settlement_pending": "4002"}
DISPUTE_KINDS = ("chargeback", "pre_arbitration", "retrieval")
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


def load_transaction(call: Call, fields: Fields, identifier: str, instrument: Instrument) -> None:
    accounts = call.merchant.by_id
    account = accounts[fields.one_of("merchant_account", accounts, call.merchant.default_account.id)]
    status = fields.one_of("status", _PATHS, "authorized")
    amount = fields.amount("amount", account.currency)
    created = _timestamp(fields, "created_at") or call.clock.now()
    path, code = _PATHS[status]
    code = fields.text("processor_response_code") or code
    approved = code == "1000"
    record = Transaction(
        id=identifier,
        type=fields.one_of("type", ("sale", "credit"), "sale"),
        status=status,
        merchant_account_id=account.id,
        currency=account.currency,
        amount=amount,
        amount_requested=amount,
        created_at=stamp(created),
        updated_at=stamp(created),
        order_id=fields.text("order_id"),
        channel=fields.text("channel"),
        custom_fields=fields.table("custom_fields"),
        customer=_customer(call, fields, instrument),
        billing=instrument.billing,
        kind=instrument.kind,
        card=instrument.card,
        wallet=instrument.wallet,
        token=instrument.method.token if instrument.method else None,
        processor_response_code=code,
        processor_response_type=kind_of(code) if code else None,
        processor_authorization_code=call.ids.authorization_code() if approved else None,
        gateway_rejection_reason="fraud" if status == "gateway_rejected" else None,
    )
    record.history = [
        {"timestamp": stamp(created), "status": each, "amount": amount, "user": None, "transaction_source": "api"}
        for each in path
    ]
    _schedule_due(call, record, created)
    if call.store.transactions.get(call.merchant.id, identifier) is None:
        call.store.transactions.put(call.merchant.id, record)


def _customer(call: Call, fields: Fields, instrument: Instrument) -> dict[str, str | None]:
    given = fields.text("customer")
    customer_id = given or (instrument.method.customer_id if instrument.method else None)
    customer = call.store.customers.get(call.merchant.id, customer_id)
    if given and customer is None:
        raise fields.invalid("customer", f"is {given!r}, which is no customer of this merchant")
    return {"id": customer.id, **{name: getattr(customer, name) for name in CUSTOMER_FIELDS}} if customer else {}


def _schedule_due(call: Call, record: Transaction, created: datetime) -> None:
    """Set what comes due later: expiry of the authorization, disbursement."""
    code = _SETTLEMENT_CODES.get(record.status)
    if record.processor_authorization_code:
        record.authorization_expires_at = authorization_expiry(record)
    if record.status == "authorized":
        record.due_at = record.authorization_expires_at
    if code:
        record.processor_settlement_response_code = code
        record.processor_settlement_response_text = SETTLEMENT_TEXTS[code]
    if record.status == "settled":
        record.settlement_batch_id = f"{created:%Y-%m-%d}_{record.merchant_account_id}_{call.ids.batch()}"
        record.due_at = stamp(created + DISBURSED_AFTER)


def load_dispute(call: Call, fields: Fields, identifier: str) -> None:
    transaction_id = fields.required("transaction")
    record = call.store.transactions.get(call.merchant.id, transaction_id)
    if record is None:
        raise fields.invalid("transaction", f"is {transaction_id!r}, which is no transaction of this merchant")
    dispute = new_dispute(call, record)
    dispute.id = identifier
    dispute.status = status = fields.one_of("status", DISPUTE_STATUSES, "open")
    dispute.kind = fields.one_of("kind", DISPUTE_KINDS, dispute.kind)
    dispute.reason = fields.one_of("reason", REASONS, dispute.reason)
    dispute.reason_code = fields.text("reason_code") or dispute.reason_code
    dispute.case_number = fields.text("case_number") or dispute.case_number
    dispute.reference_number = fields.text("reference_number") or dispute.reference_number
    dispute.amount = fields.amount("amount", record.currency, record.amount)
    dispute.pre_dispute_program = fields.one_of("pre_dispute_program", ("none", "visa_rdr"), "none")
    levels = ("effortless", "standard", "not_protected")
    dispute.protection_level = fields.one_of("protection_level", levels, "not_protected")
    received = _day(fields, "received_date") or call.clock.now().date()
    reply_by = _day(fields, "reply_by_date") or received + timedelta(days=14)
    dispute.received_date, dispute.reply_by_date = received.isoformat(), reply_by.isoformat()
    if status == "won":
        dispute.amount_won, dispute.date_won = dispute.amount, received.isoformat()
    if status == "open":
        dispute.due_at = f"{reply_by + timedelta(days=1)}T00:00:00Z"
    day = received.isoformat()
    dispute.history = [
        {"status": each, "timestamp": f"{day}T00:00:00Z", "effective_date": day, "disbursement_date": day}
        for each in dict.fromkeys(("open", status))
    ]
    if call.store.disputes.get(call.merchant.id, identifier) is None:
        record.disputes.append(asdict(dispute))
        call.store.transactions.put(call.merchant.id, record)
        save(call, dispute)


def _timestamp(fields: Fields, name: str) -> datetime | None:
    value = fields.raw(name)
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise fields.invalid(name, "must be a moment without quotes, such as 2026-01-31T12:00:00Z")
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _day(fields: Fields, name: str) -> date | None:
    value = fields.raw(name)
    if value is None:
        return None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise fields.invalid(name, "must be a day without quotes, such as 2026-01-31")
    return value
