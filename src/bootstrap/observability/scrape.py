"""The answer to a scrape: this process's metrics, the database's numbers, and the metrics of all workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from adapters.http.worker_pool_status import WorkerPoolStatus
from bootstrap.observability import catalogue
from bootstrap.observability.exposition import exposed, unpacked
from bootstrap.observability.instruments import Instruments, Reading, family_of


class Scrape:
    def __init__(
        self, instruments: Instruments, database: Callable[[], Iterable[Reading]], workers: WorkerPoolStatus
    ) -> None:
        self._instruments = instruments
        self._database = database
        self._workers = workers

    def __call__(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type, by the Accept header. It waits some seconds for the database at most."""
        readings = chain(self._database(), self._of_pool())
        own = chain(self._instruments.collect(), (family_of(*reading) for reading in readings))
        others = (
            metric
            for number, snapshot in self._workers.snapshots()
            for metric in unpacked(snapshot, {"worker": str(number)})
        )
        return exposed(chain(own, others), accept)

    def _of_pool(self) -> Iterator[Reading]:
        if self._workers.wanted:
            yield catalogue.WORKERS_WANTED, [((), self._workers.wanted)]
            yield catalogue.WORKERS_READY, [((), self._workers.ready)]
            yield catalogue.WORKERS_REPLACED, [((), self._workers.replaced)]
