"""braintree-web makes nonces, authenticates cards and manages the vault; the server pays with them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import braintree
import pytest

from braintree_twin.testing import Twin
from tests.browser.challenge import answer_challenge, answer_challenge_wrongly
from tests.browser.shop import Shop

TOKENIZATION_KEY = "sandbox_cc71a5b4_twin_merchant"
VISA = "4111111111111111"
FRICTIONLESS, CHALLENGED, FAILS_CHALLENGE = "4000000000001000", "4000000000001091", "4000000000001109"
_CENTS = itertools.count(1)

THREE_D_SECURE = "const three = await braintree.threeDSecure.create({client, version: given.version || '2'});"
VERIFY = (
    THREE_D_SECURE + "window.three = three;"
    "return three.verifyCard({amount: '10.00', nonce: given.card.nonce, bin: given.card.details.bin,"
    "email: 'ada@example.com', billingAddress: {givenName: 'Ada', streetAddress: '1 Main St', countryCodeAlpha2: 'US'},"
    "onLookupComplete: (data, next) => { window.asked = data.requiresUserAuthentication; next(); }});"
)


def sale(gateway: braintree.BraintreeGateway, nonce: str, **more: Any) -> Any:
    """A sale of an amount that no other one has."""
    return gateway.transaction.sale({"amount": f"{next(_CENTS)}.00", "payment_method_nonce": nonce, **more})


@pytest.fixture
def token(gateway: braintree.BraintreeGateway) -> str:
    return str(gateway.client_token.generate())


@pytest.mark.parametrize("credential", ["a client token", "a tokenization key"])
def test_a_client_makes_a_nonce_of_a_card(shop: Shop, gateway: Any, token: str, credential: str) -> None:
    configuration = shop.create_client(token if credential == "a client token" else TOKENIZATION_KEY)
    assert configuration["clientApiUrl"].startswith("https://api.sandbox.braintreegateway.com/")
    assert "Visa" in configuration["creditCards"]["supportedCardTypes"]
    card = shop.tokenize(VISA, cardholderName="Ada", billingAddress={"postalCode": "60622"})
    assert (card["type"], card["details"]["lastFour"], card["details"]["bin"]) == ("CreditCard", "1111", "411111")
    paid = sale(gateway, card["nonce"])
    assert paid.is_success
    assert paid.transaction.credit_card_details.cardholder_name == "Ada"
    assert shop.errors == []


def test_a_card_with_faults_says_which(shop: Shop, token: str) -> None:
    shop.create_client(token)
    failed = shop.tokenize("4111111111111112", cvv="1")["failed"]
    assert failed["code"] == "CLIENT_REQUEST_ERROR"
    original = failed["details"]["originalError"]
    assert original["error"]["message"] == "Credit card is invalid"
    faults = {each["field"]: each["code"] for each in original["fieldErrors"][0]["fieldErrors"]}
    assert faults == {"number": "81715", "cvv": "81707"}


def test_a_client_without_a_valid_credential_is_refused(shop: Shop) -> None:
    failed = shop.create_client("sandbox_00000000_twin_merchant")["failed"]
    assert failed["code"] == "CLIENT_AUTHORIZATION_INVALID"


def test_a_frictionless_card_is_authenticated(shop: Shop, gateway: Any, token: str) -> None:
    shop.create_client(token)
    verified = shop.run(VERIFY, card=shop.tokenize(FRICTIONLESS))
    assert (verified["liabilityShifted"], verified["liabilityShiftPossible"]) == (True, True)
    assert verified["threeDSecureInfo"]["status"] == "authenticate_successful"
    assert shop.run("return window.asked;") is False
    paid = sale(gateway, verified["nonce"], options={"three_d_secure": {"required": True}})
    assert paid.transaction.three_d_secure_info.status == "authenticate_successful"


def test_a_challenged_card_is_authenticated_by_the_code(shop: Shop, gateway: Any, token: str) -> None:
    shop.create_client(token)
    shop.start(VERIFY, card=shop.tokenize(CHALLENGED))
    answer_challenge_wrongly(shop.page)
    answer_challenge(shop.page)
    verified = shop.finished()
    assert verified["liabilityShifted"] is True
    assert verified["threeDSecureInfo"]["authentication"]["transStatus"] == "Y"
    assert verified["rawCardinalSDKVerificationData"]["ActionCode"] == "SUCCESS"
    assert shop.page.locator("[data-braintree-twin=challenge]").count() == 0
    paid = sale(gateway, verified["nonce"], options={"three_d_secure": {"required": True}})
    assert paid.is_success
    assert paid.transaction.three_d_secure_info.pares_status == "Y"


def test_a_failed_challenge_leaves_a_nonce_without_a_shift(shop: Shop, gateway: Any, token: str) -> None:
    shop.create_client(token)
    shop.start(VERIFY, card=shop.tokenize(FAILS_CHALLENGE))
    answer_challenge(shop.page)
    verified = shop.finished()
    assert (verified["liabilityShifted"], verified["liabilityShiftPossible"]) == (False, True)
    rejected = sale(gateway, verified["nonce"], options={"three_d_secure": {"required": True}})
    assert rejected.transaction.gateway_rejection_reason == "three_d_secure"


def test_a_cardholder_may_close_the_challenge(shop: Shop, token: str) -> None:
    shop.create_client(token)
    create = "{client, version: '2', cardinalSDKConfig: {payment: {displayExitButton: true}}}"
    script = VERIFY.replace("{client, version: given.version || '2'}", create).replace(
        "window.three = three;", "three.on('customer-canceled', () => { window.canceled = true; });"
    )
    shop.start(script, card=shop.tokenize(CHALLENGED))
    shop.page.locator("[data-braintree-twin=challenge] button").click()
    assert shop.finished()["liabilityShifted"] is False
    assert shop.run("return window.canceled;") is True


def test_a_shop_shows_the_challenge_in_a_place_of_its_own(shop: Shop, token: str) -> None:
    shop.create_client(token)
    script = VERIFY.replace(
        "window.three = three;",
        "three.on('authentication-iframe-available', (event, next) => {"
        "event.element.id = 'ours'; document.body.appendChild(event.element); next(); });",
    )
    shop.start(script, card=shop.tokenize(CHALLENGED), version="2-inline-iframe")
    frame = shop.page.frame_locator("#ours iframe")
    frame.locator("input[name=code]").fill("1234")
    frame.locator("button[value=submit]").click()
    assert shop.finished()["liabilityShifted"] is True


def test_a_server_looks_up_what_the_page_prepared(shop: Shop, gateway: Any, token: str) -> None:
    shop.create_client(token)
    card = shop.tokenize(CHALLENGED)
    prepared = shop.run(
        THREE_D_SECURE + "window.three = three;"
        "return three.prepareLookup({nonce: given.card.nonce, bin: given.card.details.bin});",
        card=card,
    )
    query = (
        "mutation($input: PerformThreeDSecureLookupInput!) { performThreeDSecureLookup(input: $input) {"
        "threeDSecureLookupData { acsUrl pareq md termUrl transactionId version } paymentMethod { id } } }"
    )
    given = {
        "paymentMethodId": card["nonce"],
        "amount": "10.00",
        "dfReferenceId": json.loads(prepared)["dfReferenceId"],
    }
    payload = gateway.graphql_client.query(query, {"input": given})["data"]["performThreeDSecureLookup"]
    data = payload["threeDSecureLookupData"]
    lookup = {
        "lookup": {**data, "threeDSecureVersion": data["version"]},
        "paymentMethod": {"nonce": payload["paymentMethod"]["id"]},
        "threeDSecureInfo": {"liabilityShifted": False, "liabilityShiftPossible": True},
    }
    shop.start("return three.initializeChallengeWithLookupResponse(given.lookup);", lookup=lookup)
    answer_challenge(shop.page)
    assert shop.finished()["liabilityShifted"] is True


def test_an_unknown_nonce_is_not_looked_up(shop: Shop, token: str) -> None:
    shop.create_client(token)
    failed = shop.run(VERIFY, card={"nonce": "nothing", "details": {"bin": "411111"}})["failed"]
    assert failed["code"] == "THREEDS_LOOKUP_TOKENIZED_CARD_NOT_FOUND_ERROR"


def test_the_data_collector_makes_device_data(shop: Shop, gateway: Any, token: str) -> None:
    shop.create_client(token)
    collected = shop.run("return (await braintree.dataCollector.create({client})).deviceData;")
    assert json.loads(collected)["correlation_id"]
    paid = sale(gateway, shop.tokenize(VISA)["nonce"], device_data=collected)
    assert paid.transaction.risk_data.device_data_captured is True


def test_the_vault_manager_lists_and_removes_a_customers_methods(shop: Shop, gateway: Any) -> None:
    customer = gateway.customer.create({"payment_method_nonce": "fake-valid-mastercard-nonce"}).customer
    shop.create_client(gateway.client_token.generate({"customer_id": customer.id}))
    shop.tokenize(VISA)
    fetch = (
        "window.vault = await braintree.vaultManager.create({client});"
        "return vault.fetchPaymentMethods({defaultFirst: given.first});"
    )
    methods = shop.run(fetch, first=True)
    assert [(each["default"], each["details"]["lastFour"]) for each in methods] == [(True, "4444"), (False, "1111")]
    shop.run("await vault.deletePaymentMethod(given.nonce);", nonce=methods[1]["nonce"])
    assert [each.last_4 for each in gateway.customer.find(customer.id).payment_methods] == ["4444"]
    failed = shop.run("await vault.deletePaymentMethod('nothing');")["failed"]
    assert failed["code"] == "VAULT_MANAGER_PAYMENT_METHOD_NONCE_NOT_FOUND"


def test_a_bank_account_becomes_a_nonce(shop: Shop, gateway: Any, token: str) -> None:
    shop.create_client(token)
    script = (
        "const bank = await braintree.usBankAccount.create({client});"
        "return bank.tokenize({mandateText: 'I agree', bankDetails: {accountNumber: '1000000000',"
        "routingNumber: given.routing, accountType: 'checking', ownershipType: 'personal', firstName: 'Ada',"
        "lastName: 'Lovelace', billingAddress: {streetAddress: '1 Main St', locality: 'Chicago', region: 'IL',"
        "postalCode: '60622'}}});"
    )
    made = shop.run(script, routing="021000021")
    assert made["description"] == "US bank account ending in - 0000"
    found = gateway.payment_method_nonce.find(made["nonce"])
    assert found.type == "UsBankAccount"
    original = shop.run(script, routing="123456789")["failed"]["details"]["originalError"]
    assert original["details"]["originalError"][0]["message"] == "Routing number is invalid."


def test_paypal_agreements_and_payments_become_nonces(shop: Shop, gateway: Any, token: str) -> None:
    shop.create_client(token)
    create = "const paypal = await braintree.paypalCheckout.create({client});"
    billing = shop.run(create + "return paypal.createPayment({flow: 'vault'});")
    assert billing.startswith("BA-")
    agreed = shop.run(create + "return paypal.tokenizePayment({billingToken: given.token});", token=billing)
    assert (agreed["type"], agreed["details"]["email"]) == ("PayPalAccount", "jane.doe@paypal.com")
    customer = gateway.customer.create({"payment_method_nonce": agreed["nonce"]}).customer
    assert customer.paypal_accounts[0].billing_agreement_id == billing
    order = shop.run(create + "return paypal.createPayment({flow: 'checkout', amount: '10.00', currency: 'USD'});")
    assert order.startswith("EC-")
    approved = "{paymentID: 'PAYID-1', payerID: 'PAYER1'}"
    paid = shop.run(create + f"return paypal.tokenizePayment({approved});")
    assert sale(gateway, paid["nonce"]).is_success


def test_apple_pay_and_visa_checkout_become_nonces(shop: Shop, gateway: Any, token: str) -> None:
    shop.create_client(token)
    apple = shop.run(
        "const apple = await braintree.applePay.create({client, useDeferredClient: false});"
        "const session = await apple.performValidation({validationURL: 'https://apple.example', displayName: 'Shop'});"
        "const made = await apple.tokenize({token: {paymentData: {data: 'x'}, paymentMethod: {network: 'MasterCard',"
        "displayName: 'MasterCard 0017'}}}); return {made, session};"
    )
    assert apple["session"]["domainName"] == "shop.example"
    paid = sale(gateway, apple["made"]["nonce"])
    assert paid.transaction.apple_pay_details.payment_instrument_name == "MasterCard 0017"
    visa = shop.run(
        "const visa = await braintree.visaCheckout.create({client});"
        "return visa.tokenize({callid: 'c', encKey: 'k', encPaymentData: 'd'});"
    )
    assert sale(gateway, visa["nonce"]).transaction.visa_checkout_card_details.call_id == "c"


def test_whatever_braintree_web_sends_by_itself_is_known_to_the_twin(shop: Shop, twin: Twin, token: str) -> None:
    shop.create_client(token)
    shop.run(VERIFY, card=shop.tokenize(FRICTIONLESS))
    unhandled = twin.control.requests().unhandled_fields
    assert [each.field for each in unhandled if "three_d_secure" in each.route] == []
