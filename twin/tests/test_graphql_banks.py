"""GraphQL for servers: bank accounts, verifications, charges by kind, searches; with the Python SDK's client of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from braintree_twin.rules.bank_accounts import MAX_ATTEMPTS
from braintree_twin.sdk_twin import SdkTwin, run_sdk_twin

Ask = Callable[..., Any]
VERIFICATION = "verification { id legacyId status processorResponse { legacyCode message } }"
METHOD = "paymentMethod { id legacyId details { ... on UsBankAccountDetails { last4 routingNumber bankName } } }"
SHOWN = "id legacyId status amount { value }"


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkTwin]:
    folder: Path = tmp_path_factory.mktemp("graphql")
    with run_sdk_twin(folder) as running:
        yield running


@pytest.fixture
def graph(twin: SdkTwin) -> Ask:
    """Runs one mutation or query with an input; returns its payload, or the errors' codes if they are asked for."""
    twin.reset()
    client = twin.gateway().graphql_client

    def ask(field: str, shown: str, errors: bool = False, **given: Any) -> Any:
        kind = f"{field[0].upper()}{field[1:]}Input!"
        answer = client.query(f"mutation($input: {kind}) {{ {field}(input: $input) {{ {shown} }} }}", {"input": given})
        assert ("errors" in answer) == errors, answer
        if errors:
            return [each["extensions"].get("legacyCode") for each in answer["errors"]]
        return answer["data"][field]

    return ask


def tokenized(graph: Ask, number: str) -> str:
    account = {
        "routingNumber": "021000021",
        "accountNumber": number,
        "accountType": "CHECKING",
        "individualOwner": {"firstName": "Dan", "lastName": "Schulman"},
        "achMandate": "I authorize this",
    }
    identifier: str = graph("tokenizeUsBankAccount", "paymentMethod { id }", usBankAccount=account)["paymentMethod"][
        "id"
    ]
    return identifier


def vaulted(graph: Ask, number: str, way: str | None) -> Any:
    asked = {"paymentMethodId": tokenized(graph, number), **({"verificationMethod": way} if way else {})}
    return graph("vaultUsBankAccount", f"{METHOD} {VERIFICATION}", **asked)


def test_a_bank_account_is_tokenized_vaulted_verified_and_charged(graph: Ask, twin: SdkTwin) -> None:
    made = vaulted(graph, "1000000000", "NETWORK_CHECK")
    method = made["paymentMethod"]
    assert method["details"] == {"last4": "0000", "routingNumber": "021000021", "bankName": "JPMORGAN CHASE"}
    assert (made["verification"]["status"], made["verification"]["processorResponse"]["legacyCode"]) == (
        "VERIFIED",
        "1000",
    )
    asked = {"paymentMethodId": method["id"], "transaction": {"amount": "10.00"}}
    paid = graph("chargeUsBankAccount", f"transaction {{ {SHOWN} }}", **asked)["transaction"]
    assert (paid["status"], paid["amount"]["value"]) == ("SETTLEMENT_PENDING", "10.00")
    account = twin.gateway().us_bank_account.find(method["legacyId"])
    assert (account.account_holder_name, account.ach_mandate.text) == ("Dan Schulman", "I authorize this")
    twin.advance(days=4)
    assert twin.gateway().transaction.find(paid["legacyId"]).status == "settled"


def test_a_bank_account_that_nobody_verified_is_refused(graph: Ask) -> None:
    made = vaulted(graph, "1000000000", None)
    assert made["verification"] is None
    charge = {"paymentMethodId": made["paymentMethod"]["id"], "transaction": {"amount": "10.00"}}
    assert graph("chargeUsBankAccount", "transaction { id }", errors=True, **charge) == ["915172"]
    nonce = {"paymentMethodId": tokenized(graph, "1000000000"), "transaction": {"amount": "10.00"}}
    assert graph("chargeUsBankAccount", "transaction { id }", errors=True, **nonce) == ["915171"]
    asked = {"paymentMethodId": made["paymentMethod"]["id"], "verificationMethod": "INDEPENDENT_CHECK"}
    assert graph("verifyUsBankAccount", VERIFICATION, **asked)["verification"]["status"] == "VERIFIED"
    assert (
        graph("chargeUsBankAccount", "transaction { status }", **charge)["transaction"]["status"]
        == "SETTLEMENT_PENDING"
    )


def test_micro_transfers_are_confirmed(graph: Ask, twin: SdkTwin) -> None:
    at_once = vaulted(graph, "1000000000", "MICRO_TRANSFERS")["verification"]
    assert at_once["status"] == "PENDING"
    asked = {"verificationId": at_once["id"], "amountsInCents": [1, 2]}
    assert graph("confirmMicroTransferAmounts", "status", errors=True, **asked) == ["96103"]
    asked["amountsInCents"] = [17, 29]
    assert graph("confirmMicroTransferAmounts", "status", **asked)["status"] == "CONFIRMED"
    later = vaulted(graph, "1000000001", "MICRO_TRANSFERS")["verification"]
    told = graph("confirmMicroTransferAmounts", "status", verificationId=later["id"], amountsInCents=[17, 29])
    assert told["status"] == "PENDING"
    twin.advance(days=1)
    query = "query($id: ID!) { node(id: $id) { ... on Verification { status } } }"
    found = twin.gateway().graphql_client.query(query, {"id": later["id"]})
    assert found["data"]["node"]["status"] == "VERIFIED"


def test_too_many_attempts_close_a_verification_as_in_the_xml_api(graph: Ask, twin: SdkTwin) -> None:
    pending = vaulted(graph, "1000000000", "MICRO_TRANSFERS")["verification"]
    wrong = {"verificationId": pending["id"], "amountsInCents": [1, 2]}
    tried = [graph("confirmMicroTransferAmounts", "status", errors=True, **wrong) for _ in range(MAX_ATTEMPTS + 1)]
    assert tried == [["96103"]] * MAX_ATTEMPTS + [["96104"]]
    assert twin.gateway().us_bank_account_verification.find(pending["legacyId"]).status == "gateway_rejected"
    right = {**wrong, "amountsInCents": [17, 29]}
    assert graph("confirmMicroTransferAmounts", "status", errors=True, **right) == ["96104"]


def test_cards_are_verified_by_nonce_and_by_id(graph: Ask, twin: SdkTwin) -> None:
    declined = graph("verifyPaymentMethod", VERIFICATION, paymentMethodId="fake-processor-declined-visa-nonce")
    assert declined["verification"]["status"] == "PROCESSOR_DECLINED"
    vault = graph("vaultPaymentMethod", "paymentMethod { id legacyId }", paymentMethodId="fake-valid-nonce")
    asked = {"paymentMethodId": vault["paymentMethod"]["id"], "options": {"amount": "1.50"}}
    checked = graph("verifyCreditCard", VERIFICATION, **asked)["verification"]
    assert checked["status"] == "VERIFIED"
    assert str(twin.gateway().verification.find(checked["legacyId"]).amount) == "1.50"
    assert graph("verifyPaymentMethod", VERIFICATION, errors=True, paymentMethodId="nothing") == ["91732"]
    paypal = {"paymentMethodId": "fake-paypal-one-time-nonce"}
    assert graph("verifyPaymentMethod", VERIFICATION, errors=True, **paypal) == ["91738"]


def test_wallets_are_charged_and_authorized_by_their_kind(graph: Ask, twin: SdkTwin) -> None:
    for field, nonce, status in (
        ("chargePayPalAccount", "fake-paypal-one-time-nonce", "SETTLING"),
        ("authorizePayPalAccount", "fake-paypal-one-time-nonce", "AUTHORIZED"),
        ("chargeVenmoAccount", "fake-venmo-account-nonce", "SUBMITTED_FOR_SETTLEMENT"),
        ("authorizeVenmoAccount", "fake-venmo-account-nonce", "AUTHORIZED"),
    ):
        options = {"options": {"customField": "0437"}} if "PayPal" in field else {}
        sold = graph(
            field, f"transaction {{ {SHOWN} }}", paymentMethodId=nonce, transaction={"amount": "10.00"}, **options
        )["transaction"]
        assert sold["status"] == status
        if options:
            assert twin.gateway().transaction.find(sold["legacyId"]).paypal_details.custom_field == "0437"


def test_the_amount_of_a_submitted_transaction_is_updated(graph: Ask) -> None:
    paid = graph(
        "chargePaymentMethod", "transaction { id }", paymentMethodId="fake-valid-nonce", transaction={"amount": "10.00"}
    )["transaction"]
    asked = {"transactionId": paid["id"], "amount": "9.00"}
    changed = graph("updateTransactionAmount", f"transaction {{ {SHOWN} }}", **asked)["transaction"]
    assert changed["amount"]["value"] == "9.00"
    too_much = {"transactionId": paid["id"], "amount": "11.00"}
    assert graph("updateTransactionAmount", "transaction { id }", errors=True, **too_much) == ["91522"]


def _found(twin: SdkTwin, field: str, kind: str, given: Any) -> list[str]:
    query = f"query($input: {kind}!) {{ search {{ {field}(input: $input) {{ edges {{ node {{ legacyId }} }} }} }} }}"
    answer = twin.gateway().graphql_client.query(query, {"input": given})
    assert "errors" not in answer, answer
    return [edge["node"]["legacyId"] for edge in answer["data"]["search"][field]["edges"]]


def test_customers_refunds_and_verifications_are_searched(twin: SdkTwin) -> None:
    twin.reset()
    gateway = twin.gateway()
    ada = gateway.customer.create({"first_name": "Ada", "email": "ada@example.com"}).customer.id
    gateway.customer.create({"first_name": "Grace", "email": "grace@example.com"})
    assert _found(twin, "customers", "CustomerSearchInput", {"email": {"is": "ada@example.com"}}) == [ada]
    assert _found(twin, "customers", "CustomerSearchInput", {"firstName": {"startsWith": "ad"}}) == [ada]
    paid = {"amount": "10.00", "payment_method_nonce": "fake-valid-nonce", "options": {"submit_for_settlement": True}}
    sold = gateway.transaction.sale({**paid, "order_id": "order-1"}).transaction.id
    twin.settle()
    refund = gateway.transaction.refund(sold, {"order_id": "refund-1"}).transaction.id
    assert _found(twin, "refunds", "RefundSearchInput", {"orderId": {"is": "refund-1"}}) == [refund]
    assert _found(twin, "refunds", "RefundSearchInput", {"orderId": {"is": "order-1"}}) == []
    card = {"number": "4000111111111115", "expiration_date": "05/2030"}
    gateway.verification.create({"credit_card": {**card, "number": "4111111111111111"}})
    declined = gateway.verification.create({"credit_card": card}).credit_card_verification.id
    found = _found(twin, "verifications", "VerificationSearchInput", {"status": {"is": "PROCESSOR_DECLINED"}})
    assert found == [declined]
