"""The customer repository."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, select, update

from adapters.persistence.encryption.blind_indexes import email_digest, external_id_digest
from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import customer_from_row, customer_to_row
from adapters.persistence.repositories.feed import FeedWriter
from adapters.persistence.sql.statements import UniqueViolation, insert_if_absent, newest_first_page, savepoint
from adapters.persistence.tables import HAS_EMAIL, IS_EXTERNAL_ID_HELD, IS_NOT_DELETED, customers
from application.common.pagination import Position
from application.ports.store import ExternalIdTaken
from domain.customer import Customer
from domain.ids import CallerId, CustomerId


@dataclass(frozen=True, slots=True)
class SqlCustomers:
    connection: Connection
    sealer: Sealer
    feed: FeedWriter

    def add(self, customer: Customer) -> None:
        row = customer_to_row(customer, self.sealer)
        while not insert_if_absent(
            self.connection, customers, row, "caller_id", "external_id_digest", where=IS_EXTERNAL_ID_HELD
        ):
            # Retried only if the other row was deleted between the two statements.
            self._refuse_if_taken(customer)
        self.feed.append(customer)

    def save(self, customer: Customer) -> None:
        before = self.get(customer.customer_id)
        statement = update(customers).where(customers.c.customer_id == customer.customer_id)
        try:
            with savepoint(self.connection):
                saved = self.connection.execute(statement, customer_to_row(customer, self.sealer))
        except UniqueViolation as refusal:
            self._refuse_if_taken(customer)
            raise RuntimeError(f"{customer.customer_id} could not be saved") from refusal
        if not saved.rowcount:
            raise LookupError(customer.customer_id)
        # The gateway's knowledge of a customer is no change of the customer.
        if before is None or replace(before, is_at_gateway=customer.is_at_gateway) != customer:
            self.feed.append(customer)

    def get(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None:
        statement = select(customers).where(customers.c.customer_id == customer_id)
        row = self.connection.execute(statement.with_for_update() if lock else statement).first()
        return customer_from_row(row, self.sealer) if row else None

    def find_by_external_id(self, caller_id: CallerId, external_id: str) -> Customer | None:
        statement = select(customers).where(
            customers.c.caller_id == caller_id,
            customers.c.external_id_digest == external_id_digest(external_id, self.sealer),
            IS_EXTERNAL_ID_HELD,
        )
        row = self.connection.execute(statement).first()
        return customer_from_row(row, self.sealer) if row else None

    def page(
        self, caller_id: CallerId | None, *, email: str | None, after: Position | None, limit: int
    ) -> list[Customer]:
        statement = select(customers).where(IS_NOT_DELETED)
        if caller_id is not None:
            statement = statement.where(customers.c.caller_id == caller_id)
        if email is not None:
            statement = statement.where(HAS_EMAIL, customers.c.email_digest == email_digest(email, self.sealer))
        statement = newest_first_page(statement, customers.c.create_time, customers.c.customer_id, after, limit)
        return [customer_from_row(row, self.sealer) for row in self.connection.execute(statement)]

    def _refuse_if_taken(self, customer: Customer) -> None:
        holder = self.find_by_external_id(customer.caller_id, customer.external_id)
        if holder is not None and holder.customer_id != customer.customer_id:
            raise ExternalIdTaken(holder.customer_id)
