"""VerifyPayment: the report on each kind of difference, and the corrections of record and history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from application.common.errors import InvalidRequest, NotFound
from application.common.lease import Lease
from application.payments.payment_access import lock_payment
from application.payments.verify_payment import Difference, VerificationOutcome, VerifiedPayment, differences_on
from application.ports.gateway import Approved, Capture, Refund, Transaction, TransactionKind, Void
from domain.events import SERVICE, DifferenceRepaired, EventContext
from domain.ids import OperationId
from domain.money import Money
from domain.operation import FailureReason, OperationKind, OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.application.shop import SHOP, STRANGER, Shop, an_order
from tests.application.shop import usd as raw
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import HELD, START

MATCHES, REPAIRED = VerificationOutcome.MATCHES, VerificationOutcome.REPAIRED
NOT_FOUND_YET, DIFFERS = VerificationOutcome.NOT_FOUND_YET, VerificationOutcome.DIFFERS


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def facts(differences: list[Difference]) -> list[tuple[str, str, str]]:
    return [(one.field, one.recorded, one.at_gateway) for one in differences]


def noted(shop: Shop, payment: Payment) -> list[tuple[str, str, str]]:
    """The discrepancies in the history, each recorded by the service."""
    with shop.store.read() as work:
        told = [entry.event for entry in work.payments.history(payment.terms.payment_id)]
    assert Payment.replay(told) == shop.now(payment)
    repaired = [event for event in told if isinstance(event, DifferenceRepaired)]
    assert all(event.context.actor == SERVICE for event in repaired)
    return [(event.difference, event.recorded, event.at_gateway) for event in repaired]


def close(shop: Shop, payment: Payment, reason: FailureReason = FailureReason.CLOSED_BY_ADMINISTRATOR) -> Payment:
    """Gives up what is under way."""
    with shop.store.begin() as work:
        current = lock_payment(work, payment.terms.payment_id)
        current.fail(current.operations[-1].operation_id, reason, context=EventContext(shop.clock.now(), "admin"))
        work.payments.save(current)
    return shop.now(payment)


# One fact after the other

SETTLED = TransactionSnapshot(
    TransactionStatus.SETTLED, disburse_date=date(2026, 5, 3), settlement_amount=usd(97_00), disputed_amount=usd(10_00)
)


HUNDRED = usd(100_00)


def found(standing: TransactionSnapshot, amount: Money = HUNDRED) -> Transaction:
    return Transaction(
        transaction_id="tx",
        order_id="op",
        kind=TransactionKind.SALE,
        amount=amount,
        standing=standing,
        create_time=START,
    )


@pytest.mark.parametrize(
    ("transaction", "differences"),
    [
        (found(SETTLED), []),
        (found(replace(SETTLED, settle_time=START, authorization_expire_time=START)), []),
        (found(replace(SETTLED, disburse_date=None)), [("disburse_date", "2026-05-03", "none")]),
        (found(replace(SETTLED, settlement_amount=usd(96_00))), [("settlement_amount", "USD 97.00", "USD 96.00")]),
        (found(replace(SETTLED, disputed_amount=None)), [("disputed_amount", "USD 10.00", "none")]),
        (found(SETTLED, usd(99_99)), [("amount", "USD 100.00", "USD 99.99")]),
        (found(replace(SETTLED, status=TransactionStatus.VOIDED)), [("status", "settled", "voided")]),
        # An old answer: the record knows more.
        (found(TransactionSnapshot(TransactionStatus.SUBMITTED), usd(1)), []),
        (
            found(TransactionSnapshot(TransactionStatus.VOIDED), usd(1)),
            [
                ("status", "settled", "voided"),
                ("disburse_date", "2026-05-03", "none"),
                ("settlement_amount", "USD 97.00", "none"),
                ("disputed_amount", "USD 10.00", "none"),
                ("amount", "USD 100.00", "USD 0.01"),
            ],
        ),
    ],
)
def test_each_fact_on_which_they_disagree_is_reported(
    transaction: Transaction, differences: list[tuple[str, str, str]]
) -> None:
    operation = replace(Shop().pay().authorization, standing=SETTLED)
    told = list(differences_on(operation, transaction))
    assert facts(told) == differences
    assert {one.operation_id for one in told} <= {operation.operation_id}


def test_without_a_standing_only_the_amount_can_disagree() -> None:
    operation = replace(Shop().pay().authorization, standing=None)
    assert list(differences_on(operation, found(SETTLED))) == []
    assert facts(list(differences_on(operation, found(SETTLED, usd(1))))) == [("amount", "USD 100.00", "USD 0.01")]


# Settlement during verification


def test_an_outdated_record_is_corrected_with_an_event() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.wait(timedelta(hours=1))
    shop.real_gateway.settle()
    verified = shop.verify(payment)
    assert (verified.outcome, verified.verify_time) == (REPAIRED, shop.clock.now())
    assert facts(verified.differences) == [("status", "submitted", "settled")] == noted(shop, payment)
    assert verified.payment == shop.now(payment)
    assert verified.payment.state is PaymentState.SETTLED
    again = shop.verify(payment)
    assert (again.outcome, again.differences) == (MATCHES, [])
    assert len(noted(shop, payment)) == 1


def test_a_verification_is_of_the_callers_own_payment_and_in_a_language() -> None:
    shop = Shop()
    payment_id = shop.pay().terms.payment_id
    with pytest.raises(NotFound):
        shop.verify_payment(payment_id, STRANGER)
    for bad_id, language_code, fields in [
        ("pay", "", ["payment_id"]),
        (payment_id, "!", ["language_code"]),
        ("", "!", ["payment_id", "language_code"]),
    ]:
        with pytest.raises(InvalidRequest) as refused:
            shop.verify_payment(bad_id, SHOP, language_code=language_code)
        assert [fault.field for fault in refused.value.violations] == fields


# Operations under way


def test_a_missing_transaction_may_still_be_in_flight() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_BEFORE)
    payment = shop.pay()
    verified = shop.verify(payment)
    assert (verified.outcome, verified.differences) == (NOT_FOUND_YET, [])
    assert shop.now(payment).state is PaymentState.PENDING


def test_an_authorizing_transaction_is_not_found_yet() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay()
    shop.real_gateway.leave_authorizing(shop.real_gateway.effects[-1].transaction_id)
    assert shop.verify(payment).outcome is NOT_FOUND_YET
    assert shop.now(payment).state is PaymentState.PENDING


@pytest.mark.parametrize(
    ("amount", "told", "state"),
    [(100_00, "approved", PaymentState.CAPTURED), (2000_00, "declined", PaymentState.DECLINED)],
)
def test_a_lost_answer_is_found(amount: int, told: str, state: PaymentState) -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay(an_order(amount=raw(amount)))
    verified = shop.verify(payment)
    assert (verified.outcome, facts(verified.differences)) == (REPAIRED, [("outcome", "unknown", told)])
    assert noted(shop, payment) == []
    assert shop.now(payment).state is state


def test_one_lost_answer_that_does_not_show_does_not_hide_another() -> None:
    shop = Shop()
    payment = shop.settled()
    shop.fails("refund", Fault.LOST_BEFORE)
    shop.refund(payment, 10_00)
    shop.fails("refund", Fault.LOST_AFTER)
    shop.refund(payment, 20_00)
    verified = shop.verify(payment)
    assert facts(verified.differences) == [("outcome", "unknown", "approved")]
    assert verified.outcome is REPAIRED
    assert [o.state for o in shop.now(payment).operations[1:]] == [OperationState.STARTED, OperationState.SUCCEEDED]


# Operations that were given up


@pytest.mark.parametrize("reason", [FailureReason.CLOSED_BY_ADMINISTRATOR, FailureReason.NOT_FOUND_AT_GATEWAY])
def test_a_success_after_a_recorded_failure_is_recorded(reason: FailureReason) -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = close(shop, shop.pay(), reason)
    verified = shop.verify(payment)
    assert verified.outcome is REPAIRED
    assert facts(verified.differences) == [("outcome", "failed", "approved")] == noted(shop, payment)
    assert shop.now(payment).state is PaymentState.CAPTURED


def test_a_decline_does_not_contradict_who_closed_it_by_hand() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = close(shop, shop.pay(an_order(amount=raw(2000_00))))
    verified = shop.verify(payment)
    assert (verified.outcome, verified.differences) == (MATCHES, [])
    assert shop.now(payment).state is PaymentState.FAILED


def test_a_decline_that_nobody_had_found_is_recorded() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = close(shop, shop.pay(an_order(amount=raw(2000_00))), FailureReason.NOT_FOUND_AT_GATEWAY)
    verified = shop.verify(payment)
    assert facts(verified.differences) == [("outcome", "failed", "declined")] == noted(shop, payment)
    assert shop.now(payment).state is PaymentState.DECLINED


def test_a_failed_operation_without_a_transaction_is_no_finding() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_BEFORE)
    payment = close(shop, shop.pay())
    assert shop.verify(payment).outcome is MATCHES


def test_a_certainly_refused_operation_is_not_checked() -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.fails("void", Fault.LOST_BEFORE)
    close(shop, shop.void(payment), FailureReason.GATEWAY_REFUSED_REQUEST)
    shop.calls.clear()
    assert shop.verify(payment).outcome is MATCHES
    assert shop.calls == ["find_transaction"]


@pytest.mark.parametrize("call", ["void", "capture"])
def test_a_late_effect_on_the_authorized_transaction_is_of_the_only_one_that_can_have_made_it(call: str) -> None:
    shop = Shop()
    payment = shop.authorize()
    for _ in range(2):
        shop.fails(call, Fault.LOST_BEFORE)
        payment = close(shop, getattr(shop, call)(payment))
    assert shop.verify(payment).outcome is MATCHES
    act(shop, call, payment)
    assert shop.verify(payment).outcome is REPAIRED
    assert shop.now(payment).state is (PaymentState.VOIDED if call == "void" else PaymentState.CAPTURED)


def act(shop: Shop, call: str, payment: Payment, lease: Lease = HELD) -> None:
    sale = payment.authorization
    operation_id = OperationId("theirs")
    if call == "void":
        void = Void(operation_id=operation_id, transaction_id=sale.transaction_id)
        assert isinstance(shop.real_gateway.void(void, lease), Approved)
        return
    capture = Capture(
        operation_id=operation_id, transaction_id=sale.transaction_id, amount=sale.amount, in_part=call == "part"
    )
    assert isinstance(shop.real_gateway.capture(capture, lease), Approved)


# Operations of others


def refund_outside(shop: Shop, payment: Payment) -> None:
    refund = Refund(
        operation_id=OperationId("theirs"), transaction_id=payment.authorization.transaction_id, amount=usd(10_00)
    )
    assert isinstance(shop.real_gateway.refund(refund, HELD), Approved)


def test_a_refund_by_an_external_client_is_reported_once() -> None:
    shop = Shop()
    payment = shop.settled()
    before = len(noted(shop, payment))
    refund_outside(shop, payment)
    verified = shop.verify(payment)
    assert (verified.outcome, facts(verified.differences)) == (REPAIRED, [("refund", "none", "USD 10.00")])
    assert verified.differences[0].operation_id == shop.now(payment).operations[-1].operation_id
    assert shop.verify(payment).outcome is MATCHES
    assert len(noted(shop, payment)) == before


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("void", [("status", "authorized", "voided")]),
        ("capture", [("status", "authorized", "submitted")]),
        ("part", [("status", "authorized", "partially_captured"), ("capture", "none", "USD 100.00")]),
    ],
)
def test_an_external_change_of_a_hold_is_reported_once(call: str, told: list[tuple[str, str, str]]) -> None:
    shop = Shop()
    payment = shop.authorize()
    act(shop, call, payment)
    verified = shop.verify(payment)
    assert (verified.outcome, facts(verified.differences)) == (REPAIRED, told)
    assert shop.verify(payment).outcome is MATCHES


# Unexplained differences


def forget(shop: Shop, transaction_id: str) -> None:
    del shop.real_gateway._transactions[transaction_id]


def test_a_transaction_that_the_gateway_does_not_show_stays_a_difference() -> None:
    shop = Shop()
    payment = shop.pay()
    sale = payment.authorization
    forget(shop, sale.transaction_id)
    verified = shop.verify(payment)
    assert (verified.outcome, facts(verified.differences)) == (
        DIFFERS,
        [("transaction", sale.transaction_id, "unknown")],
    )
    assert verified.differences[0].operation_id == sale.operation_id


def test_a_part_that_is_named_and_not_shown_stays_a_difference() -> None:
    shop = Shop()
    payment = shop.settled()
    refund_outside(shop, payment)
    part = shop.real_gateway.all_transactions()[-1].transaction_id
    forget(shop, part)
    for _ in range(2):
        verified = shop.verify(payment)
        assert (verified.outcome, facts(verified.differences)) == (DIFFERS, [("transaction", "unknown", part)])
        assert verified.differences[0].operation_id == payment.authorization.operation_id


def test_repaired_and_unrepaired_findings_are_both_reported() -> None:
    shop = Shop()
    payment = shop.authorize()
    first = shop.capture(payment, 30_00).operations[-1]
    second = shop.capture(payment, 40_00).operations[-1]
    forget(shop, first.transaction_id)
    shop.real_gateway.settle(second.transaction_id)
    verified: VerifiedPayment = shop.verify(payment)
    assert verified.outcome is DIFFERS
    assert ("status", "submitted", "settled") in facts(verified.differences)
    assert ("transaction", first.transaction_id, "unknown") in facts(verified.differences)
    assert len(verified.differences) == len(set(verified.differences))
    assert shop.now(payment).operations[-1].kind is OperationKind.CAPTURE


def test_a_lost_capture_of_less_is_ours_and_no_difference() -> None:
    shop = Shop()
    payment = shop.authorize(100_00)
    shop.fails("capture", Fault.LOST_AFTER)
    shop.capture(payment, 30_00, final=True)
    verified = shop.verify(payment)
    assert verified.outcome is VerificationOutcome.REPAIRED
    assert noted(shop, payment) == []
    assert verified.payment.captured_amount == Money(30_00, "USD")
