"""Others adjust a hold while an operation of ours acts on it: ours stays ours, and each amount is the gateway's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from application.common.errors import OperationRefused
from application.payments.verify_payment import VerificationOutcome
from application.ports.gateway import Adjust, Capture, Outcome, Refund, Transaction
from domain.events import PaymentEvent
from domain.ids import OperationId
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationKind, OperationOrigin, OperationState
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.transaction import TransactionStatus
from tests.application.shop import LEASE, Shop
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import HELD

MINUTE = timedelta(minutes=1)
Step = Callable[[Shop, Payment], object]

# Our operation on a hold of 100.00, and the call that it makes.
ACTIONS: dict[str, tuple[str, Step]] = {
    "whole capture": ("capture", lambda shop, payment: shop.capture(payment)),
    "final capture": ("capture", lambda shop, payment: shop.capture(payment, 80_00, final=True)),
    "partial capture": ("capture", lambda shop, payment: shop.capture(payment, 30_00)),
    "void": ("void", lambda shop, payment: shop.void(payment)),
    "adjustment": ("adjust", lambda shop, payment: shop.adjust(payment, 140_00)),
}
# The amounts that others set. The last refuses some of our operations.
AMOUNTS = ((170_00,), (170_00, 120_00), (120_00, 170_00, 150_00), (60_00,))
LOOKS: dict[str, Step] = {
    "nobody looks": lambda _shop, _payment: None,
    "verification": lambda shop, payment: shop.verify(payment),
    "poll": lambda shop, payment: shop.sync_payment(shop.now(payment), payment.transaction_ids),
}


class Killed(BaseException):
    """The end of the process."""


def kill(shop: Shop, call: str, *, after_effect: bool) -> None:
    """The process ends right before or right after the gateway does it, and another begins."""
    send = getattr(shop.gateway, call)

    def die(asked: object, lease: object) -> Outcome:
        setattr(shop.gateway, call, send)
        if after_effect:
            send(asked, lease)
        else:
            shop.before.pop(call, lambda: None)()
        raise Killed

    setattr(shop.gateway, call, die)


def breaks(fault: Fault) -> Callable[[Shop, str], None]:
    return lambda shop, call: shop.fails(call, fault)


FAULTS: dict[str, Callable[[Shop, str], None]] = {
    "answered": breaks(Fault.NONE),
    "lost after": breaks(Fault.LOST_AFTER),
    "late": breaks(Fault.LATE),
    "lost before": breaks(Fault.LOST_BEFORE),
    "killed after": lambda shop, call: kill(shop, call, after_effect=True),
    "killed before": lambda shop, call: kill(shop, call, after_effect=False),
}


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def adjust_outside(shop: Shop, payment: Payment, minor_units: int) -> None:
    transaction_id = payment.authorization.transaction_id
    asked = Adjust(operation_id=OperationId("theirs"), transaction_id=transaction_id, amount=usd(minor_units))
    shop.real_gateway.adjust(asked, HELD)


def act(shop: Shop, payment: Payment, do: Step) -> None:
    try:
        do(shop, payment)
    except (Killed, OperationRefused):
        shop.restart()


def end(shop: Shop) -> None:
    """The resolver ends whatever is open."""
    shop.resolve(after=LEASE)
    for _ in range(12):
        shop.resolve(after=MINUTE)


def has_effect(shop: Shop, operation: Operation) -> bool:
    return any(effect.operation_id == operation.operation_id for effect in shop.real_gateway.effects)


def history_of(shop: Shop, payment: Payment) -> list[PaymentEvent]:
    with shop.store.read() as work:
        return [entry.event for entry in work.payments.history(payment.terms.payment_id)]


def must_agree(shop: Shop, payment: Payment, amounts: Sequence[int]) -> None:
    """The record shows what the gateway did, and who requested it."""
    shop.verify(payment)
    verified = shop.verify(payment)
    now = verified.payment
    assert verified.outcome is VerificationOutcome.MATCHES
    [ours] = [o for o in now.operations[1:] if o.origin is OperationOrigin.SERVICE]
    assert ours.state is (OperationState.SUCCEEDED if has_effect(shop, ours) else OperationState.FAILED)
    theirs = [o for o in now.operations if o.origin is OperationOrigin.OUTSIDE]
    assert [o.kind for o in theirs] == [OperationKind.ADJUST] * len(theirs)
    assert {o.amount for o in theirs} <= set(map(usd, amounts))
    found = {one.transaction_id: one for one in shop.real_gateway.all_transactions()}
    for transaction_id, transaction in found.items():
        latest = now.latest_on(transaction_id)
        assert latest is not None
        assert latest.standing is not None
        assert (latest.amount, latest.standing.status) == (transaction.amount, transaction.standing.status)
    taken = [one.amount for one in found.values() if one.standing.status.is_captured]
    assert now.captured_amount == Money.total(taken, "USD")
    history = history_of(shop, payment)
    assert Payment.replay(history) == now
    moved = sum(one.amount.minor_units * one.kind.sign for _, one in Payment.movements_in(history))
    assert usd(moved) == now.captured_amount


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
@pytest.mark.parametrize(("call", "do"), ACTIONS.values(), ids=list(ACTIONS))
def test_an_operation_on_a_hold_that_others_adjust_stays_ours(
    call: str, do: Step, fault: Callable[[Shop, str], None]
) -> None:
    for amounts, before, after in itertools.product(AMOUNTS, LOOKS.values(), LOOKS.values()):
        shop = Shop()
        payment = shop.authorize()

        def others_adjust(
            shop: Shop = shop, payment: Payment = payment, amounts: Sequence[int] = amounts, look: Step = before
        ) -> None:
            for amount in amounts:
                adjust_outside(shop, payment, amount)
                look(shop, payment)

        shop.before[call] = others_adjust
        fault(shop, call)
        act(shop, payment, do)
        after(shop, payment)
        end(shop)
        must_agree(shop, payment, amounts)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
@pytest.mark.parametrize(("call", "do"), ACTIONS.values(), ids=list(ACTIONS))
def test_an_operation_on_a_hold_that_others_adjust_after_its_lost_answer_stays_ours(
    call: str, do: Step, fault: Callable[[Shop, str], None]
) -> None:
    for amounts, look in itertools.product(AMOUNTS, LOOKS.values()):
        shop = Shop()
        payment = shop.authorize()
        fault(shop, call)
        act(shop, payment, do)
        for amount in amounts:
            adjust_outside(shop, payment, amount)
            look(shop, payment)
        end(shop)
        must_agree(shop, payment, amounts)


def test_a_capture_is_answered_as_captured_though_an_adjustment_by_others_was_recorded_meanwhile() -> None:
    shop = Shop()
    payment = shop.authorize()

    def others_adjust() -> None:
        adjust_outside(shop, payment, 170_00)
        shop.verify(payment)

    shop.before["capture"] = others_adjust

    captured = shop.capture(payment)

    assert (captured.state, captured.funds) == (PaymentState.CAPTURED, Funds.CAPTURED)
    assert (captured.captured_amount, captured.capturable_amount) == (usd(100_00), usd(0))
    assert captured.awaited_transactions == [payment.authorization.transaction_id]
    shop.real_gateway.settle()
    assert [o.origin for o in shop.verify(payment).payment.operations if o.kind is OperationKind.CAPTURE] == [
        OperationOrigin.SERVICE
    ]
    settled = shop.now(payment)
    assert settled.state is PaymentState.SETTLED
    assert settled.awaited_transactions == []
    assert shop.refund(settled, 40_00).refunded_amount == usd(40_00)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_a_refund_stays_ours_while_others_refund(fault: Callable[[Shop, str], None]) -> None:
    for amounts, look in itertools.product(((10_00,), (10_00, 20_00)), LOOKS.values()):
        shop = Shop()
        payment = shop.settled()

        def others_refund(
            shop: Shop = shop, payment: Payment = payment, amounts: Sequence[int] = amounts, look: Step = look
        ) -> None:
            for number, amount in enumerate(amounts):
                theirs = OperationId(f"theirs-{number}")
                sale = payment.authorization.transaction_id
                shop.real_gateway.refund(Refund(operation_id=theirs, transaction_id=sale, amount=usd(amount)), HELD)
                look(shop, payment)

        shop.before["refund"] = others_refund
        fault(shop, "refund")
        act(shop, payment, lambda shop, payment: shop.refund(payment, 30_00))
        end(shop)
        shop.verify(payment)
        assert shop.verify(payment).outcome is VerificationOutcome.MATCHES
        now = shop.now(payment)
        [ours] = [o for o in now.operations[1:] if o.origin is OperationOrigin.SERVICE]
        theirs = [o.amount for o in now.operations if o.origin is OperationOrigin.OUTSIDE]
        done = has_effect(shop, ours)
        assert ours.state is (OperationState.SUCCEEDED if done else OperationState.FAILED)
        assert theirs == [usd(amount) for amount in amounts]
        assert now.refunded_amount == Money.total(theirs, "USD") + usd(30_00 if done else 0)


@pytest.mark.parametrize("look", ["verify", "follow", "sync"])
@pytest.mark.parametrize(("call", "do"), list(ACTIONS.values())[:4], ids=list(ACTIONS)[:4])
def test_an_effect_after_the_horizon_stays_ours_though_others_adjusted_the_hold(call: str, do: Step, look: str) -> None:
    shop = Shop()
    shop.gateway._delay = lambda: timedelta(days=1)
    payment = shop.authorize()
    shop.fails(call, Fault.LATE)
    do(shop, payment)
    end(shop)
    assert shop.now(payment).operations[-1].failure_reason is FailureReason.NOT_FOUND_AT_GATEWAY
    adjust_outside(shop, payment, 170_00)
    shop.verify(payment)
    shop.wait(timedelta(days=1))
    match look:
        case "verify":
            assert shop.verify(payment).outcome is VerificationOutcome.REPAIRED
        case "follow":
            shop.follow()
        case "sync":
            LOOKS["poll"](shop, payment)
    [ours] = [o for o in shop.now(payment).operations[1:] if o.origin is OperationOrigin.SERVICE]
    assert ours.state is OperationState.SUCCEEDED
    must_agree(shop, payment, [170_00])


@pytest.mark.parametrize("look", ["verify", "follow"])
def test_a_capture_whose_answer_is_awaited_leaves_the_amount_of_its_hold(look: str) -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.fails("capture", Fault.LOST_AFTER)
    shop.capture(payment, 80_00, final=True)
    shop.wait(timedelta(hours=1))
    getattr(shop, look)(*([payment] if look == "verify" else []))
    end(shop)
    now = shop.now(payment)
    assert (now.authorized_amount, now.captured_amount) == (usd(100_00), usd(80_00))
    [movement] = [one for _, one in Payment.movements_in(history_of(shop, payment))]
    assert movement.operation_id == now.operations[-1].operation_id


def test_a_verification_while_a_capture_is_sent_finds_no_difference() -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.fails("capture", Fault.LOST_BEFORE)
    shop.capture(payment)
    # The gateway does it between the look for the outcome and the read of the transaction.
    find = shop.real_gateway.find_transaction
    looks: list[str] = []

    def find_and_capture(transaction_id: str) -> Transaction | None:
        found = find(transaction_id)
        if not looks:
            looks.append(transaction_id)
            [own] = shop.now(payment).operations[1:]
            shop.real_gateway.capture(
                Capture(operation_id=own.operation_id, transaction_id=transaction_id, amount=own.amount, in_part=False),
                HELD,
            )
        return found

    shop.real_gateway.find_transaction = find_and_capture  # type: ignore[method-assign]
    assert shop.verify(payment).outcome is VerificationOutcome.NOT_FOUND_YET
    assert shop.verify(payment).outcome is VerificationOutcome.REPAIRED
    must_agree(shop, payment, [])


def test_a_refund_by_a_void_that_came_too_late_is_not_lost_by_a_verification() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.fails("void", Fault.LOST_BEFORE)
    shop.refund(payment)
    shop.real_gateway.settle()
    refunded = shop.verify(payment).payment
    assert [o.state for o in refunded.operations[1:]] == [OperationState.FAILED, OperationState.SCHEDULED]
    end(shop)
    now = shop.now(payment)
    assert (now.refunded_amount, now.funds) == (usd(100_00), Funds.RETURNED)


def test_a_void_of_an_adjusted_hold_ends_the_adjusted_amount() -> None:
    shop = Shop()
    payment = shop.authorize()

    def others_adjust() -> None:
        adjust_outside(shop, payment, 170_00)
        shop.verify(payment)

    shop.before["void"] = others_adjust

    voided = shop.void(payment)

    latest = voided.latest_on(payment.authorization.transaction_id)
    assert latest is not None
    assert latest.standing is not None
    assert (voided.state, latest.standing.status) == (PaymentState.VOIDED, TransactionStatus.VOIDED)
