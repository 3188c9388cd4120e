"""Matches the gateway's transactions with recorded operations, and reports each mismatch and orphan."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from application.payments.disputed_amounts import with_latest_claims
from application.payments.verify_payment import differences_on
from application.ports.gateway import Transaction, TransactionKind, Unreadable
from application.ports.store import PaymentOperation, Store, UnitOfWork
from application.recovery.reconciliation_findings import Finding, FindingKind, Orphan, Remedy, finding
from domain import ids
from domain.ids import OPERATION
from domain.operation import OperationKind, OperationState
from domain.transaction import TransactionStatus

_NO_EFFECT = frozenset(
    {TransactionStatus.DECLINED, TransactionStatus.FAILED, TransactionStatus.VOIDED, TransactionStatus.EXPIRED}
)


@dataclass(frozen=True, slots=True)
class ExplainTransactions:
    store: Store

    def __call__(self, page: Sequence[Transaction | Unreadable]) -> list[Finding | Orphan]:
        """The transactions that the record does not explain, or shows differently. Raises StoreUnavailable."""
        with self.store.read() as work:
            known = work.payments.find_operations(
                [one.order_id for one in page if ids.is_id(one.order_id, OPERATION)],
                [name for one in page for name in _transactions_named(one)],
            )
            return list(_Record(work, known).judge(page))


def _transactions_named(one: Transaction | Unreadable) -> Iterator[str]:
    yield one.transaction_id
    if isinstance(one, Transaction):
        yield from (name for name in (one.refunded_transaction_id, one.authorized_transaction_id) if name)


class _Record:
    """The recorded operations of some transactions."""

    def __init__(self, work: UnitOfWork, known: Iterable[PaymentOperation]) -> None:
        self._work = work
        self._by_transaction: dict[str, PaymentOperation] = {}
        self._by_operation: dict[str, PaymentOperation] = {}
        for one in known:
            self._by_operation[one.operation.operation_id] = one
            if one.operation.state is OperationState.SUCCEEDED and one.operation.kind is not OperationKind.VOID:
                # The latest operation on the transaction shows its present amount.
                self._by_transaction[one.operation.transaction_id] = one

    def judge(self, page: Iterable[Transaction | Unreadable]) -> Iterator[Finding | Orphan]:
        for one in page:
            found = self._unreadable(one) if isinstance(one, Unreadable) else self._judge(one)
            if found is not None:
                yield found

    def _unreadable(self, one: Unreadable) -> Finding:
        own = self._by_transaction.get(one.transaction_id) or self._by_operation.get(one.order_id)
        return Finding(
            kind=FindingKind.UNREADABLE,
            summary=f"The transaction cannot be read: {one.detail}. No call corrects it: see the control panel.",
            payment_id=own.payment.terms.payment_id if own else None,
            operation_id=own.operation.operation_id if own else None,
            transaction_id=one.transaction_id,
            recorded_amount=own.operation.amount if own else None,
        )

    def _judge(self, transaction: Transaction) -> Finding | Orphan | None:
        recorded = self._by_transaction.get(transaction.transaction_id)
        if recorded is not None:
            return self._compare(transaction, recorded)
        asked = self._by_operation.get(transaction.order_id)
        if asked is not None and _makes(asked, transaction):
            return _of_operation(transaction, asked)
        if not _had_effect(transaction):
            return None
        sale = self._by_transaction.get(transaction.refunded_transaction_id or transaction.authorized_transaction_id)
        if sale is not None:
            why = "The record does not have this part of the payment. VerifyPayment records it."
            return _mismatch(transaction, sale, why, Remedy.VERIFY_PAYMENT)
        # A refund of an orphan is handled with the orphan.
        return None if transaction.kind is TransactionKind.CREDIT else _unexplained(transaction)

    def _compare(self, transaction: Transaction, recorded: PaymentOperation) -> Finding | None:
        """Finds a difference exactly where VerifyPayment would, so that VerifyPayment repairs each finding."""
        latest = recorded.payment.latest_on(transaction.transaction_id)
        if latest is None or not any(differences_on(latest, transaction)):
            return None
        differences = list(differences_on(latest, with_latest_claims(self._work, transaction)))
        if not differences:
            return None
        facts = ", ".join(f"{one.field} {one.recorded}, at the gateway {one.at_gateway}" for one in differences)
        return _mismatch(
            transaction, recorded, f"The record says {facts}. VerifyPayment corrects it.", Remedy.VERIFY_PAYMENT
        )


def _unexplained(sale: Transaction) -> Finding | Orphan:
    if not sale.is_marked:
        why = "Its order id is not this deployment's: somebody else made it, and it is never reversed."
        return finding(FindingKind.FOREIGN, sale, None, why, None)
    why = "This deployment made it, and no operation explains it. Reconcile with REVERSE gives it back."
    return Orphan(finding(FindingKind.ORPHAN, sale, None, why, Remedy.REVERSE), sale)


def _of_operation(transaction: Transaction, asked: PaymentOperation) -> Finding | Orphan | None:
    """Judges a transaction that an operation requested, but that is not recorded as its outcome."""
    operation_id, state = asked.operation.operation_id, asked.operation.state
    if state.is_open:
        why = f"The outcome of {operation_id} is not recorded yet. ResolveOperation with CHECK_NOW records it."
        return _mismatch(transaction, asked, why, Remedy.CHECK_NOW)
    if not _had_effect(transaction):
        return None
    if state is OperationState.SUCCEEDED:
        why = (
            f"It is a second transaction of {operation_id}, which is recorded as {asked.operation.transaction_id}. "
            "Reconcile with REVERSE gives it back."
        )
    else:
        why = (
            f"{operation_id}, which asked for it, is recorded as {state.value}. VerifyPayment records it where the "
            "payment can still be taken, Reconcile with REVERSE gives it back."
        )
    return Orphan(finding(FindingKind.ORPHAN, transaction, asked, why, Remedy.REVERSE), transaction)


def _makes(asked: PaymentOperation, transaction: Transaction) -> bool:
    """Whether the operation makes transactions of this kind. A refund made elsewhere carries its sale's order id."""
    match asked.operation.kind:
        case OperationKind.AUTHORIZE:
            return transaction.kind is TransactionKind.SALE
        case OperationKind.CAPTURE:
            return transaction.kind is TransactionKind.SALE and asked.operation.in_part
        case OperationKind.REFUND:
            return transaction.kind is TransactionKind.CREDIT
        case OperationKind.VOID | OperationKind.ADJUST:
            return False


def _had_effect(transaction: Transaction) -> bool:
    return transaction.decline is None and transaction.standing.status not in _NO_EFFECT


def _mismatch(transaction: Transaction, own: PaymentOperation, summary: str, remedy: Remedy) -> Finding:
    return finding(FindingKind.MISMATCH, transaction, own, summary, remedy)
