"""The issuer's public keys (JWKS), read from a file or fetched from an address, and cached."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import urllib3
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from adapters.cooperation import on_thread

_log = logging.getLogger(__name__)

# The accepted algorithms, each with its key type and curves: a token cannot choose others.
ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
_KIND: Final = {"RS256": ("RSA", (None,)), "ES256": ("EC", ("P-256",)), "EdDSA": ("OKP", ("Ed25519", "Ed448"))}
_SHORTEST_RSA_BITS: Final = 2048
_MOST_BYTES: Final = 512 * 1024
_GOOD_FOR_SECONDS: Final = 600.0
# The minimum interval between fetches. An unknown key id means a new key or rubbish.
_SHORTEST_PAUSE_SECONDS: Final = 10.0
_FETCH_SECONDS: Final = 5.0


class JwksUnavailable(Exception):
    """The keys are unavailable. The text says why."""


def fetch(source: str) -> bytes:
    """Fetches the document from the https address (http: on this machine only) or the file. Raises JwksUnavailable."""
    if not source.startswith(("https://", "http://")):
        try:
            return Path(source).read_bytes()
        except OSError as error:
            raise JwksUnavailable(f"{source} cannot be read: {error.strerror}") from None
    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request(
                "GET", source, timeout=_FETCH_SECONDS, retries=False, redirect=False, preload_content=False
            )
            body = answer.read(_MOST_BYTES + 1)
            answer.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise JwksUnavailable(f"{source} does not answer: {type(error).__name__}") from None
    if answer.status != 200 or len(body) > _MOST_BYTES:
        raise JwksUnavailable(f"{source} answers {answer.status} with {len(body)} bytes")
    return body


@dataclass(frozen=True, slots=True)
class _Keys:
    by_id: Mapping[str, PyJWK]
    fetched_at: float


class Jwks:
    """Caches the keys for ten minutes, and fetches earlier for an unknown key id: at most every 10 s.

    While the source does not answer, the last fetched keys stay valid.
    """

    def __init__(
        self, source: str, fetch: Callable[[str], bytes] = fetch, steady_seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._fetch = fetch
        self._steady_seconds = steady_seconds
        self._lock = Lock()
        self._keys: _Keys | None = None
        self._asked_at: float | None = None

    def find(self, key_id: str, algorithm: str) -> PyJWK | None:
        """The key of that id, if it fits the algorithm. Raises JwksUnavailable if no keys were ever fetched."""
        keys = self._current()
        found = keys.by_id.get(key_id)
        if found is None and self._may_ask(keys.fetched_at):
            found = on_thread(self._refreshed, keys).by_id.get(key_id)
        return found if found is not None and _fits(found, algorithm) else None

    def _current(self) -> _Keys:
        keys = self._keys
        if keys is not None and self._steady_seconds() - keys.fetched_at < _GOOD_FOR_SECONDS:
            return keys
        return on_thread(self._refreshed, keys)

    def _may_ask(self, seen: float) -> bool:
        asked = self._asked_at
        return asked is None or self._steady_seconds() - max(asked, seen) >= _SHORTEST_PAUSE_SECONDS

    def _refreshed(self, seen: _Keys | None) -> _Keys:
        """Single-flight: one thread fetches; the others wait for its result."""
        with self._lock:
            if self._keys is not None and self._keys is not seen:
                return self._keys
            now = self._steady_seconds()
            if self._asked_at is not None and now - self._asked_at < _SHORTEST_PAUSE_SECONDS:
                if self._keys is None:
                    raise JwksUnavailable(f"{self._source} did not answer a moment ago")
                return self._keys
            self._asked_at = now
            try:
                self._keys = _Keys(_read(self._fetch(self._source)), now)
            except JwksUnavailable as failure:
                if self._keys is None:
                    raise
                _log.warning("the token issuer's keys were not fetched, the earlier ones stay: %s", failure)
            return self._keys


def _read(document: bytes) -> dict[str, PyJWK]:
    try:
        entries = json.loads(document)["keys"]
        return {key.key_id: key for key in map(_key, entries) if key is not None and key.key_id}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise JwksUnavailable("the content is not a JWKS") from None


def _key(entry: Any) -> PyJWK | None:
    """None for an entry that cannot verify an accepted signature: secrets above all."""
    kinds = {kty for kty, _ in _KIND.values()}
    if entry.get("kty") not in kinds or entry.get("use", "sig") != "sig":
        return None
    try:
        algorithm = next(name for name in ALGORITHMS if _of_kind(entry, name))
        return PyJWK({**entry, "alg": entry.get("alg", algorithm)})
    except (PyJWTError, StopIteration):
        return None


def _of_kind(entry: Mapping[str, Any], algorithm: str) -> bool:
    kty, curves = _KIND[algorithm]
    return entry.get("kty") == kty and entry.get("crv") in curves


def _fits(key: PyJWK, algorithm: str) -> bool:
    strong = key.key_type != "RSA" or key.key.key_size >= _SHORTEST_RSA_BITS
    return key.algorithm_name == algorithm and strong
