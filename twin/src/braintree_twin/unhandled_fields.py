"""Counts the fields that the twin did not act on, by route, and logs each when it is first seen."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any

from braintree_twin.request_schema import UnhandledField

# Clients choose the names of unknown fields.
MAX_FIELDS = 10_000
MAX_PATH_LENGTH = 200

_log = logging.getLogger(__name__)


class UnhandledFieldCounter:
    """The counts since the process started. Values are neither kept nor logged: they may be card data."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def count(self, route: str, fields: Iterable[UnhandledField]) -> None:
        for each in fields:
            key = (route, each.path[:MAX_PATH_LENGTH], str(each.effect))
            if key not in self._counts:
                if len(self._counts) >= MAX_FIELDS:
                    continue
                _log.warning("%s: the twin does not act on %s (%s)", *key)
            self._counts[key] += 1

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {"route": route, "field": path, "effect": effect, "count": count}
            for (route, path, effect), count in sorted(self._counts.items())
        ]
