"""The relay of the transactional outbox: gives committed changes their positions in the feed."""

from dataclasses import dataclass
from typing import Final

from application.ports.store import Store

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class RelayEvents:
    """Every replica may run one; only one works at a time."""

    store: Store

    def __call__(self) -> int:
        """Returns the number of assigned positions if more changes may wait, else 0, so that the next ones are batched.

        Raises StoreUnavailable.
        """
        with self.store.read_once() as work:
            if not work.feed.is_waiting():
                return 0
        with self.store.begin() as work:
            sequenced = work.feed.relay(_BATCH)
        return sequenced if sequenced >= _BATCH else 0
