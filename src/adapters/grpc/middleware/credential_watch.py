"""Re-checks the credentials of open streams, and ends the streams of a credential that was revoked in any process."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from adapters.grpc.middleware.authorization import Guard
from application.access.authenticate import PresentedCredentials
from application.common.caller import Caller
from application.common.errors import AuthFailure, CredentialsUnavailable, NotAuthenticated, StoreUnavailable

_log = logging.getLogger(__name__)

Loss: TypeAlias = "asyncio.Future[None]"


@dataclass(frozen=True, slots=True)
class _Open:
    """An open stream: its caller and its method."""

    method: str
    context: Any
    caller: Caller


class CredentialWatch:
    """Belongs to the event loop in which it is first used. It checks each credential once, however many streams share
    it, and nothing while no stream is open.
    """

    def __init__(self, guard: Guard, interval_seconds: float) -> None:
        self._guard = guard
        self._interval_seconds = interval_seconds
        self._open: defaultdict[PresentedCredentials, dict[Loss, _Open]] = defaultdict(dict)
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self, method: str, context: Any, caller: Caller) -> Iterator[Loss]:
        """Yields a future that fails with NotAuthenticated or ScopeMissing once the caller loses access.

        Streams stay open while credentials cannot be checked.
        """
        shown, loss = self._guard.shown(context), asyncio.get_running_loop().create_future()
        self._open[shown][loss] = _Open(method, context, caller)
        if self._task is None:
            self._task = asyncio.create_task(self._look_again_and_again())
        try:
            yield loss
        finally:
            self._open[shown].pop(loss, None)
            if not self._open[shown]:
                del self._open[shown]
            if not self._open and self._task is not None:
                self._task.cancel()
                self._task = None
            if loss.done() and not loss.cancelled():
                # Retrieved already, or no longer needed.
                loss.exception()

    async def _look_again_and_again(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._interval_seconds)
            found = await loop.run_in_executor(None, self._look, list(self._open))
            for shown, caller in found.items():
                for loss, stream in list(self._open.get(shown, {}).items()):
                    self._judge(stream, caller, loss)

    def _look(
        self, credentials: Collection[PresentedCredentials]
    ) -> dict[PresentedCredentials, Caller | NotAuthenticated]:
        found: dict[PresentedCredentials, Caller | NotAuthenticated] = {}
        for shown in credentials:
            try:
                found[shown] = self._guard.authenticate(shown)
            except NotAuthenticated as refusal:
                found[shown] = refusal
            except (StoreUnavailable, CredentialsUnavailable):
                continue
            except Exception:
                # The other streams are checked all the same, now and later.
                _log.exception("a credential of an open stream could not be verified again")
        return found

    def _judge(self, stream: _Open, now: Caller | NotAuthenticated, loss: Loss) -> None:
        if loss.done():
            return
        try:
            if isinstance(now, NotAuthenticated):
                raise self._guard.refuse(stream.method, stream.context, now)
            before = stream.caller
            if (now.caller_id, now.customer_id) != (before.caller_id, before.customer_id):
                other = NotAuthenticated(AuthFailure.INVALID, "the credential now belongs to another caller")
                raise self._guard.refuse(stream.method, stream.context, other)
            self._guard.must_have_scope(stream.method, stream.context, now)
        except Exception as refusal:
            loss.set_exception(refusal)
