"""Field-level encryption (AES-256-GCM) of personal data and of the gateway's tokens.

A sealed text is `sealed:1:KEY_ID:` and the URL-safe base64 of a 12-byte nonce with the AES-256-GCM ciphertext. Its
table, column and row are the associated data, so that a value copied to another row does not open there. Texts without
that prefix are plain: rows from before there were keys. Once everything is sealed, plain texts are refused: this
service wrote none of them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.persistence.encryption.encrypted_columns import ENCRYPTED_ENTRIES
from domain.personal_data import ENCLOSING

_BEGINNING: Final = "sealed:1:"
_NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32


class CannotOpen(RuntimeError):
    """A sealed value whose key is missing or wrong, or that was moved or changed. An internal fault or an attack."""

    def __init__(self, aad: str, key_id: str) -> None:
        super().__init__(f"{aad} cannot be opened with the key {key_id!r}")
        self.aad = aad
        self.key_id = key_id


class PlainText(CannotOpen):
    """A plain value in a database where all values are sealed: this service did not write it."""

    def __init__(self, aad: str) -> None:
        super().__init__(aad, "")
        self.args = (f"{aad} is plain text in a database where it is always encrypted: another program wrote it",)


@dataclass(frozen=True, slots=True)
class SealingKey:
    """An AES-256 key and its name, which is part of every value that it sealed."""

    key_id: str
    key: bytes = field(repr=False)


class Sealer:
    """Seals with the first key, and opens with any. Safe for many threads.

    `index_key` makes the digests for lookups of sealed values; key rotation does not change it.
    """

    def __init__(self, keys: Sequence[SealingKey], index_key: bytes) -> None:
        """Raises ValueError for no keys, for a key of the wrong length, and for two keys of one name."""
        if not keys or len({each.key_id for each in keys}) < len(keys):
            raise ValueError("at least one key is needed, and each needs a name of its own")
        if any(len(each.key) != KEY_BYTES for each in keys):
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self.current_key_id: Final = keys[0].key_id
        self._ciphers: Final[Mapping[str, AESGCM]] = MappingProxyType({one.key_id: AESGCM(one.key) for one in keys})
        self._index_key = index_key
        self._takes_plain = True

    def refuse_plain(self) -> None:
        """Refuses plain values from now on: everything in the database is sealed."""
        self._takes_plain = False

    @property
    def key_ids(self) -> frozenset[str]:
        return frozenset(self._ciphers)

    def seal(self, text: str, aad: str) -> str:
        """Encrypts the text. The empty text stays empty."""
        return self.seal_with(self.current_key_id, text, aad) if text else text

    def seal_with(self, key_id: str, text: str, aad: str) -> str:
        """Encrypts with the named key."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._ciphers[key_id].encrypt(nonce, text.encode(), aad.encode())
        return f"{_BEGINNING}{key_id}:{urlsafe_b64encode(sealed).decode()}"

    def open(self, text: str, aad: str) -> str:
        """Raises CannotOpen. A plain text is returned unchanged, unless plain texts are refused."""
        key_id = key_id_of(text)
        if not key_id:
            if text and not self._takes_plain:
                raise PlainText(aad)
            return text
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise CannotOpen(aad, key_id)
        try:
            sealed = urlsafe_b64decode(text.rpartition(":")[2])
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], aad.encode()).decode()
        except (InvalidTag, ValueError):
            raise CannotOpen(aad, key_id) from None

    def seal_json(self, value: object, aad: str) -> str:
        """The whole value as one sealed text."""
        return self.seal(json.dumps(value, ensure_ascii=False, separators=(",", ":")), aad)

    def open_json(self, value: Any, aad: str) -> Any:
        """Raises CannotOpen. A value that is not a sealed text is returned unchanged, unless plain ones are refused."""
        if is_sealed(value):
            return json.loads(self.open(value, aad))
        if not self._takes_plain:
            raise PlainText(aad)
        return value

    def seal_entries(self, kept: Mapping[str, Any], aad: str) -> dict[str, Any]:
        """The JSON with its sensitive entries sealed."""
        return _map_entries(kept, aad, self.seal_json)

    def open_entries(self, kept: Mapping[str, Any], aad: str) -> dict[str, Any]:
        """The JSON with its sealed entries opened. Raises CannotOpen."""
        return _map_entries(kept, aad, self.open_json)

    def reseal(self, text: str, aad: str) -> str:
        """The text, sealed with the current key. Raises CannotOpen."""
        return text if key_id_of(text) == self.current_key_id else self.seal(self.open(text, aad), aad)

    def reseal_entries(self, kept: Mapping[str, Any], aad: str) -> dict[str, Any]:
        """The JSON with its sensitive entries sealed with the current key. Raises CannotOpen."""
        return _map_entries(
            kept,
            aad,
            lambda item, where: (
                self.reseal(item, where) if is_sealed(item) else self.seal_json(self.open_json(item, where), where)
            ),
        )

    def digest(self, text: str, column: str) -> str:
        """The keyed digest for lookups of a sealed text: equal for equal texts of one column. Empty for no text."""
        if not text:
            return ""
        return hmac.new(self._index_key, f"{column}:{text}".encode(), hashlib.sha256).hexdigest()

    def derived_key(self, purpose: str) -> bytes:
        """A key of its own for other digests, derived from the index key: 32 bytes."""
        return hmac.digest(self._index_key, f"derived key:{purpose}".encode(), "sha256")


class _Keyless(Sealer):
    """The sealer for code that touches nothing sealed."""

    def __init__(self) -> None:
        super().__init__([SealingKey("none", bytes(KEY_BYTES))], b"")

    def seal_with(self, key_id: str, text: str, aad: str) -> str:  # noqa: ARG002
        raise CannotOpen(aad, key_id)

    def open(self, text: str, aad: str) -> str:
        raise CannotOpen(aad, key_id_of(text))

    def digest(self, text: str, column: str) -> str:  # noqa: ARG002
        raise CannotOpen(column, "none")


def associated_data(table: str, column: str, key: object) -> str:
    """The associated data of a sealed value. Its form is permanent: another one would open nothing in the database."""
    return f"{table}.{column}/{key}"


def is_sealed(value: object) -> bool:
    return isinstance(value, str) and bool(key_id_of(value))


def key_id_of(text: str) -> str:
    """The key that sealed the text; empty for a plain text."""
    if not text.startswith(_BEGINNING):
        return ""
    return text[len(_BEGINNING) :].rpartition(":")[0]


def sealed_texts(row: Mapping[str, Any], texts: Sequence[str], documents: Sequence[str]) -> list[str]:
    """The key's name for each value that is or should be sealed; empty for a plain one."""
    found = [key_id_of(row[name]) for name in texts if row[name]]

    def note(item: Any, _: str) -> Any:
        found.append(key_id_of(item) if isinstance(item, str) else "")
        return item

    for name in documents:
        _map_entries(row[name] or {}, "", note)
    return found


def _map_entries(kept: Mapping[str, Any], aad: str, change: Callable[[Any, str], Any]) -> dict[str, Any]:
    changed = dict(kept)
    for name, item in kept.items():
        if name in ENCRYPTED_ENTRIES:
            changed[name] = change(item, f"{aad}.{name}")
        elif name in ENCLOSING and isinstance(item, Mapping):
            changed[name] = _map_entries(item, aad, change)
    return changed


KEYLESS: Final = _Keyless()
