"""Opens the service's own database, for commands that need nothing else. They work while the service runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from adapters.grpc.messages.violation_messages import sentence
from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from application.common.errors import InvalidRequest, NotFound, ResourceKind, StoreUnavailable
from bootstrap.cli.bad_settings import reporting_bad_settings
from bootstrap.cli.terminal.output import say
from bootstrap.config.settings import BadSettings, load_database_url
from bootstrap.exit_status import FAILED, USAGE
from bootstrap.process.schema_check import require_usable
from bootstrap.wiring.clock_and_ids import UlidSource

_UNKNOWN: Final = {
    ResourceKind.API_KEY: "there is no such key. `bayar keys list` shows them all.",
    ResourceKind.OPERATOR: "there is no such operator who is active. `bayar operators list` shows them all.",
}


@contextmanager
def local_database() -> Iterator[SqlStore]:
    """Raises BadSettings, also for a schema on which this version cannot run, and StoreUnavailable."""
    try:
        engine = create_engine(load_database_url())
    except ValueError as error:
        raise BadSettings(f"BAYAR_DATABASE_URL is wrong: {error}") from None
    try:
        require_usable(engine)
        yield SqlStore(engine, UlidSource())
    finally:
        engine.dispose()


def with_local_database(parsed: argparse.Namespace, work: Callable[[argparse.Namespace, SqlStore], int]) -> int:
    """Runs the work, and reports errors on stderr. Returns the exit status."""

    def run_work() -> int:
        try:
            with local_database() as store:
                return work(parsed, store)
        except InvalidRequest as invalid:
            for violation in invalid.violations:
                say(f"bayar: {violation.field} {sentence(violation)}")
            return USAGE
        except NotFound as missing:
            say(f"bayar: {_UNKNOWN[missing.kind]}")
        except StoreUnavailable as error:
            say(f"bayar: the database does not answer (BAYAR_DATABASE_URL): {error}")
        return FAILED

    return reporting_bad_settings(run_work)
