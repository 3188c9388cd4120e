"""What pages tokenize beside cards and PayPal, as braintree-web asks for it; and JSONP, which old pages speak."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from browser_calls import Browser
from twin_sdk import VISA, card, codes_on, sale

from braintree_twin.testing import Twin

Gateway = Any
METHODS = "payment_methods"


@pytest.fixture
def browser(twin: Twin, gateway: Gateway) -> Browser:
    return Browser(twin, gateway)


def graph(browser: Browser, query: str, **variables: Any) -> Any:
    body = {"query": query, "variables": variables}
    status, content, _ = browser.ask("POST", "/graphql", body, {"Authorization": f"Bearer {browser.fingerprint}"})
    assert status == 200, content
    return content.get("data") or content


# JSONP.


def jsonp(browser: Browser, twin: Twin, path: str, **query: str) -> tuple[int, str, dict[str, Any]]:
    """The HTTP status, the name of the called function, and its argument."""
    asked = {"authorizationFingerprint": browser.fingerprint, "callback": "shop.got", **query}
    text = "&".join(f"{quote(name)}={quote(value)}" for name, value in asked.items())
    base = browser.config["clientApiUrl"].removeprefix(twin.url)
    status, script, _ = browser.page("GET", f"{base}/v1/{path}?{text}")
    called = re.fullmatch(r"/\*\*/([\w.]+)\((.*)\)", script, re.DOTALL)
    assert called, script
    return status, called[1], json.loads(called[2])


def test_a_page_tokenizes_a_card_by_jsonp(browser: Browser, twin: Twin, gateway: Gateway) -> None:
    fields = {"number": VISA, "expirationMonth": "11", "expirationYear": "2099", "cvv": "123"}
    query = {f"creditCard[{name}]": text for name, text in fields.items()}
    status, function, answer = jsonp(browser, twin, f"{METHODS}/credit_cards", _method="POST", **query)
    assert (status, function, answer["status"]) == (200, "shop.got", 201)
    assert sale(gateway, payment_method_nonce=answer["creditCards"][0]["nonce"]).credit_card_details.last_4 == "1111"


def test_a_fault_in_jsonp_is_told_in_the_status_of_its_answer(browser: Browser, twin: Twin) -> None:
    query = {"_method": "POST", "creditCard[number]": "4111111111111112"}
    status, _, answer = jsonp(browser, twin, f"{METHODS}/credit_cards", **query)
    assert (status, answer["status"]) == (200, 422)
    assert answer["fieldErrors"]


def test_a_page_reads_by_jsonp(browser: Browser, twin: Twin) -> None:
    before = {each.field for each in twin.control.requests().unhandled_fields}
    for more in ({}, {"_method": "GET"}):
        status, function, answer = jsonp(browser, twin, "configuration", **more)
        assert (status, function, answer["status"]) == (200, "shop.got", 200)
        assert answer["merchantId"] == twin.merchant_id
    # The names of JSONP are no fields of the call.
    after = {each.field for each in twin.control.requests().unhandled_fields}
    assert not (after - before) & {"callback", "_method"}


@pytest.mark.parametrize("callback", ["alert(1)", "<script>", "a b", ""])
def test_jsonp_calls_a_function_by_its_name_only(browser: Browser, twin: Twin, callback: str) -> None:
    base = browser.config["clientApiUrl"].removeprefix(twin.url)
    query = f"authorizationFingerprint={browser.fingerprint}&callback={quote(callback)}"
    status, text, _ = browser.page("GET", f"{base}/v1/configuration?{query}")
    if callback:
        assert status == 400
        assert "callback must be the name of a function" in text
    else:
        assert not text.startswith("/**/")


# Security codes.


def test_a_security_code_alone_goes_with_a_vaulted_card(browser: Browser, gateway: Gateway) -> None:
    token = gateway.customer.create({"credit_card": card()}).customer.credit_cards[0].token
    status, content = browser.client_api("POST", f"{METHODS}/credit_cards", {"creditCard": {"cvv": "200"}})
    assert (status, content["creditCards"][0]["details"]["lastFour"]) == (202, "")
    by_rest = content["creditCards"][0]["nonce"]
    query = "mutation ($input: TokenizeCvvInput!) { tokenizeCvv(input: $input) { tokenizedCvv { id } } }"
    by_graph = graph(browser, query, input={"cvv": "200"})["tokenizeCvv"]["tokenizedCvv"]["id"]
    for nonce in (by_rest, by_graph):
        paid = sale(gateway, payment_method_token=token, payment_method_nonce=nonce)
        assert paid.cvv_response_code == "N"
        alone = gateway.transaction.sale({"amount": "10.00", "payment_method_nonce": nonce})
        assert not alone.is_success
    status, content = browser.client_api("POST", f"{METHODS}/credit_cards", {"creditCard": {"cvv": "12345"}})
    assert status == 422


# SEPA Direct Debit.


def test_a_mandate_is_approved_on_a_page_and_charged(browser: Browser, gateway: Gateway) -> None:
    asked = {
        "sepa_debit": {
            "iban": "DE89 3704 0044 0532 0130 00",
            "mandate_type": "RECURRENT",
            "merchant_or_partner_customer_id": "partner-customer",
            "account_holder_name": "Ada",
        },
        "return_url": "https://shop.example/back",
        "cancel_url": "https://shop.example/no",
    }
    status, content = browser.client_api("POST", "sepa_debit", asked)
    assert status == 201
    mandate = content["message"]["body"]["sepaDebitAccount"]
    status, page, _ = browser.page("GET", mandate["approvalUrl"])
    (back,) = {each.replace("&amp;", "&") for each in re.findall(r'href="(https://shop\.example/back[^"]*)"', page)}
    assert status == 200
    cart = parse_qs(urlsplit(back).query)["cart_id"][0]
    detail = browser.client_api("GET", f"sepa_debit/{cart}")[1]["sepaDebitMandateDetail"]
    assert (detail["last4"], detail["mandateType"]) == ("3000", "RECURRENT")
    account = {
        "last_4": detail["last4"],
        "bank_reference_token": detail["bankReferenceToken"],
        "mandate_type": detail["mandateType"],
        "merchant_or_partner_customer_id": detail["merchantOrPartnerCustomerId"],
    }
    status, content = browser.client_api("POST", f"{METHODS}/sepa_debit_accounts", {"sepa_debit_account": account})
    assert status == 201
    paid = sale(gateway, payment_method_nonce=content["nonce"], options={"submit_for_settlement": True})
    assert (paid.status, paid.sepa_direct_debit_account_details.last_4) == ("settling", "3000")


@pytest.mark.parametrize("change", [{"iban": "DE00"}, {"mandate_type": "WEEKLY"}])
def test_a_faulty_mandate_is_refused(browser: Browser, change: dict[str, str]) -> None:
    valid = {"iban": "DE89370400440532013000", "mandate_type": "ONE_OFF"}
    assert browser.client_api("POST", "sepa_debit", {"sepa_debit": {**valid, **change}})[0] == 422


# UnionPay.


def test_a_union_pay_card_has_capabilities_an_enrollment_and_a_nonce(
    browser: Browser, twin: Twin, gateway: Gateway
) -> None:
    number = "6212345678901232"
    base = browser.config["clientApiUrl"].removeprefix(twin.url)
    query = f"authorizationFingerprint={browser.fingerprint}&creditCard%5Bnumber%5D="
    status, capabilities, _ = browser.ask("GET", f"{base}/v1/{METHODS}/credit_cards/capabilities?{query}{number}")
    assert (status, capabilities["isUnionPay"]) == (200, True)
    _, others, _ = browser.ask("GET", f"{base}/v1/{METHODS}/credit_cards/capabilities?{query}{VISA}")
    assert others["isUnionPay"] is False
    enrollment = {"number": number, "mobile_country_code": "62", "mobile_number": "1234567"}
    status, enrolled = browser.client_api("POST", "union_pay_enrollments", {"unionPayEnrollment": enrollment})
    assert (status, enrolled["smsCodeRequired"]) == (201, True)
    fields = {
        "options": {"unionPayEnrollment": {"id": enrolled["unionPayEnrollmentId"], "smsCode": "12345"}},
        "expirationMonth": "12",
        "expirationYear": "2099",
        "number": number,
    }
    status, content = browser.client_api("POST", f"{METHODS}/credit_cards", {"creditCard": fields})
    assert status == 201, content
    paid = sale(gateway, payment_method_nonce=content["creditCards"][0]["nonce"])
    assert paid.credit_card_details.card_type == "China UnionPay"


# Venmo.

CREATE = """mutation ($input: CreateVenmoPaymentContextInput!) {
    createVenmoPaymentContext(input: $input) { venmoPaymentContext { id status } }
}"""
NODE = """query ($id: ID!) { node(id: $id) { ... on VenmoPaymentContext { status paymentMethodId userName } } }"""
UPDATE = """mutation ($input: UpdateVenmoPaymentContextStatusInput!) {
    updateVenmoPaymentContextStatus(input: $input) { clientMutationId }
}"""


def context(browser: Browser, usage: str) -> str:
    made = graph(browser, CREATE, input={"paymentMethodUsage": usage, "customerClient": "DESKTOP"})
    found = made["createVenmoPaymentContext"]["venmoPaymentContext"]
    assert found["status"] == "CREATED"
    return str(found["id"])


@pytest.mark.parametrize(("usage", "vaultable"), [("MULTI_USE", True), ("SINGLE_USE", False)])
def test_a_venmo_context_is_approved_and_becomes_a_nonce(
    browser: Browser, gateway: Gateway, usage: str, vaultable: bool
) -> None:
    node = graph(browser, NODE, id=context(browser, usage))["node"]
    assert (node["status"], node["userName"]) == ("APPROVED", "@venmojoe")
    customer_id = gateway.customer.create().customer.id
    made = gateway.payment_method.create({"customer_id": customer_id, "payment_method_nonce": node["paymentMethodId"]})
    if vaultable:
        assert made.payment_method.venmo_user_id == "1234567891234567891"
    else:
        assert codes_on(made, "venmo_account", "base") == ["82902"]
        paid = sale(gateway, payment_method_nonce=node["paymentMethodId"])
        assert paid.venmo_account_details.username == "venmojoe"


def test_a_canceled_venmo_context_stays_canceled(browser: Browser) -> None:
    identifier = context(browser, "MULTI_USE")
    graph(browser, UPDATE, input={"id": identifier, "status": "CANCELED"})
    node = graph(browser, NODE, id=identifier)["node"]
    assert (node["status"], node["paymentMethodId"]) == ("CANCELED", None)


# Other wallets.


@pytest.mark.parametrize(
    ("path", "section", "fields", "shown", "details"),
    [
        ("samsung_pay_cards", "samsungPayCard", {"cardBrand": "MASTERCARD"}, "samsungPayCards", "samsung_pay_card"),
        ("masterpass_cards", "masterpassCard", {"requestToken": "t"}, "masterpassCards", "masterpass_card"),
        ("visa_checkout_cards", "visaCheckoutCard", {"callId": "c"}, "visaCheckoutCards", "visa_checkout_card"),
        ("android_pay_cards", "androidPayCard", {"sourceCardType": "Visa"}, "androidPayCards", "android_pay_card"),
        (
            "meta_checkout_cards",
            "metaCheckoutCard",
            {"number": VISA, "expirationMonth": "12", "expirationYear": "2030", "containerId": "container123"},
            "metaCheckoutCards",
            "meta_checkout_card",
        ),
    ],
)
def test_a_wallet_becomes_a_nonce_that_pays(
    browser: Browser, gateway: Gateway, path: str, section: str, fields: dict[str, str], shown: str, details: str
) -> None:
    status, content = browser.client_api("POST", f"{METHODS}/{path}", {section: fields})
    assert status == 201, content
    nonce = content[shown][0]
    assert nonce["details"]["lastFour"]
    paid = sale(gateway, payment_method_nonce=nonce["nonce"])
    assert paid.payment_instrument_type == details
    shown_details = getattr(paid, f"{details}_details")
    last_4 = getattr(shown_details, "last_4", None) or shown_details.virtual_card_last_4
    assert last_4 == nonce["details"]["lastFour"]


def test_samsung_pay_is_tokenized_by_graphql(browser: Browser, gateway: Gateway) -> None:
    query = """mutation ($input: TokenizeSamsungPayCardInput!) {
        tokenizeSamsungPayCard(input: $input) { paymentMethod { id } }
    }"""
    asked = {"samsungPayCard": {"userId": "u", "merchantId": "m", "cardBrand": "VISA", "tokenData": "t"}}
    nonce = graph(browser, query, input=asked)["tokenizeSamsungPayCard"]["paymentMethod"]["id"]
    assert sale(gateway, payment_method_nonce=nonce).samsung_pay_card_details.card_type == "Visa"


def test_masterpass_starts_with_a_token_of_its_own(browser: Browser) -> None:
    asked = {"requestToken": {"originUrl": "https://shop.example", "subtotal": "10.00", "currencyCode": "USD"}}
    status, content = browser.client_api("POST", "masterpass/request_token", asked)
    assert (status, bool(content["requestToken"])) == (201, True)


# Bank accounts, as braintree-web asked for them before GraphQL.


def test_the_address_of_the_configuration_tokenizes_a_bank_account(
    browser: Browser, twin: Twin, gateway: Gateway
) -> None:
    base = browser.config["clientApiUrl"].removeprefix(twin.url)
    _, config, _ = browser.ask("GET", f"{base}/v1/configuration?authorizationFingerprint={browser.fingerprint}")
    api = config["braintreeApi"]
    assert api["url"] == twin.url
    asked = {
        "type": "us_bank_account",
        "routing_number": "021000021",
        "account_number": "1000000000",
        "account_type": "checking",
        "ownership_type": "personal",
        "first_name": "Dan",
        "last_name": "Schulman",
        "ach_mandate": {"text": "I agree"},
    }
    headers = {"Authorization": f"Bearer {api['accessToken']}", "Braintree-Version": "2016-10-07"}
    status, content, _ = browser.ask("POST", "/tokens", asked, headers)
    assert (status, content["data"]["type"]) == (201, "us_bank_account")
    details = gateway.payment_method_nonce.find(content["data"]["id"]).details
    assert (details["last_4"], details["routing_number"]) == ("0000", "021000021")
    assert browser.ask("POST", "/tokens", {**asked, "routing_number": "1"}, headers)[0] == 422
    wrong = {"Authorization": f"Bearer {browser.fingerprint}"}
    assert browser.ask("POST", "/tokens", asked, wrong)[0] == 401
