"""The repository of checkouts and their uses."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, and_, insert, or_, select, update

from adapters.persistence.encryption.blind_indexes import checkout_token_digest
from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import (
    checkout_from_row,
    checkout_to_changes,
    checkout_to_row,
    use_from_row,
    use_to_row,
)
from adapters.persistence.newer_records import readable
from adapters.persistence.repositories.feed import FeedWriter
from adapters.persistence.sql.statements import is_due, newest_first_page
from adapters.persistence.tables import IS_BEING_PAID, IS_OPEN_CHECKOUT, checkout_uses, checkouts
from application.common.pagination import Position
from application.ports.store import CheckoutFilter
from domain.checkout import Checkout, CheckoutUse
from domain.ids import CallerId, CheckoutId


@dataclass(frozen=True, slots=True)
class SqlCheckouts:
    connection: Connection
    sealer: Sealer
    feed: FeedWriter

    def add(self, checkout: Checkout) -> None:
        self.connection.execute(insert(checkouts), checkout_to_row(checkout, self.sealer))
        self.feed.append(_without_token(checkout))

    def save(self, checkout: Checkout) -> None:
        own = checkouts.c.checkout_id == checkout.checkout_id
        row = self.connection.execute(select(checkouts).where(own)).first()
        if row is None:
            raise LookupError(checkout.checkout_id)
        self.connection.execute(update(checkouts).where(own), checkout_to_changes(checkout))
        if (row.state, row.completed_uses) != (checkout.state.value, checkout.completed_uses):
            self.feed.append(_without_token(checkout))

    def get(self, checkout_id: CheckoutId, *, lock: bool = False) -> Checkout | None:
        return self._one(select(checkouts).where(checkouts.c.checkout_id == checkout_id), lock=lock)

    def find(self, token: str) -> Checkout | None:
        digest = checkout_token_digest(token, self.sealer)
        return self._one(select(checkouts).where(checkouts.c.token_digest == digest)) if digest else None

    def page(
        self, caller_id: CallerId | None, which: CheckoutFilter, *, after: Position | None, limit: int
    ) -> list[Checkout]:
        statement = select(checkouts).where(*_conditions(which))
        if caller_id is not None:
            statement = statement.where(checkouts.c.caller_id == caller_id)
        statement = newest_first_page(statement, checkouts.c.create_time, checkouts.c.checkout_id, after, limit)
        return [checkout_from_row(row, self.sealer) for row in self.connection.execute(statement)]

    def expired(self, now: datetime, limit: int) -> list[Checkout]:
        table = checkouts.c
        statement = (
            select(checkouts)
            .where(IS_OPEN_CHECKOUT, table.expire_time <= now, or_(table.is_link, table.taken_uses == 0))
            .order_by(table.expire_time)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return readable(self.connection.execute(statement).all(), lambda row: checkout_from_row(row, self.sealer))

    def use(self, checkout_id: CheckoutId, session: str) -> CheckoutUse | None:
        row = self.connection.execute(select(checkout_uses).where(_own(checkout_id, session))).first()
        return use_from_row(row) if row else None

    def add_use(self, use: CheckoutUse) -> None:
        self.connection.execute(insert(checkout_uses), use_to_row(use))

    def save_use(self, use: CheckoutUse) -> None:
        statement = update(checkout_uses).where(_own(use.checkout_id, use.session))
        if not self.connection.execute(statement, use_to_row(use)).rowcount:
            raise LookupError(use.checkout_id)

    def due_uses(self, now: datetime, lease_until: datetime, limit: int) -> list[CheckoutUse]:
        table = checkout_uses.c
        statement = (
            select(checkout_uses)
            .where(IS_BEING_PAID, is_due(table.next_check_time, now))
            .order_by(table.next_check_time)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = self.connection.execute(statement).all()
        for row in rows:
            own = _own(row.checkout_id, row.session)
            self.connection.execute(update(checkout_uses).where(own).values(next_check_time=lease_until))
        return readable(rows, use_from_row)

    def _one(self, statement: Select[tuple[object, ...]], *, lock: bool = False) -> Checkout | None:
        row = self.connection.execute(statement.with_for_update() if lock else statement).first()
        return checkout_from_row(row, self.sealer) if row else None


def _own(checkout_id: CheckoutId, session: str) -> ColumnElement[bool]:
    return and_(checkout_uses.c.checkout_id == checkout_id, checkout_uses.c.session == session)


def _conditions(which: CheckoutFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if which.reference is not None:
        conditions.append(checkouts.c.reference == which.reference)
    if which.customer_id is not None:
        conditions.append(checkouts.c.customer_id == which.customer_id)
    if which.states:
        conditions.append(checkouts.c.state.in_(sorted(state.value for state in which.states)))
    return conditions


def _without_token(checkout: Checkout) -> Checkout:
    """Readers of the feed need no secret address."""
    return replace(checkout, token="")
