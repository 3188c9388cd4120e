"""A clock that stands still until it is moved, and leases that are held or over."""

from datetime import UTC, datetime, timedelta

from application.common.lease import Lease

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HELD = Lease(lambda: 0.0, 1.0)
OVER = Lease(lambda: 1.0, 1.0)


class ManualClock:
    """A wall clock, and a steady one beside it. Only the wall clock can be set to a wrong time."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._steady_seconds = 0.0

    def now(self) -> datetime:
        return self._now

    def steady_seconds(self) -> float:
        return self._steady_seconds

    def advance(self, by: timedelta) -> None:
        """Time passes."""
        self._now += by
        self._steady_seconds += by.total_seconds()

    def jump(self, by: timedelta) -> None:
        """Somebody sets the wall clock. No time passes."""
        self._now += by
