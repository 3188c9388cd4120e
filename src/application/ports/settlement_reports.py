"""Port for the gateway's own books: its settlement batches and its payouts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from application.ports.gateway import Transaction, TransactionKind, Unreadable
from domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTotal:
    """The settled transactions of one kind, merchant account and day, as the gateway adds them up."""

    merchant_account_id: str
    kind: TransactionKind
    count: int
    amount: Money


class SettlementReports(Protocol):
    """Every call raises GatewayUnavailable, also during iteration. Unreadable transactions do not hide the others."""

    def batch_totals(self, day: date) -> Sequence[BatchTotal]:
        """The settlement batches of a day, by the gateway's calendar. Every client of the merchant is in them."""

    def transactions_in_batches(self, day: date) -> Iterator[Transaction | Unreadable]:
        """The transactions of the day's settlement batches, unordered."""

    def transactions_paid_out(self, day: date) -> Iterator[Transaction | Unreadable]:
        """The transactions that were paid out, or deducted from a payout, on the day, unordered."""
