"""TLS on the gRPC port. Certificates are reloaded when their files change."""

import logging
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_log = logging.getLogger(__name__)


class BadCertificates(Exception):
    """The files are not a certificate with its key. The text names the file, and never its content."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. client_ca: callers must present a certificate of this authority; None: they need none."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def all(self) -> list[Path]:
        return [path for path in (self.certificate, self.key, self.client_ca) if path is not None]


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Credentials that reload the files at each handshake. TLS 1.2 at least: gRPC offers nothing older.

    Raises BadCertificates.
    """
    reloading = _Reloading(files)
    # The stubs do not declare None, which means: unchanged.
    fetch: Any = reloading.fetch
    return grpc.dynamic_ssl_server_credentials(
        reloading.current, fetch, require_client_authentication=files.client_ca is not None
    )


class _Reloading:
    """The last valid content of the files."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._lock = Lock()
        self._stamp = self._stamps()
        self.current = self._read()

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """gRPC calls it at each handshake, in a thread of its own. None: unchanged."""
        with self._lock:
            try:
                stamp = self._stamps()
                if stamp == self._stamp:
                    return None
                self.current = self._read()
            except BadCertificates as error:
                # Perhaps only one of the two files is written yet: the next handshake checks again.
                _log.warning("TLS certificates were not reloaded, the earlier ones stay: %s", error)
                return None
            self._stamp = stamp
        _log.info("TLS certificates were reloaded")
        return self.current

    def _stamps(self) -> list[tuple[int, int, int]]:
        try:
            seen = [path.stat() for path in self._files.all]
        except OSError as error:
            raise BadCertificates(f"{error.filename} cannot be read: {error.strerror}") from None
        return [(one.st_mtime_ns, one.st_ino, one.st_size) for one in seen]

    def _read(self) -> grpc.ServerCertificateConfiguration:
        files = self._files
        try:
            chain, key = files.certificate.read_bytes(), files.key.read_bytes()
            authority = files.client_ca.read_bytes() if files.client_ca else None
        except OSError as error:
            raise BadCertificates(f"{error.filename} cannot be read: {error.strerror}") from None
        _must_belong_together(files, chain, key)
        if authority is not None:
            _certificate_of(files.client_ca, authority)
        return grpc.ssl_server_certificate_configuration([(key, chain)], root_certificates=authority)


def _must_belong_together(files: TlsFiles, chain: bytes, key: bytes) -> None:
    certificate = _certificate_of(files.certificate, chain)
    try:
        own = load_pem_private_key(key, password=None).public_key()
    except (ValueError, TypeError):
        raise BadCertificates(f"{files.key} holds no private key in PEM without a password") from None
    if own != certificate.public_key():
        raise BadCertificates(f"the key in {files.key} is not that of the certificate in {files.certificate}")


def _certificate_of(path: Path | None, pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except (ValueError, IndexError):
        raise BadCertificates(f"{path} holds no certificate in PEM") from None
