"""A shopper in Chromium at the checkout page of a real service, whose gateway is the twin."""

from __future__ import annotations

import itertools
import json
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlalchemy import update

from adapters.persistence.sql.engine import create_engine
from adapters.persistence.tables import checkouts
from bayar import BayarClient, Checkout, CheckoutLine, CheckoutState, Payment, money
from braintree_twin.testing import Twin
from tests.browser.shop import SECONDS
from tests.end_to_end.service import Service, environment_of
from tests.languages.toolchain import npm_packages

HERE: Final = Path(__file__).parent
VISA, MASTERCARD = "4111111111111111", "5555555555554444"
FRICTIONLESS, CHALLENGED, FAILS_CHALLENGE = "4000000000001000", "4000000000001091", "4000000000001109"
# The twin's check for fraud refuses it.
REFUSED = "4000111111111511"
NUMBERS: Final = (REFUSED, VISA, MASTERCARD, FRICTIONLESS, CHALLENGED, FAILS_CHALLENGE)
SECURITY_CODE = "987"
# The amount for which the twin declines: insufficient funds.
DECLINED = "2001.00"
# The fields of the page, and their inputs in the gateway's frames.
FIELDS: Final = {"number": "#credit-card-number", "expirationDate": "#expiration", "cvv": "#cvv"}
SUCCESS_URL = "http://localhost:9/paid"
CANCEL_URL = "http://localhost:9/cart"
PHONE = {"width": 390, "height": 844}
SMALLEST_PHONE = {"width": 320, "height": 568}
_REFERENCES = itertools.count(1)


@dataclass(slots=True)
class Site:
    """The service with its page, the twin, and a caller of the service."""

    service: Service
    twin: Twin
    bayar: BayarClient
    url: str

    def create(self, total: str = "25.00", **more: Any) -> Checkout:
        """A checkout of an order that no other test has."""
        given: dict[str, Any] = {
            "reference": f"order-{next(_REFERENCES)}",
            "amount": money(total, "USD"),
            "success_url": SUCCESS_URL,
            "cancel_url": CANCEL_URL,
            "lines": [CheckoutLine(description="Gayo, 250 g", quantity=2, amount=money(total, "USD"))],
            "language_code": "en",
        }
        return self.bayar.create_checkout(**{**given, **more})

    def create_in_eur(self, **more: Any) -> Checkout:
        """A checkout whose payment needs 3-D Secure."""
        return self.create(amount=money("25.00", "EUR"), lines=[], **more)

    def payments_for(self, checkout: Checkout) -> list[Payment]:
        return list(self.bayar.list_payments(reference=checkout.reference))

    def payment_of(self, checkout: Checkout) -> Payment:
        """The payment that paid the checkout, which is complete."""
        read = self.bayar.get_checkout(checkout_id=checkout.checkout_id)
        assert read.state is CheckoutState.COMPLETED
        return self.bayar.get_payment(payment_id=read.payment_id)

    def end_in(self, checkout: Checkout, seconds: float) -> None:
        """Let the checkout's time run out sooner than the contract allows."""
        engine = create_engine(self.service.environment["BAYAR_DATABASE_URL"])
        soon = datetime.now(UTC) + timedelta(seconds=seconds)
        with engine.begin() as connection:
            own = checkouts.c.checkout_id == checkout.checkout_id
            connection.execute(update(checkouts).where(own).values(expire_time=soon))
        engine.dispose()

    def customer(self) -> str:
        return self.bayar.create_customer(given_name="Siti", family_name="Rahayu").customer_id


@contextmanager
def running_site(directory: Path, twin: Twin, more: Mapping[str, str] | None = None) -> Iterator[Site]:
    """A service with a checkout page for this twin, gone when you leave."""
    port = _free_port()
    url = f"http://localhost:{port}"
    settings = {
        "BAYAR_CHECKOUT_ADDRESS": f"127.0.0.1:{port}",
        "BAYAR_CHECKOUT_BASE_URL": url,
        "BAYAR_CHECKOUT_SHOP_NAME": "Kopi Senja",
        "BAYAR_DECLINES_PER_CLIENT_ADDRESS": "0",
        "BAYAR_CARDS_PER_CLIENT_ADDRESS": "0",
        "BAYAR_CHECKOUT_ATTEMPTS_PER_MINUTE": "1000",
        **(more or {}),
    }
    environment = environment_of(twin, f"sqlite:///{directory / 'bayar.db'}", settings)
    service = Service(environment, directory / "bayar.log")
    try:
        service.start()
        with BayarClient(service.address) as bayar:
            yield Site(service, twin, bayar, url)
    finally:
        service.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@cache
def axe_script() -> str:
    """npm's axe-core, which looks for faults that keep people from using a page. Frames that have it keep it."""
    script = npm_packages(HERE, "axe-core") / "node_modules" / "axe-core" / "axe.min.js"
    return f"if (!window.axe) {{ {script.read_text('utf-8')} }}"


# Apple Pay, as Safari has it: a session that the owner approves at once.
APPLE_PAY: Final = """
window.ApplePaySession = class {
  static canMakePayments() { return true; }
  static supportsVersion() { return true; }
  constructor() { window.wallet = this; this.STATUS_SUCCESS = 0; this.STATUS_FAILURE = 1; }
  begin() { this.onvalidatemerchant({validationURL: "https://apple.example/validate"}); }
  completeMerchantValidation() {
    const paymentData = {data: "x", signature: "x", version: "EC_v1", header: {}};
    const paymentMethod = {displayName: "Visa 1111", network: "Visa", type: "debit"};
    this.onpaymentauthorized({payment: {token: {paymentData, paymentMethod, transactionIdentifier: "1"}}});
  }
  completePayment(status) { window.walletStatus = status; }
  abort() { window.walletStatus = "aborted"; }
};
Object.assign(window.ApplePaySession, {STATUS_SUCCESS: 0, STATUS_FAILURE: 1});
"""
# The page stays for two seconds before it returns to the shop: tests need not wait for that.
_RETURN_AT_ONCE: Final = """
if (window === window.top) {
  window.setTimeout = ((wait) => (run, ms, ...more) => wait(run, ms === 2000 ? 50 : ms, ...more))(window.setTimeout);
}
"""


@dataclass(slots=True)
class Shopper:
    """A person at the page, in a browser of their own. `sent` is everything that their browser sent to the service."""

    site: Site
    context: BrowserContext
    page: Page
    sent: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, address: str, *, state: str = "open") -> None:
        self.page.goto(address)
        self.expect_state(state)

    def expect_state(self, state: str) -> None:
        expect(self.page.locator("main#checkout")).to_have_attribute("data-state", state)

    def input(self, name: str) -> Locator:
        return self.page.frame_locator(f"iframe[name=braintree-hosted-field-{name}]").locator(FIELDS[name])

    def type_card(self, number: str = VISA, expiry: str = "1230", cvv: str = SECURITY_CODE) -> None:
        """Type the card, key by key."""
        for name, text in (("number", number), ("expirationDate", expiry), ("cvv", cvv)):
            self.input(name).press_sequentially(text)

    def retype_number(self, number: str) -> None:
        self.input("number").fill("")
        self.input("number").press_sequentially(number)

    def pay(self) -> None:
        self.page.locator("#pay").click()

    def expect_return(self) -> str:
        """Wait until the page has led back to the shop; the address."""
        self.page.wait_for_url(f"{SUCCESS_URL}**")
        return str(self.page.url)

    def message(self) -> Locator:
        return self.page.locator("#message")

    def check_requests(self) -> None:
        """No digit of a card beyond the gateway's hosts: every request to the service is read."""
        assert self.sent
        for request in self.sent:
            digits = re.sub(r"[ -]", "", request)
            for number in NUMBERS:
                assert number not in digits
                assert number[:8] not in digits
            # A nonce may end with the same three digits by chance.
            assert not re.search(rf"(?<!\w){SECURITY_CODE}(?!\w)", request)

    def violations(self) -> list[str]:
        return violations(self.page)


def violations(page: Page) -> list[str]:
    """The faults that axe finds on the page and in its frames: rule, and where."""
    for frame in page.frames:
        frame.evaluate(axe_script())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{each['id']}: {node['target']}" for each in found for node in each["nodes"]]


@contextmanager
def shopper(browser: Browser, site: Site, **context: Any) -> Iterator[Shopper]:
    """A shopper with a fresh browser, who reads English on a large screen unless the context says otherwise."""
    opened = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1100, "height": 900}, **context})
    opened.add_init_script(_RETURN_AT_ONCE)
    page = opened.new_page()
    page.set_default_timeout(SECONDS * 1000)
    person = Shopper(site, opened, page)
    opened.on("request", lambda request: _note(person, request))
    page.on("pageerror", lambda error: person.errors.append(str(error.stack or error)))
    # The shop that the page returns to.
    opened.route(
        "http://localhost:9/**", lambda route: route.fulfill(body="<title>Shop</title>", content_type="text/html")
    )
    try:
        yield person
        person.check_requests()
        assert person.errors == []
    finally:
        opened.close()


def _note(person: Shopper, request: Any) -> None:
    if request.url.startswith(person.site.url):
        person.sent.append(json.dumps([request.method, request.url, request.headers, request.post_data]))
