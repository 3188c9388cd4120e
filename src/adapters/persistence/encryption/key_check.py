"""Key check: stores a proof of each encryption key, so that a wrong or missing key is detected at the start.

A proof is a text that the key has sealed. It also records how much of the database is sealed, so that nobody without
the key can make the service accept plain values again.
"""

from enum import Enum
from typing import Final

from sqlalchemy import Engine, delete, insert, select, update

from adapters.persistence.encryption.key_rotation import holds_sealed
from adapters.persistence.encryption.sealing import CannotOpen, Sealer, is_sealed
from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.tables import encryption_keys


class SealingState(Enum):
    """How much of the database is sealed. The values are permanent: a proof in the database seals this text."""

    # Written by a version that did not record it.
    UNKNOWN = "bayar"
    UNDER_WAY = "bayar: being sealed"
    COMPLETE = "bayar: sealed"


# Not a possible key name: those have letters, digits, "-" and "_".
_INDEX: Final = "(lookups)"


class WrongKey(Exception):
    """A key differs from the key of the same name that the database was written with."""

    def __init__(self, key_id: str) -> None:
        super().__init__(key_id)
        self.key_id = key_id


class MissingKey(Exception):
    """Values may be sealed with a key that was not configured."""

    def __init__(self, key_id: str) -> None:
        super().__init__(key_id)
        self.key_id = key_id


class MissingProofs(Exception):
    """Values are sealed, but no key is registered: somebody removed the proofs."""


class WrongIndexKey(Exception):
    """The digests for lookups were made with another key: lookups would find nothing."""


def register(engine: Engine, sealer: Sealer, *, replace_index_key: bool = False) -> SealingState:
    """Registers new keys, and returns how much of the database is sealed.

    Raises WrongKey, MissingKey, WrongIndexKey and EmptiedRegister.
    """
    proof = sealer.digest(SealingState.UNKNOWN.value, _INDEX)
    with translate_db_errors(), engine.begin() as connection:
        rows = connection.execute(select(encryption_keys.c.key_id, encryption_keys.c.proof)).all()
        known = {row.key_id: row.proof for row in rows}
        if not known and holds_sealed(connection):
            raise MissingProofs
        found = set[SealingState]()
        for key_id, kept in known.items():
            if key_id == _INDEX:
                if kept != proof and not replace_index_key:
                    raise WrongIndexKey
            elif key_id not in sealer.key_ids:
                raise MissingKey(key_id)
            else:
                found.add(_prove(sealer, key_id, kept))
        state = _farthest(found) if known else SealingState.UNDER_WAY
        new = [key_id for key_id in sorted(sealer.key_ids) if key_id not in known]
        values = [{"key_id": key_id, "proof": _proof(sealer, key_id, state)} for key_id in new]
        if _INDEX not in known:
            values.append({"key_id": _INDEX, "proof": proof})
        elif known[_INDEX] != proof:
            connection.execute(update(encryption_keys).where(encryption_keys.c.key_id == _INDEX).values(proof=proof))
        if values:
            connection.execute(insert(encryption_keys), values)
    return state


def complete(engine: Engine, sealer: Sealer) -> None:
    """Records that every value is sealed: plain values are refused from now on."""
    with translate_db_errors(), engine.begin() as connection:
        for key_id in sorted(sealer.key_ids):
            proof = _proof(sealer, key_id, SealingState.COMPLETE)
            connection.execute(update(encryption_keys).where(encryption_keys.c.key_id == key_id).values(proof=proof))


def forget(engine: Engine, key_id: str) -> None:
    """Removes the key's proof: no value is sealed with it any more."""
    with translate_db_errors(), engine.begin() as connection:
        connection.execute(delete(encryption_keys).where(encryption_keys.c.key_id == key_id))


def _prove(sealer: Sealer, key_id: str, kept: str) -> SealingState:
    try:
        return SealingState(sealer.open(kept, _associated_data(key_id)) if is_sealed(kept) else "")
    except (CannotOpen, ValueError):
        raise WrongKey(key_id) from None


def _proof(sealer: Sealer, key_id: str, state: SealingState) -> str:
    return sealer.seal_with(key_id, state.value, _associated_data(key_id))


def _farthest(found: set[SealingState]) -> SealingState:
    return next(
        (state for state in (SealingState.COMPLETE, SealingState.UNDER_WAY) if state in found), SealingState.UNKNOWN
    )


def _associated_data(key_id: str) -> str:
    return f"encryption_keys.proof/{key_id}"
