"""Answers to a dispute that are repeated at the same moment, overtaken by the bank, or looked for too soon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Thread

import pytest

from application.common.errors import ContradictedByGateway, InvalidRequest, Rule
from application.disputes.add_dispute_evidence import RawFile
from application.disputes.list_disputes import RawDisputeFilter
from application.ports.gateway import GatewayNotReached
from application.recovery.resolve_operation import Resolution
from domain.dispute import ActionState, DisputeReport, DisputeState
from domain.errors import DisputeNotOpen
from tests.application.disputes.test_answer_dispute import Court
from tests.application.recovery.test_resolve_operation import resolve
from tests.application.shop import FIRST_CHECK, HORIZON, LEASE, SHOP, Shop, a_request_id
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import START


@pytest.fixture
def court() -> Court:
    return Court()


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.UNREACHABLE])
def test_a_repeat_waits_for_the_first_one_under_way(court: Court, fault: Fault) -> None:
    request_id, answers = a_request_id(), list[DisputeState | str]()

    def accept() -> None:
        try:
            answers.append(court.accept(request_id).state)
        except GatewayNotReached as failure:
            answers.append(str(failure))

    second = Thread(target=accept)

    def meanwhile() -> None:
        second.start()
        # Long enough for an answer that does not wait. One that waits comes after the first.
        second.join(0.3)

    court.before["accept_dispute"] = meanwhile
    court.fails("accept_dispute", fault)
    accept()
    second.join()
    expected = {DisputeState.ACCEPTED} if fault is Fault.NONE else {"nobody there", "not reached"}
    assert set(answers) == expected
    assert len(answers) == 2
    assert court.calls.count("accept_dispute") == 1


def test_the_same_request_twice_at_once_is_sent_once(court: Court) -> None:
    request_id = a_request_id()
    court.before["find_dispute"] = lambda: court.accept(request_id)
    assert court.accept(request_id).state is DisputeState.ACCEPTED
    assert court.calls.count("accept_dispute") == 1
    asked = len(court.calls)
    court.accept(request_id)
    assert len(court.calls) == asked


def test_an_answer_that_the_bank_overtook_says_that_the_dispute_is_over(court: Court) -> None:
    gateway_dispute_id = court.dispute.report.gateway_dispute_id

    def decide() -> None:
        court.clock.advance(FIRST_CHECK)
        court.real_gateway.decide_dispute(gateway_dispute_id, DisputeState.LOST)

    court.before["accept_dispute"] = decide
    request_id = a_request_id()
    for _ in range(2):
        with pytest.raises(DisputeNotOpen):
            court.accept(request_id)
    assert court.seen().actions[0].state is ActionState.REFUSED


def test_an_answer_is_looked_for_a_lease_after_it_began(court: Court) -> None:
    planned: list[datetime | None] = []
    court.before["accept_dispute"] = lambda: planned.append(court.seen().next_check_time)
    court.accept()
    assert planned == [court.clock.now() + LEASE]


def test_a_check_that_comes_too_soon_is_made_again_when_the_answer_can_show(court: Court) -> None:
    court.fails("accept_dispute", Fault.LOST_BEFORE)
    court.accept()
    with court.store.begin() as work:
        dispute = work.disputes.get(court.dispute.dispute_id, lock=True)
        assert dispute is not None
        work.disputes.save(replace(dispute, next_check_time=court.clock.now()))
    court.follow_disputes()
    assert court.seen().next_check_time == court.clock.now() + FIRST_CHECK
    assert court.follow_disputes.absence.count == 0


def test_an_answer_that_is_found_or_given_up_is_watched_for_no_more(court: Court) -> None:
    court.fails("accept_dispute", Fault.LOST_BEFORE)
    court.accept()
    court.follow_after(FIRST_CHECK)
    assert court.follow_disputes.absence.count == 1
    while court.seen().under_way is not None:
        court.follow_after(HORIZON)
    assert court.follow_disputes.absence.count == 0


def test_a_dispute_that_cannot_be_polled_is_reported_in_the_log(court: Court, caplog: pytest.LogCaptureFixture) -> None:
    def break_down() -> None:
        raise ValueError("something strange")

    court.before["find_dispute"] = break_down
    court.wait(LEASE * 100)
    assert court.follow_disputes() == 1
    assert court.dispute.dispute_id in caplog.text
    assert "something strange" in caplog.text


def test_a_poll_looks_far_back_once_and_then_at_the_days_since(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[date] = []

    def received(since: date) -> Iterator[DisputeReport]:
        asked.append(since)
        return iter(())

    monkeypatch.setattr(court.real_gateway, "disputes_received", received)
    for _ in range(3):
        court.poll_disputes()
        court.clock.advance(timedelta(days=10))
    first = START.date()
    assert asked == [first - timedelta(days=180), first - timedelta(days=3), first + timedelta(days=7)]


def test_one_dispute_that_cannot_be_recorded_is_reported_in_the_log_and_hides_no_other(
    court: Court, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (court.real_gateway.open_dispute(court.pay().authorization.transaction_id) for _ in range(2))

    def break_down() -> None:
        raise ValueError("something strange")

    court.before["find_transaction"] = break_down
    court.poll_disputes()
    known = {one.report.gateway_dispute_id for one in court.list_disputes(RawDisputeFilter(), SHOP)[0]}
    assert (first in known, second in known) == (False, True)
    assert first in caplog.text


def test_the_end_of_a_pdf_is_among_its_last_1024_bytes(court: Court) -> None:
    assert court.add(RawFile("slip.pdf", b"%PDF-1.7 %%EOF" + bytes(1024 - len(b"%%EOF"))))[1]
    with pytest.raises(InvalidRequest) as refusal:
        court.add(RawFile("slip.pdf", b"%PDF-1.7 %%EOF" + bytes(1025 - len(b"%%EOF"))))
    assert [fault.rule for fault in refusal.value.violations] == [Rule.FILE_CONTENT]


def test_a_whole_capture_that_did_not_happen_is_not_explained_by_its_authorization() -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.fails("capture", Fault.LOST_BEFORE)
    payment = shop.capture(payment)
    shop.wait(LEASE + HORIZON)
    with pytest.raises(ContradictedByGateway) as refusal:
        resolve(shop, payment, Resolution.SUCCEEDED, payment.authorization.transaction_id)
    assert "is authorized" in refusal.value.detail
