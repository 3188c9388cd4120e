"""An issuer of tokens, and an authority of certificates, for tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER: Final = "https://login.test/"
AUDIENCE: Final = "bayar"
RSA_KEY: Final = rsa.generate_private_key(65537, 2048)
EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())
ED_KEY: Final = ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, key_id: str, **more: Any) -> dict[str, Any]:
    """The public half."""
    kinds: dict[type, Any] = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    algorithm = next((kinds[kind] for kind in kinds if isinstance(key, kind)), OKPAlgorithm)
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": key_id, **more}


KEYS: Final = {"RS256": (RSA_KEY, "rsa"), "ES256": (EC_KEY, "ec"), "EdDSA": (ED_KEY, "ed")}
JWKS: Final = {"keys": [jwk(key, key_id) for key, key_id in KEYS.values()]}


def claims(**other: Any) -> dict[str, Any]:
    """Good ones, changed where something else is given; None leaves one out."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-42",
        "iat": now,
        "exp": now + 300,
        "caller_id": "shop",
        "scope": "payments:read payments:write openid",
    }
    return {name: value for name, value in (good | other).items() if value is not None}


def token(algorithm: str = "RS256", *, key_id: str = "", **other: Any) -> str:
    key: Any
    key, own_id = KEYS[algorithm]
    return jwt.encode(claims(**other), key, algorithm, headers={"kid": key_id or own_id})


def unsigned(**other: Any) -> str:
    """A token with the algorithm `none`."""
    return _compact({"alg": "none", "typ": "JWT", "kid": "rsa"}, claims(**other)) + "."


def confused(**other: Any) -> str:
    """Signed by HMAC with the public key for a secret, which is no secret."""
    pem = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = _compact({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, claims(**other))
    return f"{signed}.{_b64(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"


def _compact(header: dict[str, Any], body: dict[str, Any]) -> str:
    return f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(body).encode())}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates, and writes them to files."""

    directory: Path
    name: str = "authority"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def certificate(self) -> x509.Certificate:
        return self._sign(self.name, self.key.public_key(), is_authority=True, names=())

    def write_own(self) -> Path:
        path = self.directory / f"{self.name}.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def issue(
        self, name: str, *, names: tuple[str, ...] = (), file: str = "", valid_for: timedelta = timedelta(days=2)
    ) -> tuple[Path, Path]:
        """A certificate and its key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name, key.public_key(), is_authority=False, names=names, valid_for=valid_for)
        paths = self.directory / f"{file or name}.pem", self.directory / f"{file or name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths

    def _sign(
        self,
        name: str,
        key: Any,
        *,
        is_authority: bool,
        names: tuple[str, ...],
        valid_for: timedelta = timedelta(days=2),
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self.name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + valid_for)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            local: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            san = local + [x509.DNSName(each) for each in ("localhost", *names)]
            builder = builder.add_extension(x509.SubjectAlternativeName(san), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
