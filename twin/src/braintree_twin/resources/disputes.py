"""Disputes: find, accept, add and remove evidence, finalize."""

from __future__ import annotations

from typing import Any

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import MalformedRequest, NotFound
from braintree_twin.ledger.disputes import OPEN, enter, save
from braintree_twin.ledger.disputes import finalize as finalize_dispute
from braintree_twin.ledger.settlement import advance_due
from braintree_twin.params import Params
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.rules.evidence import SubmittedEvidence, evidence_error, is_repeatable, missing_evidence
from braintree_twin.state.records import Dispute
from braintree_twin.validation import Errors, ValidationFailed, failed
from braintree_twin.views.disputes import dispute as dispute_view
from braintree_twin.views.disputes import evidence as evidence_view

ROOT = "dispute"
ADD_NEEDS_OPEN, REMOVE_NEEDS_OPEN, NOT_EVIDENCE = "95701", "95702", "95703"
ACCEPT_NEEDS_OPEN, FINALIZE_NEEDS_OPEN, CATEGORY_REPEATED = "95704", "95705", "95714"


def _load(call: Call) -> Dispute:
    advance_due(call)
    record = call.store.disputes.get(call.merchant.id, call.path["id"])
    if record is None:
        raise NotFound
    return record


def _load_open(call: Call, code: str) -> Dispute:
    record = _load(call)
    if record.status != OPEN:
        raise failed(ROOT, "status", code)
    return record


def find(call: Call) -> Answer:
    return Answer(ROOT, dispute_view(_load(call)))


def accept(call: Call) -> Answer:
    record = _load_open(call, ACCEPT_NEEDS_OPEN)
    enter(call, record, "accepted")
    return Answer(ROOT, dispute_view(record))


def finalize(call: Call) -> Answer:
    record = _load_open(call, FINALIZE_NEEDS_OPEN)
    errors = Errors()
    for code in missing_evidence([each["category"] for each in record.evidence]):
        errors.on(ROOT).add("dispute", code)
    if errors:
        raise ValidationFailed(errors)
    finalize_dispute(call, record)
    return Answer(ROOT, dispute_view(record))


def add_evidence(call: Call) -> Answer:
    params = call.params("evidence")
    record = _load_open(call, ADD_NEEDS_OPEN)
    document_id = params.text("document_upload_id")
    document = call.store.documents.get(call.merchant.id, document_id)
    if document_id is not None and document is None:
        raise NotFound
    if document and document.kind != "evidence_document":
        raise failed(ROOT, "document", NOT_EVIDENCE)
    comments = None if document else params.text("comments")
    if document is None and comments is None:
        raise MalformedRequest("evidence has comments or a document_upload_id")
    offered = SubmittedEvidence(comments, params.text("category"), _number(params))
    fault = evidence_error(offered, record.reason)
    if fault is None and _is_repeated(record, offered):
        fault = CATEGORY_REPEATED
    if fault:
        raise failed(ROOT, "evidence", fault)
    evidence: dict[str, Any] = {
        "id": call.ids.dispute(),
        "comments": comments,
        "url": f"{call.base_url}/documents/{document.id}/{document.name}" if document else None,
        "category": offered.category,
        "sequence_number": offered.sequence_number,
        "created_at": call.clock.stamp(),
        "sent_to_processor_at": None,
        "size": document.size if document else 0,
    }
    record.evidence.append(evidence)
    save(call, record)
    return Answer("evidence", evidence_view(evidence), 201)


def _number(params: Params) -> int | None:
    number = params.text("sequence_number")
    if number is None:
        return None
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise MalformedRequest("evidence.sequence_number must be a whole number")
    return int(number)


def _is_repeated(record: Dispute, offered: SubmittedEvidence) -> bool:
    if is_repeatable(offered.category):
        return False
    known = {(each["category"], each["sequence_number"]) for each in record.evidence}
    return (offered.category, offered.sequence_number) in known


def remove_evidence(call: Call) -> Answer:
    record = _load(call)
    kept = [each for each in record.evidence if each["id"] != call.path["evidence_id"]]
    if record.status != OPEN:
        raise failed(ROOT, "status", REMOVE_NEEDS_OPEN)
    if len(kept) == len(record.evidence):
        raise NotFound
    record.evidence = kept
    save(call, record)
    return Answer()


ROUTES = (
    Route("GET", "/disputes/{id}", find),
    Route("PUT", "/disputes/{id}/accept", accept),
    Route("PUT", "/disputes/{id}/finalize", finalize),
    Route("POST", "/disputes/{id}/evidence", add_evidence, takes={"evidence": accepted.EVIDENCE}),
    Route("DELETE", "/disputes/{id}/evidence/{evidence_id}", remove_evidence),
)
