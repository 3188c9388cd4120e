"""The stores and the gateways that keep the contracts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.persistence.store import SqlStore
from application.ports.store import Store
from tests.contract.gateway_setup import GATEWAYS, GatewaySetup
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds
from tests.fakes.memory_store import MemoryStore


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store: each kind in turn."""
    if request.param == "memory":
        return MemoryStore(CountingIds())
    name = {"sqlite": "sqlite_engine", "postgresql": "postgres_engine"}[request.param]
    return SqlStore(request.getfixturevalue(name), CountingIds(), SEALER)


@pytest.fixture(params=GATEWAYS, scope="module")
def setup(request: pytest.FixtureRequest) -> Iterator[GatewaySetup]:
    yield from GATEWAYS[request.param]()
