"""Port for the statistics: hourly rollups of payments, disputes and movements of money."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from application.common.pagination import Position
from domain.dispute import Dispute
from domain.ids import CallerId, PaymentId
from domain.money import Money
from domain.movement import MovementKind
from domain.payment_state import PaymentState

# The hour of the totals over all hours, which rollups of movements have as well.
EVERY_HOUR = -1


class Bucket(NamedTuple):
    """The things that are counted together. hour: hours since 1970 in UTC. measure: a stored name."""

    hour: int
    currency_code: str
    measure: str


@dataclass(frozen=True, slots=True)
class Sum:
    """A number of things, and their amounts in minor units."""

    count: int = 0
    minor_units: int = 0

    def plus(self, other: "Sum") -> "Sum":
        return Sum(self.count + other.count, self.minor_units + other.minor_units)

    def minus(self, other: "Sum") -> "Sum":
        return Sum(self.count - other.count, self.minor_units - other.minor_units)


@dataclass(frozen=True, slots=True)
class CountedPayment:
    """The parts of a payment that are counted."""

    payment_id: PaymentId
    caller_id: CallerId
    create_time: datetime
    amount: Money
    state: PaymentState


class CountedMovement(NamedTuple):
    """The parts of a movement that are counted."""

    kind: MovementKind
    time: datetime
    amount: Money


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """Everything that one payment adds to the rollups, as it is now."""

    payment_id: PaymentId
    caller_id: CallerId
    sums: Mapping[Bucket, Sum]


@dataclass(frozen=True, slots=True)
class StatisticsProgress:
    """How far the rollups follow the feed, and which payments from before are still to be counted.

    generation: of the rollups. Those of others are ignored, and removed by and by.
    """

    generation: int
    position: int
    # The next are older than this one. None: all payments are counted.
    backfill: Position | None


@dataclass(frozen=True, slots=True)
class DaySum:
    """The sum of one measure on one day of a span. day: counted from the first one, which is 0."""

    day: int
    currency_code: str
    measure: str
    total: Sum


class Statistics(Protocol):
    """The rollups, and the facts of each payment in them: to count a payment again adds only the difference."""

    def has_work(self, version: int) -> bool:
        """Whether there may be something to count. One statement."""

    def claim(self, version: int) -> StatisticsProgress | None:
        """The progress, locked until the transaction ends. None: another process counts just now.

        Rollups of another version of the facts are begun again, as a new generation.
        """

    def save(self, progress: StatisticsProgress) -> None: ...

    def restart(self) -> None:
        """Begins again with a new, empty generation."""

    def progress(self) -> StatisticsProgress | None:
        """None before the first run."""

    def changed_after(self, position: int, limit: int) -> tuple[list[PaymentId], int]:
        """The payments that changed, or whose disputes did, in at most `limit` entries of the feed; and the position up
        to which these are complete.
        """

    def older_payments(self, before: Position, limit: int) -> list[Position]:
        """Payments of every caller, newest first."""

    def payments(self, payment_ids: Collection[PaymentId]) -> list[CountedPayment]: ...

    def disputes_of(self, payment_ids: Collection[PaymentId]) -> Mapping[PaymentId, Sequence[Dispute]]: ...

    def movements_of(self, payment_ids: Collection[PaymentId]) -> Mapping[PaymentId, Sequence[CountedMovement]]: ...

    def put(self, generation: int, facts: Iterable[PaymentFacts]) -> int:
        """Replaces the facts of the payments. Returns the number of payments whose facts are not as before."""

    def remove_others(self, generation: int, limit: int) -> int:
        """Removes at most so many rollups of other generations. Returns their number."""

    def by_day(
        self,
        generation: int,
        caller_id: CallerId | None,
        currency_code: str | None,
        *,
        start: int,
        end: int,
        hours_a_day: int,
    ) -> list[DaySum]:
        """The sums of the hours from start until before end, by days of so many hours; of every caller where none is
        given.
        """

    def totals(
        self, generation: int, caller_id: CallerId | None, currency_code: str | None, *, until: int
    ) -> list[DaySum]:
        """The sums of all movements in the hours before `until`; their day is 0."""
