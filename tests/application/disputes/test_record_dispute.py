"""Disputes and the money they claim, over a store and a gateway in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.errors import PaymentDisputed
from application.disputes.record_dispute import RecordDispute
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.refund_payment import RefundPaymentCommand
from application.payments.sync_from_gateway import SyncPayment
from application.ports.gateway import Transaction
from domain.dispute import Dispute, DisputeKind, DisputeState
from domain.money import Money
from domain.operation import FailureReason, OperationKind, OperationState
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.shop import SHOP, Shop, a_request_id, usd


@pytest.fixture
def shop() -> Shop:
    return Shop()


def recorder(shop: Shop) -> RecordDispute:
    return RecordDispute(
        shop.store, shop.gateway, shop.clock, shop.ids, SettlementPollPolicy(), interval=timedelta(hours=1)
    )


def learn(shop: Shop, gateway_dispute_id: str) -> Dispute:
    report = shop.gateway.find_dispute(gateway_dispute_id)
    assert report is not None
    dispute = recorder(shop)(report)
    assert dispute is not None
    return dispute


def now(shop: Shop, payment: Payment) -> Payment:
    with shop.store.read() as work:
        found = work.payments.get(payment.terms.payment_id)
    assert found is not None
    return found


def refund(shop: Shop, payment: Payment, amount: int | None) -> Payment:
    return shop.refund_payment(
        RefundPaymentCommand(
            request_id=a_request_id(),
            payment_id=payment.terms.payment_id,
            amount=usd(amount) if amount is not None else None,
        ),
        SHOP,
    )


def scheduled_refund(shop: Shop) -> tuple[Payment, str]:
    """A part to be given back after settlement, and a bank that claims all of it before."""
    payment = shop.pay()
    payment = refund(shop, payment, 30_00)
    assert [o.state for o in payment.operations if o.kind is OperationKind.REFUND] == [OperationState.SCHEDULED]
    gateway_dispute_id = shop.real_gateway.open_dispute(payment.authorization.transaction_id)
    learn(shop, gateway_dispute_id)
    shop.real_gateway.settle()
    return payment, gateway_dispute_id


def test_a_claim_of_a_part_leaves_the_rest_refundable(shop: Shop) -> None:
    payment = shop.pay()
    shop.real_gateway.settle()
    dispute = learn(shop, shop.real_gateway.open_dispute(payment.authorization.transaction_id, Money(60_00, "USD")))
    with pytest.raises(PaymentDisputed) as raised:
        refund(shop, payment, 50_00)
    assert raised.value.dispute_ids == (dispute.dispute_id,)
    assert raised.value.left == Money(40_00, "USD")
    assert refund(shop, payment, 40_00).refunded_amount == Money(40_00, "USD")


def test_a_retrieval_takes_no_money(shop: Shop) -> None:
    payment = shop.pay()
    shop.real_gateway.settle()
    transaction_id = payment.authorization.transaction_id
    learn(shop, shop.real_gateway.open_dispute(transaction_id, kind=DisputeKind.RETRIEVAL))
    assert now(shop, payment).disputed_amount == Money(0, "USD")
    assert refund(shop, payment, None).refunded_amount == Money(100_00, "USD")


def test_a_refund_asks_whether_a_bank_claims_the_money_of_which_nobody_told(shop: Shop) -> None:
    payment = shop.pay()
    shop.real_gateway.settle()
    shop.real_gateway.open_dispute(payment.authorization.transaction_id)
    with pytest.raises(PaymentDisputed):
        refund(shop, payment, None)


def test_an_old_report_changes_nothing(shop: Shop) -> None:
    payment = shop.pay()
    shop.real_gateway.settle()
    gateway_dispute_id = shop.real_gateway.open_dispute(payment.authorization.transaction_id)
    old = shop.gateway.find_dispute(gateway_dispute_id)
    assert old is not None
    shop.clock.advance(timedelta(days=1))
    shop.real_gateway.decide_dispute(gateway_dispute_id, DisputeState.WON)
    learn(shop, gateway_dispute_id)
    late = recorder(shop)(replace(old))
    assert late is not None
    assert late.state is DisputeState.WON
    assert now(shop, payment).funds is Funds.SETTLED


def test_a_scheduled_refund_waits_for_a_dispute_and_goes_out_when_it_is_won(shop: Shop) -> None:
    payment, gateway_dispute_id = scheduled_refund(shop)
    shop.clock.advance(timedelta(hours=2))
    shop.resolver()
    assert not now(shop, payment).refunded_amount
    shop.real_gateway.decide_dispute(gateway_dispute_id, DisputeState.WON)
    learn(shop, gateway_dispute_id)
    shop.clock.advance(timedelta(hours=2))
    shop.resolver()
    assert now(shop, payment).refunded_amount == Money(30_00, "USD")


def test_a_scheduled_refund_is_given_up_when_the_dispute_is_lost(shop: Shop) -> None:
    payment, gateway_dispute_id = scheduled_refund(shop)
    shop.real_gateway.decide_dispute(gateway_dispute_id, DisputeState.LOST)
    learn(shop, gateway_dispute_id)
    shop.clock.advance(timedelta(hours=2))
    shop.resolver()
    ended = now(shop, payment)
    [given_up] = [o for o in ended.operations if o.kind is OperationKind.REFUND]
    assert (given_up.state, given_up.failure_reason) == (OperationState.FAILED, FailureReason.NO_LONGER_POSSIBLE)
    assert ended.refundable_amount == Money(0, "USD")
    assert ended.funds is Funds.DISPUTED


def test_a_dispute_of_another_callers_transaction_is_not_ours(shop: Shop) -> None:
    payment = shop.pay()
    gateway_dispute_id = shop.real_gateway.open_dispute(payment.authorization.transaction_id)
    report = shop.gateway.find_dispute(gateway_dispute_id)
    assert report is not None
    assert recorder(shop)(replace(report, transaction_id="unknown", order_id="")) is None


def test_a_dispute_that_is_won_lifts_its_claim_although_the_transaction_settled_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = shop.pay()
    gateway_dispute_id = shop.real_gateway.open_dispute(payment.authorization.transaction_id)
    learn(shop, gateway_dispute_id)
    # In the same second, so that the times do not tell which report is the newer one.
    shop.real_gateway.decide_dispute(gateway_dispute_id, DisputeState.WON)
    find_transaction = shop.gateway.find_transaction

    def overtaken(transaction_id: str) -> Transaction | None:
        """Another replica reads later and records first."""
        monkeypatch.undo()
        earlier = find_transaction(transaction_id)
        shop.real_gateway.settle()
        SyncPayment(shop.store, shop.gateway, shop.clock, shop.ids)(payment, [transaction_id])
        return earlier

    monkeypatch.setattr(shop.gateway, "find_transaction", overtaken)
    learn(shop, gateway_dispute_id)
    assert now(shop, payment).state is PaymentState.SETTLED
    assert now(shop, payment).refundable_amount == Money(100_00, "USD")
