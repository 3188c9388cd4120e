"""Audit logging of administrative calls and operators' acts: one entry before the call and one with its result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Final

from adapters.grpc.errors.status_codes import reason_of
from adapters.grpc.middleware.authorization import current_caller, set_current_caller
from adapters.grpc.middleware.operator_acts import is_act
from application.access.act_on_behalf import with_reason
from application.audit.audit_log import Audit
from application.common.caller import Caller
from application.common.errors import StoreUnavailable
from application.common.operator import OperatorRight
from application.ports.audit_log import AuditKind

_log = logging.getLogger(__name__)

_OK: Final = "OK"


def audited(
    behaviour: Callable[[Any, Any], Any], method: str, audit: Audit, right: OperatorRight | None, *, always: bool
) -> Callable[[Any, Any], Any]:
    """Wraps a call with audit entries. If the entry cannot be written, the call is not made: StoreUnavailable.

    right: the right that it needs of an operator. always: whoever calls. Otherwise only acts of operators are audited.
    Raises OnBehalfIncomplete for an act without a reason.
    """

    if iscoroutinefunction(behaviour):
        raise TypeError(f"{method} would be written down as ended when it has only begun")

    def call(request: Any, context: Any) -> Any:
        caller = _with_reason_of(request, right)
        if caller.operator is None and not always:
            return behaviour(request, context)
        entries, outcome, answer = _Entries(audit, method, caller, context.peer(), request), _OK, None
        entries.begin()
        try:
            answer = behaviour(request, context)
            return answer
        except Exception as error:
            outcome = reason_of(error)
            raise
        finally:
            entries.end(outcome, answer)

    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        loop = asyncio.get_running_loop()
        entries = _Entries(audit, method, _with_reason_of(request, right), context.peer(), request)
        await loop.run_in_executor(None, entries.begin)
        outcome = "CANCELLED"
        try:
            async for answer in behaviour(request, context):
                yield answer
            outcome = _OK
        except Exception as error:
            outcome = reason_of(error)
            raise
        finally:
            # Not awaited: a caller who hung up does not wait for it either.
            loop.run_in_executor(None, entries.end, outcome)

    return stream if isasyncgenfunction(behaviour) else call


def _with_reason_of(request: Any, right: OperatorRight | None) -> Caller:
    """The caller of this call. An operator's act gets its reason from the request, unless the metadata state it."""
    caller = current_caller()
    if caller.operator is not None and is_act(right, request):
        caller = with_reason(caller, right, getattr(request, "reason", ""))
        set_current_caller(caller)
    return caller


class _Entries:
    """The two entries of one call."""

    def __init__(self, audit: Audit, method: str, caller: Caller, peer: str, request: Any) -> None:
        self._audit = audit
        self._method = method
        self._caller = caller
        self._peer = peer
        self._details = {**_ids(request), **_act(caller)}

    def begin(self) -> None:
        """Raises StoreUnavailable."""
        actor, peer = self._caller.actor, self._peer
        self._audit.write(AuditKind.ADMIN_CALL_BEGUN, actor, self._method, peer=peer, **self._details)

    def end(self, outcome: str, answer: Any = None) -> None:
        actor, details = self._caller.actor, self._details
        if self._caller.operator is not None and not self._caller.is_on_behalf:
            details = {**details, **_owner(answer)}
        try:
            kind = AuditKind.ADMIN_CALL_ENDED
            self._audit.write(kind, actor, self._method, peer=self._peer, outcome=outcome, **details)
        except StoreUnavailable:
            # The call was carried out, and the entry of its beginning is written.
            _log.exception("the audit log lacks the end of %s by %s: %s", self._method, actor, outcome)


def _act(caller: Caller) -> dict[str, str]:
    """The operator, the caller acted for and the reason."""
    if caller.operator is None:
        return {}
    on_behalf_of = {"on_behalf_of": caller.caller_id} if caller.is_on_behalf else {}
    reason = {"reason": caller.reason} if caller.reason else {}
    return {"operator_id": caller.operator.operator_id, "credential": caller.credential, **on_behalf_of, **reason}


def _owner(answer: Any) -> dict[str, str]:
    """The caller of the answer's resource."""
    for _, value in answer.ListFields() if answer is not None else ():
        owner = getattr(value, "caller_id", "")
        if isinstance(owner, str) and owner:
            return {"on_behalf_of": owner}
    return {}


def _ids(request: Any) -> dict[str, str]:
    """The request's ids and choices, without free text."""
    found = {}
    for field, value in request.ListFields():
        if field.name.endswith("_id") or field.name == "endpoint":
            found[field.name] = str(value)[:128]
        elif field.enum_type is not None and isinstance(value, int):
            known = field.enum_type.values_by_number.get(value)
            found[field.name] = known.name if known else str(value)
        elif field.name.endswith("_time"):
            found[field.name] = f"{value.seconds}"
    return found
