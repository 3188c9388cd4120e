"""Kills, stops and freezes replicas."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.crash.aimed_freezes import FEW_PLACES, KillPause
from tests.crash.failpoints import STEPS
from tests.crash.replica import Replica
from tests.crash.request_log import RequestLog
from tests.crash.worker_threads import Worker

_LONGEST_LIFE_SECONDS: Final = 2.5
_DRAIN_SECONDS: Final = 15.0
# Longer than a lease and an absence horizon together: the others have failed the replica's operations.
LONG_SLEEP_SECONDS: Final = 20.0


class ProcessKiller(Worker):
    """Runs a replica for a moment, then kills it at a failpoint or at a random time, stops it, or freezes it."""

    def __init__(
        self,
        request_log: RequestLog,
        number: int,
        replica: Replica,
        draw: random.Random,
        kills: Counter[str],
        steps: Iterator[str],
        kill_pause: KillPause,
    ) -> None:
        super().__init__(name="executioner", daemon=True)
        self._request_log = request_log
        self._number = number
        self._replica = replica
        self._draw = draw
        self._kills = kills
        self._steps = steps
        self._kill_pause = kill_pause
        self._stopping = threading.Event()
        self.problem = ""

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def work(self) -> None:
        while not self._stopping.is_set():
            if not self._kill_pause.rest_if_declared(self._live_without_kills, self._stopping):
                self._run_one_life()

    def _live_without_kills(self) -> None:
        self._replica.environment = FEW_PLACES
        self._replica.start()
        self._replica.environment = {}
        self._request_log.reconnect(self._number)

    def _run_one_life(self) -> None:
        self._replica.kill()
        how = self._draw.choices(("step", "moment", "politely", "nap", "long sleep"), (60, 25, 8, 6, 1))[0]
        step = next(self._steps) if how == "step" else ""
        busy = step.startswith(("caller start", "caller call", "caller outcome"))
        self._replica.start(step, self._draw.choice((1, 1, 2, 5)) if busy else 1)
        self._request_log.reconnect(self._number)
        if self._replica.wait_for_death(self._draw.uniform(0.1, _LONGEST_LIFE_SECONDS)) is not None:
            # Ended without reaching the step: its database connection was cut during the start.
            self._kills[step or "failed starts"] += 1
            return
        if how == "nap":
            self._freeze(self._draw.uniform(0.5, 3))
        elif how == "long sleep":
            self._freeze(LONG_SLEEP_SECONDS)
        if how == "politely":
            self._replica.signal(signal.SIGTERM)
            if self._replica.wait_for_death(_DRAIN_SECONDS) != 0:
                self.problem = f"a polite stop ended with {self._replica.kill()}"
            self._kills["polite stops"] += 1
            return
        self._replica.kill()
        self._kills["at random moments"] += 1

    def _freeze(self, seconds: float) -> None:
        """Freeze the replica, as on a machine that hangs, and let it continue."""
        self._replica.signal(signal.SIGSTOP)
        self._stopping.wait(seconds)
        self._replica.signal(signal.SIGCONT)
        self._kills["freezes"] += 1
        self._replica.wait_for_death(1)


def each_step_in_turn(draw: random.Random) -> Iterator[str]:
    """Every failpoint in random order, before any is repeated."""
    lock = threading.Lock()
    waiting: list[str] = []

    class StepIterator:
        def __iter__(self) -> Iterator[str]:
            return self

        def __next__(self) -> str:
            with lock:
                if not waiting:
                    waiting.extend(draw.sample(STEPS, len(STEPS)))
                return waiting.pop()

    return StepIterator()
