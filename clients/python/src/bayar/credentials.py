"""Credentials of a caller: an API key or a token."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc

Credential = str | Path | Callable[[], str]

API_KEY: Final = "BAYAR_API_KEY"
TOKEN_FILE: Final = "BAYAR_TOKEN_FILE"  # noqa: S105 (the name of a variable)


def from_environment() -> Credential | None:
    """The key in BAYAR_API_KEY, or the file that BAYAR_TOKEN_FILE names."""
    key = os.environ.get(API_KEY, "")
    file = os.environ.get(TOKEN_FILE, "")
    return key or (Path(file) if file else None)


def metadata_of(credential: Credential) -> tuple[tuple[str, str], ...]:
    """The metadata of one call. A file is read, and a function called, for each: tokens are short-lived.

    Raises OSError for a file that cannot be read, and ValueError for what is no credential; never naming it.
    """
    if isinstance(credential, Path):
        text = credential.read_text(encoding="utf-8")
    else:
        text = credential if isinstance(credential, str) else _called(credential)
    text = text.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("A credential is one word of ASCII: an API key (bayar_key_...) or a token.")
    return (("authorization", f"Bearer {text}"),)


def _called(credential: Callable[[], str]) -> str:
    """Raises TypeError for anything that is no credential; never naming it."""
    if not callable(credential):
        kind = type(credential).__name__
        raise TypeError(f"credential is text, a Path, or a function that returns text, not {kind}.")
    text = credential()
    if not isinstance(text, str):
        raise TypeError(f"The function credential returns text, not {type(text).__name__}.")
    return text


def with_credential(channel: grpc.Channel, credential: Credential) -> grpc.Channel:
    """The channel with the credential on each call."""
    return grpc.intercept_channel(channel, _Shows(credential))


class _Details(grpc.ClientCallDetails):
    """The details of a call, with added metadata."""

    def __init__(self, of: Any, more: tuple[tuple[str, str], ...]) -> None:
        self.method = of.method
        self.timeout = of.timeout
        self.metadata = (*(of.metadata or ()), *more)
        self.credentials = of.credentials
        self.wait_for_ready = of.wait_for_ready
        self.compression = of.compression


class _Shows(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds the credential to unary-request calls: the contract has no others."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(_Details(client_call_details, metadata_of(self._credential)), request)

    intercept_unary_stream = intercept_unary_unary


class _ShowsUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_with_metadata(client_call_details, metadata_of(self._credential)), request)


class _ShowsStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_with_metadata(client_call_details, metadata_of(self._credential)), request)


def _with_metadata(of: Any, more: tuple[tuple[str, str], ...]) -> Any:
    metadata = grpc.aio.Metadata(*(of.metadata or ()), *more)
    return grpc.aio.ClientCallDetails(of.method, of.timeout, metadata, of.credentials, of.wait_for_ready)


def async_interceptors(credential: Credential) -> tuple[Any, ...]:
    """Show the credential with each call of an asyncio channel, which takes one interceptor for each kind of call."""
    return (_ShowsUnary(credential), _ShowsStream(credential))
