"""The readings of each scrape: numbers that others keep, and those of the database, which may be away."""

from __future__ import annotations

import logging
import math
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from adapters.braintree.transport.circuit_breaker import CallClass, CallEnd, GatewayStats
from adapters.persistence.backlog import Backlog, Waiting
from application.common.errors import StoreUnavailable
from bootstrap.logging.nonblocking_output import STDERR, STDOUT
from bootstrap.observability import catalogue
from bootstrap.observability.instruments import Labels, Reading
from domain.operation import OperationKind

_log = logging.getLogger(__name__)

# Scrapes of several Prometheus servers share one reading of the database.
_FRESH_SECONDS: Final = 1.0
# A scrape has ten seconds by default.
_WAIT_SECONDS: Final = 2.0
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_STATES: Final = ("pending", "unresolved", "scheduled")


def process_readings() -> Iterator[Reading]:
    yield (
        catalogue.LINES_DROPPED,
        [((name,), writer.dropped) for name, writer in (("stdout", STDOUT), ("stderr", STDERR))],
    )
    yield catalogue.BUILD, [((version("bayar-service"), platform.python_version()), 1)]


def pool_readings(engine: Engine) -> Iterator[Reading]:
    pool = engine.pool
    if isinstance(pool, QueuePool):
        counts = {"in_use": pool.checkedout(), "idle": pool.checkedin(), "limit": pool.size()}
        yield catalogue.POOL, [((name,), count) for name, count in counts.items()]


def gateway_readings(stats: GatewayStats) -> Iterator[Reading]:
    yield catalogue.GATEWAY_OPEN, [((), stats.under_way)]
    yield (
        catalogue.GATEWAY_CALLS,
        [((kind.value, end.value), stats.ended.get((kind, end), 0)) for kind in CallClass for end in CallEnd],
    )
    yield catalogue.BREAKER, [((kind.value,), int(kind in stats.open_circuits)) for kind in CallClass]
    yield catalogue.HANDSHAKES, [(("full",), stats.handshakes.full), (("resumed",), stats.handshakes.resumed)]


def open_call_readings(count: Callable[[], int]) -> Callable[[], Iterator[Reading]]:
    def read() -> Iterator[Reading]:
        yield catalogue.GRPC_OPEN, [((), count())]

    return read


class DatabaseReadings:
    """Reads the backlog at most once a second, and waits two seconds for it. While the database is away, only that is
    reported.
    """

    def __init__(
        self,
        read: Callable[[datetime], Backlog],
        now: Callable[[], datetime],
        steady_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._now = now
        self._steady_seconds = steady_seconds
        self._lock = threading.Lock()
        self._reading = _Reading(has_ended=True)

    def __call__(self) -> Iterator[Reading]:
        reading = self._current()
        is_up = reading.ended.wait(_WAIT_SECONDS) and reading.backlog is not None
        yield catalogue.DATABASE_UP, [((), int(is_up))]
        if is_up and reading.backlog is not None:
            yield from _of_backlog(reading.backlog, reading.time)

    def _current(self) -> _Reading:
        """The reading under way, or a fresh one: a database that hangs holds one thread, however often it is asked."""
        with self._lock:
            steady = self._steady_seconds()
            if self._reading.ended.is_set() and steady - self._reading.began > _FRESH_SECONDS:
                self._reading = _Reading(began=steady, time=self._now())
                threading.Thread(target=self._run, args=(self._reading,), name="backlog", daemon=True).start()
            return self._reading

    def _run(self, reading: _Reading) -> None:
        try:
            reading.backlog = self._read(reading.time)
        except StoreUnavailable as failure:
            _log.warning("metrics lack the numbers of the database: %s", failure)
        finally:
            reading.ended.set()


class _Reading:
    """One reading, until it has ended."""

    def __init__(self, *, began: float = -math.inf, time: datetime = _NEVER, has_ended: bool = False) -> None:
        self.began = began
        self.time = time
        self.backlog: Backlog | None = None
        self.ended = threading.Event()
        if has_ended:
            self.ended.set()


def _of_backlog(backlog: Backlog, now: datetime) -> Iterator[Reading]:
    by_kind = {
        (kind.value, state): backlog.operations.get((kind.value, state), Waiting())
        for kind in OperationKind
        for state in _STATES
    }
    yield catalogue.OPEN_OPERATIONS, [(labels, waiting.count) for labels, waiting in by_kind.items()]
    yield catalogue.OLDEST_OPEN, [(labels, _age(waiting.oldest_time, now)) for labels, waiting in by_kind.items()]
    yield catalogue.PENDING_METHODS, [((), backlog.pending_methods)]
    yield catalogue.UNPUBLISHED, [((), backlog.unpublished.count)]
    yield catalogue.FEED_LAG, [((), _age(backlog.unpublished.oldest_time, now))]
    yield catalogue.SEARCH_LAG, [((), _age(backlog.unindexed.oldest_time, now))]
    yield catalogue.SEARCH_COMPLETE, [((), int(backlog.is_index_complete))]
    yield catalogue.POLLS_DUE, [((), backlog.due_polls.count)]
    yield catalogue.SETTLEMENT_LAG, [((), _age(backlog.due_polls.oldest_time, now))]
    yield (
        catalogue.INBOX_UNFINISHED,
        [((state,), backlog.gateway_webhooks.get(state, 0)) for state in ("pending", "dead")],
    )
    endpoints = backlog.endpoints.items()
    yield catalogue.WEBHOOK_LAG, _each((name, one.lag) for name, one in endpoints)
    yield catalogue.WEBHOOK_FAILING, _each((name, _age(one.failing_since, now)) for name, one in endpoints)
    yield catalogue.WEBHOOK_DEAD, _each((name, one.dead_letters) for name, one in endpoints)


def _each(values: Iterable[tuple[str, float]]) -> list[tuple[Labels, float]]:
    return [((name,), value) for name, value in values]


def _age(time: datetime | None, now: datetime) -> float:
    return 0.0 if time is None else max(0.0, (now - time).total_seconds())
