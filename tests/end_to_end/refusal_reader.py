"""Reads the service's refusals from the wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as rich  # type: ignore[import-untyped]
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True)
class AuthFailure:
    """One google.rpc.Status, taken apart."""

    code: grpc.StatusCode
    message: str
    reason: str
    domain: str
    metadata: dict[str, str]
    faults: dict[str, list[str]]
    descriptions: tuple[str, ...]
    retry_seconds: float | None
    violation_types: tuple[str, ...]
    locale: str
    localized: str

    @property
    def words(self) -> str:
        """Everything that a person or a log could see of it."""
        return " ".join([self.message, self.localized, *self.descriptions, *self.metadata.values(), *self.faults])


def refused(call: Callable[..., Any], *arguments: Any, **keywords: Any) -> AuthFailure:
    """Makes the call, which has to be refused with a status of ours."""
    with pytest.raises(grpc.RpcError) as raised:
        call(*arguments, **{"timeout": 30, **keywords})
    error = raised.value
    assert isinstance(error, grpc.Call)
    return read_refusal(error)


def read_refusal(error: grpc.Call) -> AuthFailure:
    status = rpc_status.from_call(error)
    assert status is not None, f"no details: {error.code()} {error.details()}"
    found: dict[type, Any] = {}
    for detail in status.details:
        for kind in (rich.ErrorInfo, rich.BadRequest, rich.RetryInfo, rich.PreconditionFailure, rich.LocalizedMessage):
            message = kind()
            if detail.Unpack(message):
                found[kind] = message
    info = found[rich.ErrorInfo]
    faults: dict[str, list[str]] = {}
    violations = found.get(rich.BadRequest, rich.BadRequest()).field_violations
    for violation in violations:
        faults.setdefault(violation.field, []).append(violation.reason)
    retry = found.get(rich.RetryInfo)
    localized = found.get(rich.LocalizedMessage, rich.LocalizedMessage())
    preconditions = found.get(rich.PreconditionFailure, rich.PreconditionFailure()).violations
    return AuthFailure(
        code=error.code(),
        message=error.details() or "",
        reason=info.reason,
        domain=info.domain,
        metadata=dict(info.metadata),
        faults=faults,
        descriptions=tuple(violation.description for violation in violations),
        retry_seconds=retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9 if retry else None,
        violation_types=tuple(violation.type for violation in preconditions),
        locale=localized.locale,
        localized=localized.message,
    )
