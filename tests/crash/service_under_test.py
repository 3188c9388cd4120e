"""Runs the real service, one process after another, each with a failpoint.

Everything is imported once; each process is a fork, so it starts fast. A line of JSON on the standard input
starts a process, with settings and a mutant where it names them; the standard output
reports starts, exits and the service's output.
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
from tests.crash.failpoints import Failpoint, put_into_shared_commits, with_failpoint
from tests.crash.mutants import apply

_PR_SET_PDEATHSIG: Final = 1


class StormSettings(Settings):
    """The settings of the environment, with a short lease."""

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=float(os.environ["VICTIM_LEASE_SECONDS"]))


def _exit_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class OffsetClock(SystemClock):
    """The clock of a machine with a wrong time."""

    def __init__(self, offset: timedelta) -> None:
        self._offset = offset

    def now(self) -> datetime:
        return super().now() + self._offset


def _run_life(settings: Settings, failpoint: Failpoint, clock: SystemClock) -> int:
    container = Container()
    container.settings.override(settings)
    container.clock.override(providers.Object(clock))
    put_into_shared_commits(failpoint)
    store, gateway = with_failpoint(container.store(), container.gateway(), failpoint)
    container.store.override(providers.Object(store))
    container.gateway.override(providers.Object(gateway))
    return serve.run(container)


def main() -> None:
    _exit_with_parent()
    for line in iter(sys.stdin.readline, ""):
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            _exit_with_parent()
            status = 1
            try:
                os.environ.update(order["environment"])
                if order["mutant"]:
                    apply(order["mutant"])
                settings = StormSettings()  # type: ignore[call-arg]
                failpoint = Failpoint(order["step"], order["nth"], signal.Signals(order["signal"]))
                status = _run_life(settings, failpoint, OffsetClock(timedelta(seconds=order["clock_is_off_by"])))
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(f"born {pid}", flush=True)
        _, status = os.waitpid(pid, 0)
        print(f"died {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
