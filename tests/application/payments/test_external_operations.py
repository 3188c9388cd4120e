"""Money that somebody else moves at the gateway is seen, counted once, and told apart from ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from adapters.braintree.webhooks import topic_of
from application.common.lease import Lease
from application.disputes.record_dispute import RecordDispute
from application.gateway_webhooks.process_gateway_webhooks import ProcessGatewayWebhooks
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.verify_payment import VerificationOutcome
from application.ports.gateway import Approved, Capture, Refund, Transaction, Void
from application.ports.gateway_webhooks import GatewayWebhookOutcome, Subject
from domain.errors import AmountExceeds, IllegalTransition
from domain.events import OUTSIDE, OutsideOperationRecorded
from domain.ids import OperationId
from domain.money import Money
from domain.operation import FailureReason, OperationKind, OperationOrigin, OperationState
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.transaction import TransactionStatus
from tests.application.shop import Shop, a_request_id
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import HELD

MINUTE = timedelta(minutes=1)
# The control panel copies the order id of the sale; another client has its own, or none.
COPIED = "copied"
ORDER_IDS = [COPIED, "their-refund-1", ""]

Learn = Callable[[Shop, Payment], object]


def by_verification(shop: Shop, payment: Payment) -> None:
    assert shop.verify(payment).outcome is VerificationOutcome.REPAIRED
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES


def by_following(shop: Shop, _: Payment) -> None:
    shop.wait(timedelta(days=1))
    assert shop.follow() == 1


def by_a_webhook(shop: Shop, _: Payment) -> None:
    """Each is a hint: of the sale, or of what was made of it."""
    notifications = ProcessGatewayWebhooks(
        store=shop.store,
        gateway=shop.gateway,
        clock=shop.clock,
        leases=shop.leases,
        sync_payment=shop.sync_payment,
        record_dispute=RecordDispute(shop.store, shop.gateway, shop.clock, shop.ids, SettlementPollPolicy(), MINUTE),
        sync_methods=SyncPaymentMethods(shop.store, shop.gateway, shop.clock),
        resolve_outcome=shop.resolver.resolve,
        topic_of=topic_of,
        count=lambda *_: None,
        max_attempts=3,
    )
    for transaction in reversed(shop.real_gateway.all_transactions()):
        subject = Subject(transaction_ids=(transaction.transaction_id,))
        assert notifications.sync_transactions(subject) is GatewayWebhookOutcome.RECORDED


WAYS: dict[str, Learn] = {"verification": by_verification, "follower": by_following, "webhook": by_a_webhook}
every_way = pytest.mark.parametrize("learn", WAYS.values(), ids=list(WAYS))


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def found(shop: Shop, payment: Payment) -> Transaction:
    transaction = shop.real_gateway.find_transaction(payment.captured_sales[0].transaction_id)
    assert transaction is not None
    return transaction


def refund_outside(shop: Shop, payment: Payment, minor_units: int, order_id: str = COPIED) -> Transaction:
    sale = found(shop, payment)
    outcome = shop.real_gateway.refund(
        Refund(
            operation_id=OperationId(sale.order_id if order_id == COPIED else order_id),
            transaction_id=sale.transaction_id,
            amount=usd(minor_units),
        ),
        HELD,
    )
    assert isinstance(outcome, Approved)
    return outcome.transaction


def capture_outside(shop: Shop, payment: Payment, minor_units: int, *, in_part: bool) -> Transaction:
    outcome = shop.real_gateway.capture(
        Capture(
            operation_id=OperationId(payment.authorization.operation_id),
            transaction_id=payment.authorization.transaction_id,
            amount=usd(minor_units),
            in_part=in_part,
        ),
        HELD,
    )
    assert isinstance(outcome, Approved)
    return outcome.transaction


def void_outside(shop: Shop, transaction_id: str) -> None:
    void = Void(operation_id=OperationId("theirs"), transaction_id=transaction_id)
    assert isinstance(shop.real_gateway.void(void, HELD), Approved)


# Refunds


@every_way
@pytest.mark.parametrize("order_id", ORDER_IDS)
def test_a_refund_by_an_external_client_is_seen_whole(learn: Learn, order_id: str) -> None:
    shop = Shop()
    payment = shop.settled(81_00)
    credit = refund_outside(shop, payment, 50_00, order_id)

    learn(shop, payment)

    payment = shop.now(payment)
    assert (payment.refunded_amount, payment.refundable_amount) == (usd(50_00), usd(31_00))
    assert (payment.state, payment.funds) == (PaymentState.SETTLED, Funds.SETTLED)
    operation = payment.operations[-1]
    assert (operation.kind, operation.state, operation.origin) == (
        OperationKind.REFUND,
        OperationState.SUCCEEDED,
        OperationOrigin.OUTSIDE,
    )
    assert (operation.transaction_id, operation.amount, operation.request_id) == (credit.transaction_id, usd(50_00), "")
    with shop.store.read() as work:
        history = [entry.event for entry in work.payments.history(payment.terms.payment_id)]
    (told,) = [one for one in history if isinstance(one, OutsideOperationRecorded)]
    assert (told.context.actor, told.amount, told.transaction_id) == (OUTSIDE, usd(50_00), credit.transaction_id)
    assert Payment.replay(history) == payment


def test_only_the_rest_after_external_refunds_is_reversed() -> None:
    shop = Shop()
    payment = shop.settled(81_00)
    refund_outside(shop, payment, 20_00)
    refund_outside(shop, payment, 30_00, "theirs")
    with pytest.raises(AmountExceeds) as refusal:
        shop.refund(payment, 31_01)
    assert refusal.value.available == usd(31_00)

    payment = shop.refund(payment)

    assert payment.operations[-1].amount == usd(31_00)
    assert payment.funds is Funds.RETURNED
    with pytest.raises(IllegalTransition):
        shop.refund(payment)


def refunds_while_ours_is_sent(shop: Shop, payment: Payment, minor_units: int) -> None:
    """Somebody refunds after the last look and before the gateway gets ours."""
    send = shop.real_gateway.refund

    def refund(asked: Refund, lease: Lease) -> object:
        shop.real_gateway.refund = send  # type: ignore[method-assign]
        refund_outside(shop, payment, minor_units)
        return send(asked, lease)

    shop.real_gateway.refund = refund  # type: ignore[method-assign, assignment]


def test_a_refund_overtaken_by_an_external_one_refunds_the_rest() -> None:
    shop = Shop()
    payment = shop.settled(81_00)
    refunds_while_ours_is_sent(shop, payment, 50_00)
    request_id = a_request_id()

    payment = shop.refund(payment, request_id=request_id)

    assert payment.refunded_amount == usd(81_00)
    assert [o.amount for o in payment.operations if o.state is OperationState.SUCCEEDED][1:] == [usd(50_00), usd(31_00)]
    effects = shop.effects()
    assert shop.refund(payment, request_id=request_id) == payment
    assert shop.effects() == effects


def test_a_refund_beyond_external_refunds_is_refused_for_ever_with_the_rest() -> None:
    shop = Shop()
    payment = shop.settled(81_00)
    refunds_while_ours_is_sent(shop, payment, 50_00)
    request_id = a_request_id()
    for _ in range(2):
        with pytest.raises(AmountExceeds) as refusal:
            shop.refund(payment, 40_00, request_id=request_id)
        assert (refusal.value.asked, refusal.value.available) == (usd(40_00), usd(31_00))

    payment = shop.now(payment)

    assert (payment.refunded_amount, payment.refundable_amount) == (usd(50_00), usd(31_00))


@every_way
@pytest.mark.parametrize("status", [TransactionStatus.VOIDED, TransactionStatus.SETTLEMENT_DECLINED])
def test_a_refund_by_an_external_client_that_did_not_arrive_does_not_count(
    learn: Learn, status: TransactionStatus
) -> None:
    shop = Shop()
    payment = shop.settled(81_00)
    credit = refund_outside(shop, payment, 50_00)
    learn(shop, payment)
    assert shop.now(payment).refunded_amount == usd(50_00)
    if status is TransactionStatus.VOIDED:
        void_outside(shop, credit.transaction_id)
    else:
        shop.real_gateway.decline_settlement(credit.transaction_id)

    learn(shop, payment)

    payment = shop.now(payment)
    assert (payment.refunded_amount, payment.refundable_amount) == (usd(0), usd(81_00))


def test_a_refund_by_an_external_client_that_was_undone_before_it_was_seen_is_none() -> None:
    shop = Shop()
    payment = shop.settled(81_00)
    void_outside(shop, refund_outside(shop, payment, 50_00).transaction_id)

    assert shop.verify(payment).payment.refunded_amount == usd(0)
    assert shop.refund(payment).funds is Funds.RETURNED


# Ours are never taken for somebody else's


@every_way
def test_a_refund_of_ours_whose_answer_was_lost_is_counted_once(learn: Learn) -> None:
    shop = Shop()
    payment = shop.settled(81_00)
    shop.fails("refund", Fault.LOST_AFTER)
    shop.refund(payment, 30_00)

    learn(shop, payment)
    for _ in range(3):
        shop.resolve(after=MINUTE)

    payment = shop.now(payment)
    assert [o.origin for o in payment.operations] == [OperationOrigin.SERVICE] * 2
    assert (payment.refunded_amount, payment.refundable_amount) == (usd(30_00), usd(51_00))
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES


def test_a_look_while_a_refund_of_ours_is_under_way_does_not_count_it_twice() -> None:
    shop = Shop()
    payment = shop.settled(81_00)
    send = shop.real_gateway.refund

    def refund(asked: Refund, lease: Lease) -> object:
        outcome = send(asked, lease)
        shop.verify(payment)
        shop.wait(timedelta(days=1))
        shop.follow()
        return outcome

    shop.real_gateway.refund = refund  # type: ignore[method-assign, assignment]

    payment = shop.refund(payment, 30_00)

    assert [o.state for o in payment.operations] == [OperationState.SUCCEEDED] * 2
    assert (payment.refunded_amount, payment.refundable_amount) == (usd(30_00), usd(51_00))


def test_a_refund_that_shows_up_after_it_was_proven_absent_is_ours() -> None:
    shop = Shop()
    payment = shop.settled(81_00)
    shop.fails("refund", Fault.LOST_BEFORE)
    payment = shop.refund(payment, 30_00)
    late = payment.operations[-1]
    for _ in range(8):
        shop.resolve(after=MINUTE)
    assert shop.now(payment).operations[-1].failure_reason is FailureReason.NOT_FOUND_AT_GATEWAY
    refund_outside(shop, payment, 30_00, late.operation_id)

    verified = shop.verify(payment)

    assert verified.outcome is VerificationOutcome.REPAIRED
    assert [(o.operation_id, o.origin) for o in verified.payment.operations][1:] == [
        (late.operation_id, OperationOrigin.SERVICE)
    ]
    assert verified.payment.refunded_amount == usd(30_00)


def test_a_second_refund_of_one_operation_is_money_all_the_same() -> None:
    shop = Shop()
    payment = shop.refund(shop.settled(81_00), 30_00)
    refund_outside(shop, payment, 30_00, payment.operations[-1].operation_id)

    payment = shop.verify(payment).payment

    assert (payment.refunded_amount, payment.operations[-1].origin) == (usd(60_00), OperationOrigin.OUTSIDE)


# Refunds of ours that wait


def test_a_scheduled_refund_beyond_external_refunds_fails_with_the_reason() -> None:
    shop = Shop()
    payment = shop.refund(shop.pay(), 60_00)
    assert payment.operations[-1].state is OperationState.SCHEDULED
    shop.real_gateway.settle()
    refund_outside(shop, payment, 50_00)
    for _ in range(4):
        shop.resolve(after=timedelta(hours=1))

    payment = shop.now(payment)

    assert (payment.operations[1].state, payment.operations[1].failure_reason) == (
        OperationState.FAILED,
        FailureReason.NO_LONGER_POSSIBLE,
    )
    assert "50.00" in payment.operations[1].failure_detail
    assert (payment.refunded_amount, payment.refund_pending_amount, payment.refundable_amount) == (
        usd(50_00),
        usd(0),
        usd(50_00),
    )


def test_a_scheduled_refund_that_still_fits_is_carried_out() -> None:
    shop = Shop()
    payment = shop.refund(shop.pay(), 50_00)
    shop.real_gateway.settle()
    refund_outside(shop, payment, 50_00)
    for _ in range(4):
        shop.resolve(after=timedelta(hours=1))

    assert shop.now(payment).funds is Funds.RETURNED


# Captures and voids


@every_way
@pytest.mark.parametrize("minor_units", [30_00, 100_00])
def test_a_whole_capture_by_an_external_client_is_seen(learn: Learn, minor_units: int) -> None:
    shop = Shop()
    payment = shop.authorize()
    capture_outside(shop, payment, minor_units, in_part=False)

    learn(shop, payment)

    payment = shop.now(payment)
    assert (payment.authorized_amount, payment.captured_amount) == (usd(100_00), usd(minor_units))
    assert (payment.capturable_amount, payment.state) == (usd(0), PaymentState.CAPTURED)
    assert (payment.operations[-1].kind, payment.operations[-1].origin) == (
        OperationKind.CAPTURE,
        OperationOrigin.OUTSIDE,
    )
    assert shop.refund(payment).funds is Funds.RETURNED


@every_way
def test_a_partial_capture_by_an_external_client_is_seen_and_so_is_its_void(learn: Learn) -> None:
    shop = Shop()
    payment = shop.authorize()
    part = capture_outside(shop, payment, 30_00, in_part=True)
    learn(shop, payment)
    payment = shop.now(payment)
    assert (payment.captured_amount, payment.capturable_amount) == (usd(30_00), usd(70_00))
    assert payment.operations[-1].origin is OperationOrigin.OUTSIDE
    payment = shop.capture(payment, 50_00)
    assert payment.captured_amount == usd(80_00)
    void_outside(shop, part.transaction_id)

    learn(shop, payment)

    payment = shop.now(payment)
    assert payment.captured_amount == usd(50_00)
    assert (payment.operations[-1].kind, payment.operations[-1].origin) == (OperationKind.VOID, OperationOrigin.OUTSIDE)


def test_a_part_by_an_external_client_is_seen_with_its_refund_at_the_first_look() -> None:
    shop = Shop()
    payment = shop.authorize()
    part = capture_outside(shop, payment, 30_00, in_part=True)
    shop.real_gateway.settle()
    refund = Refund(operation_id=OperationId("theirs"), transaction_id=part.transaction_id, amount=usd(10_00))
    assert isinstance(shop.real_gateway.refund(refund, HELD), Approved)

    by_verification(shop, payment)

    payment = shop.now(payment)
    assert (payment.captured_amount, payment.refunded_amount) == (usd(30_00), usd(10_00))


@every_way
@pytest.mark.parametrize("seen_before", [False, True])
def test_a_void_by_an_external_client_after_a_part_releases_only_the_rest(learn: Learn, seen_before: bool) -> None:
    shop = Shop()
    payment = shop.authorize()
    capture_outside(shop, payment, 30_00, in_part=True)
    if seen_before:
        learn(shop, payment)
    void_outside(shop, payment.authorization.transaction_id)

    learn(shop, payment)

    payment = shop.now(payment)
    assert (payment.captured_amount, payment.capturable_amount) == (usd(30_00), usd(0))
    done = [(o.kind, o.amount) for o in payment.operations[1:]]
    assert done == [(OperationKind.CAPTURE, usd(30_00)), (OperationKind.VOID, usd(70_00))]


@every_way
@pytest.mark.parametrize("captures", [False, True])
def test_a_void_by_an_external_client_is_seen_and_ends_what_waits(learn: Learn, captures: bool) -> None:
    shop = Shop()
    payment = shop.refund(shop.pay(), 10_00) if captures else shop.authorize()
    void_outside(shop, payment.authorization.transaction_id)

    learn(shop, payment)

    payment = shop.now(payment)
    assert (payment.state, payment.funds) == (PaymentState.VOIDED, Funds.RETURNED)
    void = next(o for o in payment.operations if o.kind is OperationKind.VOID)
    assert void.origin is OperationOrigin.OUTSIDE
    assert not any(o.state.is_open for o in payment.operations)


@pytest.mark.parametrize(("call", "status"), [("void", PaymentState.VOIDED), ("capture", PaymentState.CAPTURED)])
def test_an_operation_of_ours_whose_answer_was_lost_stays_ours(call: str, status: PaymentState) -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.fails(call, Fault.LOST_AFTER)
    getattr(shop, call)(payment)
    shop.wait(timedelta(days=1))
    shop.follow()
    for _ in range(3):
        shop.resolve(after=MINUTE)

    payment = shop.now(payment)

    assert payment.state is status
    assert [o.origin for o in payment.operations] == [OperationOrigin.SERVICE] * 2


def test_an_automatic_capture_is_nobody_elses() -> None:
    shop = Shop()
    payment = shop.settled()
    assert [o.origin for o in payment.operations] == [OperationOrigin.SERVICE]


def test_an_operation_that_the_gateway_refuses_makes_the_service_look_at_once() -> None:
    shop = Shop()
    payment = shop.authorize()
    void_outside(shop, payment.authorization.transaction_id)
    with pytest.raises(Exception, match="capture"):
        shop.capture(payment)

    assert shop.follow() == 1
    assert shop.now(payment).state is PaymentState.VOIDED


def test_a_void_whose_answer_names_an_unknown_part_makes_the_service_look_at_once() -> None:
    shop = Shop()
    payment = shop.authorize()
    capture_outside(shop, payment, 30_00, in_part=True)
    shop.void(payment)

    assert shop.follow() == 1
    assert shop.now(payment).captured_amount == usd(30_00)


# Unexplained transactions


def test_a_transaction_that_the_gateway_no_longer_shows_is_a_difference_that_stays() -> None:
    shop = Shop()
    payment = shop.settled()
    del shop.real_gateway._transactions[payment.authorization.transaction_id]
    for _ in range(2):
        verified = shop.verify(payment)
        assert verified.outcome is VerificationOutcome.DIFFERS
        assert [one.field for one in verified.differences] == ["transaction"]


def test_settled_money_is_watched_ever_more_rarely_and_not_for_ever() -> None:
    shop = Shop()
    payment = shop.settled()
    looks = 0
    for _ in range(250):
        shop.wait(timedelta(days=1))
        looks += shop.follow()
    assert 20 < looks < 50
    assert shop.now(payment).next_poll_time is None
