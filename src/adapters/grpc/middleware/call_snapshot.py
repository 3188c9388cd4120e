"""A copy of a call's metadata and peer that outlives the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Metadata: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CallSnapshot:
    """Copied while the call is alive, for threads that continue after the caller hung up. gRPC's own context reads the
    call's memory, which is freed then.
    """

    _metadata: Metadata = field(repr=False)
    _peer: str
    _auth: Mapping[str, Sequence[bytes]] = field(repr=False)

    @classmethod
    def of(cls, context: Any, metadata: Metadata) -> CallSnapshot:
        """Call it on the event loop before the first await, with the call's initial metadata."""
        auth = {str(name): tuple(values) for name, values in (context.auth_context() or {}).items()}
        return cls(metadata, str(context.peer()), auth)

    def invocation_metadata(self) -> Metadata:
        return self._metadata

    def peer(self) -> str:
        return self._peer

    def auth_context(self) -> Mapping[str, Sequence[bytes]]:
        return self._auth
