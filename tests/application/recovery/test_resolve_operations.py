"""Lost answers are found, absence is proven by time, and what was scheduled is carried out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from application.common.caller import Caller
from application.common.errors import StoreUnavailable
from application.common.lease import Lease
from application.payments.refund_payment import RefundPaymentCommand
from application.ports.gateway import Outcome, StoredInstrument, Transaction, Void
from domain.ids import OperationId
from domain.operation import FailureReason, OperationKind, OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.shop import FIRST_CHECK, HORIZON, LEASE, SHOP, Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault

SOON = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)

Change = Callable[[Shop], Payment]

LOST: dict[str, tuple[str, Change, Change]] = {
    "authorization": ("authorize", lambda shop: shop.pay(), lambda shop: shop.pay()),
    "whole capture": ("capture", lambda shop: shop.capture(shop.authorize()), lambda shop: shop.authorize()),
    "final capture": (
        "capture", lambda shop: shop.capture(shop.authorize(), 30_00, final=True), lambda shop: shop.authorize()
    ),
    "partial capture": (
        "capture", lambda shop: shop.capture(shop.authorize(), 30_00), lambda shop: shop.authorize()
    ),
    "void": ("void", lambda shop: shop.void(shop.authorize()), lambda shop: shop.authorize()),
    "refund by void": ("void", lambda shop: shop.refund(shop.pay()), lambda shop: shop.pay()),
    "refund": ("refund", lambda shop: shop.refund(shop.settled(), 30_00), lambda shop: shop.settled()),
}  # fmt: skip
IDS = list(LOST)


@pytest.mark.parametrize(("call", "change", "_before"), LOST.values(), ids=IDS)
@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LATE])
def test_a_lost_success_is_found(call: str, change: Change, _before: Change, fault: Fault) -> None:
    shop = Shop()
    shop.fails(call, fault)
    payment = change(shop)
    assert payment.operations[-1].state is OperationState.STARTED
    effects = shop.effects()
    for _ in range(4):
        shop.resolve(after=MINUTE)
    payment = shop.now(payment)
    assert payment.operations[-1].state is OperationState.SUCCEEDED
    assert shop.effects() == effects + (fault is Fault.LATE)
    assert payment.next_check_time is None


@pytest.mark.parametrize(("call", "change", "before"), LOST.values(), ids=IDS)
def test_an_operation_that_never_arrived_fails_only_after_the_horizon(
    call: str, change: Change, before: Change
) -> None:
    shop = Shop()
    shop.fails(call, Fault.LOST_BEFORE)
    payment = change(shop)
    shop.resolve(after=SOON)
    first_look = shop.clock.steady_seconds()
    while shop.clock.steady_seconds() < first_look + HORIZON.total_seconds():
        assert shop.now(payment).operations[-1].state is OperationState.STARTED
        shop.resolve(after=SOON)
    for _ in range(60):
        shop.resolve(after=SOON)
    operation = shop.now(payment).operations[-1]
    assert (operation.state, operation.failure_reason) == (OperationState.FAILED, FailureReason.NOT_FOUND_AT_GATEWAY)
    if operation.kind is not OperationKind.AUTHORIZE:
        assert shop.now(payment).state is before(Shop()).state


def test_a_lost_decline_is_found() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay(an_order(amount=usd(2001_00)))
    shop.resolve(after=SOON)
    assert shop.now(payment).state is PaymentState.DECLINED


def test_an_authorization_found_after_its_settlement_was_refused_is_reported() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay()
    shop.real_gateway.decline_settlement()
    shop.resolve(after=SOON)
    payment = shop.now(payment)
    assert payment.state is PaymentState.SETTLEMENT_DECLINED
    assert payment.final_decline is not None


def test_an_authorizing_transaction_is_not_absent() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay()
    (transaction,) = shop.real_gateway.all_transactions()
    shop.real_gateway.leave_authorizing(transaction.transaction_id)
    for _ in range(100):
        shop.resolve(after=MINUTE)
    assert shop.now(payment).state is PaymentState.PENDING


@pytest.mark.parametrize("change", ["capture", "void"])
def test_a_lost_change_to_what_expired_meanwhile_fails(change: str) -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.fails(change, Fault.LOST_BEFORE)
    shop.capture(payment) if change == "capture" else shop.void(payment)
    shop.real_gateway.expire()
    shop.resolve(after=SOON)
    operation = shop.now(payment).operations[-1]
    assert operation.failure_reason is FailureReason.GATEWAY_REFUSED_REQUEST
    assert shop.verify(payment).payment.state is PaymentState.EXPIRED


# When it looks


def test_nothing_is_looked_for_before_it_is_due() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_AFTER)
    shop.pay()
    assert shop.resolve() == 0
    assert shop.resolve(after=FIRST_CHECK) == 1
    assert shop.resolve() == 0


def test_a_process_that_died_is_noticed_when_its_lease_ends() -> None:
    shop = Shop()
    real = shop.real_gateway.authorize

    def die(*_: object) -> object:
        raise KeyboardInterrupt

    shop.real_gateway.authorize = die  # type: ignore[assignment, method-assign]
    with pytest.raises(KeyboardInterrupt):
        shop.pay(an_order(request_id="11111111-0000-4000-8000-0000000000aa"))
    shop.real_gateway.authorize = real  # type: ignore[method-assign]
    shop.restart()
    assert shop.resolve() == 0
    assert shop.resolve(after=LEASE) == 1
    for _ in range(60):
        shop.resolve(after=SOON)
    payments = shop.list_all()
    assert [payment.state for payment in payments] == [PaymentState.FAILED]


def test_looks_become_rarer() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_BEFORE)
    payment = shop.pay()
    waits = []
    for _ in range(4):
        due = shop.now(payment).next_check_time
        assert due is not None
        shop.resolve(after=due - shop.clock.now())
        again = shop.now(payment).next_check_time
        assert again is not None
        waits.append((again - due).total_seconds())
    assert waits == [2, 4, 8, 16]


def test_a_gateway_that_does_not_answer_proves_nothing() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_BEFORE)
    payment = shop.pay()
    for _ in range(200):
        shop.fails("find_by_operation", Fault.LOST_BEFORE)
        shop.resolve(after=MINUTE)
    assert shop.now(payment).state is PaymentState.PENDING


@pytest.mark.parametrize("jump", [timedelta(days=365), timedelta(days=-365)], ids=["ahead", "back"])
def test_a_jump_of_the_wall_clock_hastens_no_verdict(jump: timedelta) -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_BEFORE)
    payment = shop.pay()
    shop.resolve(after=SOON)
    shop.clock.jump(jump)
    shop.resolve(after=SOON)
    assert shop.now(payment).state is PaymentState.PENDING
    for _ in range(60):
        shop.resolve(after=SOON)
    assert shop.now(payment).state is PaymentState.FAILED


def test_a_restart_makes_the_watch_begin_again() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_BEFORE)
    payment = shop.pay()
    shop.resolve(after=SOON)
    shop.wait(HORIZON)
    shop.restart()
    shop.resolve()
    assert shop.now(payment).state is PaymentState.PENDING


def test_an_operation_that_cannot_be_dealt_with_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop()
    payments = []
    for _ in range(2):
        shop.fails("authorize", Fault.LOST_AFTER)
        payments.append(shop.pay())
    real = shop.real_gateway.find_by_operation
    bad = payments[0].authorization.operation_id

    def stumble(operation_id: object) -> object:
        if operation_id == bad:
            raise ValueError("unreadable")
        return real(operation_id)  # type: ignore[arg-type]

    shop.real_gateway.find_by_operation = stumble  # type: ignore[assignment, method-assign]
    shop.resolve(after=SOON)
    assert [shop.now(payment).state for payment in payments] == [PaymentState.PENDING, PaymentState.CAPTURED]
    assert bad in caplog.text


def test_a_database_that_fails_for_one_operation_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop()
    payments = []
    for _ in range(2):
        shop.fails("authorize", Fault.LOST_AFTER)
        payments.append(shop.pay())
    due = shop.store.due_operations(shop.clock.now() + SOON, shop.clock.now() + LEASE, 10)
    assert len(due) == 2
    shop.wait(LEASE)
    real = shop.real_gateway.find_by_operation

    def cut_meanwhile(operation_id: OperationId) -> list[Transaction]:
        if operation_id == due[0].operation_id:
            raise StoreUnavailable("the connection was cut")
        return real(operation_id)

    shop.real_gateway.find_by_operation = cut_meanwhile  # type: ignore[method-assign]
    shop.resolve()
    assert [shop.now(payment).state for payment in payments] == [PaymentState.PENDING, PaymentState.CAPTURED]
    assert "the connection was cut" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_stop_gives_back_what_was_claimed_and_not_begun() -> None:
    shop = Shop()
    payments = []
    for _ in range(5):
        shop.fails("authorize", Fault.LOST_AFTER)
        payments.append(shop.pay())
    real = shop.real_gateway.find_by_operation

    def stop_meanwhile(operation_id: OperationId) -> list[Transaction]:
        shop.is_stopping = True
        return real(operation_id)

    shop.real_gateway.find_by_operation = stop_meanwhile  # type: ignore[method-assign]
    assert shop.resolve(after=SOON) == 1
    states = [PaymentState.CAPTURED] + [PaymentState.PENDING] * 4
    assert [shop.now(payment).state for payment in payments] == states
    assert shop.resolve() == 0
    # Another process finds the others at once, and not only when a lease has run out.
    shop.real_gateway.find_by_operation = real  # type: ignore[method-assign]
    shop.restart()
    assert shop.resolve() == 4
    assert {shop.now(payment).state for payment in payments} == {PaymentState.CAPTURED}


def test_a_stop_gives_back_methods_that_were_claimed_and_not_begun() -> None:
    shop = Shop()
    customer = shop.customer()
    methods = []
    for _ in range(3):
        shop.fails("store_method", Fault.LOST_AFTER)
        methods.append(shop.method(customer))
    shop.wait(LEASE)
    real = shop.real_gateway.find_method

    def stop_meanwhile(token: str) -> StoredInstrument | None:
        shop.is_stopping = True
        return real(token)

    shop.real_gateway.find_method = stop_meanwhile  # type: ignore[method-assign]
    assert (shop.method_resolver(), shop.method_resolver()) == (1, 0)
    shop.real_gateway.find_method = real  # type: ignore[method-assign]
    shop.restart()
    assert shop.method_resolver() == 2


def test_an_answer_that_arrives_after_the_verdict_is_believed() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_BEFORE)
    order = an_order()
    payment = shop.pay(order)
    for _ in range(60):
        shop.resolve(after=SOON)
    assert shop.now(payment).state is PaymentState.FAILED
    assert shop.pay(order).state is PaymentState.FAILED
    assert shop.effects() == 0


# Scheduled refunds


def a_waiting_refund(shop: Shop) -> Payment:
    payment = shop.refund(shop.pay(), 30_00)
    shop.real_gateway.settle()
    return payment


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LATE])
def test_a_scheduled_refund_happens_once_whatever_goes_wrong(fault: Fault) -> None:
    shop = Shop()
    payment = a_waiting_refund(shop)
    shop.fails("refund", fault)
    for _ in range(20):
        shop.resolve(after=MINUTE)
    payment = shop.now(payment)
    assert payment.refunded_amount.minor_units == 30_00
    assert [t.amount.minor_units for t in shop.real_gateway.all_transactions()] == [100_00, 30_00]


def test_a_second_attempt_at_a_scheduled_refund_is_watched_anew() -> None:
    """Another replica saw the first attempt missing; that says nothing of the second."""
    shop = Shop(search_lag=timedelta(seconds=30))
    payment = a_waiting_refund(shop)
    shop.wait(MINUTE)
    other = Shop.__new__(Shop)
    other.__dict__.update(shop.__dict__)
    other.restart()
    shop.fails("refund", Fault.LOST_BEFORE)
    shop.resolve()
    operation_id = payment.operations[-1].operation_id
    other.resolver.resolve(payment.terms.payment_id, operation_id)
    while shop.now(payment).operations[-1].state is OperationState.STARTED:
        shop.resolve(after=MINUTE)
    shop.fails("refund", Fault.LATE)
    while shop.now(payment).operations[-1].state is OperationState.SCHEDULED:
        shop.resolve(after=SOON)
    other.resolver.resolve(payment.terms.payment_id, operation_id)
    assert shop.now(payment).operations[-1].state is OperationState.STARTED
    for _ in range(20):
        other.resolve(after=MINUTE)
    assert [t.amount.minor_units for t in shop.real_gateway.all_transactions()] == [100_00, 30_00]


def test_a_scheduled_refund_of_what_never_settles_is_given_up() -> None:
    shop = Shop()
    payment = shop.refund(shop.pay(), 30_00)
    shop.real_gateway.decline_settlement()
    shop.resolve(after=SOON)
    payment = shop.now(payment)
    assert payment.operations[-1].failure_reason is FailureReason.NO_LONGER_POSSIBLE
    assert payment.state is PaymentState.SETTLEMENT_DECLINED


# Refunds that were tried as voids


def settles_before_the_void(shop: Shop, then: Callable[[], None] = lambda: None) -> None:
    """From now on the night comes between the last look at a payment and the void of it."""
    settle, real_void = shop.real_gateway.settle, shop.real_gateway.void

    def void(order: Void, lease: Lease) -> Outcome:
        settle()
        answer = real_void(order, lease)
        then()
        return answer

    shop.real_gateway.void = void  # type: ignore[assignment, method-assign]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_refund_by_a_void_that_came_too_late_and_had_no_answer_is_carried_out(restarts: bool) -> None:
    shop, request_id = Shop(), a_request_id()
    payment = shop.pay()
    settles_before_the_void(shop)
    shop.fails("void", Fault.LOST_AFTER)
    shop.refund(payment, request_id=request_id)
    if restarts:
        shop.restart()
    for _ in range(4):
        shop.resolve(after=MINUTE)
    payment = shop.now(payment)
    assert [(o.kind, o.state) for o in payment.operations[1:]] == [
        (OperationKind.VOID, OperationState.FAILED),
        (OperationKind.REFUND, OperationState.SUCCEEDED),
    ]
    assert (payment.refunded_amount.minor_units, payment.refundable_amount.minor_units) == (100_00, 0)
    effects = shop.effects()
    assert shop.refund(payment, request_id=request_id) == payment
    assert shop.effects() == effects


def test_a_customers_own_refund_by_a_void_that_came_too_late_is_carried_out() -> None:
    shop = Shop()
    customer = shop.customer(given_name="Ann")
    payment = shop.pay(an_order(customer_id=customer.customer_id))
    herself = Caller(SHOP.caller_id, SHOP.scopes, customer.customer_id)
    shop.fails("void", Fault.LOST_BEFORE)
    shop.refund_payment(RefundPaymentCommand(request_id=a_request_id(), payment_id=payment.terms.payment_id), herself)
    shop.real_gateway.settle()

    for _ in range(4):
        shop.resolve(after=MINUTE)

    assert shop.now(payment).refunded_amount == payment.captured_amount


def test_a_void_that_came_too_late_is_no_refund() -> None:
    shop = Shop()
    payment = shop.pay()
    settles_before_the_void(shop)
    shop.fails("void", Fault.LOST_AFTER)
    shop.void(payment)
    for _ in range(4):
        shop.resolve(after=MINUTE)
    payment = shop.now(payment)
    assert [o.kind for o in payment.operations[1:]] == [OperationKind.VOID]
    assert payment.refundable_amount.minor_units == 100_00


def test_a_void_that_came_too_late_for_what_never_settled_refunds_nothing() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.fails("void", Fault.LOST_BEFORE)
    shop.refund(payment)
    shop.real_gateway.decline_settlement()
    for _ in range(4):
        shop.resolve(after=MINUTE)
    payment = shop.now(payment)
    assert not any(o.state.is_open or o.state is OperationState.SUCCEEDED for o in payment.operations[1:])
    assert payment.state is PaymentState.SETTLEMENT_DECLINED


@pytest.mark.parametrize("amount", [None, 100_00])
def test_a_process_that_hung_while_the_resolver_refunded_in_its_place_refunds_nothing(amount: int | None) -> None:
    shop = Shop()
    payment = shop.pay()

    def hang() -> None:
        shop.resolve(after=LEASE + MINUTE)

    settles_before_the_void(shop, hang)
    answer = shop.refund(payment, amount)
    assert [o.kind for o in answer.operations[1:]] == [OperationKind.VOID, OperationKind.REFUND]
    for _ in range(4):
        shop.resolve(after=MINUTE)
    assert [t.amount.minor_units for t in shop.real_gateway.all_transactions()] == [100_00, 100_00]
    assert shop.now(payment).refunded_amount.minor_units == 100_00


# Following


def test_the_money_is_polled_to_its_end() -> None:
    shop = Shop()
    payment = shop.pay()
    assert shop.follow() == 0
    shop.wait(timedelta(minutes=5))
    assert shop.follow() == 1
    assert shop.now(payment).state is PaymentState.CAPTURED
    shop.real_gateway.settle()
    shop.wait(timedelta(hours=6))
    assert shop.follow() == 1
    assert shop.now(payment).state is PaymentState.SETTLED
    shop.wait(timedelta(days=30))
    assert shop.follow() == 1
    shop.wait(timedelta(days=160))
    shop.follow()
    shop.wait(timedelta(days=30))
    assert shop.follow() == 0


def test_an_authorization_that_runs_out_is_noticed() -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.real_gateway.expire()
    shop.wait(timedelta(hours=6))
    shop.follow()
    assert shop.now(payment).state is PaymentState.EXPIRED


# Verifying


def test_a_verified_payment_matches() -> None:
    shop = Shop()
    verified = shop.verify(shop.pay())
    assert (verified.outcome.value, verified.differences) == ("matches", [])


def test_verifying_learns_what_the_record_does_not_know() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.real_gateway.settle()
    verified = shop.verify(payment)
    assert verified.outcome.value == "repaired"
    (difference,) = verified.differences
    assert (difference.field, difference.recorded, difference.at_gateway) == ("status", "submitted", "settled")
    assert shop.verify(payment).outcome.value == "matches"


def test_verifying_finds_a_lost_answer_or_says_that_it_is_not_there_yet() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LATE)
    payment = shop.pay()
    assert shop.verify(payment).outcome.value == "not_found_yet"
    assert shop.now(payment).state is PaymentState.PENDING
    shop.wait(MINUTE)
    verified = shop.verify(payment)
    assert verified.outcome.value == "repaired"
    assert verified.payment.state is PaymentState.CAPTURED


def test_verifying_with_a_search_that_lags_takes_nothing_back() -> None:
    shop = Shop(search_lag=timedelta(seconds=30))
    payment = shop.authorize()
    shop.wait(MINUTE)
    captured = shop.capture(payment)
    verified = shop.verify(captured)
    assert (verified.outcome.value, verified.payment.state) == ("matches", PaymentState.CAPTURED)
    request_id = a_request_id()
    assert shop.refund(captured, request_id=request_id).state is PaymentState.VOIDED
