"""This service's side of a comparison of settlements: the ledger's movements by the gateway's days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from application.common.pagination import Position
from application.ports.gateway import TransactionKind
from application.ports.movements import BookedMovement, MovementFilter
from application.ports.store import Store
from application.recovery.settlement_comparison import Entry, Stage
from domain.ids import PaymentId
from domain.merchant_account import MerchantAccounts
from domain.movement import MovementKind

_PAGE: Final = 500
# A batch's date is of the gateway's calendar: a movement's own time, in UTC, can be on a day near it.
_MARGIN: Final = timedelta(days=3)
_SALE, _CREDIT = TransactionKind.SALE, TransactionKind.CREDIT
# The kinds of transactions that move, and whether the movement counts or takes an earlier one back.
_KINDS: Final = {
    Stage.SETTLEMENT: {
        MovementKind.SETTLEMENT: (_SALE, 1),
        MovementKind.REFUND_SETTLEMENT: (_CREDIT, 1),
        MovementKind.SETTLEMENT_REVERSAL: (_SALE, -1),
        MovementKind.REFUND_SETTLEMENT_REVERSAL: (_CREDIT, -1),
    },
    Stage.PAYOUT: {MovementKind.PAYOUT: (_SALE, 1), MovementKind.REFUND_PAYOUT: (_CREDIT, 1)},
}


@dataclass(frozen=True, slots=True)
class SettlementLedger:
    store: Store
    accounts: MerchantAccounts

    def entries(self, start: date, end: date, stage: Stage) -> Iterator[Entry]:
        """The movements of the days from start until before end. Raises StoreUnavailable during iteration."""
        kinds = _KINDS[stage]
        which = MovementFilter(start=_midnight(start) - _MARGIN, end=_midnight(end) + _MARGIN, kinds=frozenset(kinds))
        after: Position | None = None
        while True:
            with self.store.read() as work:
                page = work.movements.page(which, after=after, limit=_PAGE)
            for booked in page.movements:
                if start <= day_of(booked) < end:
                    yield self._entry(booked, *kinds[booked.movement.kind])
            after = page.go_on_after
            if after is None:
                return

    def _entry(self, booked: BookedMovement, kind: TransactionKind, sign: int) -> Entry:
        movement = booked.movement
        code = movement.amount.currency_code
        return Entry(
            transaction_id=movement.transaction_id,
            day=day_of(booked),
            # Versions before did not record it: they used the currency's default.
            merchant_account_id=booked.merchant_account_id or self.accounts.default(code),
            kind=kind,
            sign=sign,
            amount=movement.amount,
            payout_amount=movement.payout_amount,
            payment_id=PaymentId(booked.payment_id),
        )


def day_of(booked: BookedMovement) -> date:
    """The gateway's day: that of the settlement batch, or else of the movement's time in UTC."""
    return batch_day(booked.movement.settlement_batch_id) or booked.movement.time.astimezone(UTC).date()


def batch_day(settlement_batch_id: str) -> date | None:
    """The date with which a batch's id begins, such as 2026-11-30_acme_b0vx27gk. None for any other id."""
    try:
        return date.fromisoformat(settlement_batch_id.partition("_")[0])
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
