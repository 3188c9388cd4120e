"""A copy of a call's metadata and peer that outlives the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Metadata: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CallSnapshot:
    """Copied while the call is alive. The context of gRPC reads the memory of the call, which is gone once the caller
    has hung up; threads work on then.
    """

    _metadata: Metadata = field(repr=False)
    _peer: str
    _auth: Mapping[str, Sequence[bytes]] = field(repr=False)

    @classmethod
    def of(cls, context: Any, metadata: Metadata) -> CallSnapshot:
        """To be called on the event loop, before anything is waited for, with the metadata that came with the call."""
        auth = {str(name): tuple(values) for name, values in (context.auth_context() or {}).items()}
        return cls(metadata, str(context.peer()), auth)

    def invocation_metadata(self) -> Metadata:
        return self._metadata

    def peer(self) -> str:
        return self._peer

    def auth_context(self) -> Mapping[str, Sequence[bytes]]:
        return self._auth
