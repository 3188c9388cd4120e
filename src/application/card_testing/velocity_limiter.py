"""Velocity limits against card testing: counts declines and verifications, and blocks further attempts past a limit."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from application.common.caller import Caller
from application.common.conflicts import retry_on_conflict
from application.common.errors import StoreUnavailable, TooManyDeclines
from application.common.keyed_digest import keyed_digest
from application.common.velocity_scope import VelocityScope
from application.ports.gateway import Declined, NotStored, Outcome, Source, Stored, StoreOutcome
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store, UnitOfWork
from application.ports.velocity import VelocityBlock, VelocityCounter
from domain import ids
from domain.decline import Decline, DeclineReason, Fixer
from domain.ids import CallerId, CustomerId
from domain.instrument import Card, Instrument
from domain.networks import network_of

_log = logging.getLogger(__name__)

# The number of buckets in a sliding window.
_PIECES: Final = 12
_SAY_NOTHING_OF_THE_CARD: Final = frozenset(
    {DeclineReason.NETWORK_UNAVAILABLE, DeclineReason.METHOD_NOT_SUPPORTED, DeclineReason.METHOD_REMOVED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VelocityLimits:
    """The limits of declines and verifications, and of different cards, in a window. 0: unlimited."""

    window: timedelta = timedelta(hours=1)
    per_card: int = 0
    per_customer: int = 0
    per_client_address: int = 0
    per_caller: int = 0
    cards_per_customer: int = 0
    cards_per_client_address: int = 0

    def of(self, scope: VelocityScope) -> tuple[int, int]:
        """Two limits: of declines and verifications, and of different cards."""
        match scope:
            case VelocityScope.CARD:
                return self.per_card, 0
            case VelocityScope.CUSTOMER:
                return self.per_customer, self.cards_per_customer
            case VelocityScope.CLIENT_ADDRESS:
                return self.per_client_address, self.cards_per_client_address
            case VelocityScope.CALLER:
                return self.per_caller, 0

    @property
    def piece(self) -> timedelta:
        return self.window / _PIECES


@dataclass(frozen=True, slots=True)
class _Subject:
    """One counted subject: its key in the record, and the text that an operator may see."""

    scope: VelocityScope
    key: str = field(repr=False)
    shown: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to pay with or to store an instrument, with the subjects that it counts for."""

    caller_id: CallerId
    subjects: tuple[_Subject, ...]
    # A keyed hash of the card, empty where the card is unknown.
    card: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Reached:
    subject: _Subject
    counts_cards: bool
    limit: int
    end: datetime


@dataclass(frozen=True, slots=True)
class VelocityLimiter:
    """Counts by keyed hashes only, and separately for each caller: none can block another's customers."""

    store: Store
    clock: Clock
    ids: IdSource
    limits: VelocityLimits
    # A key of its own: anyone with the key and the counters could test which card numbers were used.
    key: bytes = field(repr=False)

    def attempt(
        self,
        caller: Caller,
        *,
        customer_id: CustomerId | None = None,
        client_address: str = "",
        source: Source | None = None,
        instrument: Instrument | None = None,
    ) -> Attempt:
        """Describes an attempt before it is made. The instrument is that of a stored method.

        Customers with a credential of their own are counted separately from the back end as a whole, and an address
        that they declare is not counted: either would let one customer block others.
        """
        caller_id, is_bound = caller.caller_id, caller.customer_id is not None
        whole = f"{caller_id}, paying with credentials of customers" if is_bound else caller_id
        subjects = [self._subject(caller_id, VelocityScope.CALLER, "customers" if is_bound else "", whole)]
        if customer_id is not None:
            subjects.append(self._subject(caller_id, VelocityScope.CUSTOMER, customer_id, customer_id))
        if client_address and not is_bound:
            network = network_of(client_address)
            subjects.append(self._subject(caller_id, VelocityScope.CLIENT_ADDRESS, network, network))
        card = ""
        if isinstance(source, Card):
            subjects.append(self._card(caller_id, f"number {source.number}", source.last_four))
            card = subjects[-1].key
        identified = self._identified(caller_id, instrument)
        if identified is not None:
            subjects.append(identified)
            card = card or identified.key
        return Attempt(caller_id, tuple(subjects), card)

    def check(self, work: UnitOfWork, attempt: Attempt) -> None:
        """Raises TooManyDeclines where a limit was reached. Reads once, and writes nothing."""
        reached = self._reached(work, attempt, self.clock.now())
        if reached:
            last = max(reached, key=lambda one: one.end)
            raise TooManyDeclines(last.subject.scope, max(last.end - self.clock.now(), timedelta(seconds=1)))

    def count_payment(self, attempt: Attempt, outcome: Outcome) -> None:
        """Counts declines by the bank or the gateway. Approvals write nothing."""
        if isinstance(outcome, Declined) and concerns_card(outcome.decline):
            self._count(attempt, outcome.instrument)

    def count_method(self, attempt: Attempt, outcome: StoreOutcome) -> None:
        """Counts every verification, whatever its result, and every decline without one."""
        match outcome:
            case Stored(stored) if stored.verification is not None:
                self._count(attempt, stored.instrument)
            case NotStored(verification) if verification.decline is None or concerns_card(verification.decline):
                self._count(attempt, None)

    def _count(self, attempt: Attempt, instrument: Instrument | None) -> None:
        """A failed count is only logged: the known answer still goes to the caller."""
        attempt = self._with_instrument(attempt, instrument)
        subjects = [one for one in attempt.subjects if any(self.limits.of(one.scope))]
        if not subjects:
            return
        now = self.clock.now()
        bucket = _bucket(now, self.limits.piece)
        # Counters per card are needed only for a limit of cards. A caller has one row, however many cards there are.
        counters = [
            VelocityCounter(one.key, bucket, attempt.card if self.limits.of(one.scope)[1] else "") for one in subjects
        ]
        try:
            blocked = self._add(counters, attempt, tuple(subjects), now)
        except StoreUnavailable as failure:
            _log.warning("a decline of caller %s was not counted: %s", attempt.caller_id, failure)
            return
        for one in blocked:
            _log.warning(
                "card testing suspected: a %s of caller %s is blocked until %s: limit of %s reached: %d in %s",
                one.subject.scope.value,
                attempt.caller_id,
                one.end.isoformat(timespec="seconds"),
                "different cards" if one.counts_cards else "declines and verifications",
                one.limit,
                self.limits.window,
            )

    @retry_on_conflict
    def _add(
        self, counters: Sequence[VelocityCounter], attempt: Attempt, subjects: tuple[_Subject, ...], now: datetime
    ) -> list[_Reached]:
        """Returns the limits that it reached."""
        with self.store.begin() as work:
            work.velocity.add(counters)
            fresh = Attempt(attempt.caller_id, subjects)
            # A card counts under its number and under its identifier, but is reported once.
            reached: dict[tuple[str, bool], list[_Reached]] = defaultdict(list)
            for one in self._reached(work, fresh, now):
                reached[one.subject.shown, one.counts_cards].append(one)
            return [found[-1] for found in reached.values() if self._block(work, attempt, found, now)]

    def _block(self, work: UnitOfWork, attempt: Attempt, found: Sequence[_Reached], now: datetime) -> bool:
        """Blocks one subject, that was found under one or two keys."""
        reached = found[-1]
        return work.velocity.block(
            VelocityBlock(
                block_id=self.ids.new(ids.BLOCK),
                key=reached.subject.key,
                caller_id=attempt.caller_id,
                scope=reached.subject.scope,
                subject=reached.subject.shown,
                counts_cards=reached.counts_cards,
                limit=reached.limit,
                create_time=now,
                end_time=reached.end,
                other_key=found[0].subject.key if len(found) > 1 else "",
            )
        )

    def _reached(self, work: UnitOfWork, attempt: Attempt, now: datetime) -> list[_Reached]:
        limited = {one.key: one for one in attempt.subjects if any(self.limits.of(one.scope))}
        if not limited:
            return []
        by_key: dict[str, list[VelocityCounter]] = defaultdict(list)
        # One bucket earlier, so that the window is never too short; one later, for a clock slightly ahead.
        start, end = now - self.limits.window - self.limits.piece, now + self.limits.piece
        for counter in work.velocity.counted(list(limited), start, end):
            by_key[counter.key].append(counter)
        found = []
        for key, counters in by_key.items():
            most, most_cards = self.limits.of(limited[key].scope)
            counters.sort(key=lambda counter: counter.bucket)
            if most and sum(counter.count for counter in counters) >= most:
                found.append(_Reached(limited[key], False, most, self._end(_last_needed(counters, most))))
            cards = _last_seen(counters)
            if most_cards and len(cards) >= most_cards and not (attempt.card and attempt.card in cards):
                end_bucket = sorted(cards.values())[len(cards) - most_cards]
                found.append(_Reached(limited[key], True, most_cards, self._end(end_bucket)))
        return found

    def _end(self, bucket: datetime) -> datetime:
        """The time at which the bucket leaves the window."""
        return bucket + self.limits.window + self.limits.piece

    def _with_instrument(self, attempt: Attempt, instrument: Instrument | None) -> Attempt:
        """The attempt, with the card's details from the answer."""
        identified = self._identified(attempt.caller_id, instrument)
        if identified is None or identified in attempt.subjects:
            return attempt
        return Attempt(attempt.caller_id, (*attempt.subjects, identified), attempt.card or identified.key)

    def _identified(self, caller_id: CallerId, instrument: Instrument | None) -> _Subject | None:
        if instrument is None or not instrument.unique_number_identifier:
            return None
        return self._card(caller_id, f"identifier {instrument.unique_number_identifier}", instrument.last_four)

    def _card(self, caller_id: CallerId, value: str, last_four: str) -> _Subject:
        return self._subject(caller_id, VelocityScope.CARD, value, f"card ending in {last_four}")

    def _subject(self, caller_id: CallerId, scope: VelocityScope, value: str, shown: str) -> _Subject:
        return _Subject(scope, keyed_digest(self.key, f"{caller_id}\0{scope.value}\0{value}"), shown)


def concerns_card(decline: Decline) -> bool:
    """Whether the decline concerns the card or its owner, rather than this service, the shop or the network."""
    return (
        decline.fixer in (Fixer.CUSTOMER, Fixer.ISSUER)
        and decline.reason not in _SAY_NOTHING_OF_THE_CARD
        and decline.reason is not DeclineReason.SETTLEMENT_DECLINED
    )


def _bucket(time: datetime, piece: timedelta) -> datetime:
    seconds = int(piece.total_seconds())
    return datetime.fromtimestamp(int(time.timestamp()) // seconds * seconds, UTC)


def _last_needed(counters: Sequence[VelocityCounter], most: int) -> datetime:
    """The first bucket whose expiry, together with all earlier ones, brings the count below the limit."""
    left = sum(counter.count for counter in counters)
    for counter in counters:
        left -= counter.count
        if left < most:
            return counter.bucket
    raise ValueError("the limit is at least 1")


def _last_seen(counters: Sequence[VelocityCounter]) -> dict[str, datetime]:
    """The newest bucket of each card."""
    return {counter.card: counter.bucket for counter in counters if counter.card}
