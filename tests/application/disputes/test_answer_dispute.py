"""Answers to a dispute: each has one effect, lost ones are found, and bad ones are refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.caller import Caller
from application.common.errors import DisputeAnswerRefused, InvalidRequest, NotFound, RequestIdReused, Rule
from application.common.not_found_horizon import NotFoundTimer
from application.common.pagination import PageTokens
from application.disputes.accept_dispute import AcceptDispute
from application.disputes.add_dispute_evidence import (
    MAX_EVIDENCE_TEXT,
    MAX_FILE_BYTES,
    AddDisputeEvidence,
    AddEvidenceCommand,
    RawFile,
)
from application.disputes.answer_dispute import Answer, AnswerDispute
from application.disputes.finalize_dispute import FinalizeDispute
from application.disputes.find_new_disputes import FindNewDisputes
from application.disputes.get_dispute import GetDispute
from application.disputes.list_disputes import ListDisputes, RawDisputeFilter
from application.disputes.poll_open_disputes import PollOpenDisputes
from application.disputes.record_dispute import RecordDispute
from application.idempotency.idempotency_guard import IdempotentRequest
from application.payments.poll_schedule import SettlementPollPolicy
from application.ports.gateway import GatewayNotReached, GatewayUnavailable, Rejected
from domain.dispute import ActionKind, ActionState, Dispute, DisputeState
from domain.errors import DisputeActionInProgress, DisputeNotOpen
from domain.ids import CallerId, CustomerId, RequestId
from tests.application.shop import FIRST_CHECK, HORIZON, LEASE, SHOP, STRANGER, Shop, a_request_id, an_order
from tests.fakes.faulty_gateway import Fault

INTERVAL = timedelta(hours=1)
PDF = b"%PDF-1.7 slip %%EOF\n"


class Court(Shop):
    """A shop with one disputed payment."""

    def __init__(self) -> None:
        super().__init__()
        self.record = RecordDispute(
            self.store, self.gateway, self.clock, self.ids, SettlementPollPolicy(), interval=INTERVAL
        )
        answer = AnswerDispute(self.store, self.clock, self.ids, self.guard, self.executor, self.leases, self.record)
        self.accept_dispute = AcceptDispute(self.gateway, answer)
        self.finalize_dispute = FinalizeDispute(self.gateway, answer)
        self.add_evidence = AddDisputeEvidence(self.gateway, answer)
        self.get_dispute = GetDispute(self.store)
        self.list_disputes = ListDisputes(self.store, PageTokens(b"key"))
        self.follow_disputes = PollOpenDisputes(
            self.store, self.clock, self.leases, self.record, NotFoundTimer(self.clock.steady_seconds, HORIZON)
        )
        self.poll_disputes = FindNewDisputes(self.store, self.gateway, self.clock, self.record)
        self.payment = self.pay()
        self.real_gateway.settle()
        self.dispute = self.disputed(self.payment.authorization.transaction_id)

    def disputed(self, transaction_id: str) -> Dispute:
        report = self.real_gateway.find_dispute(self.real_gateway.open_dispute(transaction_id))
        assert report is not None
        dispute = self.record(report)
        assert dispute is not None
        return dispute

    def seen(self) -> Dispute:
        return self.get_dispute(self.dispute.dispute_id, SHOP)

    def accept(self, request_id: str = "", caller: Caller = SHOP) -> Dispute:
        return self.accept_dispute(request_id or a_request_id(), self.dispute.dispute_id, caller)

    def finalize(self, request_id: str = "") -> Dispute:
        return self.finalize_dispute(request_id or a_request_id(), self.dispute.dispute_id, SHOP)

    def add(self, evidence: str | RawFile | None, request_id: str = "") -> tuple[Dispute, str]:
        order = AddEvidenceCommand(
            request_id=request_id or a_request_id(), dispute_id=self.dispute.dispute_id, evidence=evidence
        )
        return self.add_evidence(order, SHOP)

    def follow_after(self, time: timedelta) -> Dispute:
        self.wait(time)
        self.follow_disputes()
        return self.seen()

    def evidence_at_the_gateway(self) -> list[str]:
        report = self.real_gateway.find_dispute(self.dispute.report.gateway_dispute_id)
        assert report is not None
        return [one.text or one.file_name for one in report.evidence]


@pytest.fixture
def court() -> Court:
    return Court()


def test_an_accepted_dispute_has_ended_and_is_looked_at_no_more(court: Court) -> None:
    accepted = court.accept()
    assert (accepted.state, accepted.next_check_time) == (DisputeState.ACCEPTED, None)
    assert accepted.actions[0].state is ActionState.SUCCEEDED
    assert court.seen() == accepted


def test_text_and_file_are_added_and_sent_to_the_bank(court: Court) -> None:
    with_text, text_id = court.add("It was delivered on Monday.")
    with_file, file_id = court.add(RawFile("slip.pdf", PDF))
    assert len({text_id, file_id, ""}) == 3
    assert court.evidence_at_the_gateway() == ["It was delivered on Monday.", "slip.pdf"]
    assert [one.kind for one in with_file.actions] == [ActionKind.ADD_TEXT, ActionKind.ADD_FILE]
    assert with_text.next_check_time == court.clock.now() + INTERVAL
    finalized = court.finalize()
    assert finalized.state is DisputeState.UNDER_REVIEW
    assert all(one.send_time == court.clock.now() for one in finalized.evidence)


def test_a_repeat_has_one_effect_and_the_same_answer(court: Court) -> None:
    request_id = a_request_id()
    first, evidence_id = court.add("once", request_id)
    court.wait(LEASE)
    again, same_id = court.add("once", request_id)
    assert (again.actions, same_id) == (first.actions, evidence_id)
    assert court.evidence_at_the_gateway() == ["once"]


def test_the_same_request_with_other_evidence_is_refused(court: Court) -> None:
    request_id = a_request_id()
    court.add("once", request_id)
    with pytest.raises(RequestIdReused) as raised:
        court.add("twice", request_id)
    assert set(raised.value.fields) == {"text"}
    with pytest.raises(RequestIdReused):
        court.add(RawFile("slip.pdf", PDF), request_id)
    file_request = a_request_id()
    court.add(RawFile("slip.pdf", PDF), file_request)
    with pytest.raises(RequestIdReused) as raised:
        court.add(RawFile("slip.pdf", PDF + b"%%EOF"), file_request)
    assert set(raised.value.fields) == {"file.content"}


def test_a_certainly_unsent_call_is_sent_by_the_same_request(court: Court) -> None:
    request_id = a_request_id()
    court.fails("add_text_evidence", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        court.add("at last", request_id)
    assert court.seen().actions[0].state is ActionState.UNSENT
    assert court.seen().actions[0].detail == "not reached"
    dispute, evidence_id = court.add("at last", request_id)
    assert evidence_id
    assert [one.state for one in dispute.actions] == [ActionState.UNSENT, ActionState.SUCCEEDED]
    assert court.evidence_at_the_gateway() == ["at last"]


def test_a_dispute_that_ended_at_the_gateway_is_not_answered(court: Court) -> None:
    court.clock.advance(timedelta(days=1))
    court.real_gateway.decide_dispute(court.dispute.report.gateway_dispute_id, DisputeState.LOST)
    with pytest.raises(DisputeNotOpen):
        court.accept()
    assert court.seen().state is DisputeState.LOST
    assert not court.seen().actions


def test_another_caller_s_dispute_is_not_there(court: Court) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: court.accept(caller=STRANGER),
        lambda: court.get_dispute(court.dispute.dispute_id, STRANGER),
        lambda: court.get_dispute(court.dispute.dispute_id, Caller(CallerId("shop"), customer_id=CustomerId("cus_1"))),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()
    assert court.list_disputes(RawDisputeFilter(), STRANGER) == ([], "")


@pytest.mark.parametrize(
    ("evidence", "path", "rule"),
    [
        pytest.param(None, "evidence", Rule.EXACTLY_ONE, id="neither text nor file"),
        pytest.param("  ", "text", Rule.REQUIRED, id="blank"),
        pytest.param("x" * (MAX_EVIDENCE_TEXT + 1), "text", Rule.MAX_CHARACTERS, id="too long"),
        pytest.param("a\x07b", "text", Rule.NO_CONTROL_CHARACTERS_BUT_BREAKS, id="a bell"),
        pytest.param("card 4111 1111 1111 1111", "text", Rule.NO_CARD_DATA, id="a card number"),
        pytest.param(RawFile("", PDF), "file.name", Rule.REQUIRED, id="a file without a name"),
        pytest.param(RawFile("slip.doc", PDF), "file.name", Rule.FILE_NAME, id="another kind of file"),
        pytest.param(RawFile(".pdf", PDF), "file.name", Rule.FILE_NAME, id="only an ending"),
        pytest.param(RawFile("../slip.pdf", PDF), "file.name", Rule.FILE_NAME, id="a path"),
        pytest.param(RawFile("a\\slip.pdf", PDF), "file.name", Rule.FILE_NAME, id="another path"),
        pytest.param(RawFile("slip.pdf", b""), "file.content", Rule.REQUIRED, id="an empty file"),
        pytest.param(RawFile("slip.pdf", b"%PDF-" + bytes(MAX_FILE_BYTES)), "file.content", Rule.MAX_BYTES, id="large"),
        pytest.param(RawFile("slip.pdf", b"PDF%%EOF"), "file.content", Rule.FILE_CONTENT, id="no PDF"),
        pytest.param(RawFile("slip.pdf", b"%PDF-1.7"), "file.content", Rule.FILE_CONTENT, id="half a PDF"),
        pytest.param(
            RawFile("slip.pdf", b"%PDF-1.7 %%EOF" + bytes(1024)),
            "file.content",
            Rule.FILE_CONTENT,
            id="too early an end",
        ),
        pytest.param(
            RawFile("slip.pdf", b"%PDF-1.7 /Encrypt %%EOF"), "file.content", Rule.FILE_CONTENT, id="an encrypted PDF"
        ),
        pytest.param(RawFile("slip.png", PDF), "file.content", Rule.FILE_CONTENT, id="no PNG"),
        pytest.param(RawFile("slip.jpg", b"\x89PNG\r\n\x1a\n"), "file.content", Rule.FILE_CONTENT, id="no JPEG"),
    ],
)
def test_bad_evidence_is_named_and_not_sent(
    court: Court, evidence: str | RawFile | None, path: str, rule: Rule
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        court.add(evidence)
    assert [(one.field, one.rule) for one in raised.value.violations] == [(path, rule)]
    assert court.evidence_at_the_gateway() == []


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param("x" * MAX_EVIDENCE_TEXT, id="the longest text"),
        pytest.param("One\ttwo\r\nthree\u2028four", id="breaks"),
        pytest.param(RawFile("SLIP.PDF", PDF), id="capitals"),
        pytest.param(RawFile("slip.png", b"\x89PNG\r\n\x1a\n..."), id="PNG"),
        pytest.param(RawFile("slip.jpeg", b"\xff\xd8\xff..."), id="JPEG"),
        pytest.param(RawFile("slip.jpg", b"\xff\xd8\xff" + bytes(MAX_FILE_BYTES - 3)), id="the largest file"),
        pytest.param(RawFile("slip.pdf", b"%PDF-1.7 %%EOF" + bytes(1019)), id="an end just in time"),
    ],
)
def test_good_evidence_is_sent(court: Court, evidence: str | RawFile) -> None:
    assert court.add(evidence)[1]


def test_every_violation_in_a_dispute_s_request_is_named_at_once(court: Court) -> None:
    for attempt in (
        lambda: court.accept_dispute("no uuid", "no id", SHOP),
        lambda: court.finalize_dispute("no uuid", "no id", SHOP),
        lambda: court.add_evidence(AddEvidenceCommand(request_id="no uuid", dispute_id="no id", evidence="text"), SHOP),
    ):
        with pytest.raises(InvalidRequest) as raised:
            attempt()
        assert [one.field for one in raised.value.violations] == ["request_id", "dispute_id"]
    with pytest.raises(InvalidRequest) as raised:
        court.get_dispute("no id", SHOP)
    assert [one.field for one in raised.value.violations] == ["dispute_id"]


@pytest.mark.parametrize("answer", ["accept", "finalize", "add"])
def test_a_lost_answer_is_pending_and_found_by_the_poller(court: Court, answer: str) -> None:
    call = {"accept": "accept_dispute", "finalize": "finalize_dispute", "add": "add_text_evidence"}[answer]
    court.fails(call, Fault.LOST_AFTER)
    request_id = a_request_id()
    lost = {
        "accept": lambda: court.accept(request_id),
        "finalize": lambda: court.finalize(request_id),
        "add": lambda: court.add("text", request_id)[0],
    }[answer]()
    assert lost.under_way is not None
    assert lost.next_check_time == court.clock.now() + FIRST_CHECK
    with pytest.raises(DisputeActionInProgress):
        court.accept()
    found = court.follow_after(FIRST_CHECK)
    assert found.actions[0].state is ActionState.SUCCEEDED
    assert (found.next_check_time is None) == (answer == "accept")
    assert (found.actions[0].evidence_id != "") == (answer == "add")


def test_an_answer_that_never_arrived_may_be_sent_again_once_its_absence_is_proven(court: Court) -> None:
    court.fails("add_text_evidence", Fault.LOST_BEFORE)
    request_id = a_request_id()
    dispute, evidence_id = court.add("text", request_id)
    assert dispute.under_way is not None
    assert evidence_id == ""
    waits = []
    while (dispute := court.follow_after(FIRST_CHECK)).under_way is not None:
        assert dispute.next_check_time is not None
        waits.append(dispute.next_check_time - court.clock.now())
        court.clock.advance(max(waits[-1] - FIRST_CHECK, timedelta()))
    assert waits[:4] == [FIRST_CHECK, 2 * FIRST_CHECK, 4 * FIRST_CHECK, 8 * FIRST_CHECK]
    assert (dispute.actions[0].state, dispute.actions[0].detail) == (ActionState.UNSENT, "not found at the gateway")
    assert court.add("text", request_id)[1]
    assert court.evidence_at_the_gateway() == ["text"]


def test_an_absence_is_proven_although_the_check_counted_many_looks_before_a_restart(court: Court) -> None:
    horizon = 3 * FIRST_CHECK
    court.fails("add_text_evidence", Fault.LOST_BEFORE)
    court.add("text", a_request_id())
    with court.store.begin() as work:
        dispute = work.disputes.get(court.dispute.dispute_id, lock=True)
        assert dispute is not None
        work.disputes.save(replace(dispute, check_count=20))
    restarted = NotFoundTimer(court.clock.steady_seconds, horizon)
    court.follow_disputes = replace(court.follow_disputes, absence=restarted)
    court.follow_after(LEASE)
    court.follow_after(horizon)
    assert court.follow_after(horizon).actions[0].state is ActionState.UNSENT


def test_a_look_before_the_answer_could_show_proves_nothing(court: Court) -> None:
    court.fails("accept_dispute", Fault.LOST_AFTER)
    court.accept()
    early = court.record.sync(court.seen())
    with court.store.begin() as work:
        work.disputes.get(early.dispute_id, lock=True)
        work.disputes.save(court.follow_disputes._resolved(early))
    assert court.seen().under_way is not None


def test_a_gateway_that_does_not_answer_leaves_the_dispute_for_the_next_check(court: Court) -> None:
    court.fails("find_dispute", Fault.UNREACHABLE)
    court.real_gateway.decide_dispute(court.dispute.report.gateway_dispute_id, DisputeState.WON)
    assert court.follow_after(INTERVAL).state is DisputeState.OPEN
    assert court.seen().next_check_time == court.clock.now() + LEASE
    assert court.follow_after(LEASE).state is DisputeState.WON


def test_one_dispute_that_cannot_be_polled_does_not_stop_the_others(court: Court) -> None:
    other = court.disputed(court.pay().authorization.transaction_id)
    for one in (court.dispute, other):
        court.clock.advance(timedelta(minutes=1))
        court.real_gateway.decide_dispute(one.report.gateway_dispute_id, DisputeState.LOST)
    court.fails("find_dispute", Fault.UNREACHABLE)
    court.wait(INTERVAL)
    assert court.follow_disputes() == 2
    assert {court.get_dispute(one.dispute_id, SHOP).state for one in (court.dispute, other)} == {
        DisputeState.OPEN,
        DisputeState.LOST,
    }


def test_a_poll_finds_disputes_of_which_nothing_was_told(court: Court) -> None:
    transaction_id = court.pay().authorization.transaction_id
    untold = court.real_gateway.open_dispute(transaction_id)
    assert court.poll_disputes() == 0
    found = [one.report.gateway_dispute_id for one in court.list_disputes(RawDisputeFilter(), SHOP)[0]]
    assert sorted(found) == sorted([court.dispute.report.gateway_dispute_id, untold])


def test_a_poll_looks_half_a_year_back_at_first_and_then_at_the_last_days(court: Court) -> None:
    transaction_id = court.pay().authorization.transaction_id
    old = court.real_gateway.open_dispute(transaction_id)
    court.clock.advance(timedelta(days=180))
    court.poll_disputes()
    known = {one.report.gateway_dispute_id for one in court.list_disputes(RawDisputeFilter(), SHOP)[0]}
    assert old in known
    missed = court.real_gateway.open_dispute(court.pay(an_order()).authorization.transaction_id)
    court.clock.advance(timedelta(days=3))
    court.poll_disputes()
    assert missed in {one.report.gateway_dispute_id for one in court.list_disputes(RawDisputeFilter(), SHOP)[0]}


def test_a_poll_that_fails_looks_at_the_same_days_again(court: Court) -> None:
    court.clock.advance(timedelta(days=100))
    court.real_gateway.decide_dispute(court.dispute.report.gateway_dispute_id, DisputeState.WON)
    court.fails("disputes_received", Fault.UNREACHABLE)
    with pytest.raises(GatewayUnavailable):
        court.poll_disputes()
    court.poll_disputes()
    assert court.seen().state is DisputeState.WON


def test_disputes_are_listed_by_payment_state_and_deadline(court: Court) -> None:
    other = court.disputed(court.pay().authorization.transaction_id)
    court.clock.advance(timedelta(minutes=1))
    court.real_gateway.decide_dispute(other.report.gateway_dispute_id, DisputeState.WON)
    court.record.sync(other)

    def listed(raw: RawDisputeFilter) -> list[str]:
        return [one.dispute_id for one in court.list_disputes(raw, SHOP)[0]]

    assert listed(RawDisputeFilter(states=(DisputeState.WON,))) == [other.dispute_id]
    assert listed(RawDisputeFilter(payment_id=other.payment_id)) == [other.dispute_id]
    assert set(listed(RawDisputeFilter())) == {court.dispute.dispute_id, other.dispute_id}
    assert listed(RawDisputeFilter(reply_before=court.clock.now() - timedelta(days=365))) == []
    first, token = court.list_disputes(RawDisputeFilter(), SHOP, page_size=1)
    second, end = court.list_disputes(RawDisputeFilter(), SHOP, page_size=1, page_token=token)
    assert {first[0].dispute_id, second[0].dispute_id} == {court.dispute.dispute_id, other.dispute_id}
    assert end == ""
    for raw, path in (
        (RawDisputeFilter(states=(None,)), "states"),
        (RawDisputeFilter(payment_id="no id"), "payment_id"),
    ):
        with pytest.raises(InvalidRequest) as raised:
            court.list_disputes(raw, SHOP)
        assert [one.field for one in raised.value.violations] == [path]
    with pytest.raises(InvalidRequest):
        court.list_disputes(RawDisputeFilter(states=(DisputeState.WON,)), SHOP, page_token=token)


def test_an_answer_that_the_gateway_refuses_shows_the_reason(court: Court) -> None:
    request = IdempotentRequest(
        SHOP, RequestId(a_request_id()), "AcceptDispute", {"dispute_id": court.dispute.dispute_id}
    )
    answer = court.accept_dispute.answer
    for _ in range(2):
        with pytest.raises(DisputeAnswerRefused) as raised:
            answer(request, court.dispute.dispute_id, Answer(kind=ActionKind.ACCEPT), lambda *_: Rejected(detail="no"))
        assert (raised.value.dispute_id, raised.value.detail) == (court.dispute.dispute_id, "no")
    assert court.seen().actions[0].state is ActionState.REFUSED
