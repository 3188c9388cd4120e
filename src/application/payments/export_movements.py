"""Exports every movement of money of a time window for accounting, page by page, oldest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.common.errors import MovementsIncomplete, Rule
from application.common.pagination import Position
from application.common.validator import Validator, require_checked
from application.payments.book_movements import BookMovements
from application.ports.movements import BookedMovement, MovementFilter
from application.ports.store import Store
from domain.movement import MovementKind

_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportMovementsCommand:
    """The window from start until before end, unchecked. A kind is None where the caller sent an unknown one."""

    start: datetime | None
    end: datetime | None
    kinds: tuple[MovementKind | None, ...] = ()
    recorded_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExportMovements:
    store: Store
    book: BookMovements

    def __call__(self, command: ExportMovementsCommand) -> Iterator[Sequence[BookedMovement]]:
        """Pages of the movements of every caller, in the order of their time and id.

        Raises InvalidRequest at once. During iteration, raises StoreUnavailable, and before the first page
        MovementsIncomplete.
        """
        validator = Validator()
        if command.start is None:
            validator.add("from_time", Rule.REQUIRED)
        if command.end is None:
            validator.add("until_time", Rule.REQUIRED)
        if command.start is not None and command.end is not None and command.end <= command.start:
            validator.add("until_time", Rule.AFTER, "from_time")
        for index, kind in enumerate(command.kinds):
            if kind is None:
                validator.add(f"kinds[{index}]", Rule.KNOWN_VALUE)
        validator.done()
        return self._pages(
            MovementFilter(
                start=require_checked(command.start),
                end=require_checked(command.end),
                kinds=frozenset(kind for kind in command.kinds if kind is not None),
                recorded_from=command.recorded_from,
            )
        )

    def _pages(self, which: MovementFilter) -> Iterator[Sequence[BookedMovement]]:
        require_complete(self.store, self.book)
        after: Position | None = None
        while True:
            with self.store.read() as work:
                page = work.movements.page(which, after=after, limit=_PAGE)
            if page.movements:
                yield page.movements
            after = page.go_on_after
            if after is None:
                return


def require_complete(store: Store, book: BookMovements) -> None:
    """Books the few payments that another version wrote just now. Raises MovementsIncomplete where many are left."""
    book.batch()
    with store.read() as work:
        if not work.movements.is_complete():
            raise MovementsIncomplete
