"""Checks whether a transaction that an administrator names can be the outcome of an operation."""

from typing import Final

from application.common.errors import ContradictedByGateway
from application.ports.gateway import Transaction, TransactionKind
from application.ports.store import PaymentOperation, UnitOfWork
from domain import ids
from domain.ids import OPERATION
from domain.operation import Operation, OperationKind, OperationState
from domain.payment import Payment
from domain.transaction import TransactionStatus

_ID_LENGTH: Final = len(f"{OPERATION}_") + 26


def must_explain(payment: Payment, operation: Operation, transaction: Transaction | None) -> None:
    """Raises ContradictedByGateway where the transaction does not match the operation."""
    contradiction = _contradiction(payment, operation, transaction)
    if contradiction:
        raise ContradictedByGateway(operation.operation_id, contradiction)


def must_be_free(work: UnitOfWork, asked: PaymentOperation, transaction: Transaction) -> None:
    """Raises ContradictedByGateway where the transaction is recorded for another operation."""
    operation = asked.operation
    # Another administrator may be naming it for another payment at the same time.
    work.payments.claim_transaction(transaction.transaction_id)
    for one in work.payments.find_operations([], [transaction.transaction_id]):
        is_same_payment = one.payment.terms.payment_id == asked.payment.terms.payment_id
        acts_on_it = operation.target_transaction_id == transaction.transaction_id and is_same_payment
        if one.operation.state is OperationState.SUCCEEDED and not acts_on_it:
            raise ContradictedByGateway(
                operation.operation_id,
                f"{_named(transaction)} is recorded for another operation. Name the transaction of this one",
            )


def _contradiction(payment: Payment, operation: Operation, transaction: Transaction | None) -> str:
    if transaction is None:
        return "the gateway knows no such transaction as gateway_transaction_id names"
    named = _named(transaction)
    if transaction.decline is not None:
        return f"{named} was declined: ask with CHECK_NOW, or close the operation with FAILED"
    kind = TransactionKind.CREDIT if operation.kind is OperationKind.REFUND else TransactionKind.SALE
    if transaction.kind is not kind:
        return f"{named} is a {transaction.kind.value}, and the operation makes a {kind.value}"
    if operation.kind is not OperationKind.VOID and transaction.amount != operation.amount:
        return f"{named} is about {transaction.amount}, and the operation about {operation.amount}"
    if _parent_of(operation, transaction) != operation.target_transaction_id:
        return f"{named} does not belong to this payment"
    if _names_another(payment, operation, transaction):
        return f"the order id of {named} names another operation. Name the transaction of this one"
    if not _is_done(operation, transaction):
        return f"{named} is {transaction.standing.status.value}: ask with CHECK_NOW, or close the operation with FAILED"
    return ""


def _parent_of(operation: Operation, transaction: Transaction) -> str:
    """The transaction that the named one belongs to: the target that its operation would have."""
    match operation.kind:
        case OperationKind.REFUND:
            return transaction.refunded_transaction_id
        case OperationKind.AUTHORIZE:
            return transaction.authorized_transaction_id
        case OperationKind.CAPTURE if operation.in_part:
            return transaction.authorized_transaction_id
        case OperationKind.CAPTURE | OperationKind.VOID | OperationKind.ADJUST:
            return transaction.transaction_id


def _names_another(payment: Payment, operation: Operation, transaction: Transaction) -> bool:
    """Whether the order id names another operation, of any deployment."""
    order_id = transaction.order_id
    allowed = {operation.operation_id}
    if operation.target_transaction_id:
        # A whole capture, a void and an adjustment act on another operation's transaction. A refund made elsewhere has
        # its sale's id.
        target = operation.target_transaction_id
        allowed |= {o.operation_id for o in payment.operations if o.transaction_id == target}
    if operation.kind is OperationKind.CAPTURE and operation.in_part:
        allowed = {operation.operation_id}
    return ids.is_id(order_id[-_ID_LENGTH:], OPERATION) and order_id not in allowed


def _is_done(operation: Operation, transaction: Transaction) -> bool:
    status = transaction.standing.status
    match operation.kind:
        case OperationKind.VOID:
            return status is TransactionStatus.VOIDED
        case OperationKind.ADJUST:
            return status is TransactionStatus.AUTHORIZED
        case OperationKind.CAPTURE if not operation.in_part:
            return status.is_captured
        case _:
            return status not in (TransactionStatus.AUTHORIZING, TransactionStatus.FAILED, TransactionStatus.DECLINED)


def _named(transaction: Transaction) -> str:
    return f"gateway_transaction_id {transaction.transaction_id}"
