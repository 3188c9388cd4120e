"""The invariants of both ledgers. They are computed from events and transactions, independently of the domain."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from application.payments.create_payment_command import CreatePaymentCommand
from application.payments.refund_payment import RefundPaymentCommand
from application.ports.gateway import Transaction, TransactionKind
from application.ports.payment_filter import PaymentFilter
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
from domain.payment_state import PaymentState
from domain.three_d_secure import ThreeDSecurePolicy
from domain.transaction import TransactionStatus
from tests.fakes.memory_gateway import MemoryGateway

if TYPE_CHECKING:
    from tests.simulation.replica import Command

EVERY_PAYMENT: Final = PaymentFilter()
# The prefix of the order ids of external changes.
EXTERNAL: Final = "outside-"

_CAPTURED: Final = (TransactionStatus.SUBMITTED, TransactionStatus.SETTLING, TransactionStatus.SETTLED)
_NEVER_SENT: Final = (FailureReason.GATEWAY_UNREACHABLE, FailureReason.GATEWAY_REFUSED_CREDENTIALS)
# The states that an operation may have after a caller saw it in this state.
_SUCCESSORS: Final = {
    OperationState.SCHEDULED: set(OperationState) - {OperationState.DECLINED} | {OperationState.DECLINED},
    OperationState.STARTED: set(OperationState),
    OperationState.SUCCEEDED: {OperationState.SUCCEEDED},
    OperationState.DECLINED: {OperationState.DECLINED},
    OperationState.FAILED: {OperationState.FAILED},
}

History = tuple[Payment, list[PaymentEvent]]


class InvariantViolated(AssertionError):
    """An invariant is violated."""

    def __init__(self, invariant: int, message: str) -> None:
        super().__init__(f"invariant {invariant}: {message}")
        self.invariant = invariant


def expect(invariant: int, holds: bool, message: str) -> None:
    if not holds:
        raise InvariantViolated(invariant, message)


def check(histories: Sequence[History], commands: Sequence[Command], gateway: MemoryGateway) -> None:
    """Check every invariant, after faults have stopped and the resolver has run."""
    payments = [payment for payment, _ in histories]
    for payment, history in histories:
        history_replays(payment, history)
        amounts_never_exceed(history)
        statuses_never_go_back(history)
        outcomes_are_proven(payment, history, gateway)
        authentication_is_enforced(payment, history)
    one_effect_for_each_request(payments, commands, gateway)
    one_live_payment_for_each_reference(payments)
    both_ledgers_agree(payments, gateway)
    each_payment_keeps_its_merchant_account(payments, commands, gateway)
    nothing_stays_open(payments)


def check_restored(histories: Sequence[History], gateway: MemoryGateway) -> None:
    """Check the invariants that hold even after the database was restored from an earlier backup."""
    for payment, history in histories:
        history_replays(payment, history)
    one_effect_for_each_operation(gateway)
    nothing_stays_open([payment for payment, _ in histories])


# Invariant 1: one effect.


def one_effect_for_each_operation(gateway: MemoryGateway) -> None:
    for operation_id, count in Counter(effect.operation_id for effect in gateway.effects).items():
        expect(1, count == 1, f"{operation_id} took effect {count} times")


def one_effect_for_each_request(
    payments: Sequence[Payment], commands: Sequence[Command], gateway: MemoryGateway
) -> None:
    one_effect_for_each_operation(gateway)
    effects = defaultdict(list)
    requests = {o.operation_id: o.request_id for payment in payments for o in payment.operations}
    for effect in gateway.effects:
        effects[requests.get(effect.operation_id)].append(effect)
    for command in commands:
        own = effects.get(command.request_id, [])  # type: ignore[call-overload]
        if not isinstance(command, RefundPaymentCommand):
            expect(1, len(own) <= 1, f"{command.request_id} took effect {len(own)} times")
        elif command.amount is not None:
            returned = sum(effect.amount.minor_units for effect in own)
            expect(1, returned <= command.amount.minor_units, f"{command.request_id} refunded {returned}")
        if isinstance(command, CreatePaymentCommand):
            made = [p for p in payments if p.operations[0].request_id == command.request_id]
            expect(1, len(made) <= 1, f"{command.request_id} made {len(made)} payments")


def one_live_payment_for_each_reference(payments: Sequence[Payment]) -> None:
    # An external capture before a void of ours cannot be prevented, so payments with external operations do not count.
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


# Invariant 2: both ledgers agree.


def each_payment_keeps_its_merchant_account(
    payments: Sequence[Payment], commands: Sequence[Command], gateway: MemoryGateway
) -> None:
    """Every authorization that reached the gateway named the account that the record shows, and so did the caller."""
    chosen = {c.request_id: c.merchant_account_id for c in commands if isinstance(c, CreatePaymentCommand)}
    for payment in payments:
        shown = payment.terms.merchant_account_id
        named = chosen.get(payment.operations[0].request_id)
        expect(2, shown == (named or shown), f"{payment.terms.payment_id} is in the account {shown}, not in {named}")
    accounts = {o.operation_id: payment.terms.merchant_account_id for payment in payments for o in payment.operations}
    for asked in gateway.authorizations:
        sent = asked.merchant_account_id
        recorded = accounts.get(asked.operation_id, sent)
        expect(2, recorded == sent, f"{asked.operation_id} was sent to the account {sent}, not to {recorded}")


def both_ledgers_agree(payments: Sequence[Payment], gateway: MemoryGateway) -> None:
    operations = {o.operation_id: (payment, o) for payment in payments for o in payment.operations}
    undone = _voided_externally(gateway)
    taken_back = _taken_back(payments, gateway)
    visible = {
        t.transaction_id
        for t in gateway.all_transactions()
        if t.order_id in operations or t.standing.status not in _CAPTURED
    }
    done = {(o.kind, o.transaction_id) for _, o in operations.values() if o.state is OperationState.SUCCEEDED}
    for effect in gateway.effects:
        if effect.operation_id.startswith(EXTERNAL):
            # A status shows the change of a sale. A change that was undone before it was seen leaves no trace.
            shows = effect.transaction_id in visible
            expect(2, shows or (effect.kind, effect.transaction_id) in done, f"no record of {effect}")
            continue
        if effect.operation_id.removesuffix("-void") in taken_back:
            continue
        expect(2, effect.operation_id in operations, f"no row explains {effect}")
        _, operation = operations[effect.operation_id]
        if effect.transaction_id in undone and operation.state is OperationState.FAILED:
            continue
        expect(2, operation.state is OperationState.SUCCEEDED, f"{effect} happened, but the record is {operation}")
        expect(2, operation.transaction_id == effect.transaction_id, f"{effect} is recorded elsewhere: {operation}")
    transactions = {t.transaction_id: t for t in gateway.all_transactions()}
    for transaction in transactions.values():
        is_ours = transaction.order_id in operations or transaction.order_id.startswith(EXTERNAL)
        expect(2, is_ours, f"no row explains {transaction}")
    for payment, operation in operations.values():
        if operation.state is OperationState.SUCCEEDED:
            _agrees(payment, operation, transactions.get(operation.transaction_id))
    for payment in payments:
        _adds_up(payment, transactions)


def _taken_back(payments: Sequence[Payment], gateway: MemoryGateway) -> set[str]:
    """The operations that were declined because their authentication failed. Nothing is held of their sales."""
    found = {
        o.operation_id
        for payment in payments
        for o in payment.operations
        if o.state is OperationState.DECLINED and o.details.three_d_secure and o.details.three_d_secure.has_failed
    }
    for transaction in gateway.all_transactions():
        if transaction.order_id in found:
            is_undone = transaction.standing.status in (TransactionStatus.VOIDED, TransactionStatus.DECLINED)
            expect(2, is_undone, f"{transaction} has no authentication, and is not taken back")
    return set(found)


def authentication_is_enforced(payment: Payment, history: Sequence[PaymentEvent]) -> None:
    """No sale that could be voided is recorded as done if its authentication failed, unless it was not wanted."""
    if payment.terms.three_d_secure_policy is ThreeDSecurePolicy.NOT_WANTED:
        return
    for event in history:
        if isinstance(event, OperationSucceeded) and event.standing.status.is_voidable:
            result = event.details.three_d_secure
            expect(2, result is None or not result.has_failed, f"{event.operation_id} has no authentication")


def _voided_externally(gateway: MemoryGateway) -> set[str]:
    """Transactions that were voided externally. An earlier capture of them with a lost answer leaves no trace."""
    effects = gateway.effects
    return {e.transaction_id for e in effects if e.kind is OperationKind.VOID and e.operation_id.startswith(EXTERNAL)}


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
    recorded = (payment.captured_amount.minor_units, payment.refunded_amount.minor_units)
    expect(
        2,
        recorded == (captured, refunded),
        f"{payment.terms.payment_id} says {recorded}, the gateway {captured, refunded}",
    )


_ORDER: Final = {
    TransactionStatus.AUTHORIZING: 0,
    TransactionStatus.AUTHORIZED: 1,
    TransactionStatus.PARTIALLY_CAPTURED: 2,
    TransactionStatus.SUBMITTED: 3,
    TransactionStatus.SETTLING: 4,
    TransactionStatus.SETTLED: 5,
}


def statuses_never_go_back(history: Sequence[PaymentEvent]) -> None:
    """No older answer of the gateway overwrites a newer one."""
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


# Invariant 3: outcomes are true and durable.


def outcomes_are_proven(payment: Payment, history: Sequence[PaymentEvent], gateway: MemoryGateway) -> None:
    undone = _voided_externally(gateway)
    took_effect = {effect.operation_id for effect in gateway.effects if effect.transaction_id not in undone}
    refused = (TransactionStatus.VOIDED, TransactionStatus.DECLINED)
    declined = {
        t.order_id
        for t in gateway.all_transactions()
        if t.decline is not None or (t.details.three_d_secure is not None and t.standing.status in refused)
    }
    captured_externally = {
        effect.transaction_id
        for effect in gateway.effects
        if effect.kind is OperationKind.CAPTURE and effect.operation_id.startswith(EXTERNAL)
    }
    unadjusted = {
        t.transaction_id for t in gateway.all_transactions() if not all(one.succeeded for one in t.adjustments)
    }
    failed: set[OperationId] = set()
    for event in history:
        match event:
            case OperationFailed(operation_id=operation_id):
                failed.add(operation_id)
            case OperationSucceeded(operation_id=operation_id) | OperationDeclined(operation_id=operation_id):
                # A void of somebody else's, after ours was given up, looks as ours would.
                is_ambiguous = payment.operation(operation_id).transaction_id in undone
                expect(3, operation_id not in failed or is_ambiguous, f"{operation_id} was called FAILED, and was not")
    for operation in payment.operations:
        if operation.origin is OperationOrigin.OUTSIDE and operation.kind is OperationKind.CAPTURE:
            is_theirs = operation.transaction_id in captured_externally
            expect(3, is_theirs, f"{operation} is recorded as somebody else's")
        if operation.state is OperationState.FAILED:
            expect(3, operation.operation_id not in took_effect, f"{operation} took effect")
        if operation.state is OperationState.DECLINED and operation.kind is OperationKind.ADJUST:
            expect(3, operation.target_transaction_id in unadjusted, f"no adjustment declined {operation}")
        elif operation.state is OperationState.DECLINED:
            expect(3, operation.operation_id in declined, f"no transaction declined {operation}")


def is_durable(answer: Payment, stored: Payment | None) -> None:
    """An answer contains only operations that are stored."""
    operations_are_kept(answer, stored)


def operations_are_kept(answer: Payment, stored: Payment | None) -> None:
    expect(3, stored is not None, f"{answer.terms.payment_id} was answered, and is gone")
    now = {o.operation_id: o for o in stored.operations} if stored else {}
    for answered in answer.operations:
        expect(3, answered.operation_id in now, f"{answered.operation_id} was answered, and is gone")
        state = now[answered.operation_id].state
        expect(
            3,
            state in _SUCCESSORS[answered.state],
            f"{answered.operation_id}: {answered.state.value} became {state.value}",
        )


def same_payment(before: Payment, after: Payment) -> None:
    expect(1, before.terms == after.terms, f"{before.terms.payment_id} became {after.terms.payment_id}")


def was_requested_in_full(command: Command, answer: Payment) -> None:
    """A refund that was answered OK was requested from the gateway in full, also after a failed first attempt."""
    if not isinstance(command, RefundPaymentCommand) or command.amount is None:
        return
    own = [o for o in answer.operations if o.request_id == command.request_id and o.failure_reason not in _NEVER_SENT]
    asked = sum(o.amount.minor_units for o in own)
    # It can be more than the amount if a refund replaced a void that came too late.
    expect(5, asked >= command.amount.minor_units, f"{asked} was asked for {command}, and the answer was OK")


def was_never_sent(answer: Payment, request_id: str) -> bool:
    """Whether an operation of the request was certainly not sent, or is open, so that a repeat may send it."""
    own = [o for o in answer.operations if o.request_id == request_id]
    return any(o.state.is_open or o.failure_reason in _NEVER_SENT for o in own)


# Invariant 4: amounts stay within their limits.


def amounts_never_exceed(history: Sequence[PaymentEvent]) -> None:
    """When an operation starts, its amount must be available."""
    for count, event in enumerate(history):
        if not isinstance(event, OperationStarted | OperationScheduled):
            continue
        before = Payment.replay(history[:count])
        if any(o.operation_id == event.operation_id for o in before.operations):
            continue
        if event.kind is OperationKind.CAPTURE:
            _within(event, _authorized(before) - _captured(before, counts_open=True, counts_returned=True))
        if event.kind is OperationKind.REFUND:
            _within(event, _captured(before) - _refunded(before))


def _within(event: OperationStarted | OperationScheduled, left: int) -> None:
    expect(4, event.amount.minor_units <= left, f"{event.kind.value} of {event.amount} where {left} is left")


def _authorized(payment: Payment) -> int:
    """The authorized amount as it was changed last."""
    kinds = (OperationKind.AUTHORIZE, OperationKind.ADJUST)
    amounts = [
        o.amount.minor_units for o in payment.operations if o.kind in kinds and o.state is OperationState.SUCCEEDED
    ]
    return amounts[-1] if amounts else 0


def _captured(payment: Payment, *, counts_open: bool = False, counts_returned: bool = False) -> int:
    total = 0
    seen = set()
    # A capture is later than an adjustment of the hold, whichever was recorded first.
    by_effect = sorted(payment.operations, key=lambda o: o.kind is OperationKind.CAPTURE)
    for operation in reversed(by_effect):
        if operation.kind is OperationKind.CAPTURE and operation.state is OperationState.STARTED and counts_open:
            total += operation.amount.minor_units
        is_sale = operation.kind in (OperationKind.AUTHORIZE, OperationKind.ADJUST, OperationKind.CAPTURE)
        if not is_sale or operation.standing is None or operation.transaction_id in seen:
            continue
        seen.add(operation.transaction_id)
        returned = counts_returned and operation.kind is OperationKind.CAPTURE
        if operation.standing.status in _CAPTURED or returned:
            total += operation.amount.minor_units
    return total


def _refunded(payment: Payment) -> int:
    """The amount of refunds that succeeded or are open, and of voids under way."""
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


# Invariant 5: nothing stays open.


def state_is_explained(answer: Payment) -> None:
    if any(o.state.is_open for o in answer.operations):
        expect(5, answer.next_check_time is not None, f"{answer.terms.payment_id} is open, and nobody will look")


def nothing_stays_open(payments: Sequence[Payment]) -> None:
    for payment in payments:
        for operation in payment.operations:
            expect(5, not operation.state.is_open, f"{operation} is never resolved")


# Invariant 6: the history explains the payment.


def history_replays(payment: Payment, history: Sequence[PaymentEvent]) -> None:
    replayed = Payment.replay(history)
    expect(6, replayed == payment, f"the history of {payment.terms.payment_id} adds up to something else")
    expect(6, replayed.state is payment.state, f"{payment.terms.payment_id}: {replayed.state} is not {payment.state}")
