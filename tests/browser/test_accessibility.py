"""Everybody can use the page: keyboard and screen reader, both themes and languages, at 320 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.checkout_site import DECLINED, SMALLEST_PHONE, Shopper, Site, shopper
from tests.end_to_end.checkout_steps import NONCE
from tests.end_to_end.checkout_steps import Shopper as WithoutBrowser


@pytest.fixture(params=[("light", "id"), ("dark", "en")], ids=["light, Indonesian", "dark, English"])
def small(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[tuple[Shopper, str]]:
    """A shopper with the smallest phone, and the language of their checkouts."""
    scheme, language = request.param
    context: dict[str, Any] = {"viewport": SMALLEST_PHONE, "color_scheme": scheme, "is_mobile": True}
    with shopper(browser, site, **context) as person:
        yield person, language


def check(person: Shopper) -> None:
    assert person.page.evaluate("document.documentElement.scrollWidth") <= SMALLEST_PHONE["width"]
    assert person.violations() == []


def test_axe_finds_nothing_while_a_shopper_pays(site: Site, small: tuple[Shopper, str]) -> None:
    person, language = small
    checkout = site.create(DECLINED, language_code=language)
    person.open(checkout.url)
    person.pay()
    expect(person.page.locator("#card-cvv-error")).to_be_visible()
    check(person)
    person.type_card()
    person.pay()
    person.expect_state("declined")
    check(person)
    for path in ("**/pay", "**/status"):
        person.page.route(path, lambda route: route.abort("internetdisconnected"))
    person.pay()
    expect(person.page.locator("#progress")).to_contain_text({"en": "connection is lost", "id": "Koneksi"}[language])
    check(person)


@pytest.mark.parametrize("state", ["paid", "expired", "used_up", "already_paid", "pending"])
def test_axe_finds_nothing_at_the_end(site: Site, small: tuple[Shopper, str], state: str) -> None:
    person, language = small
    checkout = site.create(language_code=language, max_uses=2 if state == "used_up" else 1)
    if state == "expired":
        site.bayar.expire_checkout(checkout_id=checkout.checkout_id)
    elif state == "already_paid":
        site.bayar.create_payment(reference=checkout.reference, amount=checkout.amount, payment_method_nonce=NONCE)
    elif state == "pending":
        site.twin.control.add_fault("reset_before", method="POST", path="/transactions", next=1)
    for _ in range({"paid": 1, "pending": 1, "used_up": 2}.get(state, 0)):
        other = WithoutBrowser(checkout.url)
        other.open()
        assert other.pay().state == {"pending": "pending"}.get(state, "paid")
    person.open(checkout.url, state=state)
    check(person)


def test_axe_finds_nothing_where_there_is_no_checkout(site: Site, small: tuple[Shopper, str]) -> None:
    person, language = small
    person.page.goto(f"{site.url}/c/{'A' * 43}?lang={language}")
    check(person)


def test_the_focus_moves_to_the_message_after_a_decline(site: Site, person: Shopper) -> None:
    person.open(site.create(DECLINED).url)
    expect(person.message()).to_have_attribute("role", "alert")
    person.type_card()
    person.input("cvv").press("Enter")
    person.expect_state("declined")
    expect(person.message()).to_be_focused()
    expect(person.page.locator("#pay")).to_be_enabled()


def test_the_focus_moves_to_the_first_faulty_field(site: Site, person: Shopper) -> None:
    person.open(site.create().url)
    person.type_card(cvv="1")
    person.pay()
    expect(person.input("cvv")).to_be_focused()
    expect(person.page.locator("#card-cvv-error")).to_have_attribute("aria-live", "polite")


def test_the_focus_moves_to_the_result(site: Site, person: Shopper) -> None:
    # The page stays where it is.
    stay = "window.setTimeout = ((wait) => (run, ms) => ms === 2000 ? 0 : wait(run, ms))(setTimeout)"
    person.page.add_init_script(stay)
    person.open(site.create().url)
    person.type_card()
    person.pay()
    person.expect_state("paid")
    expect(person.page.locator("#progress")).to_be_focused()
    expect(person.page.locator("#progress")).to_have_attribute("role", "status")
