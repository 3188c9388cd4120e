"""Finding a lost outcome at the gateway, for every kind of operation and every status."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from application.payments.find_lost_outcome import find_lost_outcome
from application.ports.gateway import Approved, Declined, Outcome, Rejected
from domain.ids import OPERATION, OperationId
from domain.money import Money
from domain.operation import Operation, OperationKind, OperationOrigin, OperationState
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.application.recovery.test_reconcile import an_orphan
from tests.application.shop import Shop, an_order, usd
from tests.domain.builders import a_payment
from tests.fakes.faulty_gateway import Fault

# Only an adjustment needs its payment.
OF_ANY = a_payment()
CAPTURED = {
    TransactionStatus.SUBMITTED,
    TransactionStatus.SETTLEMENT_PENDING,
    TransactionStatus.SETTLEMENT_CONFIRMED,
    TransactionStatus.SETTLING,
    TransactionStatus.SETTLED,
    # Refused at settlement, it was captured all the same.
    TransactionStatus.SETTLEMENT_DECLINED,
}
DONE = {OperationKind.CAPTURE: CAPTURED, OperationKind.VOID: {TransactionStatus.VOIDED, TransactionStatus.RELEASED}}
MAY_BE_ON_ITS_WAY = {
    OperationKind.CAPTURE: {TransactionStatus.AUTHORIZED, TransactionStatus.PARTIALLY_CAPTURED},
    OperationKind.VOID: {
        TransactionStatus.AUTHORIZED,
        TransactionStatus.PARTIALLY_CAPTURED,
        TransactionStatus.SUBMITTED,
        TransactionStatus.SETTLEMENT_PENDING,
    },
}


def lost(shop: Shop, kind: OperationKind, fault: Fault = Fault.LOST_BEFORE, *, in_part: bool = False) -> Operation:
    """An operation without an answer."""
    payment = shop.settled() if kind is OperationKind.REFUND else shop.authorize()
    shop.fails(kind.value, fault)
    match kind:
        case OperationKind.CAPTURE:
            return shop.capture(payment, 30_00 if in_part else None).operations[-1]
        case OperationKind.VOID:
            return shop.void(payment).operations[-1]
        case _:
            return shop.refund(payment, 30_00).operations[-1]


def seen(shop: Shop, operation: Operation) -> Outcome | None:
    return find_lost_outcome(shop.real_gateway, OF_ANY, operation)


@pytest.mark.parametrize("kind", [OperationKind.CAPTURE, OperationKind.VOID])
@pytest.mark.parametrize("status", TransactionStatus)
def test_a_capture_or_void_shows_in_its_transaction(kind: OperationKind, status: TransactionStatus) -> None:
    shop = Shop()
    operation = lost(shop, kind)
    target = shop.real_gateway.find_transaction(operation.target_transaction_id)
    assert target is not None
    shop.real_gateway._change(target, standing=TransactionSnapshot(status))
    outcome = seen(shop, operation)
    if status in DONE[kind]:
        assert isinstance(outcome, Approved)
        assert outcome.transaction.transaction_id == operation.target_transaction_id
    elif status in MAY_BE_ON_ITS_WAY[kind]:
        assert outcome is None
    else:
        assert isinstance(outcome, Rejected)
        assert outcome.detail == f"the transaction is {status.value.replace('_', ' ')}"
        assert outcome.details.status == status.value


@pytest.mark.parametrize("kind", [OperationKind.CAPTURE, OperationKind.VOID])
def test_a_capture_or_void_of_a_missing_transaction_may_be_in_flight(kind: OperationKind) -> None:
    shop = Shop()
    operation = lost(shop, kind, Fault.LOST_AFTER)
    assert seen(Shop(), operation) is None


@pytest.mark.parametrize("lag", [timedelta(), timedelta(hours=1)], ids=["at once", "searches lag"])
@pytest.mark.parametrize("kind", [OperationKind.REFUND, OperationKind.CAPTURE])
def test_a_refund_or_part_is_found_at_once(kind: OperationKind, lag: timedelta) -> None:
    shop = Shop(search_lag=lag)
    operation = lost(shop, kind, Fault.LOST_AFTER, in_part=True)
    outcome = seen(shop, operation)
    assert isinstance(outcome, Approved)
    assert outcome.transaction.amount == Money(30_00, "USD")
    assert outcome.transaction.order_id == operation.operation_id


@pytest.mark.parametrize("kind", [OperationKind.REFUND, OperationKind.CAPTURE])
def test_another_refund_or_part_of_the_same_sale_is_not_taken_for_it(kind: OperationKind) -> None:
    shop = Shop()
    operation = lost(shop, kind, in_part=True)
    for _ in range(40):
        shop.resolve(after=timedelta(seconds=10))
    (payment,) = shop.list_all()
    shop.refund(payment, 20_00) if kind is OperationKind.REFUND else shop.capture(payment, 20_00)
    assert seen(shop, operation) is None


def test_a_part_that_carries_the_order_id_of_the_whole_is_not_the_whole() -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.capture(payment, 30_00)
    part = shop.real_gateway.all_transactions()[-1]
    shop.real_gateway._change(part, order_id=payment.authorization.operation_id)
    outcome = seen(shop, payment.authorization)
    assert isinstance(outcome, Approved)
    assert outcome.transaction.transaction_id == payment.authorization.transaction_id


def test_a_refund_that_carries_the_order_id_of_its_sale_is_not_the_sale() -> None:
    shop = Shop()
    payment = shop.settled()
    shop.refund(payment, 30_00)
    refund = shop.real_gateway.all_transactions()[-1]
    shop.real_gateway._change(refund, order_id=payment.authorization.operation_id)
    outcome = seen(shop, payment.authorization)
    assert isinstance(outcome, Approved)
    assert outcome.transaction.transaction_id == payment.authorization.transaction_id


def test_one_that_took_effect_says_more_than_one_that_was_declined() -> None:
    shop = Shop()
    declined = shop.pay(an_order(amount=usd(2001_00)))
    operation = declined.authorization
    assert isinstance(seen(shop, operation), Declined)
    taken = an_orphan(shop, operation_id=operation.operation_id)
    outcome = seen(shop, operation)
    assert isinstance(outcome, Approved)
    assert outcome.transaction.transaction_id == taken


def test_an_operation_without_a_trace_may_be_in_flight() -> None:
    shop = Shop()
    payment = shop.pay()
    assert seen(shop, replace(payment.authorization, operation_id=OperationId(shop.ids.new(OPERATION)))) is None


def test_a_whole_capture_of_another_amount_is_somebody_elses() -> None:
    shop = Shop()
    operation = lost(shop, OperationKind.CAPTURE)
    target = shop.real_gateway.find_transaction(operation.target_transaction_id)
    assert target is not None
    submitted = TransactionSnapshot(TransactionStatus.SUBMITTED)
    shop.real_gateway._change(target, standing=submitted, amount=Money(60_00, "USD"))
    assert isinstance(seen(shop, operation), Rejected)
    (payment,) = shop.list_all()
    verified = shop.verify(payment).payment
    assert (verified.operations[1].state, verified.captured_amount) == (OperationState.FAILED, Money(60_00, "USD"))
    assert verified.operations[-1].origin is OperationOrigin.OUTSIDE
