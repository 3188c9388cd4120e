"""3-D Secure: look-ups with every test number, challenges, and what the server sees of them."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import braintree
import pytest
from browser_calls import Browser
from twin_sdk import codes_on, fresh_amount

from braintree_twin.rules.cards import TEST_NUMBERS, passes_luhn
from braintree_twin.rules.three_d_secure_outcomes import ENROLLMENTS, SCENARIOS
from braintree_twin.test_cards_page import page
from braintree_twin.testing import Twin

FRICTIONLESS, CHALLENGED, FAILS_CHALLENGE = "4000000000001000", "4000000000001091", "4000000000001109"
NOT_ENROLLED = "4111111111111111"

# As published: scenario, number, status, whether liability shifted, whether it may.
PUBLISHED = [
    ("4000000000001000", "authenticate_successful", True, True),
    ("5200000000001005", "authenticate_successful", True, True),
    ("340000000001007", "authenticate_successful", True, True),
    ("6011000000001002", "authenticate_successful", True, True),
    ("4000000000001018", "authenticate_frictionless_failed", False, True),
    ("4000000000001026", "authenticate_attempt_successful", True, True),
    ("4000000000001034", "authenticate_unable_to_authenticate", False, True),
    ("4000000000001042", "authenticate_rejected", False, True),
    ("4000000000001059", "authentication_unavailable", False, False),
    ("4000000000001067", "lookup_error", False, False),
    ("4000000000001075", "lookup_failed_acs_error", False, False),
    ("4000000000001083", "lookup_bypassed", False, False),
    ("4000000000001091", "challenge_required", False, True),
    ("4000000000002701", "authenticate_successful", True, True),
    ("5200000000002235", "authenticate_successful", True, True),
    ("340000000002708", "authenticate_successful", True, True),
    ("6505290000002000", "authenticate_successful", True, True),
    ("4000000000002925", "authenticate_frictionless_failed", False, True),
    ("4000000000002719", "authenticate_attempt_successful", True, True),
    ("4000000000002560", "lookup_bypassed", False, False),
    ("5200000000002151", "challenge_required", False, True),
    (NOT_ENROLLED, "lookup_not_enrolled", False, False),
]


@pytest.fixture(scope="module")
def browser(twin: Twin, gateway: braintree.BraintreeGateway) -> Browser:
    return Browser(twin, gateway)


def look_up(browser: Browser, number: str, **asked: Any) -> dict[str, Any]:
    nonce = browser.nonce(number=number, cvv="1234" if number.startswith("34") else "123")
    path = f"payment_methods/{nonce}/three_d_secure/lookup"
    status, content = browser.client_api("POST", path, {"amount": "10.00", "bin": number[:6], **asked})
    assert status == 201, content
    assert content["paymentMethod"]["nonce"] != nonce
    found: dict[str, Any] = content
    return found


def answer(browser: Browser, lookup: dict[str, Any], **form: str) -> dict[str, Any]:
    """Answer the challenge as songbird.js shows it; the message that the page sends to the page around it."""
    url = lookup["lookup"]["acsUrl"]
    status, text, _ = browser.page("GET", url)
    assert status == 200
    assert "1234" in text
    status, text, _ = browser.page("POST", url, form)
    found = re.search(r'data-message="([^"]+)"', text)
    assert found, text
    message: dict[str, Any] = json.loads(html.unescape(found[1]))
    assert message["transactionId"] == lookup["lookup"]["transactionId"]
    return message


def finish(browser: Browser, lookup: dict[str, Any], jwt: str) -> tuple[int, Any]:
    nonce = lookup["paymentMethod"]["nonce"]
    path = f"payment_methods/{nonce}/three_d_secure/authenticate_from_jwt"
    return browser.client_api("POST", path, {"jwt": jwt, "paymentMethodNonce": nonce})


def test_every_test_number_of_three_d_secure_is_a_card_that_the_sandbox_takes() -> None:
    assert all(passes_luhn(number) for number in ENROLLMENTS)
    assert set(ENROLLMENTS) <= set(TEST_NUMBERS)
    assert {each.scenario for each in ENROLLMENTS.values()} == set(SCENARIOS)


def test_the_published_list_of_test_numbers_is_the_code_s() -> None:
    """To renew it: python -m braintree_twin.test_cards_page docs/test_cards.md."""
    published = Path(__file__).parents[1] / "docs" / "test_cards.md"
    assert published.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize(("number", "status", "shifted", "possible"), PUBLISHED)
def test_a_look_up_ends_as_the_number_says(
    browser: Browser, number: str, status: str, shifted: bool, possible: bool
) -> None:
    content = look_up(browser, number)
    info = content["paymentMethod"]["threeDSecureInfo"]
    assert (info["status"], info["liabilityShifted"], info["liabilityShiftPossible"]) == (status, shifted, possible)
    assert content["threeDSecureInfo"]["liabilityShifted"] is shifted
    assert bool(info["cavv"]) is shifted
    assert (content["lookup"]["acsUrl"] is not None) is (status == "challenge_required")


@pytest.mark.parametrize(
    ("number", "eci_flag"),
    [(FRICTIONLESS, "05"), ("5200000000001005", "02"), ("4000000000001026", "06"), ("5200000000001021", "01")],
)
def test_the_brand_decides_the_indicator(browser: Browser, number: str, eci_flag: str) -> None:
    assert look_up(browser, number)["paymentMethod"]["threeDSecureInfo"]["eciFlag"] == eci_flag


def test_the_server_sees_the_result_of_the_look_up(gateway: Any, browser: Browser) -> None:
    content = look_up(browser, FRICTIONLESS)
    nonce, shown = content["paymentMethod"]["nonce"], content["paymentMethod"]["threeDSecureInfo"]
    found = gateway.payment_method_nonce.find(nonce).three_d_secure_info
    assert (found.status, found.enrolled, found.liability_shifted) == ("authenticate_successful", "Y", True)
    assert found.ds_transaction_id == shown["dsTransactionId"]
    required = {"three_d_secure": {"required": True}}
    sale = gateway.transaction.sale({"amount": fresh_amount(), "payment_method_nonce": nonce, "options": required})
    info = sale.transaction.three_d_secure_info
    assert (info.status, info.cavv, info.eci_flag) == ("authenticate_successful", shown["cavv"], "05")
    assert info.three_d_secure_version == "2.1.0"
    assert info.acs_transaction_id == shown["acsTransactionId"]


def test_a_look_up_consumes_its_nonce(browser: Browser, gateway: Any) -> None:
    nonce = browser.nonce(number=FRICTIONLESS)
    path = f"payment_methods/{nonce}/three_d_secure/lookup"
    assert browser.client_api("POST", path, {"amount": "1.00"})[0] == 201
    status, content = browser.client_api("POST", path, {"amount": "1.00"})
    assert status == 404
    assert content["error"]["message"]
    result = gateway.transaction.sale({"amount": fresh_amount(), "payment_method_nonce": nonce})
    assert codes_on(result, "transaction", "payment_method_nonce") == ["91564"]


def test_a_sale_that_requires_a_shift_is_rejected_without_one(browser: Browser, gateway: Any) -> None:
    required = {"three_d_secure": {"required": True}}
    for number in (NOT_ENROLLED, CHALLENGED, "4000000000001018"):
        nonce = look_up(browser, number)["paymentMethod"]["nonce"]
        sale = gateway.transaction.sale({"amount": fresh_amount(), "payment_method_nonce": nonce, "options": required})
        assert sale.transaction.gateway_rejection_reason == "three_d_secure"


def test_a_challenge_with_the_right_code_shifts_liability(browser: Browser, gateway: Any) -> None:
    lookup = look_up(browser, CHALLENGED)
    message = answer(browser, lookup, answer="submit", code="1234")
    assert message["data"]["ActionCode"] == "SUCCESS"
    status, content = finish(browser, lookup, message["jwt"])
    assert status == 201
    info = content["paymentMethod"]["threeDSecureInfo"]
    assert (info["status"], info["liabilityShifted"]) == ("authenticate_successful", True)
    assert (info["lookup"]["transStatus"], info["authentication"]["transStatus"]) == ("C", "Y")
    nonce = content["paymentMethod"]["nonce"]
    assert nonce != lookup["paymentMethod"]["nonce"]
    sale = gateway.transaction.sale(
        {"amount": fresh_amount(), "payment_method_nonce": nonce, "options": {"three_d_secure": {"required": True}}}
    )
    assert sale.is_success
    assert sale.transaction.three_d_secure_info.pares_status == "Y"


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (FAILS_CHALLENGE, "authenticate_failed"),
        ("4000000000001117", "authenticate_unable_to_authenticate"),
        ("4000000000001125", "authenticate_error"),
        ("4000000000000010", "authenticate_signature_verification_failed"),
    ],
)
def test_a_challenge_may_fail_and_leaves_the_nonce_of_the_look_up(
    browser: Browser, gateway: Any, number: str, status: str
) -> None:
    lookup = look_up(browser, number)
    message = answer(browser, lookup, answer="submit", code="1234")
    code, content = finish(browser, lookup, message["jwt"])
    assert code == 201
    assert "paymentMethod" not in content
    assert content["errors"][0]["code"] == "81571"
    assert content["threeDSecureInfo"]["liabilityShiftPossible"] is True
    found = gateway.payment_method_nonce.find(lookup["paymentMethod"]["nonce"]).three_d_secure_info
    assert (found.status, found.liability_shifted) == (status, False)


def test_three_wrong_codes_end_the_challenge(browser: Browser) -> None:
    lookup = look_up(browser, CHALLENGED)
    url = lookup["lookup"]["acsUrl"]
    for _ in range(2):
        _, text, _ = browser.page("POST", url, {"answer": "submit", "code": "9999"})
        assert "This code is wrong." in text
    message = answer(browser, lookup, answer="submit", code="9999")
    assert message["data"]["ActionCode"] == "FAILURE"
    assert browser.page("GET", url)[0] == 410


def test_a_canceled_challenge_says_so(browser: Browser) -> None:
    lookup = look_up(browser, CHALLENGED)
    message = answer(browser, lookup, answer="cancel")
    assert message["data"]["Payment"]["ExtendedData"]["ChallengeCancel"] == "01"
    assert finish(browser, lookup, message["jwt"])[1]["threeDSecureInfo"]["liabilityShifted"] is False


def test_no_forged_or_foreign_token_ends_a_challenge(browser: Browser) -> None:
    lookup, other = look_up(browser, CHALLENGED), look_up(browser, CHALLENGED)
    foreign = answer(browser, other, answer="submit", code="1234")["jwt"]
    for jwt in ("", "a.b.c", foreign, foreign[:-2] + "xx"):
        status, content = finish(browser, lookup, jwt)
        assert status == 400
        assert content["error"]["message"]


def test_the_page_may_send_the_result_to_the_gateway_itself(browser: Browser, gateway: Any) -> None:
    lookup = look_up(browser, CHALLENGED)["lookup"]
    form = {"TermUrl": lookup["termUrl"], "MD": lookup["md"], "PaReq": lookup["pareq"]}
    _, text, _ = browser.page("POST", lookup["acsUrl"], form)
    assert html.escape(lookup["termUrl"]) in text
    _, text, _ = browser.page("POST", lookup["acsUrl"], {**form, "answer": "submit", "code": "1234"})
    found = re.search(r'name="PaRes" value="([^"]+)"', text)
    assert found
    complete = "https://shop.example/done?channel=x&"
    url = f"{lookup['termUrl']}&authentication_complete_base_url={complete.replace('&', '%26')}"
    status, _, location = browser.page("POST", url, {"PaRes": found[1], "MD": lookup["md"]})
    assert status == 302
    assert location.startswith(complete)
    result = json.loads(parse_qs(urlsplit(location).query)["auth_response"][0])
    assert result["success"] is True
    nonce = result["paymentMethod"]["nonce"]
    assert gateway.payment_method_nonce.find(nonce).three_d_secure_info.status == "authenticate_successful"


def test_a_shop_may_ask_for_a_challenge_an_exemption_or_data_only(browser: Browser) -> None:
    asked = look_up(browser, FRICTIONLESS, challengeRequested=True)
    assert asked["lookup"]["acsUrl"]
    low = look_up(browser, FRICTIONLESS, requestedExemptionType="low_value")["paymentMethod"]["threeDSecureInfo"]
    assert (low["status"], low["liabilityShifted"]) == ("exemption_low_value_successful", False)
    data = look_up(browser, FRICTIONLESS, dataOnlyRequested=True)["paymentMethod"]["threeDSecureInfo"]
    assert (data["status"], data["liabilityShifted"]) == ("data_only_successful", False)


def test_a_look_up_refuses_bad_amounts_nonces_and_keys(browser: Browser, twin: Twin) -> None:
    nonce = browser.nonce(number=FRICTIONLESS)
    path = f"payment_methods/{nonce}/three_d_secure/lookup"
    for amount, code in ((None, "81502"), ("x", "81503"), ("-1", "81503")):
        status, content = browser.client_api("POST", path, {"amount": amount})
        assert status == 422
        (fault,) = content["fieldErrors"]
        assert (fault["field"], fault["code"]) == ("amount", code)
    assert browser.client_api("POST", "payment_methods/nothing/three_d_secure/lookup", {"amount": "1"})[0] == 404
    key = {"tokenizationKey": "sandbox_cc71a5b4_twin_merchant", "amount": "1.00"}
    base = browser.config["clientApiUrl"].removeprefix(twin.url)
    assert browser.ask("POST", f"{base}/v1/{path}", key)[0] == 403
    paypal = browser.client_api("POST", "payment_methods/paypal_accounts", {"paypalAccount": {"consentCode": "x"}})[1]
    account = paypal["paypalAccounts"][0]["nonce"]
    status, _ = browser.client_api("POST", f"payment_methods/{account}/three_d_secure/lookup", {"amount": "1"})
    assert status == 422


def test_a_vaulted_card_is_looked_up_and_paid_by_its_authentication_id(
    twin: Twin, gateway: braintree.BraintreeGateway
) -> None:
    customer = gateway.customer.create({}).customer
    shop = Browser(twin, gateway, customer_id=customer.id)
    shop.tokenize(number=FRICTIONLESS)
    (vaulted,) = shop.client_api("GET", "payment_methods")[1]["paymentMethods"]
    path = f"payment_methods/{vaulted['nonce']}/three_d_secure/lookup"
    content = shop.client_api("POST", path, {"amount": "10.00"})[1]
    identifier = content["paymentMethod"]["threeDSecureInfo"]["threeDSecureAuthenticationId"]
    token = gateway.customer.find(customer.id).payment_methods[0].token
    request = {"amount": fresh_amount(), "payment_method_token": token, "three_d_secure_authentication_id": identifier}
    sale = gateway.transaction.sale(dict(request)).transaction
    assert sale.three_d_secure_info.three_d_secure_authentication_id == identifier
    assert sale.three_d_secure_info.liability_shifted is True
    other = gateway.payment_method.create({"customer_id": customer.id, "payment_method_nonce": "fake-valid-nonce"})
    wrong = gateway.transaction.sale({**request, "payment_method_token": other.payment_method.token})
    assert codes_on(wrong, "transaction", "three_d_secure_authentication_id") == ["915197"]
    unknown = gateway.transaction.sale({**request, "three_d_secure_authentication_id": "nothing"})
    assert codes_on(unknown, "transaction", "three_d_secure_authentication_id") == ["915196"]


LOOKUP = """
mutation PerformThreeDSecureLookup($input: PerformThreeDSecureLookupInput!) {
  performThreeDSecureLookup(input: $input) {
    clientMutationId
    threeDSecureLookupData { acsUrl authenticationId version pareq md termUrl transactionId }
    paymentMethod {
      id
      details { ... on CreditCardDetails { bin threeDSecure { authentication {
        cavv eciFlag liabilityShifted liabilityShiftPossible cardEnrolled authenticationStatus version
        directoryServerTransactionId xId threeDSecureServerTransactionId acsTransactionId paresStatus transactionStatus
      } } } }
    }
  }
}
"""


def test_a_server_looks_up_by_the_graph_and_reads_the_result_of_the_challenge(browser: Browser, gateway: Any) -> None:
    given = {
        "paymentMethodId": browser.nonce(number=CHALLENGED),
        "amount": "10.00",
        "dfReferenceId": "0_x",
        "transactionInformation": {"browserInformation": {"javaEnabled": False, "language": "en"}},
    }
    payload = gateway.graphql_client.query(LOOKUP, {"input": given})["data"]["performThreeDSecureLookup"]
    data, method = payload["threeDSecureLookupData"], payload["paymentMethod"]
    shown = method["details"]["threeDSecure"]["authentication"]
    assert (shown["authenticationStatus"], shown["cardEnrolled"]) == ("CHALLENGE_REQUIRED", "YES")
    form = {"TermUrl": data["termUrl"], "MD": data["md"], "answer": "submit", "code": "1234"}
    _, text, _ = browser.page("POST", data["acsUrl"], form)
    found = re.search(r'name="PaRes" value="([^"]+)"', text)
    assert found
    assert browser.page("POST", data["termUrl"], {"PaRes": found[1], "MD": data["md"]})[0] == 200
    query = (
        "query($id: ID!) { node(id: $id) { ... on PaymentMethod { details { ... on CreditCardDetails "
        "{ threeDSecure { authentication { authenticationStatus liabilityShifted } } } } } } }"
    )
    node = gateway.graphql_client.query(query, {"id": method["id"]})["data"]["node"]
    assert node["details"]["threeDSecure"]["authentication"] == {
        "authenticationStatus": "AUTHENTICATE_SUCCESSFUL",
        "liabilityShifted": True,
    }


def test_a_browser_looks_up_by_the_graph_as_well(browser: Browser) -> None:
    given = {"paymentMethodId": browser.nonce(number=FRICTIONLESS), "amount": "10.00"}
    body = {"query": LOOKUP, "variables": {"input": given}}
    for credential, works in ((browser.fingerprint, True), ("sandbox_cc71a5b4_twin_merchant", False)):
        _, content, _ = browser.ask("POST", "/graphql", body, {"Authorization": f"Bearer {credential}"})
        assert ("errors" not in content) is works
        given["paymentMethodId"] = browser.nonce(number=FRICTIONLESS)
