"""Captures, in full and in part, and voids."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from bayar.messages import (
    BayarClient,
    BayarError,
    CaptureMode,
    OperationKind,
    OperationState,
    Payment,
    PaymentFunds,
    PaymentState,
)
from bayar.payments.v1.payment_service_pb2 import CapturePaymentRequest, VoidPaymentRequest
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from tests.end_to_end.payment_steps import pay, usd
from tests.end_to_end.service import Pair
from tests.order_ids import operation_of


def hold(bayar: BayarClient, amount: str = "100.00") -> Payment:
    return pay(bayar, amount, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)


def at_gateway(pair: Pair, payment: Payment) -> dict[str, list[tuple[str, str]]]:
    """Status and amount of each of the payment's transactions, by type."""
    found: dict[str, list[tuple[str, str]]] = {}
    ours = {operation.operation_id for operation in payment.operations}
    for entry in pair.twin.control.ledger():
        if operation_of(entry.order_id) in ours:
            found.setdefault(entry.type, []).append((entry.status, entry.amount))
    return found


def refusal_of(error: pytest.ExceptionInfo[BayarError]) -> tuple[grpc.StatusCode, str]:
    return error.value.code, error.value.reason


def test_a_manual_payment_only_holds_the_money(bayar: BayarClient, pair: Pair) -> None:
    payment = hold(bayar)
    assert (payment.state, payment.funds) == (PaymentState.PAYMENT_STATE_AUTHORIZED, PaymentFunds.PAYMENT_FUNDS_HELD)
    assert payment.authorized_amount == payment.capturable_amount == usd("100.00")
    assert payment.HasField("authorization_expire_time")
    assert payment.refundable_amount == usd("0.00")
    assert at_gateway(pair, payment) == {"sale": [("authorized", "100.00")]}


def test_all_that_is_left_is_captured_by_default(bayar: BayarClient) -> None:
    held = hold(bayar)
    request_id = str(uuid.uuid4())
    payment = bayar.capture_payment(payment_id=held.payment_id, request_id=request_id)
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert (payment.captured_amount, payment.capturable_amount) == (usd("100.00"), usd("0.00"))
    assert bayar.capture_payment(payment_id=held.payment_id, request_id=request_id) == payment


def test_a_payment_is_captured_in_several_parts_up_to_what_is_held(bayar: BayarClient, pair: Pair) -> None:
    held = hold(bayar)
    stub = PaymentServiceStub(bayar.channel)
    operations = set()
    for part, left in (("30.00", "70.00"), ("50.00", "20.00"), ("20.00", "0.00")):
        answer = stub.CapturePayment(
            CapturePaymentRequest(request_id=str(uuid.uuid4()), payment_id=held.payment_id, amount=usd(part)),
            timeout=30,
        )
        operations.add(answer.operation_id)
        assert answer.payment.capturable_amount == usd(left)
        assert answer.payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    payment = bayar.get_payment(payment_id=held.payment_id)
    assert payment.captured_amount == usd("100.00")
    assert operations == {o.operation_id for o in payment.operations if o.kind == OperationKind.OPERATION_KIND_CAPTURE}
    assert sorted(amount for _, amount in at_gateway(pair, payment)["sale"]) == ["100.00", "20.00", "30.00", "50.00"]
    with pytest.raises(BayarError) as raised:
        bayar.capture_payment(payment_id=held.payment_id)
    assert refusal_of(raised) == (grpc.StatusCode.FAILED_PRECONDITION, "PAYMENT_NOT_CAPTURABLE")


def test_more_than_is_held_is_not_captured(bayar: BayarClient) -> None:
    held = hold(bayar)
    bayar.capture_payment(payment_id=held.payment_id, amount=usd("60.00"))
    with pytest.raises(BayarError) as raised:
        bayar.capture_payment(payment_id=held.payment_id, amount=usd("40.01"))
    assert refusal_of(raised) == (grpc.StatusCode.FAILED_PRECONDITION, "AMOUNT_EXCEEDS_CAPTURABLE")
    assert raised.value.metadata["available_minor_units"] == "4000"
    assert raised.value.violations
    assert bayar.get_payment(payment_id=held.payment_id).captured_amount == usd("60.00")


def test_a_final_capture_lets_the_rest_go(bayar: BayarClient) -> None:
    held = hold(bayar)
    payment = bayar.capture_payment(payment_id=held.payment_id, amount=usd("60.00"), final=True)
    assert (payment.captured_amount, payment.capturable_amount) == (usd("60.00"), usd("0.00"))
    with pytest.raises(BayarError) as raised:
        bayar.capture_payment(payment_id=held.payment_id, amount=usd("1.00"))
    assert refusal_of(raised)[1] == "PAYMENT_NOT_CAPTURABLE"


def test_a_final_capture_after_a_part_lets_the_rest_go(bayar: BayarClient) -> None:
    held = hold(bayar)
    bayar.capture_payment(payment_id=held.payment_id, amount=usd("60.00"))
    payment = bayar.capture_payment(payment_id=held.payment_id, amount=usd("10.00"), final=True)
    assert (payment.captured_amount, payment.capturable_amount) == (usd("70.00"), usd("0.00"))


def test_a_part_given_back_before_settlement_leaves_the_rest_to_capture(bayar: BayarClient, pair: Pair) -> None:
    payment = hold(bayar)
    bayar.capture_payment(payment_id=payment.payment_id, amount=usd("40.00"))
    returned = bayar.refund_payment(payment_id=payment.payment_id)
    assert (returned.state, returned.funds) == (PaymentState.PAYMENT_STATE_AUTHORIZED, PaymentFunds.PAYMENT_FUNDS_HELD)
    assert (returned.captured_amount, returned.capturable_amount) == (usd("0.00"), usd("60.00"))
    with pytest.raises(BayarError) as raised:
        pay(bayar, reference=payment.reference)
    assert raised.value.reason == "REFERENCE_ALREADY_PAID"
    rest = bayar.capture_payment(payment_id=payment.payment_id)
    assert (rest.state, rest.captured_amount) == (PaymentState.PAYMENT_STATE_CAPTURED, usd("60.00"))
    assert ("submitted_for_settlement", "60.00") in at_gateway(pair, rest)["sale"]


def test_captures_at_once_never_take_more_than_is_held(bayar: BayarClient, pair: Pair) -> None:
    held = hold(bayar)

    def capture(_: int) -> str:
        try:
            bayar.capture_payment(payment_id=held.payment_id, amount=usd("40.00"))
        except BayarError as error:
            return error.reason
        return "captured"

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(capture, range(10)))
    assert set(answers) <= {"captured", "OPERATION_IN_PROGRESS", "AMOUNT_EXCEEDS_CAPTURABLE"}
    assert 1 <= answers.count("captured") <= 2
    payment = bayar.get_payment(payment_id=held.payment_id)
    assert payment.captured_amount.minor_units == 4000 * answers.count("captured")
    taken = [amount for _, amount in at_gateway(pair, payment)["sale"] if amount == "40.00"]
    assert len(taken) == answers.count("captured")


def test_a_second_capture_is_refused_with_the_open_one(bayar: BayarClient, pair: Pair) -> None:
    held = hold(bayar)
    pair.twin.control.add_fault("delay", seconds=1.5, path="*submit*", next=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(bayar.capture_payment, payment_id=held.payment_id, amount=usd("40.00"))
        while bayar.get_payment(payment_id=held.payment_id).state != PaymentState.PAYMENT_STATE_PENDING:
            assert not slow.done()
        with pytest.raises(BayarError) as raised:
            bayar.void_payment(payment_id=held.payment_id)
        assert refusal_of(raised) == (grpc.StatusCode.ABORTED, "OPERATION_IN_PROGRESS")
        assert raised.value.retry_after_seconds
        assert slow.result().captured_amount == usd("40.00")


@pytest.mark.parametrize("captured", [False, True])
def test_a_payment_that_has_not_settled_is_voided(captured: bool, bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar) if captured else hold(bayar, "10.00")
    request_id = str(uuid.uuid4())
    voided = bayar.void_payment(payment_id=payment.payment_id, request_id=request_id, note="changed their mind")
    assert (voided.state, voided.funds) == (PaymentState.PAYMENT_STATE_VOIDED, PaymentFunds.PAYMENT_FUNDS_RETURNED)
    assert voided.operations[-1].kind == OperationKind.OPERATION_KIND_VOID
    assert voided.operations[-1].state == OperationState.OPERATION_STATE_SUCCEEDED
    assert voided.operations[-1].note == "changed their mind"
    assert voided.capturable_amount == voided.refundable_amount == usd("0.00")
    assert at_gateway(pair, voided) == {"sale": [("voided", "10.00")]}
    assert bayar.void_payment(payment_id=payment.payment_id, request_id=request_id, note="changed their mind") == voided
    for call in (bayar.void_payment, bayar.capture_payment, bayar.refund_payment):
        with pytest.raises(BayarError) as raised:
            call(payment_id=payment.payment_id)
        assert raised.value.code is grpc.StatusCode.FAILED_PRECONDITION


def test_a_void_names_its_operation(bayar: BayarClient) -> None:
    payment = hold(bayar)
    request = VoidPaymentRequest(request_id=str(uuid.uuid4()), payment_id=payment.payment_id)
    stub = PaymentServiceStub(bayar.channel)
    answer = stub.VoidPayment(request, timeout=30)
    assert answer.operation_id == answer.payment.operations[-1].operation_id
    assert stub.VoidPayment(request, timeout=30) == answer


def test_a_settled_payment_cannot_be_voided(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar)
    pair.twin.control.settle()
    with pytest.raises(BayarError) as raised:
        bayar.void_payment(payment_id=payment.payment_id)
    assert refusal_of(raised) == (grpc.StatusCode.FAILED_PRECONDITION, "PAYMENT_NOT_VOIDABLE")
    settled = bayar.verify_payment(payment_id=payment.payment_id).payment
    assert settled.state == PaymentState.PAYMENT_STATE_SETTLED


@pytest.mark.parametrize("amount", ["2000.00", "2001.00"])
def test_a_declined_payment_cannot_be_captured_voided_or_refunded(amount: str, bayar: BayarClient) -> None:
    payment = pay(bayar, amount)
    reasons = set()
    for call in (bayar.void_payment, bayar.capture_payment, bayar.refund_payment):
        with pytest.raises(BayarError) as raised:
            call(payment_id=payment.payment_id)
        assert raised.value.metadata["state"] == "DECLINED"
        reasons.add(raised.value.reason)
    assert reasons == {"PAYMENT_NOT_VOIDABLE", "PAYMENT_NOT_CAPTURABLE", "PAYMENT_NOT_REFUNDABLE"}


def test_an_authorization_that_ran_out_is_expired(bayar: BayarClient, pair: Pair) -> None:
    payment = hold(bayar)
    pair.twin.control.advance(60 * 60 * 24 * 40)
    expired = bayar.verify_payment(payment_id=payment.payment_id).payment
    assert expired.state == PaymentState.PAYMENT_STATE_EXPIRED
    assert expired.funds == PaymentFunds.PAYMENT_FUNDS_RETURNED
    assert expired.capturable_amount == usd("0.00")


def test_a_void_releases_the_rest_of_a_payment_that_is_captured_in_part(bayar: BayarClient, pair: Pair) -> None:
    held = hold(bayar)
    bayar.capture_payment(payment_id=held.payment_id, amount=usd("30.00"))
    payment = bayar.void_payment(payment_id=held.payment_id)
    assert (payment.captured_amount, payment.capturable_amount) == (usd("30.00"), usd("0.00"))
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert sorted(at_gateway(pair, payment)["sale"]) == [("submitted_for_settlement", "30.00"), ("voided", "100.00")]
    with pytest.raises(BayarError, match="RefundPayment") as raised:
        bayar.void_payment(payment_id=held.payment_id)
    assert raised.value.reason == "PAYMENT_NOT_VOIDABLE"
    assert bayar.refund_payment(payment_id=held.payment_id).funds == PaymentFunds.PAYMENT_FUNDS_RETURNED


def test_a_paypal_payment_that_waits_for_its_settlement_is_no_dead_end(bayar: BayarClient, pair: Pair) -> None:
    paid = pay(bayar, "4002.00", payment_method_nonce="fake-paypal-one-time-nonce")
    pair.twin.control.settle()
    payment = bayar.verify_payment(payment_id=paid.payment_id).payment
    assert payment.gateway_details.status == "settlement_pending"
    assert (payment.state, payment.refundable_amount) == (PaymentState.PAYMENT_STATE_CAPTURED, usd("4002.00"))
    payment = bayar.refund_payment(payment_id=paid.payment_id, amount=usd("2.00"))
    assert payment.operations[-1].state == OperationState.OPERATION_STATE_SCHEDULED
    payment = bayar.void_payment(payment_id=paid.payment_id)
    assert (payment.state, payment.funds) == (PaymentState.PAYMENT_STATE_VOIDED, PaymentFunds.PAYMENT_FUNDS_RETURNED)
    assert at_gateway(pair, payment) == {"sale": [("voided", "4002.00")]}
