"""An account that takes another currency than the settings say charges nobody a price that was not asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from bayar.messages import BayarClient, Payment, PaymentState, money
from bayar.payments.v1.admin_service_pb2 import Finding, FindingKind, OrphanPolicy, ReconcileRequest
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from tests.end_to_end.payment_steps import pay
from tests.end_to_end.service import Pair, until

FAILED = PaymentState.PAYMENT_STATE_FAILED


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": "JPY=twin_usd,EUR=twin_usd,GBP=twin_usd,USD=twin_usd"}


def taken(pair: Pair, amount: str) -> list[str]:
    """The status of each charge of the amount."""
    return [one.status for one in pair.twin.control.ledger() if one.amount == amount]


def reverse(bayar: BayarClient) -> list[Finding]:
    start, end = Timestamp(), Timestamp()
    start.FromDatetime(datetime.now(UTC) - timedelta(minutes=5))
    end.FromDatetime(datetime.now(UTC) + timedelta(minutes=5))
    request = ReconcileRequest(
        from_time=start, until_time=end, orphan_policy=OrphanPolicy.ORPHAN_POLICY_REVERSE, max_reversals=1
    )
    told = AdminServiceStub(bayar.channel).Reconcile(request, timeout=60)
    return [one.finding for one in told if one.HasField("finding")]


def test_a_charge_in_another_currency_is_voided_at_once_and_none_is_sent_again(pair: Pair, bayar: BayarClient) -> None:
    payments = [pay(bayar, money("500", "JPY")) for _ in range(2)]
    assert [payment.state for payment in payments] == [FAILED, FAILED]
    assert "takes USD, not JPY" in payments[0].operations[0].failure_detail
    assert taken(pair, "500.00") == ["voided"]
    assert pay(bayar, "10.00").state == PaymentState.PAYMENT_STATE_CAPTURED


@pytest.mark.parametrize(
    ("currency_code", "fault", "method", "path"),
    [("GBP", "reset_after", "POST", "/transactions"), ("EUR", "reset_before", "PUT", "*void*")],
    ids=["the answer was lost", "the void was lost"],
)
def test_a_charge_in_another_currency_that_was_not_taken_back_is_given_back_by_a_reconciliation(
    currency_code: str, fault: str, method: str, path: str, pair: Pair, bayar: BayarClient
) -> None:
    pair.twin.control.add_fault(fault, method=method, path=path, next=1)  # type: ignore[arg-type]
    payment = pay(bayar, money("70.00", currency_code))
    assert payment.state == PaymentState.PAYMENT_STATE_PENDING

    def failed() -> Payment | None:
        now = bayar.get_payment(payment_id=payment.payment_id)
        return now if now.state == FAILED else None

    assert "took USD 70.00" in until(failed).operations[0].failure_detail
    assert [one.kind for one in reverse(bayar)] == [FindingKind.FINDING_KIND_ORPHAN_REVERSED]
    assert set(taken(pair, "70.00")) == {"voided"}
