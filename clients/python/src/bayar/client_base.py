"""The connection of a synchronous client: how it is opened and closed."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from bayar import cards
from bayar.calls import Caller, Limits, RetryPolicy
from bayar.channels import check, open_channel
from bayar.connection import checked_credential, language_metadata
from bayar.credentials import Credential, with_credential


class ClientBase:
    """One connection to Bayar, thread-safe. Create one and reuse it; close it, or use it in a `with`.

    address: host:port. The connection is encrypted, except to a loopback address without certificates.
    root_certificates: PEM of the authorities to trust. Default: the public ones.
    credential: an API key or token, a file that holds one, or a function that returns one; files and functions are read
    for each call. Default: BAYAR_API_KEY, else the file in BAYAR_TOKEN_FILE, of the environment. It is
    never sent in plain text to another machine: that is a ValueError.
    credentials: gRPC channel credentials, for client certificates. Instead of root_certificates.
    insecure: plain text to wherever the address leads.
    language: BCP 47, for messages to customers. Default: the customer's own, else English.
    timeout_seconds: for each call, all its attempts together. Longer than the gateway's 60 s, so that answers arrive.
    retry: how often and how soon a call is sent again.
    interceptors: gRPC's client interceptors; the first one is the outermost, and each sees every attempt.

    Every method takes keywords named as in the contract and raises BayarError. A method that changes something takes a
    request_id, a UUID, and makes one when there is none. Keep your own beside the order, and a call can be repeated
    safely even after a crash. Lists fetch page after page as they are read; page_size is how many at a time.
    timeout_seconds and retry of one call replace the client's. A stream has a timeout only if the call gives one.
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
        limits = Limits(timeout_seconds, retry)
        self._address = address
        self._channel = open_channel(
            address, root_certificates=root_certificates, credentials=credentials, insecure=insecure
        )
        if credential is not None:
            self._channel = with_credential(self._channel, credential)
        if interceptors:
            self._channel = grpc.intercept_channel(self._channel, *interceptors)
        self._caller = Caller(self._channel, address, limits, language_metadata(language))

    card = staticmethod(cards.card)

    @property
    def channel(self) -> grpc.Channel:
        """For generated stubs: `PaymentServiceStub(client.channel)`. The credential is shown; nothing is repeated."""
        return self._channel

    def close(self) -> None:
        """Close the connection. It cancels calls under way; the service still finishes them."""
        self._caller.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address!r})"
