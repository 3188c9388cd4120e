"""The wheel, and one environment for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.serve import running
from tests.python_client.environments import build_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, str]]:
    """The servers of the conformance suite."""
    with running() as told:
        yield told
