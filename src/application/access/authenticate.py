"""Authenticates a caller by an API key, a token, or a client certificate."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from application.access.last_used_recorder import LastUsedRecorder
from application.common.api_key import PREFIX, ApiKey, parse_key
from application.common.caller import Caller
from application.common.errors import AuthFailure, NotAuthenticated
from application.ports.credentials import Certificates, Tokens
from application.ports.runtime import Clock
from application.ports.store import Store

_MOST_KEYS: Final = 10_000
# The scheme's name is case-insensitive (RFC 9110).
_SCHEME: Final = "bearer"


@dataclass(frozen=True, slots=True)
class PresentedCredentials:
    """The credentials of one call: every value of the authorization metadata, and a client certificate (PEM)."""

    authorization: tuple[str, ...] = field(default=(), repr=False)
    certificate: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Authenticate:
    keys: ApiKeyCache
    uses: LastUsedRecorder
    clock: Clock
    # None: tokens are not accepted.
    tokens: Tokens | None = None
    certificates: Certificates | None = None

    def __call__(self, shown: PresentedCredentials) -> Caller:
        """Raises NotAuthenticated and StoreUnavailable."""
        match shown.authorization:
            case ():
                if shown.certificate is not None and self.certificates is not None:
                    return self.certificates.caller_of(shown.certificate)
                raise NotAuthenticated(AuthFailure.MISSING)
            case (only,):
                return self._bearer(only)
            case _:
                raise NotAuthenticated(AuthFailure.INVALID, "more than one authorization")

    def _bearer(self, authorization: str) -> Caller:
        # HTTP allows only these spaces; no other character counts as one.
        scheme, _, credential = authorization.strip(" \t").partition(" ")
        credential = credential.strip(" \t")
        if scheme.lower() != _SCHEME or not credential:
            raise NotAuthenticated(AuthFailure.INVALID, "not a bearer credential")
        if credential.startswith(PREFIX):
            return self._key(credential)
        if self.tokens is None:
            raise NotAuthenticated(AuthFailure.INVALID, "no API key, and no tokens are accepted")
        return self.tokens.caller_of(credential)

    def _key(self, credential: str) -> Caller:
        key_id, secret = parse_key(credential)
        key = self.keys.find(key_id)
        if key is None:
            raise NotAuthenticated(AuthFailure.INVALID, "unknown key")
        now = self.clock.now()
        caller = key.caller(secret, now)
        self.uses.note(key, now)
        return caller


class ApiKeyCache:
    """Caches API keys for a few seconds, so that a revoked key soon stops working in every process."""

    def __init__(
        self, store: Store, good_for_seconds: float, steady_seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._good_for_seconds = good_for_seconds
        self._steady_seconds = steady_seconds
        self._lock = Lock()
        self._found: OrderedDict[str, tuple[float, ApiKey | None]] = OrderedDict()

    def find(self, key_id: str) -> ApiKey | None:
        """Raises StoreUnavailable."""
        now = self._steady_seconds()
        with self._lock:
            kept = self._found.get(key_id)
        if kept is not None and now - kept[0] < self._good_for_seconds:
            return kept[1]
        with self._store.read_once() as work:
            key = work.api_keys.get(key_id)
        with self._lock:
            self._found[key_id] = now, key
            self._found.move_to_end(key_id)
            while len(self._found) > _MOST_KEYS:
                self._found.popitem(last=False)
        return key
