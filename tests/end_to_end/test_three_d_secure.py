"""3-D Secure from outside: policies, results and refusals, against the twin."""

from __future__ import annotations

import json
import uuid

import grpc
import pytest

from bayar.messages import (
    BayarClient,
    BayarError,
    DeclineReason,
    Payment,
    PaymentMethodState,
    PaymentState,
    RetryAdvice,
    money,
)
from bayar.payments.v1.three_d_secure_pb2 import (
    ExternalAuthentication,
    ScaExemption,
    ThreeDSecure,
    ThreeDSecurePolicy,
    ThreeDSecureStatus,
)
from tests.api_keys import CALLER
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.payment_steps import MASTERCARD, VISA, a_card, an_order, pay
from tests.end_to_end.service import Pair, run_bayar
from tests.order_ids import operation_of

FULL = "fake-three-d-secure-visa-full-authentication-nonce"
FRICTIONLESS = "fake-three-d-secure-two-visa-successful-frictionless-authentication-nonce"
FAILED = "fake-three-d-secure-visa-failed-authentication-nonce"
FAILED_SIGNATURE = "fake-three-d-secure-visa-failed-signature-nonce"
NOT_ENROLLED = "fake-three-d-secure-visa-not-enrolled-nonce"
UNAVAILABLE = "fake-three-d-secure-visa-authentication-unavailable-nonce"
LOOKUP_ERROR = "fake-three-d-secure-two-visa-error-on-lookup-nonce"
BYPASSED = "fake-three-d-secure-visa-bypassed-authentication-nonce"
CAVV = "AAABBEg0VhI0VniQEjRWAAAAAAA="

REQUIRED = ThreeDSecure(policy=ThreeDSecurePolicy.THREE_D_SECURE_POLICY_REQUIRED)
NOT_WANTED = ThreeDSecure(policy=ThreeDSecurePolicy.THREE_D_SECURE_POLICY_NOT_WANTED)
AUTHENTICATED = ExternalAuthentication(eci="05", cavv=CAVV, version="2.2.0", directory_server_transaction_id="ds-1")


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"BAYAR_THREE_D_SECURE": "if_offered,EUR>=30.00=required"}


def statuses(pair: Pair, payment: Payment) -> set[str]:
    """The statuses at the gateway of what the payment's operations made."""
    ours = {operation.operation_id for operation in payment.operations}
    return {entry.status for entry in pair.twin.control.ledger() if operation_of(entry.order_id) in ours}


@pytest.mark.parametrize(
    ("nonce", "status", "eci", "version"),
    [
        (FULL, ThreeDSecureStatus.THREE_D_SECURE_STATUS_AUTHENTICATED, "05", "1.0.2"),
        (FRICTIONLESS, ThreeDSecureStatus.THREE_D_SECURE_STATUS_AUTHENTICATED, "05", "2.1.0"),
        (NOT_ENROLLED, ThreeDSecureStatus.THREE_D_SECURE_STATUS_NOT_ENROLLED, "06", "1.0.2"),
    ],
)
def test_a_payment_shows_the_authentication_of_its_nonce(
    nonce: str, status: int, eci: str, version: str, bayar: BayarClient
) -> None:
    payment = pay(bayar, payment_method_nonce=nonce, three_d_secure=REQUIRED)
    result = payment.three_d_secure
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert (result.status, result.eci, result.version) == (status, eci, version)
    assert result.liability_shifted
    assert payment.three_d_secure_policy == ThreeDSecurePolicy.THREE_D_SECURE_POLICY_REQUIRED
    (event,) = [e for e in bayar.list_payment_events(payment_id=payment.payment_id) if e.gateway_details.status]
    assert event.gateway_details.three_d_secure == result
    assert "liability shifted to the bank" in event.summary


def test_a_card_pays_with_a_published_authentication_id(bayar: BayarClient) -> None:
    policy = ThreeDSecurePolicy.THREE_D_SECURE_POLICY_REQUIRED
    states = {}
    for outcome in ("visa-full", "visa-failed"):
        identifier = f"fake-three-d-secure-{outcome}-authentication-id"
        asked = ThreeDSecure(policy=policy, authentication_id=identifier)
        payment = pay(bayar, payment_method_nonce="fake-valid-nonce", three_d_secure=asked)
        states[outcome] = (payment.state, payment.three_d_secure.status)
    assert states == {
        "visa-full": (PaymentState.PAYMENT_STATE_CAPTURED, ThreeDSecureStatus.THREE_D_SECURE_STATUS_AUTHENTICATED),
        "visa-failed": (PaymentState.PAYMENT_STATE_DECLINED, ThreeDSecureStatus.THREE_D_SECURE_STATUS_FAILED),
    }


@pytest.mark.parametrize("nonce", [FAILED, FAILED_SIGNATURE])
def test_a_failed_authentication_is_declined_and_no_money_stays_held(
    nonce: str, bayar: BayarClient, pair: Pair
) -> None:
    payment = pay(bayar, payment_method_nonce=nonce)
    assert payment.state == PaymentState.PAYMENT_STATE_DECLINED
    assert payment.decline.reason == DeclineReason.DECLINE_REASON_AUTHENTICATION_REQUIRED
    assert payment.decline.retry_advice == RetryAdvice.RETRY_ADVICE_AFTER_CUSTOMER_ACTION
    assert payment.three_d_secure.status == ThreeDSecureStatus.THREE_D_SECURE_STATUS_FAILED
    assert statuses(pair, payment) <= {"voided", "gateway_rejected"}
    verified = bayar.verify_payment(payment_id=payment.payment_id)
    assert not verified.differences


def test_a_failed_authentication_is_not_lost_by_storing_the_method(bayar: BayarClient) -> None:
    member = bayar.create_customer(given_name="Sari").customer_id
    with pytest.raises(BayarError) as refused:
        bayar.add_payment_method(customer_id=member, payment_method_nonce=FAILED)
    assert (refused.value.code, refused.value.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "AUTHENTICATION_REQUIRED",
    )
    paid = pay(bayar, customer_id=member, payment_method_nonce=FAILED, store_payment_method=True)
    assert paid.decline.reason == DeclineReason.DECLINE_REASON_AUTHENTICATION_REQUIRED
    methods = bayar.list_payment_methods(customer_id=member)
    assert not [one for one in methods if one.state == PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE]
    stored = bayar.add_payment_method(customer_id=member, payment_method_nonce=FULL)
    assert stored.state == PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE


def test_a_credential_of_one_customer_does_not_weaken_the_rule(bayar: BayarClient, pair: Pair) -> None:
    member = bayar.create_customer(given_name="Sari").customer_id
    scopes = "payments:write,customers:write"
    made = run_bayar(
        "keys", "create", CALLER, "--scopes", scopes, "--customer", member, environment=pair.service.environment
    )
    assert made.returncode == 0, made.stderr
    euros = money("30.00", "EUR")
    with BayarClient(pair.service.address, credential=made.stdout.split()[-1]) as own:
        for field, asked in (
            ("policy", NOT_WANTED),
            ("external", ThreeDSecure(external=AUTHENTICATED)),
            ("exemption", ThreeDSecure(exemption=ScaExemption.SCA_EXEMPTION_LOW_VALUE)),
        ):
            with pytest.raises(BayarError) as refused:
                pay(own, euros, three_d_secure=asked)
            (violation,) = refused.value.violations
            assert violation.field == f"three_d_secure.{field}"
            assert "leave it out" in violation.description
        assert pay(own, euros, payment_method_nonce=FULL).state == PaymentState.PAYMENT_STATE_CAPTURED


def test_a_failed_authentication_is_charged_where_it_is_not_wanted(bayar: BayarClient) -> None:
    payment = pay(bayar, payment_method_nonce=FAILED, three_d_secure=NOT_WANTED)
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert not payment.three_d_secure.liability_shifted


@pytest.mark.parametrize("nonce", [UNAVAILABLE, LOOKUP_ERROR, BYPASSED, "fake-valid-nonce"])
def test_without_a_liability_shift_only_a_payment_that_requires_it_is_refused(nonce: str, bayar: BayarClient) -> None:
    assert pay(bayar, payment_method_nonce=nonce).state == PaymentState.PAYMENT_STATE_CAPTURED
    refused = pay(bayar, payment_method_nonce=nonce, three_d_secure=REQUIRED)
    assert refused.state == PaymentState.PAYMENT_STATE_DECLINED
    assert refused.decline.reason == DeclineReason.DECLINE_REASON_AUTHENTICATION_REQUIRED
    assert refused.gateway_details.gateway_rejection_reason == "three_d_secure"


@pytest.mark.parametrize("number", [VISA, MASTERCARD])
@pytest.mark.parametrize("amount", ["2099.00", "2101.00"])
def test_the_issuers_2099_is_paid_under_a_new_request_with_an_authentication(
    amount: str, number: str, bayar: BayarClient
) -> None:
    reference = an_order()
    declined = pay(bayar, amount, reference=reference, card=a_card(number))
    assert declined.decline.reason == DeclineReason.DECLINE_REASON_AUTHENTICATION_REQUIRED
    assert declined.decline.retry_advice == RetryAdvice.RETRY_ADVICE_AFTER_CUSTOMER_ACTION
    still = pay(bayar, amount, reference=reference, payment_method_nonce=UNAVAILABLE)
    assert still.decline.reason == DeclineReason.DECLINE_REASON_AUTHENTICATION_REQUIRED
    paid = pay(bayar, amount, reference=reference, payment_method_nonce=FULL)
    assert paid.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert paid.amount == declined.amount


def test_a_card_as_typed_is_refused_until_it_is_authenticated(bayar: BayarClient, pair: Pair) -> None:
    request_id, reference = str(uuid.uuid4()), an_order()
    before = len(list(pair.twin.control.ledger()))
    with pytest.raises(BayarError) as raised:
        pay(bayar, request_id=request_id, reference=reference, three_d_secure=REQUIRED)
    assert (raised.value.code, raised.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "AUTHENTICATION_REQUIRED")
    assert "Authenticate the customer" in str(raised.value)
    assert len(list(pair.twin.control.ledger())) == before
    asked = ThreeDSecure(policy=REQUIRED.policy, external=AUTHENTICATED)
    payment = pay(bayar, request_id=request_id, reference=reference, three_d_secure=asked)
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert payment.three_d_secure.liability_shifted
    assert payment.three_d_secure.directory_server_transaction_id == "ds-1"


def test_the_services_rule_requires_it_by_currency_and_amount(bayar: BayarClient) -> None:
    assert pay(bayar, amount=money("29.99", "EUR")).state == PaymentState.PAYMENT_STATE_CAPTURED
    with pytest.raises(BayarError) as raised:
        pay(bayar, amount=money("30.00", "EUR"))
    assert raised.value.reason == "AUTHENTICATION_REQUIRED"
    exempted = pay(
        bayar,
        amount=money("30.00", "EUR"),
        three_d_secure=ThreeDSecure(exemption=ScaExemption.SCA_EXEMPTION_TRANSACTION_RISK_ANALYSIS),
    )
    assert exempted.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert exempted.sca_exemption == ScaExemption.SCA_EXEMPTION_TRANSACTION_RISK_ANALYSIS


def test_a_refusal_is_told_in_indonesian(bayar: BayarClient) -> None:
    with pytest.raises(BayarError) as raised:
        pay(bayar, three_d_secure=REQUIRED, language_code="id")
    assert "konfirmasi" in raised.value.localized_message


def test_contradictory_data_names_field_and_remedy(bayar: BayarClient) -> None:
    contradictory = ExternalAuthentication(eci="05", cavv=CAVV, version="2.2.0", authentication_response="N")
    with pytest.raises(BayarError) as raised:
        pay(bayar, three_d_secure=ThreeDSecure(external=contradictory))
    assert raised.value.reason == "INVALID_REQUEST"
    assert "three_d_secure.external.eci" in str(raised.value)


def test_the_cavv_and_the_authentication_id_are_kept_nowhere(bayar: BayarClient, pair: Pair) -> None:
    pay(bayar, three_d_secure=ThreeDSecure(external=AUTHENTICATED))
    kept = b"".join(file.read_bytes() for file in pair.directory.glob("bayar*"))
    assert CAVV.encode() not in kept
    assert CAVV not in pair.service.log


def test_the_command_line_shows_the_result(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar, payment_method_nonce=FULL)
    cli = CommandLine(pair.service.address)
    document = json.loads(cli.out("payments", "show", payment.payment_id, "--json"))
    assert document["payment"]["three_d_secure"]["liability_shifted"] is True
    assert "authenticated, liability shifted to the bank, ECI 05" in cli.out("payments", "show", payment.payment_id)


def test_a_card_may_be_typed_where_nothing_requires_authentication(bayar: BayarClient) -> None:
    payment = pay(bayar, card=a_card())
    assert not payment.HasField("three_d_secure")
    assert payment.three_d_secure_policy == ThreeDSecurePolicy.THREE_D_SECURE_POLICY_IF_OFFERED
