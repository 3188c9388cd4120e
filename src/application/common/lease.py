"""The lease of an operation: the time within which this process may send it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


class LeaseOver(Exception):
    """Nothing may be sent any more: others may have given up what was to be done."""


def steady_seconds() -> float:
    """A clock that nobody sets, and that goes on while the machine sleeps, where the system has such a one."""
    return time.clock_gettime(_STEADY)


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Lease:
    """For how long an operation is this process's to send, by its own steady clock.

    A process that hung for longer finds out before it sends: others may have called the operation absent by now.
    """

    steady_seconds: Callable[[], float]
    end: float

    @property
    def is_held(self) -> bool:
        return self.steady_seconds() < self.end

    def hold(self) -> None:
        """Raises LeaseOver. To be called after every wait, and directly before the first byte of whatever changes
        something.
        """
        if not self.is_held:
            raise LeaseOver("the service hung for too long before it could send")
