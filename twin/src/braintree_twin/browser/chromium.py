"""The arguments that lead a Chromium to the twin, though the pages in it call the gateway's hosts."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from braintree_twin.browser.hosts import HOSTS


def chromium_arguments(url: str, certificate: Path) -> list[str]:
    """Arguments for Chromium: the gateway's hosts lead to the twin at `url`, and its certificate is accepted.

    `certificate` is server.pem in the twin's --tls-dir. Only its key is accepted, for these hosts and any other;
    Chromium heeds it in a profile of one's own (--user-data-dir) alone.
    """
    address = urlsplit(url)
    rules = ",".join(f"MAP {host}:443 {address.hostname}:{address.port or 443}" for host in HOSTS)
    return [
        f"--host-resolver-rules={rules}",
        f"--ignore-certificate-errors-spki-list={key_hash(certificate)}",
        # Pages of other machines may call this one; otherwise Chromium asks the person in front of it.
        "--disable-features=LocalNetworkAccessChecks",
    ]


def key_hash(certificate: Path) -> str:
    """The SHA-256 hash of a certificate's public key, in base64."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    described = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(described).digest()).decode()
