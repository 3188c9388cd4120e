"""Disputes: which report is news, which action may start, and how a lost answer is recognized."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.dispute import (
    FOLLOWING,
    ActionKind,
    ActionState,
    Dispute,
    DisputeAction,
    DisputeKind,
    DisputeReason,
    DisputeReport,
    DisputeState,
    Evidence,
    text_digest,
)
from domain.errors import DisputeActionInProgress, DisputeNotOpen
from domain.ids import CallerId, DisputeId, OperationId, PaymentId, RequestId
from domain.money import Money

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
SOON = NOON + timedelta(minutes=1)


def a_report(
    state: DisputeState = DisputeState.OPEN,
    *evidence: Evidence,
    kind: DisputeKind = DisputeKind.CHARGEBACK,
    change_time: datetime = NOON,
    order_id: str = "",
    case_number: str = "",
) -> DisputeReport:
    return DisputeReport(
        gateway_dispute_id="dp1",
        transaction_id="tx1",
        kind=kind,
        state=state,
        reason=DisputeReason.FRAUD,
        amount=Money(40_00, "USD"),
        change_time=change_time,
        receive_time=NOON,
        evidence=evidence,
        order_id=order_id,
        case_number=case_number,
    )


def a_dispute(report: DisputeReport | None = None, *actions: DisputeAction) -> Dispute:
    return Dispute(
        dispute_id=DisputeId("dsp_1"),
        caller_id=CallerId("shop"),
        payment_id=PaymentId("pay_1"),
        report=report or a_report(),
        create_time=NOON,
        update_time=NOON,
        actions=actions,
        check_count=4,
    )


def an_action(
    kind: ActionKind = ActionKind.ADD_TEXT, state: ActionState = ActionState.STARTED, number: int = 1, text: str = ""
) -> DisputeAction:
    return DisputeAction(
        action_id=OperationId(f"op_{number}"),
        kind=kind,
        state=state,
        request_id=RequestId(f"request {number}"),
        start_time=NOON,
        text_digest=text_digest(text) if text else "",
    )


def a_text(text: str, number: int = 1) -> Evidence:
    return Evidence(evidence_id=f"ev{number}", text=text)


def a_file(number: int = 1) -> Evidence:
    return Evidence(evidence_id=f"ev{number}")


def test_only_open_and_reviewed_disputes_have_not_ended() -> None:
    assert [state for state in DisputeState if not state.has_ended] == [DisputeState.OPEN, DisputeState.UNDER_REVIEW]


def test_a_dispute_never_opens_again() -> None:
    assert all(DisputeState.OPEN not in following for following in FOLLOWING.values())
    assert FOLLOWING[DisputeState.OPEN] == set(DisputeState) - {DisputeState.OPEN}


@pytest.mark.parametrize("kind", DisputeKind)
@pytest.mark.parametrize("state", DisputeState)
def test_a_dispute_claims_its_amount_unless_it_is_won_or_only_asks_for_documents(
    kind: DisputeKind, state: DisputeState
) -> None:
    claims = kind is not DisputeKind.RETRIEVAL and state is not DisputeState.WON
    assert a_report(state, kind=kind).claim == Money(40_00 if claims else 0, "USD")


def test_a_report_with_a_later_time_is_news_and_with_an_earlier_one_is_not() -> None:
    dispute = a_dispute(a_report(DisputeState.WON))
    assert dispute.is_older_than(a_report(DisputeState.OPEN, change_time=LATER))
    assert not dispute.is_older_than(a_report(DisputeState.LOST, change_time=NOON - timedelta(seconds=1)))


@pytest.mark.parametrize("state", DisputeState)
@pytest.mark.parametrize("following", DisputeState)
def test_at_the_same_time_only_what_may_follow_is_news(state: DisputeState, following: DisputeState) -> None:
    assert a_dispute(a_report(state)).is_older_than(a_report(following)) == (following in FOLLOWING[state])


def test_at_the_same_time_and_state_more_evidence_is_news_and_less_is_not() -> None:
    dispute = a_dispute(a_report(DisputeState.OPEN, a_text("one")))
    assert dispute.is_older_than(a_report(DisputeState.OPEN, a_text("one"), a_text("two", 2)))
    assert dispute.is_older_than(a_report(DisputeState.OPEN, a_text("one"), case_number="7"))
    assert not dispute.is_older_than(a_report(DisputeState.OPEN, a_text("one")))
    assert not dispute.is_older_than(a_report(DisputeState.OPEN))


def test_following_takes_the_report_and_begins_the_looks_anew() -> None:
    before = a_dispute(a_report(order_id="op_9"))
    after = before.apply_report(a_report(DisputeState.UNDER_REVIEW, change_time=LATER), time=SOON)
    assert (after.state, after.update_time, after.check_count) == (DisputeState.UNDER_REVIEW, SOON, 0)
    assert after.report.order_id == "op_9"
    assert after.apply_report(
        a_report(DisputeState.WON, change_time=LATER, order_id="op_8"), time=LATER
    ).report.order_id == ("op_8")


def test_following_an_old_report_changes_nothing() -> None:
    dispute = a_dispute(a_report(DisputeState.WON, change_time=LATER))
    assert dispute.apply_report(a_report(), time=SOON) is dispute


def test_starting_an_action_records_what_it_is_found_again_by() -> None:
    dispute = a_dispute(a_report(DisputeState.OPEN, a_text("old"), a_file(2)))
    started = dispute.start(
        ActionKind.ADD_TEXT, OperationId("op_7"), RequestId("request 7"), text="It was  delivered", time=SOON
    )
    assert started.update_time == SOON
    assert started.under_way == DisputeAction(
        action_id=OperationId("op_7"),
        kind=ActionKind.ADD_TEXT,
        state=ActionState.STARTED,
        request_id=RequestId("request 7"),
        start_time=SOON,
        text_digest=text_digest("It was delivered"),
        known_evidence_ids=("ev1", "ev2"),
    )


def test_a_file_is_started_under_its_name_and_without_a_digest() -> None:
    started = a_dispute().start(
        ActionKind.ADD_FILE, OperationId("op_7"), RequestId("request 7"), file_name="slip.pdf", time=SOON
    )
    assert started.under_way is not None
    assert (started.under_way.file_name, started.under_way.text_digest) == ("slip.pdf", "")


def test_no_action_starts_while_another_is_under_way() -> None:
    dispute = a_dispute(None, an_action(state=ActionState.REFUSED), an_action(number=2))
    with pytest.raises(DisputeActionInProgress) as raised:
        dispute.start(ActionKind.ACCEPT, OperationId("op_3"), RequestId("request 3"), time=SOON)
    assert (raised.value.dispute_id, raised.value.action_id) == ("dsp_1", "op_2")


@pytest.mark.parametrize("state", sorted(set(DisputeState) - {DisputeState.OPEN}, key=str))
def test_no_action_starts_on_a_dispute_that_is_not_open(state: DisputeState) -> None:
    with pytest.raises(DisputeNotOpen) as raised:
        a_dispute(a_report(state)).start(ActionKind.ACCEPT, OperationId("op_1"), RequestId("r"), time=SOON)
    assert (raised.value.dispute_id, raised.value.state) == ("dsp_1", state.value)


def test_finishing_changes_the_started_action_and_no_other() -> None:
    other = an_action(state=ActionState.REFUSED, number=2)
    dispute = a_dispute(None, an_action(), other)
    finished = dispute.finish(OperationId("op_1"), ActionState.SUCCEEDED, detail="done", evidence_id="ev1")
    assert finished.actions == (
        replace(an_action(), state=ActionState.SUCCEEDED, detail="done", evidence_id="ev1"),
        other,
    )
    assert (finished.under_way, finished.check_count) == (None, 0)


def test_finishing_twice_changes_nothing() -> None:
    finished = a_dispute(None, an_action()).finish(OperationId("op_1"), ActionState.SUCCEEDED, evidence_id="ev1")
    assert finished.finish(OperationId("op_1"), ActionState.REFUSED, detail="no").actions == finished.actions
    assert finished.finish(OperationId("op_2"), ActionState.REFUSED).actions == finished.actions


def test_the_latest_action_of_a_request_is_the_one_that_counts() -> None:
    first, second = an_action(state=ActionState.UNSENT), replace(an_action(number=2), request_id=RequestId("request 1"))
    dispute = a_dispute(None, first, second)
    assert dispute.action_of(RequestId("request 1")) is second
    assert dispute.action_of(RequestId("another")) is None


def test_evidence_is_shown_under_the_name_it_was_added_with() -> None:
    added = replace(an_action(ActionKind.ADD_FILE), evidence_id="ev1", file_name="slip.pdf")
    unnamed = replace(an_action(ActionKind.ADD_TEXT, number=2), evidence_id="ev2")
    unknown = replace(an_action(ActionKind.ADD_FILE, number=3), file_name="lost.pdf")
    report = a_report(
        DisputeState.OPEN,
        replace(a_file(1), file_name="1234.pdf"),
        replace(a_file(2), file_name="kept.pdf"),
        a_text("text", 3),
    )
    assert [e.file_name for e in a_dispute(report, added, unnamed, unknown).evidence] == ["slip.pdf", "kept.pdf", ""]


ACCEPTED = {DisputeState.ACCEPTED}
FINALIZED = {DisputeState.UNDER_REVIEW, DisputeState.WON, DisputeState.LOST}


@pytest.mark.parametrize("state", DisputeState)
@pytest.mark.parametrize(("kind", "shows"), [(ActionKind.ACCEPT, ACCEPTED), (ActionKind.FINALIZE, FINALIZED)])
def test_a_lost_answer_shows_in_the_state(kind: ActionKind, shows: set[DisputeState], state: DisputeState) -> None:
    resolved = a_dispute(a_report(state), an_action(kind)).resolve(an_action(kind))
    if state is DisputeState.OPEN:
        assert resolved is None
        return
    assert resolved is not None
    [action] = resolved.actions
    if state in shows:
        assert (action.state, action.detail) == (ActionState.SUCCEEDED, "")
    else:
        assert (action.state, action.detail) == (ActionState.REFUSED, f"the dispute is {state.value}")


def test_lost_evidence_is_recognized_by_its_text_whatever_became_of_white_space() -> None:
    action = an_action(text="It was delivered\non Monday")
    report = a_report(DisputeState.OPEN, a_text("another"), a_text("It was delivered on  Monday", 2))
    resolved = a_dispute(report, action).resolve(action)
    assert resolved is not None
    assert (resolved.actions[0].state, resolved.actions[0].evidence_id) == (ActionState.SUCCEEDED, "ev2")


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(a_text("another"), id="another text"),
        pytest.param(a_file(), id="a file"),
        pytest.param(Evidence(evidence_id="known", text="mine"), id="the same text that was there before"),
        pytest.param(Evidence(evidence_id="claimed", text="mine"), id="the same text of another action"),
    ],
)
def test_text_like_the_placeholder_is_not_taken_for_it(evidence: Evidence) -> None:
    action = replace(an_action(text="mine"), known_evidence_ids=("known",))
    other = replace(an_action(state=ActionState.SUCCEEDED, number=2), evidence_id="claimed")
    dispute = a_dispute(a_report(DisputeState.OPEN, evidence), other, action)
    assert dispute.resolve(action) is None


def test_a_lost_file_is_the_new_evidence_without_a_text() -> None:
    action = replace(an_action(ActionKind.ADD_FILE), known_evidence_ids=("ev1",))
    dispute = a_dispute(a_report(DisputeState.OPEN, a_file(1), a_text("text", 2), a_file(3)), action)
    resolved = dispute.resolve(action)
    assert resolved is not None
    assert resolved.actions[0].evidence_id == "ev3"
    assert a_dispute(a_report(DisputeState.OPEN, a_file(1), a_text("text", 2)), action).resolve(action) is None


def test_evidence_that_does_not_show_in_a_dispute_that_has_ended_was_refused() -> None:
    action = an_action(text="mine")
    resolved = a_dispute(a_report(DisputeState.LOST), action).resolve(action)
    assert resolved is not None
    assert resolved.actions[0].state is ActionState.REFUSED


def test_the_plan_of_looks_is_no_part_of_the_dispute() -> None:
    assert a_dispute() == replace(a_dispute(), next_check_time=LATER, check_count=9)
    assert a_dispute() != replace(a_dispute(), update_time=LATER)
