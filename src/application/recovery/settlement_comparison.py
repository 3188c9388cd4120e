"""The results of comparing the ledger of movements with the gateway's settlement batches and payouts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from application.ports.gateway import TransactionKind
from application.recovery.reconciliation_findings import Remedy
from domain.ids import PaymentId
from domain.money import Money


class Stage(Enum):
    # Compared with the gateway's settlement batches.
    SETTLEMENT = "settlement"
    # Compared with the gateway's disbursements.
    PAYOUT = "payout"


class DifferenceKind(Enum):
    # The gateway has moved the money of a recorded payment, and the record does not show it yet.
    NOT_RECORDED_YET = "not_recorded_yet"
    # Both have it, under different days.
    OTHER_DAY = "other_day"
    AMOUNT_DIFFERS = "amount_differs"
    # Both have it, under different merchant accounts.
    OTHER_MERCHANT_ACCOUNT = "other_merchant_account"
    # This deployment made it, and no record explains it.
    UNKNOWN_HERE = "unknown_here"
    # Somebody else made it on the same merchant account.
    FOREIGN = "foreign"
    UNKNOWN_AT_GATEWAY = "unknown_at_gateway"
    # The gateway knows the transaction, and does not show the movement that the record has.
    NOT_AT_GATEWAY = "not_at_gateway"
    UNREADABLE = "unreadable"
    # The sums differ, and no transaction explains it.
    UNEXPLAINED = "unexplained"

    @property
    def is_explained(self) -> bool:
        """Nothing remains to be done about it."""
        return self in _EXPLAINED


_EXPLAINED: Final = frozenset({DifferenceKind.FOREIGN, DifferenceKind.OTHER_DAY})


@dataclass(frozen=True, slots=True)
class Group:
    """The movements that are added up together."""

    day: date
    stage: Stage
    merchant_account_id: str
    # Of sales, or of refunds.
    kind: TransactionKind
    currency_code: str


@dataclass(frozen=True, slots=True)
class Sum:
    count: int = 0
    minor_units: int = 0

    def plus(self, amount: Money, count: int = 1, *, sign: int = 1) -> "Sum":
        return Sum(self.count + sign * count, self.minor_units + sign * amount.minor_units)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTotals:
    """The sums of one group. The amounts are positive."""

    group: Group
    recorded: Sum
    at_gateway: Sum

    @property
    def recorded_amount(self) -> Money:
        return Money(self.recorded.minor_units, self.group.currency_code)

    @property
    def gateway_amount(self) -> Money:
        return Money(self.at_gateway.minor_units, self.group.currency_code)

    @property
    def agrees(self) -> bool:
        return self.recorded == self.at_gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementDifference:
    """One transaction that one of the two has, or that they have differently."""

    kind: DifferenceKind
    group: Group
    summary: str
    remedy: Remedy | None = None
    transaction_id: str = ""
    payment_id: PaymentId | None = None
    recorded_amount: Money | None = None
    gateway_amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One transaction in one of the two books."""

    transaction_id: str
    day: date
    merchant_account_id: str
    kind: TransactionKind
    amount: Money
    # Of a payout: the amount in the currency of the merchant's account, if it is known.
    payout_amount: Money | None = None
    payment_id: PaymentId | None = None
    # -1: it takes an earlier entry of the transaction back.
    sign: int = 1

    def group(self, stage: Stage) -> Group:
        return Group(self.day, stage, self.merchant_account_id, self.kind, self.amount.currency_code)


def sums_of(entries: Iterable[Entry], stage: Stage) -> dict[Group, Sum]:
    sums: dict[Group, Sum] = {}
    for entry in entries:
        group = entry.group(stage)
        sums[group] = sums.get(group, Sum()).plus(entry.amount, sign=entry.sign)
    return {group: each for group, each in sums.items() if each != Sum()}
