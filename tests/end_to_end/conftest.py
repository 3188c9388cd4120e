"""A service and a twin for each module, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bayar.messages import BayarClient
from tests.api_keys import in_environment
from tests.end_to_end.service import Pair, running_pair


@pytest.fixture(scope="module", autouse=True)
def _with_the_test_key() -> Iterator[None]:
    with in_environment():
        yield


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """Additional settings of a module; override it there."""
    return {}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]) -> Iterator[Pair]:
    with running_pair(tmp_path_factory.mktemp("pair"), settings) as pair:
        yield pair
        # Nothing that a test of the module sent may have been a fault of the service.
        assert "incident" not in pair.service.log, pair.service.log[-4000:]
        assert "Traceback" not in pair.service.log, pair.service.log[-4000:]


@pytest.fixture(scope="module")
def bayar(pair: Pair) -> BayarClient:
    return pair.service.client()


@pytest.fixture(autouse=True)
def _no_faults_are_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "pair" in request.fixturenames:
        pair: Pair = request.getfixturevalue("pair")
        pair.twin.control.clear_faults()
