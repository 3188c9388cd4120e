"""One API key for all tests against a real service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine

from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from application.common.api_key import ApiKey, format_key, hash_of
from application.common.caller import EVERY_SCOPE
from bootstrap.wiring.clock_and_ids import UlidSource
from domain.ids import CallerId

KEY_ID: Final = "key_01kb00000000000000000000te"
_SECRET: Final = "for-tests-only-and-unlike-any-id".ljust(43, "x")
TEST_KEY: Final = format_key(KEY_ID, _SECRET)
CALLER: Final = CallerId("default")
ACTOR: Final = f"{CALLER}/{KEY_ID}"


def let_in(database: Engine | str) -> None:
    """Makes the test key one of the database's, with every scope."""
    engine = create_engine(database) if isinstance(database, str) else database
    try:
        with SqlStore(engine, UlidSource()).begin() as work:
            if work.api_keys.get(KEY_ID) is None:
                work.api_keys.add(
                    ApiKey(
                        key_id=KEY_ID,
                        caller_id=CALLER,
                        scopes=EVERY_SCOPE,
                        secret_hash=hash_of(_SECRET),
                        create_time=datetime.now(UTC),
                    )
                )
    finally:
        if isinstance(database, str):
            engine.dispose()


@contextmanager
def in_environment() -> Iterator[None]:
    """Clients that are told no credential show the test key."""
    before = os.environ.get("BAYAR_API_KEY")
    os.environ["BAYAR_API_KEY"] = TEST_KEY
    try:
        yield
    finally:
        del os.environ["BAYAR_API_KEY"]
        if before is not None:
            os.environ["BAYAR_API_KEY"] = before
