"""API keys, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from application.common.api_key import ApiKey
from tests.fakes.store_state import StoreState


class MemoryApiKeys:
    def __init__(self, state: StoreState) -> None:
        self._state = state

    def add(self, key: ApiKey) -> None:
        self._state.api_keys[key.key_id] = key

    def save(self, key: ApiKey) -> None:
        kept = self._state.api_keys.get(key.key_id)
        if kept is None:
            raise LookupError(key.key_id)
        self._state.api_keys[key.key_id] = replace(kept, revoke_time=key.revoke_time)

    def get(self, key_id: str) -> ApiKey | None:
        return self._state.api_keys.get(key_id)

    def all(self) -> list[ApiKey]:
        return sorted(self._state.api_keys.values(), key=lambda key: (key.create_time, key.key_id), reverse=True)

    def record_use(self, key_id: str, time: datetime, *, unless_after: datetime) -> None:
        key = self._state.api_keys.get(key_id)
        if key is not None and (key.last_use_time is None or key.last_use_time <= unless_after):
            self._state.api_keys[key_id] = replace(key, last_use_time=time)
