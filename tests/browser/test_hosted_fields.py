"""A person types a card into the twin's frames, which the unmodified hosted-fields component puts on a shop's page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, expect

from tests.browser.card_form import CARD, EXPIRY, NEXT_YEAR, CardForm
from tests.browser.shop import Shop, braintree_web

VISA, AMEX, MASTERCARD = "4111111111111111", "378282246310005", "5555555555554444"
TOKENIZATION = "**/client_api/v1/payment_methods/credit_cards"
TOKENIZATION_KEY = "sandbox_cc71a5b4_twin_merchant"

Opener = Callable[..., CardForm]


@pytest.fixture
def shop(browser: Browser) -> Iterator[Shop]:
    opened = Shop(browser, braintree_web(), ("client", "hosted-fields"))
    yield opened
    opened.close()


@pytest.fixture
def open_form(shop: Shop) -> Opener:
    def opened(fields: dict[str, Any] | None = None, **options: Any) -> CardForm:
        return CardForm(shop, TOKENIZATION_KEY, fields or CARD, **options)

    return opened


def test_a_typed_card_becomes_a_nonce_that_pays(shop: Shop, gateway: Any) -> None:
    form = CardForm(shop, str(gateway.client_token.generate()), CARD)
    form.fill()
    made = form.tokenize(cardholderName="Ada", billingAddress={"postalCode": "60622", "countryCodeAlpha2": "ID"})
    assert (made["type"], made["description"]) == ("CreditCard", "ending in 11")
    assert (made["details"]["bin"], made["details"]["lastFour"]) == ("411111", "1111")
    paid = gateway.transaction.sale({"amount": "41.00", "payment_method_nonce": made["nonce"]})
    card = paid.transaction.credit_card_details
    assert paid.is_success
    assert (card.cardholder_name, card.expiration_date) == ("Ada", f"12/{NEXT_YEAR}")
    assert paid.transaction.billing_details.postal_code == "60622"
    assert shop.errors == []


def test_the_shops_page_receives_no_digit_beyond_the_first_six(shop: Shop, open_form: Opener) -> None:
    shop.run("window.heard = []; addEventListener('message', (event) => heard.push(JSON.stringify(event.data)));")
    form = open_form()
    form.fill(cvv="987")
    form.tokenize()
    heard = "".join(shop.run("return heard;"))
    assert '\\"411111\\"' in heard
    assert "4111111" not in heard
    assert '"987"' not in heard
    assert "4111" not in shop.run("return document.documentElement.outerHTML;")


def test_the_keyboard_walks_through_the_fields_and_back(shop: Shop, open_form: Opener) -> None:
    form = open_form()
    form.input("number").focus()
    for name, text in (("number", VISA), ("expirationDate", EXPIRY), ("cvv", "123")):
        expect(form.input(name)).to_be_focused()
        shop.page.keyboard.type(text)
        shop.page.keyboard.press("Tab")
    expect(shop.page.locator("#pay")).to_be_focused()
    shop.page.keyboard.press("Shift+Tab")
    expect(form.input("cvv")).to_be_focused()
    assert form.tokenize()["nonce"]


def test_a_software_keyboard_walks_through_the_fields(browser: Browser) -> None:
    android = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36"
    shop = Shop(browser, braintree_web(), user_agent=android)
    form = CardForm(shop, TOKENIZATION_KEY, CARD)
    form.input("number").focus()
    for field in ("expirationDate", "cvv"):
        shop.page.keyboard.press("Tab")
        expect(form.input(field)).to_be_focused()
    shop.page.keyboard.press("Shift+Tab")
    expect(form.input("expirationDate")).to_be_focused()
    shop.close()


def test_a_number_is_grouped_as_on_its_card(shop: Shop, open_form: Opener) -> None:
    form = open_form()
    for number, shown in (
        (VISA, "4111 1111 1111 1111"),
        (AMEX, "3782 822463 10005"),
        ("4111-1111x1111 1111", "4111 1111 1111 1111"),
        ("36259600000004", "3625 960000 0004"),
        (AMEX + "999", "3782 822463 10005"),
    ):
        form.type("number", number)
        expect(form.input("number")).to_have_value(shown)
        shop.run("hosted.clear('number');")


def test_a_number_is_corrected_in_the_middle(shop: Shop, open_form: Opener) -> None:
    form = open_form()
    form.type("number", "411122221111")
    for key in (*["ArrowLeft"] * 5, "Backspace", "Backspace", "9"):
        shop.page.keyboard.press(key)
    expect(form.input("number")).to_have_value("4111 2291 111")
    shop.page.keyboard.press("8")
    expect(form.input("number")).to_have_value("4111 2298 1111")


def test_an_expiration_date_is_written_as_on_a_card(shop: Shop, open_form: Opener) -> None:
    form = open_form()
    for typed, shown in (
        ("1230", "12 / 30"),
        ("430", "04 / 30"),
        ("1/30", "01 / 30"),
        ("12/2030", "12 / 2030"),
        ("0", "0"),
        ("12", "12 / "),
    ):
        form.type("expirationDate", typed)
        expect(form.input("expirationDate")).to_have_value(shown)
        shop.run("hosted.clear('expirationDate');")


def test_an_expiration_date_is_deleted_key_by_key(shop: Shop, open_form: Opener) -> None:
    form = open_form()
    form.type("expirationDate", "123")
    for shown in ("12", "1", ""):
        shop.page.keyboard.press("Backspace")
        expect(form.input("expirationDate")).to_have_value(shown)


def test_the_component_knows_whether_a_field_is_valid(shop: Shop, open_form: Opener) -> None:
    form = open_form({field: {} for field in ("number", "expirationDate", "postalCode", "cardholderName")})
    for field, text, valid, possible in (
        ("number", VISA, True, True),
        ("number", "4111111111111112", False, True),
        ("number", "5555555555554445", False, False),
        ("number", "411111", False, True),
        ("number", "99", False, False),
        ("expirationDate", "0120", False, True),
        ("expirationDate", f"12{NEXT_YEAR - 2}", False, False),
        ("expirationDate", f"12{NEXT_YEAR + 30}", False, False),
        ("expirationDate", "13", False, False),
        ("expirationDate", EXPIRY, True, True),
        ("postalCode", "12", False, True),
        ("postalCode", "SW1A 1AA", True, True),
        ("cardholderName", "4111 1111", False, True),
        ("cardholderName", "Ada Lovelace", True, True),
    ):
        form.type(field, text)
        form.events()
        assert form.state(field) == (valid, possible), (field, text)
        classes = shop.page.locator(f"#of-{field}").get_attribute("class") or ""
        assert ("fields-valid" in classes, "fields-invalid" in classes) == (valid, not possible), (field, text)
        expect(form.input(field)).to_have_attribute("aria-invalid", str(not possible).lower())
        shop.run("hosted.clear(given.field);", field=field)


def test_the_security_code_follows_the_brand(open_form: Opener) -> None:
    form = open_form()
    form.type("cvv", "1234")
    form.type("number", VISA)
    form.events()
    assert form.state("cvv") == (False, False)
    form.input("number").fill("")
    form.type("number", AMEX)
    form.events()
    assert form.state("cvv") == (True, True)


def test_the_component_emits_each_event_once(open_form: Opener) -> None:
    form = open_form()
    form.type("number", VISA)
    form.input("number").press("Enter")
    form.input("number").fill("")
    form.input("cvv").focus()
    changes = form.events("empty", "notEmpty", "validityChange", "inputSubmitRequest", "focus", "blur", "binAvailable")
    assert [(event["type"], event.get("field")) for event in changes] == [
        ("focus", "number"),
        ("notEmpty", "number"),
        ("binAvailable", None),
        ("validityChange", "number"),
        ("inputSubmitRequest", "number"),
        ("empty", "number"),
        ("validityChange", "number"),
        ("blur", "number"),
        ("focus", "cvv"),
    ]
    assert [event["cards"] for event in form.events("cardTypeChange")][:2] == [["visa", "maestro", "elo"], ["visa"]]


def test_empty_fields_are_not_tokenized(open_form: Opener) -> None:
    form = open_form()
    failed = form.tokenize()["failed"]
    assert (failed["name"], failed["code"]) == ("BraintreeError", "HOSTED_FIELDS_FIELDS_EMPTY")
    form.type("number", VISA)
    failed = form.tokenize()["failed"]
    assert failed["code"] == "HOSTED_FIELDS_FIELDS_INVALID"
    assert failed["details"]["invalidFieldKeys"] == ["expirationDate", "cvv"]
    assert set(failed["details"]["invalidFields"]) == {"expirationDate", "cvv"}
    expect(form.input("cvv")).to_have_attribute("aria-invalid", "true")
    form.type("cvv", "1")
    expect(form.input("cvv")).to_have_attribute("aria-invalid", "false")


def test_a_faulty_number_is_corrected_and_tokenized(open_form: Opener) -> None:
    form = open_form()
    form.fill(number="5555555555554445")
    failed = form.tokenize()["failed"]
    assert failed["details"]["invalidFieldKeys"] == ["number"]
    form.input("number").press("End")
    form.input("number").press("Backspace")
    form.type("number", "4")
    assert form.tokenize()["details"]["cardType"] == "MasterCard"


def test_a_lost_network_is_reported_and_the_second_try_succeeds(shop: Shop, open_form: Opener) -> None:
    form = open_form()
    form.fill()
    shop.page.route(TOKENIZATION, lambda route: route.abort("internetdisconnected"))
    failed = form.tokenize()["failed"]
    assert (failed["code"], failed["details"]["originalError"]["name"]) == (
        "HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR",
        "TypeError",
    )
    shop.page.unroute(TOKENIZATION)
    assert form.tokenize()["nonce"]
    shop.page.route(
        TOKENIZATION, lambda route: route.fulfill(status=503, body="busy", headers={"Access-Control-Allow-Origin": "*"})
    )
    assert form.tokenize()["failed"]["code"] == "HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR"


def test_a_card_that_the_gateway_refuses_says_why(open_form: Opener) -> None:
    form = open_form({"number": {}, "cvv": {}})
    form.type("number", VISA)
    form.type("cvv", "123")
    failed = form.tokenize()["failed"]
    assert failed["code"] == "HOSTED_FIELDS_FAILED_TOKENIZATION"
    refused = failed["details"]["originalError"]["details"]
    assert refused["httpStatus"] == 422
    assert refused["originalError"]["fieldErrors"][0]["fieldErrors"][0]["code"] == "81709"


def test_a_customers_card_is_vaulted_once(shop: Shop, gateway: Any) -> None:
    customer = gateway.customer.create().customer
    options = {"customer_id": customer.id, "options": {"fail_on_duplicate_payment_method": True}}
    form = CardForm(shop, str(gateway.client_token.generate(options)), CARD)
    form.fill(number="4009348888881881")
    assert form.tokenize()["nonce"]
    assert gateway.customer.find(customer.id).payment_methods == []
    assert form.tokenize(vault=True)["nonce"]
    assert [method.last_4 for method in gateway.customer.find(customer.id).payment_methods] == ["1881"]
    assert form.tokenize(vault=True)["failed"]["code"] == "HOSTED_FIELDS_TOKENIZATION_FAIL_ON_DUPLICATE"


def test_other_fields_are_tokenized_too(open_form: Opener, gateway: Any) -> None:
    months = [f"month {number}" for number in range(1, 13)]
    form = open_form(
        {
            "number": {},
            "expirationMonth": {"select": {"options": months}, "placeholder": "Month"},
            "expirationYear": {"select": True, "placeholder": "Year"},
            "cardholderName": {},
            "postalCode": {"maxlength": 5},
        }
    )
    form.type("number", MASTERCARD)
    form.input("expirationMonth").select_option("month 3")
    form.input("expirationYear").select_option(str(NEXT_YEAR))
    form.type("cardholderName", "Grace Hopper")
    form.type("postalCode", "606229")
    made = form.tokenize()
    paid = gateway.transaction.sale({"amount": "42.00", "payment_method_nonce": made["nonce"]}).transaction
    assert paid.credit_card_details.cardholder_name == "Grace Hopper"
    assert paid.credit_card_details.expiration_date == f"03/{NEXT_YEAR}"
    assert paid.billing_details.postal_code == "60622"
    form.shop.run("await hosted.setMonthOptions(given.names);", names=[str(number) for number in range(1, 13)])
    expect(form.input("expirationMonth").locator("option:checked")).to_have_text("3")


def test_a_security_code_alone_is_tokenized(open_form: Opener) -> None:
    form = open_form({"cvv": {"type": "password", "maxlength": 3}})
    expect(form.input("cvv")).to_have_attribute("type", "password")
    form.type("cvv", "1234")
    assert form.tokenize()["nonce"]


def test_the_component_changes_the_fields(shop: Shop, open_form: Opener) -> None:
    form = open_form({**CARD, "number": {"placeholder": "1234", "internalLabel": "Nomor kartu"}})
    number = form.input("number")
    expect(number).to_have_attribute("placeholder", "1234")
    expect(number).to_have_accessible_name("Nomor kartu")
    shop.run("hosted.setAttribute({field: 'number', attribute: 'placeholder', value: '4111'});")
    expect(number).to_have_attribute("placeholder", "4111")
    shop.run("hosted.removeAttribute({field: 'number', attribute: 'placeholder'});")
    expect(number).not_to_have_attribute("placeholder", "4111")
    shop.run("hosted.setAttribute({field: 'number', attribute: 'disabled', value: true});")
    expect(number).to_be_disabled()
    shop.run("hosted.setAttribute({field: 'number', attribute: 'disabled', value: false});")
    expect(number).to_be_enabled()
    shop.run("hosted.addClass('number', 'shaken');")
    expect(number).to_have_class("number shaken")
    shop.run(
        "hosted.removeClass('number', 'shaken'); hosted.setMessage({field: 'number', message: 'It is too short'});"
    )
    expect(number).to_have_accessible_description("It is too short")
    expect(form.input("cvv")).to_have_accessible_description("")
    form.type("number", "4111")
    shop.run("hosted.clear('number');")
    expect(number).to_have_value("")
    shop.run("hosted.focus('cvv');")
    expect(form.input("cvv")).to_be_focused()
    shop.page.locator("label[for=of-expirationDate]").click()
    expect(form.input("expirationDate")).to_be_focused()


def test_the_shops_styles_reach_the_fields_and_load_nothing(shop: Shop, open_form: Opener) -> None:
    warnings: list[str] = []
    shop.page.on("console", lambda message: warnings.append(message.text))
    styles = {
        "input": {
            "color": "rgb(1, 2, 3)",
            "fontSize": "21px",
            "position": "fixed",
            "font-family": "url(https://x.example)",
        },
        "input.invalid": {"color": "rgb(200, 0, 0)"},
        ":-moz-unknown{}": {"color": "rgb(9, 9, 9)"},
        "@media screen and (min-width: 1px)": {"input": {"letter-spacing": "2px"}},
    }
    form = open_form(styles=styles)
    number = form.input("number")
    expect(number).to_have_css("color", "rgb(1, 2, 3)")
    expect(number).to_have_css("font-size", "21px")
    expect(number).to_have_css("letter-spacing", "2px")
    expect(number).to_have_css("position", "static")
    assert len([text for text in warnings if "do not support" in text]) == 6
    form.type("number", "99")
    expect(number).to_have_css("color", "rgb(200, 0, 0)")


def test_brands_that_the_shop_does_not_take_are_invalid(open_form: Opener) -> None:
    form = open_form({**CARD, "number": {"supportedCardBrands": {"visa": False, "diners-club": True}}})
    form.type("number", VISA)
    form.events()
    assert form.state("number") == (False, False)
    form.input("number").fill("")
    form.type("number", "36259600000004")
    form.events()
    assert form.state("number") == (True, True)


def test_a_masked_number_is_shown_while_it_is_edited(open_form: Opener) -> None:
    form = open_form({**CARD, "number": {"maskInput": {"showLastFour": True}}, "cvv": {"maskInput": True}})
    form.fill()
    expect(form.input("number")).to_have_value("•••• •••• •••• 1111")
    form.input("number").focus()
    expect(form.input("number")).to_have_value("4111 1111 1111 1111")
    expect(form.input("cvv")).to_have_value("•••")
    assert form.tokenize()["nonce"]


def test_the_bin_has_eight_digits_if_the_shop_asks_for_them(open_form: Opener) -> None:
    form = open_form(binVerificationLength=8)
    form.type("number", VISA)
    assert [event["bin"] for event in form.events("binAvailable")] == ["41111111"]


def test_without_a_referrer_no_bin_is_available(shop: Shop, open_form: Opener) -> None:
    shop.run("document.head.insertAdjacentHTML('beforeend', '<meta name=referrer content=no-referrer>');")
    form = open_form()
    form.fill()
    assert form.events("binAvailable") == []
    assert form.tokenize()["nonce"]


def test_a_form_without_formatting_takes_text_as_it_is(open_form: Opener) -> None:
    fields = {"number": {"formatInput": False}, "expirationDate": {"type": "month"}, "cvv": {}}
    form = open_form(fields)
    form.type("number", "4111 1111-1111 1111")
    expect(form.input("number")).to_have_value("4111 1111-1111 1111")
    form.input("expirationDate").fill(f"{NEXT_YEAR}-07")
    form.type("cvv", "123")
    assert form.tokenize()["details"]["expirationMonth"] == "07"


def test_a_form_is_torn_down_and_made_again(shop: Shop, open_form: Opener) -> None:
    form = open_form()
    form.fill()
    shop.run("await hosted.teardown(); document.forms[0].remove();")
    assert shop.page.locator("iframe").count() == 0
    second = open_form()
    second.fill(number=MASTERCARD)
    assert second.tokenize()["details"]["lastFour"] == "4444"


def test_two_forms_on_a_page_do_not_hear_each_other(shop: Shop, open_form: Opener) -> None:
    open_form().fill()
    second = shop.run(
        "document.body.insertAdjacentHTML('beforeend', '<div id=second></div>');"
        "const other = await braintree.hostedFields.create({client, fields: {cvv: {container: '#second'}}});"
        "return [other.getState().fields.cvv.isEmpty, hosted.getState().fields.cvv.isEmpty];"
    )
    assert second == [True, False]


def test_the_component_loads_the_client_itself_from_the_gateways_host(browser: Browser) -> None:
    shop = Shop(browser, braintree_web(), ("hosted-fields",))
    asked: list[str] = []
    shop.page.on("request", lambda request: asked.append(request.url))
    form = CardForm(shop, TOKENIZATION_KEY, CARD)
    form.fill()
    assert form.tokenize()["nonce"]
    assert "https://assets.braintreegateway.com/web/3.144.0/js/client.min.js" in asked
    shop.close()


def test_a_page_loads_every_script_from_the_gateways_host(browser: Browser) -> None:
    page = browser.new_page()
    page.route("https://shop.example/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("https://shop.example/")
    for name in ("client", "hosted-fields", "three-d-secure", "data-collector"):
        page.add_script_tag(url=f"https://js.braintreegateway.com/web/3.144.0/js/{name}.min.js")
    assert page.evaluate("braintree.hostedFields.VERSION") == "3.144.0"
    with pytest.raises(Error):
        page.add_script_tag(url="https://js.braintreegateway.com/web/3.0.0/js/client.min.js")
    page.close()
