"""A client of a measured service, with the credential that it was given."""

from __future__ import annotations

from bayar import BayarClient
from benchmarks.processes import Measured
from tests.keys import TEST_KEY


def client_of(measured: Measured) -> BayarClient:
    return BayarClient(measured.address, credential=TEST_KEY)
