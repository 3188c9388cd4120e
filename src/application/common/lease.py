"""The lease of an operation: the time within which this process may send it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final


class LeaseOver(Exception):
    """The lease has expired. Nothing may be sent any more: others may have given up the operation."""


def steady_seconds() -> float:
    """A monotonic clock that, where the system has one, goes on while the machine sleeps."""
    return time.clock_gettime(_STEADY)


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Lease:
    """The time within which this process may send an operation, by its own monotonic clock.

    A process that hung for longer notices before it sends: others may have declared the operation absent by now.
    """

    steady_seconds: Callable[[], float]
    end: float

    @property
    def is_held(self) -> bool:
        return self.steady_seconds() < self.end

    def hold(self) -> None:
        """Raises LeaseOver.

        Call it after every wait, and directly before the first byte of a request that changes something.
        """
        if not self.is_held:
            raise LeaseOver("the service hung for too long before it could send")


# The time that a call may need beyond the gateway's timeouts: waits for a connection, and work before the first byte.
MARGIN_SECONDS: Final = 15.0


def lease_duration(*, connect_seconds: float, read_seconds: float) -> timedelta:
    """The length of a lease: the gateway's timeouts and the margin."""
    return timedelta(seconds=connect_seconds + read_seconds + MARGIN_SECONDS)


@dataclass(frozen=True, slots=True)
class LeasePolicy:
    """The length of leases, and the first look at an outcome that is still unknown afterwards."""

    # The time that a call may take before others may look for its outcome. Longer than the gateway's timeout.
    duration: timedelta
    # The delay of the first look after a lost answer.
    first_check: timedelta
    # A monotonic clock, unaffected by changes of the wall clock.
    steady_seconds: Callable[[], float] = steady_seconds

    def begin(self) -> Lease:
        """A lease that begins now."""
        return Lease(self.steady_seconds, self.steady_seconds() + self.duration.total_seconds())
