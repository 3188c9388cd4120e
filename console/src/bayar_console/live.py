"""Tells an open page that its payment has changed, by the feed of events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from bayar import BayarError
from bayar_console.signin.person import connections, kept

# A proxy keeps a connection that says something this often, in seconds.
_COMFORT_SECONDS: Final = 20.0


async def watch_payment(request: HttpRequest, payment_id: str) -> HttpResponseBase:
    """A stream of server-sent events: `changed` for each change of the payment."""
    person = await sync_to_async(kept)(request)
    if person is None or not person.may("read"):
        return HttpResponse(status=403)
    answer = StreamingHttpResponse(_changes(person.credential, payment_id), content_type="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


async def _changes(credential: str, payment_id: str) -> AsyncIterator[bytes]:
    yield b": open\n\n"
    async with connections().open_async(credential) as bayar:
        changes = bayar.watch_payment(payment_id=payment_id).__aiter__()
        upcoming: asyncio.Future[object] | None = None
        first = True
        try:
            while True:
                upcoming = upcoming or asyncio.ensure_future(changes.__anext__())
                done, _ = await asyncio.wait([upcoming], timeout=_COMFORT_SECONDS)
                if not done:
                    yield b": still here\n\n"
                    continue
                upcoming.result()
                upcoming = None
                # The first answer is the payment as the page shows it already.
                if not first:
                    yield b"event: changed\ndata: now\n\n"
                first = False
        except (BayarError, StopAsyncIteration):
            # The end of the payment's changes, or of the connection: the page asks again when it is opened anew.
            yield b"event: ended\ndata: now\n\n"
        finally:
            if upcoming is not None:
                upcoming.cancel()
                with contextlib.suppress(asyncio.CancelledError, BayarError, StopAsyncIteration):
                    await upcoming
