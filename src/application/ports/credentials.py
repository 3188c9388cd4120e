"""Ports for external credentials: an issuer's tokens, and an authority's client certificates."""

from typing import Protocol

from application.common.caller import Caller


class Tokens(Protocol):
    def caller_of(self, token: str) -> Caller:
        """The caller that the token was issued to. Raises NotAuthenticated."""


class Certificates(Protocol):
    def caller_of(self, pem: bytes) -> Caller:
        """The caller of the certificate, which the TLS layer has verified. Raises NotAuthenticated."""
