"""Reconciles this service's record with the gateway's over a time window, in both directions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from itertools import islice
from typing import Final

from application.common.errors import Rule, TooManyOrphans
from application.common.pagination import Position
from application.common.validator import Validator, require_checked
from application.ports.gateway import Gateway, TransactionUnreadable
from application.ports.store import PaymentOperation, Store
from application.recovery.explain_transactions import ExplainTransactions
from application.recovery.reconciliation_findings import Finding, FindingKind, Orphan
from application.recovery.reverse_orphans import ReverseOrphans

LONGEST_WINDOW: Final = timedelta(days=31)
MOST_REVERSALS: Final = 10_000
MOST_CHOSEN: Final = 100
_PAGE: Final = 200
_ORPHANS: Final = frozenset({FindingKind.ORPHAN, FindingKind.ORPHAN_REVERSED})


class OrphanPolicy(Enum):
    REPORT = "report"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileCommand:
    """The comparison to make, unchecked. No policy: the caller sent an unknown one."""

    start: datetime | None
    end: datetime | None
    policy: OrphanPolicy | None = OrphanPolicy.REPORT
    # The maximum of orphans to reverse. If there are more, none is reversed.
    max_reversals: int = 0
    # The gateway's transactions to reverse; the other orphans are reported. Empty: every orphan.
    gateway_transaction_ids: Sequence[str] = ()

    def chooses(self, orphan: Orphan) -> bool:
        """Whether this orphan is to be reversed, where the policy reverses."""
        chosen = self.gateway_transaction_ids
        return orphan.is_reversible and (not chosen or orphan.transaction.transaction_id in chosen)


@dataclass(frozen=True, slots=True)
class Progress:
    transaction_count: int = 0
    operation_count: int = 0
    finding_count: int = 0
    # Orphans that REVERSE can reverse, and those that it reversed.
    orphan_count: int = 0
    reversed_count: int = 0
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Reconcile:
    store: Store
    gateway: Gateway
    explain: ExplainTransactions
    reverse: ReverseOrphans

    def __call__(self, command: ReconcileCommand) -> Iterator[Finding | Progress]:
        """Yields findings as they come up, and progress after each page; the last progress is done.

        Raises InvalidRequest at once, TooManyOrphans before any reversal, GatewayUnavailable and StoreUnavailable
        during iteration.
        """
        validator = Validator()
        if command.policy is None:
            validator.add("orphan_policy", Rule.KNOWN_VALUE)
        if command.start is None:
            validator.add("from_time", Rule.REQUIRED)
        if command.end is None:
            validator.add("until_time", Rule.REQUIRED)
        if command.start is not None and command.end is not None:
            if command.end <= command.start:
                validator.add("until_time", Rule.AFTER, "from_time")
            elif command.end - command.start > LONGEST_WINDOW:
                validator.add("until_time", Rule.MAX_DAYS, LONGEST_WINDOW.days)
        if command.max_reversals < 0:
            validator.add("max_reversals", Rule.NOT_NEGATIVE)
        elif command.max_reversals > MOST_REVERSALS:
            validator.add("max_reversals", Rule.AT_MOST, MOST_REVERSALS)
        elif command.policy is OrphanPolicy.REVERSE and not command.max_reversals:
            validator.add("max_reversals", Rule.REQUIRED)
        if len(command.gateway_transaction_ids) > MOST_CHOSEN:
            validator.add("gateway_transaction_ids", Rule.MAX_ENTRIES, MOST_CHOSEN)
        elif command.gateway_transaction_ids and command.policy is OrphanPolicy.REPORT:
            validator.add("gateway_transaction_ids", Rule.CONTRADICTS, "orphan_policy, which reverses nothing")
        validator.done()
        return self._compare(require_checked(command.start), require_checked(command.end), command)

    def _compare(self, start: datetime, end: datetime, command: ReconcileCommand) -> Iterator[Finding | Progress]:
        most_reversals = command.max_reversals if command.policy is OrphanPolicy.REVERSE else 0
        if most_reversals:
            self._count_first(start, end, command)
        progress = Progress()
        for page_size, judged in self._judged(start, end):
            progress = replace(progress, transaction_count=progress.transaction_count + page_size)
            for one in judged:
                found = one.finding if isinstance(one, Orphan) else one
                if isinstance(one, Orphan) and progress.reversed_count < most_reversals and command.chooses(one):
                    judged_again = self.reverse(one)
                    if judged_again is None:
                        continue
                    found = judged_again
                is_orphan = found.kind in _ORPHANS and isinstance(one, Orphan) and one.is_reversible
                progress = replace(
                    progress,
                    orphan_count=progress.orphan_count + is_orphan,
                    reversed_count=progress.reversed_count + (found.kind is FindingKind.ORPHAN_REVERSED),
                    finding_count=progress.finding_count + 1,
                )
                yield found
            yield progress
        yield from self._find_missing(start, end, progress)

    def _count_first(self, start: datetime, end: datetime, command: ReconcileCommand) -> None:
        """Counts the orphans to be reversed in a dry run. Raises TooManyOrphans."""
        count = 0
        for _, judged in self._judged(start, end):
            count += sum(isinstance(one, Orphan) and command.chooses(one) for one in judged)
        if count > command.max_reversals:
            raise TooManyOrphans(count, command.max_reversals)

    def _judged(self, start: datetime, end: datetime) -> Iterator[tuple[int, list[Finding | Orphan]]]:
        """Yields for each page its number of transactions, and its findings."""
        transactions = self.gateway.transactions_created(start, end)
        while page := list(islice(transactions, _PAGE)):
            yield len(page), self._still_wrong(self.explain(page))

    def _still_wrong(self, judged: list[Finding | Orphan]) -> list[Finding | Orphan]:
        """Drops orphans that were refunded, and adds the remaining amount to the others."""
        wrong: list[Finding | Orphan] = []
        for one in judged:
            if not isinstance(one, Orphan):
                wrong.append(one)
            elif left := self.reverse.left(one.transaction):
                wrong.append(replace(one, left=left))
        return wrong

    def _find_missing(self, start: datetime, end: datetime, progress: Progress) -> Iterator[Finding | Progress]:
        """Finds operations whose transaction the gateway does not know at all."""
        after: Position | None = None
        while not progress.is_done:
            with self.store.read() as work:
                operations = work.payments.succeeded(start, end, after=after, limit=_PAGE)
            findings = list(self._missing(operations))
            yield from findings
            progress = replace(
                progress,
                operation_count=progress.operation_count + len(operations),
                finding_count=progress.finding_count + len(findings),
                is_done=len(operations) < _PAGE,
            )
            yield progress
            if operations:
                last = operations[-1].operation
                after = Position(last.create_time, last.operation_id)

    def _missing(self, operations: list[PaymentOperation]) -> Iterator[Finding]:
        wanted = sorted({one.operation.transaction_id for one in operations})
        found = {t.transaction_id for t in self.gateway.find_transactions(wanted)} if wanted else set()
        for one in operations:
            if one.operation.transaction_id not in found and not self._is_there(one.operation.transaction_id):
                yield Finding(
                    kind=FindingKind.MISSING_AT_GATEWAY,
                    summary="The record has an effect that the gateway does not know. No call corrects it: check that "
                    "BAYAR_BRAINTREE_MERCHANT_ID names the merchant that it was made with, and ask the gateway.",
                    payment_id=one.payment.terms.payment_id,
                    operation_id=one.operation.operation_id,
                    transaction_id=one.operation.transaction_id,
                    recorded_amount=one.operation.amount,
                )

    def _is_there(self, transaction_id: str) -> bool:
        """Whether the gateway shows it by id. Searches lag, and omit unreadable ones."""
        try:
            return self.gateway.find_transaction(transaction_id) is not None
        except TransactionUnreadable:
            return True
