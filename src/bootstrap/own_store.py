"""The service's own database, for commands that need nothing else of it. They work while the service runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.persistence.engine import create_engine
from adapters.persistence.migrate import is_current
from adapters.persistence.store import SqlStore
from application.ports.store import Store
from bootstrap.runtime import SortableIds
from bootstrap.settings import BadSettings, load_database_url


class SchemaNotCurrent(Exception):
    """The database was not brought up to date for this version."""


@contextmanager
def own_store() -> Iterator[Store]:
    """Raises BadSettings, SchemaNotCurrent and StoreUnavailable."""
    try:
        engine = create_engine(load_database_url())
    except ValueError as error:
        raise BadSettings(f"BAYAR_DATABASE_URL is wrong: {error}") from None
    try:
        if not is_current(engine):
            raise SchemaNotCurrent
        yield SqlStore(engine, SortableIds())
    finally:
        engine.dispose()
