"""A periodic job: runs a function repeatedly in a thread of its own until it is stopped."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class PeriodicJob:
    """Calls the job, which returns the amount of work done: again at once after some work, else after the interval."""

    def __init__(
        self, name: str, job: Callable[[], int], interval_seconds: float, outages: tuple[type[Exception], ...] = ()
    ) -> None:
        """`outages` are logged in one line; any other error is an internal fault, and is logged with its traceback."""
        self.name = name
        self._job = job
        self._outages = outages
        self._interval_seconds = interval_seconds
        self._stopping = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def request_stop(self) -> None:
        """The running job is its last."""
        self._stopping.set()

    def stop(self, timeout_seconds: float) -> bool:
        """Lets the running job end. Returns whether it did in time."""
        self.request_stop()
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
        except Exception as failure:
            # Logged once for each outage, not for each attempt.
            if not self._failing:
                expected = isinstance(failure, self._outages)
                _log.error(
                    "background job %s fails, and is retried: %s",
                    self.name,
                    str(failure) or type(failure).__name__,
                    exc_info=None if expected else failure,
                )
            self._failing = True
            return 0
        # An idle run says nothing about the outage.
        if self._failing and done:
            _log.info("background job %s works again", self.name)
            self._failing = False
        return done
