"""Finds the lost outcome of an operation at the gateway."""

from typing import assert_never

from application.payments.lost_adjustment import find_adjustment
from application.payments.record_outcome import outcome_of
from application.ports.gateway import Approved, Gateway, Outcome, Rejected, Transaction, TransactionKind
from domain.operation import Operation, OperationKind
from domain.payment import Payment
from domain.transaction import TransactionStatus


def find_lost_outcome(gateway: Gateway, payment: Payment, operation: Operation) -> Outcome | None:
    """The gateway's outcome of the payment's operation, or None: it is not found, and may be on its way.

    An operation with a transaction of its own is found by its operation id. A whole capture, a void and an adjustment
    show on their target transaction. Raises GatewayUnavailable.
    """
    match operation.kind:
        case OperationKind.AUTHORIZE:
            return find_own_transaction(gateway, operation, TransactionKind.SALE)
        case OperationKind.REFUND:
            return find_own_transaction(gateway, operation, TransactionKind.CREDIT)
        case OperationKind.CAPTURE if operation.in_part:
            return find_own_transaction(gateway, operation, TransactionKind.SALE)
        case OperationKind.CAPTURE:
            return _on_target(gateway, operation, done=_CAPTURED, undone=_HELD)
        case OperationKind.VOID:
            return _on_target(gateway, operation, done=_VOIDED, undone=_VOIDABLE)
        case OperationKind.ADJUST:
            return find_adjustment(payment, operation, gateway.find_transaction(operation.target_transaction_id))
        case _:
            assert_never(operation.kind)


_CAPTURED = frozenset(status for status in TransactionStatus if status.is_captured) | {
    TransactionStatus.SETTLEMENT_DECLINED
}
_HELD = frozenset({TransactionStatus.AUTHORIZED, TransactionStatus.PARTIALLY_CAPTURED})
_VOIDED = frozenset({TransactionStatus.VOIDED, TransactionStatus.RELEASED})
_VOIDABLE = frozenset(status for status in TransactionStatus if status.is_voidable)


def find_own_transaction(gateway: Gateway, operation: Operation, kind: TransactionKind) -> Outcome | None:
    """The outcome of an operation with a transaction of its own. Raises GatewayUnavailable."""
    found = [t for t in gateway.find_by_operation(operation.operation_id) if t.kind is kind]
    # A part that somebody else captured carries the order id of the whole.
    found = [t for t in found if bool(t.authorized_transaction_id) is operation.in_part]
    found = found or [t for t in _on_parent(gateway, operation) if t.kind is kind]
    # A successful one takes precedence over an earlier decline.
    found.sort(key=lambda transaction: transaction.decline is not None)
    return outcome_of(found[0]) if found else None


def _on_parent(gateway: Gateway, operation: Operation) -> list[Transaction]:
    """The operation's transactions among the parts of its target. Searches lag behind; this read does not."""
    target = operation.target_transaction_id
    parent = gateway.find_transaction(target) if target else None
    if parent is None:
        return []
    named = (gateway.find_transaction(one) for one in (*parent.refund_ids, *parent.partial_settlement_ids))
    return [one for one in named if one is not None and one.order_id == operation.operation_id]


def _on_target(
    gateway: Gateway, operation: Operation, *, done: frozenset[TransactionStatus], undone: frozenset[TransactionStatus]
) -> Outcome | None:
    found = gateway.find_transaction(operation.target_transaction_id)
    if found is None or found.standing.status in undone:
        return None
    # A whole capture sets the amount: with another one, somebody else captured it.
    is_its_own = operation.kind is not OperationKind.CAPTURE or found.amount == operation.amount
    if found.standing.status in done and is_its_own:
        return Approved(found)
    return Rejected(detail=_refusal(found), details=found.details)


def _refusal(transaction: Transaction) -> str:
    return f"the transaction is {transaction.standing.status.value.replace('_', ' ')}"
