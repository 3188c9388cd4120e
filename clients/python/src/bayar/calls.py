"""Calls that are repeated until they are answered, where repeating cannot do anything twice."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from bayar.errors import BayarError, carry_over, read_error

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a call is sent again, always with the same request_id.

    Only what is UNAVAILABLE, cancelled by a server that stops, or refused because another operation on the payment is
    under way, is sent again: after the time that the service asks for, or else after a delay that doubles each time.
    attempts=1 never repeats.
    """

    attempts: int = 5
    first_delay_seconds: float = 0.2
    longest_delay_seconds: float = 5.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def delay_seconds(self, attempt: int, error: BayarError) -> float:
        """How long to wait after this attempt (1 is the first)."""
        if error.retry_after_seconds is not None:
            return error.retry_after_seconds
        longest = min(self.first_delay_seconds * 2.0 ** (attempt - 1), self.longest_delay_seconds)
        return longest * (0.5 + self.jitter() / 2)


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends requests to one address, each within its time."""

    address: str
    timeout_seconds: float
    metadata: tuple[tuple[str, str], ...]
    retry: RetryPolicy

    def unary(self, method: grpc.UnaryUnaryMultiCallable[_Request, _Response], request: _Request) -> _Response:
        """The answer. Raises BayarError."""
        attempts = _Attempts(self.retry, self.timeout_seconds)
        while True:
            try:
                return method(request, timeout=attempts.remaining_seconds, metadata=self.metadata)
            except grpc.RpcError as raised:
                error = read_error(raised, request, self.address, self.timeout_seconds)
            attempts.wait_or_raise(error)

    def stream(
        self,
        method: grpc.UnaryStreamMultiCallable[_Request, _Response],
        request: _Request,
        timeout_seconds: float | None,
    ) -> Iterator[_Response]:
        """The answers as they come; a lost connection is made again, and what comes twice in a row is given once.

        Raises BayarError.
        """
        attempts, last = _Attempts(self.retry, timeout_seconds), None
        while True:
            answers = method(request, timeout=attempts.remaining_seconds, metadata=self.metadata)
            try:
                for answer in answers:
                    attempts.begin_again()
                    if answer != last:
                        yield answer
                    last = answer
                return
            except grpc.RpcError as raised:
                error = read_error(raised, request, self.address, timeout_seconds)
            finally:
                answers.cancel()
            attempts.wait_or_raise(error)

    def download(
        self,
        method: grpc.UnaryStreamMultiCallable[_Request, _Response],
        request: _Request,
        timeout_seconds: float | None,
    ) -> Iterator[_Response]:
        """The answers of a stream that cannot be taken up in the middle: begun again only before the first answer.

        Raises BayarError.
        """
        attempts = _Attempts(self.retry, timeout_seconds)
        while True:
            begun = False
            answers = method(request, timeout=attempts.remaining_seconds, metadata=self.metadata)
            try:
                for answer in answers:
                    begun = True
                    yield answer
                return
            except grpc.RpcError as raised:
                error = read_error(raised, request, self.address, timeout_seconds)
            finally:
                answers.cancel()
            if begun:
                raise error
            attempts.wait_or_raise(error)


class _Attempts:
    """What is left of the attempts at one call, and of its time. Without a timeout, time does not run out."""

    def __init__(self, retry: RetryPolicy, timeout_seconds: float | None) -> None:
        self._retry = retry
        self._deadline = None if timeout_seconds is None else retry.clock() + timeout_seconds
        self._made = 0
        self._earlier: BayarError | None = None

    @property
    def remaining_seconds(self) -> float | None:
        return None if self._deadline is None else max(self._deadline - self._retry.clock(), 0.0)

    def begin_again(self) -> None:
        """An answer came: the next fault is the first again."""
        self._made, self._earlier = 0, None

    def wait_or_raise(self, error: BayarError) -> None:
        """Waits until the next attempt is due. Raises the error where there is none left, or no time for it."""
        self._made += 1
        carry_over(self._earlier, error)
        self._earlier = error
        delay = self._retry.delay_seconds(self._made, error)
        in_time = self.remaining_seconds is None or delay < self.remaining_seconds
        if not (error.retryable and self._made < self._retry.attempts and in_time):
            raise error
        self._retry.sleep(delay)
