"""A bulkhead around the gateway: the limit of simultaneous calls."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.braintree.transport.connection import RequestNotSent
from adapters.braintree.transport.lease_check import check_lease
from adapters.braintree.transport.platform import MACHINE, Platform


class BulkheadFull(RequestNotSent):
    """The maximum of calls is under way."""


class Bulkhead:
    """Lets `places` calls run at once, and `queue` more wait for a slot. Raises BulkheadFull for all others.

    Calls keep waiting while slots change hands: the gateway answers then, and is only busy. If no slot has changed
    hands for `longest_wait_seconds`, the gateway hangs, and waiting calls are refused. No call waits longer than
    `longest_in_all_seconds`, or takes a slot once its lease is over.
    """

    def __init__(
        self,
        places: int,
        queue: int,
        *,
        longest_wait_seconds: float = 1.0,
        longest_in_all_seconds: float = 10.0,
        platform: Platform = MACHINE,
    ) -> None:
        self._places = places
        self._queue = queue
        self._longest_wait_seconds = longest_wait_seconds
        self._longest_in_all_seconds = longest_in_all_seconds
        self._steady_seconds = platform.steady_seconds
        self._change = platform.condition()
        self._under_way = 0
        self._waiting = 0
        # When a slot was last taken or released.
        self._last_change = self._steady_seconds()

    @property
    def under_way(self) -> int:
        return self._under_way

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._change:
            if self._under_way >= self._places:
                self._wait()
            check_lease()
            self._under_way += 1
            self._last_change = self._steady_seconds()
        try:
            yield
        finally:
            with self._change:
                self._under_way -= 1
                self._last_change = self._steady_seconds()
                self._change.notify()

    def _wait(self) -> None:
        if self._waiting >= self._queue:
            raise BulkheadFull("too many calls to the gateway are under way")
        self._waiting += 1
        end = self._steady_seconds() + self._longest_in_all_seconds
        try:
            while self._under_way >= self._places:
                now = self._steady_seconds()
                left = self._last_change + self._longest_wait_seconds - now
                if left <= 0:
                    raise BulkheadFull("too many calls to the gateway are under way, and none of them ends")
                if now >= end:
                    raise BulkheadFull("too many calls to the gateway are under way, and others are always first")
                self._change.wait(min(left, end - now))
        finally:
            self._waiting -= 1
