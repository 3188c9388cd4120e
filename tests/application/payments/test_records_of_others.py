"""External changes that a gateway transaction shows, one transaction after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.payments.external_operations import record_outside, unknown_parts, with_unknown_parts
from application.ports.gateway import Transaction, TransactionKind
from domain.events import CaptureMode, EventContext
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationKind, OperationOrigin, OperationState
from domain.payment import Payment
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from tests.application.shop import Shop
from tests.domain.builders import (
    NO_FUNDS,
    NOON,
    STAMP,
    a_captured_payment,
    a_payment,
    a_request_id,
    a_settled_payment,
    an_authorized_payment,
    an_operation_id,
    capture,
    move,
    refund,
    start_refund,
    succeed,
    usd,
    void,
)
from tests.fakes.ids import CountingIds
from tests.fakes.runtime import START

NOW = EventContext(NOON, "bayar")
DETAILS = GatewayDetails(status="as found")
TEN = usd(10_00)
SUBMITTED = TransactionStatus.SUBMITTED


def found(
    transaction_id: str,
    status: TransactionStatus = SUBMITTED,
    *,
    kind: TransactionKind = TransactionKind.SALE,
    amount: Money = TEN,
    order_id: str = "theirs",
    refunds: str = "",
    part_of: str = "",
) -> Transaction:
    return Transaction(
        transaction_id=transaction_id,
        order_id=order_id,
        kind=kind,
        amount=amount,
        standing=TransactionSnapshot(status),
        create_time=START,
        details=DETAILS,
        refunded_transaction_id=refunds,
        authorized_transaction_id=part_of,
    )


def a_credit(payment: Payment, order_id: str = "theirs", status: TransactionStatus = SUBMITTED) -> Transaction:
    sale = payment.authorization.transaction_id
    return found("credit", status, kind=TransactionKind.CREDIT, refunds=sale, order_id=order_id)


def a_part(payment: Payment, order_id: str = "theirs") -> Transaction:
    return found("part", part_of=payment.authorization.transaction_id, order_id=order_id)


def new(payment: Payment, transaction: Transaction) -> list[Operation]:
    """Its recorded operations."""
    done = {o.operation_id for o in payment.operations if o.state is OperationState.SUCCEEDED}
    events = len(payment.new_events)
    is_news = record_outside(payment, transaction, NOW, CountingIds())
    added = [o for o in payment.operations if o.state is OperationState.SUCCEEDED and o.operation_id not in done]
    assert is_news is bool(added) is (len(payment.new_events) > events)
    return added


# Refunds and parts


def test_a_refund_that_the_record_does_not_have_is_external() -> None:
    payment = a_settled_payment()
    (done,) = new(payment, a_credit(payment))
    assert (done.kind, done.origin, done.amount) == (OperationKind.REFUND, OperationOrigin.OUTSIDE, TEN)
    assert (done.transaction_id, done.target_transaction_id) == ("credit", payment.authorization.transaction_id)
    assert (done.standing, done.details) == (TransactionSnapshot(SUBMITTED), DETAILS)
    assert done.operation_id.startswith("op_")
    assert new(payment, a_credit(payment)) == []


def test_a_part_that_the_record_does_not_have_is_external() -> None:
    payment = an_authorized_payment()
    (done,) = new(payment, a_part(payment))
    assert (done.kind, done.in_part, done.amount) == (OperationKind.CAPTURE, True, TEN)
    assert (payment.captured_amount, payment.capturable_amount) == (TEN, usd(90_00))


@pytest.mark.parametrize(
    "status",
    [
        TransactionStatus.AUTHORIZING,
        TransactionStatus.DECLINED,
        TransactionStatus.EXPIRED,
        TransactionStatus.FAILED,
        TransactionStatus.SETTLEMENT_DECLINED,
        TransactionStatus.VOIDED,
    ],
)
def test_a_transaction_that_moved_no_money_is_no_finding(status: TransactionStatus) -> None:
    payment = a_settled_payment()
    assert new(payment, a_credit(payment, status=status)) == []


@pytest.mark.parametrize("status", [SUBMITTED, TransactionStatus.SETTLING, TransactionStatus.SETTLED])
def test_a_declined_transaction_moved_no_money(status: TransactionStatus) -> None:
    payment = a_settled_payment()
    assert new(payment, replace(a_credit(payment, status=status), decline=NO_FUNDS)) == []
    assert len(new(payment, a_credit(payment, status=status))) == 1


@pytest.mark.parametrize(
    "transaction",
    [
        found("sale"),
        found("credit", kind=TransactionKind.CREDIT),
        found("credit", kind=TransactionKind.CREDIT, refunds="another sale"),
        found("part", part_of="another sale"),
    ],
)
def test_a_transaction_unrelated_to_the_payment_is_not_part_of_it(transaction: Transaction) -> None:
    assert new(a_settled_payment(), transaction) == []


# Ours


def test_a_refund_of_ours_that_is_under_way_is_left_to_who_finds_it_out() -> None:
    payment = a_settled_payment()
    (ours,) = start_refund(payment, TEN)
    assert new(payment, a_credit(payment, ours.operation_id)) == []
    assert payment.operation(ours.operation_id).state is OperationState.STARTED


def test_a_refund_of_ours_that_waits_is_left_to_who_finds_it_out() -> None:
    payment = a_captured_payment()
    (ours,) = start_refund(payment, TEN)
    move(payment, TransactionStatus.SETTLED)
    assert new(payment, a_credit(payment, ours.operation_id)) == []
    assert payment.operation(ours.operation_id).state is OperationState.SCHEDULED


@pytest.mark.parametrize("reason", [FailureReason.NOT_FOUND_AT_GATEWAY, FailureReason.CLOSED_BY_ADMINISTRATOR])
def test_a_transaction_of_a_failed_operation_is_ours(reason: FailureReason) -> None:
    payment = a_settled_payment()
    (ours,) = start_refund(payment, usd(20_00))
    payment.fail(ours.operation_id, reason, context=STAMP)
    (done,) = new(payment, a_credit(payment, ours.operation_id))
    assert (done.operation_id, done.origin, done.state) == (
        ours.operation_id,
        OperationOrigin.SERVICE,
        OperationState.SUCCEEDED,
    )
    assert (done.amount, done.transaction_id, done.standing, done.details) == (
        TEN,
        "credit",
        TransactionSnapshot(SUBMITTED),
        DETAILS,
    )
    assert payment.refunded_amount == TEN


@pytest.mark.parametrize(
    "reason",
    sorted(set(FailureReason) - {FailureReason.NOT_FOUND_AT_GATEWAY, FailureReason.CLOSED_BY_ADMINISTRATOR}, key=str),
)
def test_money_that_an_operation_surely_did_not_move_is_external(reason: FailureReason) -> None:
    payment = a_settled_payment()
    (ours,) = start_refund(payment, TEN)
    payment.fail(ours.operation_id, reason, context=STAMP)
    (done,) = new(payment, a_credit(payment, ours.operation_id))
    assert done.origin is OperationOrigin.OUTSIDE


def test_a_second_transaction_of_one_operation_is_money_all_the_same() -> None:
    payment = a_settled_payment()
    (ours,) = refund(payment, TEN)
    (done,) = new(payment, a_credit(payment, ours.operation_id))
    assert done.origin is OperationOrigin.OUTSIDE
    assert payment.refunded_amount == usd(20_00)


def test_the_order_id_of_another_kind_of_operation_says_nothing() -> None:
    payment = an_authorized_payment()
    part = payment.capture(TEN, an_operation_id(), a_request_id(), context=STAMP)
    payment.fail(part.operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, context=STAMP)
    assert [o.origin for o in new(payment, a_part(payment, payment.authorization.operation_id))] == [
        OperationOrigin.OUTSIDE
    ]
    assert payment.operation(part.operation_id).state is OperationState.FAILED
    settled = a_settled_payment()
    (back,) = start_refund(settled, TEN)
    own = settled.authorization.operation_id
    assert [o.origin for o in new(settled, a_credit(settled, own))] == [OperationOrigin.OUTSIDE]
    assert settled.operation(back.operation_id).state is OperationState.STARTED


# Changes of a transaction of the payment


def done_to(payment: Payment, status: TransactionStatus, transaction_id: str = "") -> list[OperationKind]:
    amount = payment.terms.amount
    transaction = found(transaction_id or payment.authorization.transaction_id, status, amount=amount)
    return [o.kind for o in new(payment, transaction) if o.origin is OperationOrigin.OUTSIDE]


@pytest.mark.parametrize("status", TransactionStatus)
def test_a_hold_of_the_merchants_is_captured_or_voided_by_others(status: TransactionStatus) -> None:
    kinds = {TransactionStatus.VOIDED: [OperationKind.VOID]}
    if status.is_captured:
        kinds[status] = [OperationKind.CAPTURE]
    assert done_to(an_authorized_payment(), status) == kinds.get(status, [])


def test_an_automatic_capture_is_not_captured_again() -> None:
    payment = a_payment(capture_mode=CaptureMode.AUTOMATIC)
    payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
    succeed(payment, payment.authorization, TransactionStatus.AUTHORIZED)
    assert done_to(payment, SUBMITTED) == []
    assert done_to(payment, TransactionStatus.VOIDED) == [OperationKind.VOID]


@pytest.mark.parametrize(
    ("before", "kinds"),
    [
        (SUBMITTED, [OperationKind.VOID]),
        (TransactionStatus.SETTLEMENT_PENDING, [OperationKind.VOID]),
        (TransactionStatus.SETTLING, []),
        (TransactionStatus.SETTLED, []),
        (TransactionStatus.VOIDED, []),
        (TransactionStatus.SETTLEMENT_DECLINED, []),
    ],
)
def test_a_sale_is_voided_by_others_only_while_it_can_be(before: TransactionStatus, kinds: list[OperationKind]) -> None:
    payment = a_captured_payment()
    move(payment, before)
    assert done_to(payment, TransactionStatus.VOIDED) == kinds


def test_a_captured_sale_is_not_captured_again() -> None:
    assert done_to(a_captured_payment(), TransactionStatus.SETTLED) == []


def test_a_refund_that_is_undone_is_no_operation_of_its_own() -> None:
    payment = a_settled_payment()
    (back,) = refund(payment, TEN)
    assert done_to(payment, TransactionStatus.VOIDED, back.transaction_id) == []


@pytest.mark.parametrize(
    ("reason", "is_theirs"),
    [
        (None, False),
        (FailureReason.NOT_FOUND_AT_GATEWAY, False),
        (FailureReason.CLOSED_BY_ADMINISTRATOR, False),
        (FailureReason.GATEWAY_REFUSED_REQUEST, True),
        (FailureReason.GATEWAY_UNREACHABLE, True),
    ],
)
@pytest.mark.parametrize("kind", [OperationKind.VOID, OperationKind.CAPTURE])
def test_a_change_that_may_be_ours_is_not_external(
    kind: OperationKind, reason: FailureReason | None, is_theirs: bool
) -> None:
    payment = an_authorized_payment()
    if kind is OperationKind.VOID:
        ours = void(payment)
    else:
        ours = payment.capture(None, an_operation_id(), a_request_id(), context=STAMP)
    if reason is not None:
        payment.fail(ours.operation_id, reason, context=STAMP)
    shown = TransactionStatus.VOIDED if kind is OperationKind.VOID else SUBMITTED
    assert done_to(payment, shown) == ([kind] if is_theirs else [])


def test_our_operation_on_one_part_does_not_explain_another() -> None:
    payment = an_authorized_payment()
    capture(payment, usd(60_00))
    second = capture(payment, usd(40_00))
    (part,) = payment.plan_refund(usd(60_00))
    payment.start_refund_part(part, an_operation_id(), a_request_id(), context=STAMP)
    assert done_to(payment, TransactionStatus.VOIDED, second.transaction_id) == [OperationKind.VOID]


def test_an_open_capture_of_ours_does_not_explain_a_void() -> None:
    payment = an_authorized_payment()
    payment.capture(None, an_operation_id(), a_request_id(), context=STAMP)
    assert done_to(payment, TransactionStatus.VOIDED) == [OperationKind.VOID]


@pytest.mark.parametrize(("which", "amount"), [("hold", 70_00), ("part", 30_00), ("whole", 100_00)])
def test_an_external_void_has_the_amount_that_it_releases(which: str, amount: int) -> None:
    payment = a_captured_payment() if which == "whole" else an_authorized_payment()
    target = payment.authorization.transaction_id
    if which != "whole":
        part = capture(payment, usd(30_00))
        target = part.transaction_id if which == "part" else target
    shown = usd(30_00) if which == "part" else usd(100_00)
    (done,) = new(payment, found(target, TransactionStatus.VOIDED, amount=shown))
    assert (done.kind, done.amount) == (OperationKind.VOID, usd(amount))


# Order ids of transactions


def test_parts_that_the_record_does_not_know_are_named_once_in_their_order() -> None:
    payment = a_settled_payment()
    (back,) = refund(payment, TEN)
    sale = replace(
        found(payment.authorization.transaction_id),
        refund_ids=("r1", back.transaction_id, "r2"),
        partial_settlement_ids=("p1", "r1"),
    )
    other = replace(found("p1"), refund_ids=("r3", "r2"))
    assert unknown_parts(payment, [sale, other]) == ["r1", "r2", "p1", "r3"]
    assert unknown_parts(payment, []) == []


def test_parts_of_parts_are_asked_for_once_each_and_come_after_what_names_them() -> None:
    shop = Shop()
    payment = shop.settled()
    sale = shop.real_gateway.find_transaction(payment.authorization.transaction_id)
    assert sale is not None
    shown = {"r1": replace(found("r1"), refund_ids=("r2", "gone")), "r2": replace(found("r2"), refund_ids=("r1",))}
    shop.real_gateway._transactions.update({name: [(START, one)] for name, one in shown.items()})
    sale = replace(sale, refund_ids=("r1", "gone"))
    shop.calls.clear()
    everything = with_unknown_parts(shop.gateway, payment, [sale])
    assert everything == [sale, shown["r1"], shown["r2"]]
    assert shop.calls == ["find_transaction"] * 3
    assert with_unknown_parts(shop.gateway, payment, []) == []
