"""The log of requests that may change something, whether or not they were processed or answered."""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import asdict
from typing import Any, Final

from braintree_twin.http_messages import LoggedRequest, Request
from braintree_twin.routing import split_merchant

CAPACITY: Final = 200_000
_CHANGES: Final = frozenset({"POST", "PUT", "DELETE", "PATCH"})
# Paths of POST requests that change nothing.
_QUESTIONS: Final = ("search", "client_token", "/client_api/", "expired", "expiring", "/transaction_ids", "/graphql")
_FIELDS: Final = {
    name: re.compile(rb"<%s>([^<]{1,255})<" % spelled)
    for name, spelled in {"order_id": rb"order[-_]id", "token": rb"token", "amount": rb"amount"}.items()
}


class RequestLog:
    """The last requests, oldest first. They are kept in memory only."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=capacity)
        self._count = 0

    def arrived(self, request: Request) -> None:
        path = split_merchant(request.path)[1]
        if request.method not in _CHANGES or any(word in path for word in _QUESTIONS):
            return
        self._count += 1
        fields = {name: _first(pattern, request.body) for name, pattern in _FIELDS.items()}
        entry = LoggedRequest(self._count, time.time(), request.method, path, **fields)
        self._entries.append(entry)
        request.log_entry = entry

    def clear(self) -> None:
        self._entries.clear()
        self._count = 0

    def as_json(self) -> dict[str, Any]:
        return {"dropped": self._count - len(self._entries), "requests": [asdict(entry) for entry in self._entries]}


def _first(pattern: re.Pattern[bytes], body: bytes) -> str | None:
    found = pattern.search(body)
    return found.group(1).decode("utf-8", "replace") if found else None
