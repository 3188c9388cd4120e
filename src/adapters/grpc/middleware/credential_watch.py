"""Re-checks the credentials of open streams, and ends the streams of a credential that was revoked in any process."""

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
        """Yields a future that fails with NotAuthenticated, ScopeMissing or OperatorRightMissing once access is lost.

        Streams stay open while credentials cannot be checked.
        """
        presented, loss = self._guard.credentials_of(context), asyncio.get_running_loop().create_future()
        self._open[presented][loss] = _Open(method, context, caller)
        if self._task is None:
            self._task = asyncio.create_task(self._recheck_periodically())
        try:
            yield loss
        finally:
            self._open[presented].pop(loss, None)
            if not self._open[presented]:
                del self._open[presented]
            if not self._open and self._task is not None:
                self._task.cancel()
                self._task = None
            if loss.done() and not loss.cancelled():
                # Retrieved already, or no longer needed.
                loss.exception()

    async def _recheck_periodically(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._interval_seconds)
            found = await loop.run_in_executor(None, self._recheck, list(self._open))
            for presented, caller in found.items():
                for loss, stream in list(self._open.get(presented, {}).items()):
                    self._judge(stream, caller, loss)

    def _recheck(
        self, credentials: Collection[PresentedCredentials]
    ) -> dict[PresentedCredentials, Caller | NotAuthenticated]:
        found: dict[PresentedCredentials, Caller | NotAuthenticated] = {}
        for presented in credentials:
            try:
                found[presented] = self._guard.authenticate(presented)
            except NotAuthenticated as refusal:
                found[presented] = refusal
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
            if (now.quota_id, now.customer_id) != (before.quota_id, before.customer_id):
                other = NotAuthenticated(AuthFailure.INVALID, "the credential now belongs to another caller")
                raise self._guard.refuse(stream.method, stream.context, other)
            self._guard.require_access(stream.method, stream.context, now)
        except Exception as refusal:
            loss.set_exception(refusal)
