"""Puts together what callers may show to say who they are."""

from __future__ import annotations

from collections.abc import Callable

from adapters.grpc.call_context import everybody
from application.authenticate import Authenticate, KnownKeys, Shown
from application.caller import Caller
from application.key_uses import KeyUses
from application.ports.runtime import Clock
from bootstrap.settings import Authentication, Settings


def authentication(settings: Settings, keys: KnownKeys, uses: KeyUses, clock: Clock) -> Callable[[Shown], Caller]:
    """How callers are found out, as the settings say."""
    if settings.authentication is Authentication.NONE:
        return everybody
    return Authenticate(keys, uses, clock)
