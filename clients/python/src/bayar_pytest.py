"""pytest fixtures of bayar-client: a real Bayar with an offline gateway. pytest finds them by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bayar.client import BayarClient
    from bayar.testing import BayarServer


@pytest.fixture(scope="session")
def bayar_server() -> Iterator[BayarServer]:
    """A running Bayar for all tests of the session, with an empty database and a twin of the gateway.

    bayar.testing.running_bayar says where its command comes from.
    """
    from bayar.testing import running_bayar  # only for those who ask for it

    with running_bayar() as server:
        yield server


@pytest.fixture
def bayar_client(bayar_server: BayarServer) -> Iterator[BayarClient]:
    """A client of `bayar_server`; the gateway is mended after the test."""
    with bayar_server.client() as client:
        yield client
    bayar_server.mend_gateway()
