"""Compares this service's record with the gateway's over a window of time, each way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from itertools import islice
from typing import Final

from application.checks import Checks
from application.errors import Rule
from application.ports.gateway import Gateway, Outcome, Refund, Rejected, Transaction, TransactionKind, Unknown, Void
from application.ports.runtime import IdSource
from application.ports.store import PaymentOperation, Position, Store
from domain import ids
from domain.ids import OPERATION, OperationId, PaymentId
from domain.money import Money
from domain.operation import OperationKind, OperationState
from domain.transaction import TransactionStatus

LONGEST_WINDOW: Final = timedelta(days=31)
_PAGE: Final = 200
_NO_EFFECT: Final = frozenset(
    {TransactionStatus.DECLINED, TransactionStatus.FAILED, TransactionStatus.VOIDED, TransactionStatus.EXPIRED}
)


class OrphanPolicy(Enum):
    REPORT = "report"
    REVERSE = "reverse"


class FindingKind(Enum):
    ORPHAN = "orphan"
    MISSING_AT_GATEWAY = "missing_at_gateway"
    MISMATCH = "mismatch"
    ORPHAN_REVERSED = "orphan_reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing on which the two records disagree."""

    kind: FindingKind
    summary: str
    payment_id: PaymentId | None = None
    operation_id: OperationId | None = None
    transaction_id: str = ""
    recorded_amount: Money | None = None
    gateway_amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the comparison is."""

    transaction_count: int = 0
    operation_count: int = 0
    finding_count: int = 0
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Reconcile:
    store: Store
    gateway: Gateway
    ids: IdSource

    def __call__(
        self, start: datetime | None, end: datetime | None, policy: OrphanPolicy | None
    ) -> Iterator[Finding | Progress]:
        """Findings as they come up, and progress after each page; the last one is done.

        Raises InvalidRequest at once, GatewayUnavailable and StoreUnavailable on the way.
        """
        checks = Checks()
        if policy is None:
            checks.add("orphan_policy", Rule.KNOWN_VALUE)
        if start is None:
            checks.add("from_time", Rule.REQUIRED)
        if end is None:
            checks.add("until_time", Rule.REQUIRED)
        if start is not None and end is not None:
            if end <= start:
                checks.add("until_time", Rule.AFTER, "from_time")
            elif end - start > LONGEST_WINDOW:
                checks.add("until_time", Rule.MAX_DAYS, LONGEST_WINDOW.days)
        checks.done()
        if start is None or end is None or policy is None:
            raise RuntimeError("a window without a fault is there")
        return self._compare(start, end, policy)

    def _compare(self, start: datetime, end: datetime, policy: OrphanPolicy) -> Iterator[Finding | Progress]:
        progress = Progress()
        transactions = self.gateway.transactions_created(start, end)
        while page := list(islice(transactions, _PAGE)):
            findings = list(self._explain(page, policy))
            yield from findings
            progress = replace(
                progress,
                transaction_count=progress.transaction_count + len(page),
                finding_count=progress.finding_count + len(findings),
            )
            yield progress
        after: Position | None = None
        while True:
            with self.store.read() as work:
                operations = work.payments.succeeded(start, end, after=after, limit=_PAGE)
            findings = list(self._find_missing(operations))
            yield from findings
            is_done = len(operations) < _PAGE
            progress = replace(
                progress,
                operation_count=progress.operation_count + len(operations),
                finding_count=progress.finding_count + len(findings),
                is_done=is_done,
            )
            yield progress
            if is_done:
                return
            last = operations[-1].operation
            after = Position(last.create_time, last.operation_id)

    def _explain(self, page: list[Transaction], policy: OrphanPolicy) -> Iterator[Finding]:
        """What of the gateway's the record does not explain, or tells otherwise."""
        with self.store.read() as work:
            known = work.payments.find_operations(
                [t.order_id for t in page if ids.is_id(t.order_id, OPERATION)],
                [one for t in page for one in (t.transaction_id, t.refunded_transaction_id) if one],
            )
        explained = {one.operation.transaction_id for one in known}
        for transaction in page:
            own = [
                one
                for one in known
                if transaction.transaction_id == one.operation.transaction_id
                or transaction.order_id == one.operation.operation_id
            ]
            # The latest on the transaction tells how much of it is taken now.
            own = [one for one in own if one.operation.kind is not OperationKind.VOID] or own
            gives_back = transaction.kind is TransactionKind.CREDIT and not own
            # What gives an orphan back is no orphan: reversing it would take the money again.
            if not gives_back or transaction.refunded_transaction_id in explained:
                yield from self._judge(transaction, own[-1] if own else None, policy)

    def _judge(self, transaction: Transaction, own: PaymentOperation | None, policy: OrphanPolicy) -> Iterator[Finding]:
        had_effect = transaction.decline is None and transaction.standing.status not in _NO_EFFECT
        state = own.operation.state if own else None
        if own is not None and state is OperationState.SUCCEEDED:
            latest = own.payment.latest_on(transaction.transaction_id)
            if latest is not None and latest.amount != transaction.amount:
                yield _finding(FindingKind.MISMATCH, transaction, own, "The amounts differ.")
            elif latest is None or latest.standing is None or latest.standing.status != transaction.standing.status:
                yield _finding(
                    FindingKind.MISMATCH,
                    transaction,
                    own,
                    f"The record says {latest.standing.status.value if latest and latest.standing else 'nothing'}, "
                    f"the gateway {transaction.standing.status.value}. VerifyPayment mends it.",
                )
        elif own is not None and state is OperationState.STARTED:
            yield _finding(FindingKind.MISMATCH, transaction, own, "The outcome is not recorded yet; it soon will be.")
        elif had_effect:
            yield self._orphan(transaction, own, policy)

    def _orphan(self, transaction: Transaction, own: PaymentOperation | None, policy: OrphanPolicy) -> Finding:
        why = "No operation of this service explains it."
        if own is not None:
            why = f"The operation that asked for it is {own.operation.state.value}."
        found = _finding(FindingKind.ORPHAN, transaction, own, why)
        if policy is OrphanPolicy.REPORT:
            return found
        if not transaction.is_marked:
            # Others may use the same merchant account. What this deployment did not ask for is not its to reverse.
            return replace(found, summary=f"{why} Its order id is not this deployment's: left alone.")
        outcome = self._reverse(transaction)
        match outcome:
            case Unknown(detail):
                return replace(found, summary=f"{why} Reversing it had no clear answer ({detail}): reconcile again.")
            case Rejected(detail=detail):
                return replace(found, summary=f"{why} The gateway refused to reverse it: {detail}.")
            case _:
                return replace(found, kind=FindingKind.ORPHAN_REVERSED, summary=f"{why} It was given back.")

    def _reverse(self, transaction: Transaction) -> Outcome:
        operation_id = OperationId(self.ids.new(OPERATION))
        if transaction.kind is TransactionKind.CREDIT and not transaction.standing.status.is_voidable:
            return Rejected(detail="a refund that has settled cannot be taken back")
        if transaction.standing.status.is_voidable:
            return self.gateway.void(Void(operation_id=operation_id, transaction_id=transaction.transaction_id))
        if transaction.standing.status.is_refundable:
            return self.gateway.refund(
                Refund(operation_id=operation_id, transaction_id=transaction.transaction_id, amount=transaction.amount)
            )
        return Rejected(detail=f"it is {transaction.standing.status.value}")

    def _find_missing(self, operations: list[PaymentOperation]) -> Iterator[Finding]:
        """What the record has and the gateway does not know at all."""
        wanted = sorted({one.operation.transaction_id for one in operations})
        known = {t.transaction_id for t in self.gateway.find_transactions(wanted)} if wanted else set()
        for one in operations:
            if one.operation.transaction_id not in known:
                yield Finding(
                    kind=FindingKind.MISSING_AT_GATEWAY,
                    summary="The record has an effect that the gateway does not know.",
                    payment_id=one.payment.terms.payment_id,
                    operation_id=one.operation.operation_id,
                    transaction_id=one.operation.transaction_id,
                    recorded_amount=one.operation.amount,
                )


def _finding(kind: FindingKind, transaction: Transaction, own: PaymentOperation | None, summary: str) -> Finding:
    return Finding(
        kind=kind,
        summary=summary,
        payment_id=own.payment.terms.payment_id if own else None,
        operation_id=own.operation.operation_id if own else None,
        transaction_id=transaction.transaction_id,
        recorded_amount=own.operation.amount if own else None,
        gateway_amount=transaction.amount,
    )
