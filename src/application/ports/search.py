"""Port for the search index: an inverted index from the search terms of payments to the payments."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from application.common.pagination import Position
from application.ports.payment_filter import PaymentFilter
from domain.ids import CallerId, CustomerId, OperationId, PaymentId
from domain.money import Money


@dataclass(frozen=True, slots=True)
class SearchedOperation:
    """The parts of an operation that a search finds."""

    operation_id: OperationId
    amount: Money
    # Of the transaction with the effect.
    transaction_id: str = ""
    # As the gateway named the transaction in its answer, also where it had no effect.
    reported_transaction_id: str = ""
    network_transaction_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedPayment:
    """The parts of a payment, and of its customer's record, that a search finds. Texts are as they were given."""

    payment_id: PaymentId
    caller_id: CallerId
    customer_id: CustomerId | None
    create_time: datetime
    reference: str
    amount: Money
    last_four: str
    operations: Sequence[SearchedOperation]
    metadata: Mapping[str, str] = field(repr=False)
    # Several can be equal, and any of them empty.
    names: Sequence[str] = field(repr=False)
    emails: Sequence[str] = field(repr=False)
    # The caller's id of the customer.
    external_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """A payment as the index has it: all its terms, each as a text."""

    payment_id: PaymentId
    caller_id: CallerId
    create_time: datetime
    # Personal data among others.
    terms: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far the index follows the feed, and which payments from before it existed are still to be indexed."""

    position: int
    # The next are older than this one. None: all payments are indexed.
    backfill: Position | None


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Payments of a page, newest first, and the position to continue from: None at the end."""

    positions: list[Position]
    go_on_after: Position | None


class SearchIndex(Protocol):
    """Stores keyed digests of the terms, never the terms."""

    def has_work(self, version: int) -> bool:
        """Whether there may be something to index. One statement."""

    def claim(self, version: int) -> IndexProgress | None:
        """The progress, locked until the transaction ends. None: another process indexes just now.

        An index of another version of the terms, or of another key, begins its backfill again.
        """

    def save(self, progress: IndexProgress) -> None: ...

    def restart(self) -> None:
        """Lets the backfill begin again. Searches find payments as before meanwhile."""

    def progress(self) -> IndexProgress | None:
        """None before the first run."""

    def changed_after(self, position: int, limit: int) -> tuple[list[PaymentId], int]:
        """The payments whose terms may have changed, from at most `limit` entries of the feed; and the position up to
        which these are complete. Payments of a customer who changed become stale.
        """

    def stale(self, limit: int) -> list[PaymentId]:
        """Payments that are to be indexed again."""

    def older_payments(self, before: Position, limit: int) -> list[Position]:
        """Payments of every caller, newest first."""

    def unknown(self, payment_ids: Collection[PaymentId]) -> list[PaymentId]:
        """Those of the payments of which the index has no document."""

    def contents(self, payment_ids: Collection[PaymentId]) -> list[SearchedPayment]:
        """The payments as they are now, each with its customer's record."""

    def add(self, documents: Iterable[SearchDocument]) -> int:
        """Adds documents of unknown payments, and returns their number.

        It passes over a payment that an erasure has marked since: the payment was read with its personal data, and is
        stale now. Call it before `lock`: an erasure that waits for a lock has marked its other payments.
        """

    def lock(self, payment_ids: Collection[PaymentId]) -> None:
        """Locks the documents of known payments. An erasure waits for it, and it waits for an erasure.

        Call it before reading the payments.
        """

    def put(self, documents: Iterable[SearchDocument]) -> int:
        """Replaces the terms of locked payments. Returns the number of payments whose terms are not as before."""

    def find_ids(
        self, caller_id: CallerId | None, texts: Sequence[str], which: PaymentFilter, limit: int
    ) -> list[PaymentId]:
        """The newest payments with one of the texts as payment id, operation id, gateway transaction id or reference.

        It reads the payments themselves, so that new ones are found at once.
        """

    def page(
        self,
        caller_id: CallerId | None,
        clauses: Sequence[frozenset[str]],
        which: PaymentFilter,
        *,
        after: Position | None,
        limit: int,
    ) -> FoundPage:
        """Payments, newest first, that have a term of each clause; of every caller where none is given.

        Digests are short: a payment can be among them that has another term. It reads a bounded number of entries, so
        that a page before the end can be short or empty.
        """
