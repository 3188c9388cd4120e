"""Reads the feed of changes from a position."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from application.common.caller import Caller
from application.common.errors import Rule
from application.common.validator import Validator
from application.ports.feed import FeedEntry, FeedFilter, FeedItem, FeedKind, PaymentAfter
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.ids import CallerId, CustomerId, EventId, PaymentId
from domain.payment import Payment

_NOBODY: Final = CallerId("")
# A payment is created together with its first operation; at sequence 1 it is incomplete.
_FIRST_WHOLE: Final = 2


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Items in order. `position` is safe to continue from: no matching item before it is left out."""

    items: list[FeedItem]
    position: int


@dataclass(frozen=True, slots=True)
class ReadFeed:
    store: Store

    def check(
        self, after_position: int, kinds: Iterable[FeedKind | None], customer_id: str, caller: Caller
    ) -> FeedFilter:
        """The filter that the caller may use for this request. Raises InvalidRequest and StoreUnavailable."""
        validator = Validator()
        kinds = list(kinds)
        if None in kinds:
            validator.add("types", Rule.KNOWN_VALUE)
        validator.resource_id("customer_id", customer_id, ids.CUSTOMER, required=False)
        if after_position < 0:
            validator.add("after_position", Rule.NOT_NEGATIVE)
        elif after_position and after_position > (end := self.end()):
            # The position is of another database, or of the time before a restore: waiting there would miss events.
            validator.add("after_position", Rule.AT_MOST, end)
        validator.done()
        asked = CustomerId(customer_id) if customer_id else caller.customer_id
        return FeedFilter(
            # Nothing matches for a customer that is not the caller's.
            caller_id=caller.reach if caller.customer_id in (None, asked) else _NOBODY,
            kinds=frozenset(kind for kind in kinds if kind is not None),
            customer_id=asked,
        )

    def end(self) -> int:
        """The last assigned position."""
        with self.store.read() as work:
            return work.feed.end()

    def after(self, position: int, which: FeedFilter, *, limit: int) -> FeedPage:
        """Raises StoreUnavailable."""
        with self.store.read() as work:
            end = work.feed.end()
            if end <= position:
                return FeedPage([], position)
            entries, reached = work.feed.after(position, which, until=end, limit=limit)
            items = _with_payments(work, entries)
        return FeedPage(items, reached)

    def find(self, event_id: EventId) -> FeedItem | None:
        """Raises StoreUnavailable."""
        with self.store.read() as work:
            entry = work.feed.find(event_id)
            return next(iter(_with_payments(work, [entry] if entry else [])), None)


def _with_payments(work: UnitOfWork, entries: list[FeedEntry]) -> list[FeedItem]:
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for entry in entries:
        if entry.kind is FeedKind.PAYMENT:
            wanted[entry.payment_id].add(entry.sequence)
    changes = {
        (payment_id, change.event.sequence): change
        for payment_id, sequences in wanted.items()
        for change in _changes(work, PaymentId(payment_id), sequences)
    }
    return [FeedItem(entry, changes.get((entry.payment_id, entry.sequence))) for entry in entries]


def _changes(work: UnitOfWork, payment_id: PaymentId, sequences: set[int]) -> list[PaymentAfter]:
    history = work.payments.history(payment_id, limit=max(_FIRST_WHOLE, *sequences))
    events = [entry.event for entry in history]
    asked = [entry for entry in history if entry.sequence in sequences]
    return [PaymentAfter(entry, Payment.replay(events[: max(_FIRST_WHOLE, entry.sequence)])) for entry in asked]
