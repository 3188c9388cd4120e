"""Circuit breakers around the gateway, so that a gateway that hangs cannot take every thread."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NoReturn, Protocol

from adapters.braintree.transport.bulkhead import Bulkhead, BulkheadFull
from adapters.braintree.transport.connection import RequestNotSent
from adapters.braintree.transport.connection_pool import Body
from adapters.braintree.transport.lease_check import NotAllowedToSend, require_lease
from adapters.braintree.transport.platform import MACHINE, Platform
from adapters.braintree.transport.tls import Handshakes
from application.common.concurrency import blocking_call
from application.common.lease import steady_seconds

_log = logging.getLogger(__name__)

# The default number of lost answers that opens a circuit breaker.
FAILURES_BEFORE_OPENING: Final = 10
FIRST_PAUSE_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 10.0
# A connection attempt that failed sooner blocked no thread for long, and does not count.
_SLOW_SECONDS: Final = 1.0


class CallClass(Enum):
    """Calls that are likely to fail together: each class has its own circuit breaker."""

    MOVES = "moves"
    SEARCHES = "searches"
    OTHERS = "others"


def is_read_only(http_verb: str, path: str) -> bool:
    """Whether the call changes nothing, however late it arrives."""
    return http_verb == "GET" or _is_report(path) or path.endswith("/client_token")


def call_class_of(http_verb: str, path: str) -> CallClass:
    if _is_report(path):
        return CallClass.SEARCHES
    return CallClass.MOVES if "/transactions" in path and http_verb != "GET" else CallClass.OTHERS


def _is_report(path: str) -> bool:
    """Whether the gateway computes the answer from many transactions."""
    return "/advanced_search" in path or path.endswith("/settlement_batch_summary")


class CallEnd(Enum):
    ANSWERED = "answered"
    LOST = "lost"
    NOT_SENT = "not_sent"
    # Not sent, and not attempted.
    REFUSED_BULKHEAD_FULL = "refused_busy"
    REFUSED_CIRCUIT_OPEN = "refused_silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStats:
    """Statistics of the calls to the gateway since this process began."""

    under_way: int
    ended: Mapping[tuple[CallClass, CallEnd], int]
    # The circuits that are open now, except for a probe.
    open_circuits: frozenset[CallClass]
    handshakes: Handshakes


class CircuitOpen(RequestNotSent):
    """Most calls of this class had no answer."""


class CallObserver(Protocol):
    """The port through which metrics and traces learn of each call's end. Safe for many threads; raises nothing."""

    def call_ended(self, kind: CallClass, end: CallEnd, http_verb: str, path: str, began: float, /) -> None:
        """began: by time.perf_counter(), before the wait for a slot."""


class _NoObserver:
    def call_ended(self, kind: CallClass, end: CallEnd, http_verb: str, path: str, began: float, /) -> None: ...


UNOBSERVED: Final[CallObserver] = _NoObserver()


class Transport(Protocol):
    @property
    def handshakes(self) -> Handshakes: ...

    def http_do(self, http_verb: str, path: str, headers: Mapping[str, Any], request_body: Body) -> list[int | str]: ...

    def close(self) -> None: ...


class Breaker:
    """A circuit breaker. Each lost answer or slow failure to connect adds 1, each answer subtracts 1; the circuit opens
    at `failures`; 0: never.

    So a gateway that answers every third call opens it, and one that answers nine of ten does not. While it is open,
    every call raises CircuitOpen at once, except a single probe (half-open) after a pause that grows. Any answer closes
    it, also a refusal or an error of the gateway: the gateway is there.
    """

    def __init__(
        self, failures: int, steady_seconds: Callable[[], float] = steady_seconds, *, kind: CallClass = CallClass.OTHERS
    ) -> None:
        self._most_failures = failures
        self._kind = kind
        self._steady_seconds = steady_seconds
        self._lock = threading.Lock()
        self._failures = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        # When the next probe may run. None: the circuit is closed.
        self._next_try: float | None = None
        self._is_trying = False
        # The number of closings. Calls that started before the latest closing say nothing about the time since.
        self._closings = 0

    @property
    def is_open(self) -> bool:
        return self._next_try is not None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        began, tries = self._enter()
        start = self._steady_seconds()
        try:
            yield
        except BaseException as failure:
            took_long = self._steady_seconds() - start >= _SLOW_SECONDS
            # A hang of this process says nothing about the gateway.
            is_ours = isinstance(failure, NotAllowedToSend)
            is_theirs = took_long or not isinstance(failure, RequestNotSent)
            self._fail(began, tries, counts=is_theirs and not is_ours)
            raise
        self._succeed()

    def _enter(self) -> tuple[int, bool]:
        """The number of closings, and whether this call is the probe."""
        with self._lock:
            if self._next_try is None:
                return self._closings, False
            if self._is_trying or self._steady_seconds() < self._next_try:
                raise CircuitOpen("the gateway does not answer; nothing is sent until it does")
            self._is_trying = True
            return self._closings, True

    def _fail(self, began: int, tries: bool, *, counts: bool) -> None:
        with self._lock:
            if began != self._closings:
                return
            if tries:
                self._is_trying = False
                self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
                self._next_try = self._steady_seconds() + self._pause_seconds
            elif counts and self._next_try is None:
                self._failures += 1
                if self._failures == self._most_failures:
                    self._next_try = self._steady_seconds() + self._pause_seconds
                    _log.error(
                        "circuit breaker of %s opens: %s more gateway calls lost their answer than got one",
                        self._kind.value,
                        self._failures,
                    )

    def _succeed(self) -> None:
        with self._lock:
            if self._next_try is None:
                self._failures = max(0, self._failures - 1)
            else:
                _log.info("circuit breaker of %s closes: the gateway answers again", self._kind.value)
                self._failures = 0
                self._closings += 1
                self._next_try, self._is_trying = None, False
                self._pause_seconds = FIRST_PAUSE_SECONDS


class GuardedTransport:
    """An http_strategy for the SDK: the transport behind a circuit breaker for each class of calls and one bulkhead for
    all.

    Raises the transport's errors, BulkheadFull and CircuitOpen.
    """

    def __init__(
        self,
        transport: Transport,
        bulkhead: Bulkhead,
        *,
        breaker_failures: int,
        platform: Platform = MACHINE,
        observer: CallObserver = UNOBSERVED,
    ) -> None:
        self._transport = transport
        self._observer = observer
        self._breakers = {kind: Breaker(breaker_failures, platform.steady_seconds, kind=kind) for kind in CallClass}
        self._bulkhead = bulkhead
        self._lock = threading.Lock()
        self._ended: Counter[tuple[CallClass, CallEnd]] = Counter()

    @property
    def stats(self) -> GatewayStats:
        with self._lock:
            ended = dict(self._ended)
        return GatewayStats(
            under_way=self._bulkhead.under_way,
            ended=ended,
            open_circuits=frozenset(kind for kind, breaker in self._breakers.items() if breaker.is_open),
            handshakes=self._transport.handshakes,
        )

    def http_do(self, http_verb: str, path: str, headers: Mapping[str, Any], request_body: Body) -> list[int | str]:
        if not is_read_only(http_verb, path):
            require_lease()
        kind = call_class_of(http_verb, path)
        end, began = CallEnd.LOST, time.perf_counter()
        try:
            # The bulkhead comes first: a call that waited for a slot must not be the probe, nor count as a failure.
            with blocking_call(), self._bulkhead(), self._breakers[kind]():
                answer = self._transport.http_do(http_verb, path, headers, request_body)
            end = CallEnd.ANSWERED
            return answer
        except RequestNotSent as failure:
            end = _REFUSED.get(type(failure), CallEnd.NOT_SENT)
            raise
        finally:
            with self._lock:
                self._ended[kind, end] += 1
            self._observer.call_ended(kind, end, http_verb, path, began)

    def handle_exception(self, exception: Exception) -> NoReturn:
        raise exception

    def close(self) -> None:
        self._transport.close()


_REFUSED: Final[Mapping[type[RequestNotSent], CallEnd]] = {
    BulkheadFull: CallEnd.REFUSED_BULKHEAD_FULL,
    CircuitOpen: CallEnd.REFUSED_CIRCUIT_OPEN,
}
