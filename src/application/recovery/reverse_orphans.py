"""Reverses orphans: voids or refunds gateway transactions that no operation explains."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from application.common.lease import Lease, LeasePolicy
from application.ports.gateway import (
    Gateway,
    Outcome,
    Refund,
    Rejected,
    Transaction,
    TransactionKind,
    Unknown,
    Unreadable,
    Void,
)
from application.ports.runtime import IdSource
from application.recovery.reconciliation_findings import Finding, FindingKind, Orphan, Remedy
from domain.ids import OPERATION, OperationId
from domain.money import Money
from domain.transaction import TransactionStatus

_UNDONE = frozenset(
    {
        TransactionStatus.DECLINED,
        TransactionStatus.FAILED,
        TransactionStatus.VOIDED,
        TransactionStatus.EXPIRED,
        TransactionStatus.SETTLEMENT_DECLINED,
    }
)


@dataclass(frozen=True, slots=True)
class ReverseOrphans:
    gateway: Gateway
    ids: IdSource
    leases: LeasePolicy
    explain: Callable[[Sequence[Transaction | Unreadable]], list[Finding | Orphan]]

    def left(self, transaction: Transaction) -> Money:
        """The amount that the transaction still holds: zero once refunded. Raises GatewayUnavailable."""
        if transaction.standing.status is TransactionStatus.PARTIALLY_CAPTURED:
            # Its parts are transactions and orphans of their own. It holds only the rest.
            parts = self._transactions(transaction.partial_settlement_ids)
            return _less(transaction.amount, _total((part.amount for part in parts), transaction.amount))
        return self._unreturned(transaction)

    def __call__(self, orphan: Orphan) -> Finding | None:
        """The result, or the finding that holds now; None where the record explains it by now.

        The record may have learned of it since the first judgement. So it is judged again under the lease that covers
        the reversal: a process that hangs in between sends nothing. Raises GatewayUnavailable where nothing was sent.
        """
        lease = self.leases.begin()
        judged = next(iter(self.explain([orphan.transaction])), None)
        if not isinstance(judged, Orphan):
            return judged
        found, transaction = judged.finding, judged.transaction
        left = orphan.left or transaction.amount
        match self._reverse(transaction, left, lease):
            case Unknown(detail):
                return replace(found, summary=f"Reversing it had no clear answer ({detail}): reconcile again.")
            case Rejected(detail=detail):
                return replace(found, summary=f"It could not be given back: {detail}.", remedy=_otherwise(transaction))
            case _:
                summary = f"{left} were given back."
                return replace(found, kind=FindingKind.ORPHAN_REVERSED, summary=summary, remedy=None)

    def _reverse(self, transaction: Transaction, left: Money, lease: Lease) -> Outcome:
        operation_id, status = OperationId(self.ids.new(OPERATION)), transaction.standing.status
        if status.is_voidable:
            return self.gateway.void(Void(operation_id=operation_id, transaction_id=transaction.transaction_id), lease)
        if transaction.kind is TransactionKind.CREDIT:
            return Rejected(detail="a refund that has settled cannot be taken back. VerifyPayment records it")
        if status.is_refundable:
            return self.gateway.refund(
                Refund(operation_id=operation_id, transaction_id=transaction.transaction_id, amount=left), lease
            )
        return Rejected(detail=f"it is {status.value} now, and can be given back later")

    def _unreturned(self, transaction: Transaction) -> Money:
        if transaction.standing.status in _UNDONE:
            return Money.zero(transaction.amount.currency_code)
        credits = self._transactions(transaction.refund_ids)
        returned = _total((one.amount for one in credits if one.standing.status not in _UNDONE), transaction.amount)
        return _less(transaction.amount, returned)

    def _transactions(self, transaction_ids: Iterable[str]) -> list[Transaction]:
        """Reads them by id: a search may not show a fresh refund yet."""
        found = (self.gateway.find_transaction(one) for one in transaction_ids)
        return [one for one in found if one is not None]


def _otherwise(transaction: Transaction) -> Remedy:
    return Remedy.VERIFY_PAYMENT if transaction.kind is TransactionKind.CREDIT else Remedy.REVERSE


def _total(amounts: Iterable[Money], like: Money) -> Money:
    return Money.total(amounts, like.currency_code)


def _less(amount: Money, taken: Money) -> Money:
    return max(amount - taken, Money.zero(amount.currency_code))
