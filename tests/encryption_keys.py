"""Keys for tests."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Engine, select

from adapters.persistence.encryption.encrypted_columns import ENCRYPTED_TABLES
from adapters.persistence.encryption.sealing import Sealer, SealingKey, associated_data
from bootstrap.config.settings import Settings
from bootstrap.wiring.container import Container

OLD_KEY = SealingKey("old", b"o" * 32)
NEW_KEY = SealingKey("new", b"n" * 32)

SEALER = Sealer([OLD_KEY], b"an index key")

# As a setting.
ENCRYPTION_KEYS: Final = "test:" + base64.b64encode(hashlib.sha256(b"t").digest()).decode()


def sealer_of(environment: Mapping[str, str]) -> Sealer:
    """With the keys that a service of this environment has."""
    own = {
        name.removeprefix("BAYAR_").lower(): value for name, value in environment.items() if name.startswith("BAYAR_")
    }
    container = Container()
    container.settings.override(Settings(**own))  # type: ignore[arg-type]
    sealer: Sealer = container.sealer()
    return sealer


def opened_rows(engine: Engine, sealer: Sealer) -> dict[str, list[str]]:
    """The plain text of each table with sealed columns, row by row."""
    read: dict[str, list[str]] = {}
    with engine.connect() as connection:
        for sealed in ENCRYPTED_TABLES:
            texts = []
            for row in connection.execute(select(sealed.table)):
                kept = dict(row._mapping)
                key = kept[sealed.key.name]
                for name in sealed.texts:
                    kept[name] = sealer.open(kept[name], associated_data(sealed.table.name, name, key))
                for name in sealed.documents:
                    kept[name] = sealer.open_entries(kept[name] or {}, associated_data(sealed.table.name, name, key))
                texts.append(str(kept))
            read[sealed.table.name] = texts
    return read
