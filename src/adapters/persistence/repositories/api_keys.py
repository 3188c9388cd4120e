"""The API key repository: digests, scopes and last use."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, or_, select, update

from adapters.persistence.mapping import Values, picked
from adapters.persistence.tables import api_keys
from application.common.api_key import ApiKey
from application.common.caller import Scope
from domain.ids import CallerId, CustomerId


@dataclass(frozen=True, slots=True)
class SqlApiKeys:
    connection: Connection

    def add(self, key: ApiKey) -> None:
        self.connection.execute(insert(api_keys), _to_row(key))

    def save(self, key: ApiKey) -> None:
        statement = update(api_keys).where(api_keys.c.key_id == key.key_id).values(revoke_time=key.revoke_time)
        if not self.connection.execute(statement).rowcount:
            raise LookupError(key.key_id)

    def get(self, key_id: str) -> ApiKey | None:
        row = self.connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).first()
        return _from_row(row) if row else None

    def all(self) -> list[ApiKey]:
        newest_first = select(api_keys).order_by(api_keys.c.create_time.desc(), api_keys.c.key_id.desc())
        return [_from_row(row) for row in self.connection.execute(newest_first)]

    def record_use(self, key_id: str, time: datetime, *, unless_after: datetime) -> None:
        last = api_keys.c.last_use_time
        statement = update(api_keys).where(api_keys.c.key_id == key_id, or_(last.is_(None), last <= unless_after))
        self.connection.execute(statement.values(last_use_time=time))


# The columns that hold a field as it is, under its name.
_SAME: Final = ("key_id", "secret_hash", "note", "create_time", "expire_time", "revoke_time", "last_use_time")


def _to_row(key: ApiKey) -> Values:
    scopes = sorted(scope.value for scope in key.scopes)
    return {**picked(key, _SAME), "caller_id": key.caller_id, "customer_id": key.customer_id, "scopes": scopes}


def _from_row(row: Row[Any]) -> ApiKey:
    return ApiKey(
        **picked(row, _SAME),
        caller_id=CallerId(row.caller_id),
        customer_id=CustomerId(row.customer_id) if row.customer_id else None,
        # This version cannot grant a scope of a newer version.
        scopes=frozenset(scope for scope in Scope if scope.value in row.scopes),
    )
