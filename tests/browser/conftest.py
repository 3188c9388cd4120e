"""One twin, one service with its checkout page and one Chromium for the run; a fresh page for each test."""

from __future__ import annotations

from collections.abc import Iterator

import braintree
import pytest
from playwright.sync_api import Browser

from braintree_twin.testing import Twin, start_twin
from tests.api_keys import in_environment
from tests.browser.checkout_site import Shopper, Site, running_site, shopper
from tests.browser.shop import Shop, braintree_web, chromium


@pytest.fixture(scope="session")
def twin() -> Iterator[Twin]:
    package = str(braintree_web().parents[1])
    with start_twin(arguments=("--gateway-hosts", "--braintree-web", package)) as running:
        yield running


def gateway_of(twin: Twin) -> braintree.BraintreeGateway:
    """The SDK of a shop's server, for this twin."""

    class Environment(braintree.Environment):
        protocol = "https://"

    url = twin.url
    environment = Environment(
        "twin", twin.host, str(twin.port), url, True, str(twin.ca_file), twin.host, str(twin.port)
    )
    configuration = braintree.Configuration(
        environment, twin.merchant_id, public_key=twin.public_key, private_key=twin.private_key
    )
    return braintree.BraintreeGateway(configuration)


@pytest.fixture(scope="session")
def gateway(twin: Twin) -> braintree.BraintreeGateway:
    return gateway_of(twin)


@pytest.fixture(scope="session")
def browser(twin: Twin) -> Iterator[Browser]:
    with chromium(twin) as started:
        yield started


@pytest.fixture
def shop(browser: Browser) -> Iterator[Shop]:
    opened = Shop(browser, braintree_web())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def site(twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Payments in EUR need 3-D Secure."""
    settings = {"BAYAR_THREE_D_SECURE": "if_offered,EUR=required"}
    with in_environment(), running_site(tmp_path_factory.mktemp("site"), twin, settings) as running:
        yield running
        assert "Traceback" not in running.service.log, running.service.log[-4000:]
        assert "4111" not in running.service.log


@pytest.fixture
def person(browser: Browser, site: Site) -> Iterator[Shopper]:
    with shopper(browser, site) as opened:
        yield opened
