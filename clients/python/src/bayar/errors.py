"""BayarError: one exception for every refusal and every unknown outcome."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, PreconditionFailure, RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from bayar.payments.v1.secret_pb2 import secret
from bayar.reasons import Reason, remedy_of

_Detail = TypeVar("_Detail", bound=Message)

# With one of these codes, the outcome of the call is unknown ...
_NEVER_SURE: Final = {
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DATA_LOSS,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
}
# ... and these come from the network as well; the service's own ones carry a reason, and then nothing took effect.
_SURE_WITH_REASON: Final = {grpc.StatusCode.ABORTED, grpc.StatusCode.RESOURCE_EXHAUSTED}
# These the service says after it looked the request_id up, so they settle what became of earlier attempts too.
_SETTLES_EARLIER_ATTEMPTS: Final = {
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
}
# How gRPC begins when there was no connection to send anything over. Whatever else it says, the outcome is unknown.
_NOT_CONNECTED: Final = ("failed to connect to all addresses", "errors resolving ", "DNS resolution failed")
# gRPC's message for a call that ended with its client. Any other cancelled call met a server that was about to stop.
_CLOSED_HERE: Final = "Channel closed!"
# Where gRPC carries a google.rpc.Status.
_STATUS_KEY: Final = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation in a request: the field's path, such as "card.expiration_year", and its rule."""

    field: str
    description: str


class BayarError(Exception):
    """A call that did not succeed. `reason` is for programs; str() is an English sentence with every detail.

    code: the gRPC status.
    reason: the service's stable reason as text, which equals a Reason such as Reason.PAYMENT_NOT_CAPTURABLE. A reason
        that a newer service sends arrives as its text. Empty where the network speaks, not the service.
    remedy: one English sentence that says what to do.
    message: one English sentence.
    localized_message: the same in the client's language. Empty when the service sent none.
    violations: every fault of the request.
    retry_after, retry_after_seconds: how long the service asks to wait, as a timedelta and in seconds, or None.
    retryable: whether repeating the same request later can help. The client has done so, as often as it may.
    metadata: what the reason is about, for example {"payment_id": ...}.
    request_id: the call's. Empty for calls that change nothing.
    outcome_unknown: the call may or may not have taken effect. Repeat it with the same request_id to find out. With a
        new one it could take effect twice.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: str = "",
        localized_message: str = "",
        violations: tuple[Violation, ...] = (),
        retry_after_seconds: float | None = None,
        metadata: dict[str, str] | None = None,
        request_id: str = "",
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(code, message)  # what pickle makes it from; the rest is its state
        self.code = code
        self.message = message
        self.reason = reason
        self.localized_message = localized_message
        self.violations = violations
        self.retry_after_seconds = retry_after_seconds
        self.metadata = metadata or {}
        self.request_id = request_id
        self.outcome_unknown = outcome_unknown

    def __str__(self) -> str:
        lines = [f"{self.message} ({', '.join(filter(None, (self.code.name, self.reason)))})"]
        lines += [f"  {violation.field}: {violation.description}" for violation in self.violations]
        if self.outcome_unknown:
            lines.append(
                "It is not known whether the call took effect. Repeat it with the same request_id to find out: that is "
                "safe, and a new request_id could do it twice."
            )
        elif self.request_id and self.code is grpc.StatusCode.UNAVAILABLE:
            lines.append("Nothing took effect. The same call again is safe.")
        if self.retry_after_seconds is not None:
            lines.append(f"Try again after {self.retry_after_seconds:g} s.")
        if self.request_id:
            lines.append(f"request_id: {self.request_id}")
        return "\n".join(lines)

    @property
    def remedy(self) -> str:
        """The remedy in one English sentence; for an unknown reason, by its code."""
        if self.outcome_unknown:
            return "Repeat the call with the same request_id to learn the outcome. A new request_id could act twice."
        return remedy_of(self.reason, self.code.name)

    @property
    def retry_after(self) -> timedelta | None:
        """How long the service asks to wait, or None."""
        return None if self.retry_after_seconds is None else timedelta(seconds=self.retry_after_seconds)

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later. The client has already used up its own retries."""
        match self.code:
            case grpc.StatusCode.UNAVAILABLE:
                return True
            case grpc.StatusCode.ABORTED:
                return self.reason == Reason.OPERATION_IN_PROGRESS
            case grpc.StatusCode.CANCELLED:
                return _CLOSED_HERE not in self.message
            case _:
                return False


def carry_over(earlier: BayarError | None, error: BayarError) -> None:
    """Keep the unknown outcome of an earlier attempt of the same call, unless this error settles it."""
    settles = error.reason and (error.code in _SETTLES_EARLIER_ATTEMPTS or error.reason == Reason.GATEWAY_UNREACHABLE)
    if earlier is not None and earlier.outcome_unknown and not settles:
        error.outcome_unknown = True


def closed_meanwhile(request: Message) -> BayarError:
    """The error of a call whose own client was closed before the answer came."""
    return BayarError(
        grpc.StatusCode.CANCELLED,
        _CLOSED_HERE,
        request_id=getattr(request, "request_id", ""),
        outcome_unknown=hasattr(request, "request_id"),
    )


def read_error(call: grpc.RpcError, request: Message, address: str, timeout_seconds: float | None) -> BayarError:
    """The BayarError of a gRPC error, without secrets of the request."""
    if not isinstance(call, grpc.Call | grpc.aio.AioRpcError):
        raise call
    code, text = call.code(), call.details() or ""
    details = _details(call)
    info = _first(details, ErrorInfo) or ErrorInfo()
    localized = _first(details, LocalizedMessage)
    retry = _first(details, RetryInfo)
    hide = _hider(request)
    return BayarError(
        code,
        hide(_sentence(code, text, info.reason, address, timeout_seconds)),
        reason=info.reason,
        localized_message=hide(localized.message) if localized else "",
        violations=tuple(Violation(field, hide(why)) for field, why in _violations(details)),
        retry_after_seconds=retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9 if retry else None,
        metadata={key: hide(value) for key, value in info.metadata.items()},
        request_id=getattr(request, "request_id", ""),
        outcome_unknown=hasattr(request, "request_id") and _unsure(code, text, info.reason),
    )


def _unsure(code: grpc.StatusCode, text: str, reason: str) -> bool:
    if code is grpc.StatusCode.UNAVAILABLE:
        return reason != Reason.GATEWAY_UNREACHABLE and not text.startswith(_NOT_CONNECTED)
    return code in _NEVER_SURE or (code in _SURE_WITH_REASON and not reason)


def _sentence(code: grpc.StatusCode, text: str, reason: str, address: str, timeout_seconds: float | None) -> str:
    if code is grpc.StatusCode.DEADLINE_EXCEEDED and timeout_seconds is not None:
        return f"No answer from Bayar at {address} within {timeout_seconds:g} s."
    if code is grpc.StatusCode.UNAVAILABLE and not reason:
        if text.startswith(_NOT_CONNECTED):
            return f"Bayar at {address} cannot be reached: {text}"
        return f"The connection to Bayar at {address} broke: {text}"
    return text or "Bayar gave no explanation."


def _details(call: grpc.Call | grpc.aio.AioRpcError) -> list[Any]:
    for key, value in call.trailing_metadata() or ():
        if key == _STATUS_KEY:
            try:
                status = Status.FromString(value)
            except DecodeError:  # a proxy's idea of details; the code and the text still count
                return []
            return list(status.details) if status.code == call.code().value[0] else []
    return []


def _first(details: list[Any], kind: type[_Detail]) -> _Detail | None:
    return next(_all(details, kind), None)


def _all(details: list[Any], kind: type[_Detail]) -> Iterator[_Detail]:
    for detail in details:
        found = kind()
        if detail.Unpack(found):
            yield found


def _violations(details: list[Any]) -> Iterator[tuple[str, str]]:
    for bad_request in _all(details, BadRequest):
        for fault in bad_request.field_violations:
            yield fault.field, fault.description
    for precondition in _all(details, PreconditionFailure):
        for unmet in precondition.violations:
            yield unmet.subject or unmet.type, unmet.description


def _hider(request: Message) -> Callable[[str], str]:
    """A function that removes the request's secret fields from a text."""
    secrets = {spelling for secret in _secrets(request) for spelling in (secret, re.sub(r"[ -]", "", secret))}
    words = "|".join(re.escape(secret) for secret in sorted(secrets, key=len, reverse=True) if secret)
    return (lambda text: re.sub(rf"(?<!\w)(?:{words})(?!\w)", "(hidden)", text)) if words else str


def _secrets(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING and field.GetOptions().Extensions[secret]:
            yield value
        elif isinstance(value, Message):
            yield from _secrets(value)
