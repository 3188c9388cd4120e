"""A gateway, and the real service beside it: one process on SQLite, two replicas on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from braintree_twin.testing import Twin, start_twin
from tests.crash.storm import Storm

DATABASES = ("sqlite", "postgresql")

Brew = Callable[[str], Storm]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with start_twin(tmp_path_factory.mktemp("twin"), separate_control=True) as running:
        yield running


@pytest.fixture(scope="module", params=DATABASES)
def house(request: pytest.FixtureRequest, twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """The service on each kind of database in turn, not started, and nothing raging."""
    with _house(request.param, request, twin, tmp_path_factory.mktemp("house")) as built:
        yield built


@pytest.fixture(scope="module")
def two_replicas(
    request: pytest.FixtureRequest, twin: Twin, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Storm]:
    with _house("postgresql", request, twin, tmp_path_factory.mktemp("house")) as built:
        yield built


@contextmanager
def _house(database: str, request: pytest.FixtureRequest, twin: Twin, directory: Path) -> Iterator[Storm]:
    url = f"sqlite:///{directory / 'bayar.db'}"
    if database == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    storm = Storm(database, url, twin, directory, seed=0)
    try:
        yield storm
    finally:
        storm.close()
