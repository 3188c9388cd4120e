"""Settings of the ports, of TLS on them, and of the processes and threads behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from bootstrap.config.settings_group import SettingsGroup


def checked_address(value: str) -> str:
    """The value unchanged. Raises ValueError unless it is HOST:PORT."""
    host, separator, port = value.rpartition(":")
    if not separator or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("must be HOST:PORT")
    return value


Address = Annotated[str, AfterValidator(checked_address)]


class ServerSettings(SettingsGroup):
    grpc_address: Address = "127.0.0.1:50051"
    """The address of the gRPC port, HOST:PORT. Port 0 takes a free one."""
    http_address: Address = "127.0.0.1:8080"
    """The address of the HTTP port, HOST:PORT: Braintree's webhooks, /healthz, /readyz and /metrics. Port 0 takes a
    free one.
    """
    allow_plaintext: bool = Field(False, examples=["true"])
    """Permits gRPC without TLS on an address that other machines reach; for use behind a service mesh that encrypts.
    The log warns at each start.
    """
    tls_certificate_file: Path | None = Field(None, examples=["/etc/bayar/tls/server.pem"])
    """The service's certificate chain (PEM), for TLS 1.2 and 1.3 on the gRPC port. Reloaded when it changes. Without it
    the port is plain text, on a loopback address only.
    """
    tls_key_file: Path | None = Field(None, examples=["/etc/bayar/tls/server.key"])
    """The private key of that certificate (PEM, without a password)."""
    tls_client_ca_file: Path | None = Field(None, examples=["/etc/bayar/tls/client-ca.pem"])
    """Turns on mutual TLS: a client must show a certificate of this authority (PEM)."""
    client_certificates_file: Path | None = Field(None, examples=["/etc/bayar/clients.toml"])
    """The TOML file that maps client certificates to callers. Needs mutual TLS. See docs/operate/access.md."""
    workers: int = Field(1, ge=1, le=256, examples=["4"])
    """The number of processes that answer calls on the gRPC port, as `bayar serve --workers` sets it: one for each
    core. More than one needs PostgreSQL and Linux. Each counts as a replica. See docs/operate/scale.md.
    """
    grpc_threads: int = Field(200, ge=2, le=20_000)
    """The maximum of calls under way at once. A call mostly waits for Braintree: at half a second an answer, three
    quarters of 200 carry 300 payments a second. A waiting call costs some 40 kB and a connection to Braintree, no
    thread.
    """
    grpc_queue: int = Field(1000, ge=0, le=100_000)
    """The maximum of calls that wait for a slot, and as many again that only read. Further calls fail with
    OVERLOADED.
    """

    @model_validator(mode="after")
    def _has_whole_tls(self) -> ServerSettings:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("BAYAR_TLS_CERTIFICATE_FILE and BAYAR_TLS_KEY_FILE go together: set both, or neither")
        if self.tls_certificate_file is None and self.tls_client_ca_file is not None:
            raise ValueError("BAYAR_TLS_CLIENT_CA_FILE needs TLS: set BAYAR_TLS_CERTIFICATE_FILE and _KEY_FILE")
        if self.client_certificates_file is not None and self.tls_client_ca_file is None:
            raise ValueError("BAYAR_CLIENT_CERTIFICATES_FILE needs mutual TLS: set BAYAR_TLS_CLIENT_CA_FILE")
        return self

    @property
    def processes(self) -> int:
        """The number of processes with database connections."""
        return self.workers + 1 if self.workers > 1 else 1
