"""A person's own browser, without any arguments, pays at the twin's address for browsers."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import braintree
import pytest
from playwright.sync_api import Browser, Page

from braintree_twin.browser.local_copy import local_copy
from braintree_twin.testing import Twin, start_twin
from tests.browser.challenge import answer_challenge
from tests.browser.conftest import gateway_of
from tests.browser.shop import CHROMIUM, braintree_web

SCRIPTS = ("client", "hosted-fields", "three-d-secure", "data-collector")
CHALLENGED = "4000000000001091"
_FORM = """async (authorization) => {
  const client = await braintree.client.create({authorization});
  window.collected = (await braintree.dataCollector.create({client})).deviceData;
  window.three = await braintree.threeDSecure.create({client, version: 2});
  window.hosted = await braintree.hostedFields.create({client, fields: {
    number: {container: "#number"}, expirationDate: {container: "#date"}, cvv: {container: "#cvv"}}});
}"""
_VERIFY = """() => {
  window.verified = hosted.tokenize().then(({nonce, details}) => three.verifyCard(
    {amount: "10.00", nonce, bin: details.bin, onLookupComplete: (data, next) => next()}));
}"""


@pytest.fixture(scope="module")
def local_twin() -> Iterator[Twin]:
    package = str(braintree_web().parents[1])
    with start_twin(arguments=("--browser-address", "127.0.0.1:0", "--braintree-web", package)) as running:
        yield running


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><div id=number></div><div id=date></div><div id=cvv></div>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a shop on this machine, in a Chromium that is led nowhere."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as shop:
        Thread(target=shop.serve_forever, daemon=True).start()
        own = browser.browser_type.launch(executable_path=CHROMIUM)
        opened = own.new_page()
        opened.goto(f"http://localhost:{shop.server_port}/")
        yield opened
        own.close()
        shop.shutdown()


def test_an_ordinary_browser_pays_with_an_authenticated_card(local_twin: Twin, page: Page) -> None:
    gateway: braintree.BraintreeGateway = gateway_of(local_twin)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in SCRIPTS:
        page.add_script_tag(url=f"{local_twin.browser_url}/web/3.144.0/js/{name}.min.js")
    page.evaluate(_FORM, gateway.client_token.generate())
    for field, name, text in (
        ("number", "credit-card-number", CHALLENGED),
        ("expirationDate", "expiration", "1230"),
        ("cvv", "cvv", "123"),
    ):
        frame = page.frame_locator(f"iframe[name=braintree-hosted-field-{field}]")
        frame.locator(f"#{name}").press_sequentially(text)
    page.evaluate(_VERIFY)
    answer_challenge(page)
    assert page.evaluate("async () => (await verified).liabilityShifted") is True
    assert [url for url in asked if not url.startswith(local_twin.browser_url)] == []


def test_the_copy_differs_from_the_package_in_its_hosts_alone() -> None:
    for name in SCRIPTS:
        script = (braintree_web() / f"{name}.js").read_text("utf-8")
        copy = local_copy(script, "http://localhost:8444")
        before, after = script.splitlines(), copy.replace('\n  "localhost": 1,', "").splitlines()
        changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        assert all("https:" in old and ("localhost" in new or "https?" in new) for old, new in changed), name
    with pytest.raises(ValueError, match="another way"):
        local_copy('"braintree-api.com": 1,', "http://localhost:8444")
