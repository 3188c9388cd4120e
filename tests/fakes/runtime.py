"""A clock that tests advance, and leases that are held or over."""

from datetime import UTC, datetime, timedelta

from application.common.lease import Lease

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HELD = Lease(lambda: 0.0, 1.0)
OVER = Lease(lambda: 1.0, 1.0)


class ManualClock:
    """A wall clock and a steady clock. Only the wall clock can jump."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._steady_seconds = 0.0

    def now(self) -> datetime:
        return self._now

    def steady_seconds(self) -> float:
        return self._steady_seconds

    def advance(self, by: timedelta) -> None:
        """Advance both clocks."""
        self._now += by
        self._steady_seconds += by.total_seconds()

    def jump(self, by: timedelta) -> None:
        """Set the wall clock; the steady clock stays."""
        self._now += by
