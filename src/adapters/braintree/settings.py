"""Braintree's settings: environment, credentials, merchant accounts, timeouts and limits."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import braintree

from domain.merchant_account import MerchantAccounts


@dataclass(frozen=True, slots=True, kw_only=True)
class BraintreeSettings:
    """Its repr hides the keys.

    `url` and `ca_file` are for the twin; the SDK has those of the sandbox and of production. The gateway may work on a
    request for 60 seconds: a shorter read timeout leaves more outcomes unknown.
    """

    environment: Literal["twin", "sandbox", "production"]
    merchant_id: str
    public_key: str = field(repr=False)
    private_key: str = field(repr=False)
    # None in it: the gateway is asked for them.
    merchant_accounts: MerchantAccounts
    url: str = ""
    # PEM. Empty: the machine's own authorities.
    ca_file: str = ""
    # Empty: no proxy. The HTTP_PROXY variables are never followed.
    proxy_url: str = field(default="", repr=False)
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 65.0
    # The maximum of concurrent calls, each on a connection of its own, and of further calls that wait a second for a
    # slot.
    max_connections: int = 32
    max_waiting: int = 8
    # The circuit breaker's threshold: a lost answer adds 1, an answer subtracts 1. An open circuit pauses its class. 0:
    # never.
    breaker_failures: int = 10
    # Braintree enables api_request_key for each merchant. If it is not enabled, the adapter detects that and omits it.
    use_api_request_key: bool = True
    # Reads answers with the SDK's own parser, which takes several times as long.
    stock_parser: bool = False


class TwinEnvironment(braintree.Environment):
    """A server at any URL. The SDK's environments use https on port 443 only."""

    def __init__(self, url: str, ca_file: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no http or https address")
        self._scheme = parts.scheme
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = parts.port or (443 if parts.scheme == "https" else 80)
        super().__init__("twin", host, str(port), "", parts.scheme == "https", ca_file or None)

    @property
    def protocol(self) -> str:
        return f"{self._scheme}://"


def environment_of(settings: BraintreeSettings) -> braintree.Environment:
    match settings.environment:
        case "twin":
            return TwinEnvironment(settings.url, settings.ca_file)
        case "sandbox":
            return braintree.Environment.Sandbox
        case "production":
            return braintree.Environment.Production
