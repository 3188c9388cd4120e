"""Refunds in full and in part, before and after settlement, never above the captured amount."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from bayar.messages import (
    BayarClient,
    BayarError,
    CaptureMode,
    DeclineReason,
    OperationKind,
    OperationState,
    Payment,
    PaymentFunds,
    PaymentState,
)
from bayar.payments.v1.payment_service_pb2 import RefundPaymentRequest
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from tests.end_to_end.payment_steps import pay, usd
from tests.end_to_end.service import Pair, until
from tests.order_ids import operation_of


def settled(bayar: BayarClient, pair: Pair, amount: str = "100.00") -> Payment:
    payment = pay(bayar, amount)
    pair.twin.control.settle()
    return bayar.verify_payment(payment_id=payment.payment_id).payment


def given_back(pair: Pair, payment: Payment) -> list[str]:
    """The refunds that the gateway made for the payment."""
    ours = {operation.operation_id for operation in payment.operations}
    return [e.amount for e in pair.twin.control.ledger() if operation_of(e.order_id) in ours and e.type == "credit"]


def test_a_settled_payment_is_refunded_in_parts_and_then_whole(bayar: BayarClient, pair: Pair) -> None:
    payment = settled(bayar, pair)
    assert payment.HasField("settle_time")
    payment = bayar.refund_payment(payment_id=payment.payment_id, amount=usd("15.00"), note="one was broken")
    assert (payment.refunded_amount, payment.refundable_amount) == (usd("15.00"), usd("85.00"))
    assert payment.state == PaymentState.PAYMENT_STATE_SETTLED
    assert payment.operations[-1].kind == OperationKind.OPERATION_KIND_REFUND
    assert payment.operations[-1].note == "one was broken"
    payment = bayar.refund_payment(payment_id=payment.payment_id)
    assert (payment.refunded_amount, payment.refundable_amount) == (usd("100.00"), usd("0.00"))
    assert payment.funds == PaymentFunds.PAYMENT_FUNDS_RETURNED
    assert sorted(given_back(pair, payment)) == ["15.00", "85.00"]
    with pytest.raises(BayarError) as raised:
        bayar.refund_payment(payment_id=payment.payment_id)
    assert (raised.value.code, raised.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PAYMENT_NOT_REFUNDABLE")


def test_settlement_is_noticed_when_a_refund_is_asked_for(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar, "100.00")
    pair.twin.control.settle()
    refunded = bayar.refund_payment(payment_id=payment.payment_id, amount=usd("10.00"))
    assert refunded.refunded_amount == usd("10.00")
    assert refunded.state == PaymentState.PAYMENT_STATE_SETTLED


def test_more_than_was_captured_is_not_refunded(bayar: BayarClient, pair: Pair) -> None:
    payment = settled(bayar, pair)
    with pytest.raises(BayarError) as raised:
        bayar.refund_payment(payment_id=payment.payment_id, amount=usd("100.01"))
    assert raised.value.reason == "AMOUNT_EXCEEDS_REFUNDABLE"
    assert raised.value.metadata["available_minor_units"] == "10000"
    assert given_back(pair, payment) == []


def test_the_same_refund_again_gives_nothing_more_back(bayar: BayarClient, pair: Pair) -> None:
    payment = settled(bayar, pair)
    request = RefundPaymentRequest(request_id=str(uuid.uuid4()), payment_id=payment.payment_id, amount=usd("10.00"))
    stub = PaymentServiceStub(bayar.channel)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: stub.RefundPayment(request, timeout=30), range(10)))
    assert {tuple(answer.operation_ids) for answer in answers} == {tuple(answers[0].operation_ids)}
    assert answers[0].payment.refunded_amount == usd("10.00")
    assert given_back(pair, answers[0].payment) == ["10.00"]
    request.amount.minor_units = 1100
    with pytest.raises(grpc.RpcError) as raised:
        stub.RefundPayment(request, timeout=30)
    assert raised.value.code() is grpc.StatusCode.ALREADY_EXISTS


def test_twenty_refunds_at_once_never_give_back_more_than_was_taken(bayar: BayarClient, pair: Pair) -> None:
    payment = settled(bayar, pair)

    def refund(_: int) -> str:
        try:
            bayar.refund_payment(payment_id=payment.payment_id, amount=usd("9.00"))
        except BayarError as error:
            return error.reason
        return "refunded"

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(refund, range(20)))
    assert answers.count("refunded") == 11
    assert answers.count("AMOUNT_EXCEEDS_REFUNDABLE") == 9
    after = bayar.get_payment(payment_id=payment.payment_id)
    assert (after.refunded_amount, after.refundable_amount) == (usd("99.00"), usd("1.00"))
    assert given_back(pair, after) == ["9.00"] * 11


def test_a_whole_refund_before_settlement_is_a_void(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar)
    stub = PaymentServiceStub(bayar.channel)
    request = RefundPaymentRequest(request_id=str(uuid.uuid4()), payment_id=payment.payment_id)
    answer = stub.RefundPayment(request, timeout=30)
    assert answer.payment.state == PaymentState.PAYMENT_STATE_VOIDED
    assert answer.payment.operations[-1].kind == OperationKind.OPERATION_KIND_VOID
    assert list(answer.operation_ids) == [answer.payment.operations[-1].operation_id]
    assert given_back(pair, answer.payment) == []
    assert stub.RefundPayment(request, timeout=30) == answer


def test_a_partial_refund_before_settlement_waits_and_is_done_by_the_worker(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar, "50.00")
    waiting = bayar.refund_payment(payment_id=payment.payment_id, amount=usd("20.00"))
    assert waiting.operations[-1].state == OperationState.OPERATION_STATE_SCHEDULED
    assert (waiting.refund_pending_amount, waiting.refundable_amount) == (usd("20.00"), usd("30.00"))
    assert waiting.refunded_amount == usd("0.00")
    assert waiting.HasField("next_check_time")
    assert waiting.state == PaymentState.PAYMENT_STATE_CAPTURED
    with pytest.raises(BayarError) as raised:
        bayar.refund_payment(payment_id=payment.payment_id, amount=usd("30.01"))
    assert raised.value.reason == "AMOUNT_EXCEEDS_REFUNDABLE"
    pair.twin.control.settle()
    done = until(
        lambda: next(
            (p for p in [bayar.get_payment(payment_id=payment.payment_id)] if p.refunded_amount == usd("20.00")), None
        )
    )
    assert done.state == PaymentState.PAYMENT_STATE_SETTLED
    assert not done.HasField("next_check_time")
    assert done.refund_pending_amount == usd("0.00")
    assert given_back(pair, done) == ["20.00"]


def test_a_partly_captured_payment_is_refunded_across_its_parts(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar, "100.00", capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    for part in ("60.00", "40.00"):
        bayar.capture_payment(payment_id=payment.payment_id, amount=usd(part))
    pair.twin.control.settle()
    assert bayar.verify_payment(payment_id=payment.payment_id).payment.state == PaymentState.PAYMENT_STATE_SETTLED
    stub = PaymentServiceStub(bayar.channel)
    answer = stub.RefundPayment(
        RefundPaymentRequest(request_id=str(uuid.uuid4()), payment_id=payment.payment_id, amount=usd("70.00")),
        timeout=30,
    )
    assert len(answer.operation_ids) == 2
    assert answer.payment.refunded_amount == usd("70.00")
    assert sum(map(float, given_back(pair, answer.payment))) == 70


def test_a_settlement_that_the_bank_refuses_is_a_decline(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar, "4001.00")
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    pair.twin.control.settle()
    refused = bayar.verify_payment(payment_id=payment.payment_id).payment
    assert refused.state == PaymentState.PAYMENT_STATE_SETTLEMENT_DECLINED
    assert refused.decline.customer_message.text
    with pytest.raises(BayarError) as raised:
        bayar.refund_payment(payment_id=payment.payment_id)
    assert raised.value.reason == "PAYMENT_NOT_REFUNDABLE"


def test_a_refund_that_the_bank_refuses_takes_nothing_and_says_what_to_do(bayar: BayarClient, pair: Pair) -> None:
    payment = settled(bayar, pair, "3900.00")
    refused = bayar.refund_payment(payment_id=payment.payment_id, amount=usd("2004.00"))
    declined = refused.operations[-1]
    assert (declined.kind, declined.state) == (
        OperationKind.OPERATION_KIND_REFUND,
        OperationState.OPERATION_STATE_DECLINED,
    )
    assert declined.decline.reason == DeclineReason.DECLINE_REASON_REFUND_REFUSED
    assert declined.decline.customer_message.text
    assert declined.gateway_details.validation_code == "915200"
    assert (refused.state, refused.refundable_amount) == (PaymentState.PAYMENT_STATE_SETTLED, usd("3900.00"))
    whole = bayar.refund_payment(payment_id=payment.payment_id)
    assert whole.funds == PaymentFunds.PAYMENT_FUNDS_RETURNED


def test_an_authorization_alone_is_not_refunded(bayar: BayarClient) -> None:
    payment = pay(bayar, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    with pytest.raises(BayarError) as raised:
        bayar.refund_payment(payment_id=payment.payment_id)
    assert raised.value.reason == "PAYMENT_NOT_REFUNDABLE"
