"""The transactions of the gateway in memory, with their past for lagging searches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from threading import RLock
from typing import Final

from application.ports.gateway import Approved, Declined, Outcome, Transaction, TransactionKind, Unreadable
from application.ports.runtime import Clock
from application.ports.settlement_reports import BatchTotal
from domain.decline import CATALOGUE, Decline, DeclineReason
from domain.ids import OperationId
from domain.instrument import Instrument, InstrumentKind
from domain.money import Money
from domain.operation import OperationKind
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from tests.fakes.gateway.answers import whole_units

AUTHORIZATION_LIFETIME: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Effect:
    """A movement of money at the gateway, with the operation that requested it."""

    operation_id: OperationId
    kind: OperationKind
    transaction_id: str
    amount: Money


class Ledger:
    """Transactions with every past version. Searches show the state of `search_lag` ago, a look-up by id the latest."""

    def __init__(self, clock: Clock, *, search_lag: timedelta = timedelta()) -> None:
        self.clock = clock
        self.search_lag = search_lag
        self.effects: list[Effect] = []
        # Unreadable transactions that a search by time also returns.
        self.unreadable: list[Unreadable] = []
        self._lock = RLock()
        # Each transaction's versions with their times; the last one is the latest.
        self._transactions: dict[str, list[tuple[datetime, Transaction]]] = {}
        self._expected_declines: set[str] = set()

    def find_transaction(self, transaction_id: str) -> Transaction | None:
        with self._lock:
            return self._latest(transaction_id) if transaction_id in self._transactions else None

    def find_transactions(self, transaction_ids: Sequence[str]) -> list[Transaction]:
        return [found for found in self._search() if found.transaction_id in transaction_ids]

    def find_by_operation(self, operation_id: OperationId) -> list[Transaction]:
        return [found for found in self._search() if found.order_id == operation_id]

    def transactions_created(self, start: datetime, end: datetime) -> Iterator[Transaction | Unreadable]:
        yield from self.unreadable
        yield from [found for found in self._search() if start <= found.create_time < end]

    def batch_totals(self, day: date) -> list[BatchTotal]:
        groups: dict[tuple[str, TransactionKind], list[Money]] = {}
        for found in self.all_transactions():
            if _batch_day(found) == day:
                groups.setdefault((found.merchant_account_id, found.kind), []).append(found.amount)
        return [
            BatchTotal(
                merchant_account_id=account_id,
                kind=kind,
                count=len(amounts),
                amount=Money.total(amounts, amounts[0].currency_code),
            )
            for (account_id, kind), amounts in groups.items()
        ]

    def transactions_in_batches(self, day: date) -> Iterator[Transaction | Unreadable]:
        yield from [found for found in self._search() if _batch_day(found) == day]

    def transactions_paid_out(self, day: date) -> Iterator[Transaction | Unreadable]:
        yield from [found for found in self._search() if found.standing.disburse_date == day]

    def pay_out(self, *transaction_ids: str) -> None:
        """Pay the given settled transactions out, or all that were not yet."""
        with self._lock:
            for found in self.all_transactions():
                standing = found.standing
                is_due = standing.status is TransactionStatus.SETTLED and standing.disburse_date is None
                if is_due and (not transaction_ids or found.transaction_id in transaction_ids):
                    paid = replace(standing, disburse_date=self.clock.now().date(), settlement_amount=found.amount)
                    self._change(found, standing=paid)

    def add_external_sale(self, order_id: str, amount: Money) -> Transaction:
        """Add a sale of another system on the same merchant account, without the deployment's mark."""
        with self._lock:
            return self._add(
                order_id=order_id,
                kind=TransactionKind.SALE,
                amount=amount,
                status=TransactionStatus.SUBMITTED,
                is_marked=False,
            )

    def all_transactions(self) -> list[Transaction]:
        """The latest version of every transaction."""
        with self._lock:
            return [self._latest(transaction_id) for transaction_id in self._transactions]

    def _search(self) -> list[Transaction]:
        shown_until = self.clock.now() - self.search_lag
        with self._lock:
            indexed = ([shown for time, shown in past if time <= shown_until] for past in self._transactions.values())
            return [past[-1] for past in indexed if past]

    # Changes with time

    def settle(self, *transaction_ids: str) -> None:
        """Run the settlement batch for the given transactions, or for all."""
        self._change_status(
            {TransactionStatus.SUBMITTED, TransactionStatus.SETTLING}, TransactionStatus.SETTLED, transaction_ids
        )

    def confirm_settlement(self, *transaction_ids: str) -> None:
        """Settle transactions whose settlement is pending, as the payer's bank does."""
        self._change_status({TransactionStatus.SETTLEMENT_PENDING}, TransactionStatus.SETTLED, transaction_ids)

    def begin_settling(self, *transaction_ids: str) -> None:
        self._change_status({TransactionStatus.SUBMITTED}, TransactionStatus.SETTLING, transaction_ids)

    def expire(self, *transaction_ids: str) -> None:
        """Expire authorizations."""
        self._change_status({TransactionStatus.AUTHORIZED}, TransactionStatus.EXPIRED, transaction_ids)

    def decline_settlement(self, *transaction_ids: str) -> None:
        unsettled = {TransactionStatus.SUBMITTED, TransactionStatus.SETTLING}
        self._change_status(unsettled, TransactionStatus.SETTLEMENT_DECLINED, transaction_ids)

    def leave_authorizing(self, transaction_id: str) -> None:
        """Set a transaction back to AUTHORIZING, as with a slow bank."""
        with self._lock:
            found = self._latest(transaction_id)
            self._change(found, standing=replace(found.standing, status=TransactionStatus.AUTHORIZING))

    def _change_status(self, before: set[TransactionStatus], after: TransactionStatus, only: tuple[str, ...]) -> None:
        with self._lock:
            for found in self.all_transactions():
                if found.standing.status not in before or (only and found.transaction_id not in only):
                    continue
                status = after
                if after is TransactionStatus.SETTLED and found.transaction_id in self._expected_declines:
                    status = TransactionStatus.SETTLEMENT_DECLINED
                if after is TransactionStatus.SETTLED and _stays_pending(found):
                    status = TransactionStatus.SETTLEMENT_PENDING
                standing = replace(found.standing, status=status)
                if status is TransactionStatus.SETTLED:
                    now = self.clock.now()
                    batch_id = f"{now:%Y-%m-%d}_{found.merchant_account_id}_1"
                    standing = replace(standing, settle_time=now, settlement_batch_id=batch_id)
                decline = found.decline
                if status is TransactionStatus.SETTLEMENT_DECLINED:
                    decline = CATALOGUE[DeclineReason.SETTLEMENT_DECLINED]
                self._change(found, standing=standing, decline=decline)

    # Storage

    def _add(
        self,
        *,
        order_id: str,
        kind: TransactionKind,
        amount: Money,
        status: TransactionStatus,
        decline: Decline | None = None,
        instrument: Instrument | None = None,
        token: str = "",
        refunded_transaction_id: str = "",
        authorized_transaction_id: str = "",
        is_marked: bool = True,
        merchant_account_id: str = "",
        details: GatewayDetails = GatewayDetails(),
    ) -> Transaction:
        now = self.clock.now()
        transaction_id = f"bt{len(self._transactions) + 1}"
        expires = now + AUTHORIZATION_LIFETIME if status is TransactionStatus.AUTHORIZED else None
        added = Transaction(
            transaction_id=transaction_id,
            order_id=order_id,
            kind=kind,
            amount=amount,
            standing=TransactionSnapshot(status, authorization_expire_time=expires),
            create_time=now,
            details=replace(details, transaction_id=transaction_id, status=status.value),
            instrument=instrument,
            decline=decline,
            token=token,
            refunded_transaction_id=refunded_transaction_id,
            authorized_transaction_id=authorized_transaction_id,
            is_marked=is_marked,
            merchant_account_id=merchant_account_id or f"memory_{amount.currency_code.lower()}",
        )
        self._transactions[transaction_id] = [(now, added)]
        if whole_units(amount) == 4001 and kind is TransactionKind.SALE:
            self._expected_declines.add(transaction_id)
        return added

    def _change(self, transaction: Transaction, **changes: object) -> None:
        changed = replace(transaction, **changes)  # type: ignore[arg-type]
        changed = replace(changed, details=replace(changed.details, status=changed.standing.status.value))
        self._transactions[transaction.transaction_id].append((self.clock.now(), changed))

    def _latest(self, transaction_id: str) -> Transaction:
        return self._transactions[transaction_id][-1][1]

    def _answer_new(self, added: Transaction, operation_id: OperationId, kind: OperationKind) -> Outcome:
        if added.decline is not None:
            return Declined(decline=added.decline, details=added.details, instrument=added.instrument)
        return self._approve(added.transaction_id, operation_id, kind, added.amount)

    def _approve(self, transaction_id: str, operation_id: OperationId, kind: OperationKind, amount: Money) -> Approved:
        self.effects.append(Effect(operation_id, kind, transaction_id, amount))
        return Approved(self._latest(transaction_id))


def _batch_day(found: Transaction) -> date | None:
    if found.standing.status is not TransactionStatus.SETTLED:
        return None
    return date.fromisoformat(found.standing.settlement_batch_id.partition("_")[0])


def _stays_pending(sale: Transaction) -> bool:
    """Whether the batch leaves the settlement pending: a trigger amount paid by PayPal."""
    by_paypal = sale.instrument is not None and sale.instrument.kind is InstrumentKind.PAYPAL
    waits = sale.standing.status is TransactionStatus.SETTLEMENT_PENDING
    return by_paypal and not waits and whole_units(sale.amount) == 4002
