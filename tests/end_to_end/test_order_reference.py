"""The merchant's own order number at the gateway, beside the operation's id that proves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from bayar.messages import BayarClient, CaptureMode, Payment, PaymentState, money
from bayar.payments.v1.admin_service_pb2 import ReconcileRequest
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from tests.end_to_end.payment_steps import an_order, pay
from tests.end_to_end.service import Pair, until


def order_ids(pair: Pair, reference: str) -> list[str]:
    """The order ids at the gateway that begin with the reference."""
    shown = [entry.order_id or "" for entry in pair.twin.control.ledger()]
    return [order_id for order_id in shown if order_id.startswith(f"{reference}-")]


def test_payments_partial_captures_and_refunds_are_found_by_the_reference(bayar: BayarClient, pair: Pair) -> None:
    reference = an_order()
    held = pay(bayar, reference=reference, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    bayar.capture_payment(payment_id=held.payment_id, amount=money("4.00", "USD"))
    pair.twin.control.settle()
    bayar.verify_payment(payment_id=held.payment_id)
    refunded = bayar.refund_payment(payment_id=held.payment_id, amount=money("1.00", "USD"))
    ends = {order_id[-29:] for order_id in order_ids(pair, reference)}
    assert ends == {operation.operation_id for operation in refunded.operations}
    assert len(ends) == 3


def test_a_lost_answer_is_found_by_the_operations_id(bayar: BayarClient, pair: Pair) -> None:
    reference = an_order()
    pair.twin.control.add_fault("reset_after", path="/transactions", method="POST", next=1)
    payment = pay(bayar, reference=reference)

    def settled() -> Payment | None:
        now = bayar.get_payment(payment_id=payment.payment_id)
        return now if now.state == PaymentState.PAYMENT_STATE_CAPTURED else None

    until(settled)
    assert len(order_ids(pair, reference)) == 1


def test_the_longest_reference_is_cut(bayar: BayarClient, pair: Pair) -> None:
    reference = f"{an_order()}-{'x' * 300}"[:255]
    assert pay(bayar, reference=reference).state == PaymentState.PAYMENT_STATE_CAPTURED
    assert len(order_ids(pair, reference[:86])[0]) == 127


def test_nothing_with_a_reference_in_front_looks_like_somebody_elses(bayar: BayarClient, pair: Pair) -> None:
    # It ends as an order id of another deployment would.
    reference = f"{an_order()}-0123456789"
    held = pay(bayar, reference=reference, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    bayar.capture_payment(payment_id=held.payment_id, amount=money("4.00", "USD"))
    start, end = Timestamp(), Timestamp()
    start.FromDatetime(datetime.now(UTC) - timedelta(minutes=5))
    end.FromDatetime(datetime.now(UTC) + timedelta(minutes=5))
    request = ReconcileRequest(from_time=start, until_time=end)
    told = [one.finding for one in AdminServiceStub(bayar.channel).Reconcile(request, timeout=60)]
    assert [one.kind for one in told if one.kind] == []
    assert len(order_ids(pair, reference)) == 2
