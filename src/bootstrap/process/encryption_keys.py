"""Loads and checks the database's encryption keys at the start, and serves `bayar encryption`."""

import logging

from sqlalchemy import Engine

from adapters.persistence.encryption import key_check, key_rotation
from adapters.persistence.encryption.key_check import MissingKey, MissingProofs, SealingState, WrongIndexKey, WrongKey
from adapters.persistence.encryption.sealing import CannotOpen, PlainText, Sealer
from bootstrap.config.settings import BadSettings
from bootstrap.wiring.container import Container

_log = logging.getLogger(__name__)


def check_keys(container: Container, engine: Engine) -> None:
    """Seals plain values when a database meets its first key; plain values are refused from then on.

    Raises BadSettings for keys that do not fit.
    """
    sealer: Sealer = container.sealer()
    state = _register(engine, sealer)
    if state is SealingState.UNKNOWN:
        _log.warning(
            "plain text in encrypted columns of this database is accepted until `bayar encryption rotate` has run once"
        )
        return
    if state is SealingState.UNDER_WAY:
        key_rotation.reseal(engine, sealer)
        key_check.complete(engine, sealer)
    sealer.refuse_plain()


def rotate(container: Container, engine: Engine) -> int:
    """Seals everything with the current key, and removes the other keys' proofs. Returns the number of rows written.

    Raises BadSettings for keys that do not fit, and StoreUnavailable. Works while the service runs.
    """
    sealer: Sealer = container.sealer()
    if _register(engine, sealer, replace_index_key=True) is SealingState.COMPLETE:
        sealer.refuse_plain()
    try:
        written = key_rotation.reseal(engine, sealer)
    except PlainText as failure:
        raise BadSettings(
            f"the value at {failure.aad} is not encrypted, although everything in this database was: another "
            "program wrote it. Find the program, then restore the value from a backup or remove it. Values that were "
            "re-encrypted before it stay so"
        ) from None
    except CannotOpen as failure:
        raise BadSettings(
            f"a value at {failure.aad} cannot be opened with the key {failure.key_id!r} of BAYAR_ENCRYPTION_KEYS, or "
            "that key is missing, or the value was changed. Values that were re-encrypted before it stay so"
        ) from None
    key_check.complete(engine, sealer)
    for key_id in sealer.key_ids - {sealer.current_key_id} - key_rotation.count_by_key(engine).keys():
        key_check.forget(engine, key_id)
    return written


def _register(engine: Engine, sealer: Sealer, *, replace_index_key: bool = False) -> SealingState:
    try:
        return key_check.register(engine, sealer, replace_index_key=replace_index_key)
    except WrongKey as wrong:
        raise BadSettings(
            f"BAYAR_ENCRYPTION_KEYS has another key {wrong.key_id!r} than the one this database was written with. Put "
            "the right one back, or give the new one another name"
        ) from None
    except MissingProofs:
        raise BadSettings(
            "values of this database are encrypted, and the table encryption_keys is empty: somebody deleted its rows. "
            "Restore them from a backup"
        ) from None
    except MissingKey as missing:
        raise BadSettings(
            f"BAYAR_ENCRYPTION_KEYS misses the key {missing.key_id!r}, which values of this database need. "
            "Put it back behind the current one; `bayar encryption rotate` makes it dispensable"
        ) from None
    except WrongIndexKey:
        raise BadSettings(
            "BAYAR_SECRET_KEY is another one than before: customers would not be found by email or external id, and "
            "repeats of earlier requests would not be known. Put the old one back; or run `bayar encryption rotate` to "
            "go on with the new one"
        ) from None
