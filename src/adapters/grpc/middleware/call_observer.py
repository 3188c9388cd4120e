"""The observer of calls: the port through which logs, metrics and traces learn of each call's begin and end."""

from __future__ import annotations

from typing import Any, Final, Protocol

import grpc

from adapters.grpc.errors.status_codes import Problem
from adapters.grpc.middleware.call_snapshot import Metadata
from application.common.caller import Caller

# The name of every call to a method that is not served: callers choose their paths, and names are labels of metrics.
UNKNOWN_METHOD: Final = "/unknown/unknown"


class ObservedCall(Protocol):
    """One call, from its arrival to its answer."""

    # The authenticated caller, once it is known.
    caller: Caller | None

    def enter(self) -> None:
        """Says that the work of the call begins on the current thread or task."""

    def leave(self, request: Any) -> None:
        """Says that the caller is gone. Work that has begun goes on, and ends the call; other work never begins."""

    def end(self, code: grpc.StatusCode, reason: str, request: Any = None, answer: Any = None) -> None:
        """Says that the call ended, once, where its work was done. The messages are those of the contract; None where
        there is none. reason: the ErrorInfo's, empty without an error.
        """


class CallObserver(Protocol):
    """Safe for many threads; raises nothing."""

    def begin(self, method: str, metadata: Metadata) -> ObservedCall: ...


def end_with(call: ObservedCall, problem: Problem, request: Any = None) -> None:
    """Ends a call that the problem refuses."""
    call.end(problem.code, problem.reason, request)


class _Unobserved:
    caller: Caller | None = None

    def enter(self) -> None: ...

    def leave(self, request: Any) -> None: ...

    def end(self, code: grpc.StatusCode, reason: str, request: Any = None, answer: Any = None) -> None: ...


class _NoObserver:
    def begin(self, method: str, metadata: Metadata) -> ObservedCall:
        return _Unobserved()


UNOBSERVED_CALL: Final[ObservedCall] = _Unobserved()
UNOBSERVED: Final[CallObserver] = _NoObserver()
