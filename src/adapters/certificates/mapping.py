"""Reads the file that maps client certificates to callers, and reloads it when it changes."""

import logging
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from application.common.api_key import is_caller_id
from application.common.caller import Caller, Scope, scopes_named
from application.common.errors import AuthFailure, NotAuthenticated
from domain.ids import CUSTOMER, CallerId, CustomerId, is_id

_log = logging.getLogger(__name__)

_MATCHES: Final = ("fingerprint_sha256", "subject", "san")
_DNS: Final = "DNS name"
_URI: Final = "URI"
_KNOWN: Final = {*_MATCHES, "caller_id", "scopes", "customer_id"}
_SHAPE: Final = (
    'each [[client]] has one of san = "shop.internal", subject = "CN=shop,O=Example" or fingerprint_sha256 = "ab12...";'
    ' and caller_id = "shop" and scopes = ["payments:read", ...]; perhaps customer_id'
)


class BadMapping(Exception):
    """The file is not a valid mapping of certificates. The text says what is wrong."""


@dataclass(frozen=True, slots=True)
class MappedCertificates:
    """Callers by certificate attribute, such as ("DNS name", "shop.internal")."""

    callers: Mapping[tuple[str, str], Caller]

    def caller_of(self, pem: bytes) -> Caller:
        """Raises NotAuthenticated. The most specific entry applies: fingerprint, then subject, then name."""
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            said = [("fingerprint_sha256", certificate.fingerprint(SHA256()).hex())]
            said.append(("subject", certificate.subject.rfc4514_string()))
            said += _names(certificate)
        except ValueError:
            raise NotAuthenticated(AuthFailure.INVALID, "unreadable certificate") from None
        # A connection may be older than that: its certificate was verified when it was opened.
        if certificate.not_valid_after_utc < datetime.now(UTC):
            raise NotAuthenticated(AuthFailure.EXPIRED, "certificate")
        for each in said:
            if each in self.callers:
                return self.callers[each]
        raise NotAuthenticated(AuthFailure.INVALID, "certificate without a caller")


class WatchedCertificates:
    """The callers of a mapping file, reloaded when the file changes. An invalid file changes nothing. Safe for many
    threads.
    """

    def __init__(
        self, path: Path, good_for_seconds: float = 2.5, steady_seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises BadMapping."""
        self._path = path
        self._good_for_seconds = good_for_seconds
        self._steady_seconds = steady_seconds
        self._lock = Lock()
        self._state = _state_of(path)
        self._mapping = read_mapping(path)
        self._looked_at = steady_seconds()

    def caller_of(self, pem: bytes) -> Caller:
        """Raises NotAuthenticated."""
        with self._lock:
            if self._steady_seconds() - self._looked_at >= self._good_for_seconds:
                self._look()
            mapping = self._mapping
        return mapping.caller_of(pem)

    def _look(self) -> None:
        self._looked_at = self._steady_seconds()
        state = _state_of(self._path)
        if state == self._state:
            return
        self._state = state
        try:
            self._mapping = read_mapping(self._path)
        except BadMapping as error:
            _log.error("client certificates were not reloaded, the earlier ones stay: %s: %s", self._path, error)
        else:
            _log.info("client certificates were reloaded from %s", self._path)


def _state_of(path: Path) -> tuple[int, int, int] | None:
    """A value that differs once the file has changed. None: the file does not exist."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_mapping(path: Path) -> MappedCertificates:
    """Raises BadMapping."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadMapping(f"it cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadMapping(f"it is no TOML: {error}") from None
    clients = document.get("client")
    if set(document) != {"client"} or not isinstance(clients, list):
        raise BadMapping(f"it has [[client]] sections only; {_SHAPE}")
    callers: dict[tuple[str, str], Caller] = {}
    for number, client in enumerate(clients, start=1):
        match, caller = _client(number, client)
        if match in callers:
            raise BadMapping(f"client {number} has the same {match[0]} as one before it")
        callers[match] = caller
    return MappedCertificates(callers)


def _client(number: int, client: Any) -> tuple[tuple[str, str], Caller]:
    matches = [(kind, client[kind]) for kind in _MATCHES if kind in client]
    scopes, customer = client.get("scopes"), client.get("customer_id")
    good = (
        set(client) <= _KNOWN
        and len(matches) == 1
        and isinstance(matches[0][1], str)
        and isinstance(client.get("caller_id"), str)
        and is_caller_id(client["caller_id"])
        and isinstance(scopes, list)
        and bool(scopes)
        and all(any(name == scope.value for scope in Scope) for name in scopes)
        and (customer is None or (isinstance(customer, str) and is_id(customer, CUSTOMER)))
    )
    if not good:
        raise BadMapping(f"client {number} is not complete, or has too much; {_SHAPE}")
    kind, value = matches[0]
    if kind == "fingerprint_sha256":
        value = value.replace(":", "").lower()
    if kind == "san":
        kind, value = (_URI, value) if ":" in value else (_DNS, value.lower())
    owner = CustomerId(customer) if customer else None
    caller = Caller(CallerId(client["caller_id"]), scopes_named(scopes), owner, f"certificate {value}"[:128])
    return (kind, value), caller


def _names(certificate: x509.Certificate) -> list[tuple[str, str]]:
    """Keeps the kinds of names apart: a URI that an authority vouches for is not a host name."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    dns = names.get_values_for_type(x509.DNSName)
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return [*((_DNS, name.lower()) for name in dns), *((_URI, name) for name in uris)]
