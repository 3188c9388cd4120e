"""Audit logging of administrative calls: one entry before the call and one with its result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Final

from adapters.grpc.errors.status_codes import reason_of
from adapters.grpc.middleware.authorization import current_caller
from application.audit.audit_log import Audit
from application.common.errors import StoreUnavailable
from application.ports.audit_log import AuditKind

_log = logging.getLogger(__name__)

_OK: Final = "OK"


def audited(behaviour: Callable[[Any, Any], Any], method: str, audit: Audit) -> Callable[[Any, Any], Any]:
    """Wraps a call with audit entries. If the entry cannot be written, the call is not made: StoreUnavailable."""

    if iscoroutinefunction(behaviour):
        raise TypeError(f"{method} would be written down as ended when it has only begun")

    def begin(request: Any, context: Any) -> Callable[[str], None]:
        ids = _ids(request)
        actor, peer = current_caller().actor, context.peer()
        audit.write(AuditKind.ADMIN_CALL_BEGUN, actor, method, peer=peer, **ids)
        return partial(_write_end, audit, actor, method, peer, ids)

    def call(request: Any, context: Any) -> Any:
        end, outcome = begin(request, context), _OK
        try:
            return behaviour(request, context)
        except Exception as error:
            outcome = reason_of(error)
            raise
        finally:
            end(outcome)

    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        loop = asyncio.get_running_loop()
        caller = current_caller()
        ids, peer = _ids(request), context.peer()
        write = partial(audit.write, AuditKind.ADMIN_CALL_BEGUN, caller.actor, method, peer=peer, **ids)
        await loop.run_in_executor(None, write)
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
            loop.run_in_executor(None, _write_end, audit, caller.actor, method, peer, ids, outcome)

    return stream if isasyncgenfunction(behaviour) else call


def _write_end(audit: Audit, actor: str, method: str, peer: str, ids: dict[str, str], outcome: str) -> None:
    try:
        audit.write(AuditKind.ADMIN_CALL_ENDED, actor, method, peer=peer, outcome=outcome, **ids)
    except StoreUnavailable:
        # The call was carried out, and the entry of its beginning is written.
        _log.exception("the audit log lacks the end of %s by %s: %s", method, actor, outcome)


def _ids(request: Any) -> dict[str, str]:
    """The request's ids and choices, without free text."""
    found = {}
    for field, value in request.ListFields():
        if field.name.endswith("_id"):
            found[field.name] = str(value)[:128]
        elif field.enum_type is not None and isinstance(value, int):
            known = field.enum_type.values_by_number.get(value)
            found[field.name] = known.name if known else str(value)
        elif field.name.endswith("_time"):
            found[field.name] = f"{value.seconds}"
    return found
