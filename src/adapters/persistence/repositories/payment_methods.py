"""The repository of customers' stored cards and wallets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Executable, Row, insert, select, update

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import METHOD_REST, Values, method_from_row, method_to_row
from adapters.persistence.newer_records import newer_entries, readable
from adapters.persistence.observer import NOTHING, Recorder
from adapters.persistence.repositories.feed import FeedWriter
from adapters.persistence.sql.statements import UniqueViolation, is_due, newest_first_page, savepoint
from adapters.persistence.tables import IS_PENDING, payment_methods
from application.common.pagination import Position
from application.ports.store import farthest_check
from domain.ids import CustomerId, PaymentMethodId
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.personal_data import erased_from_json

_USABLE: Final = (PaymentMethodState.ACTIVE.value, PaymentMethodState.PENDING.value)
# Each failed attempt lets another default of the same customer go first.
_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class SqlPaymentMethods:
    connection: Connection
    sealer: Sealer
    feed: FeedWriter
    recorder: Recorder | None = None
    # As this transaction locked or wrote them last: nobody else changes them, so they need no second read.
    _locked: dict[PaymentMethodId, PaymentMethod] = field(default_factory=dict)
    # Entries of stored JSON that only a newer version knows.
    _newer: dict[PaymentMethodId, Values] = field(default_factory=dict)

    def add(self, method: PaymentMethod) -> None:
        self._write(insert(payment_methods), method, self.recorder.trace if self.recorder else {})
        self.feed.append(method)

    def save(self, method: PaymentMethod) -> None:
        before = self._locked.get(method.payment_method_id) or self.get(method.payment_method_id)
        own = payment_methods.c.payment_method_id == method.payment_method_id
        if not self._write(update(payment_methods).where(own), method):
            raise LookupError(method.payment_method_id)
        if before != method:
            self.feed.append(method)
        self._locked[method.payment_method_id] = method

    def get(self, payment_method_id: PaymentMethodId, *, lock: bool = False) -> PaymentMethod | None:
        statement = select(payment_methods).where(payment_methods.c.payment_method_id == payment_method_id)
        row = self.connection.execute(statement.with_for_update() if lock else statement).first()
        return self._read([row], lock=lock)[0] if row else None

    def of_customer(
        self, customer_id: CustomerId, *, after: Position | None = None, limit: int | None = None, lock: bool = False
    ) -> list[PaymentMethod]:
        table = payment_methods.c
        statement = select(payment_methods).where(table.customer_id == customer_id, table.state.in_(_USABLE))
        statement = newest_first_page(statement, table.create_time, table.payment_method_id, after, limit)
        rows = self.connection.execute(statement.with_for_update() if lock else statement).all()
        return self._read(rows, lock=lock)

    def _read(self, rows: Sequence[Row[Any]], *, lock: bool) -> list[PaymentMethod]:
        methods = [method_from_row(row, self.sealer) for row in rows]
        newer = {row.payment_method_id: newer_entries(row.rest, METHOD_REST) for row in rows}
        self._newer.update((method_id, entries) for method_id, entries in newer.items() if entries)
        if lock:
            self._locked.update((method.payment_method_id, method) for method in methods)
        return methods

    def active(self, *, after: str, limit: int) -> list[PaymentMethod]:
        table = payment_methods.c
        statement = (
            select(payment_methods)
            .where(table.payment_method_id > after, table.state == PaymentMethodState.ACTIVE.value)
            .order_by(table.payment_method_id)
            .limit(limit)
        )
        return [method_from_row(row, self.sealer) for row in self.connection.execute(statement)]

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[PaymentMethod]:
        table = payment_methods.c
        statement = (
            select(payment_methods)
            .where(IS_PENDING, is_due(table.next_check_time, now, farthest_check(lease_until - now)))
            .order_by(table.next_check_time)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = self.connection.execute(statement).all()
        claimed = table.payment_method_id.in_([row.payment_method_id for row in rows])
        if rows:
            self.connection.execute(update(payment_methods).where(claimed).values(next_check_time=lease_until))
        return readable(rows, lambda row: method_from_row(row, self.sealer))

    def erase_personal_data(self, customer_id: CustomerId) -> None:
        table = payment_methods.c
        own = select(table.payment_method_id, table.rest).where(table.customer_id == customer_id).with_for_update()
        for method_id, rest in self.connection.execute(own).all():
            this = table.payment_method_id == method_id
            bare = update(payment_methods).where(this).values(rest=erased_from_json(rest))
            self.connection.execute(bare)
            self._locked.pop(method_id, None)

    def _write(self, statement: Executable, method: PaymentMethod, more: Mapping[str, str] = NOTHING) -> int:
        """Returns the number of rows written. A default method replaces the earlier default."""
        row = method_to_row(method, self.sealer)
        row |= more
        row["rest"] |= self._newer.get(method.payment_method_id, {})
        if not method.is_default:
            return self.connection.execute(statement, row).rowcount
        for attempt in range(_ATTEMPTS):
            self._clear_other_defaults(method)
            try:
                with savepoint(self.connection):
                    return self.connection.execute(statement, row).rowcount
            except UniqueViolation:
                # Another transaction set its own default meanwhile. It has ended, so its row is visible now.
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError

    def _clear_other_defaults(self, method: PaymentMethod) -> None:
        table = payment_methods.c
        others = (
            table.customer_id == method.customer_id,
            table.is_default,
            table.payment_method_id != method.payment_method_id,
        )
        deposed = [
            replace(method_from_row(row, self.sealer), is_default=False, update_time=method.update_time)
            for row in self.connection.execute(select(payment_methods).where(*others).with_for_update()).all()
        ]
        if deposed:
            values = {"is_default": False, "update_time": method.update_time}
            self.connection.execute(update(payment_methods).where(*others).values(values))
            self.feed.append(*deposed)
            self._locked.update((other.payment_method_id, other) for other in deposed)
