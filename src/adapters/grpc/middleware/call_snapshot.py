"""A copy of a call's metadata and peer that outlives the call."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Metadata: TypeAlias = tuple[Any, ...]


class CallSnapshot:
    """Copied while the call is alive, for threads that continue after the caller hung up. gRPC's own context reads the
    call's memory, which is freed then.
    """

    __slots__ = ("_auth", "_digest", "_metadata", "_peer")

    def __init__(self, metadata: Metadata, peer: str, auth: Mapping[str, Sequence[bytes]]) -> None:
        self._metadata = metadata
        self._peer = peer
        self._auth = auth
        # None until it is asked for.
        self._digest: bytes | None = None

    @classmethod
    def of(cls, context: Any, metadata: Metadata) -> CallSnapshot:
        """Call it on the event loop before the first await, with the call's initial metadata."""
        # gRPC makes both anew each time.
        return cls(metadata, context.peer(), context.auth_context() or {})

    def invocation_metadata(self) -> Metadata:
        return self._metadata

    def peer(self) -> str:
        return self._peer

    def auth_context(self) -> Mapping[str, Sequence[bytes]]:
        return self._auth

    @property
    def digest(self) -> bytes:
        """As `credential_digest`, which asks for it several times in a call."""
        if self._digest is None:
            self._digest = digest_of(self._metadata, self._auth)
        return self._digest


def credential_digest(context: Any) -> bytes:
    """A digest of the presented credential; the credential itself is not kept."""
    if isinstance(context, CallSnapshot):
        return context.digest
    return digest_of(context.invocation_metadata() or (), context.auth_context() or {})


def digest_of(metadata: Metadata, auth: Mapping[str, Sequence[bytes]]) -> bytes:
    digest = hashlib.sha256()
    for name, value in metadata:
        if name == "authorization":
            digest.update(value if isinstance(value, bytes) else value.encode())
            digest.update(b"\0")
    for pem in auth.get("x509_pem_cert", ()):
        digest.update(pem)
    return digest.digest()
