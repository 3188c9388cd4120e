"""Key rotation: re-encrypts plain values and values of older keys with the current key, while the service runs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, Row, select, update

from adapters.persistence.encryption.blind_indexes import email_digest, external_id_digest
from adapters.persistence.encryption.encrypted_columns import ENCRYPTED_TABLES, EncryptedTable
from adapters.persistence.encryption.sealing import Sealer, associated_data, sealed_texts
from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.engine import SQLITE_BEGIN
from adapters.persistence.tables import customers

_BATCH: Final = 200
_SAMPLE: Final = 20


def reseal(engine: Engine, sealer: Sealer) -> int:
    """Returns the number of rows written. Each batch is a transaction: an interrupted run continues the next time.

    Raises CannotOpen for a value whose key is missing, and StoreUnavailable.
    """
    return sum(
        _reseal_batch(engine, sealer, sealed, keys) for sealed in ENCRYPTED_TABLES for keys in _keys(engine, sealed)
    )


def count_by_key(engine: Engine) -> Mapping[str, int]:
    """The number of values that each key sealed, by the key's name; plain values count under the empty name."""
    counts: Counter[str] = Counter()
    with translate_db_errors(), engine.connect() as connection:
        for sealed in ENCRYPTED_TABLES:
            for row in connection.execution_options(yield_per=1000).execute(select(*sealed.columns)):
                counts.update(sealed_texts(dict(row._mapping), sealed.texts, sealed.documents))
    return counts


def holds_sealed(connection: Connection) -> bool:
    """Whether a value is sealed, judged by the first rows of each table."""
    for sealed in ENCRYPTED_TABLES:
        for row in connection.execute(select(*sealed.columns).order_by(sealed.key).limit(_SAMPLE)):
            if any(sealed_texts(dict(row._mapping), sealed.texts, sealed.documents)):
                return True
    return False


def _keys(engine: Engine, sealed: EncryptedTable) -> Iterator[list[Any]]:
    last: Any = ""
    while True:
        with translate_db_errors(), engine.connect() as connection:
            page = select(sealed.key).where(sealed.key > last).order_by(sealed.key).limit(_BATCH)
            keys = list(connection.execute(page).scalars())
        if not keys:
            return
        yield keys
        last = keys[-1]


def _reseal_batch(engine: Engine, sealer: Sealer, sealed: EncryptedTable, keys: list[Any]) -> int:
    writing = engine.execution_options(**{SQLITE_BEGIN: "BEGIN IMMEDIATE"})
    written = 0
    with translate_db_errors(), writing.begin() as connection:
        rows = connection.execute(select(*_read(sealed)).where(sealed.key.in_(keys)).with_for_update()).all()
        for row in rows:
            written += _reseal_row(connection, sealer, sealed, row)
    return written


def _read(sealed: EncryptedTable) -> list[Column[Any]]:
    digests = [customers.c.external_id_digest, customers.c.email_digest] if sealed.table is customers else []
    return [*sealed.columns, *digests]


def _reseal_row(connection: Connection, sealer: Sealer, sealed: EncryptedTable, row: Row[Any]) -> int:
    then = dict(row._mapping)
    key = then[sealed.key.name]
    now: dict[str, Any] = {}
    for name in sealed.texts:
        now[name] = sealer.reseal(then[name], associated_data(sealed.table.name, name, key))
    for name in sealed.documents:
        if then[name] is not None:
            now[name] = sealer.reseal_entries(then[name], associated_data(sealed.table.name, name, key))
    if sealed.table is customers:
        now["external_id_digest"] = external_id_digest(_opened(sealer, then, "external_id", key), sealer)
        now["email_digest"] = email_digest(_opened(sealer, then, "email", key), sealer)
    changed = {name: value for name, value in now.items() if value != then[name]}
    if changed:
        connection.execute(update(sealed.table).where(sealed.key == key).values(changed))
    return bool(changed)


def _opened(sealer: Sealer, row: Mapping[str, Any], name: str, key: Any) -> str:
    return sealer.open(row[name], associated_data(customers.name, name, key))
