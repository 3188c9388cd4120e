"""The operator repository: names, logins and rights."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from adapters.persistence.mapping import Values, picked
from adapters.persistence.sql.statements import UniqueViolation, savepoint
from adapters.persistence.tables import HAS_LOGIN, operators
from application.common.operator import Operator, OperatorRight
from application.ports.store import LoginTaken
from domain.ids import OperatorId


@dataclass(frozen=True, slots=True)
class SqlOperators:
    connection: Connection

    def add(self, operator: Operator) -> None:
        try:
            with savepoint(self.connection):
                self.connection.execute(insert(operators), _to_row(operator))
        except UniqueViolation:
            raise LoginTaken from None

    def save(self, operator: Operator) -> None:
        statement = update(operators).where(operators.c.operator_id == operator.operator_id)
        try:
            with savepoint(self.connection):
                found = self.connection.execute(statement.values(_to_row(operator))).rowcount
        except UniqueViolation:
            raise LoginTaken from None
        if not found:
            raise LookupError(operator.operator_id)

    def get(self, operator_id: OperatorId) -> Operator | None:
        row = self.connection.execute(select(operators).where(operators.c.operator_id == operator_id)).first()
        return _from_row(row) if row else None

    def find_login(self, login: str) -> Operator | None:
        row = self.connection.execute(select(operators).where(HAS_LOGIN, operators.c.login == login)).first()
        return _from_row(row) if row else None

    def all(self) -> list[Operator]:
        newest_first = select(operators).order_by(operators.c.create_time.desc(), operators.c.operator_id.desc())
        return [_from_row(row) for row in self.connection.execute(newest_first)]


# The columns that hold a field as it is, under its name.
_SAME: Final = ("name", "login", "create_time", "revoke_time")


def _to_row(operator: Operator) -> Values:
    rights = [right.value for right in OperatorRight if right in operator.rights]
    return {**picked(operator, _SAME), "operator_id": operator.operator_id, "rights": rights}


def _from_row(row: Row[Any]) -> Operator:
    return Operator(
        **picked(row, _SAME),
        operator_id=OperatorId(row.operator_id),
        # This version cannot grant a right of a newer version.
        rights=frozenset(right for right in OperatorRight if right.value in row.rights),
    )
