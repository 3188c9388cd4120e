"""The mapping of client certificates to callers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.certificates.mapping import BadMapping, WatchedCertificates, read_mapping
from application.common.caller import Scope
from application.common.errors import AuthFailure, NotAuthenticated
from tests.token_issuer import Authority

GOOD = 'caller_id = "shop"\nscopes = ["payments:read"]\n'


@pytest.mark.parametrize("match", ["san", "subject", "fingerprint_sha256"])
def test_a_certificate_is_known_by_name_subject_or_fingerprint(match: str, tmp_path: Path) -> None:
    pem = Authority(tmp_path).issue("shop", names=("shop.internal",))[0].read_bytes()
    print_ = x509.load_pem_x509_certificate(pem).fingerprint(SHA256()).hex(":").upper()
    value = {"san": "shop.internal", "subject": "CN=shop", "fingerprint_sha256": print_}[match]
    path = tmp_path / "clients.toml"
    path.write_text(f'[[client]]\n{match} = "{value}"\n{GOOD}')
    caller = read_mapping(path).caller_of(pem)
    assert caller.caller_id == "shop"
    assert caller.scopes == {Scope.PAYMENTS_READ}
    assert caller.actor.startswith("shop/certificate ")
    for stranger in (Authority(tmp_path).issue("other")[0].read_bytes(), b"nonsense"):
        with pytest.raises(NotAuthenticated):
            read_mapping(path).caller_of(stranger)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        'other = "x"',
        f"[[client]]\n{GOOD}",
        f'[[client]]\nsan = "a"\nsubject = "b"\n{GOOD}',
        '[[client]]\nsan = "a"\ncaller_id = "shop"\nscopes = ["payments:everything"]',
        '[[client]]\nsan = "a"\ncaller_id = "shop"\nscopes = []',
        '[[client]]\nsan = "a"\ncaller_id = "sh/op"\nscopes = ["admin"]',
        f'[[client]]\nsan = "a"\nscope = "x"\n{GOOD}',
        f'[[client]]\nsan = "a"\ncustomer_id = "x"\n{GOOD}',
        f'[[client]]\nsan = "a"\n{GOOD}[[client]]\nsan = "a"\n{GOOD}',
    ],
)
def test_a_mapping_that_is_not_understood_is_refused_whole(text: str, tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(text)
    with pytest.raises(BadMapping):
        read_mapping(path)


def test_a_mapping_that_changed_is_read_anew_and_a_bad_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pem = Authority(tmp_path).issue("shop", names=("shop.internal",))[0].read_bytes()
    path = tmp_path / "clients.toml"
    line = f'[[client]]\nsan = "shop.internal"\n{GOOD}'
    path.write_text(line)
    seconds = [0.0]
    certificates = WatchedCertificates(path, 2, lambda: seconds[0])
    assert certificates.caller_of(pem).caller_id == "shop"
    path.write_text(line.replace('"shop"', '"other shop"'))
    assert certificates.caller_of(pem).caller_id == "shop", "looked at a moment ago"
    seconds[0] += 3
    assert certificates.caller_of(pem).caller_id == "shop", "a space is no part of a caller's id"
    assert "were not reloaded" in caplog.text
    path.write_text(line.replace('"shop"', '"market"'))
    seconds[0] += 3
    assert certificates.caller_of(pem).caller_id == "market"
    path.write_text(line.replace("shop.internal", "gone.internal"))
    seconds[0] += 3
    with pytest.raises(NotAuthenticated) as refused:
        certificates.caller_of(pem)
    assert refused.value.refusal is AuthFailure.INVALID


def test_a_certificate_that_has_expired_is_refused_on_a_connection_that_is_older(tmp_path: Path) -> None:
    pem = Authority(tmp_path).issue("shop", names=("shop.internal",), valid_for=timedelta(seconds=-1))[0].read_bytes()
    path = tmp_path / "clients.toml"
    path.write_text(f'[[client]]\nsan = "shop.internal"\n{GOOD}')
    with pytest.raises(NotAuthenticated) as refused:
        read_mapping(path).caller_of(pem)
    assert refused.value.refusal is AuthFailure.EXPIRED


def test_a_uri_is_no_host_and_a_host_no_uri(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(f'[[client]]\nsan = "Shop.internal"\n{GOOD}[[client]]\nsan = "spiffe://shop/api"\n{GOOD}')
    mapping = read_mapping(path)

    def certificate(*names: x509.GeneralName) -> bytes:
        return _self_signed(x509.SubjectAlternativeName(names))

    assert mapping.caller_of(certificate(x509.DNSName("shop.internal")))
    assert mapping.caller_of(certificate(x509.UniformResourceIdentifier("spiffe://shop/api")))
    for wrong in (x509.UniformResourceIdentifier("shop.internal"), x509.DNSName("spiffe://shop/api")):
        with pytest.raises(NotAuthenticated):
            mapping.caller_of(certificate(wrong))


def _self_signed(names: x509.SubjectAlternativeName) -> bytes:
    key, name = Ed25519PrivateKey.generate(), x509.Name([])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .add_extension(names, critical=True)
        .sign(key, None)
        .public_bytes(Encoding.PEM)
    )
