"""Settings of the gateway: the account at Braintree, timeouts, the bulkhead and the circuit breaker."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator

from adapters.braintree.transport import circuit_breaker
from application.common.lease import lease_duration
from bootstrap.config.merchant_accounts import read_accounts
from bootstrap.config.settings_group import SettingsGroup
from bootstrap.config.urls import plain_url


class GatewayEnvironment(StrEnum):
    TWIN = "twin"
    SANDBOX = "sandbox"
    PRODUCTION = "production"


def _merchant_accounts(text: str) -> str:
    read_accounts(text)
    return text


def _url(value: str) -> str:
    parts = plain_url(value)
    if value and (parts is None or parts.scheme not in ("http", "https") or parts.path not in ("", "/") or parts.query):
        raise ValueError("must be http(s)://HOST:PORT without a path, a user and a password")
    return value.rstrip("/")


class GatewaySettings(SettingsGroup):
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
    braintree_merchant_accounts: Annotated[str, AfterValidator(_merchant_accounts)] | None = Field(
        None, examples=["USD=my_usd,IDR=my_idr|my_idr_travel"]
    )
    """The merchant accounts of each currency that you accept. Where several take a currency, the first is its default,
    and merchant_account_id chooses another. Fetched from Braintree at each start when not set: all active ones, with
    Braintree's default as the default. See docs/integrate/payments.md.
    """
    braintree_url: Annotated[str, AfterValidator(_url)] = Field("", examples=["https://127.0.0.1:8443"])
    """The URL of the twin. Required with the environment twin, refused with any other."""
    braintree_ca_file: Path | None = Field(None, examples=["/var/lib/bayar/tls/ca.pem"])
    """The certificate authority of the twin. Required with the environment twin and https, refused with any other."""
    braintree_use_api_request_key: bool = Field(False, examples=["true"])
    """Sends Braintree's own idempotency key with each request. Only if Braintree enabled it for your account."""
    braintree_order_reference: bool = Field(True, examples=["false"])
    """Puts the payment's reference in front of the order id of payments, partial captures and refunds, so that
    Braintree's control panel and reports find them by it. A reference of more than 86 characters is cut there. false:
    Braintree never sees the reference. See docs/integrate/payments.md.
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
    braintree_breaker_failures: int = Field(circuit_breaker.FAILURES_BEFORE_OPENING, ge=0)
    """The number of lost answers that opens the circuit breaker; each answer that arrives subtracts one. While it is
    open, calls fail at once with GATEWAY_UNREACHABLE. Counted apart for calls that move money, for searches, and for
    others. 0: never.
    """

    @model_validator(mode="after")
    def _twin_has_an_address(self) -> GatewaySettings:
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

    @property
    def lease(self) -> timedelta:
        """The lease of a call, after which the resolver checks it."""
        return lease_duration(
            connect_seconds=self.braintree_connect_timeout_seconds, read_seconds=self.braintree_read_timeout_seconds
        )
