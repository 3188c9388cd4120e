"""Fixtures: a twin and the real service, as one process on SQLite or as two replicas on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from braintree_twin.testing import start_twin
from tests.api_keys import in_environment
from tests.crash.storm import Storm

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="module", autouse=True)
def _with_the_test_key() -> Iterator[None]:
    with in_environment():
        yield


@pytest.fixture(scope="module", params=DATABASES)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """The service on each database in turn, not started, without faults."""
    with _house(request.param, request, tmp_path_factory.mktemp("house")) as built:
        yield built


@pytest.fixture(scope="module")
def two_replicas(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    with _house("postgresql", request, tmp_path_factory.mktemp("house")) as built:
        yield built


# Without faults, nothing takes long.
_HURRIED: Final = {"VICTIM_LEASE_SECONDS": "2", "BAYAR_ABSENCE_HORIZON_SECONDS": "2"}


@contextmanager
def _house(database: str, request: pytest.FixtureRequest, directory: Path) -> Iterator[Storm]:
    url = f"sqlite:///{directory / 'bayar.db'}"
    if database == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    with start_twin(directory, separate_control=True) as twin:
        storm = Storm(database, url, twin, directory, seed=0, settings=_HURRIED)
        try:
            yield storm
        finally:
            storm.close()
