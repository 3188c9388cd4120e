"""Which requests have been seen."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from adapters.persistence.statements import insert_unless_taken
from adapters.persistence.tables import requests
from adapters.persistence.translate import request_from_row, request_to_row
from application.ports.store import RequestRecord


@dataclass(frozen=True, slots=True)
class SqlRequests:
    connection: Connection

    def claim(self, record: RequestRecord) -> RequestRecord | None:
        if insert_unless_taken(self.connection, requests, request_to_row(record), "caller_id", "request_id"):
            return None
        earlier = select(requests).where(
            requests.c.caller_id == record.caller_id, requests.c.request_id == record.request_id
        )
        return request_from_row(self.connection.execute(earlier).one())
