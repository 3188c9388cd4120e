"""Admission control: rate limits and stream limits for each caller, each peer and the whole process."""

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

from adapters.grpc.middleware.authorization import Guard, peer_of
from adapters.grpc.middleware.call_snapshot import CallSnapshot, Metadata
from adapters.grpc.middleware.credential_watch import CredentialWatch
from adapters.grpc.middleware.status import RateLimited, TooManyFailedLogins, TooManyStreams, TooMuchUnread
from adapters.grpc.middleware.token_bucket import TokenBuckets
from adapters.grpc.server.fair_queue import Flow
from application.common.caller import Caller
from application.common.errors import NotAuthenticated

# What a customer with a credential of their own may use of their caller's limits, and what all of a caller's may
# together: besides what its back end may, and never at its cost.
_SHARE_OF_CUSTOMER: Final = 0.1
_SHARE_OF_CUSTOMERS: Final = 0.5
# Administrative streams look at every caller's payments: a few at once are enough.
_SHARE_OF_ADMINISTRATIVE_STREAMS: Final = 0.02
# A burst is this many seconds' worth.
_BURST_SECONDS: Final = 2.0
_MOST_PROVEN: Final = 1_000
_MOST_UNREAD_BYTES: Final = 32 * 1024 * 1024
# The transport takes answers that are smaller, read or not.
_SMALL_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionLimits:
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
    calls_per_connection: int = 128
    idle_seconds: float = 300
    connection_seconds: float = 3600


class AdmissionControl:
    """Lets a call pass once its caller is known, or raises what the guard raises, RateLimited, TooManyFailedLogins and
    TooManyStreams. Safe for many threads.
    """

    def __init__(
        self,
        guard: Guard,
        limits: AdmissionLimits,
        writes: frozenset[str],
        steady_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.guard = guard
        self._writes = writes
        self._rates = {
            is_write: _Rates(rate, steady_seconds)
            for is_write, rate in ((True, limits.writes_per_second), (False, limits.reads_per_second))
        }
        self.credentials = CredentialWatch(guard, limits.credential_seconds)
        self.unread = UnreadAnswers()
        self._logins = FailedLogins(limits.failed_logins_per_minute, steady_seconds)
        self._lock = Lock()
        self._streams: Counter[Flow | str] = Counter()
        self._flows: OrderedDict[bytes, Flow] = OrderedDict()

    def admit(self, method: str, context: Any) -> None:
        """For calls on a thread of their own."""
        with self._logins.watched(context):
            caller = self.guard.admit(method, context)
        self._note_flow(context, caller)
        self._rates[method in self._writes].spend(caller)

    async def admit_stream(self, method: str, context: Any) -> Caller:
        """For calls on the event loop."""
        with self._logins.watched(context):
            caller = await self.guard.admit_stream(method, context)
        self._rates[method in self._writes].spend(caller)
        return caller

    def has_let_in(self, metadata: Metadata) -> bool:
        """Whether what the metadata shows was good a while ago."""
        return self._logins.has_seen_good(CallSnapshot(metadata, "", {}))

    async def know(self, method: str, context: Any) -> None:
        """Only finds out whether somebody known calls. Raises as `admit_stream` does where nobody does."""
        with self._logins.watched(context):
            await self.guard.know(method, context)

    def flow_of(self, context: Any) -> Flow:
        """Whose call it is, as far as that is known before its credential was looked at: who is let in with it is known
        by it the next time.
        """
        digest = _digest(context)
        with self._lock:
            flow = self._flows.get(digest)
        if flow is None:
            return Flow(customer=peer_of(context))
        if self._logins.has_shown_good(digest):
            self.guard.prove(context)
        return flow

    @contextmanager
    def stream_of(self, caller: Caller, method: str = "") -> Iterator[None]:
        """While a stream of the caller's is open."""
        limits = self._stream_limits(caller, method)
        with self._lock:
            for name, limit in limits.items():
                if 0 < limit <= self._streams[name]:
                    raise TooManyStreams(limit)
            self._streams.update(limits.keys())
        try:
            yield
        finally:
            with self._lock:
                self._streams.subtract(limits.keys())
                self._streams = +self._streams

    def _stream_limits(self, caller: Caller, method: str) -> dict[Flow | str, int]:
        """Of whom how many may be open: a customer's count for the customer and for all of the caller's."""
        most, flow = self.limits.streams_per_caller, Flow.of(caller)
        if caller.customer_id is not None:
            customers = f"customers of {caller.caller_id}"
            return {flow: _part(most, _SHARE_OF_CUSTOMER), customers: _part(most, _SHARE_OF_CUSTOMERS)}
        if self.guard.is_administrative(method):
            return {flow: most, f"administrative of {flow.caller}": _part(most, _SHARE_OF_ADMINISTRATIVE_STREAMS)}
        return {flow: most}

    def _note_flow(self, context: Any, caller: Caller) -> None:
        digest, flow = _digest(context), Flow.of(caller)
        with self._lock:
            self._flows[digest] = flow
            self._flows.move_to_end(digest)
            if len(self._flows) > _MOST_PROVEN:
                self._flows.popitem(last=False)


class _Rates:
    """A rate for each back end, and apart from it one for its customers with credentials of their own."""

    def __init__(self, per_second: float, steady_seconds: Callable[[], float]) -> None:
        self._back_ends, self._customers, self._each = (
            TokenBuckets(rate, rate * _BURST_SECONDS, steady_seconds)
            for rate in (per_second, per_second * _SHARE_OF_CUSTOMERS, per_second * _SHARE_OF_CUSTOMER)
        )

    def spend(self, caller: Caller) -> None:
        """Raises RateLimited."""
        if caller.customer_id is None:
            wait = self._back_ends.take(caller.caller_id)
        else:
            own = self._each.take(f"{caller.caller_id}/{caller.customer_id}")
            wait = own or self._customers.take(caller.caller_id)
        if wait:
            raise RateLimited(wait)


def _part(limit: int, share: float) -> int:
    """0 stays 0, which is any number."""
    return max(1, int(limit * share)) if limit else 0


class UnreadAnswers:
    """Counts what was answered and not read yet. Belongs to an event loop."""

    def __init__(self, most_bytes: int = _MOST_UNREAD_BYTES) -> None:
        """most_bytes: of one caller, or of one customer of theirs."""
        self._most_bytes = most_bytes
        self._bytes: Counter[Flow] = Counter()

    def must_have_room(self, flow: Flow) -> None:
        """Raises TooMuchUnread."""
        if self._bytes.get(flow, 0) > self._most_bytes:
            raise TooMuchUnread(self._most_bytes)

    def hold(self, flow: Flow, size: int, context: Any) -> None:
        """From now on until the call is over."""
        if size < _SMALL_BYTES:
            return
        self._bytes[flow] += size
        context.add_done_callback(lambda _: self._let_go(flow, size))

    def _let_go(self, flow: Flow, size: int) -> None:
        self._bytes[flow] -= size
        if not self._bytes[flow]:
            del self._bytes[flow]


class FailedLogins:
    """Slows down a peer that goes on showing what nobody accepts. Credentials that were good a while ago still pass:
    behind a proxy, everybody has its address.
    """

    def __init__(self, per_minute: float, steady_seconds: Callable[[], float]) -> None:
        self._failures = TokenBuckets(per_minute / 60, per_minute, steady_seconds)
        self._lock = Lock()
        self._proven: OrderedDict[bytes, None] = OrderedDict()

    def has_seen_good(self, context: Any) -> bool:
        return self.has_shown_good(_digest(context))

    def has_shown_good(self, digest: bytes) -> bool:
        return digest in self._proven

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
