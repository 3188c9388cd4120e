"""The idempotency records: which requests have been seen."""

from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from adapters.persistence.mapping import request_from_row, request_to_row
from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.sql.statements import insert_if_absent
from adapters.persistence.tables import requests
from application.ports.store import RequestRecord
from domain.ids import CallerId, RequestId

_ONE: Final = Prepared(
    select(requests).where(
        requests.c.caller_id == bindparam("caller_id"), requests.c.request_id == bindparam("request_id")
    )
)
# mypy knows only literal names.
_row_type: Final[Callable[..., Any]] = namedtuple
_Row: Final = _row_type("_Row", requests.c.keys())
_REFUSE: Final = (
    update(requests)
    .where(requests.c.caller_id == bindparam("own_caller_id"), requests.c.request_id == bindparam("own_request_id"))
    .values(refusal=bindparam("refusal"))
)


@dataclass(frozen=True, slots=True)
class SqlRequests:
    connection: Connection

    def get(self, caller_id: CallerId, request_id: RequestId) -> RequestRecord | None:
        rows = _ONE.all(self.connection, {"caller_id": caller_id, "request_id": request_id})
        return request_from_row(_Row._make(rows[0])) if rows else None

    def claim(self, record: RequestRecord) -> RequestRecord | None:
        if insert_if_absent(self.connection, requests, request_to_row(record), "caller_id", "request_id"):
            return None
        return self.get(record.caller_id, record.request_id)

    def refuse(self, caller_id: CallerId, request_id: RequestId, refusal: Mapping[str, str]) -> None:
        own = {"own_caller_id": caller_id, "own_request_id": request_id, "refusal": dict(refusal)}
        self.connection.execute(_REFUSE, own)
