"""Idempotency of the control API: a call repeated under its idempotency key gets its first answer again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from braintree_twin.http_messages import Request, Response

HEADER: Final = "idempotency-key"
CAPACITY: Final = 1000


class IdempotencyCache:
    """The answers to the last changes, by idempotency key. They are kept in memory only."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._answers: OrderedDict[str, tuple[str, Response]] = OrderedDict()
        self._capacity = capacity

    def answer(self, request: Request, handle: Callable[[Request], Response]) -> Response:
        key = request.headers.get(HEADER)
        if key is None or request.method == "GET":
            return handle(request)
        asked = f"{request.method} {request.path}"
        known = self._answers.get(key)
        if known is None or known[0] != asked:
            known = asked, handle(request)
            self._answers[key] = known
            if len(self._answers) > self._capacity:
                self._answers.popitem(last=False)
        return known[1]
