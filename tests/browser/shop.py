"""A shop's page in Chromium: npm's braintree-web as it is, with the gateway's hosts led to a twin."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, sync_playwright

from braintree_twin.testing import Twin
from tests.languages.toolchain import ROOT, debian, npm_packages

SHOP = "https://shop.example/"
CHROMIUM = "/usr/bin/chromium"
COMPONENTS = (
    "client",
    "hosted-fields",
    "three-d-secure",
    "data-collector",
    "vault-manager",
    "us-bank-account",
    "paypal-checkout",
    "apple-pay",
    "local-payment",
    "sepa",
    "visa-checkout",
)
SECONDS = 20


@contextmanager
def chromium(twin: Twin) -> Iterator[Browser]:
    """Debian's Chromium, which finds the gateway's hosts at the twin."""
    debian("chromium", files=(CHROMIUM,))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=twin.chromium_arguments)
        yield browser
        browser.close()


def braintree_web() -> Path:
    """The folder of the package's scripts for browsers, as npm installs it."""
    return npm_packages(ROOT / "twin" / "web", "braintree-web") / "node_modules" / "braintree-web" / "dist" / "browser"


class Shop:
    """The shop's page. `run` awaits a piece of JavaScript in it, and gives back its value."""

    def __init__(self, browser: Browser, scripts: Path, components: Sequence[str] = COMPONENTS, **context: Any) -> None:
        self._scripts = scripts
        self._components = components
        self._context = browser.new_context(**context)
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(SECONDS * 1000)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.route(f"{SHOP}**", self._serve)
        self.page.goto(SHOP)

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix(SHOP).partition("?")[0]
        if not path:
            scripts = "".join(f'<script src="/{name}.js"></script>' for name in self._components)
            route.fulfill(body=f"<!doctype html><title>Shop</title><body>{scripts}", content_type="text/html")
        elif (self._scripts / path).is_file():
            kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
            route.fulfill(path=self._scripts / path, content_type=kind)
        else:
            route.fulfill(status=404)

    def run(self, script: str, **given: Any) -> Any:
        """Run the body of an async function in the page. A rejected promise gives {failed: its fields}."""
        wrapped = (
            "async (given) => { try { return await (async () => {"
            + script
            + "})() } catch (error) { return {failed: {code: error.code, name: error.name, message: error.message,"
            " details: error.details && JSON.parse(JSON.stringify(error.details))}} } }"
        )
        return self.page.evaluate(wrapped, given)

    def start(self, script: str, **given: Any) -> None:
        """Start a piece of JavaScript whose end `finished` waits for."""
        self.run(f"window.outcome = (async () => {{ {script} }})().catch((e) => ({{failed: e.code}}));", **given)

    def finished(self) -> Any:
        return self.run("return window.outcome;")

    def create_client(self, authorization: str) -> Any:
        return self.run(
            "window.client = await braintree.client.create({authorization: given.authorization});"
            "return window.client.getConfiguration().gatewayConfiguration;",
            authorization=authorization,
        )

    def tokenize(self, number: str, **more: Any) -> Any:
        """Tokenize a card as a form of the shop's own would: through client.request."""
        return self.run(
            "const answer = await client.request({method: 'post', endpoint: 'payment_methods/credit_cards', data: {"
            "creditCard: given.card}}); return answer.creditCards[0];",
            card={"number": number, "expirationDate": "01/2099", "cvv": "123", **more},
        )

    def close(self) -> None:
        self._context.close()
