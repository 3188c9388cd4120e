"""A dispute from the bank's claim to its decision, as a shop lives through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import pytest

from bayar.messages import BayarClient, BayarError, Payment, PaymentFunds
from bayar.payments.v1.dispute_pb2 import Dispute, DisputeKind, DisputeReason, DisputeState
from bayar.payments.v1.dispute_service_pb2 import (
    AddDisputeEvidenceRequest,
    EvidenceFile,
    GetDisputeRequest,
    ListDisputesRequest,
)
from braintree_twin.control import Fault
from tests.end_to_end.dispute_steps import OPEN, PDF, Disputes, a_request_id, pay_and_settle, turn_on_webhooks
from tests.end_to_end.payment_steps import usd
from tests.end_to_end.refusal_reader import refused
from tests.end_to_end.service import Pair, running_pair, until

FUNDS_DISPUTED = PaymentFunds.PAYMENT_FUNDS_DISPUTED


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    # Only webhooks tell; nothing is searched for again while the tests run.
    return {"BAYAR_DISPUTE_POLL_SECONDS": "3600", "BAYAR_ABSENCE_HORIZON_SECONDS": "2"}


@pytest.fixture(scope="module")
def disputes(bayar: BayarClient, pair: Pair) -> Disputes:
    turn_on_webhooks(pair)
    return Disputes.of(bayar)


def money_of(bayar: BayarClient, payment: Payment) -> tuple[PaymentFunds.ValueType, int, int]:
    """Where the money is, what is disputed, and what is refundable."""
    now = bayar.get_payment(payment_id=payment.payment_id)
    return now.funds, now.disputed_amount.minor_units, now.refundable_amount.minor_units


def test_a_dispute_appears_is_defended_and_is_won(bayar: BayarClient, pair: Pair, disputes: Disputes) -> None:
    payment = pay_and_settle(bayar, pair)
    dispute = disputes.await_one(payment)
    assert (dispute.state, dispute.kind) == (OPEN, DisputeKind.DISPUTE_KIND_CHARGEBACK)
    assert (dispute.payment_id, dispute.amount) == (payment.payment_id, usd("30.00"))
    assert dispute.reason == DisputeReason.DISPUTE_REASON_FRAUD
    assert dispute.case_number
    assert dispute.receive_time.seconds < dispute.reply_by_time.seconds
    assert money_of(bayar, payment) == (FUNDS_DISPUTED, 3000, 0)

    text = disputes.add_text(dispute, "It was delivered.\nHere is the proof.")
    file = disputes.add_file(dispute)
    assert [e.evidence_id for e in file.dispute.evidence] == [text.evidence_id, file.evidence_id]
    assert [e.text for e in file.dispute.evidence] == ["It was delivered.\nHere is the proof.", ""]
    assert [e.file_name for e in file.dispute.evidence] == ["", "delivery note.pdf"]
    assert not file.dispute.evidence[0].HasField("send_time")

    disputes.add_text(dispute, "compelling_evidence")
    finalized = disputes.finalize(dispute)
    assert finalized.state in (DisputeState.DISPUTE_STATE_UNDER_REVIEW, DisputeState.DISPUTE_STATE_WON)
    won = disputes.await_state(dispute, DisputeState.DISPUTE_STATE_WON)
    assert all(e.HasField("send_time") for e in won.evidence)
    assert not won.HasField("next_check_time")
    funds, disputed, refundable = money_of(bayar, payment)
    assert funds in (PaymentFunds.PAYMENT_FUNDS_SETTLED, PaymentFunds.PAYMENT_FUNDS_DISBURSED)
    assert (disputed, refundable) == (0, 3000)
    assert bayar.refund_payment(payment_id=payment.payment_id).refunded_amount == usd("30.00")


def test_a_lost_dispute_takes_the_money_for_good(bayar: BayarClient, pair: Pair, disputes: Disputes) -> None:
    payment = pay_and_settle(bayar, pair, "41.00")
    dispute = disputes.await_one(payment)
    disputes.add_text(dispute, "losing_evidence")
    disputes.finalize(dispute)
    lost = disputes.await_state(dispute, DisputeState.DISPUTE_STATE_LOST)
    assert money_of(bayar, payment) == (FUNDS_DISPUTED, 4100, 0)
    with pytest.raises(BayarError) as raised:
        bayar.refund_payment(payment_id=payment.payment_id)
    assert raised.value.reason == "PAYMENT_DISPUTED"
    assert raised.value.metadata["dispute_ids"] == lost.dispute_id
    with pytest.raises(BayarError) as raised:
        bayar.refund_payment(payment_id=payment.payment_id, amount=usd("1.00"))
    assert raised.value.reason == "PAYMENT_DISPUTED"


def test_an_accepted_dispute_has_ended_and_repeats_are_told_so(
    bayar: BayarClient, pair: Pair, disputes: Disputes
) -> None:
    payment = pay_and_settle(bayar, pair)
    dispute = disputes.await_one(payment)
    request_id = a_request_id()
    before = pair.twin.control.requests().count("PUT /disputes/{id}/accept")
    assert disputes.accept(dispute, request_id).state == DisputeState.DISPUTE_STATE_ACCEPTED
    assert disputes.accept(dispute, request_id).state == DisputeState.DISPUTE_STATE_ACCEPTED
    assert pair.twin.control.requests().count("PUT /disputes/{id}/accept") == before + 1
    assert money_of(bayar, payment) == (FUNDS_DISPUTED, 3000, 0)
    for attempt in (disputes.accept, disputes.finalize, disputes.add_file):
        refusal = refused(lambda attempt=attempt, **_: attempt(dispute))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "DISPUTE_NOT_OPEN")
        assert refusal.violation_types == ("DISPUTE_NOT_OPEN",)
        assert refusal.metadata == {"dispute_id": dispute.dispute_id, "state": "ACCEPTED"}


def test_evidence_that_is_repeated_is_there_once(bayar: BayarClient, pair: Pair, disputes: Disputes) -> None:
    dispute = disputes.await_one(pay_and_settle(bayar, pair))
    request_id = a_request_id()
    first = disputes.add_text(dispute, "the same words", request_id)
    again = disputes.add_text(dispute, "the same words", request_id)
    assert again.evidence_id == first.evidence_id
    other = disputes.add_text(dispute, "the same words")
    assert other.evidence_id != first.evidence_id
    assert len(disputes.get(dispute).evidence) == 2
    assert refused(lambda **_: disputes.add_text(dispute, "other words", request_id)).reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "truncate"])
@pytest.mark.parametrize("what", ["text", "file", "finalize", "accept"])
def test_a_lost_answer_is_found_out_and_nothing_is_done_twice(
    bayar: BayarClient, pair: Pair, disputes: Disputes, fault: Fault, what: str
) -> None:
    dispute = disputes.await_one(pay_and_settle(bayar, pair))
    path = "/disputes/*/evidence" if what in ("text", "file") else f"/disputes/*/{what}"
    pair.twin.control.add_fault(fault, path=path, next=1)
    request_id = a_request_id()
    asks: dict[str, Callable[[], Dispute]] = {
        "text": lambda: disputes.add_text(dispute, "words", request_id).dispute,
        "file": lambda: disputes.add_file(dispute, request_id=request_id).dispute,
        "finalize": lambda: disputes.finalize(dispute, request_id),
        "accept": lambda: disputes.accept(dispute, request_id),
    }
    ask = asks[what]
    assert ask().pending_action
    assert refused(lambda **_: disputes.accept(dispute)).reason == "OPERATION_IN_PROGRESS"
    # The same request sends the action again, once its absence is proven.
    known = until(lambda: _asked_again(ask), seconds=40)
    assert len(known.evidence) == (what in ("text", "file"))
    wanted = {"finalize": DisputeState.DISPUTE_STATE_UNDER_REVIEW, "accept": DisputeState.DISPUTE_STATE_ACCEPTED}
    assert known.state == wanted.get(what, OPEN)


def _asked_again(ask: Callable[[], Dispute]) -> Dispute | None:
    """The dispute, once what was asked for is known."""
    try:
        now = ask()
    except grpc.RpcError as error:
        if "could not be reached" in str(error):
            return None
        raise
    return None if now.pending_action else now


@pytest.mark.parametrize(
    ("request_", "faults"),
    [
        (AddDisputeEvidenceRequest(), {"evidence": ["EXACTLY_ONE"]}),
        (AddDisputeEvidenceRequest(text=" \n"), {"text": ["REQUIRED"]}),
        (AddDisputeEvidenceRequest(text="x" * 4001), {"text": ["MAX_CHARACTERS"]}),
        (AddDisputeEvidenceRequest(text="a\x00b"), {"text": ["NO_CONTROL_CHARACTERS_BUT_BREAKS"]}),
        (AddDisputeEvidenceRequest(text="card 4111111111111111"), {"text": ["NO_CARD_DATA"]}),
        (AddDisputeEvidenceRequest(file=EvidenceFile()), {"file.name": ["REQUIRED"], "file.content": ["REQUIRED"]}),
        (AddDisputeEvidenceRequest(file=EvidenceFile(name="a.exe", content=PDF)), {"file.name": ["FILE_NAME"]}),
        (AddDisputeEvidenceRequest(file=EvidenceFile(name="../a.pdf", content=PDF)), {"file.name": ["FILE_NAME"]}),
        (AddDisputeEvidenceRequest(file=EvidenceFile(name="a.png", content=PDF)), {"file.content": ["FILE_CONTENT"]}),
        (
            AddDisputeEvidenceRequest(file=EvidenceFile(name="a.pdf", content=PDF[:20])),
            {"file.content": ["FILE_CONTENT"]},
        ),
        (
            AddDisputeEvidenceRequest(file=EvidenceFile(name="a.pdf", content=PDF + b"/Encrypt %%EOF")),
            {"file.content": ["FILE_CONTENT"]},
        ),
        (
            AddDisputeEvidenceRequest(
                file=EvidenceFile(name="a.jpg", content=b"\xff\xd8\xff" + bytes(4 * 1024 * 1024))
            ),
            {"file.content": ["MAX_BYTES"]},
        ),
    ],
)
def test_invalid_evidence_is_refused_with_all_violations(
    disputes: Disputes, request_: AddDisputeEvidenceRequest, faults: dict[str, list[str]]
) -> None:
    refusal = refused(disputes.stub.AddDisputeEvidence, request_)
    assert refusal.reason == "INVALID_REQUEST"
    assert refusal.faults == {"request_id": ["REQUIRED"], "dispute_id": ["REQUIRED"], **faults}


def test_evidence_may_be_as_large_as_the_contract_says(bayar: BayarClient, pair: Pair, disputes: Disputes) -> None:
    dispute = disputes.await_one(pay_and_settle(bayar, pair))
    disputes.add_text(dispute, "x" * 4000)
    largest = PDF[:-6] + bytes(4 * 1024 * 1024 - len(PDF)) + PDF[-6:]
    assert disputes.add_file(dispute, content=largest).dispute.evidence[1].file_name == "delivery note.pdf"


def test_disputes_are_listed_by_payment_state_and_deadline(bayar: BayarClient, pair: Pair, disputes: Disputes) -> None:
    made = [disputes.await_one(pay_and_settle(bayar, pair)) for _ in range(3)]
    disputes.accept(made[1])
    listed = disputes.stub.ListDisputes

    def ids(request: ListDisputesRequest) -> list[str]:
        found = []
        while True:
            answer = listed(request, timeout=30)
            found += [dispute.dispute_id for dispute in answer.disputes]
            request.page_token = answer.next_page_token
            if not answer.next_page_token:
                return found

    everything = ids(ListDisputesRequest(page_size=2))
    assert everything[:3] == [dispute.dispute_id for dispute in reversed(made)]
    assert len(everything) == len(set(everything))
    still_open = ids(ListDisputesRequest(states=[OPEN], page_size=1))
    assert made[1].dispute_id not in still_open
    assert {made[0].dispute_id, made[2].dispute_id} <= set(still_open)
    assert ids(ListDisputesRequest(payment_id=made[0].payment_id)) == [made[0].dispute_id]
    assert ids(ListDisputesRequest(reply_before_time=made[0].receive_time)) == []
    token = listed(ListDisputesRequest(page_size=1), timeout=30).next_page_token
    refusal = refused(listed, ListDisputesRequest(page_size=1, page_token=token, states=[OPEN]))
    assert refusal.faults == {"page_token": ["PAGE_TOKEN"]}
    assert refused(listed, ListDisputesRequest(states=[77])).faults == {"states": ["KNOWN_VALUE"]}  # type: ignore[list-item]


def test_an_unknown_dispute_is_not_found(disputes: Disputes) -> None:
    unknown = GetDisputeRequest(dispute_id="dis_" + "0" * 26)
    assert refused(disputes.stub.GetDispute, unknown).reason == "DISPUTE_NOT_FOUND"
    assert refused(disputes.stub.GetDispute, GetDisputeRequest(dispute_id="x")).faults == {"dispute_id": ["ID"]}


@pytest.fixture(scope="module")
def quiet_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The gateway has no address for its webhooks."""
    quick = {"BAYAR_DISPUTE_POLL_SECONDS": "0.3"}
    with running_pair(tmp_path_factory.mktemp("quiet"), quick) as pair:
        yield pair


def test_without_webhooks_a_search_finds_disputes_and_follows_them_to_the_end(quiet_pair: Pair) -> None:
    bayar = quiet_pair.service.client()
    disputes = Disputes.of(bayar)
    payment = pay_and_settle(bayar, quiet_pair)
    dispute = disputes.await_one(payment)
    assert dispute.state == OPEN
    assert money_of(bayar, payment) == (FUNDS_DISPUTED, 3000, 0)
    # The deadline passes without a reply.
    quiet_pair.twin.control.advance(20 * 24 * 3600)
    disputes.await_state(dispute, DisputeState.DISPUTE_STATE_EXPIRED)
    assert money_of(bayar, payment) == (FUNDS_DISPUTED, 3000, 0)
