"""The gateway contract: disputes."""

from __future__ import annotations

from datetime import timedelta

from application.ports.gateway import (
    Approved,
    Authorization,
    Capture,
    Claim,
    DisputeAnswered,
    DisputeOutcome,
    Gateway,
    Rejected,
    Transaction,
)
from domain.dispute import DisputeKind, DisputeReport, DisputeState, Evidence
from domain.instrument import Card, CardExpiry
from tests.contract.gateway_setup import GatewaySetup, an_operation_id, usd
from tests.fakes.memory_gateway import DISPUTED_CARD
from tests.fakes.runtime import HELD

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Page >>\nendobj\ntrailer\n%%EOF\n"


def a_dispute(gateway: Gateway) -> tuple[DisputeReport, Transaction]:
    card = Card(DISPUTED_CARD, CardExpiry(2035, 12), "123")
    answer = gateway.authorize(
        Authorization(operation_id=an_operation_id(), amount=usd(30_00), source=card, captures=True), HELD
    )
    assert isinstance(answer, Approved)
    found = gateway.find_transaction(answer.transaction.transaction_id)
    assert found is not None
    report = gateway.find_dispute(found.claims[0].gateway_dispute_id)
    assert report is not None
    return report, found


def test_a_part_does_not_show_the_dispute_of_its_authorization(setup: GatewaySetup) -> None:
    card = Card(DISPUTED_CARD, CardExpiry(2035, 12), "123")
    held = setup.gateway.authorize(
        Authorization(operation_id=an_operation_id(), amount=usd(30_00), source=card, captures=False), HELD
    )
    assert isinstance(held, Approved)
    sale = setup.gateway.find_transaction(held.transaction.transaction_id)
    assert sale is not None
    assert sale.claims
    capture = Capture(
        operation_id=an_operation_id(), transaction_id=sale.transaction_id, amount=usd(10_00), in_part=True
    )
    part = setup.gateway.capture(capture, HELD)
    assert isinstance(part, Approved)
    assert part.transaction.transaction_id != sale.transaction_id
    assert (part.transaction.claims, part.transaction.standing.disputed_amount) == ((), None)


def again(gateway: Gateway, report: DisputeReport) -> DisputeReport:
    found = gateway.find_dispute(report.gateway_dispute_id)
    assert found is not None
    return found


def added(outcome: DisputeOutcome) -> Evidence:
    assert isinstance(outcome, DisputeAnswered)
    assert outcome.evidence is not None
    return outcome.evidence


def test_a_dispute_shows_its_amount_and_its_transaction(setup: GatewaySetup) -> None:
    report, transaction = a_dispute(setup.gateway)
    assert (report.kind, report.state) == (DisputeKind.CHARGEBACK, DisputeState.OPEN)
    assert (report.transaction_id, report.order_id) == (transaction.transaction_id, transaction.order_id)
    assert report.amount == report.claim == transaction.standing.disputed_amount == usd(30_00)
    assert transaction.claims == (Claim(report.gateway_dispute_id, usd(30_00), report.change_time),)
    assert report.reply_by_time is not None
    assert report.receive_time < report.reply_by_time
    assert report.evidence == ()


def test_evidence_is_shown_until_it_is_sent_and_afterwards(setup: GatewaySetup) -> None:
    report, _ = a_dispute(setup.gateway)
    text = added(setup.gateway.add_text_evidence(report.gateway_dispute_id, "It was\ndelivered, Zo\u00eb.", HELD))
    file = added(setup.gateway.add_file_evidence(report.gateway_dispute_id, "note.pdf", PDF, HELD))
    shown = again(setup.gateway, report)
    assert [(e.evidence_id, e.text, e.file_name) for e in shown.evidence] == [
        (text.evidence_id, "It was\ndelivered, Zo\u00eb.", ""),
        (file.evidence_id, "", "note.pdf"),
    ]
    assert [e.send_time for e in shown.evidence] == [None, None]
    assert isinstance(setup.gateway.finalize_dispute(report.gateway_dispute_id, HELD), DisputeAnswered)
    sent = again(setup.gateway, report)
    assert sent.state is DisputeState.UNDER_REVIEW
    assert None not in [e.send_time for e in sent.evidence]


def test_an_accepted_dispute_takes_no_answer_any_more(setup: GatewaySetup) -> None:
    report, transaction = a_dispute(setup.gateway)
    gateway, dispute_id = setup.gateway, report.gateway_dispute_id
    assert isinstance(gateway.accept_dispute(dispute_id, HELD), DisputeAnswered)
    assert again(gateway, report).state is DisputeState.ACCEPTED
    for refused in (
        gateway.accept_dispute(dispute_id, HELD),
        gateway.finalize_dispute(dispute_id, HELD),
        gateway.add_text_evidence(dispute_id, "too late", HELD),
        gateway.add_file_evidence(dispute_id, "late.pdf", PDF, HELD),
    ):
        assert isinstance(refused, Rejected)
    found = gateway.find_transaction(transaction.transaction_id)
    assert found is not None
    assert found.standing.disputed_amount == usd(30_00)


def test_disputes_are_found_by_the_day_they_came(setup: GatewaySetup) -> None:
    reports = [a_dispute(setup.gateway)[0] for _ in range(3)]
    day = reports[0].receive_time.date()
    found = {one.gateway_dispute_id for one in setup.gateway.disputes_received(day)}
    assert {one.gateway_dispute_id for one in reports} <= found
    assert list(setup.gateway.disputes_received(day + timedelta(days=2))) == []


def test_an_unknown_dispute_is_none_and_refuses_answers(setup: GatewaySetup) -> None:
    assert setup.gateway.find_dispute("unknown") is None
    assert isinstance(setup.gateway.accept_dispute("unknown", HELD), Rejected)
    assert isinstance(setup.gateway.add_text_evidence("unknown", "words", HELD), Rejected)
