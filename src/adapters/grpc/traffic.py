"""How much one caller, one peer and all together may ask of this process."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from google.protobuf.descriptor import ServiceDescriptor

from adapters.grpc.access import Guard, peer_of
from adapters.grpc.credential_watch import CredentialWatch
from adapters.grpc.errors import RateLimited, TooManyFailedLogins, TooManyStreams
from adapters.grpc.token_bucket import TokenBuckets
from application.caller import Caller
from application.errors import NotAuthenticated

# A burst is this many seconds' worth.
_BURST_SECONDS: Final = 2.0
_MOST_PROVEN: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficLimits:
    """Of one process. 0: any number."""

    reads_per_second: float = 0
    writes_per_second: float = 0
    failed_logins_per_minute: float = 0
    streams_per_caller: int = 0
    stream_seconds: float = 3600
    # How long one answer of a stream may wait for its reader.
    slowest_read_seconds: float = 60
    # How soon the credential of a stream is looked at again.
    credential_seconds: float = 2.5
    call_seconds: float = 150
    threads: int = 200
    # Of those, how many may wait for the gateway. None: all.
    gateway_threads: int | None = None
    queue: int = 1000
    connections: int = 1000
    calls_per_connection: int = 1000
    idle_seconds: float = 300
    connection_seconds: float = 3600


class Traffic:
    """Lets a call pass once its caller is known, or raises what the guard raises, RateLimited, TooManyFailedLogins and
    TooManyStreams. Safe for many threads.
    """

    def __init__(
        self,
        guard: Guard,
        limits: TrafficLimits,
        writes: frozenset[str],
        steady_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.guard = guard
        self._writes = writes
        self._rates = {
            is_write: TokenBuckets(rate, rate * _BURST_SECONDS, steady_seconds)
            for is_write, rate in ((True, limits.writes_per_second), (False, limits.reads_per_second))
        }
        self.credentials = CredentialWatch(guard, limits.credential_seconds)
        self._logins = FailedLogins(limits.failed_logins_per_minute, steady_seconds)
        self._lock = Lock()
        self._streams: Counter[str] = Counter()

    def admit(self, method: str, context: Any) -> None:
        """For calls on a thread of their own."""
        with self._logins.watched(context):
            caller = self.guard.admit(method, context)
        self._spend(method, caller)

    async def admit_stream(self, method: str, context: Any) -> Caller:
        """For calls on the event loop."""
        with self._logins.watched(context):
            caller = await self.guard.admit_stream(method, context)
        self._spend(method, caller)
        return caller

    @contextmanager
    def stream_of(self, caller: Caller) -> Iterator[None]:
        """While a stream of the caller's is open."""
        name = caller.caller_id
        with self._lock:
            if 0 < self.limits.streams_per_caller <= self._streams[name]:
                raise TooManyStreams(self.limits.streams_per_caller)
            self._streams[name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._streams[name] -= 1
                if not self._streams[name]:
                    del self._streams[name]

    def _spend(self, method: str, caller: Caller) -> None:
        wait = self._rates[method in self._writes].take(caller.caller_id)
        if wait:
            raise RateLimited(wait)


class FailedLogins:
    """Slows down a peer that goes on showing what nobody accepts. Credentials that were good a while ago still pass:
    behind a proxy, everybody has its address.
    """

    def __init__(self, per_minute: float, steady_seconds: Callable[[], float]) -> None:
        self._failures = TokenBuckets(per_minute / 60, per_minute, steady_seconds)
        self._lock = Lock()
        self._proven: OrderedDict[bytes, None] = OrderedDict()

    @contextmanager
    def watched(self, context: Any) -> Iterator[None]:
        """Around an authentication. Raises TooManyFailedLogins before it."""
        peer, shown = peer_of(context), _digest(context)
        wait = self._failures.wait_seconds(peer)
        if wait and shown not in self._proven:
            raise TooManyFailedLogins(wait)
        try:
            yield
        except NotAuthenticated:
            self._failures.take(peer)
            with self._lock:
                self._proven.pop(shown, None)
            raise
        with self._lock:
            self._proven[shown] = None
            self._proven.move_to_end(shown)
            if len(self._proven) > _MOST_PROVEN:
                self._proven.popitem(last=False)


def writes_of(services: Iterable[ServiceDescriptor]) -> frozenset[str]:
    """The paths of the calls that change something: those with a request_id."""
    return frozenset(
        f"/{service.full_name}/{method.name}"
        for service in services
        for method in service.methods
        if "request_id" in method.input_type.fields_by_name
    )


def _digest(context: Any) -> bytes:
    """Of the credential that was shown: the credential itself is not kept."""
    digest = hashlib.sha256()
    for name, value in context.invocation_metadata() or ():
        if name == "authorization":
            digest.update(value if isinstance(value, bytes) else value.encode())
            digest.update(b"\0")
    for pem in (context.auth_context() or {}).get("x509_pem_cert", ()):
        digest.update(pem)
    return digest.digest()
