"""The stores that keep the contract."""

from __future__ import annotations

import pytest

from adapters.persistence.store import SqlStore
from application.ports.store import Store
from tests.fakes.ids import CountingIds
from tests.fakes.memory_store import MemoryStore
from tests.sealing import SEALER


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store: each kind in turn."""
    if request.param == "memory":
        return MemoryStore(CountingIds())
    name = {"sqlite": "sqlite_engine", "postgresql": "postgres_engine"}[request.param]
    return SqlStore(request.getfixturevalue(name), CountingIds(), SEALER)
