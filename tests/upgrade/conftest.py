"""Clients without a credential of their own show the test key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import api_keys


@pytest.fixture(autouse=True, scope="session")
def credentials() -> Iterator[None]:
    with api_keys.in_environment():
        yield
