"""The twin's clock: the machine's time plus an offset, which survives a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from braintree_twin.state.store import Store

_SETTING = "clock_offset_seconds"


def stamp(moment: datetime) -> str:
    """The time as Braintree writes it: whole seconds, UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_stamp(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


class FixedClock:
    """A clock that stands still: the moment at which something came due, however late it is applied."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment

    def stamp(self) -> str:
        return stamp(self._moment)


class Clock(FixedClock):
    def __init__(self, store: Store) -> None:
        super().__init__(datetime.now(UTC))
        self._store = store
        self._offset = timedelta(seconds=float(store.setting(_SETTING, "0")))

    @property
    def offset_seconds(self) -> float:
        return self._offset.total_seconds()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def stamp(self) -> str:
        return stamp(self.now())

    def reset(self) -> None:
        """Go back to the machine's time."""
        self._offset = timedelta()
        self._store.set_setting(_SETTING, "0")

    def advance(self, seconds: float) -> None:
        """Move the clock ahead for good. It never moves back."""
        self._offset += timedelta(seconds=seconds)
        self._store.set_setting(_SETTING, str(self.offset_seconds))
