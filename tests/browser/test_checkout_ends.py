"""A checkout that ends while its page is open: the shopper reads it, and nothing is charged."""

from __future__ import annotations

from playwright.sync_api import expect

from bayar import CheckoutState
from tests.browser.checkout_site import CANCEL_URL, Shopper, Site
from tests.end_to_end.checkout_steps import NONCE
from tests.end_to_end.checkout_steps import Shopper as WithoutBrowser
from tests.end_to_end.service import until


def test_an_ended_checkout_takes_no_payment(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()
    site.bayar.expire_checkout(checkout_id=checkout.checkout_id)
    person.pay()
    person.expect_state("expired")
    expect(person.page.locator("#payment")).to_be_hidden()
    person.open(checkout.url, state="expired")
    assert site.payments_for(checkout) == []


def test_a_page_tells_by_itself_that_its_time_is_over(site: Site, person: Shopper) -> None:
    checkout = site.create()
    site.end_in(checkout, 3)
    person.open(checkout.url)
    person.type_card()
    person.expect_state("expired")
    expect(person.message()).to_contain_text("expired")
    expect(person.page.locator("#payment")).to_be_hidden()
    expect(person.page.locator("#cancel")).to_be_hidden()
    expect(person.page.locator("#return")).to_have_attribute("href", CANCEL_URL)
    assert site.payments_for(checkout) == []


def test_a_page_that_waits_for_the_bank_goes_on_after_its_time(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()
    site.twin.control.add_fault("delay", method="POST", path="/transactions", seconds=1, when="after", next=1)
    person.pay()
    until(lambda: WithoutBrowser(checkout.url).status().state == "pending")
    site.end_in(checkout, 0)
    person.expect_return()
    assert site.payment_of(checkout).captured_amount.minor_units == 2500


def test_a_link_that_others_have_used_up_takes_no_payment(site: Site, person: Shopper) -> None:
    link = site.create(max_uses=2)
    person.open(link.url)
    person.type_card()
    for _ in range(2):
        other = WithoutBrowser(link.url)
        other.open()
        assert other.pay(NONCE).state == "paid"
    person.pay()
    person.expect_state("used_up")
    expect(person.message()).to_contain_text("as often as it allows")
    expect(person.page.locator("#payment")).to_be_hidden()
    person.open(link.url, state="used_up")
    read = site.bayar.get_checkout(checkout_id=link.checkout_id)
    assert (read.state, read.completed_uses) == (CheckoutState.COMPLETED, 2)


def test_an_order_that_was_paid_elsewhere_is_told_before_the_card_is_typed(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()
    site.bayar.create_payment(reference=checkout.reference, amount=checkout.amount, payment_method_nonce=NONCE)
    person.pay()
    person.expect_state("already_paid")
    expect(person.message()).to_contain_text("do not pay again")
    expect(person.page.locator("#payment")).to_be_hidden()
    person.open(checkout.url, state="already_paid")
    expect(person.page.locator("#return")).to_have_attribute("href", CANCEL_URL)
    assert len(site.payments_for(checkout)) == 1
