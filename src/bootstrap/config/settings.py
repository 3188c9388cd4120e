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
        raise ValueError("must be https: whoever changes the keys on their way could call as anybody")
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


class RawCards(StrEnum):
    ACCEPT = "accept"
    REFUSE = "refuse"


Address = Annotated[str, AfterValidator(_address)]


class Settings(BaseSettings):
    """Every setting. The description gives its meaning; the examples give its form."""

    model_config = SettingsConfigDict(env_prefix="BAYAR_", extra="ignore", hide_input_in_errors=True)

    database_url: str = Field(
        default="sqlite:///bayar.db",
        description="Where the record is kept: SQLite for one process, PostgreSQL for more.",
        examples=["sqlite:///bayar.db", "postgresql://bayar@db.example/bayar"],
        min_length=1,
    )
    grpc_address: Address = Field(
        default="127.0.0.1:50051",
        description="Where the gRPC service listens. Port 0 takes a free one.",
        examples=["127.0.0.1:50051"],
    )
    http_address: Address = Field(
        default="127.0.0.1:8080",
        description="Where the HTTP side listens: Braintree's webhooks, /healthz, /readyz and /metrics. Port 0 takes a "
        "free one.",
        examples=["127.0.0.1:8080"],
    )
    authentication: Authentication = Field(
        default=Authentication.REQUIRED,
        description="Whether callers must say who they are. none: everybody may do everything; only on a loopback "
        "address.",
        examples=["required"],
    )
    allow_plaintext: bool = Field(
        default=False,
        description="Serve without TLS on an address that others reach, too. Only where something else encrypts, as a "
        "service mesh does. Said at each start.",
        examples=["true"],
    )
    tls_certificate_file: Path | None = Field(
        default=None,
        description="The service's certificate chain (PEM): TLS 1.2 or 1.3 on the gRPC port. Read anew when it "
        "changes. Not set: plain text, on a loopback address only.",
        examples=["/etc/bayar/tls/server.pem"],
    )
    tls_key_file: Path | None = Field(
        default=None,
        description="The private key of that certificate (PEM, without a password).",
        examples=["/etc/bayar/tls/server.key"],
    )
    tls_client_ca_file: Path | None = Field(
        default=None,
        description="Mutual TLS: only callers with a certificate of this authority (PEM) may connect.",
        examples=["/etc/bayar/tls/client-ca.pem"],
    )
    client_certificates_file: Path | None = Field(
        default=None,
        description="Which client certificate stands for which caller (TOML). Needs mutual TLS. "
        "See docs/operate/access.md.",
        examples=["/etc/bayar/clients.toml"],
    )
    jwt_issuer: str = Field(
        default="",
        description="Accept tokens (JWT) of this issuer. Needs the audience and the keys, too.",
        examples=["https://login.example.com/"],
    )
    jwt_audience: str = Field(default="", description="What tokens must name as their audience.", examples=["bayar"])
    jwt_jwks: Annotated[str, AfterValidator(_jwks)] = Field(
        default="",
        description="The issuer's public keys: a file, or an https address. Asked anew every ten minutes, and for "
        "unknown key ids.",
        examples=["https://login.example.com/.well-known/jwks.json"],
    )
    jwt_caller_claim: str = Field(
        default="caller_id", min_length=1, description="The claim that names the caller.", examples=["client_id"]
    )
    credential_seconds: float = Field(
        default=2.5,
        gt=0,
        le=60,
        description="How long a credential is believed before it is looked at again, and how often those of open "
        "streams are. One that was revoked is of no use after twice that.",
        examples=["2.5"],
    )
    reflection: Door = Field(
        default=Door.OPEN,
        description="open: anybody may ask which services there are. closed: only callers who say who they are.",
        examples=["closed"],
    )
    health: Door = Field(
        default=Door.OPEN,
        description="open: anybody may ask whether the service is well. closed: only callers who say who they are.",
        examples=["open"],
    )
    secret_key: Annotated[SecretStr, AfterValidator(_secret_key)] | None = Field(
        default=None,
        min_length=32,
        description="Keys the fingerprints of requests and the page tokens. Derived from the private key of Braintree "
        "when not set. Keep it: with another one, repeats of earlier requests are taken for different ones.",
        examples=["the output of: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"],
    )
    encryption_keys: Annotated[SecretStr, AfterValidator(_encryption_keys)] | None = Field(
        default=None,
        description="What personal data and the gateway's tokens are encrypted with in the database: NAME:KEY pairs, "
        "the current one first, then those that older values still need. Required, but for the twin. Lost keys cannot "
        "be replaced.",
        examples=[f"2026-11:the output of: {_NEW_KEY}"],
    )
    raw_cards: RawCards = Field(
        default=RawCards.ACCEPT,
        description="Whether calls may carry card numbers: accept, or refuse (payment method nonces and stored methods "
        "only, which keeps card numbers out of your systems).",
        examples=["refuse"],
    )
    braintree_environment: GatewayEnvironment = Field(
        description="Which gateway: the offline twin, Braintree's sandbox, or the real one.", examples=["sandbox"]
    )
    braintree_merchant_id: str = Field(
        min_length=1, description="The merchant id of your Braintree account.", examples=["9gm5x4kz2wq8t7rn"]
    )
    braintree_public_key: str = Field(
        min_length=1, description="The public API key of your Braintree account.", examples=["s7k2m9x4qz8w5t3n"]
    )
    braintree_private_key: SecretStr = Field(
        min_length=1,
        description="The private API key of your Braintree account. Never printed.",
        examples=["the private key that Braintree shows beside the public one"],
    )
    braintree_merchant_accounts: Annotated[dict[str, str], NoDecode, BeforeValidator(_merchant_accounts)] = Field(
        default={},
        description="Your merchant account for each currency that you take. Asked of Braintree at start when not set.",
        examples=["USD=my_usd,IDR=my_idr"],
    )
    braintree_url: Annotated[str, AfterValidator(_url)] = Field(
        default="",
        description="Where the twin listens. Only with the environment twin, and required there.",
        examples=["https://127.0.0.1:8443"],
    )
    braintree_ca_file: Path | None = Field(
        default=None,
        description="The certificate authority of the twin. Only with the environment twin, and required for https.",
        examples=["/var/lib/bayar/tls/ca.pem"],
    )
    braintree_use_api_request_key: bool = Field(
        default=False,
        description="Send Braintree's own idempotency key along. Only where Braintree enabled it for you.",
        examples=["true"],
    )
    braintree_stock_parser: bool = Field(
        default=False,
        description="Read answers with the parser of Braintree's SDK instead of ours, which yields the same in a "
        "fraction of the time.",
        examples=["true"],
    )
    braintree_connect_timeout_seconds: float = Field(
        default=5.0, gt=0, le=60, description="How long to wait for a connection.", examples=["5"]
    )
    braintree_read_timeout_seconds: float = Field(
        default=65.0,
        gt=0,
        le=600,
        description="How long to wait for an answer. Braintree may work for 60 s: less makes more outcomes unknown for "
        "a while.",
        examples=["65"],
    )
    braintree_max_calls: int | None = Field(
        default=None,
        ge=1,
        description="How many requests to Braintree may be under way at once. Fewer than BAYAR_GRPC_THREADS, so that "
        "reads are answered while Braintree hangs. Three quarters of them when not set.",
        examples=["150"],
    )
    braintree_breaker_failures: int = Field(
        default=10,
        ge=0,
        description="After how many lost answers nothing is sent for some seconds, and calls fail at once with "
        "GATEWAY_UNREACHABLE. Each answer that comes makes up for one. Counted apart for what moves money, for "
        "searches, and for the rest. 0: never.",
        examples=["10"],
    )
    absence_horizon_seconds: float = Field(
        default=180.0,
        gt=0,
        description="For how long the gateway must not know of an operation before it counts as never made. At least "
        "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS + BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS + 105: 15 s to spare, the 60 s "
        "that the gateway may work, and 30 s by which its search may lag. The twin takes any.",
        examples=["180"],
    )
    first_check_seconds: float = Field(
        default=2.0, gt=0, description="How soon to look for an outcome whose answer was lost.", examples=["2"]
    )
    follow_interval_seconds: float = Field(
        default=300.0,
        gt=0,
        description="How soon after a change to ask what is authorized or captured moves on (settlement, expiry). "
        "The interval grows to six hours.",
        examples=["300"],
    )
    watch_refunds_days: float = Field(
        default=180.0,
        ge=0,
        le=3650,
        description="For how many days after a change to look for refunds of settled payments that somebody else made "
        "at the gateway: 6 hours after it settled, then ever more rarely, weekly in the end. 0: never.",
        examples=["180"],
    )
    resolver_interval_seconds: float = Field(
        default=1.0, gt=0, description="How often to look for operations that are due.", examples=["1"]
    )
    feed_interval_seconds: float = Field(
        default=0.25,
        gt=0,
        le=10,
        description="How often to look for new events, to give them their places and to send them to readers.",
        examples=["0.25"],
    )
    dispute_poll_seconds: float = Field(
        default=3600.0,
        gt=0,
        description="How often to search the gateway for disputes of which no webhook came, and to look again at those "
        "that have not ended.",
        examples=["3600"],
    )
    webhook_attempts: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="How often to try to deal with one webhook before it is given up and listed for administrators. "
        "The pauses between grow to an hour.",
        examples=["20"],
    )
    event_webhooks_file: Path | None = Field(
        default=None,
        description="A TOML file that says where events are sent. See docs/integrate/events.md.",
        examples=["/etc/bayar/webhooks.toml"],
    )
    allow_private_webhooks: bool = Field(
        default=False,
        description="Also send events to this machine, to private networks, and without TLS. For tests.",
        examples=["true"],
    )
    decline_window_seconds: float = Field(
        default=3600.0,
        ge=60,
        le=86_400,
        description="The time over which declines and verifications are counted, to stop card testing. "
        "See docs/operate/limits.md.",
        examples=["3600"],
    )
    declines_per_card: int = Field(
        default=10, ge=0, description="How many of them one card may have. 0: any number.", examples=["10"]
    )
    declines_per_customer: int = Field(
        default=10, ge=0, description="How many of them one customer may have. 0: any number.", examples=["10"]
    )
    declines_per_client_address: int = Field(
        default=20,
        ge=0,
        description="How many of them one client_address may have; IPv6 is counted by /64. 0: any number.",
        examples=["20"],
    )
    declines_per_caller: int = Field(
        default=10_000,
        ge=0,
        description="How many of them one caller may have as a whole. It stops all its payments: keep it far above "
        "what a bad hour has. 0: any number.",
        examples=["10000"],
    )
    cards_per_customer: int = Field(
        default=5,
        ge=0,
        description="How many different cards of one customer may be declined or verified. 0: any number.",
        examples=["5"],
    )
    cards_per_client_address: int = Field(
        default=10,
        ge=0,
        description="How many different cards of one client_address may be declined or verified. 0: any number.",
        examples=["10"],
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="How many processes answer calls on the one gRPC port, as `bayar serve --workers` says it: as many "
        "as there are cores for them. More than one needs PostgreSQL and Linux. Each counts as a replica of its own. "
        "See docs/operate/scale.md.",
        examples=["4"],
    )
    grpc_threads: int = Field(
        default=200,
        ge=2,
        le=1000,
        description="How many calls are worked on at once. Most of the time of a call is waiting for Braintree: with "
        "answers in half a second, three quarters of 200 are enough for 300 payments a second.",
        examples=["200"],
    )
    database_connections: int = Field(
        default=24,
        ge=4,
        le=1000,
        description="How many connections to the database one process may open; what finds none waits up to 5 s. Calls "
        "that wait for Braintree hold none. Of PostgreSQL, all processes together need fewer than its max_connections. "
        "See docs/operate/scale.md.",
        examples=["24"],
    )
    grpc_queue: int = Field(
        default=1000,
        ge=0,
        le=100_000,
        description="How many more calls may wait for their turn, and as many that only read. Beyond that they are "
        "refused with OVERLOADED.",
        examples=["1000"],
    )
    reads_per_second: float = Field(
        default=2000.0,
        ge=0,
        description="How many calls that only read one caller may make, for each replica. 0: any number.",
        examples=["2000"],
    )
    writes_per_second: float = Field(
        default=1000.0,
        ge=0,
        description="How many calls that change something one caller may make, for each replica. 0: any number.",
        examples=["1000"],
    )
    failed_logins_per_minute: float = Field(
        default=1000.0,
        ge=0,
        description="How many credentials of one address may be refused, for each replica, before its others are not "
        "looked at. What was good a while ago is always looked at. 0: any number.",
        examples=["1000"],
    )
    streams_per_caller: int = Field(
        default=500,
        ge=0,
        description="How many streams one caller may have open, for each replica. 0: any number.",
        examples=["500"],
    )
    stream_seconds: float = Field(
        default=3600.0,
        gt=0,
        le=86_400,
        description="How long a stream is open before it has to be opened again.",
        examples=["3600"],
    )
    slowest_read_seconds: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        description="How long one answer of a stream waits for its reader before the stream is ended.",
        examples=["60"],
    )
    call_seconds: float = Field(
        default=150.0,
        gt=0,
        le=3600,
        description="How long anybody waits for the answer to a call, whatever their deadline. What has begun goes on.",
        examples=["150"],
    )
    grpc_connections: int = Field(
        default=1000, ge=1, le=1_000_000, description="How many connections there may be.", examples=["1000"]
    )
    calls_per_connection: int = Field(
        default=128, ge=1, le=100_000, description="How many calls one connection may carry at once.", examples=["128"]
    )
    connection_idle_seconds: float = Field(
        default=300.0,
        ge=1,
        le=86_400,
        description="After how long without a call a connection is closed.",
        examples=["300"],
    )
    connection_seconds: float = Field(
        default=3600.0,
        ge=1,
        le=604_800,
        description="After about how long a connection has to be made again, so that load spreads over new replicas. "
        "Calls under way on it are finished first.",
        examples=["3600"],
    )
    stop_grace_seconds: float = Field(
        default=75.0,
        gt=0,
        description="How long a stop waits for calls under way. Longer than the gateway's timeouts.",
        examples=["75"],
    )
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = Field(
        default="info", description="How much to log: debug, info, warning or error.", examples=["info"]
    )

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
                "BAYAR_ALLOW_PLAINTEXT=true where something else encrypts"
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


def _sentence(fault: dict[str, Any]) -> str:
    if not fault["loc"]:
        return str(fault["ctx"]["error"])
    name = str(fault["loc"][0])
    variable = _PREFIX + name.upper()
    described = Settings.model_fields[name]
    example = (described.examples or [""])[0]
    if fault["type"] == "missing" or (fault["type"] == "string_too_short" and fault["ctx"].get("min_length") == 1):
        problem = "is missing"
    elif fault["type"] == "value_error":
        problem = str(fault["ctx"]["error"])
    else:
        problem = "is wrong: " + str(fault["msg"])[:1].lower() + str(fault["msg"])[1:]
    return f"{variable} {problem}. {described.description} Example: {variable}={example}"
