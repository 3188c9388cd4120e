"""The network between a replica and the gateway: it loses, delays and refuses requests and answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from application.ports.runtime import Clock
from tests.fakes.faulty_gateway import Fault
from tests.simulation.xml_gateway import Reply, Request, XmlGateway


@dataclass
class FaultyNetwork:
    gateway: XmlGateway
    clock: Clock
    random: Random
    # The probability of each fault.
    fault_rates: dict[Fault, float]
    max_delay: timedelta
    # The longest time to an answer, in seconds.
    max_answer_seconds: float = 0
    _delayed: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)

    def connect(self) -> None:
        if self._happens(Fault.UNREACHABLE):
            raise ConnectionRefusedError(111, "nobody there")

    def send(self, request: Request) -> Reply | None:
        """Send a request. Returns the answer, or None if it is lost."""
        if self._happens(Fault.REFUSED_CREDENTIALS):
            return 401, b""
        if self._happens(Fault.LOST_BEFORE):
            return None
        if self._happens(Fault.LATE):
            delay = timedelta(seconds=self.random.uniform(0, self.max_delay.total_seconds()))
            self._delayed.append((self.clock.now() + delay, lambda: self.gateway.answer(request)))
            return None
        reply = self.gateway.answer(request)
        return None if self._happens(Fault.LOST_AFTER) else reply

    def answer_seconds(self) -> float:
        return self.random.uniform(0, self.max_answer_seconds)

    @property
    def next_delivery(self) -> datetime | None:
        """The time at which the next delayed request arrives."""
        return min((due for due, _ in self._delayed), default=None)

    def deliver_due(self) -> None:
        """Deliver the delayed requests that have arrived by now."""
        now = self.clock.now()
        arrived = [call for due, call in self._delayed if due <= now]
        self._delayed = [(due, call) for due, call in self._delayed if due > now]
        for call in arrived:
            call()

    def _happens(self, fault: Fault) -> bool:
        chance = self.fault_rates.get(fault, 0)
        return chance > 0 and self.random.random() < chance
