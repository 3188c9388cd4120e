"""GraphQL for servers, with the Python SDK's own client of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import braintree
import pytest
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.not_found_error import NotFoundError
from raw_http import RawHttp
from twin_sdk import fresh_amount, gateway_to

from braintree_twin.graphql_api.endpoint import ROOT_FIELDS, SCHEMA
from braintree_twin.testing import Twin

Ask = Callable[..., Any]
PAYMENT = "id legacyId status orderId amount { value currencyCode }"
TRANSACTION = f"transaction {{ {PAYMENT} }}"
CARD = "... on CreditCardDetails { last4 brandCode expirationMonth expirationYear cardholderName }"
ACCOUNT = "twin_usd_no_duplicate_check"


@pytest.fixture(scope="module")
def graph(gateway: braintree.BraintreeGateway) -> Ask:
    """Sends a query with variables; returns its data. Errors fail the test, unless they are asked for."""
    client = gateway.graphql_client

    def ask(query: str, errors: bool = False, **variables: Any) -> Any:
        answer = client.query(query, variables)
        assert ("errors" in answer) == errors, answer
        return answer["errors"] if errors else answer["data"]

    return ask


def charge(graph: Ask, method: str = "fake-valid-nonce", mutation: str = "chargePaymentMethod", **fields: Any) -> Any:
    input_type = f"{mutation[0].upper()}{mutation[1:]}Input!"
    query = f"mutation($input: {input_type}) {{ {mutation}(input: $input) {{ {TRANSACTION} }} }}"
    transaction = {"amount": fresh_amount(), "merchantAccountId": ACCOUNT, **fields}
    return graph(query, input={"paymentMethodId": method, "transaction": transaction})[mutation]["transaction"]


def vault(graph: Ask, nonce: str = "fake-valid-nonce", **fields: Any) -> Any:
    query = (
        "mutation($input: VaultPaymentMethodInput!) { vaultPaymentMethod(input: $input) { "
        f"paymentMethod {{ id legacyId usage customer {{ id }} details {{ __typename {CARD} }} }} "
        "verification { status processorResponse { legacyCode } } } }"
    )
    return graph(query, input={"paymentMethodId": nonce, **fields})["vaultPaymentMethod"]


def test_every_root_field_of_the_schema_is_served() -> None:
    described: list[Any] = [SCHEMA.type_map[kind] for kind in ("Query", "Mutation")]
    assert set(ROOT_FIELDS) == {name for each in described for name in each.fields}


def test_ping(graph: Ask) -> None:
    assert graph("{ ping }") == {"ping": "pong"}


def test_a_tokenized_card_pays(graph: Ask) -> None:
    query = (
        "mutation($input: TokenizeCreditCardInput!) { tokenizeCreditCard(input: $input) { clientMutationId token "
        f"paymentMethod {{ id usage details {{ {CARD} }} }} creditCard {{ bin binData {{ prepaid }} }} }} }}"
    )
    described = {"number": "4111111111111111", "expirationMonth": "12", "expirationYear": "2031", "cvv": "123"}
    address = {"addressLine1": "1 Main St", "postalCode": "60622", "countryCode": "US"}
    asked = {"creditCard": {**described, "billingAddress": address}, "clientMutationId": "mine"}
    made = graph(query, input=asked)["tokenizeCreditCard"]
    assert (made["clientMutationId"], made["creditCard"]["bin"]) == ("mine", "411111")
    method = made["paymentMethod"]
    assert (method["id"], method["usage"], method["details"]["last4"]) == (made["token"], "SINGLE_USE", "1111")
    assert charge(graph, method["id"])["status"] == "SUBMITTED_FOR_SETTLEMENT"


def test_a_charge_is_what_the_xml_api_shows(graph: Ask, gateway: braintree.BraintreeGateway) -> None:
    sold = charge(
        graph,
        amount="12.30",
        orderId="from-the-graph",
        purchaseOrderNumber="po-1",
        channel="shop",
        descriptor={"name": "abc*product", "phone": "3125551234"},
        customFields=[{"name": "store_me", "value": "yes"}],
        tax={"taxAmount": "1.00", "taxExempt": False},
        shipping={"shippingAddress": {"addressLine1": "1 Main St", "adminArea2": "Chicago"}, "shippingAmount": "2.00"},
        lineItems=[{"name": "Tea", "kind": "DEBIT", "quantity": "2", "unitAmount": "5.00", "totalAmount": "10.00"}],
        riskData={"deviceData": "collected"},
        paymentInitiator="RECURRING_FIRST",
        customerDetails={"email": "ada@example.com"},
    )
    found = gateway.transaction.find(sold["legacyId"])
    assert sold["id"] == found.global_id
    assert (str(found.amount), found.order_id, found.status) == ("12.30", "from-the-graph", "submitted_for_settlement")
    assert (found.purchase_order_number, found.channel, found.descriptor.name) == ("po-1", "shop", "abc*product")
    assert (found.custom_fields, str(found.tax_amount), str(found.shipping_amount)) == (
        {"store_me": "yes"},
        "1.00",
        "2.00",
    )
    assert (found.shipping_details.street_address, found.shipping_details.locality) == ("1 Main St", "Chicago")
    assert (found.customer_details.email, found.recurring) == ("ada@example.com", True)
    assert [item.name for item in gateway.transaction_line_item.find_all(found.id)] == ["Tea"]


def test_card_options_reach_the_processor(graph: Ask) -> None:
    query = (
        "mutation($input: AuthorizeCreditCardInput!) { authorizeCreditCard(input: $input) { transaction { "
        "billingAddress { postalCode } scaExemptionRequested statusHistory { ... on AuthorizedEvent "
        "{ processorResponse { legacyCode cvvResponse avsPostalCodeResponse authorizationId } } } } } }"
    )
    options = {
        "billingAddress": {"postalCode": "60622"},
        "fraudTools": {"skipCvv": True, "skipAvs": True},
        "scaExemption": "LOW_VALUE",
    }
    transaction = {"amount": fresh_amount(), "merchantAccountId": ACCOUNT}
    asked = {"paymentMethodId": "fake-valid-nonce", "transaction": transaction, "options": options}
    sold = graph(query, input=asked)["authorizeCreditCard"]["transaction"]
    response = sold["statusHistory"][0]["processorResponse"]
    assert (sold["billingAddress"], sold["scaExemptionRequested"]) == ({"postalCode": "60622"}, "LOW_VALUE")
    assert (response["legacyCode"], response["cvvResponse"], response["avsPostalCodeResponse"]) == (
        "1000",
        "BYPASS",
        "BYPASS",
    )


def test_a_decline_is_a_transaction_and_no_error(graph: Ask) -> None:
    query = (
        "mutation($input: ChargePaymentMethodInput!) { chargePaymentMethod(input: $input) { transaction { status "
        "statusHistory { __typename terminal ... on ProcessorDeclinedEvent { declineType processorResponse "
        "{ legacyCode message } } ... on GatewayRejectedEvent { gatewayRejectionReason } } } } }"
    )
    asked = {"paymentMethodId": "fake-valid-nonce", "transaction": {"amount": "2000.00"}}
    sold = graph(query, input=asked)["chargePaymentMethod"]["transaction"]
    assert sold["status"] == "PROCESSOR_DECLINED"
    assert sold["statusHistory"] == [
        {
            "__typename": "ProcessorDeclinedEvent",
            "terminal": True,
            "declineType": "SOFT",
            "processorResponse": {"legacyCode": "2000", "message": "Do Not Honor"},
        }
    ]
    asked = {"paymentMethodId": "fake-gateway-rejected-fraud-nonce", "transaction": {"amount": "10.00"}}
    rejected = graph(query, input=asked)["chargePaymentMethod"]["transaction"]
    assert rejected["statusHistory"][0]["gatewayRejectionReason"] == "FRAUD"


def test_an_authorization_is_captured_and_reversed(graph: Ask) -> None:
    capture = f"mutation($input: CaptureTransactionInput!) {{ captureTransaction(input: $input) {{ {TRANSACTION} }} }}"
    held = charge(graph, mutation="authorizePaymentMethod", amount="20.00")
    assert held["status"] == "AUTHORIZED"
    asked = {"transactionId": held["id"], "transaction": {"amount": "15.00", "orderId": "captured"}}
    captured = graph(capture, input=asked)["captureTransaction"]["transaction"]
    assert (captured["id"], captured["status"]) == (held["id"], "SUBMITTED_FOR_SETTLEMENT")
    assert (captured["amount"]["value"], captured["orderId"]) == ("15.00", "captured")
    reverse = (
        "mutation($input: ReverseTransactionInput!) { reverseTransaction(input: $input) { reversal { __typename "
        f"... on Transaction {{ {PAYMENT} }} ... on Refund {{ {PAYMENT} refundedTransaction {{ id }} }} }} }} }}"
    )
    voided = graph(reverse, input={"transactionId": held["id"]})["reverseTransaction"]["reversal"]
    assert (voided["__typename"], voided["status"], voided["id"]) == ("Transaction", "VOIDED", held["id"])
    settled = settle(graph, charge(graph, amount="9.00"))
    refunded = graph(reverse, input={"transactionId": settled["id"]})["reverseTransaction"]["reversal"]
    assert (refunded["__typename"], refunded["amount"]["value"]) == ("Refund", "9.00")
    assert refunded["refundedTransaction"] == {"id": settled["id"]}


def settle(graph: Ask, sold: Any) -> Any:
    query = "mutation($input: SandboxSettleTransactionInput!) { sandboxSettleTransaction(input: $input) { %s } }"
    settled = graph(query % TRANSACTION, input={"transactionId": sold["id"]})["sandboxSettleTransaction"]["transaction"]
    assert settled["status"] == "SETTLED"
    return settled


def test_a_refund_is_partial_and_can_be_reversed(graph: Ask) -> None:
    settled = settle(graph, charge(graph, amount="30.00"))
    query = (
        f"mutation($input: RefundTransactionInput!) {{ refundTransaction(input: $input) {{ refund {{ {PAYMENT} }} }} }}"
    )
    asked = {"transactionId": settled["id"], "refund": {"amount": "10.00", "orderId": "back"}}
    refund = graph(query, input=asked)["refundTransaction"]["refund"]
    assert (refund["amount"]["value"], refund["orderId"]) == ("10.00", "back")
    reverse = f"mutation($input: ReverseRefundInput!) {{ reverseRefund(input: $input) {{ refund {{ {PAYMENT} }} }} }}"
    assert graph(reverse, input={"refundId": refund["id"]})["reverseRefund"]["refund"]["status"] == "VOIDED"
    asked = {"transactionId": settled["id"], "refund": {"amount": "31.00"}}
    (error,) = graph(query, errors=True, input=asked)
    assert error["extensions"]["legacyCode"] == "91521"
    assert error["extensions"]["inputPath"] == ["input", "refund", "amount"]


def test_a_paypal_authorization_is_captured_in_parts(graph: Ask) -> None:
    held = charge(graph, "fake-paypal-one-time-nonce", "authorizePaymentMethod", amount="50.00")
    query = (
        "mutation($input: PartialCaptureTransactionInput!) { partialCaptureTransaction(input: $input) { capture { "
        "amount { value } partialCaptureDetails { originalAuthorization { id } } paymentMethodSnapshot { __typename "
        "... on PayPalTransactionDetails { payer { email } } } } } }"
    )
    asked = {"transactionId": held["id"], "transaction": {"amount": "20.00"}}
    part = graph(query, input=asked)["partialCaptureTransaction"]["capture"]
    assert part["amount"] == {"value": "20.00"}
    assert part["partialCaptureDetails"]["originalAuthorization"] == {"id": held["id"]}
    assert part["paymentMethodSnapshot"]["payer"]["email"]


def test_a_vaulted_method_is_verified_charged_and_deleted(graph: Ask, gateway: braintree.BraintreeGateway) -> None:
    made = vault(graph)
    method = made["paymentMethod"]
    assert (method["usage"], method["details"]["brandCode"]) == ("MULTI_USE", "VISA")
    assert made["verification"]["status"] == "VERIFIED"
    assert method["customer"]["id"]
    assert gateway.payment_method.find(method["legacyId"]).global_id == method["id"]
    sold = charge(graph, method["id"])
    assert gateway.transaction.find(sold["legacyId"]).credit_card_details.token == method["legacyId"]
    delete = (
        "mutation($input: DeletePaymentMethodFromVaultInput!) "
        "{ deletePaymentMethodFromVault(input: $input) { clientMutationId } }"
    )
    graph(delete, input={"paymentMethodId": method["id"]})
    with pytest.raises(NotFoundError):
        gateway.payment_method.find(method["legacyId"])


def test_a_failed_verification_vaults_nothing_unless_it_is_skipped(graph: Ask) -> None:
    refused = vault(graph, "fake-processor-declined-visa-nonce")
    assert refused["paymentMethod"] is None
    assert refused["verification"]["status"] == "PROCESSOR_DECLINED"
    vaulted = vault(graph, "fake-processor-declined-visa-nonce", verification={"skip": True})
    assert (vaulted["paymentMethod"]["usage"], vaulted["verification"]) == ("MULTI_USE", None)


def test_wallets_and_paypal_have_their_details(graph: Ask) -> None:
    paypal = vault(graph, "fake-paypal-future-nonce")
    assert paypal["paymentMethod"]["details"]["__typename"] == "PayPalAccountDetails"
    venmo = vault(graph, "fake-venmo-account-nonce")
    assert venmo["paymentMethod"]["details"]["__typename"] == "VenmoAccountDetails"
    query = (
        "query($id: ID!) { node(id: $id) { ... on Transaction { paymentMethodSnapshot { ... on CreditCardDetails "
        "{ origin { type details { ... on ApplePayOriginDetails { paymentInstrumentName } } } } } } } }"
    )
    found = graph(query, id=charge(graph, "fake-apple-pay-visa-nonce")["id"])["node"]
    assert found["paymentMethodSnapshot"]["origin"]["type"] == "APPLE_PAY"


def test_customers_are_created_updated_found_and_deleted(graph: Ask) -> None:
    fields = "id legacyId firstName lastName phoneNumber email customFields { name value }"
    create = f"mutation($input: CreateCustomerInput) {{ createCustomer(input: $input) {{ customer {{ {fields} }} }} }}"
    assert graph(create)["createCustomer"]["customer"]["id"]
    given = {"firstName": "Ada", "phoneNumber": "3125551234", "customFields": [{"name": "store_me", "value": "yes"}]}
    made = graph(create, input={"customer": given})["createCustomer"]["customer"]
    assert (made["firstName"], made["customFields"]) == ("Ada", [{"name": "store_me", "value": "yes"}])
    update = f"mutation($input: UpdateCustomerInput!) {{ updateCustomer(input: $input) {{ customer {{ {fields} }} }} }}"
    asked = {"customerId": made["id"], "customer": {"lastName": "Lovelace", "phoneNumber": None}}
    changed = graph(update, input=asked)["updateCustomer"]["customer"]
    assert (changed["firstName"], changed["lastName"], changed["phoneNumber"]) == ("Ada", "Lovelace", None)
    method = vault(graph, customerId=made["id"])["paymentMethod"]
    sold = charge(graph, method["id"])
    query = (
        "query($id: ID!) { node(id: $id) { ... on Customer { firstName defaultPaymentMethod { id } "
        "paymentMethods { edges { node { id } } } transactions(first: 1) { edges { node { id } } } } } }"
    )
    found = graph(query, id=made["id"])["node"]
    assert found["defaultPaymentMethod"] == {"id": method["id"]}
    assert found["paymentMethods"]["edges"] == [{"node": {"id": method["id"]}}]
    assert found["transactions"]["edges"] == [{"node": {"id": sold["id"]}}]
    delete = "mutation($input: DeleteCustomerInput!) { deleteCustomer(input: $input) { clientMutationId } }"
    assert graph(delete, errors=True, input={"customerId": made["id"]})
    other = graph(create)["createCustomer"]["customer"]["id"]
    graph(delete, input={"customerId": other})
    with pytest.raises(NotFoundError):
        graph("query($id: ID!) { node(id: $id) { id } }", errors=True, id=other)


def test_a_client_token_names_its_customer(graph: Ask) -> None:
    customer = graph("mutation { createCustomer { customer { id legacyId } } }")["createCustomer"]["customer"]
    query = "mutation($input: CreateClientTokenInput) { createClientToken(input: $input) { clientToken } }"
    token = graph(query, input={"clientToken": {"customerId": customer["id"]}})["createClientToken"]["clientToken"]
    content = json.loads(base64.b64decode(token))
    assert content["hasCustomer"] is True
    assert graph(query)["createClientToken"]["clientToken"]


def test_transactions_are_found_by_id_and_by_order_id(graph: Ask) -> None:
    sold = [charge(graph, orderId=f"search-{number}") for number in range(3)]
    legacy = graph("query($id: ID!) { idFromLegacyId(legacyId: $id, type: TRANSACTION) }", id=sold[0]["legacyId"])
    assert legacy == {"idFromLegacyId": sold[0]["id"]}
    query = (
        "query($input: TransactionSearchInput!, $first: Int, $after: String) { search { transactions(input: $input, "
        "first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } } }"
    )
    wanted = {"orderId": {"startsWith": "search-"}, "status": {"in": ["SUBMITTED_FOR_SETTLEMENT", "SETTLED"]}}
    page = graph(query, input=wanted, first=2)["search"]["transactions"]
    rest = graph(query, input=wanted, after=page["pageInfo"]["endCursor"])["search"]["transactions"]
    assert (page["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    found = {edge["node"]["id"] for each in (page, rest) for edge in each["edges"]}
    assert found == {each["id"] for each in sold}
    by_id = graph(
        query, input={"id": {"is": sold[1]["id"]}, "createdAt": {"greaterThanOrEqualTo": "2020-01-01T00:00:00Z"}}
    )
    assert [edge["node"]["id"] for edge in by_id["search"]["transactions"]["edges"]] == [sold[1]["id"]]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ ping", "Syntax Error"),
        ("{ bogus }", "Cannot query field 'bogus'"),
        ('mutation { chargePaymentMethod(input: {paymentMethodId: "x"}) { transaction { id } } }', "transaction"),
        (
            'mutation { chargePaymentMethod(input: {paymentMethodId: "x", transaction: {amount: 1.00, colour: "red"}}) '
            "{ transaction { id } } }",
            "'colour'",
        ),
        ("{ a: ping " + "b: ping " * 11_000 + "}", "tokens"),
    ],
)
def test_a_field_that_the_schema_does_not_allow_is_refused_by_name(graph: Ask, query: str, message: str) -> None:
    error = graph(query, errors=True)[0]
    assert message in error["message"]
    assert error["extensions"]["errorClass"] == "VALIDATION"


def test_an_amount_may_be_a_text_a_number_or_a_literal(graph: Ask) -> None:
    assert charge(graph, amount="10.10")["amount"]["value"] == "10.10"
    assert charge(graph, amount=10)["amount"]["value"] == "10.00"
    charged = 'input: {paymentMethodId: "fake-valid-nonce", transaction: {amount: %s}}'
    query = f"mutation {{ chargePaymentMethod({charged}) {{ %s }} }}"
    answer = graph(query % ("77.50", TRANSACTION))
    assert answer["chargePaymentMethod"]["transaction"]["amount"]["value"] == "77.50"


@pytest.fixture(scope="module")
def raw(twin: Twin) -> Iterator[RawHttp]:
    connection = RawHttp(twin)
    yield connection
    connection.close()


def _post(raw: RawHttp, body: bytes, authorization: str) -> tuple[int, Any]:
    reply = raw.ask("POST", "/graphql", body, Authorization=authorization, Content_Type="application/json")
    return reply.status, json.loads(reply.body) if reply.body else None


def test_wrong_keys_are_refused_and_browsers_may_only_tokenize(
    raw: RawHttp, gateway: braintree.BraintreeGateway
) -> None:
    body = json.dumps({"query": "mutation { createCustomer { customer { id } } }"}).encode()
    wrong = "Basic " + base64.b64encode(b"twin_public_key:wrong").decode()
    unknown = "Basic " + base64.b64encode(b"nobody:wrong").decode()
    for keys in (wrong, unknown):
        status, answer = _post(raw, body, keys)
        assert (status, answer["errors"][0]["extensions"]["errorClass"]) == (200, "AUTHENTICATION")
        assert answer["extensions"]["requestId"]
    token = json.loads(base64.b64decode(gateway.client_token.generate()))["authorizationFingerprint"]
    status, answer = _post(raw, body, f"Bearer {token}")
    assert (status, answer["data"]) == (200, {"createCustomer": None})
    assert answer["errors"][0]["extensions"]["errorClass"] == "AUTHORIZATION"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"query": 5}',
        b'{"query": "{ping}", "variables": 5}',
        b'{"query": "' + b"{a" * 4000 + b'"}',
        b'{"query": "{ ping }", "operationName": "other"}',
        b'{"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": {"a": 1}}}',
        b'{"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": "\\ud800"}}',
    ],
)
def test_a_malformed_request_is_answered_and_not_a_fault(raw: RawHttp, body: bytes) -> None:
    keys = "Basic " + base64.b64encode(b"twin_public_key:twin_private_key").decode()
    status, answer = _post(raw, body, keys)
    assert status == 200
    assert answer["errors"][0]["extensions"]["errorClass"] == "VALIDATION"


def test_the_sdk_raises_its_exceptions(graph: Ask, twin: Twin) -> None:
    with pytest.raises(NotFoundError):
        graph('{ node(id: "none") { id } }')
    with pytest.raises(AuthenticationError):
        gateway_to(twin, private_key="wrong").graphql_client.query("{ ping }")
