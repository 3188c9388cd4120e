"""The contract of every gateway adapter about 3-D Secure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.ports.gateway import (
    Approved,
    Authorization,
    Declined,
    NewMethod,
    Nonce,
    Outcome,
    RiskInput,
    Source,
    ThreeDSecureRequest,
)
from domain.decline import DeclineReason
from domain.ids import PaymentMethodId
from domain.initiator import ExternalVault, Initiator, SeriesPosition
from domain.instrument import Card, InstrumentKind
from domain.payment_method import Verification
from domain.three_d_secure import ExternalAuthentication, ScaExemption, ThreeDSecureResult, ThreeDSecureStatus
from tests.contract.gateway_setup import VISA, GatewaySetup, a_customer, an_id, an_operation_id, stored, usd
from tests.fakes.gateway.authentication import (
    ATTEMPTED_NONCE,
    AUTHENTICATED_NONCE,
    FAILED_NONCE,
    FAILED_SIGNATURE_NONCE,
    LOOKUP_ERROR_NONCE,
    RESULTS,
    UNAVAILABLE_NONCE,
)
from tests.fakes.gateway.vault import PAYPAL_NONCE
from tests.fakes.runtime import HELD

EXTERNAL = ExternalAuthentication(
    eci="05", version="2.2.0", cavv="AAABBEg0VhI0VniQEjRWAAAAAAA=", directory_server_transaction_id="ds-1"
)


def sale(setup: GatewaySetup, source: Source, asked: ThreeDSecureRequest | None = None) -> Outcome:
    authorization = Authorization(
        operation_id=an_operation_id(),
        amount=usd(10_00),
        source=source,
        captures=True,
        three_d_secure=asked or ThreeDSecureRequest(),
    )
    return setup.gateway.authorize(authorization, HELD)


def shown(outcome: Outcome) -> ThreeDSecureResult | None:
    assert isinstance(outcome, Approved), outcome
    return outcome.transaction.details.three_d_secure


def test_an_issuer_that_asks_for_authentication_approves_the_same_amount_with_one(setup: GatewaySetup) -> None:
    def paid(source: Source, external: ExternalAuthentication | None = None) -> Outcome:
        asked = Authorization(
            operation_id=an_operation_id(),
            amount=usd(2099_00),
            source=source,
            captures=True,
            three_d_secure=ThreeDSecureRequest(external=external),
        )
        return setup.gateway.authorize(asked, HELD)

    for source in (VISA, Nonce(UNAVAILABLE_NONCE)):
        refused = paid(source)
        assert isinstance(refused, Declined)
        assert refused.decline.reason is DeclineReason.AUTHENTICATION_REQUIRED
    assert shown(paid(Nonce(AUTHENTICATED_NONCE))) == RESULTS[AUTHENTICATED_NONCE]
    assert shown(paid(VISA, EXTERNAL)) is not None


def test_a_nonce_is_described_without_being_used_up(setup: GatewaySetup) -> None:
    gateway = setup.gateway
    for _ in range(2):
        described = gateway.describe_nonce(Nonce(AUTHENTICATED_NONCE))
        assert described is not None
        assert (described.kind, described.brand.casefold()) == (InstrumentKind.CARD, "visa")
        assert described.three_d_secure == RESULTS[AUTHENTICATED_NONCE]
    wallet = gateway.describe_nonce(Nonce(PAYPAL_NONCE))
    assert wallet is not None
    assert (wallet.kind, wallet.three_d_secure) == (InstrumentKind.PAYPAL, None)
    for unknown in ("nothing", "../customers", "a/b?c", "%2e%2e"):
        assert gateway.describe_nonce(Nonce(unknown)) is None
    shown(sale(setup, Nonce(AUTHENTICATED_NONCE)))


@pytest.mark.parametrize("nonce", RESULTS)
def test_a_sale_shows_the_authentication_of_its_nonce(setup: GatewaySetup, nonce: str) -> None:
    assert shown(sale(setup, Nonce(nonce), ThreeDSecureRequest(is_required=False))) == RESULTS[nonce]


@pytest.mark.parametrize("nonce", [AUTHENTICATED_NONCE, ATTEMPTED_NONCE])
def test_a_required_liability_shift_is_approved(setup: GatewaySetup, nonce: str) -> None:
    shown(sale(setup, Nonce(nonce), ThreeDSecureRequest(is_required=True)))


@pytest.mark.parametrize(
    "source",
    [
        Nonce(FAILED_NONCE),
        Nonce(FAILED_SIGNATURE_NONCE),
        Nonce(UNAVAILABLE_NONCE),
        Nonce(LOOKUP_ERROR_NONCE),
        Nonce("fake-valid-nonce"),
        VISA,
    ],
)
def test_a_sale_without_the_required_liability_shift_is_rejected(setup: GatewaySetup, source: Source) -> None:
    operation_id = an_operation_id()
    authorization = Authorization(
        operation_id=operation_id,
        amount=usd(10_00),
        source=source,
        captures=True,
        three_d_secure=ThreeDSecureRequest(is_required=True),
    )
    outcome = setup.gateway.authorize(authorization, HELD)
    assert isinstance(outcome, Declined)
    assert outcome.decline.reason is DeclineReason.AUTHENTICATION_REQUIRED
    assert outcome.details.gateway_rejection_reason == "three_d_secure"
    (found,) = setup.gateway.find_by_operation(operation_id)
    assert found.decline == outcome.decline


def test_a_sale_without_authentication_shows_none(setup: GatewaySetup) -> None:
    assert shown(sale(setup, VISA)) is None


def test_another_providers_authentication_is_passed_on(setup: GatewaySetup) -> None:
    result = shown(sale(setup, VISA, ThreeDSecureRequest(external=EXTERNAL)))
    assert result is not None
    assert result.status is ThreeDSecureStatus.AUTHENTICATED
    assert (result.eci, result.version, result.liability_shifted) == ("05", "2.2.0", True)
    assert result.directory_server_transaction_id == "ds-1"


@pytest.mark.parametrize(
    ("eci", "status", "is_shifted"),
    [("06", ThreeDSecureStatus.ATTEMPTED, True), ("07", ThreeDSecureStatus.UNAVAILABLE, False)],
)
def test_the_indicator_of_another_provider_decides_the_shift_of_liability(
    setup: GatewaySetup, eci: str, status: ThreeDSecureStatus, is_shifted: bool
) -> None:
    result = shown(sale(setup, VISA, ThreeDSecureRequest(external=replace(EXTERNAL, eci=eci))))
    assert result is not None
    assert (result.status, result.liability_shifted) == (status, is_shifted)


def test_an_authentication_id_has_to_be_that_of_the_nonce(setup: GatewaySetup) -> None:
    def with_id(authentication_id: str) -> Outcome:
        asked = ThreeDSecureRequest(is_required=True, authentication_id=authentication_id)
        return sale(setup, Nonce(AUTHENTICATED_NONCE), asked)

    assert shown(with_id(RESULTS[AUTHENTICATED_NONCE].authentication_id)) is not None
    refused = with_id("another")
    assert isinstance(refused, Declined)
    assert refused.decline.reason is DeclineReason.AUTHENTICATION_REQUIRED
    assert refused.details.validation_code == "915196"


@pytest.mark.parametrize("exemption", list(ScaExemption))
def test_every_exemption_is_taken(setup: GatewaySetup, exemption: ScaExemption) -> None:
    shown(sale(setup, VISA, ThreeDSecureRequest(exemption=exemption)))


@pytest.mark.parametrize("initiator", list(Initiator))
@pytest.mark.parametrize("position", [None, *SeriesPosition])
def test_every_initiator_and_position_is_taken(
    setup: GatewaySetup, initiator: Initiator, position: SeriesPosition | None
) -> None:
    authorization = Authorization(
        operation_id=an_operation_id(),
        amount=usd(10_00),
        source=VISA,
        captures=True,
        initiator=initiator,
        series_position=position,
        external_vault=ExternalVault("483297487231504") if position is SeriesPosition.LATER else None,
    )
    outcome = setup.gateway.authorize(authorization, HELD)
    assert isinstance(outcome, Approved), outcome
    assert outcome.transaction.details.network_transaction_id


def test_device_data_gives_a_risk_check(setup: GatewaySetup) -> None:
    authorization = Authorization(
        operation_id=an_operation_id(),
        amount=usd(10_00),
        source=VISA,
        captures=True,
        risk=RiskInput('{"correlation_id": "a"}', "203.0.113.7"),
    )
    outcome = setup.gateway.authorize(authorization, HELD)
    assert isinstance(outcome, Approved), outcome
    check = outcome.transaction.details.risk_check
    assert check is not None
    assert (check.decision, check.device_data_captured) == ("Approve", True)


def test_a_stored_method_shows_the_authentication_of_its_verification(setup: GatewaySetup) -> None:
    customer = a_customer()
    setup.gateway.ensure_customer(customer, HELD)

    def store(nonce: str, *, verify: bool) -> Verification | None:
        method = NewMethod(
            payment_method_id=PaymentMethodId(an_id("pm")),
            customer_id=customer.customer_id,
            source=Nonce(nonce),
            verify=verify,
        )
        return stored(setup.gateway.store_method(method, HELD)).verification

    verified = store(FAILED_NONCE, verify=True)
    assert verified is not None
    assert verified.three_d_secure == RESULTS[FAILED_NONCE]
    unverified = store(AUTHENTICATED_NONCE, verify=False)
    assert unverified is None or unverified.three_d_secure is None


@pytest.mark.parametrize("source", [VISA, Nonce(AUTHENTICATED_NONCE)])
@pytest.mark.parametrize("minor_units", [0, 1_00])
def test_a_verification_shows_the_amount_that_the_bank_was_asked_about(
    setup: GatewaySetup, source: Card | Nonce, minor_units: int
) -> None:
    customer = a_customer()
    setup.gateway.ensure_customer(customer, HELD)
    method = NewMethod(
        payment_method_id=PaymentMethodId(an_id("pm")),
        customer_id=customer.customer_id,
        source=source,
        verify=True,
        verification_amount=usd(minor_units),
    )
    verification = stored(setup.gateway.store_method(method, HELD)).verification
    assert verification is not None
    assert verification.amount == usd(minor_units)
