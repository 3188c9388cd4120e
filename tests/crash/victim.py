"""Runs the real service, one life after another, each in a process of its own that dies where it is told to.

Everything is imported once; each life is a fork, so that it begins in a moment. A line of JSON on the standard input
begins a life, with settings of its own and a planted mutant where it names them; the standard output
tells of births, deaths and what the service says.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from datetime import datetime, timedelta
from typing import Final

from dependency_injector import providers

from bootstrap.config.settings import Settings
from bootstrap.process import serve
from bootstrap.wiring.clock_and_ids import SystemClock
from bootstrap.wiring.container import Container
from tests.crash.mutants import plant
from tests.crash.steps import Fuse, with_fuse

_PR_SET_PDEATHSIG: Final = 1


class StormSettings(Settings):
    """The settings of the environment, with a lease that does not outlast the storm."""

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=float(os.environ["VICTIM_LEASE_SECONDS"]))


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class WrongClock(SystemClock):
    """The time of a machine whose clock is off by so much."""

    def __init__(self, off_by: timedelta) -> None:
        self._off_by = off_by

    def now(self) -> datetime:
        return super().now() + self._off_by


def _live(settings: Settings, fuse: Fuse, clock: SystemClock) -> int:
    container = Container()
    container.settings.override(settings)
    container.clock.override(providers.Object(clock))
    store, gateway = with_fuse(container.store(), container.gateway(), fuse)
    container.store.override(providers.Object(store))
    container.gateway.override(providers.Object(gateway))
    return serve.run(container)


def main() -> None:
    _die_with_parent()
    for line in iter(sys.stdin.readline, ""):
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            _die_with_parent()
            status = 1
            try:
                os.environ.update(order["environment"])
                if order["mutant"]:
                    plant(order["mutant"])
                settings = StormSettings()  # type: ignore[call-arg]
                fuse = Fuse(order["step"], order["nth"], signal.Signals(order["signal"]))
                status = _live(settings, fuse, WrongClock(timedelta(seconds=order["clock_is_off_by"])))
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(f"born {pid}", flush=True)
        _, status = os.waitpid(pid, 0)
        print(f"died {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
