"""What lies between a replica and the gateway, and loses, delays or refuses what it likes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from application.ports.runtime import Clock
from tests.fakes.memory_gateway import Fault
from tests.simulation.wire import Reply, Request, Wire


@dataclass
class Network:
    wire: Wire
    clock: Clock
    random: Random
    # How likely each fault is.
    chances: dict[Fault, float]
    longest_delay: timedelta
    # How long an answer takes at most.
    slowest_seconds: float = 0
    _late: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)

    def connect(self) -> None:
        if self._happens(Fault.UNREACHABLE):
            raise ConnectionRefusedError(111, "nobody there")

    def send(self, request: Request) -> Reply | None:
        """The answer, or None: it is lost."""
        if self._happens(Fault.REFUSED_CREDENTIALS):
            return 401, b""
        if self._happens(Fault.LOST_BEFORE):
            return None
        if self._happens(Fault.LATE):
            delay = timedelta(seconds=self.random.uniform(0, self.longest_delay.total_seconds()))
            self._late.append((self.clock.now() + delay, lambda: self.wire.answer(request)))
            return None
        reply = self.wire.answer(request)
        return None if self._happens(Fault.LOST_AFTER) else reply

    def slowness_seconds(self) -> float:
        return self.random.uniform(0, self.slowest_seconds)

    @property
    def next_arrival(self) -> datetime | None:
        """When the next of what was sent late arrives."""
        return min((due for due, _ in self._late), default=None)

    def deliver_late(self) -> None:
        """Carries out what was sent late and has arrived by now."""
        now = self.clock.now()
        arrived = [call for due, call in self._late if due <= now]
        self._late = [(due, call) for due, call in self._late if due > now]
        for call in arrived:
            call()

    def _happens(self, fault: Fault) -> bool:
        chance = self.chances.get(fault, 0)
        return chance > 0 and self.random.random() < chance
