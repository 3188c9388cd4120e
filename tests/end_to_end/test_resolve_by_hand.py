"""Resolution by hand: not too early, and not by another operation's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo  # type: ignore[import-untyped]
from grpc_status import rpc_status

from bayar.messages import Payment, PaymentState
from bayar.payments.v1.admin_service_pb2 import ManualResolution, ResolveOperationRequest
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from tests.end_to_end.payment_steps import pay
from tests.end_to_end.service import Pair, running_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with running_pair(tmp_path_factory.mktemp("resolving")) as pair:
        yield pair


@pytest.fixture
def unknown(pair: Pair) -> Payment:
    """A payment whose request was lost on the way."""
    pair.twin.control.add_fault("reset_before", method="POST", path="/transactions", next=1)
    payment = pay(pair.service.client())
    assert payment.state == PaymentState.PAYMENT_STATE_PENDING
    return payment


def refusal(
    pair: Pair, payment: Payment, resolution: ManualResolution.ValueType, transaction_id: str = ""
) -> tuple[str, float]:
    """The reason, and after how many seconds it may be tried again."""
    request = ResolveOperationRequest(
        request_id=str(uuid.uuid4()),
        operation_id=payment.operations[0].operation_id,
        resolution=resolution,
        gateway_transaction_id=transaction_id,
        reason="seen in the control panel",
    )
    with pytest.raises(grpc.RpcError) as refused:
        AdminServiceStub(pair.service.client().channel).ResolveOperation(request, timeout=30)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    info, retry = ErrorInfo(), RetryInfo()
    status = rpc_status.from_call(refused.value)  # type: ignore[arg-type]
    assert status is not None
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(retry)
    return str(info.reason), retry.retry_delay.seconds


def test_nothing_is_closed_while_it_may_still_happen(pair: Pair, unknown: Payment) -> None:
    reason, seconds = refusal(pair, unknown, ManualResolution.MANUAL_RESOLUTION_FAILED)
    assert reason == "OPERATION_MAY_STILL_HAPPEN"
    assert 180 < seconds <= 300


def test_another_payments_transaction_explains_nothing(pair: Pair, unknown: Payment) -> None:
    other = pay(pair.service.client(), "9999.00")
    transaction_id = next(one.id for one in pair.twin.control.ledger() if one.amount == "9999.00")
    reason, _ = refusal(pair, unknown, ManualResolution.MANUAL_RESOLUTION_SUCCEEDED, transaction_id)
    assert reason == "CONTRADICTED_BY_GATEWAY"
    bayar = pair.service.client()
    assert bayar.get_payment(payment_id=unknown.payment_id).state == PaymentState.PAYMENT_STATE_PENDING
    assert bayar.get_payment(payment_id=other.payment_id).state == PaymentState.PAYMENT_STATE_CAPTURED
