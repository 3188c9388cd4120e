"""Admission control: rate limits and stream limits for each caller, each peer and the whole process."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from google.protobuf.descriptor import ServiceDescriptor

from adapters.grpc.errors.exceptions import RateLimited, TooManyFailedLogins, TooManyStreams, TooMuchUnread
from adapters.grpc.middleware.authorization import Guard, peer_of
from adapters.grpc.middleware.call_snapshot import Metadata, credential_digest, digest_of
from adapters.grpc.middleware.credential_watch import CredentialWatch
from adapters.grpc.scheduling.fair_queue import Flow
from adapters.grpc.token_bucket import TokenBuckets
from application.common.caller import Caller
from application.common.errors import NotAuthenticated
from domain.ids import CallerId

# A customer with a credential of their own may use this share of their caller's limits, and all customers of a caller
# this share together. Their limits are additional: they never reduce those of the caller's back end.
_SHARE_OF_CUSTOMER: Final = 0.1
_SHARE_OF_CUSTOMERS: Final = 0.5
# Administrative streams read every caller's payments: a few at once are enough.
_SHARE_OF_ADMINISTRATIVE_STREAMS: Final = 0.02
# The burst, in seconds of the sustained rate.
_BURST_SECONDS: Final = 2.0
_MAX_PROVEN: Final = 1_000
# How the names of methods begin that read or change many resources. A deleted customer's payments are all rewritten.
_OF_MANY: Final = ("List", "Search", "Summarize", "DeleteCustomer", "ResendEvents")
_MOST_UNREAD_BYTES: Final = 32 * 1024 * 1024
# The transport accepts smaller answers whether or not the peer reads them.
_SMALL_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionLimits:
    """The limits of one process. 0: unlimited."""

    reads_per_second: float = 0
    writes_per_second: float = 0
    failed_logins_per_minute: float = 0
    streams_per_caller: int = 0
    stream_seconds: float = 3600
    # How long one message of a stream may wait for its reader.
    slowest_read_seconds: float = 60
    # The interval at which a stream's credential is re-checked.
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
    """Authenticates a call and enforces the limits. Raises the guard's errors, RateLimited, TooManyFailedLogins and
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

    def admit(self, method: str, context: Any) -> Caller:
        """For calls on a thread of their own."""
        with self._logins.watched(context):
            caller = self.guard.admit(method, context)
        self._note_flow(credential_digest(context), caller)
        self._rates[method in self._writes].spend(caller)
        return caller

    async def admit_stream(self, method: str, context: Any) -> Caller:
        """For calls on the event loop."""
        with self._logins.watched(context):
            caller = await self.guard.admit_stream(method, context)
        self._rates[method in self._writes].spend(caller)
        return caller

    def has_recent_credential(self, metadata: Metadata) -> bool:
        """Whether the credential in the metadata was accepted recently."""
        return self._logins.is_proven_digest(digest_of(metadata, {}))

    async def authenticate_only(self, method: str, context: Any) -> Caller:
        """Authenticates only, without spending a limit. Raises like `admit_stream` if the caller is unknown."""
        with self._logins.watched(context):
            return await self.guard.authenticate_only(method, context)

    def flow_of(self, context: Any) -> Flow:
        """The flow of a call, as far as it is known before authentication: a credential that was accepted before
        identifies its caller.
        """
        digest = credential_digest(context)
        flow = self._flows.get(digest)
        if flow is None:
            return Flow(customer=peer_of(context))
        if self._logins.is_proven_digest(digest):
            self.guard.mark_authenticated(context)
        return flow

    def recent_caller(self, context: Any) -> Caller | None:
        """The caller of a call that was not authenticated, whose credential was accepted recently."""
        digest = credential_digest(context)
        with self._lock:
            flow = self._flows.get(digest)
        if flow is None or not self._logins.is_proven_digest(digest):
            return None
        return Caller(CallerId(flow.caller))

    @contextmanager
    def open_stream(self, caller: Caller, method: str = "") -> Iterator[None]:
        """Counts one open stream of the caller, until the context ends."""
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
        """The limit of open streams for each flow: a customer's stream counts for the customer and for all of the
        caller's.
        """
        most, flow = self.limits.streams_per_caller, Flow.of(caller)
        if caller.customer_id is not None:
            customers = f"customers of {caller.caller_id}"
            return {flow: _part(most, _SHARE_OF_CUSTOMER), customers: _part(most, _SHARE_OF_CUSTOMERS)}
        if self.guard.is_administrative(method):
            return {flow: most, f"administrative of {flow.caller}": _part(most, _SHARE_OF_ADMINISTRATIVE_STREAMS)}
        return {flow: most}

    def _note_flow(self, digest: bytes, caller: Caller) -> None:
        customer = caller.customer_id or ""
        with self._lock:
            flow = self._flows.get(digest)
            if flow is None or flow.caller != caller.quota_id or flow.customer != customer:
                self._flows[digest] = Flow.of(caller)
            self._flows.move_to_end(digest)
            if len(self._flows) > _MAX_PROVEN:
                self._flows.popitem(last=False)


class _Rates:
    """Token buckets for each back end and, apart from it, for its customers with credentials of their own."""

    def __init__(self, per_second: float, steady_seconds: Callable[[], float]) -> None:
        self._back_ends, self._customers, self._each = (
            TokenBuckets(rate, rate * _BURST_SECONDS, steady_seconds)
            for rate in (per_second, per_second * _SHARE_OF_CUSTOMERS, per_second * _SHARE_OF_CUSTOMER)
        )

    def spend(self, caller: Caller) -> None:
        """Raises RateLimited."""
        if caller.customer_id is None:
            wait = self._back_ends.take(caller.quota_id)
        else:
            own = self._each.take(f"{caller.caller_id}/{caller.customer_id}")
            wait = own or self._customers.take(caller.caller_id)
        if wait:
            raise RateLimited(wait)


def _part(limit: int, share: float) -> int:
    """0 stays 0 (unlimited)."""
    return max(1, int(limit * share)) if limit else 0


class UnreadAnswers:
    """Counts answers that were sent and not read yet (backpressure). Belongs to an event loop."""

    def __init__(self, most_bytes: int = _MOST_UNREAD_BYTES) -> None:
        """most_bytes: the limit for one caller, or for one of its customers."""
        self._most_bytes = most_bytes
        self._bytes: Counter[Flow] = Counter()

    def require_room(self, flow: Flow) -> None:
        """Raises TooMuchUnread."""
        if self._bytes.get(flow, 0) > self._most_bytes:
            raise TooMuchUnread(self._most_bytes)

    def hold(self, flow: Flow, size: int, context: Any) -> None:
        """Counts the bytes until the call ends."""
        if size < _SMALL_BYTES:
            return
        self._bytes[flow] += size
        context.add_done_callback(lambda _: self._let_go(flow, size))

    def _let_go(self, flow: Flow, size: int) -> None:
        self._bytes[flow] -= size
        if not self._bytes[flow]:
            del self._bytes[flow]


class FailedLogins:
    """Throttles a peer that repeatedly presents invalid credentials. Recently accepted credentials still pass: behind a
    proxy, all callers share its address.
    """

    def __init__(self, per_minute: float, steady_seconds: Callable[[], float]) -> None:
        self._failures = TokenBuckets(per_minute / 60, per_minute, steady_seconds)
        self._lock = Lock()
        self._proven: OrderedDict[bytes, None] = OrderedDict()

    def is_proven_digest(self, digest: bytes) -> bool:
        return digest in self._proven

    def watched(self, context: Any) -> _WatchedLogin:
        """Wraps an authentication. Raises TooManyFailedLogins before it."""
        return _WatchedLogin(self, context, credential_digest(context))

    def refuse_if_throttled(self, context: Any, digest: bytes) -> None:
        """Raises TooManyFailedLogins. digest: the credential's, as for the next two."""
        if digest not in self._proven and (wait := self._failures.wait_seconds(peer_of(context))):
            raise TooManyFailedLogins(wait)

    def note_failure(self, context: Any, digest: bytes) -> None:
        self._failures.take(peer_of(context))
        with self._lock:
            self._proven.pop(digest, None)

    def note_success(self, digest: bytes) -> None:
        with self._lock:
            self._proven[digest] = None
            self._proven.move_to_end(digest)
            if len(self._proven) > _MAX_PROVEN:
                self._proven.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _WatchedLogin:
    logins: FailedLogins
    context: Any
    digest: bytes

    def __enter__(self) -> None:
        self.logins.refuse_if_throttled(self.context, self.digest)

    def __exit__(self, kind: object, failure: BaseException | None, traceback: object) -> None:
        if failure is None:
            self.logins.note_success(self.digest)
        elif isinstance(failure, NotAuthenticated):
            self.logins.note_failure(self.context, self.digest)


def write_methods(services: Iterable[ServiceDescriptor]) -> frozenset[str]:
    """The paths of the methods that change something: those with a request_id."""
    return frozenset(
        f"/{service.full_name}/{method.name}"
        for service in services
        for method in service.methods
        if "request_id" in method.input_type.fields_by_name
    )


def record_only_methods(services: Iterable[ServiceDescriptor]) -> frozenset[str]:
    """The paths of the standard methods Get and List (AIP-131, AIP-132). They read the record and never call the
    gateway, so they have threads of their own.
    """
    return frozenset(
        f"/{service.full_name}/{method.name}"
        for service in services
        for method in service.methods
        if method.name.startswith(("Get", "List"))
    )


def cooperative_methods(services: Iterable[ServiceDescriptor]) -> frozenset[str]:
    """The paths of the unary methods that do little work at once: those of one resource. They run on the event loop,
    without a thread. The others read or change many resources.
    """
    return frozenset(
        f"/{service.full_name}/{method.name}"
        for service in services
        for method in service.methods
        if not method.server_streaming and not method.name.startswith(_OF_MANY)
    )
