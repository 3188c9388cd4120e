"""Port for velocity counters (declines and verifications in a window) and the blocks that they caused."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from application.common.pagination import Position
from application.common.velocity_scope import VelocityScope
from domain.ids import CallerId


@dataclass(frozen=True, slots=True)
class VelocityCounter:
    """The count in one bucket of time. `key` and `card` are keyed hashes; `card` is empty where unknown."""

    key: str = field(repr=False)
    bucket: datetime
    card: str = field(default="", repr=False)
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VelocityBlock:
    """One limit that was reached. `subject` is its text for operators: never a card number."""

    block_id: str
    key: str = field(repr=False)
    caller_id: CallerId
    scope: VelocityScope
    subject: str
    # Whether it limits different cards, rather than declines and verifications.
    counts_cards: bool
    limit: int
    create_time: datetime
    end_time: datetime
    # Another key under which the same card is counted; empty where there is none.
    other_key: str = field(default="", repr=False)


class VelocityCounters(Protocol):
    """The velocity counters and the blocks that they caused."""

    def add(self, counters: Collection[VelocityCounter]) -> None:
        """Adds each count to the stored one with the same key, bucket and card."""

    def counted(self, keys: Collection[str], start: datetime, end: datetime) -> Sequence[VelocityCounter]:
        """Counters of the keys with a bucket after start, up to and including end, unordered."""

    def block(self, block: VelocityBlock) -> bool:
        """Stores it, unless the key is already blocked at its create time. Returns whether it did."""

    def blocks(self, *, after: Position | None, limit: int) -> Sequence[VelocityBlock]:
        """Blocks of every caller, newest first."""

    def lift(self, block_id: str, time: datetime) -> VelocityBlock | None:
        """Ends the block at the time, and deletes the counters of its keys. Returns the block as it is now.

        A block that has ended stays as it is. Returns None for an unknown id.
        """

    def purge(self, before: datetime, after: datetime, blocks_before: datetime, limit: int) -> int:
        """Deletes counters with a bucket before `before` or after `after`, and blocks that ended before
        `blocks_before`.

        Deletes at most `limit` of each. Returns the number of deleted rows.
        """
