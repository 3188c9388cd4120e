"""The XML of disputes, evidence and uploaded documents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from braintree_twin.clock import parse_stamp
from braintree_twin.ids import global_id
from braintree_twin.state.records import Dispute, Document, Fields
from braintree_twin.xml_writer import Date, Elements, Node, Timestamp

DOCUMENTS_KEPT = timedelta(days=365)
# All the documents of a dispute together (inferred from the limit of each).
MAX_EVIDENCE_BYTES = 4 * 1024 * 1024


def _date(text: str | None) -> Node:
    return Date(text) if text else None


def _stamp(text: str | None) -> Node:
    return Timestamp(text) if text else None


def dispute(record: Dispute) -> dict[str, Node]:
    return {
        "id": record.id,
        "graphql_id": global_id("dispute", record.id),
        "global_id": global_id("dispute", record.id),
        "amount": record.amount,
        "amount_disputed": record.amount,
        "amount_won": record.amount_won,
        "case_number": record.case_number,
        "chargeback_protection_level": record.protection_level,
        "created_at": Timestamp(record.created_at),
        "currency_iso_code": record.currency,
        "date_opened": _date(record.created_at[:10]),
        "date_won": _date(record.date_won),
        "forwarded_comments": record.processor_comments,
        "processor_comments": record.processor_comments,
        "kind": record.kind,
        "merchant_account_id": record.merchant_account_id,
        "original_dispute_id": record.original_dispute_id,
        "pre_dispute_program": record.pre_dispute_program,
        "reason": record.reason,
        "reason_code": record.reason_code,
        "reason_description": record.reason_description,
        "received_date": _date(record.received_date),
        "reference_number": record.reference_number,
        "reply_by_date": _date(record.reply_by_date),
        "remaining_file_evidence_storage": max(0, MAX_EVIDENCE_BYTES - _uploaded(record)),
        "status": record.status,
        "updated_at": Timestamp(record.updated_at),
        "evidence": Elements("evidence", [evidence(each) for each in record.evidence]),
        "paypal_messages": Elements("paypal_message", ()),
        "status_history": Elements("status_history", [_event(event) for event in record.history]),
        "transaction": _transaction(record),
    }


def _uploaded(record: Dispute) -> int:
    return sum(int(each.get("size") or 0) for each in record.evidence)


def _transaction(record: Dispute) -> dict[str, Node]:
    fields = record.transaction
    return {
        "id": record.transaction_id,
        "global_id": global_id("transaction", record.transaction_id),
        "amount": fields.get("amount"),
        "created_at": _stamp(fields.get("created_at")),
        "installment_count": None,
        "order_id": fields.get("order_id"),
        "purchase_order_number": fields.get("purchase_order_number"),
        "payment_instrument_subtype": fields.get("payment_instrument_subtype"),
    }


def _event(event: Fields) -> dict[str, Node]:
    return {
        "status": event["status"],
        "timestamp": _stamp(event["timestamp"]),
        "effective_date": _date(event.get("effective_date")),
        "disbursement_date": _date(event.get("disbursement_date")),
    }


def evidence(fields: Mapping[str, Any]) -> dict[str, Node]:
    return {
        "id": fields["id"],
        "global_id": global_id("disputeevidence", fields["id"]),
        # The SDKs' sample notifications have the one element, their objects read the other.
        "comment": fields["comments"],
        "comments": fields["comments"],
        "url": fields["url"],
        "category": fields["category"],
        "sequence_number": fields["sequence_number"],
        "created_at": _stamp(fields["created_at"]),
        "sent_to_processor_at": _date(fields.get("sent_to_processor_at")),
    }


def document(record: Document) -> dict[str, Node]:
    return {
        "id": record.id,
        "global_id": global_id("documentupload", record.id),
        "kind": record.kind,
        "name": record.name,
        "content_type": record.content_type,
        "size": record.size,
        "expires_at": Date((parse_stamp(record.created_at) + DOCUMENTS_KEPT).date().isoformat()),
        "created_at": _stamp(record.created_at),
    }
