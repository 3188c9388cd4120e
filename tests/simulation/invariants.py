"""What must hold of the two ledgers, whatever happened. Computed here once more, not asked of the domain."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from application.payments.create_payment import CreatePaymentCommand
from application.payments.refund_payment import RefundPaymentCommand
from application.ports.gateway import Transaction, TransactionKind
from application.ports.store import PaymentFilter
from domain.events import (
    OperationDeclined,
    OperationFailed,
    OperationScheduled,
    OperationStarted,
    OperationSucceeded,
    PaymentEvent,
)
from domain.ids import OperationId
from domain.operation import FailureReason, Operation, OperationKind, OperationOrigin, OperationState
from domain.payment import Payment
from domain.transaction import TransactionStatus
from domain.transitions import PaymentState
from tests.fakes.memory_gateway import MemoryGateway

if TYPE_CHECKING:
    from tests.simulation.world import Order

EVERY_PAYMENT: Final = PaymentFilter()
# How the order ids of what somebody else did begin.
OUTSIDE: Final = "outside-"

_CAPTURED: Final = (TransactionStatus.SUBMITTED, TransactionStatus.SETTLING, TransactionStatus.SETTLED)
_NEVER_SENT: Final = (FailureReason.GATEWAY_UNREACHABLE, FailureReason.GATEWAY_REFUSED_CREDENTIALS)
# What an operation may have become since a caller was shown it.
_SUCCESSORS: Final = {
    OperationState.SCHEDULED: set(OperationState) - {OperationState.DECLINED} | {OperationState.DECLINED},
    OperationState.STARTED: set(OperationState),
    OperationState.SUCCEEDED: {OperationState.SUCCEEDED},
    OperationState.DECLINED: {OperationState.DECLINED},
    OperationState.FAILED: {OperationState.FAILED},
}

History = tuple[Payment, list[PaymentEvent]]


class Broken(AssertionError):
    """An invariant does not hold."""

    def __init__(self, invariant: int, message: str) -> None:
        super().__init__(f"invariant {invariant}: {message}")
        self.invariant = invariant


def expect(invariant: int, holds: bool, message: str) -> None:
    if not holds:
        raise Broken(invariant, message)


def check(histories: Sequence[History], orders: Sequence[Order], gateway: MemoryGateway) -> None:
    """Everything that must hold once faults have stopped and the resolver has run."""
    payments = [payment for payment, _ in histories]
    for payment, history in histories:
        history_replays(payment, history)
        amounts_never_exceed(history)
        the_record_never_goes_back(history)
        no_verdict_without_proof(payment, history, gateway)
    one_effect_for_each_request(payments, orders, gateway)
    one_live_payment_for_each_reference(payments)
    both_ledgers_agree(payments, gateway)
    nothing_stays_open(payments)


def check_restored(histories: Sequence[History], gateway: MemoryGateway) -> None:
    """What must hold even where the database came back from an earlier moment, and forgot what was after it."""
    for payment, history in histories:
        history_replays(payment, history)
    one_effect_for_each_operation(gateway)
    nothing_stays_open([payment for payment, _ in histories])


# 1


def one_effect_for_each_operation(gateway: MemoryGateway) -> None:
    for operation_id, count in Counter(effect.operation_id for effect in gateway.effects).items():
        expect(1, count == 1, f"{operation_id} took effect {count} times")


def one_effect_for_each_request(payments: Sequence[Payment], orders: Sequence[Order], gateway: MemoryGateway) -> None:
    one_effect_for_each_operation(gateway)
    effects = defaultdict(list)
    requests = {o.operation_id: o.request_id for payment in payments for o in payment.operations}
    for effect in gateway.effects:
        effects[requests.get(effect.operation_id)].append(effect)
    for order in orders:
        own = effects.get(order.request_id, [])  # type: ignore[call-overload]
        if not isinstance(order, RefundPaymentCommand):
            expect(1, len(own) <= 1, f"{order.request_id} took effect {len(own)} times")
        elif order.amount is not None:
            returned = sum(effect.amount.minor_units for effect in own)
            expect(1, returned <= order.amount.minor_units, f"{order.request_id} gave back {returned}")
        if isinstance(order, CreatePaymentCommand):
            made = [p for p in payments if p.operations[0].request_id == order.request_id]
            expect(1, len(made) <= 1, f"{order.request_id} made {len(made)} payments")


def one_live_payment_for_each_reference(payments: Sequence[Payment]) -> None:
    # What somebody else captured before a void of ours is seen afterwards, and nobody can prevent it.
    ours = [p for p in payments if all(o.origin is OperationOrigin.SERVICE for o in p.operations)]
    live = Counter(payment.terms.reference for payment in ours if _holds_money(payment))
    for reference, count in live.items():
        expect(1, count <= 1, f"{reference!r} is paid {count} times")


def _holds_money(payment: Payment) -> bool:
    dead = (PaymentState.DECLINED, PaymentState.FAILED, PaymentState.VOIDED, PaymentState.EXPIRED,
            PaymentState.SETTLEMENT_DECLINED)  # fmt: skip
    return payment.state not in dead and not (
        payment.captured_amount and payment.captured_amount == payment.refunded_amount
    )


# 2


def both_ledgers_agree(payments: Sequence[Payment], gateway: MemoryGateway) -> None:
    operations = {o.operation_id: (payment, o) for payment in payments for o in payment.operations}
    undone = _voided_outside(gateway)
    visible = {
        t.transaction_id
        for t in gateway.all_transactions()
        if t.order_id in operations or t.standing.status not in _CAPTURED
    }
    done = {(o.kind, o.transaction_id) for _, o in operations.values() if o.state is OperationState.SUCCEEDED}
    for effect in gateway.effects:
        if effect.operation_id.startswith(OUTSIDE):
            # What became of a sale shows in its status, and what was undone before it was seen is nothing.
            shows = effect.transaction_id in visible
            expect(2, shows or (effect.kind, effect.transaction_id) in done, f"nobody saw {effect}")
            continue
        expect(2, effect.operation_id in operations, f"no row explains {effect}")
        _, operation = operations[effect.operation_id]
        if effect.transaction_id in undone and operation.state is OperationState.FAILED:
            continue
        expect(2, operation.state is OperationState.SUCCEEDED, f"{effect} happened, and {operation} says no")
        expect(2, operation.transaction_id == effect.transaction_id, f"{effect} is recorded elsewhere: {operation}")
    transactions = {t.transaction_id: t for t in gateway.all_transactions()}
    for transaction in transactions.values():
        is_ours = transaction.order_id in operations or transaction.order_id.startswith(OUTSIDE)
        expect(2, is_ours, f"no row explains {transaction}")
    for payment, operation in operations.values():
        if operation.state is OperationState.SUCCEEDED:
            _agrees(payment, operation, transactions.get(operation.transaction_id))
    for payment in payments:
        _adds_up(payment, transactions)


def _voided_outside(gateway: MemoryGateway) -> set[str]:
    """Somebody else voided it. A capture whose answer was lost before that cannot be told from one that never was."""
    effects = gateway.effects
    return {e.transaction_id for e in effects if e.kind is OperationKind.VOID and e.operation_id.startswith(OUTSIDE)}


def _agrees(payment: Payment, operation: Operation, transaction: Transaction | None) -> None:
    expect(2, transaction is not None, f"{operation} is not at the gateway")
    latest = payment.latest_on(operation.transaction_id)
    if transaction is None or latest is None or latest.standing is None:
        return
    recorded = latest.standing.status
    actual = transaction.standing.status
    expect(2, recorded is actual, f"{latest.operation_id} is {recorded.value}, at the gateway {actual.value}")
    expect(
        2, latest.amount == transaction.amount, f"{latest.operation_id}: {latest.amount} is not {transaction.amount}"
    )


def _adds_up(payment: Payment, transactions: dict[str, Transaction]) -> None:
    own = {o.operation_id for o in payment.operations}
    sales = {t.transaction_id for t in transactions.values() if t.order_id in own}
    parts = {t.transaction_id for t in transactions.values() if t.authorized_transaction_id in sales}
    mine = [
        t
        for t in transactions.values()
        if t.transaction_id in sales | parts or t.refunded_transaction_id in sales | parts
    ]
    captured = sum(
        t.amount.minor_units for t in mine if t.kind is TransactionKind.SALE and t.standing.status in _CAPTURED
    )
    refunded = sum(
        t.amount.minor_units for t in mine if t.kind is TransactionKind.CREDIT and t.standing.status in _CAPTURED
    )
    told = (payment.captured_amount.minor_units, payment.refunded_amount.minor_units)
    expect(2, told == (captured, refunded), f"{payment.terms.payment_id} says {told}, the gateway {captured, refunded}")


_ORDER: Final = {
    TransactionStatus.AUTHORIZING: 0,
    TransactionStatus.AUTHORIZED: 1,
    TransactionStatus.PARTIALLY_CAPTURED: 2,
    TransactionStatus.SUBMITTED: 3,
    TransactionStatus.SETTLING: 4,
    TransactionStatus.SETTLED: 5,
}


def the_record_never_goes_back(history: Sequence[PaymentEvent]) -> None:
    """No old answer of the gateway overwrites a newer one."""
    places: dict[str, int] = {}
    for count in range(1, len(history) + 1):
        payment = Payment.replay(history[:count])
        for transaction_id in payment.transaction_ids:
            latest = payment.latest_on(transaction_id)
            if latest is None or latest.standing is None:
                continue
            place = _ORDER.get(latest.standing.status, 6)
            before = places.get(transaction_id, 0)
            expect(2, place >= before, f"{transaction_id} went back to {latest.standing.status.value}")
            places[transaction_id] = place


# 3


def no_verdict_without_proof(payment: Payment, history: Sequence[PaymentEvent], gateway: MemoryGateway) -> None:
    undone = _voided_outside(gateway)
    took_effect = {effect.operation_id for effect in gateway.effects if effect.transaction_id not in undone}
    declined = {t.order_id for t in gateway.all_transactions() if t.decline is not None}
    failed: set[OperationId] = set()
    for event in history:
        match event:
            case OperationFailed(operation_id=operation_id):
                failed.add(operation_id)
            case OperationSucceeded(operation_id=operation_id) | OperationDeclined(operation_id=operation_id):
                expect(3, operation_id not in failed, f"{operation_id} was called FAILED, and was not")
    for operation in payment.operations:
        if operation.state is OperationState.FAILED:
            expect(3, operation.operation_id not in took_effect, f"{operation} took effect")
        if operation.state is OperationState.DECLINED:
            expect(3, operation.operation_id in declined, f"nobody declined {operation}")


def is_durable(answer: Payment, stored: Payment | None) -> None:
    """Nothing is answered that is not stored by then."""
    nothing_is_forgotten(answer, stored)


def nothing_is_forgotten(answer: Payment, stored: Payment | None) -> None:
    expect(3, stored is not None, f"{answer.terms.payment_id} was answered, and is gone")
    now = {o.operation_id: o for o in stored.operations} if stored else {}
    for told in answer.operations:
        expect(3, told.operation_id in now, f"{told.operation_id} was answered, and is gone")
        state = now[told.operation_id].state
        expect(3, state in _SUCCESSORS[told.state], f"{told.operation_id}: {told.state.value} became {state.value}")


def same_payment(before: Payment, after: Payment) -> None:
    expect(1, before.terms == after.terms, f"{before.terms.payment_id} became {after.terms.payment_id}")


def is_carried_out(order: Order, answer: Payment) -> None:
    """What was answered OK was asked of the gateway in full, even where a first attempt never reached it."""
    if not isinstance(order, RefundPaymentCommand) or order.amount is None:
        return
    own = [o for o in answer.operations if o.request_id == order.request_id and o.failure_reason not in _NEVER_SENT]
    asked = sum(o.amount.minor_units for o in own)
    # More than once only where a void came too late and a refund took its place.
    expect(5, asked >= order.amount.minor_units, f"{asked} was asked for {order}, and the answer was OK")


def was_never_sent(answer: Payment, request_id: str) -> bool:
    """Whether something that the request asked for surely was not sent, so that it may be tried again."""
    own = [o for o in answer.operations if o.request_id == request_id]
    return any(o.state.is_open or o.failure_reason in _NEVER_SENT for o in own)


# 4


def amounts_never_exceed(history: Sequence[PaymentEvent]) -> None:
    """Before each operation starts, what it takes must be left."""
    for count, event in enumerate(history):
        if not isinstance(event, OperationStarted | OperationScheduled):
            continue
        before = Payment.replay(history[:count])
        if any(o.operation_id == event.operation_id for o in before.operations):
            continue
        if event.kind is OperationKind.CAPTURE:
            _within(event, _authorized(before) - _captured(before, counts_open=True, counts_returned=True))
        if event.kind is OperationKind.REFUND:
            _within(event, _captured(before) - _given_back(before))


def _within(event: OperationStarted | OperationScheduled, left: int) -> None:
    expect(4, event.amount.minor_units <= left, f"{event.kind.value} of {event.amount} where {left} is left")


def _authorized(payment: Payment) -> int:
    return sum(
        o.amount.minor_units
        for o in payment.operations
        if o.kind is OperationKind.AUTHORIZE and o.state is OperationState.SUCCEEDED
    )


def _captured(payment: Payment, *, counts_open: bool = False, counts_returned: bool = False) -> int:
    total = 0
    seen = set()
    for operation in reversed(payment.operations):
        if operation.kind is OperationKind.CAPTURE and operation.state is OperationState.STARTED and counts_open:
            total += operation.amount.minor_units
        is_sale = operation.kind in (OperationKind.AUTHORIZE, OperationKind.CAPTURE)
        if not is_sale or operation.standing is None or operation.transaction_id in seen:
            continue
        seen.add(operation.transaction_id)
        returned = counts_returned and operation.kind is OperationKind.CAPTURE
        if operation.standing.status in _CAPTURED or returned:
            total += operation.amount.minor_units
    return total


def _given_back(payment: Payment) -> int:
    """Refunds that happened or may yet, and voids under way."""
    undone = (TransactionStatus.SETTLEMENT_DECLINED, TransactionStatus.VOIDED, TransactionStatus.FAILED)
    total = 0
    for operation in payment.operations:
        happened = operation.state is OperationState.SUCCEEDED and (
            operation.standing is None or operation.standing.status not in undone
        )
        is_refund = operation.kind is OperationKind.REFUND and (operation.state.is_open or happened)
        is_void = operation.kind is OperationKind.VOID and operation.state is OperationState.STARTED
        total += operation.amount.minor_units if is_refund or is_void else 0
    return total


# 5


def tells_where_it_stands(answer: Payment) -> None:
    if any(o.state.is_open for o in answer.operations):
        expect(5, answer.next_check_time is not None, f"{answer.terms.payment_id} is open, and nobody will look")


def nothing_stays_open(payments: Sequence[Payment]) -> None:
    for payment in payments:
        for operation in payment.operations:
            expect(5, not operation.state.is_open, f"{operation} is never resolved")


# 6


def history_replays(payment: Payment, history: Sequence[PaymentEvent]) -> None:
    replayed = Payment.replay(history)
    expect(6, replayed == payment, f"the history of {payment.terms.payment_id} adds up to something else")
    expect(6, replayed.state is payment.state, f"{payment.terms.payment_id}: {replayed.state} is not {payment.state}")
