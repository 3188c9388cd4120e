"""The status and metrics of the worker pool, as the supervisor reports them to the HTTP side."""

import threading

from adapters.http.metrics import counter, gauge, labelled, merged


class WorkerPoolStatus:
    """The last reported status of the worker pool; empty before the first report. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = self._ready = self._replaced = 0
        self._metrics: dict[int, str] = {}

    def update(self, *, wanted: int, ready: int, replaced: int) -> None:
        """replaced: the number of workers that ended by themselves since the start."""
        with self._lock:
            self._wanted, self._ready, self._replaced = wanted, ready, replaced

    def update_metrics(self, worker: int, text: str) -> None:
        """The worker's own metrics, in the text format of Prometheus."""
        with self._lock:
            self._metrics[worker] = text

    @property
    def has_enough(self) -> bool:
        """Whether at least half of the workers are ready: fewer could not carry this machine's load."""
        return 2 * self._ready >= self._wanted

    @property
    def summary(self) -> str:
        """A summary for people. Empty without a worker pool."""
        return f"{self._ready} of {self._wanted} workers" if self._wanted else ""

    def merge_metrics(self, metrics: str) -> str:
        """The metrics, merged with those of each worker, labelled with its number."""
        with self._lock:
            if not self._wanted:
                return metrics
            texts = [labelled(text, worker=str(number)) for number, text in sorted(self._metrics.items())]
            ours = [
                gauge("bayar_workers_wanted", "The configured number of workers.", self._wanted),
                gauge("bayar_workers_ready", "The number of workers that answer calls.", self._ready),
                counter(
                    "bayar_workers_replaced_total", "Workers that ended unexpectedly and were replaced.", self._replaced
                ),
            ]
        return merged([metrics, *ours, *texts])
