"""Counts connections, and requests by route and status."""

from __future__ import annotations

from collections import Counter
from typing import Any

from braintree_twin.control_api.request_log import RequestLog


class TrafficCounter:
    def __init__(self) -> None:
        self.log = RequestLog()
        self.connections_accepted = 0
        self.connections_open = 0
        self._requests: Counter[tuple[str, int | str]] = Counter()

    def reset(self) -> None:
        """Forget the counts and the log; connections stay counted."""
        self.log.clear()
        self._requests.clear()

    def count(self, route: str, status: int | str) -> None:
        """Count one request. The status is a fault's name if no answer, or a part of one, was sent."""
        self._requests[route, status] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "connections_accepted": self.connections_accepted,
            "connections_open": self.connections_open,
            "requests": [
                {"route": route, "status": status, "count": count}
                for (route, status), count in sorted(self._requests.items(), key=str)
            ],
        }
