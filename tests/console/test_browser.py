"""The console in Chromium: each page on a phone, in the dark and for axe; a page that follows its payment."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from bayar import BayarClient, card, money
from tests.browser.checkout_site import axe_script
from tests.console.conftest import Keys, Orders, signed_in
from tests.console.test_roles import PAGES

# A directory for a picture of each page, for people to look at: `make console-shots`.
SHOTS: Final = os.environ.get("CONSOLE_SHOTS", "")


@dataclass(slots=True)
class Person:
    """Somebody at a browser, who has signed in. heard: the hosts that the pages asked."""

    page: Page
    faults: list[str] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)

    def axe(self) -> list[str]:
        self.page.evaluate(axe_script())
        found: list[dict[str, Any]] = self.page.evaluate("async () => (await axe.run()).violations")
        return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def a_person(browser: Browser, address: str, key: str, *, for_axe: bool = True, **context: Any) -> Person:
    # axe is put into the page by the test, which the page's own policy would forbid.
    page = browser.new_context(bypass_csp=for_axe, **context).new_page()
    page.set_default_timeout(20_000)
    person = Person(page)
    page.on("pageerror", lambda error: person.faults.append(str(error)))
    page.on("console", lambda message: person.faults.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: person.heard.add(urlsplit(request.url).netloc))
    page.goto(address)
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    return person


def pages_of(orders: Orders, dispute_id: str) -> dict[str, str]:
    """The paths by name: each page that has a row in the table of roles, and those that look different."""
    return {
        **{name: row.path(orders, dispute_id) for name, row in PAGES.items()},
        "declined": f"/payments/{orders.declined.payment_id}",
        "disputed": f"/payments/{orders.disputed.payment_id}",
        "held": f"/payments/{orders.held.payment_id}",
        "unknown": "/payments/nonsense",
        "search": "/payments?q=budi",
        "differences": "/reconcile?hours=24",
    }


# Who, at which width, in which scheme, in which language. Each pair of them is here.
WALKS: Final = [
    ("administrator", 320, "light", "en"),
    ("administrator", 1280, "dark", "en"),
    ("administrator", 320, "dark", "id"),
    ("administrator", 1280, "light", "id"),
    ("support", 320, "light", "en"),
    ("support", 1280, "light", "id"),
    ("nobody", 1280, "light", "en"),
    ("nobody", 320, "light", "id"),
]


# Others see the same pages, with less on them.
FOR_AXE: Final = WALKS[:3]


@pytest.mark.parametrize(("role", "width", "scheme", "language"), WALKS)
def test_every_page_fits_and_axe_finds_nothing(
    browser: Browser, address: str, keys: Keys, orders: Orders, role: str, width: int, scheme: str, language: str
) -> None:
    key = {"administrator": keys.operator, "support": keys.support, "nobody": keys.nobody}[role]
    # The others keep to the policy of the pages, which reports what it refuses as a fault.
    is_for_axe = (role, width, scheme, language) in FOR_AXE
    person = a_person(
        browser, address, key, for_axe=is_for_axe, viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    page = person.page
    if language == "id":
        page.get_by_role("button", name="Bahasa Indonesia").click()
        expect(page.locator("html")).to_have_attribute("lang", "id")
    found = {}
    for name, path in pages_of(orders, dispute_of(orders, keys)).items():
        page.goto(address + path)
        found[name] = person.axe() if is_for_axe else []
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found[name] += [f"wider than the screen by {overflow} px"] if overflow > 0 else []
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{role}-{width}-{language}-{name}.png", full_page=True)
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert person.heard == {urlsplit(address).netloc}
    # A page of an error answers 404, which the browser reports as such.
    assert [one for one in person.faults if not any(code in one for code in ("400", "403", "404"))] == []


@pytest.mark.parametrize(("width", "language"), [(320, "en"), (1280, "id")])
def test_the_page_of_sign_in_fits_and_axe_finds_nothing(
    browser: Browser, address: str, width: int, language: str
) -> None:
    locale = {"en": "en-GB", "id": "id-ID"}[language]
    page = browser.new_context(bypass_csp=True, viewport={"width": width, "height": 800}, locale=locale).new_page()
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert Person(page).axe() == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/stranger-{width}-{language}-sign_in.png", full_page=True)


def dispute_of(orders: Orders, keys: Keys) -> str:
    page: str = signed_in(keys.operator).get(f"/payments/{orders.disputed.payment_id}").content.decode()
    return page.partition("/disputes/")[2].partition('"')[0]


def test_a_refund_by_keyboard_alone(browser: Browser, address: str, keys: Keys, shop: BayarClient) -> None:
    reference = f"keyboard-{uuid.uuid4().hex[:6]}"
    paid = shop.create_payment(
        reference=reference,
        amount=money("12.00", "USD"),
        card=card(number="4111111111111111", expiration_month=12, expiration_year=2032, cvv="123"),
    )
    page = a_person(browser, address, keys.operator).page
    page.goto(f"{address}/payments")
    page.get_by_role("link", name=reference).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Amount (USD)").focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("2.50")
    page.keyboard.press("Tab")
    page.keyboard.type("A scratch")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("USD 2.50 will be given back")).to_be_visible()
    assert shop.get_payment(payment_id=paid.payment_id).refundable_amount == money("9.50", "USD")


def test_an_open_page_follows_its_payment(browser: Browser, address: str, keys: Keys, shop: BayarClient) -> None:
    paid = shop.create_payment(
        reference=f"live-{uuid.uuid4().hex[:6]}",
        amount=money("12.00", "USD"),
        card=card(number="4111111111111111", expiration_month=12, expiration_year=2032, cvv="123"),
    )
    page = a_person(browser, address, keys.operator).page
    with page.expect_response(lambda answer: answer.url.endswith("/live")):
        page.goto(f"{address}/payments/{paid.payment_id}")
    expect(page.get_by_text("USD 12.00 was paid.")).to_be_visible()
    shop.refund_payment(payment_id=paid.payment_id, amount=money("12.00", "USD"))
    # Nobody touched the page.
    expect(
        page.get_by_text("USD 12.00 was paid, and all of it given back.").or_(page.get_by_text("was voided"))
    ).to_be_visible()
