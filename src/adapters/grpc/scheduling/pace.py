"""The pace of a queue: the time in which it moves on by one."""

from collections import deque
from typing import Final

# While a crowd is accepted, nothing may start for seconds, and then hundreds at once: a mean of few would say that the
# queue stands still.
_MOST_GAPS: Final = 250


class Pace:
    """The mean of the latest times between two starts while others waited.

    Starts count, not ends: the calls of a crowd that wait for the gateway end late, and hold up nobody.
    """

    def __init__(self) -> None:
        self._gaps: deque[float] = deque()
        self._sum = 0.0
        self._last_start: float | None = None

    @property
    def seconds(self) -> float:
        """0 while nothing is known."""
        return self._sum / len(self._gaps) if self._gaps else 0.0

    def note_start(self, now: float, *, others_wait: bool) -> None:
        """now: on the monotonic clock."""
        if not others_wait:
            self._last_start = None
            # A past slowdown must not count against later calls.
            self._forget()
            return
        if self._last_start is not None:
            self._gaps.append(now - self._last_start)
            self._sum += self._gaps[-1]
            if len(self._gaps) > _MOST_GAPS:
                self._forget()
        self._last_start = now

    def _forget(self) -> None:
        """Removes the oldest."""
        if self._gaps:
            self._sum -= self._gaps.popleft()
