"""Exports all payments of a time window for accounting, page by page, oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.common.errors import Rule
from application.common.pagination import Position
from application.common.validator import Validator, require_checked
from application.ports.store import Store
from domain.payment import Payment

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class ExportPayments:
    store: Store

    def __call__(self, start: datetime | None, end: datetime | None) -> Iterator[list[Payment]]:
        """Pages of payments of every caller. Raises InvalidRequest at once, StoreUnavailable during iteration."""
        validator = Validator()
        if start is None:
            validator.add("from_time", Rule.REQUIRED)
        if end is None:
            validator.add("until_time", Rule.REQUIRED)
        if start is not None and end is not None and end <= start:
            validator.add("until_time", Rule.AFTER, "from_time")
        validator.done()
        return self._pages(require_checked(start), require_checked(end))

    def _pages(self, start: datetime, end: datetime) -> Iterator[list[Payment]]:
        after: Position | None = None
        while True:
            with self.store.read() as work:
                page = work.payments.oldest_first(start, end, after=after, limit=_PAGE)
            if page:
                yield page
            if len(page) < _PAGE:
                return
            after = Position(page[-1].create_time, page[-1].terms.payment_id)
