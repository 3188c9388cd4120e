"""Wallets on the checkout page: Apple Pay in browsers that have it, and PayPal on its own page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bayar import CheckoutMethod, InstrumentKind, PaymentState, money
from tests.browser.checkout_site import APPLE_PAY, DECLINED, Shopper, Site

WITH_PAYPAL = (CheckoutMethod.CARD, CheckoutMethod.PAYPAL)


def test_apple_pay_pays(site: Site, person: Shopper) -> None:
    checkout = site.create(methods=[CheckoutMethod.CARD, CheckoutMethod.APPLE_PAY])
    person.page.add_init_script(APPLE_PAY)
    person.open(checkout.url)
    person.page.locator("#apple-pay").click()
    expect(person.page.locator("#wallets")).to_be_hidden()
    person.expect_return()
    paid = site.payment_of(checkout)
    assert paid.instrument is not None
    assert paid.instrument.kind is InstrumentKind.APPLE_PAY


@pytest.mark.parametrize("max_uses", [1, 2], ids=["order", "link"])
def test_paypal_pays_after_the_approval_on_its_page(site: Site, person: Shopper, max_uses: int) -> None:
    checkout = site.create(methods=WITH_PAYPAL, max_uses=max_uses)
    person.open(checkout.url)
    person.page.locator("#paypal").click()
    expect(person.page.locator("body")).to_contain_text("25.00 USD")
    person.page.locator("#approve").click()
    person.expect_return()
    (paid,) = site.bayar.list_payments(reference_contains=checkout.reference)
    assert paid.instrument is not None
    assert (paid.state, paid.instrument.kind) == (PaymentState.CAPTURED, InstrumentKind.PAYPAL)


def test_a_shopper_who_cancels_at_paypal_reads_it_and_pays_by_card(site: Site, person: Shopper) -> None:
    checkout = site.create(methods=WITH_PAYPAL, language_code="id")
    person.open(checkout.url)
    person.page.locator("#language").click()
    expect(person.page.locator("html")).to_have_attribute("lang", "en")
    person.page.locator("#paypal").click()
    person.page.locator("#cancel").click()
    person.expect_state("open")
    expect(person.message()).to_contain_text("did not pay with PayPal")
    expect(person.page.locator("html")).to_have_attribute("lang", "en")
    assert site.payments_for(checkout) == []
    person.type_card()
    person.pay()
    person.expect_return()


def test_a_reload_after_a_declined_paypal_does_not_pay_again(site: Site, person: Shopper) -> None:
    checkout = site.create(DECLINED, methods=WITH_PAYPAL)
    person.open(checkout.url)
    person.page.locator("#paypal").click()
    person.page.locator("#approve").click()
    person.expect_state("declined")
    expect(person.message()).to_be_focused()
    assert "paypal" not in person.page.url
    person.page.reload()
    person.expect_state("open")
    expect(person.message()).to_contain_text("funds")
    assert len(site.payments_for(checkout)) == 1


def test_a_checkout_without_paypal_heeds_no_approval(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.page.goto(f"{checkout.url}?paypal=approved&token=EC-1&paymentId=PAYID-1&PayerID=X")
    person.expect_state("open")
    expect(person.page.locator("#paypal")).to_have_count(0)
    assert site.payments_for(checkout) == []


# A client whose configuration is that of a merchant account for cards alone.
CARDS_ALONE = """
let client;
window.braintree = {get client() { return client; }, set client(component) {
  client = {...component, create: async (options) => {
    const created = await component.create(options);
    const {gatewayConfiguration} = created.getConfiguration();
    Object.assign(gatewayConfiguration, {paypalEnabled: false, applePayWeb: undefined});
    const configuration = {...created.getConfiguration(), gatewayConfiguration};
    return Object.assign(created, {getConfiguration: () => configuration});
  }};
}};
"""


def test_a_wallet_that_the_account_does_not_take_is_not_shown(site: Site, person: Shopper) -> None:
    person.page.add_init_script(APPLE_PAY)
    person.page.add_init_script(CARDS_ALONE)
    person.open(site.create(methods=[*WITH_PAYPAL, CheckoutMethod.APPLE_PAY]).url)
    expect(person.page.locator("#wallets")).to_be_hidden()
    person.open(site.create(methods=[CheckoutMethod.PAYPAL]).url)
    expect(person.message()).to_contain_text("no way to pay here")


def test_a_wallet_without_three_d_secure_is_not_shown_where_it_is_required(site: Site, person: Shopper) -> None:
    customer = site.customer()
    stored = site.bayar.add_payment_method(
        customer_id=customer, payment_method_nonce="fake-paypal-billing-agreement-nonce"
    )
    methods = [*WITH_PAYPAL, CheckoutMethod.STORED]
    person.open(site.create_in_eur(customer_id=customer, methods=methods).url)
    expect(person.page.locator("#paypal, #methods")).to_have_count(0)
    checkout = site.create(customer_id=customer, methods=methods)
    person.open(checkout.url)
    expect(person.page.locator("#paypal")).to_be_visible()
    expect(person.page.locator("input[name=method]:checked")).to_have_value(stored.payment_method_id)


def test_a_stored_paypal_account_pays_without_a_bank(site: Site, person: Shopper) -> None:
    customer = site.customer()
    site.bayar.add_payment_method(customer_id=customer, payment_method_nonce="fake-paypal-billing-agreement-nonce")
    checkout = site.create(customer_id=customer)
    person.open(checkout.url)
    person.pay()
    person.expect_return()
    assert site.payment_of(checkout).captured_amount == money("25.00", "USD")
    assert not any("method-nonce" in request for request in person.sent)
