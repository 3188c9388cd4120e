"""One replica of the service, which tests start, kill, stop and freeze."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

_SLOW_START_SECONDS: Final = 40.0


class Replica:
    """A process that can be started again at the same address. Start and close it in one thread."""

    def __init__(self, name: str, environment: Mapping[str, str], directory: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.http_address = f"127.0.0.1:{free_port()}"
        self.log = directory / f"{name}.log"
        # For processes that start from now on: other settings, and a mutant.
        self.environment: dict[str, str] = {}
        self.mutant = ""
        self._changed = threading.Condition()
        self._pid = 0
        self._listens = False
        self._exit_status: int | None = None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.service_under_test"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                cwd=Path(__file__).parents[2],
                env={
                    **os.environ,
                    **environment,
                    "BAYAR_GRPC_ADDRESS": self.address,
                    "BAYAR_HTTP_ADDRESS": self.http_address,
                    "PYTHONUNBUFFERED": "1",
                },
            )
        threading.Thread(target=self._listen, name=f"{name} listener", daemon=True).start()

    def start(
        self,
        step: str = "",
        nth: int = 1,
        number: signal.Signals = signal.SIGKILL,
        *,
        clock_is_off_by: timedelta = timedelta(),
    ) -> None:
        """Start the process. It gets the signal when it reaches the failpoint `step` for the nth time.

        Returns once it listens, or is dead.
        """
        order = {
            "step": step,
            "nth": nth,
            "signal": number,
            "clock_is_off_by": clock_is_off_by.total_seconds(),
            "environment": self.environment,
            "mutant": self.mutant,
        }
        with self._changed:
            self._listens, self._exit_status, self._pid = False, None, 0
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        with self._changed:
            told = self._changed.wait_for(lambda: self._listens or self._exit_status is not None, _SLOW_START_SECONDS)
        if not told:
            raise RuntimeError(f"{self.address} does not start; see {self.log}")

    def wait_for_death(self, timeout_seconds: float) -> int | None:
        """The exit status (negative: a signal), or None if it still runs."""
        with self._changed:
            self._changed.wait_for(lambda: self._exit_status is not None, timeout_seconds)
            return self._exit_status

    def signal(self, number: signal.Signals) -> None:
        with self._changed:
            if self._exit_status is None and self._pid:
                # The process may have died a moment ago; the listener has not reported it yet.
                with suppress(ProcessLookupError):
                    os.kill(self._pid, number)

    def is_frozen(self) -> bool:
        """Whether a signal stopped it."""
        with self._changed:
            pid = self._pid
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "T"

    def kill(self) -> int | None:
        """Kill with SIGKILL. Returns the exit status, which shows whether it ended before."""
        self.signal(signal.SIGKILL)
        return self.wait_for_death(10)

    def close(self) -> None:
        """End the launcher."""
        self.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                match line.split():
                    case ["born", pid]:
                        self._pid = int(pid)
                    case ["died", status]:
                        self._exit_status = int(status)
                    case ["Bayar", "listens", *_]:
                        self._listens = True
                self._changed.notify_all()
        with self._changed:
            if self._exit_status is None:
                self._exit_status = self._process.wait()
            self._changed.notify_all()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(holds: object, timeout_seconds: float, *, every_seconds: float = 0.1) -> bool:
    """Poll until `holds` is true. Returns False after the timeout."""
    assert callable(holds)
    deadline = time.monotonic() + timeout_seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_seconds)
    return True
