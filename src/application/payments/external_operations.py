"""Records operations that others made at the gateway: in its control panel, or as another client of the merchant."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from application.ports.gateway import Gateway, Transaction, TransactionKind
from application.ports.runtime import IdSource
from domain.events import CaptureMode, EventContext
from domain.ids import OPERATION, OperationId
from domain.money import Money
from domain.operation import Operation, OperationKind, OperationOrigin, OperationState
from domain.payment import Payment
from domain.transaction import TransactionStatus

# A capture that was refused at settlement was one all the same.
_CAPTURED: Final = frozenset(status for status in TransactionStatus if status.is_captured) | {
    TransactionStatus.SETTLEMENT_DECLINED
}
_NO_EFFECT: Final = frozenset(
    {
        TransactionStatus.AUTHORIZING,
        TransactionStatus.DECLINED,
        TransactionStatus.EXPIRED,
        TransactionStatus.FAILED,
        TransactionStatus.SETTLEMENT_DECLINED,
        TransactionStatus.VOIDED,
    }
)


def unknown_parts(payment: Payment, found: Iterable[Transaction]) -> list[str]:
    """The refunds and partial captures that the transactions list, but no operation of the payment has."""
    known = {operation.transaction_id for operation in payment.operations}
    named = [one for transaction in found for one in (*transaction.refund_ids, *transaction.partial_settlement_ids)]
    return [one for one in dict.fromkeys(named) if one not in known]


def with_unknown_parts(gateway: Gateway, payment: Payment, found: Iterable[Transaction]) -> list[Transaction]:
    """The transactions, and those of their parts that are not recorded. Raises GatewayUnavailable.

    Each part is read by its id, because searches lag. A new part can have refunds of its own. New captures come first,
    because a void of the rest came after them.
    """
    found, asked = list(found), set[str]()
    while unknown := [one for one in unknown_parts(payment, found) if one not in asked]:
        asked.update(unknown)
        parts = (gateway.find_transaction(one) for one in unknown)
        found += [part for part in parts if part is not None]
    return sorted(found, key=lambda one: not (one.transaction_id in asked and one.authorized_transaction_id))


def record_outside(payment: Payment, found: Transaction, context: EventContext, ids: IdSource) -> bool:
    """Records the transaction if it shows an effect of no operation of this service. Returns whether it is new.

    Open operations of ours are left to their resolver: their amounts count already.
    """
    known = payment.latest_on(found.transaction_id)
    if known is None:
        return _record_part(payment, found, context, ids)
    if _is_adjusted(known, found):
        return _record_adjustment(payment, found, context, ids)
    own = _own_change(payment, known, found)
    if own is not None:
        return _succeed_if_given_up(payment, own, found, context)
    kind = _outside_change_of(payment, known, found)
    if kind is None:
        return False
    is_rest = kind is OperationKind.VOID and payment.is_captured_in_part and not known.is_captured_sale
    amount = payment.capturable_amount if is_rest else found.amount
    _record(payment, kind, found, found.transaction_id, context, ids, amount)
    return True


def awaits_outcome(payment: Payment, found: Transaction) -> bool:
    """Whether the outcome of an operation of ours that is under way explains the transaction, or may explain it.

    A whole capture, a void and an adjustment show on their target. They are recorded by their answer or their resolver,
    who knows the amount before an adjustment.
    """
    known = payment.latest_on(found.transaction_id)
    if known is None:
        return False
    under_way = payment.under_way
    if under_way is not None and under_way.kind is OperationKind.ADJUST:
        return under_way.target_transaction_id == found.transaction_id
    own = _own_change(payment, known, found)
    return own is not None and own.state is OperationState.STARTED


def _own_change(payment: Payment, known: Operation, found: Transaction) -> Operation | None:
    """The operation of ours that is under way, or was given up, and whose effect the transaction shows."""
    if known.kind is OperationKind.REFUND or known.standing is None:
        return None
    before, now = known.standing.status, found.standing.status
    kind = None
    if now is TransactionStatus.VOIDED and before.is_voidable:
        kind = OperationKind.VOID
    elif now in _CAPTURED and before is TransactionStatus.AUTHORIZED:
        kind = OperationKind.CAPTURE
    if kind is None:
        return None
    fitting = [o for o in payment.operations if o.kind is kind and _may_have_changed(o, found)]
    # The one under way is the last: nothing starts beside it.
    return fitting[-1] if fitting else None


def _may_have_changed(own: Operation, found: Transaction) -> bool:
    """Whether the operation may have changed the transaction. A whole capture sets its amount."""
    is_given_up = own.failure_reason is not None and own.failure_reason.is_provisional
    if own.in_part or own.target_transaction_id != found.transaction_id:
        return False
    if own.kind is OperationKind.CAPTURE and own.amount != found.amount:
        return False
    return own.state is OperationState.STARTED or is_given_up


def _succeed_if_given_up(payment: Payment, own: Operation, found: Transaction, context: EventContext) -> bool:
    if own.state is OperationState.STARTED:
        return False
    _succeed_after_all(payment, own, found, context)
    return True


def _outside_change_of(payment: Payment, known: Operation, found: Transaction) -> OperationKind | None:
    """The operation by which somebody else changed a transaction of the payment."""
    if known.kind is OperationKind.REFUND or known.standing is None:
        return None
    before, now = known.standing.status, found.standing.status
    if now is TransactionStatus.VOIDED and before.is_voidable:
        return OperationKind.VOID
    is_captured = before is TransactionStatus.AUTHORIZED and now.is_captured
    return OperationKind.CAPTURE if is_captured and payment.terms.capture_mode is CaptureMode.MANUAL else None


def _is_adjusted(known: Operation, found: Transaction) -> bool:
    """Whether the transaction shows another authorized amount than the record, and is not outdated."""
    recorded = known.standing
    return (
        recorded is not None
        and recorded.status is found.standing.status is TransactionStatus.AUTHORIZED
        and not found.standing.precedes(recorded)
        and found.amount != known.amount
    )


def record_last_adjustment(payment: Payment, found: Transaction, context: EventContext, ids: IdSource) -> bool:
    """Records the amount that a hold had at its end, if others changed it before. Returns whether they did.

    The operation that ended it is recorded after this.
    """
    known = payment.latest_on(found.transaction_id)
    ended = found.standing.status in (TransactionStatus.VOIDED, TransactionStatus.EXPIRED)
    if known is None or known.standing is None or not ended or found.amount == known.amount:
        return False
    if known.kind is OperationKind.REFUND or known.standing.status is not TransactionStatus.AUTHORIZED:
        return False
    standing = replace(found.standing, status=TransactionStatus.AUTHORIZED)
    return _record_adjustment(payment, replace(found, standing=standing), context, ids)


def _record_adjustment(payment: Payment, found: Transaction, context: EventContext, ids: IdSource) -> bool:
    """Records the new amount: by our latest adjustment, if it was given up, or else by somebody else."""
    latest = next((o for o in reversed(payment.operations) if o.kind is OperationKind.ADJUST), None)
    reason = latest.failure_reason if latest is not None else None
    if latest is not None and latest.amount == found.amount and reason is not None and reason.is_provisional:
        _succeed_after_all(payment, latest, found, context)
        return True
    _record(payment, OperationKind.ADJUST, found, found.transaction_id, context, ids, found.amount)
    return True


def _succeed_after_all(payment: Payment, own: Operation, found: Transaction, context: EventContext) -> None:
    """The gateway did what our operation requested, although the operation was given up."""
    payment.succeed(
        own.operation_id,
        amount=own.amount if own.kind is OperationKind.VOID else found.amount,
        transaction_id=found.transaction_id,
        standing=found.standing,
        details=found.details,
        context=context,
    )


def _record_part(payment: Payment, found: Transaction, context: EventContext, ids: IdSource) -> bool:
    """Records a refund or partial capture that is not recorded yet."""
    is_refund = found.kind is TransactionKind.CREDIT
    target = found.refunded_transaction_id if is_refund else found.authorized_transaction_id
    has_effect = found.decline is None and found.standing.status not in _NO_EFFECT
    if not has_effect or not target or payment.latest_on(target) is None:
        return False
    kind = OperationKind.REFUND if is_refund else OperationKind.CAPTURE
    own = _own_operation(payment, kind, found)
    if own is not None and own.state.is_open:
        return False
    if own is not None and own.failure_reason is not None and own.failure_reason.is_provisional:
        _succeed_after_all(payment, own, found, context)
        return True
    # This includes a second transaction of one operation, and one of a failed operation: money moved.
    _record(payment, kind, found, target, context, ids, found.amount)
    return True


def _own_operation(payment: Payment, kind: OperationKind, found: Transaction) -> Operation | None:
    """The operation that made it. Others' refunds and parts can carry the sale's order id, so the kinds must match."""
    for operation in payment.operations:
        if operation.operation_id == found.order_id and operation.origin is OperationOrigin.SERVICE:
            return operation if operation.kind is kind else None
    return None


def _record(
    payment: Payment,
    kind: OperationKind,
    found: Transaction,
    target: str,
    context: EventContext,
    ids: IdSource,
    amount: Money,
) -> None:
    payment.record_outside(
        kind,
        OperationId(ids.new(OPERATION)),
        amount=amount,
        transaction_id=found.transaction_id,
        target_transaction_id=target,
        standing=found.standing,
        details=found.details,
        context=context,
    )
