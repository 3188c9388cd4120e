"""Keeps a gateway that hangs from taking every thread: few calls at once, and none while it loses one after another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NoReturn, Protocol

from adapters.braintree.connection import RequestNotSent
from adapters.braintree.transport import Body

_log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 10.0
# What could not connect, but was told so sooner, took nobody's time.
_SLOW_SECONDS: Final = 1.0


class Transport(Protocol):
    def http_do(self, http_verb: str, path: str, headers: Mapping[str, Any], request_body: Body) -> list[int | str]: ...

    def close(self) -> None: ...


class Bulkhead:
    """Lets `places` calls run at once, and `queue` more wait for a place. Raises RequestNotSent for all others."""

    def __init__(self, places: int, queue: int, *, longest_wait_seconds: float = 1.0) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._queue = threading.BoundedSemaphore(queue) if queue else None
        self._longest_wait_seconds = longest_wait_seconds

    @contextmanager
    def __call__(self) -> Iterator[None]:
        if not (self._places.acquire(blocking=False) or self._wait()):
            raise RequestNotSent("too many calls to the gateway are under way")
        try:
            yield
        finally:
            self._places.release()

    def _wait(self) -> bool:
        if self._queue is None or not self._queue.acquire(blocking=False):
            return False
        try:
            return self._places.acquire(timeout=self._longest_wait_seconds)
        finally:
            self._queue.release()


class Breaker:
    """Opens after `failures` calls in a row that lost their answer, or waited in vain to connect; 0: never.

    While it is open every call raises RequestNotSent at once, but for a single one, after a pause that grows, that
    tries. Any answer closes it, a refusal or an error of the gateway's, too: it is there.
    """

    def __init__(self, failures: int, steady_seconds: Callable[[], float] = time.monotonic) -> None:
        self._most_failures = failures
        self._steady_seconds = steady_seconds
        self._lock = threading.Lock()
        self._failures = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        # When the next call may try. None: closed.
        self._next_try: float | None = None
        self._is_trying = False
        # How often it has closed. What began before says nothing of the time since.
        self._closings = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        began = self._enter()
        start = self._steady_seconds()
        try:
            yield
        except BaseException as failure:
            took_long = self._steady_seconds() - start >= _SLOW_SECONDS
            self._fail(began, counts=took_long or not isinstance(failure, RequestNotSent))
            raise
        self._succeed()

    def _enter(self) -> int | None:
        """The count of closings, or None for the one that tries."""
        with self._lock:
            if self._next_try is None:
                return self._closings
            if self._is_trying or self._steady_seconds() < self._next_try:
                raise RequestNotSent("the gateway does not answer; nothing is sent until it does")
            self._is_trying = True
            return None

    def _fail(self, began: int | None, *, counts: bool) -> None:
        with self._lock:
            if began is None:
                self._is_trying = False
                self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
                self._next_try = self._steady_seconds() + self._pause_seconds
            elif counts and began == self._closings and self._next_try is None:
                self._failures += 1
                if self._failures == self._most_failures:
                    self._next_try = self._steady_seconds() + self._pause_seconds
                    _log.error("%s calls to the gateway in a row had no answer: it is left alone", self._failures)

    def _succeed(self) -> None:
        with self._lock:
            self._failures = 0
            if self._next_try is not None:
                _log.info("the gateway answers again")
                self._closings += 1
                self._next_try, self._is_trying = None, False
                self._pause_seconds = FIRST_PAUSE_SECONDS


class GuardedTransport:
    """An http_strategy for the SDK: the transport behind a breaker and a bulkhead. Raises what the transport does."""

    def __init__(self, transport: Transport, breaker: Breaker, bulkhead: Bulkhead) -> None:
        self._transport = transport
        self._breaker = breaker
        self._bulkhead = bulkhead

    def http_do(self, http_verb: str, path: str, headers: Mapping[str, Any], request_body: Body) -> list[int | str]:
        # The bulkhead first: what waited for a place must not be the one that tries, nor count as a failure.
        with self._bulkhead(), self._breaker():
            return self._transport.http_do(http_verb, path, headers, request_body)

    def handle_exception(self, exception: Exception) -> NoReturn:
        raise exception

    def close(self) -> None:
        self._transport.close()
