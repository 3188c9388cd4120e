"""Remembers which keys the database's values are sealed with, so that a wrong or missing one is told at the start."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine, delete, insert, select, update

from adapters.persistence.failures import told_as_unavailable
from adapters.persistence.sealing import CannotOpen, Sealer
from adapters.persistence.tables import encryption_keys

_TEXT: Final = "bayar"
# No key may be called so: a key's name has letters, digits, "-" and "_".
_INDEX: Final = "(lookups)"


class WrongKey(Exception):
    """A key is another one than the one of that name which the database was written with."""

    def __init__(self, key_id: str) -> None:
        super().__init__(key_id)
        self.key_id = key_id


class MissingKey(Exception):
    """Values may be sealed with a key that was not given."""

    def __init__(self, key_id: str) -> None:
        super().__init__(key_id)
        self.key_id = key_id


class WrongIndexKey(Exception):
    """What is looked up was digested with another key: lookups would find nothing."""


def register(engine: Engine, sealer: Sealer, *, replace_index_key: bool = False) -> bool:
    """Notes keys that are new. Returns whether none was known before. Raises WrongKey, MissingKey and WrongIndexKey."""
    proof = sealer.digest(_TEXT, _INDEX)
    with told_as_unavailable(), engine.begin() as connection:
        rows = connection.execute(select(encryption_keys.c.key_id, encryption_keys.c.proof)).all()
        known = {row.key_id: row.proof for row in rows}
        for key_id, kept in known.items():
            if key_id == _INDEX:
                if kept != proof and not replace_index_key:
                    raise WrongIndexKey
            elif key_id not in sealer.key_ids:
                raise MissingKey(key_id)
            else:
                _prove(sealer, key_id, kept)
        new = [key_id for key_id in sorted(sealer.key_ids) if key_id not in known]
        values = [{"key_id": key_id, "proof": sealer.seal_with(key_id, _TEXT, _place(key_id))} for key_id in new]
        if _INDEX not in known:
            values.append({"key_id": _INDEX, "proof": proof})
        elif known[_INDEX] != proof:
            connection.execute(update(encryption_keys).where(encryption_keys.c.key_id == _INDEX).values(proof=proof))
        if values:
            connection.execute(insert(encryption_keys), values)
    return not known


def forget(engine: Engine, key_id: str) -> None:
    """No value is sealed with the key any more."""
    with told_as_unavailable(), engine.begin() as connection:
        connection.execute(delete(encryption_keys).where(encryption_keys.c.key_id == key_id))


def _prove(sealer: Sealer, key_id: str, kept: str) -> None:
    try:
        sealer.open(kept, _place(key_id))
    except CannotOpen:
        raise WrongKey(key_id) from None


def _place(key_id: str) -> str:
    return f"encryption_keys.proof/{key_id}"
