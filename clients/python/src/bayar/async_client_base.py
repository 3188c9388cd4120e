"""The connection of an asyncio client: how it is opened and closed."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from bayar import cards
from bayar.async_calls import AsyncCaller
from bayar.calls import Limits, RetryPolicy
from bayar.channels import check, open_async_channel
from bayar.connection import checked_credential, language_metadata
from bayar.credentials import Credential, async_interceptors


class AsyncClientBase:
    """One connection to Bayar for asyncio. Make one and keep it. Close it, or use it in `async with`.

    Arguments and methods are those of BayarClient; a method is awaited, a list or stream is read with `async for`.
    interceptors are grpc.aio's. The first call opens the connection, in the event loop that runs then. After the end of
    that loop, such as a second asyncio.run, the next call opens another one. Two loops that run at once need a client
    each: that is a RuntimeError.

    A task that is cancelled ends its call; the service finishes what it has begun. So the outcome is unknown: repeat
    the call with the same request_id. Leaving a stream early ends it once its iterator is closed: contextlib.aclosing
    does so at once.
    """

    def __init__(
        self,
        address: str,
        *,
        credential: Credential | None = None,
        root_certificates: bytes | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        insecure: bool = False,
        language: str = "",
        timeout_seconds: float = 90.0,
        retry: RetryPolicy | None = None,
        interceptors: Sequence[Any] = (),
    ) -> None:
        check(address, root_certificates=root_certificates, credentials=credentials, insecure=insecure)
        credential = checked_credential(address, credential, insecure=insecure)
        shown = async_interceptors(credential) if credential is not None else ()
        self._address = address
        self._caller = AsyncCaller(
            lambda: open_async_channel(
                address,
                root_certificates=root_certificates,
                credentials=credentials,
                insecure=insecure,
                interceptors=[*interceptors, *shown],
            ),
            address,
            Limits(timeout_seconds, retry),
            language_metadata(language),
        )

    card = staticmethod(cards.card)

    @property
    def channel(self) -> Any:
        """The grpc.aio.Channel, for generated stubs. The credential is shown; nothing is repeated."""
        return self._caller.channel

    async def close(self) -> None:
        """Close the connection. It cancels calls under way; the service still finishes them."""
        await self._caller.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address!r})"
