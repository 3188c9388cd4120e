"""The settings of the console, from the environment: BAYAR_CONSOLE_*."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PREFIX: Final = "BAYAR_CONSOLE_"


class Configuration(BaseSettings):
    """Each setting with its default and its meaning."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    address: str = Field(default="127.0.0.1:8090", pattern=r"^\S+:\d+$")
    """The host and port to listen on. TLS belongs to the proxy in front of it."""
    public_url: str = ""
    """The address that people type, such as https://payments.shop.example. Default: http:// and the address."""
    service: str = "127.0.0.1:50051"
    """The gRPC address of the service, host:port."""
    service_ca_file: Path | None = None
    """The PEM file of the authority that the service's certificate comes from. Default: the public ones."""
    name: str = Field(default="Bayar", max_length=40)
    """The name at the top of each page."""
    time_zone: str = "UTC"
    """The time zone of times on the pages, such as Asia/Jakarta."""
    session_minutes: int = Field(default=480, ge=5, le=1440)
    """The time in minutes after which a person signs in again."""
    idle_minutes: int = Field(default=30, ge=1, le=480)
    """The time in minutes without a click after which a person signs in again."""
    key_sign_in: bool | None = None
    """Whether people may sign in by typing an API key: for development. Default: only where the public address is this
    machine's own and no issuer is set.
    """
    oidc_issuer: str = ""
    """The issuer of OpenID Connect, such as https://login.shop.example. Default: no sign-in by OpenID Connect."""
    oidc_client_id: str = ""
    """The console's id at the issuer."""
    oidc_client_secret_file: Path | None = None
    """The file of the console's secret at the issuer."""
    oidc_scopes: str = "openid email profile"
    """The scopes to ask the issuer for, separated by spaces."""
    oidc_credential: Literal["access_token", "id_token", "keys"] = "keys"
    """The credential that the service gets for a person: one of the issuer's tokens (the service trusts the issuer by
    BAYAR_JWT_ISSUER), or the person's own key in BAYAR_CONSOLE_KEYS_DIRECTORY.
    """
    keys_directory: Path | None = None
    """The directory of people's API keys: a file for each person, named by the email address in lower case."""

    @property
    def origin(self) -> str:
        return self.public_url.rstrip("/") or f"http://{self.address}"

    @property
    def is_secure(self) -> bool:
        return self.origin.startswith("https://")

    @property
    def takes_keys(self) -> bool:
        if self.key_sign_in is not None:
            return self.key_sign_in
        return not self.oidc_issuer and _is_this_machine(urlsplit(self.origin).hostname or "")

    @property
    def client_secret(self) -> str:
        return self.oidc_client_secret_file.read_text("utf-8").strip() if self.oidc_client_secret_file else ""

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("it is no time zone. Write one such as UTC or Asia/Jakarta") from error
        return name

    @model_validator(mode="after")
    def _can_be_entered(self) -> Configuration:
        if not self.oidc_issuer and not self.takes_keys:
            raise ValueError(
                "nobody could sign in. Set BAYAR_CONSOLE_OIDC_ISSUER; or BAYAR_CONSOLE_KEY_SIGN_IN=true for development"
            )
        if self.oidc_issuer and not self.oidc_client_id:
            raise ValueError(
                "BAYAR_CONSOLE_OIDC_ISSUER needs BAYAR_CONSOLE_OIDC_CLIENT_ID, the console's id at the issuer"
            )
        if self.oidc_issuer and self.oidc_credential == "keys" and self.keys_directory is None:
            raise ValueError(
                "BAYAR_CONSOLE_OIDC_CREDENTIAL=keys needs BAYAR_CONSOLE_KEYS_DIRECTORY with a key for each person; or "
                "set it to access_token or id_token, if the service trusts the issuer (BAYAR_JWT_ISSUER)"
            )
        return self

    @model_validator(mode="after")
    def _is_not_overheard(self) -> Configuration:
        for name, url in (("BAYAR_CONSOLE_PUBLIC_URL", self.origin), ("BAYAR_CONSOLE_OIDC_ISSUER", self.oidc_issuer)):
            parts = urlsplit(url)
            if url and parts.scheme != "https" and not _is_this_machine(parts.hostname or ""):
                raise ValueError(f"{name} is not https, and not this machine: credentials would travel in plain text")
        return self


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Misspelled settings of the console: each would silently leave a default in place."""
    known = {f"{_PREFIX}{name.upper()}" for name in Configuration.model_fields}
    return sorted(name for name in environment if name.startswith(_PREFIX) and name not in known)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
