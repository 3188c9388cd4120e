"""The service's own database, for commands that need nothing else of it. They work while the service runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from adapters.grpc.faults import sentence
from adapters.persistence.engine import create_engine
from adapters.persistence.migrate import is_current
from adapters.persistence.store import SqlStore
from application.errors import InvalidRequest, NotFound
from application.ports.store import StoreUnavailable
from bootstrap.commands.serve import told_of_bad_settings
from bootstrap.runtime import SortableIds
from bootstrap.settings import BadSettings, load_database_url
from bootstrap.terminal.output import say

_FAILED: Final = 1
_USAGE: Final = 2


class SchemaNotCurrent(Exception):
    """The database was not brought up to date for this version."""


@contextmanager
def own_store() -> Iterator[SqlStore]:
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


def with_own_store(parsed: argparse.Namespace, work: Callable[[argparse.Namespace, SqlStore], int]) -> int:
    """Runs the work, and says on stderr what is wrong. Returns the exit status."""

    def told() -> int:
        try:
            with own_store() as store:
                return work(parsed, store)
        except InvalidRequest as invalid:
            for fault in invalid.faults:
                say(f"bayar: {fault.field} {sentence(fault)}")
            return _USAGE
        except NotFound:
            say("bayar: there is no such key. `bayar keys list` shows them all.")
        except SchemaNotCurrent:
            say(
                "bayar: the database (BAYAR_DATABASE_URL) has not the tables of this version: run `bayar migrate`, or "
                "start the service, first"
            )
        except StoreUnavailable as error:
            say(f"bayar: the database does not answer (BAYAR_DATABASE_URL): {error}")
        return _FAILED

    return told_of_bad_settings(told)
