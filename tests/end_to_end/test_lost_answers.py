"""Late, lost and abandoned answers: no double charge, and every outcome becomes known."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import grpc
import pytest

from bayar.messages import (
    BayarClient,
    BayarError,
    CaptureMode,
    FailureReason,
    OperationState,
    Payment,
    PaymentEventType,
    PaymentFunds,
    PaymentState,
)
from bayar.payments.v1.payment_service_pb2 import VerificationOutcome
from tests.end_to_end.payment_steps import a_card, an_order, pay, usd
from tests.end_to_end.service import Pair, until
from tests.order_ids import operation_of

PENDING = PaymentState.PAYMENT_STATE_PENDING
CAPTURED = PaymentState.PAYMENT_STATE_CAPTURED


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {
        "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "2",
        "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": "1",
        "BAYAR_ABSENCE_HORIZON_SECONDS": "1",
    }


@pytest.fixture(autouse=True)
def _the_gateway_runs(pair: Pair) -> Iterator[None]:
    yield
    if not _alive(pair.twin.pid):
        pair.twin.restart()


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def charges(pair: Pair, payment: Payment) -> list[str]:
    ours = {operation.operation_id for operation in payment.operations}
    return [e.amount for e in pair.twin.control.ledger() if operation_of(e.order_id) in ours]


def rest(bayar: BayarClient, payment: Payment) -> Payment:
    """The payment, once its outcome is known."""

    def look() -> Payment | None:
        now = bayar.get_payment(payment_id=payment.payment_id)
        return now if now.state != PENDING else None

    return until(look, what="the outcome")


@pytest.mark.parametrize("fault", ["delay", "reset_after", "truncate", "garbage", "status"])
def test_a_lost_answer_is_pending_and_then_found(fault: str, bayar: BayarClient, pair: Pair) -> None:
    more = {"delay": {"seconds": 3.0}, "status": {"status": 503, "processed": True}}.get(fault, {})
    pair.twin.control.add_fault(fault, method="POST", path="/transactions", next=1, **more)  # type: ignore[arg-type]
    request_id, reference = str(uuid.uuid4()), an_order()
    payment = pay(bayar, request_id=request_id, reference=reference)
    assert (payment.state, payment.funds) == (PENDING, PaymentFunds.PAYMENT_FUNDS_UNKNOWN)
    assert payment.HasField("next_check_time")
    assert payment.operations[0].state == OperationState.OPERATION_STATE_STARTED
    found = rest(bayar, payment)
    assert found.state == CAPTURED
    assert not found.HasField("next_check_time")
    assert pay(bayar, request_id=request_id, reference=reference) == found
    assert charges(pair, found) == ["10.00"]
    types = [event.type for event in bayar.list_payment_events(payment_id=payment.payment_id)]
    assert PaymentEventType.PAYMENT_EVENT_TYPE_OUTCOME_UNKNOWN in types


@pytest.mark.parametrize("fault", ["reset_before", "status"])
def test_an_operation_that_never_arrived_is_failed_after_the_horizon(
    fault: str, bayar: BayarClient, pair: Pair
) -> None:
    more = {"status": 500} if fault == "status" else {}
    pair.twin.control.add_fault(fault, method="POST", path="/transactions", next=1, **more)  # type: ignore[arg-type]
    reference = an_order()
    payment = pay(bayar, reference=reference)
    assert payment.state == PENDING
    with pytest.raises(BayarError) as raised:
        pay(bayar, reference=reference)
    assert raised.value.reason == "REFERENCE_ALREADY_PAID"
    failed = rest(bayar, payment)
    assert failed.state == PaymentState.PAYMENT_STATE_FAILED
    assert failed.failure_reason == FailureReason.FAILURE_REASON_NOT_FOUND_AT_GATEWAY
    assert charges(pair, failed) == []
    assert pay(bayar, reference=reference).state == CAPTURED


def test_a_pending_payment_can_be_neither_captured_nor_refunded_nor_voided(bayar: BayarClient, pair: Pair) -> None:
    pair.twin.control.add_fault("reset_before", method="POST", path="/transactions", next=1)
    payment = pay(bayar)
    for call in (bayar.capture_payment, bayar.refund_payment, bayar.void_payment):
        with pytest.raises(BayarError) as raised:
            call(payment_id=payment.payment_id)
        assert (raised.value.code, raised.value.reason) == (grpc.StatusCode.ABORTED, "OPERATION_IN_PROGRESS")
    rest(bayar, payment)


def test_verification_says_when_the_gateway_does_not_know_yet(bayar: BayarClient, pair: Pair) -> None:
    pair.twin.control.add_fault("reset_before", method="POST", path="/transactions", next=1)
    payment = pay(bayar)
    answer = bayar.verify_payment(payment_id=payment.payment_id)
    assert answer.outcome == VerificationOutcome.VERIFICATION_OUTCOME_NOT_FOUND_YET
    assert answer.payment.state == PENDING
    rest(bayar, payment)


@pytest.mark.parametrize("what", ["capture", "part", "void", "refund"])
def test_a_lost_answer_to_a_later_step_is_found_too(what: str, bayar: BayarClient, pair: Pair) -> None:
    manual = CaptureMode.CAPTURE_MODE_MANUAL if what in ("capture", "part") else CaptureMode.CAPTURE_MODE_AUTOMATIC
    payment = pay(bayar, capture_mode=manual)
    if what == "refund":
        pair.twin.control.settle()
        bayar.verify_payment(payment_id=payment.payment_id)
    # Not the question that a refund asks before.
    call = {"part": "*submit_for_partial_settlement", "refund": "*refund"}.get(what)
    if call is None:
        pair.twin.control.add_fault("reset_after", path="/transactions/*", method="PUT", next=1)
    else:
        pair.twin.control.add_fault("reset_after", path=call, method="POST", next=1)
    request_id = str(uuid.uuid4())

    def ask() -> Payment:
        match what:
            case "capture":
                return bayar.capture_payment(payment_id=payment.payment_id, request_id=request_id)
            case "part":
                return bayar.capture_payment(payment_id=payment.payment_id, amount=usd("4.00"), request_id=request_id)
            case "void":
                return bayar.void_payment(payment_id=payment.payment_id, request_id=request_id)
            case _:
                return bayar.refund_payment(payment_id=payment.payment_id, amount=usd("4.00"), request_id=request_id)

    asked = ask()
    assert asked.operations[-1].state == OperationState.OPERATION_STATE_STARTED
    if what == "refund":
        assert (asked.refund_pending_amount, asked.refundable_amount) == (usd("4.00"), usd("6.00"))

    def done() -> Payment | None:
        now = bayar.get_payment(payment_id=payment.payment_id)
        return now if now.operations[-1].state == OperationState.OPERATION_STATE_SUCCEEDED else None

    found = until(done, what="the outcome")
    assert ask() == found
    assert len(found.operations) == 2
    if what == "refund":
        assert found.refunded_amount == usd("4.00")


def test_a_watch_shows_when_the_outcome_is_known(bayar: BayarClient, pair: Pair) -> None:
    pair.twin.control.add_fault("reset_before", method="POST", path="/transactions", next=1)
    payment = pay(bayar)
    states = [one.state for one in bayar.watch_payment(payment_id=payment.payment_id, timeout_seconds=30)]
    assert (states[0], states[-1]) == (PENDING, PaymentState.PAYMENT_STATE_FAILED)


def test_a_stopped_gateway_is_reported_clearly_and_the_same_request_pays_later(bayar: BayarClient, pair: Pair) -> None:
    request_id, reference = str(uuid.uuid4()), an_order()
    customer = bayar.create_customer(given_name="Sari")
    pair.twin.stop()
    with pytest.raises(BayarError) as raised:
        pay(bayar, request_id=request_id, reference=reference)
    error = raised.value
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "GATEWAY_UNREACHABLE")
    assert error.retry_after_seconds
    assert not error.outcome_unknown
    assert "Traceback" not in str(error)
    assert "same request" in error.message
    assert error.localized_message
    [recorded] = bayar.list_payments(reference=reference)
    assert recorded.state == PaymentState.PAYMENT_STATE_FAILED
    assert recorded.failure_reason == FailureReason.FAILURE_REASON_GATEWAY_UNREACHABLE
    for call in (
        lambda: bayar.create_client_token(),
        lambda: bayar.add_payment_method(customer_id=customer.customer_id, card=a_card()),
    ):
        with pytest.raises(BayarError) as raised:
            call()
        assert raised.value.code is grpc.StatusCode.UNAVAILABLE
        assert raised.value.reason in ("GATEWAY_UNREACHABLE", "GATEWAY_UNAVAILABLE")
    pair.twin.restart()
    paid = pay(bayar, request_id=request_id, reference=reference)
    assert (paid.state, paid.payment_id) == (CAPTURED, recorded.payment_id)
    assert charges(pair, paid) == ["10.00"]


def test_a_gateway_that_stops_in_the_middle_of_a_life_is_reported_clearly(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    pair.twin.stop()
    request_id = str(uuid.uuid4())
    for _ in range(2):
        with pytest.raises(BayarError) as raised:
            bayar.capture_payment(payment_id=payment.payment_id, request_id=request_id)
        assert (raised.value.code, raised.value.reason) == (grpc.StatusCode.UNAVAILABLE, "GATEWAY_UNREACHABLE")
    with pytest.raises(BayarError) as raised:
        bayar.verify_payment(payment_id=payment.payment_id)
    assert raised.value.code is grpc.StatusCode.UNAVAILABLE
    assert bayar.get_payment(payment_id=payment.payment_id).state == PaymentState.PAYMENT_STATE_AUTHORIZED
    pair.twin.restart()
    assert bayar.capture_payment(payment_id=payment.payment_id, request_id=request_id).state == CAPTURED
