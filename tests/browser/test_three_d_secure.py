"""3-D Secure on the checkout page: the service demands it; the bank passes, challenges or refuses the cardholder."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from bayar import PaymentState, ThreeDSecureStatus, money
from tests.browser.challenge import answer_challenge, answer_challenge_wrongly
from tests.browser.checkout_site import CHALLENGED, FAILS_CHALLENGE, FIELDS, FRICTIONLESS, SECURITY_CODE, Shopper, Site
from tests.browser.shop import Shop
from tests.languages.toolchain import ROOT

PAGE = ROOT / "docs" / "integrate" / "three-d-secure.md"


def test_a_frictionless_card_pays_without_a_challenge(site: Site, person: Shopper) -> None:
    checkout = site.create_in_eur()
    person.open(checkout.url)
    person.type_card(FRICTIONLESS)
    person.pay()
    person.expect_return()
    result = site.payment_of(checkout).three_d_secure
    assert result is not None
    assert (result.status, result.liability_shifted) == (ThreeDSecureStatus.AUTHENTICATED, True)


def test_a_challenged_card_pays_after_the_code(site: Site, person: Shopper) -> None:
    checkout = site.create_in_eur()
    person.open(checkout.url)
    person.type_card(CHALLENGED)
    person.pay()
    answer_challenge_wrongly(person.page)
    answer_challenge(person.page)
    person.expect_return()
    result = site.payment_of(checkout).three_d_secure
    assert result is not None
    assert result.liability_shifted


def test_a_failed_challenge_is_no_payment_and_may_be_tried_again(site: Site, person: Shopper) -> None:
    checkout = site.create_in_eur()
    person.open(checkout.url)
    person.type_card(FAILS_CHALLENGE)
    person.pay()
    answer_challenge(person.page)
    expect(person.message()).to_be_visible()
    assert all(payment.state is PaymentState.DECLINED for payment in site.payments_for(checkout))
    person.retype_number(FRICTIONLESS)
    person.pay()
    person.expect_return()


def test_a_stored_card_is_authenticated_too(site: Site, person: Shopper) -> None:
    customer = site.customer()
    first = site.create_in_eur(customer_id=customer, offer_storing=True)
    person.open(first.url)
    person.type_card(FRICTIONLESS)
    person.page.locator("#save").check()
    person.pay()
    person.expect_return()
    second = site.create_in_eur(customer_id=customer)
    person.open(second.url)
    person.pay()
    person.expect_return()
    result = site.payment_of(second).three_d_secure
    assert result is not None
    assert result.liability_shifted


def test_the_page_on_three_d_secure_leads_to_a_paid_order(site: Site, shop: Shop) -> None:
    (snippet,) = re.findall(r"```js\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    elements = "".join(f"<div id={name}></div>" for name in ("number", "expiration-date", "cvv"))
    shop.page.add_script_tag(content=snippet)
    failed = shop.run(
        "document.body.insertAdjacentHTML('beforeend', given.elements);"
        "window.pay = await prepare(given.token, '2099.00');",
        elements=elements,
        token=site.bayar.create_client_token(currency_code="USD"),
    )
    assert not failed
    for name, text in (("number", CHALLENGED), ("expirationDate", "1230"), ("cvv", SECURITY_CODE)):
        frame = shop.page.frame_locator(f"iframe[name=braintree-hosted-field-{name}]")
        frame.locator(FIELDS[name]).press_sequentially(text)
    shop.start("return pay();")
    answer_challenge(shop.page)
    paid = site.bayar.create_payment(
        reference="order-of-the-page", amount=money("2099.00", "USD"), payment_method_nonce=shop.finished()
    )
    assert paid.state is PaymentState.CAPTURED
    assert paid.three_d_secure is not None
    assert paid.three_d_secure.liability_shifted
