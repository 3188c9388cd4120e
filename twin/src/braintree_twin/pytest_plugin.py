"""The pytest plugin of braintree-twin: one twin for the run, with a fresh state for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# The twin is imported when a test first asks for it: other tests of the run do not pay for it.
if TYPE_CHECKING:
    from braintree_twin.sdk_twin import SdkTwin, WebhookInbox

SEED, STRICT = "braintree_twin_seed", "braintree_twin_strict"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("braintree-twin", "an offline twin of Braintree's gateway")
    group.addoption("--braintree-twin-seed", metavar="FILE", help="the seed of the twin; overrides the ini option")
    group.addoption("--braintree-twin-strict", action="store_true", help="refuse fields that the twin does not act on")
    parser.addini(SEED, "the seed of the twin, relative to the ini file", type="string", default="")
    parser.addini(STRICT, "refuse fields that the twin does not act on", type="bool", default=False)


@pytest.fixture(scope="session")
def braintree_twin_process(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The twin of the run, whose state the tests share. Most tests want `braintree_twin` instead."""
    from braintree_twin.sdk_twin import run_sdk_twin

    config = request.config
    strict = bool(config.getoption("--braintree-twin-strict") or config.getini(STRICT))
    with run_sdk_twin(tmp_path_factory.mktemp("braintree-twin"), seed=_seed(config), strict=strict) as twin:
        yield twin


def _seed(config: pytest.Config) -> Path | None:
    given = config.getoption("--braintree-twin-seed")
    if given:
        return config.invocation_params.dir / str(given)
    named = str(config.getini(SEED))
    return (config.inipath.parent if config.inipath else config.rootpath) / named if named else None


@pytest.fixture
def braintree_twin(braintree_twin_process: SdkTwin) -> SdkTwin:
    """A twin with the state of its seed: no transactions of other tests, no faults, the clock of the machine."""
    braintree_twin_process.reset()
    return braintree_twin_process


@pytest.fixture
def braintree_gateway(braintree_twin: SdkTwin) -> Any:
    """The official SDK's gateway, connected to the twin: a `braintree.BraintreeGateway`."""
    return braintree_twin.gateway()


@pytest.fixture
def braintree_webhooks(braintree_twin: SdkTwin) -> Iterator[WebhookInbox]:
    """Receives the twin's notifications, and parses them with the official SDK."""
    with braintree_twin.receive_webhooks() as inbox:
        yield inbox
