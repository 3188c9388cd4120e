"""The settings: environment variables that begin with BAYAR_."""

from __future__ import annotations

import base64
import binascii
import difflib
import hashlib
import hmac
import os
import platform
import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bayar.channels import is_loopback
from bootstrap.config.three_d_secure import read_rules
from bootstrap.config.weak_keys import is_weak_key, is_weak_text
from domain.currencies import EXPONENTS

# The time that Braintree may work on one request, and the lag of its search.
GATEWAY_WORKS_SECONDS: Final = 60
SEARCH_LAG_SECONDS: Final = 30


class BadSettings(Exception):
    """The service cannot start as it is configured. The text names each variable, what is wrong, and an example."""


class Authentication(StrEnum):
    REQUIRED = "required"
    NONE = "none"


class Door(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class GatewayEnvironment(StrEnum):
    TWIN = "twin"
    SANDBOX = "sandbox"
    PRODUCTION = "production"


def _merchant_accounts(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in re.split(r"[,\s]+", re.sub(r"\s*=\s*", "=", value)) if pair]
    if not pairs:
        raise ValueError("must list CURRENCY=account pairs, or be left out")
    accounts: dict[str, str] = {}
    for currency, _, account in pairs:
        if currency not in EXPONENTS:
            raise ValueError("must list CURRENCY=account pairs with ISO 4217 codes in capital letters")
        if not _ACCOUNT_ID.fullmatch(account):
            raise ValueError(f"must name the merchant account of {currency} in letters, digits, - and _")
        if currency in accounts:
            raise ValueError(f"names {currency} twice. Keep the one account that is to take it, remove the other")
        accounts[currency] = account
    return accounts


def _address(value: str) -> str:
    host, separator, port = value.rpartition(":")
    if not separator or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("must be HOST:PORT")
    return value


def _jwks(value: str) -> str:
    scheme, separator, _ = value.partition("://")
    if not separator:
        return value
    parts = plain_url(value)
    if parts is None or scheme not in ("http", "https"):
        raise ValueError("must be a file, or https://HOST/PATH without a user, a password and spaces")
    if scheme == "http" and not is_loopback(parts.netloc):
        raise ValueError("must be https: an attacker on the network could replace the keys and call as anybody")
    return value


def _url(value: str) -> str:
    parts = plain_url(value)
    if value and (parts is None or parts.scheme not in ("http", "https") or parts.path not in ("", "/") or parts.query):
        raise ValueError("must be http(s)://HOST:PORT without a path, a user and a password")
    return value.rstrip("/")


def plain_url(value: str) -> SplitResult | None:
    """The parts of an address that every parser reads alike: a host, at most a port, and no user."""
    try:
        parts = urlsplit(value)
        good = (
            bool(parts.hostname) and parts.port != 0 and re.fullmatch(r"[!-~]+", value) and not set(value) & set("\\#")
        )
    except ValueError:
        return None
    return parts if good and "@" not in parts.netloc else None


_ACCOUNT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NEW_KEY: Final = "python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"


def _encryption_keys(secret: SecretStr) -> SecretStr:
    keys = encryption_keys_of(secret.get_secret_value())
    if not keys or any(not _KEY_ID.fullmatch(name) or len(key) != 32 for name, key in keys):
        raise ValueError("must list NAME:KEY pairs, the current one first, each with the base64 of 32 bytes")
    if is_weak_key(keys[0][1]):
        raise ValueError(
            "has a current key that was not drawn at random. Put a new one first, and leave this one behind it if "
            f"values need it. Make one with: {_NEW_KEY}"
        )
    names = [name for name, _ in keys]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"names the key {twice[0]} twice. Give each key a name of its own")
    return secret


def _secret_key(secret: SecretStr) -> SecretStr:
    if is_weak_text(secret.get_secret_value()):
        raise ValueError("was not drawn at random: make one as the example says")
    return secret


def encryption_keys_of(text: str) -> list[tuple[str, bytes]]:
    """The names and keys of a list such as 2026-11:BASE64,2025-11:BASE64; an empty key if it is not valid base64."""
    pairs = [pair.partition(":") for pair in re.split(r"[,\s]+", text.strip()) if pair]
    return [(name, _bytes_of(encoded)) for name, _, encoded in pairs]


def _bytes_of(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, altchars=b"-_" if set("-_") & set(encoded) else None, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _three_d_secure(value: str) -> str:
    read_rules(value)
    return value


class RawCards(StrEnum):
    ACCEPT = "accept"
    REFUSE = "refuse"


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


Address = Annotated[str, AfterValidator(_address)]


class Settings(BaseSettings):
    """Every setting, described by the text below it. The example, or else the default, shows its form."""

    model_config = SettingsConfigDict(
        env_prefix="BAYAR_", extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    database_url: str = Field("sqlite:///bayar.db", min_length=1)
    """The database of the record: SQLite for one process, PostgreSQL for several."""
    grpc_address: Address = "127.0.0.1:50051"
    """The address of the gRPC port, HOST:PORT. Port 0 takes a free one."""
    http_address: Address = "127.0.0.1:8080"
    """The address of the HTTP port, HOST:PORT: Braintree's webhooks, /healthz, /readyz and /metrics. Port 0 takes a
    free one.
    """
    authentication: Authentication = Authentication.REQUIRED
    """required: every call needs a credential. none: every caller may do everything, allowed on a loopback address
    only.
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
    jwt_issuer: str = Field("", examples=["https://login.example.com/"])
    """The issuer (iss) whose tokens (JWT) are accepted. Needs BAYAR_JWT_AUDIENCE and BAYAR_JWT_JWKS."""
    jwt_audience: str = Field("", examples=["bayar"])
    """The audience (aud) that a token must name."""
    jwt_jwks: Annotated[str, AfterValidator(_jwks)] = Field(
        "", examples=["https://login.example.com/.well-known/jwks.json"]
    )
    """The issuer's public keys: a file or an https URL. Fetched again every ten minutes, and at once for an unknown key
    id, at most every 10 s.
    """
    jwt_caller_claim: str = Field("caller_id", min_length=1, examples=["client_id"])
    """The claim of a token that holds the caller's id."""
    credential_seconds: float = Field(2.5, gt=0, le=60)
    """The time in seconds for which a verified credential is trusted before it is verified again, on open streams too.
    A revoked one stops working within twice that.
    """
    reflection: Door = Field(Door.OPEN, examples=["closed"])
    """open: everybody may use gRPC reflection. closed: authenticated callers only."""
    health: Door = Door.OPEN
    """open: everybody may use gRPC health checks. closed: authenticated callers only."""
    secret_key: Annotated[SecretStr, AfterValidator(_secret_key)] | None = Field(
        None, min_length=32, examples=["the output of: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"]
    )
    """The key of request fingerprints and page tokens, at least 32 characters. Derived from Braintree's private key
    when not set. Keep it: with another key, replays of earlier requests fail with REQUEST_ID_REUSED.
    """
    encryption_keys: Annotated[SecretStr, AfterValidator(_encryption_keys)] | None = Field(
        None, examples=[f"2026-11:the output of: {_NEW_KEY}"]
    )
    """The keys that encrypt personal data and gateway tokens in the database: NAME:KEY pairs, the current one first,
    then those that older values need. Required, except with the twin. A lost key cannot be replaced. See
    docs/operate/security.md.
    """
    raw_cards: RawCards = Field(RawCards.ACCEPT, examples=["refuse"])
    """accept: calls may carry card numbers. refuse: nonces and stored methods only, so that no card number reaches your
    systems.
    """
    three_d_secure: Annotated[str, AfterValidator(_three_d_secure)] = Field(
        "if_offered", examples=["if_offered,EUR>=30.00=required,GBP=required"]
    )
    """The 3-D Secure policy of payments whose request names none: required, if_offered or not_wanted, for a currency
    (EUR=required), or from an amount of it upwards (EUR>=30.00=required). The highest amount that is reached decides.
    See docs/integrate/three-d-secure.md.
    """
    braintree_environment: GatewayEnvironment = Field(examples=["sandbox"])
    """The gateway: twin (offline), sandbox or production."""
    braintree_merchant_id: str = Field(min_length=1, examples=["9gm5x4kz2wq8t7rn"])
    """The merchant id of your Braintree account."""
    braintree_public_key: str = Field(min_length=1, examples=["s7k2m9x4qz8w5t3n"])
    """The public API key of your Braintree account."""
    braintree_private_key: SecretStr = Field(
        min_length=1, examples=["the private key that Braintree shows beside the public one"]
    )
    """The private API key of your Braintree account. Never printed."""
    braintree_merchant_accounts: Annotated[dict[str, str], NoDecode, BeforeValidator(_merchant_accounts)] = Field(
        {}, examples=["USD=my_usd,IDR=my_idr"]
    )
    """The merchant account of each currency that you accept. Fetched from Braintree at each start when not set."""
    braintree_url: Annotated[str, AfterValidator(_url)] = Field("", examples=["https://127.0.0.1:8443"])
    """The URL of the twin. Required with the environment twin, refused with any other."""
    braintree_ca_file: Path | None = Field(None, examples=["/var/lib/bayar/tls/ca.pem"])
    """The certificate authority of the twin. Required with the environment twin and https, refused with any other."""
    braintree_use_api_request_key: bool = Field(False, examples=["true"])
    """Sends Braintree's own idempotency key with each request. Only if Braintree enabled it for your account."""
    braintree_order_reference: bool = Field(False, examples=["true"])
    """Puts the payment's reference in front of the order id of payments, partial captures and refunds, so that
    Braintree's control panel and reports find them by it. A reference of more than 214 characters is cut there.
    """
    braintree_stock_parser: bool = Field(False, examples=["true"])
    """Parses answers with Braintree's SDK. The default parser gives the same result in a tenth of the time."""
    braintree_connect_timeout_seconds: float = Field(5.0, gt=0, le=60)
    """The timeout in seconds for a connection to Braintree. Afterwards nothing was sent, and the call fails with
    GATEWAY_UNREACHABLE.
    """
    braintree_read_timeout_seconds: float = Field(65.0, gt=0, le=600)
    """The timeout in seconds for an answer of Braintree. Afterwards the outcome is unknown and the payment PENDING.
    Braintree may work for 60 s, so a shorter timeout makes more outcomes unknown for a while.
    """
    braintree_max_calls: int | None = Field(None, ge=1, examples=["150"])
    """The maximum of concurrent requests to Braintree; further calls wait briefly, then fail with GATEWAY_UNREACHABLE.
    Must be below BAYAR_GRPC_THREADS. Default: three quarters of it.
    """
    braintree_breaker_failures: int = Field(10, ge=0)
    """The number of lost answers that opens the circuit breaker; each answer that arrives subtracts one. While it is
    open, calls fail at once with GATEWAY_UNREACHABLE. Counted apart for calls that move money, for searches, and for
    others. 0: never.
    """
    absence_horizon_seconds: float = Field(180.0, gt=0)
    """The time in seconds for which the gateway must not know an operation before it is FAILED. At least
    BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS + BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS + 105: a margin of 15 s, the 60 s
    that the gateway may work, and 30 s for the lag of its search. The twin takes any.
    """
    first_check_seconds: float = Field(2.0, gt=0)
    """The time in seconds from a lost answer to the resolver's first look. The pause doubles with each look, up to five
    minutes.
    """
    follow_interval_seconds: float = Field(300.0, gt=0)
    """The shortest pause in seconds between two polls of a payment that has yet to settle or expire. It grows to six
    hours.
    """
    watch_refunds_days: float = Field(180.0, ge=0, le=3650)
    """The number of days after the last change during which settled payments are polled for refunds that somebody else
    made at the gateway. The pause grows from 6 hours to a week. 0: never.
    """
    resolver_interval_seconds: float = Field(1.0, gt=0)
    """The pause in seconds between two searches of the database for operations that are due."""
    feed_interval_seconds: float = Field(0.25, gt=0, le=10)
    """The pause in seconds between two searches of the database for new events, to give them their positions and send
    them to readers.
    """
    dispute_poll_seconds: float = Field(3600.0, gt=0)
    """The pause in seconds between two searches of the gateway for disputes without a webhook, and between two polls of
    an open dispute.
    """
    webhook_attempts: int = Field(20, ge=1, le=1000)
    """The maximum of attempts at one incoming webhook. The pauses grow to an hour; after the last attempt it is DEAD,
    and ListWebhookNotifications shows it.
    """
    keep_webhooks_days: int = Field(90, ge=0)
    """The days for which processed incoming webhooks stay in the inbox. 0 keeps them for ever. See
    docs/operate/backup.md.
    """
    archive_events_days: int = Field(0, ge=0)
    """The age in days at which the history of a payment at rest is compressed into one row. 0: only `bayar events
    archive` does it.
    """
    event_webhooks_file: Path | None = Field(None, examples=["/etc/bayar/webhooks.toml"])
    """The TOML file of the endpoints that receive events. See docs/integrate/events.md."""
    allow_private_webhooks: bool = Field(False, examples=["true"])
    """Permits event webhooks to this machine, to private networks and without TLS. For tests."""
    decline_window_seconds: float = Field(3600.0, ge=60, le=86_400)
    """The window in seconds over which the velocity limits count declines and verifications, against card testing. See
    docs/operate/limits.md.
    """
    declines_per_card: int = Field(10, ge=0)
    """The maximum of declines and verifications of one card within the window. Beyond it: TOO_MANY_DECLINES. 0: no
    limit.
    """
    declines_per_customer: int = Field(10, ge=0)
    """The maximum of declines and verifications of one customer within the window. Beyond it: TOO_MANY_DECLINES. 0: no
    limit.
    """
    declines_per_client_address: int = Field(20, ge=0)
    """The maximum of declines and verifications of one client_address (IPv6: of one /64) within the window. Beyond it:
    TOO_MANY_DECLINES. 0: no limit.
    """
    declines_per_caller: int = Field(10_000, ge=0)
    """The maximum of declines and verifications of one caller within the window. Beyond it all its payments fail with
    TOO_MANY_DECLINES, so keep it far above a bad hour. 0: no limit.
    """
    cards_per_customer: int = Field(5, ge=0)
    """The maximum of different cards of one customer that are declined or verified within the window. Beyond it new
    cards get TOO_MANY_DECLINES. 0: no limit.
    """
    cards_per_client_address: int = Field(10, ge=0)
    """The maximum of different cards of one client_address that are declined or verified within the window. Beyond it
    new cards get TOO_MANY_DECLINES. 0: no limit.
    """
    workers: int = Field(1, ge=1, le=256, examples=["4"])
    """The number of processes that answer calls on the gRPC port, as `bayar serve --workers` sets it: one for each
    core. More than one needs PostgreSQL and Linux. Each counts as a replica. See docs/operate/scale.md.
    """
    grpc_threads: int = Field(200, ge=2, le=1000)
    """The number of threads, and so of calls under way at once. A call mostly waits for Braintree: at half a second an
    answer, three quarters of 200 threads carry 300 payments a second.
    """
    database_connections: int = Field(24, ge=4, le=1000)
    """The maximum of database connections of one process. A call without one waits up to 5 s, then fails with
    STORE_UNAVAILABLE. Calls that wait for Braintree hold none. All processes together need fewer than PostgreSQL's
    max_connections. See docs/operate/scale.md.
    """
    grpc_queue: int = Field(1000, ge=0, le=100_000)
    """The maximum of calls that wait for a thread, and as many again that only read. Further calls fail with
    OVERLOADED.
    """
    reads_per_second: float = Field(2000.0, ge=0)
    """The maximum of calls a second of one caller that only read, for each replica, with bursts of twice that. Beyond
    it: RATE_LIMITED. 0: no limit.
    """
    writes_per_second: float = Field(1000.0, ge=0)
    """The maximum of calls a second of one caller that change something, for each replica, with bursts of twice that.
    Beyond it: RATE_LIMITED. 0: no limit.
    """
    failed_logins_per_minute: float = Field(1000.0, ge=0)
    """The maximum of refused credentials a minute of one address, for each replica. Beyond it the address gets
    TOO_MANY_FAILED_LOGINS, except with a credential that was valid lately. 0: no limit.
    """
    streams_per_caller: int = Field(500, ge=0)
    """The maximum of open streams of one caller, for each replica. Beyond it: TOO_MANY_STREAMS. 0: no limit."""
    stream_seconds: float = Field(3600.0, gt=0, le=86_400)
    """The maximum lifetime in seconds of a stream. It then ends with STREAM_ENDED, and the client opens it again."""
    slowest_read_seconds: float = Field(60.0, gt=0, le=3600)
    """The time in seconds that a message of a stream waits for its reader. The stream then ends with
    STREAM_READ_TOO_SLOWLY.
    """
    call_seconds: float = Field(150.0, gt=0, le=3600)
    """The maximum time in seconds that a call waits for its answer, whatever its deadline. It then fails with
    CALL_TOO_LONG; work that has begun goes on.
    """
    grpc_connections: int = Field(1000, ge=1, le=1_000_000)
    """The maximum of gRPC connections of one replica. Further ones are closed."""
    calls_per_connection: int = Field(128, ge=1, le=100_000)
    """The maximum of concurrent calls on one connection. The client holds back further ones."""
    connection_idle_seconds: float = Field(300.0, ge=1, le=86_400)
    """The time in seconds without a call after which a connection is closed. Clients connect again by themselves."""
    connection_seconds: float = Field(3600.0, ge=1, le=604_800)
    """The maximum age in seconds of a connection, give or take a tenth. The client then connects again, so that load
    spreads over new replicas. Calls under way end first.
    """
    stop_delay_seconds: float = Field(5.0, ge=0, le=600)
    """The time in seconds from SIGTERM, when /readyz turns 503 and gRPC health NOT_SERVING, to the moment from which no
    new calls are accepted: balancers learn of the stop meanwhile. Ctrl-C (SIGINT) does not wait.
    """
    stop_grace_seconds: float = Field(20.0, gt=0)
    """The time in seconds that a stop then waits for calls under way. Callers of the rest get SERVICE_STOPPING, and the
    resolver finds the outcomes. BAYAR_STOP_DELAY_SECONDS, this and 4 s are the whole stop: Kubernetes waits 30 s.
    """
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"
    """The lowest level that is logged: debug, info, warning or error. See docs/operate/logs.md."""
    log_format: LogFormat = Field(LogFormat.TEXT, examples=["json"])
    """text: lines for people. json: one JSON object a line."""

    @model_validator(mode="after")
    def _twin_has_an_address(self) -> Settings:
        twin = self.braintree_environment is GatewayEnvironment.TWIN
        if twin and not self.braintree_url:
            raise ValueError("BAYAR_BRAINTREE_URL is missing. The twin needs it, for example https://127.0.0.1:8443")
        if not twin and (self.braintree_url or self.braintree_ca_file):
            raise ValueError(
                "BAYAR_BRAINTREE_URL and BAYAR_BRAINTREE_CA_FILE go only with BAYAR_BRAINTREE_ENVIRONMENT=twin; "
                "remove them"
            )
        if self.braintree_url.startswith("https:") and self.braintree_ca_file is None:
            raise ValueError(
                "BAYAR_BRAINTREE_CA_FILE is missing. A twin with https needs it, for example /var/lib/bayar/tls/ca.pem"
            )
        if self.braintree_ca_file is not None and not self.braintree_ca_file.is_file():
            raise ValueError(f"BAYAR_BRAINTREE_CA_FILE names {self.braintree_ca_file}, and there is no such file")
        return self

    @model_validator(mode="after")
    def _waits_until_absence_is_sure(self) -> Settings:
        """The not-found horizon can begin right at an operation's start, while its request leaves only at the end of
        its lease.
        """
        least = self.lease.total_seconds() + GATEWAY_WORKS_SECONDS + SEARCH_LAG_SECONDS
        if self.braintree_environment is not GatewayEnvironment.TWIN and self.absence_horizon_seconds < least:
            raise ValueError(
                f"BAYAR_ABSENCE_HORIZON_SECONDS is {self.absence_horizon_seconds:g}, and must be at least {least:g}: "
                "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS and BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS allow a call of "
                f"{self.lease.total_seconds():g} s, Braintree works on one for {GATEWAY_WORKS_SECONDS} s, and its "
                f"search lags. Set BAYAR_ABSENCE_HORIZON_SECONDS={least:g}, or shorten the timeouts"
            )
        return self

    @model_validator(mode="after")
    def _shares_what_can_be_shared(self) -> Settings:
        if self.workers > 1 and self.database_url.startswith("sqlite"):
            raise ValueError(
                f"{self.workers} workers need PostgreSQL, as SQLite is for one process. Set BAYAR_DATABASE_URL, for "
                "example BAYAR_DATABASE_URL=postgresql://bayar@db.example/bayar; or BAYAR_WORKERS=1"
            )
        if self.workers > 1 and platform.system() != "Linux":
            raise ValueError(
                "BAYAR_WORKERS above 1 needs Linux: no other system shares a port fairly. Set BAYAR_WORKERS=1"
            )
        return self

    @model_validator(mode="after")
    def _leaves_threads_for_reads(self) -> Settings:
        if self.gateway_calls >= self.grpc_threads:
            raise ValueError(
                "BAYAR_BRAINTREE_MAX_CALLS must be smaller than BAYAR_GRPC_THREADS, or a gateway that hangs would take "
                f"every thread. Example: BAYAR_BRAINTREE_MAX_CALLS={self.grpc_threads * 3 // 4}"
            )
        return self

    @property
    def processes(self) -> int:
        """The number of processes with database connections."""
        return self.workers + 1 if self.workers > 1 else 1

    @property
    def gateway_calls(self) -> int:
        """The maximum of concurrent requests to the gateway."""
        return self.braintree_max_calls or self.grpc_threads * 3 // 4

    @property
    def gateway_waiting(self) -> int:
        """The number of threads that may wait for a gateway request to end."""
        return self.spare_threads // 4

    @property
    def spare_threads(self) -> int:
        """The threads that no gateway request can take."""
        return self.grpc_threads - self.gateway_calls

    @model_validator(mode="after")
    def _has_keys_for_real_people(self) -> Settings:
        if self.encryption_keys is None and self.braintree_environment is not GatewayEnvironment.TWIN:
            raise ValueError(
                "BAYAR_ENCRYPTION_KEYS is missing. Personal data is encrypted in the database with it. Example: "
                f"BAYAR_ENCRYPTION_KEYS=2026-11:$({_NEW_KEY}). Keep it: without it the data cannot be read"
            )
        return self

    def keys_at_rest(self) -> list[tuple[str, bytes]]:
        """The names and keys of the encryption at rest, the current one first."""
        if self.encryption_keys is None:
            return [("twin", self.key_for("encryption"))]
        return encryption_keys_of(self.encryption_keys.get_secret_value())

    @model_validator(mode="after")
    def _is_not_open_to_strangers(self) -> Settings:
        if self.authentication is Authentication.NONE and not is_loopback(self.grpc_address):
            raise ValueError(
                f"BAYAR_AUTHENTICATION=none would let anybody pay at {self.grpc_address}. It goes only with a loopback "
                "address, for example BAYAR_GRPC_ADDRESS=127.0.0.1:50051"
            )
        return self

    @model_validator(mode="after")
    def _encrypts(self) -> Settings:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("BAYAR_TLS_CERTIFICATE_FILE and BAYAR_TLS_KEY_FILE go together: set both, or neither")
        if self.tls_certificate_file is None and self.tls_client_ca_file is not None:
            raise ValueError("BAYAR_TLS_CLIENT_CA_FILE needs TLS: set BAYAR_TLS_CERTIFICATE_FILE and _KEY_FILE")
        if self.client_certificates_file is not None and self.tls_client_ca_file is None:
            raise ValueError("BAYAR_CLIENT_CERTIFICATES_FILE needs mutual TLS: set BAYAR_TLS_CLIENT_CA_FILE")
        if self.tls_certificate_file is None and not self.allow_plaintext and not is_loopback(self.grpc_address):
            raise ValueError(
                f"{self.grpc_address} is reached by others, and card data must not cross a network in plain text. Set "
                "BAYAR_TLS_CERTIFICATE_FILE and BAYAR_TLS_KEY_FILE, or BAYAR_GRPC_ADDRESS=127.0.0.1:50051; or "
                "BAYAR_ALLOW_PLAINTEXT=true if something else encrypts"
            )
        return self

    @model_validator(mode="after")
    def _knows_the_issuer(self) -> Settings:
        parts = {"ISSUER": self.jwt_issuer, "AUDIENCE": self.jwt_audience, "JWKS": self.jwt_jwks}
        missing = [f"BAYAR_JWT_{name}" for name, value in parts.items() if not value]
        if missing and len(missing) < len(parts):
            raise ValueError(f"{' and '.join(missing)} is missing. Tokens need an issuer, an audience and its keys")
        return self

    def key_for(self, purpose: str) -> bytes:
        """Derives a separate key for each purpose from the one secret."""
        secret = self.secret_key or self.braintree_private_key
        return hmac.new(secret.get_secret_value().encode(), purpose.encode(), hashlib.sha256).digest()

    @property
    def lease(self) -> timedelta:
        """The lease of a call, after which the resolver checks it: the timeouts and a margin."""
        return timedelta(seconds=self.braintree_connect_timeout_seconds + self.braintree_read_timeout_seconds + 15)


_PREFIX: Final = "BAYAR_"
_FILE: Final = "_FILE"
# The settings that a file may hold instead, named by the variable with the suffix _FILE.
SECRETS: Final = ("database_url", "secret_key", "encryption_keys", "braintree_private_key")
# Read by the commands for people and by the client, not by the service.
_OF_CALLERS: Final = frozenset({"BAYAR_API_KEY", "BAYAR_TOKEN_FILE"})


def load_settings(**overrides: Any) -> Settings:
    """Reads the environment. Raises BadSettings with one line for each variable that is missing or wrong."""
    _refuse_unknown_variables()
    try:
        return Settings(**(_from_files() | overrides))
    except ValidationError as error:
        raise BadSettings("\n".join(_sentence(dict(fault)) for fault in error.errors())) from None


def _from_files() -> dict[str, str]:
    """Secrets from files that a variable names, such as BAYAR_SECRET_KEY_FILE. Raises BadSettings."""
    found = {}
    for name in SECRETS:
        variable = _PREFIX + name.upper()
        path = os.environ.get(variable + _FILE)
        if path is None:
            continue
        if variable in os.environ:
            raise BadSettings(f"{variable} and {variable}{_FILE} are both set. Remove one of them")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise BadSettings(f"{variable}{_FILE} names {path}, which cannot be read: {reason}") from None
    return found


def load_database_url() -> str:
    """The only setting of commands that need no gateway. Raises BadSettings."""
    _refuse_unknown_variables()
    url = _from_files().get("database_url") or os.environ.get("BAYAR_DATABASE_URL")
    return url or str(Settings.model_fields["database_url"].default)


def _refuse_unknown_variables() -> None:
    """A misspelled variable would silently leave a default in place."""
    known = {_PREFIX + name.upper() for name in Settings.model_fields} | _OF_CALLERS
    known |= {_PREFIX + name.upper() + _FILE for name in SECRETS}
    unknown = sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in known)
    if unknown:
        raise BadSettings("\n".join(f"{name} is no setting.{_suggestion(name, known)}" for name in unknown))


def _suggestion(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]}?" if close else " docs/operate/configuration.md lists them all."


def example_of(name: str) -> str:
    """A value in the form of the setting: its example, or else its default."""
    field = Settings.model_fields[name]
    return str(field.examples[0]) if field.examples else text_of(field.default)


def meaning_of(name: str) -> str:
    """The description of the setting, in one line."""
    return " ".join((Settings.model_fields[name].description or "").split())


def text_of(value: object) -> str:
    """A value as a variable holds it."""
    if isinstance(value, StrEnum):
        return value.value
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sentence(fault: dict[str, Any]) -> str:
    if not fault["loc"]:
        return str(fault["ctx"]["error"])
    name = str(fault["loc"][0])
    variable = _PREFIX + name.upper()
    if fault["type"] == "missing" or (fault["type"] == "string_too_short" and fault["ctx"].get("min_length") == 1):
        problem = "is missing"
    elif fault["type"] == "value_error":
        problem = str(fault["ctx"]["error"])
    else:
        problem = "is wrong: " + str(fault["msg"])[:1].lower() + str(fault["msg"])[1:]
    return f"{variable} {problem}. {meaning_of(name)} Example: {variable}={example_of(name)}"
