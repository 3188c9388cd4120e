"""Credential and language, checked in the same way for both clients."""

from __future__ import annotations

from bayar.channels import is_loopback
from bayar.credentials import Credential, from_environment, metadata_of


def checked_credential(address: str, credential: Credential | None, *, insecure: bool) -> Credential | None:
    """The credential, or that of the environment. Raises ValueError for one that would travel in plain text."""
    credential = from_environment() if credential is None else credential
    if credential is not None:
        metadata_of(credential)
        if insecure and not is_loopback(address):
            raise ValueError("A credential is not sent in plain text to another machine: use TLS.")
    return credential


def language_metadata(language: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(language, str):
        raise TypeError(f'language is text, for example "id", not {type(language).__name__}.')
    return (("accept-language", language),) if language else ()
