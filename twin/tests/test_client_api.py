"""The client API: client tokens, configuration, nonces, the customer's payment methods."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import braintree
import pytest
from browser_calls import Browser, decode
from twin_sdk import VISA, codes, codes_on, fresh_amount, gateway_to

from braintree_twin.testing import Twin, start_twin

DECLINED = "4000111111111115"
TOKENIZATION_KEY = "sandbox_cc71a5b4_twin_merchant"


def field_codes(content: dict[str, Any]) -> dict[str, str]:
    (card,) = content["fieldErrors"]
    assert card["field"] == "creditCard"
    assert content["error"]["message"] == "Credit card is invalid"
    return {leaf["field"]: leaf["code"] for leaf in card["fieldErrors"]}


@pytest.fixture(scope="module")
def browser(twin: Twin, gateway: braintree.BraintreeGateway) -> Browser:
    return Browser(twin, gateway)


@pytest.fixture
def customer(gateway: braintree.BraintreeGateway) -> Any:
    return gateway.customer.create({"first_name": "Ada"}).customer


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Twin]:
    with start_twin(tmp_path) as running:
        yield running


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_client_token_decodes_as_the_real_ones_do(
    twin: Twin, gateway: braintree.BraintreeGateway, version: int
) -> None:
    token = gateway.client_token.generate({"version": version})
    assert token.startswith("{") == (version == 1)
    content = decode(token)
    assert content["version"] == version
    assert content["merchantId"] == twin.merchant_id
    assert content["environment"] == "sandbox"
    assert content["clientApiUrl"] == f"{twin.url}/merchants/{twin.merchant_id}/client_api"
    assert content["configUrl"] == f"{twin.url}/merchants/{twin.merchant_id}/client_api/v1/configuration"
    assert content["graphQL"]["url"] == f"{twin.url}/graphql"
    header, claims, signature = content["authorizationFingerprint"].split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["typ"] == "JWT"
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"] == twin.merchant_id
    assert signature


def test_a_client_token_contains_its_merchant_account_and_customer(twin: Twin, gateway: Any, customer: Any) -> None:
    content = Browser(twin, gateway, merchant_account_id="twin_eur", customer_id=customer.id).config
    assert content["merchantAccountId"] == "twin_eur"
    assert content["paypal"]["currencyIsoCode"] == "EUR"
    claims = json.loads(base64.urlsafe_b64decode(content["authorizationFingerprint"].split(".")[1] + "=="))
    assert claims["options"]["customer_id"] == customer.id


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"version": 9}, "92806"),
        ({"customer_id": "nobody"}, "92804"),
        ({"merchant_account_id": "nowhere"}, "92807"),
        ({"options": {"make_default": True}}, "92801"),
        ({"options": {"verify_card": True}}, "92802"),
        ({"options": {"fail_on_duplicate_payment_method": True}}, "92803"),
        ({"options": {"fail_on_duplicate_payment_method_for_customer": True}}, "92805"),
        ({"domains": [f"shop{n}.example" for n in range(6)]}, "92810"),
        ({"domains": ["https://shop.example/"]}, "92011"),
    ],
)
def test_an_invalid_client_token_request_has_its_code(gateway: Any, request_: dict[str, Any], code: str) -> None:
    path = f"{gateway.config.base_merchant_path()}/client_token"
    answer = gateway.config.http().post(path, {"client_token": request_})
    result = braintree.ErrorResult(gateway, answer["api_error_response"])
    assert codes(result) == [code]


def test_the_sdk_raises_the_errors_of_a_client_token_request(gateway: braintree.BraintreeGateway) -> None:
    with pytest.raises(ValueError, match="Customer specified by customer_id does not exist"):
        gateway.client_token.generate({"customer_id": "nobody"})


def test_a_fingerprint_and_a_tokenization_key_get_the_configuration(twin: Twin, browser: Browser) -> None:
    status, content = browser.client_api("GET", "configuration")
    assert status == 200
    assert content["merchantId"] == twin.merchant_id
    assert "Visa" in content["creditCards"]["supportedCardTypes"]
    path = f"/merchants/{twin.merchant_id}/client_api/v1/configuration"
    for headers in (
        {"Client-Key": TOKENIZATION_KEY},
        {"Authorization": f"Bearer {TOKENIZATION_KEY}"},
        {"Authorization": f"Bearer {browser.fingerprint}"},
    ):
        assert browser.ask("GET", path, headers=headers)[0] == 200
    assert browser.ask("GET", f"{path}?tokenizationKey={TOKENIZATION_KEY}")[0] == 200


def test_wrong_client_credentials_are_refused(twin: Twin, browser: Browser) -> None:
    path = f"/merchants/{twin.merchant_id}/client_api/v1/configuration"
    head, claims, signature = browser.fingerprint.split(".")
    forged = json.loads(base64.urlsafe_b64decode(claims + "=="))
    forged["options"] = {"customer_id": "somebody"}
    other = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    wrong = ["", "x", "a.b.c", "..", f"{head}.{other}.{signature}", "sandbox_00000000_twin_merchant", "\u00e9.\u00e9.x"]
    for credential in wrong:
        status, content, _ = browser.ask("GET", path, headers={"Authorization": b"Bearer " + credential.encode()})
        assert status == 401, credential
        assert content["error"]["message"]
    assert browser.ask("GET", path)[0] == 401
    elsewhere = path.replace(twin.merchant_id, "other_merchant")
    assert browser.ask("GET", f"{elsewhere}?authorizationFingerprint={browser.fingerprint}")[0] == 401


def test_a_fingerprint_is_valid_for_a_day(own: Twin) -> None:
    browser = Browser(own, gateway_to(own))
    own.control.advance(timedelta(hours=23))
    assert browser.client_api("GET", "configuration")[0] == 200
    own.control.advance(timedelta(hours=2))
    assert browser.client_api("GET", "configuration")[0] == 401


def test_a_nonce_of_a_card_shows_only_its_first_and_last_digits(browser: Browser) -> None:
    status, content = browser.tokenize(cvv="123", cardholderName="Ada", billingAddress={"postalCode": "60622"})
    assert status == 201
    (made,) = content["creditCards"]
    assert made["type"] == "CreditCard"
    assert made["description"] == "ending in 11"
    assert made["consumed"] is False
    assert made["details"]["bin"] == "411111"
    assert made["details"]["lastFour"] == "1111"
    assert made["details"]["lastTwo"] == "11"
    assert made["details"]["cardType"] == "Visa"
    assert made["details"]["cardholderName"] == "Ada"
    assert made["details"]["expirationYear"] == "2099"
    assert made["binData"]["prepaid"] == "No"
    assert VISA not in json.dumps(content)


def test_a_card_without_validation_is_accepted(browser: Browser) -> None:
    assert browser.tokenize(options={"validate": False})[0] == 202


def test_a_nonce_pays_once(gateway: braintree.BraintreeGateway, browser: Browser) -> None:
    nonce = browser.nonce(cvv="200", billingAddress={"postalCode": "20000"})
    made = gateway.transaction.sale({"amount": fresh_amount(), "payment_method_nonce": nonce})
    assert made.is_success
    assert made.transaction.status == "authorized"
    assert made.transaction.credit_card_details.last_4 == "1111"
    assert made.transaction.cvv_response_code == "N"
    assert made.transaction.avs_postal_code_response_code == "N"
    again = gateway.transaction.sale({"amount": fresh_amount(), "payment_method_nonce": nonce})
    assert codes_on(again, "transaction", "payment_method_nonce") == ["91564"]


def test_a_nonce_is_vaulted_once(gateway: braintree.BraintreeGateway, browser: Browser, customer: Any) -> None:
    nonce = browser.nonce()
    request = {"customer_id": customer.id, "payment_method_nonce": nonce}
    method = gateway.payment_method.create(dict(request)).payment_method
    assert (method.bin, method.last_4, method.expiration_date) == ("411111", "1111", "11/2099")
    assert codes(gateway.payment_method.create(dict(request))) == ["93107"]


def test_a_nonce_creates_a_customer_with_a_method(gateway: braintree.BraintreeGateway, browser: Browser) -> None:
    customer = gateway.customer.create({"payment_method_nonce": browser.nonce()}).customer
    assert [each.last_4 for each in customer.payment_methods] == ["1111"]


def test_a_nonce_expires_after_three_hours(own: Twin) -> None:
    gateway = gateway_to(own)
    nonce = Browser(own, gateway).nonce()
    own.control.advance(timedelta(hours=3, seconds=1))
    result = gateway.transaction.sale({"amount": "10.00", "payment_method_nonce": nonce})
    assert codes_on(result, "transaction", "payment_method_nonce") == ["91565"]


def test_a_nonce_survives_a_kill_and_stores_neither_number_nor_security_code(own: Twin, tmp_path: Path) -> None:
    browser = Browser(own, gateway_to(own))
    nonce = browser.nonce(number="5555555555554444", cvv="987")
    own.kill()
    own.restart()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("twin.db*"))
    assert nonce.encode() in kept
    assert b"5555555555554444" not in kept
    assert b'"987"' not in kept
    assert gateway_to(own).transaction.sale({"amount": "10.00", "payment_method_nonce": nonce}).is_success


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ({"number": "4111111111111112"}, {"number": "81715"}),
        ({"number": "4"}, {"number": "81716"}),
        ({"number": None}, {"number": "81714"}),
        ({"number": "4539578763621486"}, {"number": "81717"}),
        ({"cvv": "12"}, {"cvv": "81707"}),
        ({"expirationMonth": "13"}, {"expirationMonth": "81712"}),
        ({"expirationYear": "x"}, {"expirationYear": "81713"}),
        ({"expirationMonth": None, "expirationYear": None}, {"expirationDate": "81709"}),
        ({"cardholderName": "x" * 176}, {"cardholderName": "81723"}),
    ],
)
def test_each_error_of_a_card_is_reported_on_its_field(
    browser: Browser, card: dict[str, Any], expected: dict[str, str]
) -> None:
    status, content = browser.tokenize(**card)
    assert status == 422
    assert field_codes(content) == expected


def test_a_customers_client_token_vaults_the_card_and_lists_it(twin: Twin, gateway: Any, customer: Any) -> None:
    browser = Browser(twin, gateway, customer_id=customer.id, options={"make_default": True})
    assert browser.tokenize()[0] == 201
    assert browser.tokenize(number="4005519200000004")[0] == 201
    cards = gateway.customer.find(customer.id).credit_cards
    assert [card.bin for card in cards if card.default] == ["400551"]
    assert len(cards) == 2
    status, content = browser.client_api("GET", "payment_methods")
    assert status == 200
    assert sorted(each["details"]["lastFour"] for each in content["paymentMethods"]) == ["0004", "1111"]
    nonce = content["paymentMethods"][0]["nonce"]
    paid = gateway.transaction.sale({"amount": fresh_amount(), "payment_method_nonce": nonce})
    assert paid.transaction.customer_details.id == customer.id


def test_a_client_token_may_demand_verification_or_refuse_duplicates(twin: Twin, gateway: Any, customer: Any) -> None:
    verifying = Browser(twin, gateway, customer_id=customer.id, options={"verify_card": True})
    status, content = verifying.tokenize(number=DECLINED)
    assert (status, content["error"]["message"]) == (422, "Credit card verification failed")
    assert verifying.tokenize()[0] == 201
    strict = {"fail_on_duplicate_payment_method_for_customer": True}
    status, content = Browser(twin, gateway, customer_id=customer.id, options=strict).tokenize()
    assert status == 422
    assert field_codes(content) == {"number": "81763"}
    assert len(gateway.customer.find(customer.id).credit_cards) == 1


def test_paypal_consent_becomes_a_nonce(gateway: Any, browser: Browser, customer: Any) -> None:
    path = "payment_methods/paypal_accounts"
    status, content = browser.client_api("POST", path, {"paypalAccount": {"consentCode": "yes"}})
    # The gateway validates a consent later, when it is used.
    assert status == 202
    nonce = content["paypalAccounts"][0]["nonce"]
    method = gateway.payment_method.create({"customer_id": customer.id, "payment_method_nonce": nonce}).payment_method
    assert method.email == "jane.doe@example.com"
    _, content = browser.client_api("POST", path, {"paypalAccount": {"accessToken": "once"}})
    nonce = content["paypalAccounts"][0]["nonce"]
    assert codes(gateway.payment_method.create({"customer_id": customer.id, "payment_method_nonce": nonce})) == [
        "82902"
    ]
    asked = {"paypalAccount": {"options": {"validate": True}}}
    assert browser.client_api("POST", path, asked)[0] == 422


@pytest.mark.parametrize(
    ("consent", "code", "kept_codes"),
    [({}, "82901", ["82901", "82902"]), ({"consentCode": "yes", "accessToken": "once"}, "82903", ["82903"])],
)
def test_paypal_consent_that_nobody_validated_is_refused_when_it_is_used(
    gateway: Any, browser: Browser, customer: Any, consent: dict[str, str], code: str, kept_codes: list[str]
) -> None:
    path = "payment_methods/paypal_accounts"
    status, content = browser.client_api("POST", path, {"paypalAccount": consent})
    assert status == 202
    nonce = content["paypalAccounts"][0]["nonce"]
    sold = gateway.transaction.sale({"amount": fresh_amount(), "payment_method_nonce": nonce})
    assert codes_on(sold, "transaction", "paypal_account", "base") == [code]
    kept = gateway.payment_method.create({"customer_id": customer.id, "payment_method_nonce": nonce})
    assert codes_on(kept, "paypal_account", "base") == kept_codes


def test_a_paypal_account_gets_the_token_that_the_browser_asked_for(
    gateway: Any, browser: Browser, customer: Any
) -> None:
    path, token = "payment_methods/paypal_accounts", f"asked_{customer.id}"
    asked = {"consentCode": "yes", "token": token, "options": {"validate": False}}
    nonces = [browser.client_api("POST", path, {"paypalAccount": asked})[1]["paypalAccounts"][0]["nonce"] for _ in "ab"]
    first, second = ({"customer_id": customer.id, "payment_method_nonce": nonce} for nonce in nonces)
    made = gateway.payment_method.create(first).payment_method
    assert (made.token, hasattr(made, "_token")) == (token, False)
    assert gateway.paypal_account.find(token).email == "jane.doe@example.com"
    assert codes_on(gateway.payment_method.create(second), "paypal_account", "token") == ["92906"]


def test_graphql_creates_nonces_as_hosted_fields_do(gateway: Any, browser: Browser) -> None:
    card = {"number": VISA, "expirationMonth": "12", "expirationYear": "2031", "cvv": "123"}
    content = browser.graph(card, validate=False)["data"]["tokenizeCreditCard"]
    assert content["creditCard"]["last4"] == "1111"
    assert content["creditCard"]["brandCode"] == "VISA"
    assert gateway.transaction.sale({"amount": fresh_amount(), "payment_method_nonce": content["token"]}).is_success


def test_graphql_answers_with_errors(browser: Browser) -> None:
    content = browser.graph({"number": "4111111111111112", "expirationMonth": "12", "expirationYear": "2031"})
    assert content["data"]["tokenizeCreditCard"] is None
    (error,) = content["errors"]
    assert error["extensions"]["legacyCode"] == "81715"
    assert error["extensions"]["inputPath"] == ["input", "creditCard", "number"]
    key = {"Authorization": f"Bearer {TOKENIZATION_KEY}"}
    assert browser.ask("POST", "/graphql", {"query": "{ ping }"}, key)[1]["data"] == {"ping": "pong"}
    assert browser.ask("POST", "/graphql", {"query": "{ other }"}, key)[1]["errors"]
    (stranger,) = browser.ask("POST", "/graphql", {"query": "{ ping }"})[1]["errors"]
    assert stranger["extensions"]["errorClass"] == "AUTHENTICATION"


def test_browsers_may_call_from_any_origin(twin: Twin, browser: Browser) -> None:
    path = f"/merchants/{twin.merchant_id}/client_api/v1/payment_methods/credit_cards"
    for each in (path, "/graphql"):
        status, _, headers = browser.ask("OPTIONS", each, headers={"Origin": "https://shop.example"})
        assert status == 200
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in headers["Access-Control-Allow-Methods"]
        assert "Content-Type" in headers["Access-Control-Allow-Headers"]
    _, _, headers = browser.ask("POST", path, {"authorizationFingerprint": browser.fingerprint})
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Content-Type"].startswith("application/json")


def test_a_path_of_the_client_api_may_end_in_json_and_an_unknown_one_is_a_404_in_json(browser: Browser) -> None:
    described = {"number": VISA, "expirationMonth": "11", "expirationYear": "2099"}
    status, content = browser.client_api("POST", "payment_methods/credit_cards.json", {"creditCard": described})
    assert status in (201, 202)
    assert content["creditCards"][0]["details"]["lastFour"] == "1111"
    assert browser.client_api("GET", "nothing") == (404, {"error": {"message": "Not found"}})
