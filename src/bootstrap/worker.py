"""Runs a job again and again in a thread of its own until it is told to stop."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Worker:
    """Calls the job, which returns how much it did: at once again while there is work, otherwise after the interval."""

    def __init__(self, name: str, job: Callable[[], int], interval_seconds: float) -> None:
        self._name = name
        self._job = job
        self._interval_seconds = interval_seconds
        self._stopping = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> bool:
        """Lets the job that runs end. Returns whether it did in time."""
        self._stopping.set()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            done = self._run_once()
            if not done:
                self._stopping.wait(self._interval_seconds)

    def _run_once(self) -> int:
        try:
            done = self._job()
        except Exception:
            # Logged once for each outage, not for each attempt.
            if not self._failing:
                _log.exception("%s failed and goes on trying", self._name)
            self._failing = True
            return 0
        if self._failing:
            _log.info("%s works again", self._name)
        self._failing = False
        return done
