"""All settings: environment variables that begin with BAYAR_. Each topic has a module of its own beside this one."""

from __future__ import annotations

import difflib
import hashlib
import hmac
import os
import platform
import re
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError, model_validator

from bayar.channels import is_loopback
from bootstrap.config.authentication_settings import Authentication, AuthenticationSettings
from bootstrap.config.call_limit_settings import CallLimitSettings
from bootstrap.config.checkout_settings import CheckoutSettings
from bootstrap.config.database_settings import DatabaseSettings
from bootstrap.config.drain_settings import DrainSettings
from bootstrap.config.encryption_settings import COMMAND_OF_NEW_KEY, EncryptionSettings, encryption_keys_of
from bootstrap.config.gateway_settings import GatewayEnvironment, GatewaySettings
from bootstrap.config.logging_settings import LoggingSettings
from bootstrap.config.payment_settings import PaymentSettings
from bootstrap.config.recovery_settings import RecoverySettings
from bootstrap.config.server_settings import ServerSettings
from bootstrap.config.tracing_settings import TracingSettings
from bootstrap.config.velocity_limit_settings import VelocityLimitSettings
from bootstrap.config.webhook_settings import WebhookSettings

# The time that Braintree may work on one request, and the lag of its search.
GATEWAY_WORKS_SECONDS: Final = 60
SEARCH_LAG_SECONDS: Final = 30


class BadSettings(Exception):
    """The service cannot start as it is configured. The text names each variable, what is wrong, and an example."""


# pydantic collects the fields of the last base first.
class Settings(
    TracingSettings,
    LoggingSettings,
    DrainSettings,
    CallLimitSettings,
    VelocityLimitSettings,
    CheckoutSettings,
    WebhookSettings,
    RecoverySettings,
    PaymentSettings,
    AuthenticationSettings,
    ServerSettings,
    EncryptionSettings,
    DatabaseSettings,
    GatewaySettings,
):
    """Every setting. Here are only the rules that concern several topics."""

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
                f"BAYAR_ENCRYPTION_KEYS=2026-11:$({COMMAND_OF_NEW_KEY}). Keep it: without it the data cannot be read"
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
        """After the authentication's rule: an open door is worse than plain text."""
        if self.tls_certificate_file is None and not self.allow_plaintext and not is_loopback(self.grpc_address):
            raise ValueError(
                f"{self.grpc_address} is reached by others, and card data must not cross a network in plain text. Set "
                "BAYAR_TLS_CERTIFICATE_FILE and BAYAR_TLS_KEY_FILE, or BAYAR_GRPC_ADDRESS=127.0.0.1:50051; or "
                "BAYAR_ALLOW_PLAINTEXT=true if something else encrypts"
            )
        return self

    def key_for(self, purpose: str) -> bytes:
        """Derives a separate key for each purpose from the one secret."""
        secret = self.secret_key or self.braintree_private_key
        return hmac.new(secret.get_secret_value().encode(), purpose.encode(), hashlib.sha256).digest()


_PREFIX: Final = "BAYAR_"
_FILE: Final = "_FILE"
# The settings that a file may hold instead, named by the variable with the suffix _FILE.
SECRETS: Final = ("database_url", "secret_key", "encryption_keys", "braintree_private_key")
# Read by the commands for people and by the client, not by the service.
_OF_CALLERS: Final = frozenset({"BAYAR_API_KEY", "BAYAR_TOKEN_FILE"})

# The web console reads these, and refuses those that it does not know.
_OF_CONSOLE: Final = "BAYAR_CONSOLE_"


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


# Kubernetes sets these in every container for each Service of the namespace whose name begins with `bayar`; Docker's
# links set alike ones.
_OF_SERVICE_LINKS: Final = re.compile(
    r"BAYAR_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


def _refuse_unknown_variables() -> None:
    """A misspelled variable would silently leave a default in place."""
    known = {_PREFIX + name.upper() for name in Settings.model_fields} | _OF_CALLERS
    known |= {_PREFIX + name.upper() + _FILE for name in SECRETS}
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith(_PREFIX)
        and name not in known
        and not name.startswith(_OF_CONSOLE)
        and not _OF_SERVICE_LINKS.fullmatch(name)
    )
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
