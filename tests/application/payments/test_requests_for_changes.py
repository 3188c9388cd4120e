"""Captures, voids and refunds: what is refused, what is recorded before the call, and what a repeat gets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from application.common.errors import InvalidRequest, NotFound, OperationRefused, PaymentDisputed, RequestIdReused
from application.disputes.record_dispute import RecordDispute
from application.payments.capture_payment import CapturePaymentCommand
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.refund_payment import RefundPaymentCommand
from application.payments.sync_from_gateway import SyncPayment, read
from application.payments.void_payment import VoidPaymentCommand
from application.ports.gateway import GatewayNotReached, RefundIncomplete
from domain.errors import IllegalTransition
from domain.money import Money
from domain.operation import FailureReason, OperationKind, OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.application.shop import FIRST_CHECK, LEASE, SHOP, STRANGER, Shop, a_request_id, usd
from tests.fakes.faulty_gateway import Fault

CARD = "4111 1111 1111 1111"
Ask = Callable[..., Payment]


def ask_for(shop: Shop, kind: str, payment_id: str, **fields: object) -> Payment:
    caller = fields.pop("caller", SHOP)
    fields = {"request_id": a_request_id(), "payment_id": payment_id, **fields}
    if kind == "capture":
        return shop.capture_payment(CapturePaymentCommand(**fields), caller)  # type: ignore[arg-type]
    if kind == "void":
        return shop.void_payment(VoidPaymentCommand(**fields), caller)  # type: ignore[arg-type]
    return shop.refund_payment(RefundPaymentCommand(**fields), caller)  # type: ignore[arg-type]


KINDS = ["capture", "void", "refund"]
BAD = {"request_id": "no uuid", "payment_id": "pay", "language_code": "!", "note": CARD, "amount": usd(0)}
TAKEN = {
    "capture": ["request_id", "payment_id", "language_code", "amount"],
    "void": ["request_id", "payment_id", "language_code", "note"],
    "refund": ["request_id", "payment_id", "language_code", "note", "amount"],
}


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in KINDS for field in TAKEN[kind]])
def test_each_field_that_is_wrong_is_named_and_nothing_is_done(kind: str, field: str) -> None:
    shop = Shop()
    payment = shop.authorize()
    with pytest.raises(InvalidRequest) as refused:
        ask_for(shop, kind, **{"payment_id": payment.terms.payment_id, field: BAD[field]})  # type: ignore[arg-type]
    assert {fault.field.partition(".")[0] for fault in refused.value.violations} == {field}
    assert shop.now(payment) == payment


@pytest.mark.parametrize("kind", KINDS)
def test_a_payment_of_another_caller_is_not_there(kind: str) -> None:
    shop = Shop()
    payment = shop.authorize() if kind == "capture" else shop.pay()
    with pytest.raises(NotFound):
        ask_for(shop, kind, payment.terms.payment_id, caller=STRANGER)
    assert shop.now(payment) == payment


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("capture", {"amount": usd(10_00)}, {"amount": usd(10_01)}),
        ("capture", {"amount": usd(10_00)}, {"amount": usd(10_00), "final": True}),
        ("capture", {"amount": usd(10_00)}, {}),
        ("void", {"note": "sorry"}, {"note": ""}),
        ("refund", {"note": "sorry", "amount": usd(1)}, {"note": "", "amount": usd(1)}),
        ("refund", {"amount": usd(1)}, {"amount": usd(2)}),
    ],
)
def test_a_request_id_means_one_request(kind: str, first: dict[str, object], second: dict[str, object]) -> None:
    shop, request_id = Shop(), a_request_id()
    payment_id = (shop.authorize() if kind == "capture" else shop.pay()).terms.payment_id
    other = (shop.authorize() if kind == "capture" else shop.pay()).terms.payment_id
    done = ask_for(shop, kind, payment_id, request_id=request_id, **first)
    with pytest.raises(RequestIdReused):
        ask_for(shop, kind, payment_id, request_id=request_id, **second)
    with pytest.raises(RequestIdReused):
        ask_for(shop, kind, other, request_id=request_id, **first)
    again = ask_for(shop, kind, payment_id, request_id=request_id, language_code="de", **first)
    assert again == done


@pytest.mark.parametrize("kind", ["void", "refund"])
def test_a_note_is_kept_with_the_operation(kind: str) -> None:
    shop = Shop()
    assert ask_for(shop, kind, shop.pay().terms.payment_id, note="sorry").operations[-1].note == "sorry"


def test_a_capture_releases_the_rest_only_on_request() -> None:
    shop = Shop()
    assert shop.capture(shop.authorize(), 10_00).capturable_amount.minor_units == 90_00
    assert shop.capture(shop.authorize(), 10_00, final=True).capturable_amount.minor_units == 0


def at_the_call(shop: Shop, call: str, payment: Payment) -> list[Payment]:
    """The record as it is when the next such call arrives."""
    seen: list[Payment] = []
    shop.before[call] = lambda: seen.append(shop.now(payment))
    return seen


@pytest.mark.parametrize("call", KINDS)
def test_an_intent_is_recorded_before_the_call_and_checked_after_its_lease(call: str) -> None:
    shop = Shop()
    payment = shop.settled() if call == "refund" else shop.authorize()
    seen = at_the_call(shop, call, payment)
    ask_for(shop, call, payment.terms.payment_id)
    begun = seen[0].operations[-1]
    assert (begun.kind.value, begun.state) == (call, OperationState.STARTED)
    assert begun.next_check_time == shop.clock.now() + LEASE


# Disputes


def dispute(shop: Shop, payment: Payment, transaction_id: str, minor_units: int) -> None:
    dispute_id = shop.real_gateway.open_dispute(transaction_id, Money(minor_units, "USD"))
    record = RecordDispute(shop.store, shop.gateway, shop.clock, shop.ids, SettlementPollPolicy(), timedelta(minutes=1))
    report = shop.real_gateway.find_dispute(dispute_id)
    assert report is not None
    record(report)
    assert shop.now(payment).disputed_amount.minor_units == minor_units


def test_a_void_of_a_disputed_payment_is_refused() -> None:
    shop = Shop()
    payment = shop.pay()
    dispute(shop, payment, payment.authorization.transaction_id, 30_00)
    with pytest.raises(PaymentDisputed) as refused:
        shop.void(payment)
    assert (refused.value.claimed.minor_units, refused.value.left.minor_units) == (30_00, 70_00)
    assert shop.now(payment).state is PaymentState.CAPTURED


def test_a_claim_on_a_part_does_not_keep_the_rest_from_its_release() -> None:
    shop = Shop()
    payment = shop.capture(shop.authorize(), 30_00)
    dispute(shop, payment, payment.operations[-1].transaction_id, 30_00)
    payment = shop.void(payment)
    assert payment.capturable_amount.minor_units == 0
    assert payment.captured_amount.minor_units == 30_00


def test_an_unvoidable_payment_is_not_refused_because_of_a_dispute() -> None:
    shop = Shop()
    payment = shop.refund(shop.settled(), 20_00)
    dispute(shop, payment, payment.authorization.transaction_id, 30_00)
    with pytest.raises(IllegalTransition):
        shop.void(payment)


# Refunds


def two_parts(shop: Shop) -> Payment:
    payment = shop.authorize()
    shop.capture(payment, 60_00)
    return shop.capture(payment, 40_00)


def settled_parts(shop: Shop) -> Payment:
    payment = two_parts(shop)
    shop.real_gateway.settle()
    return shop.verify(payment).payment


def test_scheduled_refunds_are_recorded_before_sent_ones_and_checked_soon() -> None:
    shop = Shop()
    payment = two_parts(shop)
    shop.real_gateway.settle(payment.operations[1].transaction_id)
    payment = shop.refund(payment, 70_00)
    sent, waits = payment.operations[-1], payment.operations[-2]
    assert (waits.state, sent.state) == (OperationState.SCHEDULED, OperationState.SUCCEEDED)
    assert (waits.amount.minor_units, sent.amount.minor_units) == (10_00, 60_00)
    assert waits.next_check_time == shop.clock.now() + FIRST_CHECK


def test_a_refund_looks_at_the_sales_once_and_a_repeat_not_at_all() -> None:
    shop, request_id = Shop(), a_request_id()
    payment = shop.settled()
    shop.calls.clear()
    done = shop.refund(payment, 10_00, request_id=request_id)
    assert shop.calls == ["find_transaction", "refund"]
    shop.calls.clear()
    assert shop.refund(payment, 10_00, request_id=request_id) == done
    assert shop.calls == []


def test_a_refund_that_the_bank_declined_is_not_sent_again_by_its_repeat() -> None:
    shop, request_id = Shop(), a_request_id()
    payment = shop.settled(5000_00)
    declined = shop.refund(payment, 2000_00, request_id=request_id)
    assert declined.operations[-1].state is OperationState.DECLINED
    shop.calls.clear()
    assert shop.refund(payment, 2000_00, request_id=request_id) == declined
    assert shop.calls == []


def test_a_refund_of_what_was_never_captured_asks_the_gateway_nothing() -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.calls.clear()
    with pytest.raises(IllegalTransition):
        shop.refund(payment)
    assert shop.calls == []


def test_a_refused_refund_is_not_sent_again_as_it_was() -> None:
    shop = Shop()
    payment = shop.settled()
    forgotten = shop.real_gateway._transactions
    shop.before["refund"] = forgotten.clear
    shop.calls.clear()
    with pytest.raises(OperationRefused) as refused:
        shop.refund(payment, 10_00)
    assert refused.value.kind is OperationKind.REFUND
    assert shop.calls.count("refund") == 1
    assert shop.now(payment).refundable_amount.minor_units == 100_00


def test_a_refused_part_is_not_sent_again_after_the_part_before_it_was_given_back() -> None:
    shop = Shop()
    payment = shop.authorize()
    parts = [shop.capture(payment, amount).operations[-1].transaction_id for amount in (10_00, 40_00, 50_00)]
    shop.real_gateway.settle()
    shop.verify(payment)

    def forget_the_second() -> None:
        del shop.real_gateway._transactions[parts[1]]

    shop.before["refund"] = lambda: shop.before.update(refund=forget_the_second)
    shop.calls.clear()
    payment = shop.refund(payment, 20_00)
    assert shop.calls.count("refund") == 2
    assert (payment.refunded_amount.minor_units, payment.refund_pending_amount.minor_units) == (10_00, 0)


def test_a_refund_that_was_refused_because_the_sale_is_held_up_waits() -> None:
    shop = Shop()
    payment = shop.pay()
    sale = payment.authorization.transaction_id
    shop.real_gateway.begin_settling(sale)

    def hold_up() -> None:
        found = shop.real_gateway.find_transaction(sale)
        assert found is not None
        shop.real_gateway._change(found, standing=TransactionSnapshot(TransactionStatus.SETTLEMENT_PENDING))

    shop.before["refund"] = hold_up
    payment = shop.refund(payment, 10_00)
    assert [o.state for o in payment.operations[1:]] == [OperationState.FAILED, OperationState.SCHEDULED]
    assert payment.refund_pending_amount.minor_units == 10_00


def test_an_unsent_and_a_partly_sent_refund_are_reported_differently() -> None:
    shop = Shop()
    payment = settled_parts(shop)
    shop.fails("refund", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached) as nothing:
        shop.refund(payment)
    assert not isinstance(nothing.value, RefundIncomplete)
    assert [o.failure_reason for o in shop.now(payment).operations[-2:]] == [FailureReason.GATEWAY_UNREACHABLE] * 2
    shop.fails("refund", Fault.NONE)
    shop.fails("refund", Fault.UNREACHABLE)
    with pytest.raises(RefundIncomplete):
        shop.refund(payment)
    assert shop.now(payment).refunded_amount.minor_units == 60_00


def test_the_rest_of_a_refund_waits_for_open_parts_and_is_no_success_meanwhile() -> None:
    shop, request_id = Shop(), a_request_id()
    payment = shop.authorize()
    for minor_units in (30_00, 40_00):
        payment = shop.capture(payment, minor_units)
    shop.real_gateway.settle()
    shop.verify(payment)
    shop.fails("refund", Fault.NONE)
    shop.fails("refund", Fault.UNREACHABLE)
    shop.fails("capture", Fault.LOST_AFTER)
    with pytest.raises(RefundIncomplete):
        shop.refund(payment, request_id=request_id)
    shop.capture(payment)
    with pytest.raises(RefundIncomplete):
        shop.refund(payment, request_id=request_id)
    assert shop.now(payment).refunded_amount.minor_units == 30_00
    assert shop.resolve(after=FIRST_CHECK) == 1
    assert shop.refund(payment, 40_00).refunded_amount.minor_units == 70_00


def test_each_part_has_a_lease_of_its_own_from_when_it_is_sent() -> None:
    shop = Shop()
    shop.use_leases_by_the_clock()
    payment = settled_parts(shop)
    slow = LEASE - timedelta(seconds=1)
    seen: list[Payment] = []

    def first() -> None:
        shop.wait(slow)
        shop.before["refund"] = second

    def second() -> None:
        seen.append(shop.now(payment))
        shop.wait(slow)

    shop.before["refund"] = first
    payment = shop.refund(payment)
    assert payment.refunded_amount.minor_units == 100_00
    assert seen[0].operations[-1].next_check_time == shop.clock.now() - slow + LEASE


def test_a_part_is_not_sent_once_the_lease_of_the_one_before_it_is_over() -> None:
    shop = Shop()
    shop.use_leases_by_the_clock()
    payment = settled_parts(shop)
    real, sent = shop.gateway.refund, []

    def refund(asked: object, lease: object) -> object:
        outcome = real(asked, lease)  # type: ignore[arg-type]
        sent.append(asked)
        shop.wait(LEASE)
        return outcome

    shop.gateway.refund = refund  # type: ignore[assignment,method-assign]
    with pytest.raises(RefundIncomplete):
        shop.refund(payment)
    payment = shop.now(payment)
    assert len(sent) == 1
    assert payment.refunded_amount.minor_units == 60_00
    assert payment.operations[-1].failure_reason is FailureReason.GATEWAY_UNREACHABLE


# Reading and refreshing


@pytest.mark.parametrize(
    ("count", "calls"), [(0, []), (1, ["find_transaction"]), (4, ["find_transaction"] * 4), (5, ["find_transactions"])]
)
def test_few_transactions_are_read_by_id_and_many_by_a_search(count: int, calls: list[str]) -> None:
    shop = Shop()
    wanted = [shop.pay().authorization.transaction_id for _ in range(count)]
    shop.pay()
    shop.calls.clear()
    assert [one.transaction_id for one in read(shop.gateway, wanted)] == wanted
    assert shop.calls == calls


def test_transactions_missing_from_a_search_are_read_by_id_and_unknown_ids_are_left_out() -> None:
    shop = Shop(search_lag=timedelta(hours=1))
    old = [shop.pay().authorization.transaction_id for _ in range(3)]
    shop.wait(timedelta(hours=2))
    new = shop.pay().authorization.transaction_id
    shop.calls.clear()
    found = [one.transaction_id for one in read(shop.gateway, [new, *old, "unknown"])]
    assert found == [*old, new]
    assert shop.calls == ["find_transactions", "find_transaction", "find_transaction"]


def test_a_sync_records_what_is_new_and_plans_the_next_check() -> None:
    shop = Shop()
    payment = shop.pay()
    refresh = SyncPayment(shop.store, shop.gateway, shop.clock, shop.ids)
    shop.wait(timedelta(hours=1))
    sale = payment.authorization.transaction_id
    assert refresh(payment, [sale]) == payment
    assert shop.now(payment).next_poll_time == payment.next_poll_time
    shop.real_gateway.settle()
    assert refresh(payment, [sale]).state is PaymentState.SETTLED
    assert shop.now(payment).state is PaymentState.SETTLED
    assert shop.now(payment).next_poll_time == shop.clock.now() + timedelta(hours=6)
