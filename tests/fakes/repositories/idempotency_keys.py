"""Idempotent requests, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from application.ports.store import RequestRecord
from domain.ids import CallerId, RequestId
from tests.fakes.store_state import StoreState


class MemoryIdempotencyKeys:
    def __init__(self, state: StoreState) -> None:
        self._state = state

    def get(self, caller_id: CallerId, request_id: RequestId) -> RequestRecord | None:
        return self._state.requests.get((caller_id, request_id))

    def claim(self, record: RequestRecord) -> RequestRecord | None:
        key = (record.caller_id, record.request_id)
        earlier = self._state.requests.get(key)
        if earlier is None:
            self._state.requests[key] = replace(record, fingerprint=dict(record.fingerprint))
        return earlier

    def refuse(self, caller_id: CallerId, request_id: RequestId, refusal: Mapping[str, str]) -> None:
        key = (caller_id, request_id)
        self._state.requests[key] = replace(self._state.requests[key], refusal=dict(refusal))
