"""Settings of authentication: which credentials callers need, and for how long they are trusted."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from bayar.channels import is_loopback
from bootstrap.config.settings_group import SettingsGroup
from bootstrap.config.urls import plain_url


class Authentication(StrEnum):
    REQUIRED = "required"
    NONE = "none"


class Door(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


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


class AuthenticationSettings(SettingsGroup):
    authentication: Authentication = Authentication.REQUIRED
    """required: every call needs a credential. none: every caller may do everything, allowed on a loopback address
    only.
    """
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
    jwt_operator_claim: str = Field("", examples=["email"])
    """The claim that holds an operator's login, in tokens without a caller: `bayar operators add NAME --login LOGIN`.
    With "email", the token must also say that it is verified (email_verified). Empty: tokens are no operator's.
    """
    credential_seconds: float = Field(2.5, gt=0, le=60)
    """The time in seconds for which a verified credential is trusted before it is verified again, on open streams too.
    A revoked one stops working within twice that.
    """
    reflection: Door = Field(Door.OPEN, examples=["closed"])
    """open: everybody may use gRPC reflection. closed: authenticated callers only."""
    health: Door = Door.OPEN
    """open: everybody may use gRPC health checks. closed: authenticated callers only."""

    @model_validator(mode="after")
    def _knows_the_issuer(self) -> AuthenticationSettings:
        parts = {"ISSUER": self.jwt_issuer, "AUDIENCE": self.jwt_audience, "JWKS": self.jwt_jwks}
        missing = [f"BAYAR_JWT_{name}" for name, value in parts.items() if not value]
        if missing and len(missing) < len(parts):
            raise ValueError(f"{' and '.join(missing)} is missing. Tokens need an issuer, an audience and its keys")
        return self
