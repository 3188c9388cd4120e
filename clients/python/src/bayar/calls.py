"""Calls with retries. A repeat carries the same request_id, so it has no second effect."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc

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

    def delay_seconds(self, attempt: int, error: BayarError) -> float:
        """The delay after this attempt in seconds; 1 is the first attempt."""
        if error.retry_after_seconds is not None:
            return error.retry_after_seconds
        longest = min(self.first_delay_seconds * 2.0 ** (attempt - 1), self.longest_delay_seconds)
        return longest * (0.5 + self.jitter() / 2)


class Caller:
    """Sends calls to one address, each within its time."""

    def __init__(
        self,
        channel: grpc.Channel,
        address: str,
        timeout_seconds: float,
        metadata: tuple[tuple[str, str], ...],
        retry: RetryPolicy,
    ) -> None:
        self._channel = channel
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._metadata = metadata
        self._retry = retry
        self._methods: dict[str, Any] = {}

    def unary(self, call: Unary[MessageT, Any], timeout_seconds: float | None, retry: RetryPolicy | None) -> MessageT:
        """The result. Raises BayarError."""
        return call.pick(self._answer(call.rpc, call.request, timeout_seconds, retry))

    def pages(
        self, call: Pages[MessageT, Any], timeout_seconds: float | None, retry: RetryPolicy | None
    ) -> Iterator[MessageT]:
        """The items, page after page; the time is that of one page. Raises BayarError."""
        more = True
        while more:
            page = self._answer(call.rpc, call.request, timeout_seconds, retry)
            yield from call.items(page)
            more = call.advance(call.request, page)

    def stream(
        self, call: Stream[MessageT, Any], timeout_seconds: float | None, retry: RetryPolicy | None
    ) -> Iterator[MessageT]:
        """The items as they come. The first answer of a reopened stream is left out if it repeats the last one."""
        attempts = Attempts(retry or self._retry, timeout_seconds)
        method, last, begun = self._method(call.rpc, self._channel.unary_stream), None, False
        while True:
            answers = method(call.request, timeout=attempts.remaining_seconds, metadata=self._metadata_now())
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

    def _answer(self, rpc: Rpc, request: Any, timeout_seconds: float | None, retry: RetryPolicy | None) -> Any:
        timeout_seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        attempts = Attempts(retry or self._retry, timeout_seconds)
        method = self._method(rpc, self._channel.unary_unary)
        while True:
            try:
                return method(request, timeout=attempts.remaining_seconds, metadata=self._metadata_now())
            except grpc.RpcError as raised:
                error = read_error(raised, request, self._address, timeout_seconds)
            attempts.retry.sleep(attempts.delay_or_raise(error))

    def _method(self, rpc: Rpc, make: Callable[..., Any]) -> Any:
        if rpc.path not in self._methods:
            self._methods[rpc.path] = prepare(rpc, make)
        return self._methods[rpc.path]

    def _metadata_now(self) -> tuple[tuple[str, str], ...]:
        return (*self._metadata, *trace_metadata())


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
