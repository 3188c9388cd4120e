"""The table of transitions: every pair of state and operation, allowed and forbidden."""

from collections.abc import Callable
from itertools import product

import pytest

from domain.errors import IllegalTransition, OperationInProgress
from domain.events import CaptureMode
from domain.operation import FailureReason, OperationKind, OperationState
from domain.payment import Payment
from domain.payment_state import ALLOWED, PaymentState
from domain.transaction import TransactionStatus
from tests.domain.builders import (
    STAMP,
    a_captured_payment,
    a_payment,
    a_payment_in,
    a_request_id,
    a_settled_payment,
    a_started_payment,
    adjust,
    an_authorized_payment,
    an_operation_id,
    capture,
    move,
    start_refund,
    succeed,
    usd,
    void,
)

ATTEMPTS: dict[OperationKind, Callable[[Payment], object]] = {
    OperationKind.AUTHORIZE: lambda payment: payment.authorize(an_operation_id(), a_request_id(), context=STAMP),
    OperationKind.CAPTURE: lambda payment: payment.capture(None, an_operation_id(), a_request_id(), context=STAMP),
    OperationKind.ADJUST: lambda payment: adjust(payment, usd(140_00)),
    OperationKind.VOID: void,
    OperationKind.REFUND: start_refund,
}


def with_something_left_to_capture(state: PaymentState) -> Payment:
    """In the state, but captured in part: the only way in which CAPTURED and SETTLED allow another capture, and SETTLED
    a void."""
    payment = an_authorized_payment()
    part = capture(payment, usd(30_00))
    if state is PaymentState.SETTLED:
        move(payment, TransactionStatus.SETTLED, part.transaction_id)
    return payment


def a_payment_for(state: PaymentState, kind: OperationKind) -> Payment:
    if kind is OperationKind.CAPTURE and state in (PaymentState.CAPTURED, PaymentState.SETTLED):
        return with_something_left_to_capture(state)
    if kind is OperationKind.VOID and state is PaymentState.SETTLED:
        return with_something_left_to_capture(state)
    return a_payment_in(state)


@pytest.mark.parametrize("state", PaymentState, ids=lambda state: state.value)
def test_a_payment_can_be_brought_into_every_state(state: PaymentState) -> None:
    assert a_payment_in(state).state is state


def test_the_table_speaks_of_every_state() -> None:
    assert set(ALLOWED) == set(PaymentState)


ALLOWED_PAIRS = [(state, kind) for state, kind in product(PaymentState, OperationKind) if kind in ALLOWED[state]]
FORBIDDEN_PAIRS = [(state, kind) for state, kind in product(PaymentState, OperationKind) if kind not in ALLOWED[state]]


@pytest.mark.parametrize(("state", "kind"), ALLOWED_PAIRS, ids=lambda part: part.value)
def test_an_allowed_operation_starts(state: PaymentState, kind: OperationKind) -> None:
    payment = a_payment_for(state, kind)
    assert payment.state is state
    count = len(payment.operations)
    ATTEMPTS[kind](payment)
    assert len(payment.operations) == count + 1
    assert payment.operations[-1].state.is_open


@pytest.mark.parametrize(("state", "kind"), FORBIDDEN_PAIRS, ids=lambda part: part.value)
def test_a_forbidden_operation_changes_nothing(state: PaymentState, kind: OperationKind) -> None:
    payment = a_payment_in(state)
    operations, events = payment.operations, list(payment.new_events)
    with pytest.raises((IllegalTransition, OperationInProgress)) as refusal:
        ATTEMPTS[kind](payment)
    assert isinstance(refusal.value, OperationInProgress) is (state is PaymentState.PENDING)
    assert (payment.operations, payment.new_events) == (operations, events)


def test_a_refusal_names_payment_state_and_operation() -> None:
    payment = a_payment_in(PaymentState.VOIDED)
    with pytest.raises(IllegalTransition) as refusal:
        void(payment)
    assert refusal.value.payment_id == payment.terms.payment_id
    assert (refusal.value.state, refusal.value.operation) == (PaymentState.VOIDED, OperationKind.VOID)


def test_an_operation_that_awaits_its_outcome_is_named() -> None:
    payment = an_authorized_payment()
    under_way = void(payment)
    with pytest.raises(OperationInProgress) as refusal:
        payment.capture(None, an_operation_id(), a_request_id(), context=STAMP)
    assert refusal.value.operation_id == under_way.operation_id


@pytest.mark.parametrize("reason", FailureReason, ids=lambda reason: reason.value)
def test_only_an_authorization_that_surely_was_never_sent_is_tried_again(reason: FailureReason) -> None:
    payment = a_started_payment()
    payment.fail(payment.authorization.operation_id, reason, context=STAMP)
    if reason in (FailureReason.GATEWAY_UNREACHABLE, FailureReason.GATEWAY_REFUSED_CREDENTIALS):
        operation = payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
        assert operation.state is OperationState.STARTED
    else:
        with pytest.raises(IllegalTransition) as refusal:
            payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
        assert refusal.value.state is PaymentState.FAILED


def test_nothing_is_left_to_capture_of_what_was_captured_whole() -> None:
    for payment in (a_captured_payment(), a_settled_payment()):
        with pytest.raises(IllegalTransition):
            payment.capture(None, an_operation_id(), a_request_id(), context=STAMP)


@pytest.mark.parametrize("state", [PaymentState.CAPTURED, PaymentState.SETTLED])
def test_a_void_releases_the_rest_of_a_payment_captured_in_part_and_keeps_the_part(state: PaymentState) -> None:
    payment = with_something_left_to_capture(state)
    operation = void(payment)
    assert (operation.amount, payment.refundable_amount) == (usd(70_00), usd(30_00))
    succeed(payment, operation, TransactionStatus.VOIDED)
    assert (payment.state, payment.capturable_amount, payment.captured_amount) == (state, usd(0), usd(30_00))
    assert payment.refundable_amount == usd(30_00)
    for ask in (void, lambda one: one.capture(None, an_operation_id(), a_request_id(), context=STAMP)):
        with pytest.raises(IllegalTransition):
            ask(payment)
    if state is PaymentState.CAPTURED:
        assert start_refund(payment)[0].kind is OperationKind.VOID


def test_nothing_is_released_of_what_was_captured_whole_in_parts() -> None:
    payment = with_something_left_to_capture(PaymentState.CAPTURED)
    capture(payment)
    with pytest.raises(IllegalTransition):
        void(payment)


# For each status of the sale: the operation that refunds, whether it can be voided, and whether it can be captured.
BY_STATUS = {
    TransactionStatus.AUTHORIZING: (None, False, False),
    TransactionStatus.AUTHORIZED: (None, True, True),
    TransactionStatus.PARTIALLY_CAPTURED: ("void", True, True),
    TransactionStatus.SUBMITTED: ("void", True, False),
    TransactionStatus.SETTLEMENT_PENDING: ("scheduled", True, False),
    TransactionStatus.SETTLEMENT_CONFIRMED: ("scheduled", False, False),
    TransactionStatus.SETTLING: ("refund", False, False),
    TransactionStatus.SETTLED: ("refund", False, False),
    TransactionStatus.SETTLEMENT_DECLINED: (None, False, False),
    TransactionStatus.VOIDED: (None, False, False),
    TransactionStatus.RELEASED: ("void", False, False),
    TransactionStatus.EXPIRED: (None, False, False),
    TransactionStatus.DECLINED: (None, False, False),
    TransactionStatus.FAILED: (None, False, False),
}


def a_payment_with_a_sale(status: TransactionStatus) -> Payment:
    if status is TransactionStatus.AUTHORIZING:
        return a_started_payment()
    if status in (TransactionStatus.PARTIALLY_CAPTURED, TransactionStatus.RELEASED):
        payment = with_something_left_to_capture(PaymentState.CAPTURED)
        move(payment, status)
        return payment
    payment = a_started_payment()
    succeed(payment, payment.authorization, status)
    return payment


@pytest.mark.parametrize("status", TransactionStatus, ids=lambda status: status.value)
def test_captured_money_can_be_given_back_in_every_status(status: TransactionStatus) -> None:
    gives_back, can_void, can_capture = BY_STATUS[status]
    payment = a_payment_with_a_sale(status)
    assert bool(payment.captured_amount) is (gives_back is not None)
    if gives_back is None:
        with pytest.raises((IllegalTransition, OperationInProgress)):
            payment.plan_refund(None)
    else:
        (part,) = payment.plan_refund(None)
        assert ("scheduled" if part.must_wait else part.kind.value) == gives_back
    for possible, kind in ((can_void, OperationKind.VOID), (can_capture, OperationKind.CAPTURE)):
        payment = a_payment_with_a_sale(status)
        if possible:
            ATTEMPTS[kind](payment)
            assert payment.operations[-1].kind is kind
        else:
            with pytest.raises((IllegalTransition, OperationInProgress)):
                ATTEMPTS[kind](payment)


def test_a_payment_that_settles_is_not_voided_any_more() -> None:
    payment = a_captured_payment()
    move(payment, TransactionStatus.SETTLING)
    assert payment.state is PaymentState.CAPTURED
    with pytest.raises(IllegalTransition):
        void(payment)


@pytest.mark.parametrize("state", PaymentState, ids=lambda state: state.value)
def test_live_is_what_holds_money_or_may_yet(state: PaymentState) -> None:
    live = {PaymentState.PENDING, PaymentState.AUTHORIZED, PaymentState.CAPTURED, PaymentState.SETTLED}
    assert state.is_live is (state in live)
    assert a_payment_in(state).is_live is (state in live)


def test_an_automatic_payment_starts_like_any_other() -> None:
    payment = a_payment(capture_mode=CaptureMode.AUTOMATIC)
    payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
    assert payment.state is PaymentState.PENDING
