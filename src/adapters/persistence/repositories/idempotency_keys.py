"""The idempotency records: which requests have been seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from adapters.persistence.mapping import request_from_row, request_to_row
from adapters.persistence.sql.statements import insert_if_absent
from adapters.persistence.tables import requests
from application.ports.store import RequestRecord
from domain.ids import CallerId, RequestId

_ONE: Final = select(requests).where(
    requests.c.caller_id == bindparam("caller_id"), requests.c.request_id == bindparam("request_id")
)
_REFUSE: Final = (
    update(requests)
    .where(requests.c.caller_id == bindparam("own_caller_id"), requests.c.request_id == bindparam("own_request_id"))
    .values(refusal=bindparam("refusal"))
)


@dataclass(frozen=True, slots=True)
class SqlRequests:
    connection: Connection

    def get(self, caller_id: CallerId, request_id: RequestId) -> RequestRecord | None:
        row = self.connection.execute(_ONE, {"caller_id": caller_id, "request_id": request_id}).first()
        return request_from_row(row) if row else None

    def claim(self, record: RequestRecord) -> RequestRecord | None:
        if insert_if_absent(self.connection, requests, request_to_row(record), "caller_id", "request_id"):
            return None
        return self.get(record.caller_id, record.request_id)

    def refuse(self, caller_id: CallerId, request_id: RequestId, refusal: Mapping[str, str]) -> None:
        own = {"own_caller_id": caller_id, "own_request_id": request_id, "refusal": dict(refusal)}
        self.connection.execute(_REFUSE, own)
