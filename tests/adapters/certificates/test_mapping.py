"""Which certificate stands for which caller."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from adapters.certificates.mapping import BadMapping, read_mapping
from application.caller import Scope
from application.errors import NotAuthenticated
from tests.issuer import Authority

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
