"""A membership from outside: who starts each payment, and what the network and the customer permit."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bayar.messages import (
    Address,
    BayarClient,
    BayarError,
    DeclineReason,
    ExternalVault,
    OrderDetails,
    PaymentCheck,
    PaymentInitiator,
    PaymentMethodState,
    PaymentState,
    RetryAdvice,
    ScaExemption,
    SeriesPosition,
    StatementDescriptor,
    ThreeDSecure,
    ThreeDSecurePolicy,
    money,
)
from bootstrap.cli.main import main
from tests.api_keys import TEST_KEY
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.payment_steps import MASTERCARD, a_card, pay
from tests.end_to_end.service import Pair

FULL = "fake-three-d-secure-visa-full-authentication-nonce"
FAILED = "fake-three-d-secure-visa-failed-authentication-nonce"
RECURRING = PaymentInitiator.PAYMENT_INITIATOR_MERCHANT_RECURRING
UNSCHEDULED = PaymentInitiator.PAYMENT_INITIATOR_MERCHANT_UNSCHEDULED
MAIL = PaymentInitiator.PAYMENT_INITIATOR_MAIL_OR_TELEPHONE
FIRST = SeriesPosition.SERIES_POSITION_FIRST
LATER = SeriesPosition.SERIES_POSITION_LATER


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"BAYAR_THREE_D_SECURE": "EUR=required"}


def test_a_membership_is_charged_each_month(bayar: BayarClient, pair: Pair) -> None:
    member = bayar.create_customer(given_name="Sari")
    nine = money("9.00", "EUR")
    first = pay(
        bayar,
        amount=nine,
        payment_method_nonce=FULL,
        customer_id=member.customer_id,
        store_payment_method=True,
        initiator=RECURRING,
        series_position=FIRST,
        consents=[RECURRING],
    )
    assert first.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert first.three_d_secure.liability_shifted
    method = bayar.get_payment_method(payment_method_id=first.payment_method_id)
    assert method.network_transaction_id == first.gateway_details.network_transaction_id != ""
    assert list(method.consents) == [RECURRING]

    later = pay(bayar, amount=nine, payment_method_id=method.payment_method_id, initiator=RECURRING)
    assert later.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert (later.initiator, later.series_position) == (RECURRING, LATER)

    with pytest.raises(BayarError) as refused:
        pay(bayar, amount=nine, payment_method_id=method.payment_method_id, initiator=UNSCHEDULED)
    assert refused.value.reason == "INVALID_REQUEST"
    assert "MERCHANT_RECURRING" in str(refused.value)

    in_person = pytest.raises(BayarError)
    with in_person as unauthenticated:
        pay(bayar, amount=nine, payment_method_id=method.payment_method_id)
    assert unauthenticated.value.reason == "AUTHENTICATION_REQUIRED"

    cli = CommandLine(pair.service.address)
    assert "merchant recurring, later of its series" in cli.out("payments", "show", later.payment_id)
    document = json.loads(cli.out("payments", "show", later.payment_id, "--json"))
    assert document["payment"]["initiator"] == "PAYMENT_INITIATOR_MERCHANT_RECURRING"


def test_a_customer_who_agrees_to_another_kind_in_person_may_be_charged_for_it(bayar: BayarClient) -> None:
    member = bayar.create_customer(given_name="Sari")
    method = bayar.add_payment_method(customer_id=member.customer_id, card=a_card(), consents=[RECURRING])
    later: dict[str, Any] = {"payment_method_id": method.payment_method_id, "initiator": UNSCHEDULED}
    with pytest.raises(BayarError):
        pay(bayar, **later)
    declined = pay(bayar, "2000.00", **later, series_position=FIRST)
    assert declined.state == PaymentState.PAYMENT_STATE_DECLINED
    with pytest.raises(BayarError):
        pay(bayar, **later)
    assert pay(bayar, **later, series_position=FIRST).state == PaymentState.PAYMENT_STATE_CAPTURED
    assert pay(bayar, **later).state == PaymentState.PAYMENT_STATE_CAPTURED
    now = bayar.get_payment_method(payment_method_id=method.payment_method_id)
    assert list(now.consents) == [RECURRING, UNSCHEDULED]


def test_an_issuers_advice_says_when_to_charge_again(bayar: BayarClient) -> None:
    member = bayar.create_customer(given_name="Sari")
    method = bayar.add_payment_method(customer_id=member.customer_id, card=a_card(MASTERCARD))
    declined = pay(bayar, "2001.00", payment_method_id=method.payment_method_id, initiator=RECURRING)
    assert declined.decline.reason == DeclineReason.DECLINE_REASON_INSUFFICIENT_FUNDS
    assert declined.gateway_details.merchant_advice_code
    assert declined.decline.retry_advice == RetryAdvice.RETRY_ADVICE_RETRY_LATER
    assert declined.decline.retry_after.seconds > 0


@pytest.mark.parametrize("amount", ["2001.00", "2046.00"])
def test_a_soft_decline_in_the_customers_absence_says_when_to_charge_again(
    amount: str, bayar: BayarClient, pair: Pair
) -> None:
    member = bayar.create_customer(given_name="Sari")
    method = bayar.add_payment_method(customer_id=member.customer_id, card=a_card())
    later = pay(bayar, amount, payment_method_id=method.payment_method_id, initiator=RECURRING)
    assert later.decline.retry_advice == RetryAdvice.RETRY_ADVICE_RETRY_LATER
    assert later.decline.retry_after.ToTimedelta() == timedelta(days=2)
    shown = CommandLine(pair.service.address).out("payments", "show", later.payment_id)
    assert "retry later, after 2 days" in shown
    assert "after 2 days," not in shown
    in_person = pay(bayar, amount, payment_method_id=method.payment_method_id)
    assert in_person.decline.retry_advice == RetryAdvice.RETRY_ADVICE_USE_ANOTHER_METHOD
    assert bayar.get_payment(payment_id=later.payment_id).decline == later.decline
    kept = b"".join(file.read_bytes() for file in pair.directory.glob("bayar.db*"))
    assert b"insufficient_funds" in kept or b"declined" in kept
    assert b"cured_by_time" not in kept


def test_a_card_of_another_vault_is_charged_with_its_own_network_id(bayar: BayarClient) -> None:
    vault = ExternalVault(previous_network_transaction_id="483297487231504")
    payment = pay(bayar, amount=money("9.00", "EUR"), initiator=UNSCHEDULED, external_vault=vault)
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert payment.series_position == LATER


def test_a_card_from_another_vault_is_stored_and_charged_with_its_own_network_id(bayar: BayarClient) -> None:
    member = bayar.create_customer(given_name="Sari")
    vault = ExternalVault(previous_network_transaction_id="483297487231504")
    method = bayar.add_payment_method(
        customer_id=member.customer_id, card=a_card(), external_vault=vault, consents=[UNSCHEDULED]
    )
    assert method.network_transaction_id == "483297487231504"
    payment = pay(bayar, payment_method_id=method.payment_method_id, initiator=UNSCHEDULED)
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert bayar.get_payment_method(payment_method_id=method.payment_method_id).network_transaction_id == (
        "483297487231504"
    )


@pytest.mark.parametrize(("amount", "currency"), [("0.00", "EUR"), ("1.00", "USD")])
def test_a_card_is_verified_with_the_chosen_amount_and_account(bayar: BayarClient, amount: str, currency: str) -> None:
    member = bayar.create_customer(given_name="Sari")
    asked = money(amount, currency)
    method = bayar.add_payment_method(
        customer_id=member.customer_id, card=a_card(), verify=True, verification_amount=asked
    )
    assert method.state == PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE
    assert method.verification.amount == asked


def test_an_authentication_id_has_to_be_that_of_the_nonce_of_a_method(bayar: BayarClient) -> None:
    member = bayar.create_customer(given_name="Sari")
    ids = {
        "": PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE,
        "another": PaymentMethodState.PAYMENT_METHOD_STATE_DECLINED,
    }
    for authentication_id, state in ids.items():
        method = bayar.add_payment_method(
            customer_id=member.customer_id,
            payment_method_nonce=FULL,
            verify=True,
            three_d_secure=ThreeDSecure(authentication_id=authentication_id),
        )
        assert method.state == state
    known = method.verification.three_d_secure.authentication_id
    again = bayar.add_payment_method(
        customer_id=member.customer_id,
        payment_method_nonce=FULL,
        verify=True,
        three_d_secure=ThreeDSecure(authentication_id=known),
    )
    assert again.state == PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE


def test_an_order_by_telephone_needs_no_authentication(bayar: BayarClient) -> None:
    assert pay(bayar, amount=money("9.00", "EUR"), initiator=MAIL).state == PaymentState.PAYMENT_STATE_CAPTURED


@pytest.mark.parametrize("policy", [None, ThreeDSecurePolicy.THREE_D_SECURE_POLICY_REQUIRED])
def test_a_method_whose_authentication_failed_is_stored_nowhere(bayar: BayarClient, policy: int | None) -> None:
    member = bayar.create_customer(given_name="Sari")
    asked = ThreeDSecure(policy=policy) if policy else None  # type: ignore[arg-type]
    method = bayar.add_payment_method(
        customer_id=member.customer_id, payment_method_nonce=FAILED, verify=True, three_d_secure=asked
    )
    assert method.state == PaymentMethodState.PAYMENT_METHOD_STATE_DECLINED
    assert method.verification.decline.reason == DeclineReason.DECLINE_REASON_AUTHENTICATION_REQUIRED
    assert list(bayar.list_payment_methods(customer_id=member.customer_id)) == []


def test_the_risk_check_of_device_data_is_shown(bayar: BayarClient) -> None:
    payment = pay(bayar, device_data='{"correlation_id":"8d4b"}', client_address="203.0.113.7")
    check = payment.gateway_details.risk_check
    assert (check.decision, check.device_data_captured) == ("Approve", True)
    assert not pay(bayar).gateway_details.HasField("risk_check")


def test_a_member_who_withdraws_consent_is_charged_no_more(bayar: BayarClient) -> None:
    member = bayar.create_customer(given_name="Sari")
    method = bayar.add_payment_method(customer_id=member.customer_id, card=a_card(), consents=[RECURRING])
    assert pay(bayar, payment_method_id=method.payment_method_id, initiator=RECURRING)
    withdrawn = bayar.update_payment_method(payment_method_id=method.payment_method_id, consents=[])
    assert (list(withdrawn.consents), withdrawn.consents_withdrawn) == ([], True)
    with pytest.raises(BayarError) as refused:
        pay(bayar, payment_method_id=method.payment_method_id, initiator=RECURRING)
    assert [one.field for one in refused.value.violations] == ["initiator"]
    assert pay(bayar, payment_method_id=method.payment_method_id).state == PaymentState.PAYMENT_STATE_CAPTURED
    agreed = bayar.update_payment_method(payment_method_id=method.payment_method_id, consents=[RECURRING])
    assert (list(agreed.consents), agreed.consents_withdrawn) == ([RECURRING], False)
    assert pay(bayar, payment_method_id=method.payment_method_id, initiator=RECURRING)
    unchanged = bayar.update_payment_method(payment_method_id=method.payment_method_id, cardholder_name="Sari")
    assert list(unchanged.consents) == [RECURRING]


@pytest.fixture
def told(pair: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The output of a command."""
    monkeypatch.setenv("BAYAR_API_KEY", TEST_KEY)
    monkeypatch.setenv("BAYAR_GRPC_ADDRESS", pair.service.address)

    def run(*arguments: str) -> str:
        capsys.readouterr()
        assert main(arguments) == 0
        return " ".join(capsys.readouterr().out.split())

    return run


def test_the_command_line_shows_the_uses_and_the_verification_of_a_method(
    bayar: BayarClient, told: Callable[..., str]
) -> None:
    member = bayar.create_customer(given_name="Sari")
    method = bayar.add_payment_method(
        customer_id=member.customer_id,
        payment_method_nonce=FULL,
        verify=True,
        verification_amount=money("0.00", "EUR"),
        consents=[RECURRING],
    )
    shown = told("methods", "show", method.payment_method_id)
    for part in (
        "may be charged merchant recurring",
        f"network's id {method.network_transaction_id}",
        "verification approved with EUR 0.00, code 1000",
        f"verified by {method.verification.merchant_account_id}",
        "CVV matches",
        "3-D Secure authenticated, liability shifted to the bank, ECI 05, version 1.0.2",
    ):
        assert part in shown
    bayar.update_payment_method(payment_method_id=method.payment_method_id, consents=[])
    assert "the consents are withdrawn" in told("methods", "show", method.payment_method_id)
    refused = bayar.add_payment_method(customer_id=member.customer_id, payment_method_nonce=FAILED, verify=True)
    assert "verification declined: AUTHENTICATION_REQUIRED" in told("methods", "show", refused.payment_method_id)


def test_the_command_line_the_export_and_the_feed_show_how_it_was_paid(
    bayar: BayarClient, told: Callable[..., str]
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=1)
    payment = pay(
        bayar,
        "100.00",
        payment_method_nonce=FULL,
        three_d_secure=ThreeDSecure(exemption=ScaExemption.SCA_EXEMPTION_TRUSTED_BENEFICIARY),
        skip_checks=[PaymentCheck.PAYMENT_CHECK_AVS],
        device_data='{"correlation_id":"8d4b"}',
        billing_address=Address(
            street_address="Jalan Braga 1", locality="Bandung", postal_code="40111", country_code="ID"
        ),
        statement_descriptor=StatementDescriptor(name="BYR*COFFEE"),
        order_details=OrderDetails(tax_amount=money("15.00", "USD"), purchase_order_number="PO-9"),
    )
    shown = told("payments", "show", payment.payment_id)
    for part in (
        "ECI 05, version 1.0.2, policy if offered, exemption trusted beneficiary asked for",
        f"network's id {payment.gateway_details.network_transaction_id}",
        "risk check Approve",
        "checks skipped avs",
        "billed to Jalan Braga 1, 40111 Bandung, ID",
        "on the statement BYR*COFFEE",
        "compared postal code B, street B",
        "purchase order PO-9 tax USD 15.00",
    ):
        assert part in shown
    exported = told("payments", "export", "--by-payment", "--from", since.isoformat())
    columns, *rows = csv.reader(exported.replace(" ", "\n").splitlines())
    (row,) = [dict(zip(columns, row, strict=True)) for row in rows if row[0] == payment.payment_id]
    expected = {
        "three_d_secure_version": "1.0.2",
        "three_d_secure_policy": "IF_OFFERED",
        "sca_exemption": "TRUSTED_BENEFICIARY",
        "purchase_order_number": "PO-9",
        "tax_amount": "15.00",
        "tax_exempt": "false",
        "shipping_amount": "",
        "skipped_checks": "AVS",
        "risk_decision": "Approve",
        "network_transaction_id": payment.gateway_details.network_transaction_id,
    }
    assert {name: row[name] for name in expected} == expected
    changes = (event.payment_change.payment for event in bayar.stream_events())
    assert next(one for one in changes if one.payment_id == payment.payment_id and one.state == payment.state) == (
        bayar.get_payment(payment_id=payment.payment_id)
    )


def test_a_verification_may_go_without_the_fraud_check(bayar: BayarClient) -> None:
    member = bayar.create_customer(given_name="Sari")
    fraud = PaymentCheck.PAYMENT_CHECK_ADVANCED_FRAUD
    for skipped, state in (
        ([], PaymentMethodState.PAYMENT_METHOD_STATE_DECLINED),
        ([fraud], PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE),
    ):
        method = bayar.add_payment_method(
            customer_id=member.customer_id, card=a_card("4000111111111511"), verify=True, skip_checks=skipped
        )
        assert method.state == state
