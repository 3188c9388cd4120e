"""`make shop`: a person with an ordinary browser buys, stores a card, buys again, and the owner refunds."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.challenge import answer_challenge
from tests.browser.checkout_site import FIELDS, violations
from tests.browser.shop import CHROMIUM, SECONDS, braintree_web
from tests.languages.toolchain import ROOT

Scheme = Literal["light", "dark"]
CHALLENGED, VISA = "4000000000001091", "4111111111111111"


@dataclass(frozen=True, slots=True)
class RunningShop:
    url: str
    owner_password: str


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    port, folder = _two_free_ports(), tmp_path_factory.mktemp("shop")
    command = [sys.executable, "-m", "shop", "--port", str(port), "--state-dir", str(folder)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BAYAR_")}
    process = subprocess.Popen(
        [*command, "--braintree-web", str(braintree_web().parents[1])],
        env={**inherited, "PYTHONPATH": str(ROOT / "docs" / "integrate"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    text = "".join(_until_greeted(process))
    password = re.search(r"the password is (\S+)", text)
    assert password is not None, text
    yield RunningShop(f"http://localhost:{port}", password[1])
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 0
    process.stdout.close()


def _until_greeted(process: subprocess.Popen[str]) -> Iterator[str]:
    for line in process.stdout or ():
        yield line
        if "the password is" in line:
            return


def _two_free_ports() -> int:
    """A port that is free, as is the next one. The system gives these to nobody who asks for just any port."""
    while True:
        port = random.randrange(15_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@pytest.fixture(scope="module")
def own_browser(browser: Browser) -> Iterator[Browser]:
    """A browser as a person has it: nothing leads it to the twin."""
    started = browser.browser_type.launch(executable_path=CHROMIUM)
    yield started
    started.close()


@pytest.fixture
def page(own_browser: Browser) -> Iterator[Page]:
    opened = own_browser.new_page()
    opened.set_default_timeout(SECONDS * 1000)
    yield opened
    opened.context.close()


def sign_in(page: Page, example: RunningShop, email: str) -> None:
    page.goto(f"{example.url}/account")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Name").fill("Siti Rahayu")
    page.get_by_label("Password").fill("rahasia")
    page.get_by_role("button", name="Sign in").click()


def open_desk(page: Page, example: RunningShop) -> None:
    page.goto(f"{example.url}/owner")
    page.get_by_label("Password").fill(example.owner_password)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_label("Password")).to_have_count(0)


def put_into_cart(page: Page, example: RunningShop) -> None:
    page.goto(example.url)
    page.get_by_role("button", name="Add to cart: Gayo").click()
    expect(page.get_by_role("heading", name="Cart")).to_be_visible()


def type_card(checkout: Page | FrameLocator, number: str = VISA) -> None:
    for name, text in (("number", number), ("expirationDate", "1230"), ("cvv", "123")):
        frame = checkout.frame_locator(f"iframe[name=braintree-hosted-field-{name}]")
        frame.locator(FIELDS[name]).press_sequentially(text)


def test_a_guest_pays_by_redirect_and_the_owner_refunds(example: RunningShop, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    put_into_cart(page, example)
    page.get_by_role("button", name="Pay $14.50").click()
    type_card(page, CHALLENGED)
    page.locator("#pay").click()
    answer_challenge(page)
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    open_desk(page, example)
    page.get_by_label(re.compile("Amount to refund")).first.fill("4.50")
    page.get_by_role("button", name="Refund").first.click()
    expect(page.get_by_role("status")).to_contain_text("$4.50 goes back")
    expect(page.locator("tbody tr").first).to_contain_text("Paid, $4.50 goes back")
    page.get_by_role("button", name="Refund").first.click()
    expect(page.get_by_role("status")).to_contain_text("$10.00 goes back")
    expect(page.locator("tbody tr").first).to_contain_text("Paid, $14.50 goes back")
    # Everything stays on this machine.
    assert [url for url in asked if not url.startswith("http://localhost:")] == []


def test_a_customer_pays_in_the_frame_and_with_the_stored_card_the_next_time(example: RunningShop, page: Page) -> None:
    sign_in(page, example, "siti@example.com")
    put_into_cart(page, example)
    page.get_by_role("button", name="Pay on this page").click()
    checkout = page.frame_locator("iframe.checkout")
    type_card(checkout)
    checkout.locator("#save").check()
    checkout.locator("#pay").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    put_into_cart(page, example)
    page.get_by_role("button", name="Pay $14.50").click()
    expect(page.locator("#methods input:checked")).to_have_value(re.compile("^pm_"))
    page.locator("#pay").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    page.goto(f"{example.url}/account")
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_text("There are none.")).to_be_visible()
    page.goto(f"{example.url}/orders")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_paypal_leaves_the_frame_and_comes_back_to_the_shop(example: RunningShop, page: Page) -> None:
    put_into_cart(page, example)
    page.get_by_role("button", name="Pay on this page").click()
    page.frame_locator("iframe.checkout").locator("#paypal").click()
    page.locator("#approve").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_of_the_shop(example: RunningShop, page: Page, scheme: Scheme) -> None:
    page.set_viewport_size({"width": 320, "height": 568})
    page.emulate_media(color_scheme=scheme)

    def check() -> None:
        # A click does not wait for the style of the page to which it leads.
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
        assert violations(page) == [], page.url

    for path in ("", "cart", "orders", "account", "owner"):
        page.goto(f"{example.url}/{path}")
        check()
    sign_in(page, example, f"{scheme}@example.com")
    check()
    put_into_cart(page, example)
    check()
    page.get_by_role("button", name="Pay on this page").click()
    checkout = page.frame_locator("iframe.checkout")
    type_card(checkout)
    check()
    checkout.locator("#save").check()
    checkout.locator("#pay").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    check()
    for path in ("orders", "account"):
        page.goto(f"{example.url}/{path}")
        check()
    page.goto(f"{example.url}/orders")
    page.locator("tbody a").first.click()
    check()
    open_desk(page, example)
    check()


def test_a_stranger_sees_no_order_and_refunds_nothing(example: RunningShop, page: Page) -> None:
    for path in ("orders/1001", "orders/1001/return", "orders/1001/return?bayar_result=paid&bayar_signature=00"):
        answer = page.goto(f"{example.url}/{path}")
        assert answer is not None
        assert answer.status == 404
    assert page.request.post(f"{example.url}/owner/orders/1001/refund", form={"amount": "1.00"}).status == 400
