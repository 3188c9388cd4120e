"""Calls with retries. A repeat carries the same request_id, so it has no second effect."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc

from bayar.acts import Metadata
from bayar.errors import BayarError, carry_over, read_error
from bayar.rpc import MessageT, Pages, Rpc, Stream, Unary
from bayar.tracing import trace_metadata


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The retries of a call, always with the same request_id.

    The client repeats a call that is UNAVAILABLE, a call that a stopping server cancels, and a call that is refused
    because another operation on the payment is under way. It waits as long as the service asks, or else it doubles its
    delay each time.
    """

    attempts: int = 5
    """At most so many, the first one included. 1 never repeats."""
    first_delay_seconds: float = 0.2
    """Before the second attempt; then twice as much each time. Each delay is shortened at random by up to a half."""
    longest_delay_seconds: float = 5.0
    """No delay is longer, unless the service asks for it."""
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    jitter: Callable[[], float] = field(default=random.random, repr=False)

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError for a number that cannot be meant."""
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int):
            raise TypeError(f"attempts is an int, not {type(self.attempts).__name__}.")
        if self.attempts < 1:
            raise ValueError(f"attempts is at least 1, which never repeats, not {self.attempts}.")
        for name in ("first_delay_seconds", "longest_delay_seconds"):
            checked_seconds(name, getattr(self, name), least=0.0)

    def delay_seconds(self, attempt: int, error: BayarError) -> float:
        """The delay after this attempt in seconds; 1 is the first attempt."""
        if error.retry_after_seconds is not None:
            return error.retry_after_seconds
        longest = min(self.first_delay_seconds * 2.0 ** (attempt - 1), self.longest_delay_seconds)
        return longest * (0.5 + self.jitter() / 2)


def checked_seconds(name: str, value: float, *, least: float | None = None) -> float:
    """The value. Raises TypeError if it is no number; ValueError unless it is above 0, or at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number of seconds, not {type(value).__name__}.")
    if not math.isfinite(value) or (value <= 0.0 if least is None else value < least):
        limit = "greater than 0" if least is None else f"{least:g} or more"
        raise ValueError(f"{name} is a number of seconds, {limit}, not {value}.")
    return value


class Limits:
    """The time and the retries of the calls of one client, unless a call has its own."""

    def __init__(self, timeout_seconds: float, retry: RetryPolicy | None) -> None:
        self._timeout_seconds = checked_seconds("timeout_seconds", timeout_seconds)
        self._retry = _checked_retry(retry) or RetryPolicy()

    def of_call(self, timeout_seconds: float | None, retry: RetryPolicy | None) -> tuple[float, RetryPolicy]:
        """Those of a call with one answer. Raises TypeError and ValueError for bad ones."""
        given, policy = self.of_stream(timeout_seconds, retry)
        return (self._timeout_seconds if given is None else given), policy

    def of_stream(self, timeout_seconds: float | None, retry: RetryPolicy | None) -> tuple[float | None, RetryPolicy]:
        """Those of a stream, which has no limit of time unless it gives one."""
        if timeout_seconds is not None:
            checked_seconds("timeout_seconds", timeout_seconds)
        return timeout_seconds, _checked_retry(retry) or self._retry


def _checked_retry(retry: RetryPolicy | None) -> RetryPolicy | None:
    if retry is not None and not isinstance(retry, RetryPolicy):
        raise TypeError(f"retry is a RetryPolicy: RetryPolicy(attempts=...), not {type(retry).__name__}.")
    return retry


class Caller:
    """Sends calls to one address, each within its time."""

    def __init__(
        self, channel: grpc.Channel, address: str, limits: Limits, metadata: tuple[tuple[str, str], ...]
    ) -> None:
        self._channel = channel
        self._address = address
        self._limits = limits
        self._metadata = metadata
        self._methods: dict[str, Any] = {}
        self._closed = False

    def close(self) -> None:
        """Close the channel: calls from now on are a RuntimeError."""
        self._closed = True
        self._channel.close()

    def unary(
        self, call: Unary[MessageT, Any], timeout_seconds: float | None, retry: RetryPolicy | None, act: Metadata = ()
    ) -> MessageT:
        """The result. Raises BayarError."""
        return call.pick(self._answer(call.rpc, call.request, *self._limits.of_call(timeout_seconds, retry), act))

    def pages(
        self, call: Pages[MessageT, Any], timeout_seconds: float | None, retry: RetryPolicy | None
    ) -> Iterator[MessageT]:
        """The items, page after page; the time is that of one page. Raises BayarError."""
        return self._pages(call, *self._limits.of_call(timeout_seconds, retry))

    def _pages(self, call: Pages[MessageT, Any], timeout_seconds: float, retry: RetryPolicy) -> Iterator[MessageT]:
        more = True
        while more:
            page = self._answer(call.rpc, call.request, timeout_seconds, retry)
            yield from call.items(page)
            more = call.advance(call.request, page)

    def stream(
        self, call: Stream[MessageT, Any], timeout_seconds: float | None, retry: RetryPolicy | None, act: Metadata = ()
    ) -> Iterator[MessageT]:
        """The items as they come. The first answer of a reopened stream is left out if it repeats the last one."""
        return self._stream(call, *self._limits.of_stream(timeout_seconds, retry), act)

    def _stream(
        self, call: Stream[MessageT, Any], timeout_seconds: float | None, retry: RetryPolicy, act: Metadata
    ) -> Iterator[MessageT]:
        attempts = Attempts(retry, timeout_seconds)
        method, last, begun = self._method(call.rpc, self._channel.unary_stream), None, False
        while True:
            answers = method(call.request, timeout=attempts.remaining_seconds, metadata=self._metadata_now(act))
            try:
                for answer in answers:
                    begun = True
                    attempts.begin_again()
                    if answer != last:
                        yield from call.items(answer)
                    last = answer
                    if call.resume:
                        call.resume(call.request, answer)
                return
            except grpc.RpcError as raised:
                error = read_error(raised, call.request, self._address, timeout_seconds)
            finally:
                answers.cancel()
            if begun and call.resume is None:
                raise error
            attempts.retry.sleep(attempts.delay_or_raise(error))

    def _answer(self, rpc: Rpc, request: Any, timeout_seconds: float, retry: RetryPolicy, act: Metadata = ()) -> Any:
        attempts = Attempts(retry, timeout_seconds)
        method = self._method(rpc, self._channel.unary_unary)
        while True:
            try:
                return method(request, timeout=attempts.remaining_seconds, metadata=self._metadata_now(act))
            except grpc.RpcError as raised:
                error = read_error(raised, request, self._address, timeout_seconds)
            attempts.retry.sleep(attempts.delay_or_raise(error))

    def _method(self, rpc: Rpc, make: Callable[..., Any]) -> Any:
        if self._closed:
            raise RuntimeError("This client is closed.")
        if rpc.path not in self._methods:
            self._methods[rpc.path] = prepare(rpc, make)
        return self._methods[rpc.path]

    def _metadata_now(self, act: Metadata) -> Metadata:
        return (*self._metadata, *act, *trace_metadata())


def prepare(rpc: Rpc, make: Callable[..., Any]) -> Any:
    """The RPC on one channel: gRPC's multi-callable."""
    return make(
        rpc.path,
        request_serializer=lambda request: request.SerializeToString(),
        response_deserializer=rpc.response.FromString,
    )


class Attempts:
    """The remaining attempts and the remaining time of one call. Without a timeout, the time has no limit."""

    def __init__(self, retry: RetryPolicy, timeout_seconds: float | None) -> None:
        self.retry = retry
        self._deadline = None if timeout_seconds is None else retry.clock() + timeout_seconds
        self._made = 0
        self._earlier: BayarError | None = None

    @property
    def remaining_seconds(self) -> float | None:
        return None if self._deadline is None else max(self._deadline - self.retry.clock(), 0.0)

    def begin_again(self) -> None:
        """Count attempts from the start again, after an answer."""
        self._made, self._earlier = 0, None

    def delay_or_raise(self, error: BayarError) -> float:
        """Seconds until the next attempt is due. Raises the error where there is none left, or no time for it."""
        self._made += 1
        carry_over(self._earlier, error)
        self._earlier = error
        delay = self.retry.delay_seconds(self._made, error)
        in_time = self.remaining_seconds is None or delay < self.remaining_seconds
        if not (error.retryable and self._made < self.retry.attempts and in_time):
            raise error
        return delay
