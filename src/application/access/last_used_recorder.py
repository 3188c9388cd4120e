"""Records the last use of each API key, in batches and to five minutes, so that a call does not cost a write."""

from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from application.common.api_key import ApiKey
from application.ports.store import Store

_GRAIN: Final = timedelta(minutes=5)


class LastUsedRecorder:
    """Collects uses in memory. Run as a job, it stores uses at least five minutes later than the last stored one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._noted: dict[str, datetime] = {}

    def note(self, key: ApiKey, now: datetime) -> None:
        if key.last_use_time is None or now - key.last_use_time >= _GRAIN:
            with self._lock:
                self._noted[key.key_id] = now

    def __call__(self) -> int:
        """Stores the collected uses. Raises StoreUnavailable; the next run stores them then."""
        with self._lock:
            noted = dict(self._noted)
        if not noted:
            return 0
        with self._store.begin() as work:
            for key_id, time in noted.items():
                work.api_keys.record_use(key_id, time, unless_after=time - _GRAIN)
        with self._lock:
            for key_id, time in noted.items():
                if self._noted.get(key_id) == time:
                    del self._noted[key_id]
        # 0: no need to run again at once.
        return 0
