"""Injects faults at the gateway by a seed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import Any, Final

from braintree_twin.control import TwinControl
from braintree_twin.testing import Twin
from tests.crash.worker_threads import Worker

# The service's read timeout, and the longest time that the gateway works on an abandoned request.
READ_TIMEOUT_SECONDS: Final = 1.5
LONGEST_DELAY_SECONDS: Final = 3.0

# Fault -> its weight, and the probability that a request meets it.
_KINDS: Final[dict[str, tuple[int, float]]] = {
    "fair": (4, 0.0),
    "delay within the timeout": (2, 0.5),
    "delay before processing": (3, 0.2),
    "delay after processing": (3, 0.2),
    "reset before processing": (3, 0.4),
    "reset after processing": (3, 0.4),
    "5xx, not processed": (3, 0.4),
    "5xx, processed": (3, 0.4),
    "truncated answer": (3, 0.4),
    "garbage": (3, 0.4),
    "refused connections": (1, 1.0),
}
_STATUSES: Final = (500, 502, 503, 504, 429)


class FaultInjector(Worker):
    """Changes the fault about every second until `stop`. Counts the requests that met each fault."""

    def __init__(self, twin: Twin, seed: int) -> None:
        super().__init__(name="weather", daemon=True)
        self._control = TwinControl(twin.control_url, twin.ca_file)
        self._random = random.Random(f"{seed} weather")  # noqa: S311
        self._stopping = threading.Event()
        self.struck: Counter[str] = Counter()
        self._in_force: dict[int, str] = {}
        # While it is set, no faults are injected.
        self.lull = threading.Event()

    def stop(self) -> None:
        self._stopping.set()
        self.join()
        self._control.close()

    def work(self) -> None:
        while not self._stopping.is_set():
            if self.lull.wait(0.0):
                self._stopping.wait(0.2)
                continue
            for _ in range(self._random.choice((1, 1, 2))):
                self._add_fault()
            self._stopping.wait(self._random.uniform(0.3, 1.2))
            self._stop_faults()

    def _add_fault(self) -> None:
        names = list(_KINDS)
        name = self._random.choices(names, [_KINDS[name][0] for name in names])[0]
        fields = self._fields(name)
        if not fields:
            return
        probability = _KINDS[name][1]
        if name != "refused connections":
            fields |= {"probability": probability, "seed": self._random.randrange(2**32)}
        rule = self._control.add_fault(**fields)
        self._in_force[rule.id] = name

    def _stop_faults(self) -> None:
        for rule in self._control.clear_faults():
            self.struck[self._in_force.pop(rule.id, "of an aim")] += rule.struck

    def _fields(self, name: str) -> dict[str, Any]:
        draw = self._random
        too_long = draw.uniform(READ_TIMEOUT_SECONDS + 0.1, LONGEST_DELAY_SECONDS)
        match name:
            case "delay within the timeout":
                return {"fault": "delay", "seconds": draw.uniform(0.02, 0.4)}
            case "delay before processing":
                return {"fault": "delay", "seconds": too_long, "when": "before"}
            case "delay after processing":
                return {"fault": "delay", "seconds": too_long, "when": "after"}
            case "reset before processing":
                return {"fault": "reset_before"}
            case "reset after processing":
                return {"fault": "reset_after"}
            case "5xx, not processed":
                return {"fault": "status", "status": draw.choice(_STATUSES)}
            case "5xx, processed":
                return {"fault": "status", "status": draw.choice(_STATUSES), "processed": True}
            case "truncated answer":
                return {"fault": "truncate"}
            case "garbage":
                return {"fault": "garbage"}
            case "refused connections":
                return {"fault": "refuse", "seconds": draw.uniform(0.1, 0.5)}
        return {}
