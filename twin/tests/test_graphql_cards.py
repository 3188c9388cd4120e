"""GraphQL for servers: cards with their authentications, snapshots, verifications, updates and detached refunds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import braintree
import pytest
from twin_sdk import fresh_amount, sale

from braintree_twin.testing import Twin

Ask = Callable[..., Any]
ACCOUNT = "twin_usd_no_duplicate_check"
# The fields that payment orchestrators ask for.
ANSWER = """
  id legacyId status orderId amount { value currencyCode }
  processorAuthorizationResponse { legacyCode message cvvResponse additionalInformation mastercardTransactionLinkId }
  processorSettlementResponse { legacyCode message }
  statusHistory { __typename status terminal
    ... on ProcessorDeclinedEvent { declineType merchantAdviceCodeResponse { code message } networkResponse { code } }
    ... on GatewayRejectedEvent { gatewayRejectionReason duplicateOf { legacyId } }
  }
"""


@pytest.fixture(scope="module")
def graph(gateway: braintree.BraintreeGateway) -> Ask:
    """Sends a query with variables; returns its data. Errors fail the test, unless they are asked for."""
    client = gateway.graphql_client

    def ask(query: str, errors: bool = False, **variables: Any) -> Any:
        answer = client.query(query, variables)
        assert ("errors" in answer) == errors, answer
        return answer["errors"] if errors else answer["data"]

    return ask


def charged(graph: Ask, nonce: str, fields: str = ANSWER, options: Any = None, **transaction: Any) -> Any:
    query = (
        "mutation ($input: ChargeCreditCardInput!) { chargeCreditCard(input: $input) "
        f"{{ transaction {{ {fields} }} }} }}"
    )
    known = {"amount": fresh_amount(), "merchantAccountId": ACCOUNT, **transaction}
    asked = {"paymentMethodId": nonce, "transaction": known, "options": options}
    return graph(query, input=asked)["chargeCreditCard"]["transaction"]


def vaulted(graph: Ask, nonce: str = "fake-valid-visa-nonce") -> str:
    query = "mutation ($input: VaultCreditCardInput!) { vaultCreditCard(input: $input) { paymentMethod { id } } }"
    return str(graph(query, input={"paymentMethodId": nonce})["vaultCreditCard"]["paymentMethod"]["id"])


def test_a_card_s_snapshot_has_the_type_that_the_query_names(graph: Ask) -> None:
    older = "paymentMethodSnapshot { __typename ... on CreditCardDetails { last4 cardOnFileNetworkTokenized } }"
    newer = """paymentMethodSnapshot { __typename ...card }"""
    shown = charged(graph, "fake-valid-visa-nonce", older)["paymentMethodSnapshot"]
    assert (shown["__typename"], shown["last4"]) == ("CreditCardDetails", "1881")
    query = (
        f"mutation ($input: ChargeCreditCardInput!) {{chargeCreditCard(input: $input) {{transaction {{{newer}}}}}}}"
        " fragment card on CreditCardTransactionDetails { networkTransactionId creditCard { last4 brandCode } }"
    )
    asked = {
        "paymentMethodId": "fake-valid-visa-nonce",
        "transaction": {"amount": fresh_amount(), "merchantAccountId": ACCOUNT},
    }
    shown = graph(query, input=asked)["chargeCreditCard"]["transaction"]["paymentMethodSnapshot"]
    assert shown["creditCard"] == {"last4": "1881", "brandCode": "VISA"}
    assert shown["networkTransactionId"]


def test_declines_and_duplicates_say_more(graph: Ask) -> None:
    declined = charged(graph, "fake-valid-mastercard-nonce", amount="2000.00")
    (event,) = declined["statusHistory"]
    assert event["declineType"] == "SOFT"
    assert event["merchantAdviceCodeResponse"] == {"code": "01", "message": "New account information available"}
    assert declined["processorAuthorizationResponse"]["legacyCode"] == "2000"
    amount = fresh_amount()
    first, second = (
        charged(graph, "fake-valid-visa-nonce", amount=amount, merchantAccountId="twin_usd") for _ in range(2)
    )
    (event,) = second["statusHistory"]
    assert (event["gatewayRejectionReason"], event["duplicateOf"]) == ("DUPLICATE", {"legacyId": first["legacyId"]})


def test_an_authentication_made_elsewhere_is_passed_through(graph: Ask, gateway: Any) -> None:
    secure = """paymentMethodSnapshot { ... on CreditCardDetails {
      threeDSecure { authentication { cavv eciFlag liabilityShifted } } } }"""
    passed = {"eciFlag": "05", "cavv": "Y2F2dg==", "version": "2.2.0", "directoryServerTransactionId": "d5"}
    paid = charged(
        graph, "fake-valid-visa-nonce", f"legacyId {secure}", {"threeDSecureAuthentication": {"passThrough": passed}}
    )
    shown = paid["paymentMethodSnapshot"]["threeDSecure"]["authentication"]
    assert shown == {"cavv": "Y2F2dg==", "eciFlag": "05", "liabilityShifted": True}
    assert gateway.transaction.find(paid["legacyId"]).three_d_secure_info.eci_flag == "05"
    required = {"threeDSecureAuthentication": {"required": True}}
    rejected = charged(graph, "fake-valid-visa-nonce", options=required)
    assert rejected["statusHistory"][0]["gatewayRejectionReason"] == "THREE_D_SECURE"
    query = "mutation ($input: ChargeCreditCardInput!) { chargeCreditCard(input: $input) { transaction { id } } }"
    asked = {
        "paymentMethodId": "fake-valid-visa-nonce",
        "transaction": {"amount": fresh_amount()},
        "options": {"threeDSecureAuthentication": {"passThrough": {**passed, "eciFlag": "99"}}},
    }
    (fault,) = graph(query, errors=True, input=asked)
    assert (fault["extensions"]["errorClass"], fault["extensions"]["legacyCode"]) == ("VALIDATION", "915114")


def test_a_card_of_another_vault_and_a_security_code_reach_the_processor(graph: Ask) -> None:
    vault = {"status": "VAULTED", "verifyingNetworkTransactionId": "020200101120000"}
    assert (
        charged(graph, "fake-valid-visa-nonce", options={"externalVault": vault})["status"]
        == "SUBMITTED_FOR_SETTLEMENT"
    )
    code = 'mutation { tokenizeCvv(input: {cvv: "200"}) { tokenizedCvv { id } } }'
    tokenized = graph(code)["tokenizeCvv"]["tokenizedCvv"]["id"]
    paid = charged(graph, vaulted(graph), options={"tokenizedCvv": tokenized})
    assert paid["processorAuthorizationResponse"]["cvvResponse"] == "DOES_NOT_MATCH"


def test_an_unknown_nonce_is_told_in_the_words_of_the_graph(graph: Ask) -> None:
    query = "mutation ($input: ChargePaymentMethodInput!) { chargePaymentMethod(input: $input) { transaction { id } } }"
    (fault,) = graph(query, errors=True, input={"paymentMethodId": "nothing", "transaction": {"amount": "1.00"}})
    assert fault["message"] == "Unknown or expired single-use payment method."
    assert fault["extensions"]["inputPath"] == ["input", "paymentMethodId"]
    assert fault["extensions"]["legacyCode"] == "91565"


def test_a_charge_with_a_key_is_made_once(graph: Ask) -> None:
    query = "mutation ($input: ChargePaymentMethodInput!) { chargePaymentMethod(input: $input) { transaction { id } } }"
    asked = {
        "apiRequestKey": "graph-key-1",
        "paymentMethodId": "fake-valid-nonce",
        "transaction": {"amount": fresh_amount()},
    }
    first, second = (graph(query, input=asked)["chargePaymentMethod"]["transaction"]["id"] for _ in range(2))
    assert first == second


def test_shipping_and_tax_are_amounts(graph: Ask) -> None:
    query = """mutation ($method: ID!, $amount: Amount!, $tax: Amount) {
      chargeCreditCard(input: {paymentMethodId: $method, transaction: {amount: $amount, tax: {taxAmount: $tax},
        shipping: {shippingMethod: GROUND, shippingTaxAmount: "1.10", shippingAmount: "2.20"}}}) {
        transaction { tax { taxAmount } shipping { shippingMethod shippingTaxAmount shippingAmount } } } }"""
    made = graph(query, method="fake-valid-nonce", amount=fresh_amount(), tax="1.00")["chargeCreditCard"]["transaction"]
    assert made["tax"] == {"taxAmount": "1.00"}
    assert made["shipping"] == {"shippingMethod": "GROUND", "shippingTaxAmount": "1.10", "shippingAmount": "2.20"}


UPDATES = (
    "paymentMethod { details { ... on CreditCardDetails { cardholderName expirationYear } } } verification { status }"
)


def test_a_vaulted_card_is_updated_and_verified(graph: Ask) -> None:
    card = vaulted(graph)
    named = (
        "mutation ($input: UpdateCreditCardCardholderNameInput!) {updateCreditCardCardholderName(input: $input) {%s}}"
    )
    made = graph(named % UPDATES, input={"paymentMethodId": card, "cardholderName": "Ada L"})
    made = made["updateCreditCardCardholderName"]
    assert made["paymentMethod"]["details"]["cardholderName"] == "Ada L"
    assert made["verification"] == {"status": "VERIFIED"}
    dated = (
        "mutation ($input: UpdateCreditCardExpirationDateInput!) {updateCreditCardExpirationDate(input: $input) {%s}}"
    )
    asked = {"paymentMethodId": card, "expirationMonth": "05", "expirationYear": "2033", "verification": {"skip": True}}
    made = graph(dated % UPDATES, input=asked)["updateCreditCardExpirationDate"]
    assert (made["paymentMethod"]["details"]["expirationYear"], made["verification"]) == ("2033", None)
    moved = """mutation ($input: UpdateCreditCardBillingAddressInput!) { updateCreditCardBillingAddress(input: $input) {
      billingAddress { addressLine1 postalCode } verification { processorResponse { avsPostalCodeResponse } } } }"""
    address = {"addressLine1": "1 Main St", "postalCode": "20000", "countryCode": "US"}
    made = graph(moved, input={"paymentMethodId": card, "billingAddress": address})["updateCreditCardBillingAddress"]
    assert made["billingAddress"] == {"addressLine1": "1 Main St", "postalCode": "20000"}
    assert made["verification"]["processorResponse"] == {"avsPostalCodeResponse": "DOES_NOT_MATCH"}
    verifications = """query ($id: ID!) { node(id: $id) { ... on PaymentMethod { verifications(first: 2) { edges {
      node { status amount { value } paymentMethod { id }
      paymentMethodVerificationDetails { ... on CreditCardVerificationDetails { amount { value } } }
      paymentMethodSnapshot { ... on CreditCardTransactionDetails { networkTransactionId } } } }
      pageInfo { hasNextPage } } } } }"""
    found = graph(verifications, id=card)["node"]["verifications"]
    assert found["pageInfo"] == {"hasNextPage": True}
    assert found["edges"][0]["node"]["paymentMethod"] == {"id": card}
    assert found["edges"][0]["node"]["paymentMethodSnapshot"]["networkTransactionId"]


def test_a_detached_refund_needs_no_sale(graph: Ask) -> None:
    query = "mutation ($input: RefundCreditCardInput!) { refundCreditCard(input: $input) { refund { %s } } }"
    fields = "legacyId status amount { value } refundedTransaction { id }"
    refund = {"amount": "3.00", "orderId": "detached-1", "merchantAccountId": ACCOUNT}
    asked = {"paymentMethodId": "fake-valid-nonce", "refund": refund}
    made = graph(query % fields, input=asked)["refundCreditCard"]["refund"]
    assert (made["status"], made["amount"], made["refundedTransaction"]) == (
        "SUBMITTED_FOR_SETTLEMENT",
        {"value": "3.00"},
        None,
    )
    search = """query ($input: PaymentSearchInput!) { search { payments(input: $input) { edges { node {
      __typename legacyId } } } } }"""
    for kinds, found in (["DETACHED_REFUND"], [made["legacyId"]]), (["REFUND"], []), (["TRANSACTION"], []):
        asked = {"orderId": {"is": "detached-1"}, "type": {"in": kinds}}
        edges = graph(search, input=asked)["search"]["payments"]["edges"]
        assert [each["node"]["legacyId"] for each in edges] == found


def test_custom_fields_are_changed_afterwards(graph: Ask, gateway: Any) -> None:
    paid = sale(gateway, custom_fields={"colour": "red", "size": "m"})
    query = (
        "mutation ($input: UpdateCustomFieldsInput!) {updateCustomFields(input: $input) {customFields {name value}}}"
    )
    asked = {"id": paid.graphql_id, "customFields": [{"name": "colour", "value": "blue"}]}
    made = graph(query, input=asked)["updateCustomFields"]["customFields"]
    assert {each["name"]: each["value"] for each in made} == {"colour": "blue", "size": "m"}
    assert gateway.transaction.find(paid.id).custom_fields == {"colour": "blue", "size": "m"}
    asked["customFields"] = [{"name": "invalid_name", "value": "x"}]
    (fault,) = graph(query, errors=True, input=asked)
    assert fault["extensions"]["legacyCode"] == "91526"


def test_payments_are_searched_by_amount_and_customer(graph: Ask, gateway: Any) -> None:
    customer = gateway.customer.create({"first_name": "Searched", "email": "searched@example.com"}).customer
    paid = sale(gateway, amount="77.71", customer_id=customer.id, payment_method_nonce="fake-valid-nonce")
    search = """query ($input: TransactionSearchInput!) { search { transactions(input: $input) { edges { node {
      legacyId } } } } }"""
    for criteria in (
        {"amount": {"value": {"is": "77.71"}}},
        {"amount": {"value": {"greaterThanOrEqualTo": "77.70", "lessThanOrEqualTo": "77.72"}}},
        {"customer": {"email": {"is": "searched@example.com"}, "firstName": {"startsWith": "Sear"}}},
        {"customer": {"id": {"is": customer.graphql_id}}},
    ):
        edges = graph(search, input=criteria)["search"]["transactions"]["edges"]
        assert [each["node"]["legacyId"] for each in edges] == [paid.id], criteria


def test_bank_accounts_and_local_payments_have_their_own_snapshots(graph: Ask, gateway: Any, twin: Twin) -> None:
    query = """query ($id: ID!) { node(id: $id) { ... on Transaction { paymentMethodSnapshot { __typename
      ... on UsBankAccountDetails { accountholderName ownershipType achMandate { acceptanceText } achReturnCode }
      ... on LocalPaymentDetails { type origin { type } } ... on SEPADirectDebitTransactionDetails { last4 } } } } }"""

    def shown(nonce: str, **fields: Any) -> Any:
        asked = {"payment_method_nonce": nonce, "options": {"submit_for_settlement": True}, **fields}
        paid = sale(gateway, **asked)
        if nonce == "fake-us-bank-account-nonce":
            twin.control.return_by_bank(paid.id, "R03")
        return graph(query, id=paid.graphql_id)["node"]["paymentMethodSnapshot"]

    bank = shown(
        "fake-us-bank-account-nonce",
        merchant_account_id="twin_usd_bank_accounts_exempt",
        us_bank_account={"ach_mandate_text": "I agree"},
    )
    assert (bank["achMandate"], bank["achReturnCode"]) == ({"acceptanceText": "I agree"}, "R03")
    assert bank["ownershipType"] in ("PERSONAL", "BUSINESS")
    local = shown("fake-local-payment-method-nonce", merchant_account_id="twin_eur")
    assert (local["__typename"], local["type"], local["origin"]) == ("LocalPaymentDetails", "IDEAL", {"type": "PAYPAL"})
    sepa = shown("fake-sepa-direct-debit-nonce", merchant_account_id="twin_eur")
    assert sepa["__typename"] == "SEPADirectDebitTransactionDetails"
