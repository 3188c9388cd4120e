"""From the shopper's browser to a paid order: Chromium pays on the checkout page with the gateway's browser code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route, expect

from bayar import (
    Checkout,
    CheckoutMethod,
    CheckoutState,
    Payment,
    PaymentState,
    ThreeDSecureStatus,
    money,
    verify_checkout_result,
)
from braintree_twin.testing import Twin
from tests.api_keys import in_environment
from tests.browser.challenge import answer_challenge, answer_challenge_wrongly
from tests.browser.checkout_site import (
    CHALLENGED,
    FAILS_CHALLENGE,
    FIELDS,
    FRICTIONLESS,
    PHONE,
    SECURITY_CODE,
    SMALLEST_PHONE,
    VISA,
    Shopper,
    Site,
    running_site,
    shopper,
)
from tests.browser.shop import Shop
from tests.languages.toolchain import ROOT

THREE_D_SECURE_PAGE = ROOT / "docs" / "integrate" / "three-d-secure.md"
DECLINED = "2001.00"
TOKENIZATION = "**/client_api/v1/payment_methods/credit_cards"


@pytest.fixture(scope="module")
def site(twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with in_environment(), running_site(tmp_path_factory.mktemp("site"), twin) as running:
        yield running
        assert "Traceback" not in running.service.log, running.service.log[-4000:]
        assert "4111" not in running.service.log


@pytest.fixture
def person(browser: Browser, site: Site) -> Iterator[Shopper]:
    with shopper(browser, site) as opened:
        yield opened


def payment_of(site: Site, checkout: Checkout) -> Payment:
    """The payment that paid the checkout, which is complete."""
    read = site.bayar.get_checkout(checkout_id=checkout.checkout_id)
    assert read.state is CheckoutState.COMPLETED
    return site.bayar.get_payment(payment_id=read.payment_id)


def payments_for(site: Site, checkout: Checkout) -> list[Payment]:
    return list(site.bayar.list_payments(reference=checkout.reference))


def test_a_new_card_pays_the_order(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    expect(person.page.locator("#order")).to_contain_text("Gayo, 250 g")
    expect(person.page.locator("#total")).to_contain_text("25.00")
    person.type_card()
    person.pay()
    address = person.expect_return()
    paid = payment_of(site, checkout)
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
    for text in (VISA, "1230", SECURITY_CODE):
        person.page.keyboard.type(text)
        person.page.keyboard.press("Tab")
    person.input("cvv").press("Enter")
    person.expect_return()
    assert payment_of(site, checkout).state is PaymentState.CAPTURED


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
    assert payment_of(site, second).payment_method_id == stored.payment_method_id


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
    assert [payment.state for payment in payments_for(site, checkout)] == [PaymentState.DECLINED]
    person.pay()
    person.expect_state("declined")
    expect(person.page.locator("main#checkout")).to_have_attribute("data-attempt", "3")
    assert len(payments_for(site, checkout)) == 2


def test_a_faulty_card_is_named_before_anything_is_sent(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card(number="4111111111111112", expiry="0120")
    person.pay()
    expect(person.page.locator("#card-number-error")).to_be_visible()
    expect(person.page.locator("#card-expiry-error")).to_be_visible()
    assert payments_for(site, checkout) == []
    person.retype_number(VISA)
    person.input("expirationDate").fill("")
    person.input("expirationDate").press_sequentially("1230")
    expect(person.page.locator("#card-number-error")).to_be_hidden()
    person.pay()
    person.expect_return()


def test_two_clicks_and_two_tabs_pay_once(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    second = person.context.new_page()
    other = Shopper(site, person.context, second)
    other.open(checkout.url)
    other.type_card()
    person.type_card()
    person.page.locator("#pay").dblclick()
    person.expect_return()
    other.pay()
    expect(second.locator("main#checkout")).to_have_attribute("data-state", re.compile("paid"))
    assert [payment.state for payment in payments_for(site, checkout)] == [PaymentState.CAPTURED]
    person.page.go_back()
    person.expect_state("paid")
    assert len(payments_for(site, checkout)) == 1


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
    assert len(payments_for(site, checkout)) == 1


def test_a_request_that_never_arrived_may_be_sent_again(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()
    person.page.route("**/pay", lambda route: route.abort("internetdisconnected"), times=1)
    person.pay()
    expect(person.message()).to_be_visible()
    person.expect_state("open")
    assert payments_for(site, checkout) == []
    person.page.route(TOKENIZATION, lambda route: route.abort("internetdisconnected"), times=1)
    person.pay()
    expect(person.message()).to_contain_text("connection")
    person.pay()
    person.expect_return()
    assert len(payments_for(site, checkout)) == 1


def test_an_unknown_outcome_asks_not_to_pay_again_and_ends_by_itself(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()
    site.twin.control.add_fault("reset_after", method="POST", path="/transactions", next=1)
    person.pay()
    person.expect_return()
    assert [payment.state for payment in payments_for(site, checkout)] == [PaymentState.CAPTURED]


def refuse(route: Route) -> None:
    """Answer as a service that is away for a moment."""
    body = '{"state": "error", "message": "Not now."}'
    route.fulfill(status=503, headers={"Retry-After": "1"}, content_type="application/json", body=body)


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
    assert len(payments_for(site, checkout)) == 1


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
    assert len(payments_for(site, checkout)) == 1


def test_an_ended_checkout_takes_no_payment(site: Site, person: Shopper) -> None:
    checkout = site.create()
    person.open(checkout.url)
    person.type_card()
    site.bayar.expire_checkout(checkout_id=checkout.checkout_id)
    person.pay()
    person.expect_state("expired")
    expect(person.page.locator("#payment")).to_be_hidden()
    person.open(checkout.url, state="expired")
    assert payments_for(site, checkout) == []


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


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "dark"), (SMALLEST_PHONE, "light")], ids=["390 px, dark", "320 px, light"]
)
def test_the_page_fits_a_phone_and_axe_finds_nothing(
    browser: Browser, site: Site, size: dict[str, int], scheme: str
) -> None:
    customer = site.customer()
    site.bayar.add_payment_method(customer_id=customer, payment_method_nonce="fake-valid-mastercard-nonce")
    checkout = site.create(customer_id=customer, offer_storing=True)
    with shopper(browser, site, viewport=size, color_scheme=scheme, is_mobile=True, has_touch=True) as person:
        person.open(checkout.url)
        person.page.locator("input[name=method][value=card]").check()
        person.type_card(number="4111111111111112")
        person.pay()
        expect(person.page.locator("#card-number-error")).to_be_visible()
        assert person.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert person.violations() == []
        person.retype_number(VISA)
        person.pay()
        person.expect_return()


def test_axe_finds_nothing_after_a_decline_and_after_each_end(site: Site, person: Shopper) -> None:
    declined, paid, ended = site.create(DECLINED), site.create(), site.create()
    person.open(paid.url)
    person.type_card()
    person.pay()
    person.expect_return()
    person.open(paid.url, state="paid")
    assert person.violations() == []
    person.open(declined.url)
    person.type_card()
    person.pay()
    person.expect_state("declined")
    assert person.violations() == []
    site.bayar.expire_checkout(checkout_id=ended.checkout_id)
    person.open(ended.url, state="expired")
    assert person.violations() == []


APPLE_PAY = """
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


def test_a_wallet_pays(site: Site, person: Shopper) -> None:
    checkout = site.create(methods=[CheckoutMethod.CARD, CheckoutMethod.APPLE_PAY])
    person.page.add_init_script(APPLE_PAY)
    person.open(checkout.url)
    person.page.locator("#apple-pay").click()
    person.expect_return()
    paid = payment_of(site, checkout)
    assert paid.instrument is not None
    assert "APPLE_PAY" in paid.instrument.kind.name


class TestThreeDSecure:
    """The service demands 3-D Secure."""

    @pytest.fixture(scope="class")
    def site(self, twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
        settings = {"BAYAR_THREE_D_SECURE": "required"}
        with in_environment(), running_site(tmp_path_factory.mktemp("secure"), twin, settings) as running:
            yield running

    def test_a_frictionless_card_pays_without_a_challenge(self, site: Site, person: Shopper) -> None:
        checkout = site.create()
        person.open(checkout.url)
        person.type_card(FRICTIONLESS)
        person.pay()
        person.expect_return()
        result = payment_of(site, checkout).three_d_secure
        assert result is not None
        assert (result.status, result.liability_shifted) == (ThreeDSecureStatus.AUTHENTICATED, True)

    def test_a_challenged_card_pays_after_the_code(self, site: Site, person: Shopper) -> None:
        checkout = site.create()
        person.open(checkout.url)
        person.type_card(CHALLENGED)
        person.pay()
        answer_challenge_wrongly(person.page)
        answer_challenge(person.page)
        person.expect_return()
        result = payment_of(site, checkout).three_d_secure
        assert result is not None
        assert result.liability_shifted

    def test_a_failed_challenge_is_no_payment_and_may_be_tried_again(self, site: Site, person: Shopper) -> None:
        checkout = site.create()
        person.open(checkout.url)
        person.type_card(FAILS_CHALLENGE)
        person.pay()
        answer_challenge(person.page)
        expect(person.message()).to_be_visible()
        assert all(payment.state is PaymentState.DECLINED for payment in payments_for(site, checkout))
        person.retype_number(FRICTIONLESS)
        person.pay()
        person.expect_return()

    def test_the_page_on_three_d_secure_leads_to_a_paid_order(self, site: Site, shop: Shop) -> None:
        (snippet,) = re.findall(r"```js\n(.*?)```", THREE_D_SECURE_PAGE.read_text("utf-8"), re.DOTALL)
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

    def test_a_stored_card_is_authenticated_too(self, site: Site, person: Shopper) -> None:
        customer = site.customer()
        first = site.create(customer_id=customer, offer_storing=True)
        person.open(first.url)
        person.type_card(FRICTIONLESS)
        person.page.locator("#save").check()
        person.pay()
        person.expect_return()
        second = site.create(customer_id=customer)
        person.open(second.url)
        person.pay()
        person.expect_return()
        result = payment_of(site, second).three_d_secure
        assert result is not None
        assert result.liability_shifted
