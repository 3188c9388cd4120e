"""Lets replicas live for a moment, and ends or freezes them."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.crash.aims import FEW_PLACES, Truce
from tests.crash.replica import Replica
from tests.crash.steps import STEPS
from tests.crash.town import Town
from tests.crash.worker import Worker

_LONGEST_LIFE_SECONDS: Final = 2.5
_DRAIN_SECONDS: Final = 15.0
# Longer than a lease, an absence horizon and all together: whoever sleeps that long has been given up.
LONG_SLEEP_SECONDS: Final = 20.0


class Executioner(Worker):
    """Lets a replica live for a moment, and ends it: at a named step, at a random moment, or politely."""

    def __init__(
        self,
        town: Town,
        number: int,
        replica: Replica,
        draw: random.Random,
        kills: Counter[str],
        steps: Iterator[str],
        truce: Truce,
    ) -> None:
        super().__init__(name="executioner", daemon=True)
        self._town = town
        self._number = number
        self._replica = replica
        self._draw = draw
        self._kills = kills
        self._steps = steps
        self._truce = truce
        self._stopping = threading.Event()
        self.problem = ""

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def work(self) -> None:
        while not self._stopping.is_set():
            if not self._truce.rest_if_wanted(self._live_in_peace, self._stopping):
                self._one_life()

    def _live_in_peace(self) -> None:
        self._replica.environment = FEW_PLACES
        self._replica.start()
        self._replica.environment = {}
        self._town.connect_again(self._number)

    def _one_life(self) -> None:
        self._replica.kill()
        how = self._draw.choices(("step", "moment", "politely", "nap", "long sleep"), (60, 25, 8, 6, 1))[0]
        step = next(self._steps) if how == "step" else ""
        busy = step.startswith(("caller start", "caller call", "caller outcome"))
        self._replica.start(step, self._draw.choice((1, 1, 2, 5)) if busy else 1)
        self._town.connect_again(self._number)
        if self._replica.wait_for_death(self._draw.uniform(0.1, _LONGEST_LIFE_SECONDS)) is not None:
            # Without a step: its database was cut while it started.
            self._kills[step or "failed starts"] += 1
            return
        if how == "nap":
            self._sleep(self._draw.uniform(0.5, 3))
        elif how == "long sleep":
            self._sleep(LONG_SLEEP_SECONDS)
        if how == "politely":
            self._replica.signal(signal.SIGTERM)
            if self._replica.wait_for_death(_DRAIN_SECONDS) != 0:
                self.problem = f"a polite stop ended with {self._replica.kill()}"
            self._kills["polite stops"] += 1
            return
        self._replica.kill()
        self._kills["at random moments"] += 1

    def _sleep(self, seconds: float) -> None:
        """As a machine that hangs: nothing runs, and then everything goes on."""
        self._replica.signal(signal.SIGSTOP)
        self._stopping.wait(seconds)
        self._replica.signal(signal.SIGCONT)
        self._kills["freezes"] += 1
        self._replica.wait_for_death(1)


def in_turn(draw: random.Random) -> Iterator[str]:
    """Every step before any comes again."""
    lock = threading.Lock()
    waiting: list[str] = []

    class ConcurrencyLimiter:
        def __iter__(self) -> Iterator[str]:
            return self

        def __next__(self) -> str:
            with lock:
                if not waiting:
                    waiting.extend(draw.sample(STEPS, len(STEPS)))
                return waiting.pop()

    return ConcurrencyLimiter()
