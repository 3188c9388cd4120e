"""Authenticates a caller by an API key, a token, or a client certificate."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Final, Generic, TypeVar

from application.access.last_used_recorder import LastUsedRecorder
from application.common.api_key import PREFIX, ApiKey, parse_key
from application.common.caller import Caller
from application.common.errors import AuthFailure, NotAuthenticated
from application.common.operator import Operator, is_operator_id
from application.ports.credentials import Certificates, Tokens
from application.ports.runtime import Clock
from application.ports.store import Store, UnitOfWork
from domain.ids import OperatorId

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
    operators: OperatorCache
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
        if is_operator_id(key.caller_id):
            caller = self._operator(caller, self.operators.find(key.caller_id), now)
        self.uses.note(key, now)
        return caller

    def _operator(self, caller: Caller, operator: Operator | None, now: datetime) -> Caller:
        if operator is None or operator.is_revoked(now):
            raise NotAuthenticated(AuthFailure.REVOKED, f"operator of {caller.credential}")
        return replace(caller, operator=operator)


Found = TypeVar("Found")


class _Cache(ABC, Generic[Found]):
    """Caches records for a few seconds, so that a revocation soon takes effect in every process."""

    def __init__(
        self, store: Store, good_for_seconds: float, steady_seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._good_for_seconds = good_for_seconds
        self._steady_seconds = steady_seconds
        self._lock = Lock()
        self._found: OrderedDict[str, tuple[float, Found | None]] = OrderedDict()

    def find(self, name: str) -> Found | None:
        """Raises StoreUnavailable."""
        now = self._steady_seconds()
        with self._lock:
            kept = self._found.get(name)
        if kept is not None and now - kept[0] < self._good_for_seconds:
            return kept[1]
        with self._store.read_once() as work:
            found = self._read(work, name)
        with self._lock:
            self._found[name] = now, found
            self._found.move_to_end(name)
            while len(self._found) > _MOST_KEYS:
                self._found.popitem(last=False)
        return found

    @abstractmethod
    def _read(self, work: UnitOfWork, name: str) -> Found | None:
        """The stored record of that name."""


class ApiKeyCache(_Cache[ApiKey]):
    """API keys by their ids."""

    def _read(self, work: UnitOfWork, name: str) -> ApiKey | None:
        return work.api_keys.get(name)


class OperatorCache(_Cache[Operator]):
    """Operators by their ids."""

    def _read(self, work: UnitOfWork, name: str) -> Operator | None:
        return work.operators.get(OperatorId(name))


class OperatorLoginCache(_Cache[Operator]):
    """Operators by their logins, without revoked ones. Apart from ids: people choose their logins at the issuer."""

    def _read(self, work: UnitOfWork, name: str) -> Operator | None:
        return work.operators.find_login(name)
