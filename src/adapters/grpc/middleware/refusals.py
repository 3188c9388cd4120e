"""Refuses calls: with a status and its details, as google.rpc.Status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc

from adapters.grpc.errors.exceptions import Overloaded
from adapters.grpc.errors.status_codes import Problem, problem_of, status_of
from adapters.grpc.messages.catalogue import catalogue
from adapters.grpc.middleware.call_context import requested_languages
from adapters.grpc.middleware.call_observer import ObservedCall, end_with
from adapters.grpc.middleware.call_snapshot import CallSnapshot, Metadata

_DETAILS_KEY: Final = "grpc-status-details-bin"


def shed(observed: ObservedCall, metadata: Metadata) -> grpc.RpcMethodHandler[Any, Any]:
    """Sheds load at the least cost: the request is not read, and nothing is raised."""
    problem = problem_of(Overloaded())
    details = ((_DETAILS_KEY, _encoded_status(problem, None, CallSnapshot(metadata, "", {}))),)

    async def refuse(_: bytes, context: Any) -> bytes:
        context.set_trailing_metadata(details)
        context.set_code(problem.code)
        context.set_details(problem.message)
        end_with(observed, problem)
        return b""

    return grpc.unary_unary_rpc_method_handler(refuse)


@asynccontextmanager
async def aborting_on_error(
    observed: ObservedCall, snapshot: CallSnapshot, context: Any
) -> AsyncIterator[CallSnapshot]:
    """Errors raised in the context become the call's refusal."""
    try:
        yield snapshot
    except (asyncio.CancelledError, grpc.aio.AbortError):
        raise
    except Exception as error:
        await abort_with_error(observed, error, None, snapshot, context)


async def abort_with_error(
    observed: ObservedCall, error: Exception, request: Any, snapshot: CallSnapshot, context: Any
) -> None:
    problem = problem_of(error)
    end_with(observed, problem, request)
    await abort_with_status(problem, request, snapshot, context)


async def abort_with_status(problem: Problem, request: Any, snapshot: CallSnapshot, context: Any) -> None:
    details = ((_DETAILS_KEY, _encoded_status(problem, request, snapshot)),)
    await context.abort(problem.code, problem.message, trailing_metadata=details)


def _encoded_status(problem: Problem, request: Any, snapshot: CallSnapshot) -> bytes:
    texts = catalogue()
    encoded: bytes = status_of(problem, texts, texts.choose(requested_languages(request, snapshot))).SerializeToString()
    return encoded
