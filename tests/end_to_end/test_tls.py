"""TLS on the port, certificates of callers, tokens, and doors that are closed: with the real service."""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from bayar.messages import BayarClient, BayarError, RetryPolicy
from braintree_twin.testing import Twin, start_twin
from tests.api_keys import TEST_KEY
from tests.end_to_end.service import Service, environment_of, run_bayar, until
from tests.token_issuer import AUDIENCE, ISSUER, JWKS, Authority, token

ONCE = RetryPolicy(attempts=1)


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with start_twin() as twin:
        yield twin


@contextmanager
def running(twin: Twin, directory: Path, settings: dict[str, str]) -> Iterator[Service]:
    database = f"sqlite:///{directory / 'bayar.db'}"
    service = Service(environment_of(twin, database, settings), directory / "bayar.log")
    try:
        service.start()
        yield service
    finally:
        service.close()


def tls(authority: Authority) -> dict[str, str]:
    certificate, key = authority.issue("server")
    return {"BAYAR_TLS_CERTIFICATE_FILE": str(certificate), "BAYAR_TLS_KEY_FILE": str(key)}


def calls(address: str, root: Path, **more: Any) -> str:
    """The result of one call over TLS: OK, or the reason, or the code."""
    with BayarClient(address, root_certificates=root.read_bytes(), retry=ONCE, timeout_seconds=10, **more) as bayar:
        return outcome(bayar)


def outcome(bayar: BayarClient) -> str:
    try:
        list(bayar.list_payments())
    except BayarError as error:
        return error.reason or error.code.name
    return "OK"


def handshake(address: str, root: Path, version: ssl.TLSVersion) -> str:
    context = ssl.create_default_context(cafile=str(root))
    context.minimum_version = context.maximum_version = version
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.set_alpn_protocols(["h2"])
    host, _, port = address.rpartition(":")
    try:
        with (
            socket.create_connection((host, int(port)), 10) as raw,
            context.wrap_socket(raw, server_hostname=host) as wrapped,
        ):
            return str(wrapped.version())
    except ssl.SSLError as refusal:
        return str(refusal.reason)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_the_port_speaks_tls_from_1_2_on_and_nothing_else(twin: Twin, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    root = authority.write_own()
    with running(twin, tmp_path, tls(authority)) as service:
        assert calls(service.address, root) == "OK"
        with BayarClient(service.address, retry=ONCE, timeout_seconds=5) as plain:
            assert outcome(plain) == "UNAVAILABLE"
        assert handshake(service.address, root, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        assert handshake(service.address, root, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        # By the server, which hangs up or says so: it is not the client that did not dare.
        refused = handshake(service.address, root, ssl.TLSVersion.TLSv1_1)
        assert refused in ("UNEXPECTED_EOF_WHILE_READING", "TLSV1_ALERT_PROTOCOL_VERSION")


def test_new_certificates_are_taken_without_a_restart(twin: Twin, tmp_path: Path) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    roots = old.write_own(), new.write_own()
    with running(twin, tmp_path, tls(old)) as service:
        with BayarClient(service.address, root_certificates=roots[0].read_bytes(), retry=ONCE) as connected:
            assert outcome(connected) == "OK"
            (tmp_path / "server.pem").write_text("half of a file")
            assert calls(service.address, roots[0]) == "OK"
            assert "TLS certificates were not reloaded" in service.log
            new.issue("server")
            until(lambda: calls(service.address, roots[1]) == "OK", what="the new certificate")
            assert outcome(connected) == "OK"
        context = ssl.create_default_context(cafile=str(roots[0]))
        host, _, port = service.address.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as raw, pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(raw, server_hostname=host)


def test_a_client_certificate_stands_for_a_caller(twin: Twin, tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    root = authority.write_own()
    mapping = tmp_path / "clients.toml"
    mapping.write_text('[[client]]\nsan = "shop.internal"\ncaller_id = "shop"\nscopes = ["payments:read"]\n')
    mutual = {"BAYAR_TLS_CLIENT_CA_FILE": str(root), "BAYAR_CLIENT_CERTIFICATES_FILE": str(mapping)}
    with running(twin, tmp_path, tls(authority) | mutual) as service:

        def with_certificate(of: Authority, name: str, credential: str = "") -> str:
            certificate, key = of.issue(name, names=(f"{name}.internal",))
            credentials = grpc.ssl_channel_credentials(root.read_bytes(), key.read_bytes(), certificate.read_bytes())
            with BayarClient(
                service.address, credentials=credentials, credential=credential or None, retry=ONCE, timeout_seconds=5
            ) as bayar:
                try:
                    list(bayar.list_customers())
                    return "customers, too"
                except BayarError as error:
                    return outcome(bayar) + "/" + (error.reason or error.code.name)

        # The test key is in the environment; where it is sent, it says who calls.
        assert with_certificate(authority, "shop", TEST_KEY) == "customers, too"
        assert calls(service.address, root) == "UNAVAILABLE"
        assert with_certificate(stranger, "shop", TEST_KEY) == "UNAVAILABLE/UNAVAILABLE"
        key = os.environ.pop("BAYAR_API_KEY")
        try:
            assert with_certificate(authority, "shop") == "OK/SCOPE_MISSING"
            assert with_certificate(authority, "nobody") == "CREDENTIAL_INVALID/CREDENTIAL_INVALID"
        finally:
            os.environ["BAYAR_API_KEY"] = key


def test_a_token_of_the_issuer_says_who_calls(twin: Twin, tmp_path: Path) -> None:
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(JWKS))
    settings = {"BAYAR_JWT_ISSUER": ISSUER, "BAYAR_JWT_AUDIENCE": AUDIENCE, "BAYAR_JWT_JWKS": str(jwks)}
    with running(twin, tmp_path, settings) as service:
        for text, expected in ((token(), "OK"), (token(scope="events:read"), "SCOPE_MISSING")):
            with BayarClient(service.address, credential=text, retry=ONCE) as bayar:
                assert outcome(bayar) == expected


def test_health_and_reflection_can_be_closed(twin: Twin, tmp_path: Path) -> None:
    closed = {"BAYAR_REFLECTION": "closed", "BAYAR_HEALTH": "closed"}
    with running(twin, tmp_path, closed) as service, grpc.insecure_channel(service.address) as channel:
        reflection: Any = ServerReflectionStub(channel)
        health: Any = HealthStub(channel)

        def ask(metadata: tuple[tuple[str, str], ...]) -> list[str]:
            told = []
            asked: tuple[Callable[[], Any], ...] = (
                lambda: health.Check(HealthCheckRequest(), metadata=metadata, timeout=10),
                lambda: next(health.Watch(HealthCheckRequest(), metadata=metadata, timeout=10)),
                lambda: next(
                    reflection.ServerReflectionInfo(
                        iter([ServerReflectionRequest(list_services="")]), metadata=metadata, timeout=10
                    )
                ),
            )
            for call in asked:
                try:
                    call()
                    told.append("OK")
                except grpc.RpcError as error:
                    told.append(error.code().name)
            return told

        assert ask(()) == ["UNAUTHENTICATED"] * 3
        assert ask((("authorization", f"Bearer {TEST_KEY}"),)) == ["OK"] * 3


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"BAYAR_GRPC_ADDRESS": "0.0.0.0:0"}, "BAYAR_ALLOW_PLAINTEXT"),
        ({"BAYAR_GRPC_ADDRESS": "0.0.0.0:0", "BAYAR_AUTHENTICATION": "none"}, "BAYAR_AUTHENTICATION=none"),
        (
            {"BAYAR_GRPC_ADDRESS": "0.0.0.0:0", "BAYAR_AUTHENTICATION": "none", "BAYAR_ALLOW_PLAINTEXT": "true"},
            "BAYAR_AUTHENTICATION=none",
        ),
        ({"BAYAR_TLS_CERTIFICATE_FILE": "/nowhere.pem"}, "BAYAR_TLS_KEY_FILE"),
        ({"BAYAR_TLS_CERTIFICATE_FILE": "/nowhere.pem", "BAYAR_TLS_KEY_FILE": "/nowhere.key"}, "/nowhere.pem"),
        ({"BAYAR_JWT_ISSUER": "x"}, "BAYAR_JWT_AUDIENCE and BAYAR_JWT_JWKS"),
        ({"BAYAR_JWT_ISSUER": "x", "BAYAR_JWT_AUDIENCE": "y", "BAYAR_JWT_JWKS": "http://login.test/"}, "https"),
        ({"BAYAR_CLIENT_CERTIFICATES_FILE": "/nowhere.toml"}, "BAYAR_TLS_CLIENT_CA_FILE"),
    ],
)
def test_an_unsafe_or_half_setting_stops_the_start_with_the_remedy(
    settings: dict[str, str], told: str, twin: Twin, tmp_path: Path
) -> None:
    run = run_bayar("serve", environment=environment_of(twin, f"sqlite:///{tmp_path / 'b.db'}", settings))
    assert run.returncode in (1, 2)
    assert told in run.stderr
    assert "Traceback" not in run.stderr


def test_plain_text_for_others_and_no_authentication_are_said_loudly(twin: Twin, tmp_path: Path) -> None:
    everywhere = {"BAYAR_GRPC_ADDRESS": "0.0.0.0:0", "BAYAR_ALLOW_PLAINTEXT": "true", "BAYAR_LOG_LEVEL": "warning"}
    with running(twin, tmp_path, everywhere) as service:
        until(lambda: "WARNING bootstrap.process.exposure BAYAR_ALLOW_PLAINTEXT=true" in service.log)
    with running(twin, tmp_path, {"BAYAR_AUTHENTICATION": "none", "BAYAR_LOG_LEVEL": "warning"}) as service:
        until(lambda: "WARNING bootstrap.process.exposure BAYAR_AUTHENTICATION=none" in service.log)
