"""Disputes: opened by the trigger card, answered with evidence, won, lost or expired."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import braintree
import pytest
from braintree import DisputeSearch, TransactionSearch
from braintree.exceptions.not_found_error import NotFoundError
from twin_sdk import card, codes, gateway_to, sale

from braintree_twin.testing import start_twin

Gateway = braintree.BraintreeGateway
CHARGEBACK = "4023898493988028"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
PDF = b"%PDF-1.4\n1 0 obj <</Type /Page>> endobj\ntrailer\n%%EOF\n"


def disputed_sale(gateway: Gateway, **fields: Any) -> Any:
    return sale(gateway, credit_card=card(number=CHARGEBACK), **fields)


def open_dispute(gateway: Gateway, **fields: Any) -> Any:
    return disputed_sale(gateway, **fields).disputes[0]


def upload(gateway: Gateway, content: bytes = PNG, name: str = "proof.png", kind: str = "evidence_document") -> Any:
    file = BytesIO(content)
    file.name = f"/somewhere/{name}"
    return gateway.document_upload.create({"kind": kind, "file": file})


def history(dispute: Any) -> list[str]:
    return [event.status for event in dispute.status_history]


def test_the_trigger_card_opens_a_dispute_with_the_sale(gateway: Gateway) -> None:
    transaction = disputed_sale(gateway, order_id="disputed-1", options={"submit_for_settlement": True})
    dispute = gateway.dispute.find(transaction.disputes[0].id)
    assert (dispute.status, dispute.kind, dispute.reason) == ("open", "chargeback", "fraud")
    assert (dispute.amount_disputed, dispute.amount_won) == (transaction.amount, 0)
    assert (dispute.transaction.id, dispute.transaction.order_id) == (transaction.id, "disputed-1")
    assert dispute.currency_iso_code == "USD"
    assert dispute.reply_by_date > dispute.received_date
    assert history(dispute) == ["open"]
    assert gateway.transaction.find(transaction.id).disputes[0].id == dispute.id


def test_an_accepted_dispute_takes_no_further_calls(gateway: Gateway) -> None:
    dispute = open_dispute(gateway)
    assert gateway.dispute.accept(dispute.id).is_success
    found = gateway.dispute.find(dispute.id)
    assert (found.status, history(found)) == ("accepted", ["open", "accepted"])
    assert codes(gateway.dispute.accept(dispute.id)) == ["95704"]
    assert codes(gateway.dispute.finalize(dispute.id)) == ["95705"]
    assert codes(gateway.dispute.add_text_evidence(dispute.id, "too late")) == ["95701"]
    assert gateway.transaction.find(found.transaction.id).disputes[0].status == "accepted"


@pytest.mark.parametrize(
    ("text", "status"), [("compelling_evidence", "won"), ("losing_evidence", "lost"), ("some evidence", "disputed")]
)
def test_a_trigger_text_decides_a_finalized_dispute(gateway: Gateway, text: str, status: str) -> None:
    dispute = open_dispute(gateway)
    evidence = gateway.dispute.add_text_evidence(dispute.id, text).evidence
    assert (evidence.comments, evidence.url, evidence.sent_to_processor_at) == (text, None, None)
    assert gateway.dispute.finalize(dispute.id).is_success
    found = gateway.dispute.find(dispute.id)
    assert found.status == status
    assert history(found)[:2] == ["open", "disputed"]
    assert found.amount_won == (found.amount_disputed if status == "won" else 0)
    assert (found.date_won is not None) == (status == "won")
    assert found.evidence[0].sent_to_processor_at is not None
    assert codes(gateway.dispute.remove_evidence(dispute.id, evidence.id)) == ["95702"]


def test_evidence_has_a_category_and_a_sequence_number_and_can_be_removed(gateway: Gateway) -> None:
    dispute = open_dispute(gateway)
    request = {"content": "UPS", "category": "CARRIER_NAME", "sequence_number": 7}
    evidence = gateway.dispute.add_text_evidence(dispute.id, {**request}).evidence
    assert (evidence.category, evidence.tag, evidence.sequence_number) == ("CARRIER_NAME", "CARRIER_NAME", 7)
    assert codes(gateway.dispute.add_text_evidence(dispute.id, {**request})) == ["95714"]
    assert gateway.dispute.add_text_evidence(dispute.id, {**request, "sequence_number": 8}).is_success
    assert gateway.dispute.remove_evidence(dispute.id, evidence.id).is_success
    assert [each.sequence_number for each in gateway.dispute.find(dispute.id).evidence] == [8]
    with pytest.raises(NotFoundError):
        gateway.dispute.remove_evidence(dispute.id, evidence.id)


@pytest.mark.parametrize(
    ("category", "content", "code"),
    [
        ("NO_SUCH_CATEGORY", "x", "95706"),
        ("DOWNLOAD_DATE_TIME", "yesterday", "95707"),
        ("DEVICE_ID", "x" * 501, "95708"),
        ("RECURRING_TRANSACTION_ARN", "1" * 24, "95709"),
        ("PRIOR_NON_DISPUTED_TRANSACTION_PHONE_NUMBER", "1" * 16, "95710"),
        ("SIGNED_ORDER_FORM", "signed", "95712"),
        ("PURCHASER_EMAIL_ADDRESS", "nobody", "95715"),
    ],
)
def test_a_text_must_match_its_category(gateway: Gateway, category: str, content: str, code: str) -> None:
    dispute = open_dispute(gateway)
    result = gateway.dispute.add_text_evidence(dispute.id, {"content": content, "category": category})
    assert codes(result) == [code]
    assert gateway.dispute.find(dispute.id).evidence == []


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"DEVICE_ID": "id"}, ["95720", "95721"]),
        ({"DEVICE_ID": "id", "DEVICE_NAME": "phone"}, ["95721"]),
        ({"DEVICE_ID": "id", "DEVICE_NAME": "phone", "DOWNLOAD_DATE_TIME": "2026-01-01"}, []),
        ({"PRIOR_NON_DISPUTED_TRANSACTION_DATE_TIME": "2026-01-01"}, ["95722"]),
        ({"PRIOR_NON_DISPUTED_TRANSACTION_ARN": "123"}, ["95723"]),
        ({"RECURRING_TRANSACTION_ARN": "123"}, ["95724"]),
        ({"RECURRING_TRANSACTION_DATE_TIME": "2026-01-01"}, ["95725"]),
    ],
)
def test_evidence_must_be_complete_to_be_finalized(gateway: Gateway, given: dict[str, str], missing: list[str]) -> None:
    dispute = open_dispute(gateway)
    for category, content in given.items():
        assert gateway.dispute.add_text_evidence(dispute.id, {"content": content, "category": category}).is_success
    result = gateway.dispute.finalize(dispute.id)
    assert result.is_success == (not missing)
    assert gateway.dispute.find(dispute.id).status == ("open" if missing else "disputed")
    if missing:
        assert sorted(codes(result)) == missing


def test_a_document_is_uploaded_and_becomes_evidence(gateway: Gateway) -> None:
    document = upload(gateway).document_upload
    assert (document.name, document.content_type, document.size) == ("proof.png", "image/png", len(PNG))
    assert document.kind == "evidence_document"
    dispute = open_dispute(gateway)
    request = {"document_id": document.id, "category": "GENERAL"}
    evidence = gateway.dispute.add_file_evidence(dispute.id, request).evidence
    assert (evidence.category, evidence.comments) == ("GENERAL", None)
    assert evidence.url.endswith("proof.png")
    assert codes(gateway.dispute.add_file_evidence(dispute.id, {**request, "category": "DEVICE_ID"})) == ["95711"]
    other = upload(gateway, kind="identity_document").document_upload
    assert codes(gateway.dispute.add_file_evidence(dispute.id, other.id)) == ["95703"]
    with pytest.raises(NotFoundError):
        gateway.dispute.add_file_evidence(dispute.id, "nodocument")


@pytest.mark.parametrize(
    ("content", "name", "kind", "code"),
    [
        (PNG, "proof.png", "no_kind", "84901"),
        (b"\x89PNG\r\n\x1a\n" + b"a" * (4 * 1024 * 1024), "large.png", "evidence_document", "84902"),
        (PNG, "proof.gif", "evidence_document", "84903"),
        (b"no pdf at all", "broken.pdf", "evidence_document", "84904"),
        (PDF.replace(b"trailer", b"/Encrypt"), "secret.pdf", "evidence_document", "84904"),
        (PDF.replace(b"trailer", b"<</Type /Page>>" * 60), "long.pdf", "evidence_document", "84905"),
        (b"", "empty.pdf", "evidence_document", "84906"),
    ],
)
def test_an_invalid_document_is_refused_with_its_code(
    gateway: Gateway, content: bytes, name: str, kind: str, code: str
) -> None:
    assert codes(upload(gateway, content, name, kind)) == [code]


def test_a_pdf_is_accepted(gateway: Gateway, tmp_path: Path) -> None:
    path = tmp_path / "fine.pdf"
    path.write_bytes(PDF)
    with path.open("rb") as file:
        result = gateway.document_upload.create({"kind": "evidence_document", "file": file})
    assert result.document_upload.content_type == "application/pdf"


def test_unknown_disputes_are_not_found(gateway: Gateway) -> None:
    for act in (gateway.dispute.find, gateway.dispute.accept, gateway.dispute.finalize):
        with pytest.raises(NotFoundError):
            act("nothing")
    with pytest.raises(NotFoundError):
        gateway.dispute.add_text_evidence("nothing", "text")


def test_disputes_are_found_by_every_criterion(gateway: Gateway) -> None:
    customer = gateway.customer.create({"first_name": "Disputing"}).customer
    transaction = disputed_sale(gateway, amount="321.00", order_id="every", customer_id=customer.id)
    dispute = gateway.dispute.find(transaction.disputes[0].id)
    gateway.dispute.find(open_dispute(gateway).id)

    def found(*criteria: Any) -> list[str]:
        mine = DisputeSearch.transaction_id == transaction.id
        return [each.id for each in gateway.dispute.search(mine, *criteria).disputes.items]

    event = dispute.status_history[0]
    for fits, fails in (
        (DisputeSearch.id == dispute.id, DisputeSearch.id == "none"),
        (DisputeSearch.customer_id == customer.id, DisputeSearch.customer_id == "none"),
        (DisputeSearch.amount_disputed.between("320", "322"), DisputeSearch.amount_disputed >= "322"),
        (DisputeSearch.amount_won <= "0", DisputeSearch.amount_won >= "1"),
        (DisputeSearch.case_number == dispute.case_number, DisputeSearch.case_number == "1"),
        (
            DisputeSearch.reference_number.starts_with(dispute.reference_number[:3]),
            DisputeSearch.reference_number == "x",
        ),
        (DisputeSearch.kind == "chargeback", DisputeSearch.kind == "retrieval"),
        (DisputeSearch.status.in_list(["open", "won"]), DisputeSearch.status == "won"),
        (DisputeSearch.reason == "fraud", DisputeSearch.reason == "duplicate"),
        (DisputeSearch.reason_code == dispute.reason_code, DisputeSearch.reason_code == "1"),
        (DisputeSearch.merchant_account_id == "twin_usd", DisputeSearch.merchant_account_id == "other"),
        (DisputeSearch.received_date == dispute.received_date, DisputeSearch.received_date <= "03/05/2014"),
        (DisputeSearch.reply_by_date >= dispute.received_date, DisputeSearch.reply_by_date <= dispute.received_date),
        (
            DisputeSearch.effective_date.between(event.effective_date, event.effective_date),
            DisputeSearch.effective_date <= "01/01/2020",
        ),
        (DisputeSearch.disbursement_date >= event.disbursement_date, DisputeSearch.disbursement_date <= "01/01/2020"),
        (DisputeSearch.pre_dispute_program == "none", DisputeSearch.pre_dispute_program == "visa_rdr"),
        (DisputeSearch.protection_level == "No Protection", DisputeSearch.protection_level == "other"),
        (
            DisputeSearch.chargeback_protection_level == "not_protected",
            DisputeSearch.chargeback_protection_level == "effortless",
        ),
    ):
        assert found(fits) == [dispute.id]
        assert found(fails) == []
    today = TransactionSearch.dispute_date == dispute.received_date
    assert gateway.transaction.search(TransactionSearch.id == transaction.id, today).ids == [transaction.id]


def test_disputes_are_paged_and_expire_without_an_answer() -> None:
    with start_twin() as twin:
        gateway = gateway_to(twin)
        made = {open_dispute(gateway).id for _ in range(52)}
        listed = [each.id for each in gateway.dispute.search(DisputeSearch.status == "open").disputes.items]
        assert len(listed) == 52
        assert set(listed) == made
        answered = listed[0]
        gateway.dispute.finalize(answered)
        twin.control.advance(16 * 86_400)
        expired = {each.id for each in gateway.dispute.search(DisputeSearch.status == "expired").disputes.items}
        assert expired == made - {answered}
        assert codes(gateway.dispute.accept(listed[1])) == ["95704"]
