"""One twin for the whole run; a test that breaks or stops a twin starts its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import braintree
import pytest

from braintree_twin.testing import Twin, start_twin

# The run imports test modules by path, so that what they share has to be made importable.
sys.path.insert(0, str(Path(__file__).parent))

from sdk_suites import SEED, of_merchant
from twin_sdk import gateway_to


@pytest.fixture(scope="session")
def twin() -> Iterator[Twin]:
    with start_twin() as running:
        yield running


@pytest.fixture(scope="session")
def gateway(twin: Twin) -> braintree.BraintreeGateway:
    return gateway_to(twin)


@pytest.fixture(scope="session")
def suites() -> Iterator[Twin]:
    """A twin with the merchants and records of the SDKs' own suites."""
    with start_twin(arguments=("--seed", str(SEED))) as running:
        yield running


@pytest.fixture(scope="session")
def sandbox(suites: Twin) -> braintree.BraintreeGateway:
    return of_merchant(suites, "integration")
