"""Administrators' use cases: unresolved operations, resolution by hand, exports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from application.common.caller import Caller
from application.common.errors import (
    ContradictedByGateway,
    InvalidRequest,
    MayStillHappen,
    NotFound,
    OperationAlreadyResolved,
)
from application.common.pagination import PageTokens
from application.payments.export_payments import ExportPayments
from application.payments.payment_access import lock_payment
from application.ports.gateway import Transaction
from application.recovery.list_unresolved_operations import ListUnresolvedOperations
from application.recovery.resolve_operation import Resolution, ResolveOperationCommand
from domain.events import EventContext
from domain.ids import CallerId
from domain.money import Money
from domain.operation import FailureReason, OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.shop import HORIZON, LEASE, SHOP, Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import START

HOUR = timedelta(hours=1)
A_DAY = (START - HOUR, START + timedelta(days=1))


def resolve(shop: Shop, payment: Payment, resolution: Resolution, transaction_id: str = "", **changes: str) -> Payment:
    order = ResolveOperationCommand(
        request_id=changes.get("request_id") or a_request_id(),
        operation_id=payment.operations[-1].operation_id,
        resolution=resolution,
        gateway_transaction_id=transaction_id,
        reason=changes.get("reason", "seen in the control panel"),
    )
    return shop.resolve_operation(order, SHOP)


def a_lost_payment(shop: Shop, fault: Fault) -> Payment:
    shop.fails("authorize", fault)
    return shop.pay()


def test_unresolved_operations_are_listed_oldest_first() -> None:
    shop = Shop()
    lost = [a_lost_payment(shop, Fault.LOST_BEFORE) for _ in range(3)]
    shop.pay()
    unresolved = ListUnresolvedOperations(shop.store, PageTokens(b"key"))
    page, token = unresolved(None, page_size=2)
    rest, end = unresolved(None, page_size=2, page_token=token)
    listed = [one.payment.terms.payment_id for one in page + rest]
    assert listed == [payment.terms.payment_id for payment in lost]
    assert not end
    assert unresolved(START) == ([], "")


def test_an_administrator_can_ask_now() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    request_id = a_request_id()
    for _ in range(2):
        resolved = resolve(shop, payment, Resolution.CHECK_NOW, request_id=request_id)
        assert resolved.state is PaymentState.CAPTURED


def test_an_administrator_can_close_what_the_gateway_does_not_know() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    shop.wait(LEASE + HORIZON)
    closed = resolve(shop, payment, Resolution.FAILED)
    assert closed.operations[-1].failure_reason is FailureReason.CLOSED_BY_ADMINISTRATOR
    with pytest.raises(OperationAlreadyResolved):
        resolve(shop, payment, Resolution.FAILED)


def test_nothing_is_closed_before_lease_and_horizon_are_over() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    for wait in (timedelta(), LEASE, HORIZON - timedelta(seconds=1)):
        shop.wait(wait)
        with pytest.raises(MayStillHappen) as refusal:
            resolve(shop, payment, Resolution.FAILED)
        assert timedelta() < refusal.value.retry_after <= LEASE + HORIZON
    shop.wait(refusal.value.retry_after)
    assert resolve(shop, payment, Resolution.FAILED).state is PaymentState.FAILED


def test_nothing_is_closed_that_is_sent_while_the_gateway_is_asked() -> None:
    """The scheduled refund was given up and is sent once more, by a resolver, in the very moment."""
    shop = Shop()
    payment = shop.refund(shop.pay(), 30_00)
    shop.real_gateway.settle()
    shop.fails("refund", Fault.LOST_BEFORE)
    shop.resolve(after=HOUR)
    shop.wait(LEASE + HORIZON)
    real = shop.real_gateway.find_transaction

    def meanwhile(transaction_id: str) -> Transaction | None:
        shop.real_gateway.find_transaction = real  # type: ignore[method-assign]
        context = EventContext(shop.clock.now(), SHOP.actor)
        with shop.store.begin() as work:
            current = lock_payment(work, payment.terms.payment_id)
            current.postpone(payment.operations[-1].operation_id, context=context)
            current.start_scheduled(payment.operations[-1].operation_id, context=context)
            work.payments.save(current)
        return real(transaction_id)

    shop.real_gateway.find_transaction = meanwhile  # type: ignore[method-assign]
    with pytest.raises(MayStillHappen):
        resolve(shop, payment, Resolution.FAILED)
    assert shop.now(payment).operations[-1].state is OperationState.STARTED


def test_an_administrator_cannot_close_what_happened() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    for wait in (timedelta(), LEASE + HORIZON):
        shop.wait(wait)
        with pytest.raises(ContradictedByGateway):
            resolve(shop, payment, Resolution.FAILED)
    assert shop.now(payment).state is PaymentState.PENDING


def test_an_administrator_can_name_the_transaction_but_not_any() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    mine = shop.real_gateway.all_transactions()[-1].transaction_id
    with pytest.raises(ContradictedByGateway):
        resolve(shop, payment, Resolution.SUCCEEDED, "bt999")
    assert resolve(shop, payment, Resolution.SUCCEEDED, mine).state is PaymentState.CAPTURED


def another_payments(shop: Shop, _: Payment) -> str:
    return shop.pay().authorization.transaction_id


def another_callers_larger_one(shop: Shop, _: Payment) -> str:
    order = an_order(amount=usd(9_999_00))
    return shop.pay(order, Caller(CallerId("another"))).authorization.transaction_id


def one_of_another_deployment(shop: Shop, _: Payment) -> str:
    order_id = "0000000000-op_00000000000000000000000999"
    return shop.real_gateway.add_external_sale(order_id, Money(100_00, "USD")).transaction_id


def one_whose_record_was_lost(shop: Shop, _: Payment) -> str:
    restore = shop.store.back_up()
    transaction_id = shop.pay().authorization.transaction_id
    restore()
    return transaction_id


def one_over_less(shop: Shop, _: Payment) -> str:
    return shop.real_gateway.add_external_sale("by hand", Money(99_99, "USD")).transaction_id


def one_in_another_currency(shop: Shop, _: Payment) -> str:
    return shop.real_gateway.add_external_sale("by hand", Money(100_00, "JPY")).transaction_id


def a_refund(shop: Shop, _: Payment) -> str:
    return shop.refund(shop.settled(200_00), 100_00).operations[-1].transaction_id


def a_declined_one(shop: Shop, _: Payment) -> str:
    shop.pay(an_order(amount=usd(2000_00)))
    return shop.real_gateway.all_transactions()[-1].transaction_id


def a_part_of_another(shop: Shop, _: Payment) -> str:
    return shop.capture(shop.authorize(200_00), 100_00).operations[-1].transaction_id


@pytest.mark.parametrize(
    "wrong",
    [
        another_payments,
        another_callers_larger_one,
        one_of_another_deployment,
        one_whose_record_was_lost,
        one_over_less,
        one_in_another_currency,
        a_refund,
        a_declined_one,
        a_part_of_another,
    ],
)
def test_a_transaction_that_explains_something_else_is_refused(wrong: Callable[[Shop, Payment], str]) -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    transaction_id = wrong(shop, payment)
    shop.wait(LEASE + HORIZON)
    with pytest.raises(ContradictedByGateway) as refusal:
        resolve(shop, payment, Resolution.SUCCEEDED, transaction_id)
    assert transaction_id in refusal.value.detail
    assert shop.now(payment).state is PaymentState.PENDING


def test_a_transaction_made_by_hand_is_taken_once_nothing_else_can_come() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    by_hand = shop.real_gateway.add_external_sale("by hand", Money(100_00, "USD")).transaction_id
    with pytest.raises(MayStillHappen):
        resolve(shop, payment, Resolution.SUCCEEDED, by_hand)
    shop.wait(LEASE + HORIZON)
    assert resolve(shop, payment, Resolution.SUCCEEDED, by_hand).state is PaymentState.CAPTURED
    other = a_lost_payment(shop, Fault.LOST_BEFORE)
    shop.wait(LEASE + HORIZON)
    with pytest.raises(ContradictedByGateway):
        resolve(shop, other, Resolution.SUCCEEDED, by_hand)


def test_a_transaction_made_by_hand_does_not_hide_the_gateways_own() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    by_hand = shop.real_gateway.add_external_sale("by hand", Money(100_00, "USD")).transaction_id
    shop.wait(LEASE + HORIZON)
    with pytest.raises(ContradictedByGateway):
        resolve(shop, payment, Resolution.SUCCEEDED, by_hand)


@pytest.mark.parametrize("kind", ["capture", "void", "refund"])
def test_a_capture_or_void_is_resolved_by_its_own_transaction_only(kind: str) -> None:
    shop = Shop()
    payment = shop.settled() if kind == "refund" else shop.authorize()
    other = shop.settled() if kind == "refund" else shop.authorize()
    changes: dict[str, Callable[[Payment], Payment]] = {
        "capture": shop.capture,
        "void": shop.void,
        "refund": lambda one: shop.refund(one, 100_00),
    }
    change = changes[kind]
    shop.fails(kind, Fault.LOST_AFTER)
    payment = change(payment)
    wrong = change(other).operations[-1].transaction_id
    shop.wait(LEASE + HORIZON)
    with pytest.raises(ContradictedByGateway):
        resolve(shop, payment, Resolution.SUCCEEDED, wrong)
    right = payment.authorization.transaction_id
    if kind == "refund":
        right = next(
            t.transaction_id for t in shop.real_gateway.all_transactions() if t.refunded_transaction_id == right
        )
    resolved = resolve(shop, payment, Resolution.SUCCEEDED, right)
    assert resolved.operations[-1].state is OperationState.SUCCEEDED


def test_a_capture_or_void_is_not_resolved_by_hand_while_it_may_be_in_flight() -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.fails("void", Fault.LOST_AFTER)
    payment = shop.void(payment)
    with pytest.raises(MayStillHappen):
        resolve(shop, payment, Resolution.SUCCEEDED, payment.authorization.transaction_id)


def test_a_resolution_by_hand_has_a_reason() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    with pytest.raises(InvalidRequest) as refusal:
        resolve(shop, payment, Resolution.SUCCEEDED, reason="")
    assert {fault.field for fault in refusal.value.violations} == {"reason", "gateway_transaction_id"}


def test_an_operation_that_does_not_exist_is_not_found() -> None:
    shop = Shop()
    order = ResolveOperationCommand(request_id=a_request_id(), operation_id="op_00000000000000000000000999")
    with pytest.raises(NotFound):
        shop.resolve_operation(order, SHOP)


def test_an_export_holds_every_payment_of_the_window_oldest_first() -> None:
    shop = Shop()
    payments = [shop.pay() for _ in range(3)]
    pages = ExportPayments(shop.store)(*A_DAY)
    exported = [payment.terms.payment_id for page in pages for payment in page]
    assert exported == [payment.terms.payment_id for payment in payments]
    assert not list(ExportPayments(shop.store)(START - HOUR, START))
    with pytest.raises(InvalidRequest):
        ExportPayments(shop.store)(START, None)
