"""The relay of the transactional outbox: gives committed changes their positions in the feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from application.ports.store import Store

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class RelayEvents:
    """Every replica may run one: they take turns."""

    store: Store

    def __call__(self) -> int:
        """Returns how many were placed where more may wait, and otherwise 0: what comes next is placed together.

        Raises StoreUnavailable.
        """
        with self.store.begin() as work:
            placed = work.feed.relay(_BATCH)
        return placed if placed >= _BATCH else 0
