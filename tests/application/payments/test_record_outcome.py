"""The record of a gateway's answer: on the payment, on the stored method, and in the check schedule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from application.payments.create_payment_command import RawStoredMethod
from application.payments.payment_access import lock_payment
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.record_outcome import outcome_of, record_failure, record_outcome
from application.ports.gateway import (
    Approved,
    Declined,
    Outcome,
    RefusalCause,
    Rejected,
    Transaction,
    TransactionKind,
    Unknown,
)
from domain.decline import CATALOGUE, DeclineReason
from domain.errors import DomainError
from domain.events import CaptureMode, EventContext, OutcomeUnknown
from domain.ids import OperationId
from domain.instrument import Instrument, InstrumentKind
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationKind, OperationState
from domain.payment import Payment
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.payment_state import PaymentState
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from domain.warning import MerchantWarning, WarningReason
from tests.application.shop import SHOP, Shop, an_order
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import START

FOLLOW = SettlementPollPolicy()
NOW = EventContext(START, "shop")
DETAILS = GatewayDetails(status="some status", processor_response_code="2001")
VISA = Instrument(InstrumentKind.CARD, brand="visa", last_four="4242")
NO_FUNDS = CATALOGUE[DeclineReason.INSUFFICIENT_FUNDS]
REMOVED = CATALOGUE[DeclineReason.METHOD_REMOVED]
WARNINGS = (MerchantWarning(WarningReason.CUSTOMER_DETAILS_LEFT_OUT, "81604"),)


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


FOUND = Transaction(
    transaction_id="found",
    order_id="op",
    kind=TransactionKind.SALE,
    amount=usd(100_00),
    standing=TransactionSnapshot(TransactionStatus.SUBMITTED),
    create_time=START,
    details=DETAILS,
    instrument=VISA,
)


def standing(status: TransactionStatus) -> Transaction:
    return replace(FOUND, standing=TransactionSnapshot(status))


# The outcome that a transaction shows


def test_a_transaction_that_is_worked_on_says_nothing_yet() -> None:
    assert isinstance(outcome_of(standing(TransactionStatus.AUTHORIZING)), Unknown)


def test_a_declined_transaction_is_a_decline_with_all_it_says() -> None:
    declined = replace(standing(TransactionStatus.DECLINED), decline=NO_FUNDS)
    assert outcome_of(declined) == Declined(decline=NO_FUNDS, details=DETAILS, instrument=VISA)


def test_a_sale_declined_at_settlement_counts_as_approved() -> None:
    refused = replace(standing(TransactionStatus.SETTLEMENT_DECLINED), decline=NO_FUNDS)
    assert outcome_of(refused) == Approved(refused)


@pytest.mark.parametrize(
    "status", sorted(set(TransactionStatus) - {TransactionStatus.AUTHORIZING, TransactionStatus.DECLINED}, key=str)
)
def test_without_a_decline_it_was_approved(status: TransactionStatus) -> None:
    assert outcome_of(standing(status)) == Approved(standing(status))


# Records


def record(shop: Shop, payment: Payment, outcome: Outcome, operation: Operation | None = None) -> Payment:
    operation = operation or payment.operations[-1]
    context = EventContext(shop.clock.now(), "shop")
    with shop.store.begin() as work:
        current = lock_payment(work, payment.terms.payment_id)
        record_outcome(work, current, operation.operation_id, outcome, context, FOLLOW)
    return shop.now(payment)


def started(shop: Shop, *, stores: bool = False) -> Payment:
    """An authorization whose answer did not come."""
    shop.fails("authorize", Fault.LOST_BEFORE)
    customer_id = shop.customer().customer_id if stores else ""
    order = an_order(customer_id=customer_id, store_payment_method=stores, capture_mode=CaptureMode.MANUAL)
    payment = shop.pay(order)
    shop.wait(timedelta(hours=1))
    return payment


def test_an_approval_is_recorded_with_all_it_says() -> None:
    shop = Shop()
    payment = record(shop, started(shop), Approved(FOUND, WARNINGS))
    done = payment.authorization
    assert (done.state, done.transaction_id, done.standing) == (OperationState.SUCCEEDED, "found", FOUND.standing)
    assert (done.details, done.warnings, done.finish_time) == (DETAILS, WARNINGS, shop.clock.now())
    assert payment.instrument == VISA
    assert payment.next_poll_time == shop.clock.now() + FOLLOW.shortest


def test_a_decline_is_recorded_with_all_it_says() -> None:
    shop = Shop()
    declined = Declined(decline=NO_FUNDS, details=DETAILS, instrument=VISA, warnings=WARNINGS)
    payment = record(shop, started(shop), declined)
    done = payment.authorization
    assert (done.state, done.decline, done.details, done.warnings) == (
        OperationState.DECLINED,
        NO_FUNDS,
        DETAILS,
        WARNINGS,
    )
    assert (payment.instrument, payment.next_poll_time) == (VISA, None)


def test_a_refusal_is_recorded_with_all_it_says() -> None:
    shop = Shop()
    payment = record(shop, started(shop), Rejected(detail="91507: no", details=DETAILS))
    done = payment.authorization
    assert (done.state, done.failure_reason) == (OperationState.FAILED, FailureReason.GATEWAY_REFUSED_REQUEST)
    assert (done.failure_detail, done.details) == ("91507: no", DETAILS)
    assert payment.next_poll_time is None, "there is no transaction to look at"


def test_an_unknown_outcome_stays_unknown_and_is_no_failure() -> None:
    shop = Shop()
    payment = record(shop, started(shop), Unknown("reset by peer"))
    assert payment.state is PaymentState.PENDING
    with shop.store.read() as work:
        last = work.payments.history(payment.terms.payment_id)[-1].event
    assert isinstance(last, OutcomeUnknown)
    assert last.detail == "reset by peer"


def lost(shop: Shop, call: str) -> Payment:
    payment = shop.authorize()
    shop.fails(call, Fault.LOST_BEFORE)
    return shop.capture(payment) if call == "capture" else shop.void(payment)


@pytest.mark.parametrize(
    "outcome", [Approved(FOUND), Declined(decline=NO_FUNDS, instrument=VISA)], ids=["approved", "declined"]
)
def test_only_an_authorization_names_the_instrument(outcome: Outcome) -> None:
    shop = Shop()
    payment = lost(shop, "capture")
    assert record(shop, payment, outcome).instrument == payment.instrument != VISA


def test_a_void_keeps_the_amount_that_it_was_to_release() -> None:
    shop = Shop()
    payment = lost(shop, "void")
    target = payment.authorization.transaction_id
    voided = replace(standing(TransactionStatus.VOIDED), transaction_id=target, amount=usd(1))
    assert record(shop, payment, Approved(voided)).operations[-1].amount == usd(100_00)


def test_a_capture_takes_the_amount_that_the_gateway_took() -> None:
    shop = Shop()
    payment = lost(shop, "capture")
    target = payment.authorization.transaction_id
    taken = replace(FOUND, transaction_id=target, amount=usd(90_00))
    assert record(shop, payment, Approved(taken)).captured_amount == usd(90_00)


# When the service looks again


@pytest.mark.parametrize(
    ("outcome", "at_once"),
    [
        (Rejected(detail="91507: no"), True),
        (Declined(decline=NO_FUNDS), False),
        (Unknown("no answer"), False),
        (Approved(FOUND), False),
        (Approved(replace(FOUND, partial_settlement_ids=("theirs",))), True),
        (Approved(replace(FOUND, refund_ids=("theirs",))), True),
    ],
)
def test_an_answer_that_shows_an_external_change_causes_a_sync_at_once(outcome: Outcome, at_once: bool) -> None:
    shop = Shop()
    payment = record(shop, lost(shop, "capture"), outcome)
    now = shop.clock.now()
    assert payment.next_poll_time == (now if at_once else now + FOLLOW.shortest)


# The method that is to be kept with the payment


def method_of(shop: Shop, payment: Payment) -> PaymentMethod:
    assert payment.terms.payment_method_id is not None
    return shop.get_method(payment.terms.payment_method_id, SHOP)


KEPT = replace(FOUND, token="token")


def test_a_method_that_the_gateway_kept_is_active() -> None:
    shop = Shop()
    payment = record(shop, started(shop, stores=True), Approved(KEPT, WARNINGS))
    method = method_of(shop, payment)
    assert (method.state, method.gateway_token, method.instrument) == (PaymentMethodState.ACTIVE, "token", VISA)
    assert (method.warnings, method.verification, method.is_default) == (WARNINGS, None, True)
    assert method.update_time == shop.clock.now()


def test_a_method_kept_with_a_payment_does_not_depose_the_default() -> None:
    shop = Shop()
    customer = shop.customer()
    first = shop.method(customer)
    shop.pay(an_order(customer_id=customer.customer_id, store_payment_method=True))
    with shop.store.read() as work:
        methods = work.payment_methods.of_customer(customer.customer_id)
    assert {m.payment_method_id for m in methods if m.is_default} == {first.payment_method_id}
    assert len(methods) == 2


@pytest.mark.parametrize(
    ("outcome", "state", "detail"),
    [
        (Approved(replace(KEPT, token="")), PaymentMethodState.FAILED, "the gateway did not keep it"),
        (Approved(replace(KEPT, instrument=None)), PaymentMethodState.FAILED, "the gateway did not keep it"),
        (Rejected(detail="no", cause=RefusalCause.REQUEST), PaymentMethodState.FAILED, "the payment failed"),
        (Declined(decline=NO_FUNDS), PaymentMethodState.DECLINED, ""),
        (Unknown("no answer"), PaymentMethodState.PENDING, ""),
    ],
)
def test_a_method_that_was_not_kept_shows_the_reason(outcome: Outcome, state: PaymentMethodState, detail: str) -> None:
    shop = Shop()
    payment = record(shop, started(shop, stores=True), outcome)
    method = method_of(shop, payment)
    assert (method.state, method.failure_detail) == (state, detail)
    if isinstance(outcome, Declined):
        assert method.verification is not None
        assert (method.verification.approved, method.verification.decline) == (False, NO_FUNDS)
    if state is not PaymentMethodState.PENDING:
        assert method.update_time == shop.clock.now()


@pytest.mark.parametrize(
    "outcome", [Approved(KEPT), Approved(FOUND), Declined(decline=NO_FUNDS), Rejected(detail="no")]
)
def test_a_method_that_is_active_already_stays_as_it_is(outcome: Outcome) -> None:
    shop = Shop()
    payment = started(shop, stores=True)
    with shop.store.begin() as work:
        pending = work.payment_methods.get(method_of(shop, payment).payment_method_id, lock=True)
        assert pending is not None
        work.payment_methods.save(pending.activate(VISA, "first token", None, time=START))
    before = method_of(shop, payment)
    record(shop, payment, outcome)
    assert method_of(shop, payment) == before


def test_a_method_that_is_kept_after_all_is_active() -> None:
    shop = Shop()
    payment = started(shop, stores=True)
    context = EventContext(shop.clock.now(), "shop")
    with shop.store.begin() as work:
        current = lock_payment(work, payment.terms.payment_id)
        reason = FailureReason.NOT_FOUND_AT_GATEWAY
        record_failure(work, current, current.authorization.operation_id, reason, "nobody saw it", context)
    failed = method_of(shop, payment)
    assert (failed.state, failed.failure_detail) == (PaymentMethodState.FAILED, "the payment failed")
    assert shop.now(payment).authorization.failure_detail == "nobody saw it"
    assert method_of(shop, record(shop, payment, Approved(KEPT))).state is PaymentMethodState.ACTIVE


def test_a_failed_capture_leaves_the_method_alone() -> None:
    shop = Shop()
    payment = record(shop, started(shop, stores=True), Unknown("no answer"))
    held = replace(KEPT, standing=TransactionSnapshot(TransactionStatus.AUTHORIZED))
    payment = record(shop, payment, Approved(held))
    with shop.store.begin() as work:
        current = lock_payment(work, payment.terms.payment_id)
        capture = current.capture(None, OperationId("op_capture"), payment.authorization.request_id, context=NOW)
        record_failure(work, current, capture.operation_id, FailureReason.GATEWAY_UNREACHABLE, "", NOW)
    assert method_of(shop, payment).state is PaymentMethodState.ACTIVE
    assert shop.now(payment).operations[-1].state is OperationState.FAILED


# A stored method that is gone


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Declined(decline=REMOVED), PaymentMethodState.DELETED),
        (Declined(decline=NO_FUNDS), PaymentMethodState.ACTIVE),
        (Rejected(detail="no"), PaymentMethodState.ACTIVE),
        (Approved(FOUND), PaymentMethodState.ACTIVE),
    ],
)
def test_a_stored_method_that_the_gateway_lost_is_deleted(outcome: Outcome, state: PaymentMethodState) -> None:
    shop = Shop()
    method = shop.method(shop.customer())
    shop.fails("authorize", Fault.LOST_BEFORE)
    payment = shop.pay(an_order(source=RawStoredMethod(method.payment_method_id)))
    shop.wait(timedelta(hours=1))
    record(shop, payment, outcome)
    with shop.store.read() as work:
        after = work.payment_methods.get(method.payment_method_id)
    assert after is not None
    assert after.state is state
    assert after.update_time == (shop.clock.now() if state is PaymentMethodState.DELETED else method.update_time)


def test_a_card_that_was_not_stored_cannot_be_lost() -> None:
    shop = Shop()
    payment = record(shop, started(shop), Declined(decline=REMOVED))
    assert payment.state is PaymentState.DECLINED


def test_an_outcome_that_contradicts_another_changes_nothing() -> None:
    shop = Shop()
    payment = shop.pay()
    with pytest.raises(DomainError):
        record(shop, payment, Declined(decline=NO_FUNDS))
    assert shop.now(payment) == payment
    assert payment.operations[-1].kind is OperationKind.AUTHORIZE
