"""Explains, transaction by transaction, why the ledger and the gateway's batches or payouts differ."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from application.ports.gateway import Gateway, Transaction, TransactionUnreadable, Unreadable
from application.ports.settlement_reports import SettlementReports
from application.ports.store import PaymentOperation, Store
from application.recovery.reconciliation_findings import Remedy
from application.recovery.settlement_comparison import (
    DifferenceKind,
    Entry,
    Group,
    GroupTotals,
    SettlementDifference,
    Stage,
)
from application.recovery.settlement_ledger import SettlementLedger, batch_day
from domain.operation import OperationKind, OperationState
from domain.transaction import TransactionStatus

# How far from its day the other side may have a transaction.
_NEAR: Final = timedelta(days=14)
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class ExplainSettlements:
    store: Store
    gateway: Gateway
    reports: SettlementReports
    ledger: SettlementLedger

    def __call__(self, day: date, stage: Stage, doubtful: list[GroupTotals]) -> Iterator[SettlementDifference]:
        """The differences of the groups. Where the sums differ and no transaction does, one says so.

        Raises GatewayUnavailable and StoreUnavailable during iteration.
        """
        groups = {one.group for one in doubtful}
        found = list(self._listed(day, stage))
        unreadable = [one for one in found if isinstance(one, Unreadable)]
        shown = {entry.transaction_id: (entry, one) for entry, one in _with_entries(found, stage)}
        recorded = self._recorded(day, stage)
        explained: set[Group] = set()
        for difference in self._differences(stage, groups, recorded, shown):
            other = shown.get(difference.transaction_id)
            # A transaction under another merchant account is in the sums of both.
            explained |= {difference.group} | ({other[0].group(stage)} if other is not None else set())
            yield difference
        for one in unreadable:
            yield _unreadable(one, doubtful[0].group)
        for totals in doubtful:
            if not totals.agrees and totals.group not in explained and not unreadable:
                yield _unexplained(totals)

    def _differences(
        self, stage: Stage, groups: set[Group], recorded: dict[str, Entry], shown: dict[str, tuple[Entry, Transaction]]
    ) -> Iterator[SettlementDifference]:
        missing: list[tuple[Entry, Transaction]] = []
        for transaction_id, (entry, transaction) in shown.items():
            own = recorded.get(transaction_id)
            if own is None and entry.group(stage) in groups:
                missing.append((entry, transaction))
            elif own is not None and groups & {entry.group(stage), own.group(stage)}:
                yield from _compared(own, entry, stage)
        for start in range(0, len(missing), _AT_ONCE):
            yield from self._not_recorded(missing[start : start + _AT_ONCE], stage)
        for transaction_id, own in recorded.items():
            if transaction_id not in shown and own.group(stage) in groups:
                yield self._not_shown(own, stage)

    def _listed(self, day: date, stage: Stage) -> Iterator[Transaction | Unreadable]:
        is_payout = stage is Stage.PAYOUT
        return self.reports.transactions_paid_out(day) if is_payout else self.reports.transactions_in_batches(day)

    def _recorded(self, day: date, stage: Stage) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for entry in self.ledger.entries(day, day + timedelta(days=1), stage):
            if entry.sign > 0:
                entries[entry.transaction_id] = entry
            else:
                entries.pop(entry.transaction_id, None)
        return entries

    def _not_recorded(self, missing: list[tuple[Entry, Transaction]], stage: Stage) -> Iterator[SettlementDifference]:
        """Explains transactions that the gateway shows on the day, and the ledger does not."""
        order_ids = [transaction.order_id for _, transaction in missing if transaction.order_id]
        with self.store.read() as work:
            known = work.payments.find_operations(order_ids, [entry.transaction_id for entry, _ in missing])
        by_transaction = {one.operation.transaction_id: one for one in known if _has_effect(one)}
        by_operation = {one.operation.operation_id: one for one in known}
        elsewhere = self._days_elsewhere([entry for entry, _ in missing], stage)
        for entry, transaction in missing:
            own = by_transaction.get(entry.transaction_id)
            other_day = elsewhere.get(entry.transaction_id)
            if own is not None and other_day is not None:
                yield _other_day(entry, stage, own, f"The ledger has it on {other_day}.")
            elif own is not None:
                why = "The gateway has moved it, and the service has not recorded that yet. VerifyPayment records it."
                yield _of_gateway(entry, stage, DifferenceKind.NOT_RECORDED_YET, why, own, Remedy.VERIFY_PAYMENT)
            elif (asked := by_operation.get(transaction.order_id)) is not None and asked.operation.state.is_open:  # type: ignore[call-overload]
                why = "The outcome of its operation is not recorded yet. ResolveOperation with CHECK_NOW records it."
                yield _of_gateway(entry, stage, DifferenceKind.NOT_RECORDED_YET, why, asked, Remedy.CHECK_NOW)
            elif transaction.is_marked:
                why = "This deployment made it, and no record explains it. Reconcile says more."
                yield _of_gateway(entry, stage, DifferenceKind.UNKNOWN_HERE, why, None, None)
            else:
                why = "Somebody else made it: its order id is not this deployment's."
                yield _of_gateway(entry, stage, DifferenceKind.FOREIGN, why, None, None)

    def _days_elsewhere(self, missing: list[Entry], stage: Stage) -> dict[str, date]:
        """The days under which the ledger has transactions that the gateway shows on another day nearby."""
        wanted, day = {entry.transaction_id for entry in missing}, missing[0].day
        near = self.ledger.entries(day - _NEAR, day + _NEAR, stage)
        return {entry.transaction_id: entry.day for entry in near if entry.transaction_id in wanted}

    def _not_shown(self, own: Entry, stage: Stage) -> SettlementDifference:
        """Explains a movement of the ledger that the gateway does not show on the day."""
        try:
            found = self.gateway.find_transaction(own.transaction_id)
        except TransactionUnreadable:
            why = "The gateway's transaction cannot be read. No call corrects it: see the control panel."
            return _of_ledger(own, stage, DifferenceKind.UNREADABLE, why)
        if found is None:
            why = (
                "The gateway does not know the transaction. Check that BAYAR_BRAINTREE_MERCHANT_ID names the merchant "
                "that it was made with, and ask the gateway."
            )
            return _of_ledger(own, stage, DifferenceKind.UNKNOWN_AT_GATEWAY, why)
        shown = entry_of(found, stage)
        if shown is None:
            why = f"At the gateway it is {found.standing.status.value} now. VerifyPayment records that."
            return _of_ledger(own, stage, DifferenceKind.NOT_AT_GATEWAY, why, Remedy.VERIFY_PAYMENT)
        if shown.day != own.day:
            return _of_ledger(own, stage, DifferenceKind.OTHER_DAY, f"The gateway has it on {shown.day}.")
        why = "The gateway shows it by its id, and not in its list of the day yet. Compare again later."
        return _of_ledger(own, stage, DifferenceKind.NOT_AT_GATEWAY, why)


def entry_of(found: Transaction | Unreadable, stage: Stage) -> Entry | None:
    """The gateway's entry of a transaction. None where it has none in that stage, or cannot be read."""
    if isinstance(found, Unreadable):
        return None
    standing = found.standing
    if stage is Stage.PAYOUT:
        day = standing.disburse_date
    else:
        is_settled = standing.status is TransactionStatus.SETTLED
        settled = standing.settle_time.date() if standing.settle_time else None
        day = (batch_day(standing.settlement_batch_id) or settled) if is_settled else None
    if day is None:
        return None
    return Entry(
        transaction_id=found.transaction_id,
        day=day,
        merchant_account_id=found.merchant_account_id,
        kind=found.kind,
        amount=found.amount,
        payout_amount=standing.settlement_amount if stage is Stage.PAYOUT else None,
    )


def _with_entries(found: Iterable[Transaction | Unreadable], stage: Stage) -> Iterator[tuple[Entry, Transaction]]:
    for one in found:
        entry = entry_of(one, stage)
        if entry is not None and isinstance(one, Transaction):
            yield entry, one


def _has_effect(one: PaymentOperation) -> bool:
    return one.operation.state is OperationState.SUCCEEDED and one.operation.kind is not OperationKind.VOID


def _compared(own: Entry, shown: Entry, stage: Stage) -> Iterator[SettlementDifference]:
    """The difference between the two entries of a transaction on one day."""
    kind = None
    if own.amount != shown.amount:
        kind, why = DifferenceKind.AMOUNT_DIFFERS, "The amounts differ. VerifyPayment corrects the record."
    elif own.payout_amount and shown.payout_amount and own.payout_amount != shown.payout_amount:
        kind = DifferenceKind.AMOUNT_DIFFERS
        why = f"The ledger has a payout of {own.payout_amount}, the gateway of {shown.payout_amount}."
    elif own.merchant_account_id != shown.merchant_account_id:
        kind = DifferenceKind.OTHER_MERCHANT_ACCOUNT
        why = f"The ledger has it under {own.merchant_account_id}, the gateway under {shown.merchant_account_id}."
    if kind is not None:
        yield SettlementDifference(
            kind=kind,
            group=own.group(stage),
            summary=why,
            remedy=Remedy.VERIFY_PAYMENT if kind is DifferenceKind.AMOUNT_DIFFERS else None,
            transaction_id=own.transaction_id,
            payment_id=own.payment_id,
            recorded_amount=own.amount,
            gateway_amount=shown.amount,
        )


def _other_day(entry: Entry, stage: Stage, own: PaymentOperation, why: str) -> SettlementDifference:
    return _of_gateway(entry, stage, DifferenceKind.OTHER_DAY, why, own, None)


def _of_gateway(
    entry: Entry, stage: Stage, kind: DifferenceKind, why: str, own: PaymentOperation | None, remedy: Remedy | None
) -> SettlementDifference:
    return SettlementDifference(
        kind=kind,
        group=entry.group(stage),
        summary=why,
        remedy=remedy,
        transaction_id=entry.transaction_id,
        payment_id=own.payment.terms.payment_id if own else None,
        gateway_amount=entry.amount,
    )


def _of_ledger(
    own: Entry, stage: Stage, kind: DifferenceKind, why: str, remedy: Remedy | None = None
) -> SettlementDifference:
    return SettlementDifference(
        kind=kind,
        group=own.group(stage),
        summary=why,
        remedy=remedy,
        transaction_id=own.transaction_id,
        payment_id=own.payment_id,
        recorded_amount=own.amount,
    )


def _unreadable(one: Unreadable, group: Group) -> SettlementDifference:
    why = f"The transaction cannot be read: {one.detail}. No call corrects it: see the control panel."
    return SettlementDifference(
        kind=DifferenceKind.UNREADABLE, group=group, summary=why, transaction_id=one.transaction_id
    )


def _unexplained(totals: GroupTotals) -> SettlementDifference:
    why = (
        f"The gateway's summary has {totals.gateway_amount} in {totals.at_gateway.count} transactions, the ledger "
        f"{totals.recorded_amount} in {totals.recorded.count}, and the gateway's list of transactions shows no "
        "difference. Its searches lag: compare again later."
    )
    return SettlementDifference(kind=DifferenceKind.UNEXPLAINED, group=totals.group, summary=why)
