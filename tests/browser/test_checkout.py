"""From the shopper's browser to a paid order: Chromium pays on the checkout page with the gateway's browser code."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route, expect

from bayar import PaymentState, verify_checkout_result
from tests.browser.checkout_site import DECLINED, REFUSED, SECURITY_CODE, SMALLEST_PHONE, VISA, Shopper, Site, shopper
from tests.end_to_end.checkout_steps import Shopper as WithoutBrowser
from tests.end_to_end.service import until

TOKENIZATION = "**/client_api/v1/payment_methods/credit_cards"


def test_a_new_card_pays_the_order(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    expect(person.page.locator("#order")).to_contain_text("Gayo, 250 g")
    expect(person.page.locator("#total")).to_contain_text("25.00")
    person.type_card()
    person.pay()
    address = person.expect_return()
    paid = site.payment_of(checkout)
    assert (paid.state, paid.reference, paid.captured_amount.minor_units) == (
        PaymentState.CAPTURED,
        checkout.reference,
        2500,
    )
    result = verify_checkout_result(urlsplit(address).query, checkout.result_key)
    assert (result.checkout_id, result.reference, result.payment_id) == (
        checkout.checkout_id,
        checkout.reference,
        paid.payment_id,
    )


def test_the_keyboard_alone_pays(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.input("number").focus()
    for name, text in (("number", VISA), ("expirationDate", "1230"), ("cvv", SECURITY_CODE)):
        expect(person.input(name)).to_be_focused()
        person.page.keyboard.type(text)
        person.page.keyboard.press("Tab")
    person.input("cvv").press("Enter")
    person.expect_return()
    assert site.payment_of(checkout).state is PaymentState.CAPTURED


def test_a_stored_card_pays_the_next_order(site: Site, person: Shopper) -> None:
    customer = site.customer()
    first = site.create(customer_id=customer, offer_storing=True)
    person.open(first.url)
    person.type_card()
    person.page.locator("#save").check()
    person.pay()
    person.expect_return()
    (stored,) = site.bayar.list_payment_methods(customer_id=customer)
    second = site.create(customer_id=customer)
    person.open(second.url)
    expect(person.page.locator(f"input[name=method][value={stored.payment_method_id}]")).to_be_checked()
    person.pay()
    person.expect_return()
    assert site.payment_of(second).payment_method_id == stored.payment_method_id


def test_a_card_is_not_stored_without_consent(site: Site, person: Shopper) -> None:
    customer = site.customer()
    checkout = site.create(customer_id=customer, offer_storing=True)
    person.open(checkout.url)
    expect(person.page.locator("#save")).not_to_be_checked()
    person.type_card()
    person.pay()
    person.expect_return()
    assert list(site.bayar.list_payment_methods(customer_id=customer)) == []


def test_a_declined_card_may_be_tried_again(site: Site, person: Shopper) -> None:
    checkout = site.create(DECLINED)
    person.open(checkout.url)
    person.type_card()
    person.pay()
    person.expect_state("declined")
    expect(person.message()).not_to_be_empty()
    expect(person.input("number")).to_have_value("4111 1111 1111 1111")
    assert [payment.state for payment in site.payments_for(checkout)] == [PaymentState.DECLINED]
    person.pay()
    person.expect_state("declined")
    expect(person.page.locator("main#checkout")).to_have_attribute("data-attempt", "3")
    assert len(site.payments_for(checkout)) == 2


def test_another_card_pays_after_a_decline(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card(REFUSED)
    person.pay()
    person.expect_state("declined")
    expect(person.message()).to_be_focused()
    expect(person.message()).not_to_contain_text("fraud")
    person.retype_number(VISA)
    person.pay()
    person.expect_return()
    states = {payment.state for payment in site.payments_for(checkout)}
    assert states == {PaymentState.DECLINED, PaymentState.CAPTURED}


def test_a_faulty_card_is_named_before_anything_is_sent(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card(number="4111111111111112", expiry="0120")
    person.pay()
    expect(person.page.locator("#card-number-error")).to_be_visible()
    expect(person.page.locator("#card-expiry-error")).to_be_visible()
    assert site.payments_for(checkout) == []
    person.retype_number(VISA)
    person.input("expirationDate").fill("")
    person.input("expirationDate").press_sequentially("1230")
    expect(person.page.locator("#card-number-error")).to_be_hidden()
    person.pay()
    person.expect_return()


def test_two_clicks_and_two_tabs_pay_once(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    other = Shopper(site, person.context, person.context.new_page())
    other.open(checkout.url)
    other.type_card()
    person.type_card()
    person.page.locator("#pay").dblclick()
    person.expect_return()
    other.pay()
    other.expect_return()
    assert [payment.state for payment in site.payments_for(checkout)] == [PaymentState.CAPTURED]
    person.page.go_back()
    person.expect_state("paid")
    assert len(site.payments_for(checkout)) == 1


def test_a_lost_answer_is_followed_to_its_end(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("internetdisconnected")

    person.page.route("**/pay", lose, times=1)
    person.pay()
    person.expect_return()
    assert len(site.payments_for(checkout)) == 1


def test_a_request_that_never_arrived_may_be_sent_again(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()
    person.page.route("**/pay", lambda route: route.abort("internetdisconnected"), times=1)
    person.pay()
    expect(person.message()).to_be_visible()
    person.expect_state("open")
    assert site.payments_for(checkout) == []
    person.page.route(TOKENIZATION, lambda route: route.abort("internetdisconnected"), times=1)
    person.pay()
    expect(person.message()).to_contain_text("connection")
    person.pay()
    person.expect_return()
    assert len(site.payments_for(checkout)) == 1


def test_an_unknown_outcome_asks_not_to_pay_again_and_ends_by_itself(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()
    site.twin.control.add_fault("reset_after", method="POST", path="/transactions", next=1)
    person.pay()
    person.expect_return()
    assert [payment.state for payment in site.payments_for(checkout)] == [PaymentState.CAPTURED]


def refuse(route: Route) -> None:
    """Answer as a service that is away for a moment."""
    body = '{"state": "error", "message": "Not now."}'
    route.fulfill(status=503, headers={"Retry-After": "1"}, content_type="application/json", body=body)


def test_a_page_opened_while_another_pays_takes_a_card_after_their_decline(site: Site, person: Shopper) -> None:
    checkout = site.create(DECLINED)
    other = WithoutBrowser(checkout.url)
    other.open()
    site.twin.control.add_fault("delay", method="POST", path="/transactions", seconds=2, when="after", next=1)
    with ThreadPoolExecutor(1) as pool:
        paying = pool.submit(other.pay)
        until(lambda: other.status().state == "pending")
        person.open(checkout.url, state="pending")
        assert paying.result().state == "declined"
    expect(person.message()).to_contain_text("funds")
    person.expect_state("open")
    person.type_card()
    person.pay()
    person.expect_state("declined")
    assert len(site.payments_for(checkout)) == 2


def test_a_service_that_is_away_for_a_moment_is_asked_again(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()
    site.twin.control.add_fault("reset_after", method="POST", path="/transactions", next=1)
    person.page.route("**/status", refuse, times=1)
    with person.page.expect_response(lambda answer: answer.url.endswith("/status") and answer.status == 503):
        person.pay()
    person.expect_state("pending")
    expect(person.page.locator("#pay")).to_be_disabled()
    person.expect_return()
    assert len(site.payments_for(checkout)) == 1


def test_an_error_of_a_service_that_took_the_payment_is_followed_to_its_end(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()

    def fail(route: Route) -> None:
        route.fetch()
        refuse(route)

    person.page.route("**/pay", fail, times=1)
    person.pay()
    person.expect_return()
    assert len(site.payments_for(checkout)) == 1


def test_a_page_that_cannot_begin_says_why(site: Site, person: Shopper) -> None:
    def forge(route: Route) -> None:
        route.continue_(headers={**route.request.headers, "x-checkout-token": "0" * 64})

    person.page.route("**/client-token", forge, times=1)
    checkout = site.create()
    person.open(checkout.url, state="failed")
    expect(person.message()).to_contain_text("out of date")
    expect(person.page.locator("#payment")).to_be_hidden()

    def end_first(route: Route) -> None:
        site.end_in(checkout, 0)
        route.continue_()

    person.page.route("**/client-token", end_first, times=1)
    person.open(checkout.url, state="expired")
    expect(person.message()).to_contain_text("expired")


def test_an_unknown_address_gives_nothing_away(site: Site, person: Shopper) -> None:
    answer = person.page.goto(f"{site.url}/c/{'A' * 43}")
    assert answer is not None
    assert answer.status == 404


@pytest.mark.parametrize(("language", "button"), [("en", "Pay"), ("id", "Bayar")])
def test_the_page_speaks_both_languages(site: Site, person: Shopper, language: str, button: str) -> None:
    checkout = site.create(language_code=language)
    person.open(checkout.url)
    expect(person.page.locator("html")).to_have_attribute("lang", language)
    expect(person.page.locator("#pay")).to_contain_text(button)
    expect(person.page.locator("iframe[name=braintree-hosted-field-number]")).to_have_attribute(
        "title", re.compile(".")
    )
    person.type_card(cvv="1")
    person.pay()
    expect(person.page.locator("#card-cvv-error")).to_be_visible()
    person.page.locator("#language").click()
    expect(person.page.locator("html")).not_to_have_attribute("lang", language)


def test_stored_methods_fit_a_phone_and_axe_finds_nothing(browser: Browser, site: Site) -> None:
    customer = site.customer()
    site.bayar.add_payment_method(customer_id=customer, payment_method_nonce="fake-valid-mastercard-nonce")
    checkout = site.create(customer_id=customer, offer_storing=True)
    with shopper(browser, site, viewport=SMALLEST_PHONE, is_mobile=True, has_touch=True) as person:
        person.open(checkout.url)
        person.page.locator("input[name=method][value=card]").check()
        person.type_card(number="4111111111111112")
        person.pay()
        expect(person.page.locator("#card-number-error")).to_be_visible()
        assert person.page.evaluate("document.documentElement.scrollWidth") <= SMALLEST_PHONE["width"]
        assert person.violations() == []
        person.retype_number(VISA)
        person.pay()
        person.expect_return()
