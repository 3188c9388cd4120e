"""Settings of the keys: for fingerprints and page tokens, and for the encryption of personal data."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr

from bootstrap.config.settings_group import SettingsGroup
from bootstrap.config.weak_keys import is_weak_key, is_weak_text

_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
COMMAND_OF_NEW_KEY: Final = "python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"


def _encryption_keys(secret: SecretStr) -> SecretStr:
    keys = encryption_keys_of(secret.get_secret_value())
    if not keys or any(not _KEY_ID.fullmatch(name) or len(key) != 32 for name, key in keys):
        raise ValueError("must list NAME:KEY pairs, the current one first, each with the base64 of 32 bytes")
    if is_weak_key(keys[0][1]):
        raise ValueError(
            "has a current key that was not drawn at random. Put a new one first, and leave this one behind it if "
            f"values need it. Make one with: {COMMAND_OF_NEW_KEY}"
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


class EncryptionSettings(SettingsGroup):
    secret_key: Annotated[SecretStr, AfterValidator(_secret_key)] | None = Field(
        None, min_length=32, examples=["the output of: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"]
    )
    """The key of request fingerprints and page tokens, at least 32 characters. Derived from Braintree's private key
    when not set. Keep it: with another key, replays of earlier requests fail with REQUEST_ID_REUSED.
    """
    encryption_keys: Annotated[SecretStr, AfterValidator(_encryption_keys)] | None = Field(
        None, examples=[f"2026-11:the output of: {COMMAND_OF_NEW_KEY}"]
    )
    """The keys that encrypt personal data and gateway tokens in the database: NAME:KEY pairs, the current one first,
    then those that older values need. Required, except with the twin. A lost key cannot be replaced. See
    docs/operate/security.md.
    """
