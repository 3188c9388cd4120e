"""The status and metrics of the worker pool, as the supervisor reports them to the HTTP side."""

import threading


class WorkerPoolStatus:
    """The last reported status of the worker pool; empty before the first report. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.wanted = self.ready = self.replaced = 0
        self._snapshots: dict[int, str] = {}

    def update(self, *, wanted: int, ready: int, replaced: int) -> None:
        """replaced: the number of workers that ended by themselves since the start."""
        with self._lock:
            self.wanted, self.ready, self.replaced = wanted, ready, replaced

    def update_metrics(self, worker: int, snapshot: str) -> None:
        """The worker's own metrics, packed; empty once the worker has ended."""
        with self._lock:
            self._snapshots[worker] = snapshot

    def snapshots(self) -> list[tuple[int, str]]:
        """The last metrics of each worker that runs, by its number."""
        with self._lock:
            return sorted((number, snapshot) for number, snapshot in self._snapshots.items() if snapshot)

    @property
    def has_enough(self) -> bool:
        """Whether at least half of the workers are ready: fewer could not carry this machine's load."""
        return 2 * self.ready >= self.wanted

    @property
    def summary(self) -> str:
        """A summary for people. Empty without a worker pool."""
        return f"{self.ready} of {self.wanted} workers" if self.wanted else ""
