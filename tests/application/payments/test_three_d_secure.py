"""3-D Secure of payments: policies, authentications, exemptions, and the end of sales whose authentication failed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.errors import AuthenticationRequired, RequestIdReused
from application.common.three_d_secure_input import RawThreeDSecure
from application.payments.create_payment_command import RawStoredMethod
from application.ports.gateway import Nonce
from domain.decline import DeclineReason, RetryAdvice
from domain.events import CaptureMode
from domain.money import Money
from domain.operation import OperationState
from domain.payment_method import PaymentMethodState
from domain.payment_state import PaymentState
from domain.three_d_secure import (
    ExternalAuthentication,
    PolicyRule,
    ScaExemption,
    ThreeDSecurePolicy,
    ThreeDSecureRules,
    ThreeDSecureStatus,
)
from domain.transaction import TransactionStatus
from tests.application.shop import FIRST_CHECK, LEASE, SHOP, VISA, Shop, an_order, usd
from tests.fakes.faulty_gateway import Fault
from tests.fakes.gateway.authentication import (
    ATTEMPTED_NONCE,
    AUTHENTICATED_NONCE,
    FAILED_NONCE,
    FAILED_SIGNATURE_NONCE,
    LOOKUP_ERROR_NONCE,
    UNAVAILABLE_NONCE,
)
from tests.fakes.gateway.vault import VALID_NONCE

MASTERCARD = "5555555555554444"
REQUIRED = RawThreeDSecure(policy=ThreeDSecurePolicy.REQUIRED)
IF_OFFERED = RawThreeDSecure(policy=ThreeDSecurePolicy.IF_OFFERED)
NOT_WANTED = RawThreeDSecure(policy=ThreeDSecurePolicy.NOT_WANTED)
AUTHENTICATED = ExternalAuthentication(
    eci="05", version="2.2.0", cavv="AAABBEg0VhI0VniQEjRWAAAAAAA=", directory_server_transaction_id="d1"
)


@pytest.fixture
def shop() -> Shop:
    return Shop()


# The result


@pytest.mark.parametrize("nonce", [AUTHENTICATED_NONCE, ATTEMPTED_NONCE])
@pytest.mark.parametrize("asked", [RawThreeDSecure(), REQUIRED, IF_OFFERED, NOT_WANTED])
def test_an_authenticated_nonce_is_paid_under_every_policy(shop: Shop, nonce: str, asked: RawThreeDSecure) -> None:
    payment = shop.pay(an_order(source=Nonce(nonce), three_d_secure=asked))
    result = payment.authorization.details.three_d_secure
    assert payment.state is PaymentState.CAPTURED
    assert result is not None
    assert result.liability_shifted


@pytest.mark.parametrize("nonce", [FAILED_NONCE, FAILED_SIGNATURE_NONCE])
@pytest.mark.parametrize("mode", list(CaptureMode))
@pytest.mark.parametrize("asked", [RawThreeDSecure(), REQUIRED, IF_OFFERED])
def test_a_failed_authentication_is_declined_and_holds_no_money(
    shop: Shop, nonce: str, mode: CaptureMode, asked: RawThreeDSecure
) -> None:
    payment = shop.pay(an_order(source=Nonce(nonce), capture_mode=mode, three_d_secure=asked))
    assert payment.state is PaymentState.DECLINED
    assert payment.final_decline is not None
    assert payment.final_decline.reason is DeclineReason.AUTHENTICATION_REQUIRED
    assert payment.final_decline.retry_advice is RetryAdvice.AFTER_CUSTOMER_ACTION
    (sale,) = shop.real_gateway.all_transactions()
    assert sale.standing.status in (TransactionStatus.VOIDED, TransactionStatus.DECLINED)
    result = payment.authorization.details.three_d_secure
    assert result is not None
    assert result.status is ThreeDSecureStatus.FAILED


def test_a_failed_authentication_is_paid_where_authentication_is_not_wanted(shop: Shop) -> None:
    payment = shop.pay(an_order(source=Nonce(FAILED_NONCE), three_d_secure=NOT_WANTED))
    assert payment.state is PaymentState.CAPTURED
    assert "void" not in shop.calls


@pytest.mark.parametrize("nonce", [UNAVAILABLE_NONCE, LOOKUP_ERROR_NONCE, VALID_NONCE])
def test_an_authentication_that_never_took_place_is_paid_unless_required(shop: Shop, nonce: str) -> None:
    assert shop.pay(an_order(source=Nonce(nonce))).state is PaymentState.CAPTURED
    refused = shop.pay(an_order(source=Nonce(nonce), three_d_secure=REQUIRED))
    assert refused.state is PaymentState.DECLINED
    assert refused.authorization.details.gateway_rejection_reason == "three_d_secure"


def test_the_same_order_is_paid_under_a_new_request_with_the_authentication(shop: Shop) -> None:
    first = shop.pay(an_order(reference="order", source=Nonce(FAILED_NONCE)))
    assert first.state is PaymentState.DECLINED
    second = shop.pay(an_order(reference="order", source=Nonce(AUTHENTICATED_NONCE)))
    assert second.state is PaymentState.CAPTURED


def test_an_ordinary_payment_makes_one_call(shop: Shop) -> None:
    shop.pay()
    assert shop.calls == ["authorize"]


# Before the gateway


def test_a_card_without_authentication_is_refused_before_anything_is_recorded(shop: Shop) -> None:
    with pytest.raises(AuthenticationRequired):
        shop.pay(an_order(three_d_secure=REQUIRED))
    assert shop.calls == []
    assert shop.list_all() == []


def test_a_stored_method_without_authentication_is_refused(shop: Shop) -> None:
    method = shop.method(shop.customer())
    shop.calls.clear()
    with pytest.raises(AuthenticationRequired):
        shop.pay(an_order(source=RawStoredMethod(method.payment_method_id), three_d_secure=REQUIRED))
    assert shop.calls == []


def test_the_refused_request_id_pays_once_it_has_the_authentication(shop: Shop) -> None:
    order = an_order(three_d_secure=REQUIRED)
    with pytest.raises(AuthenticationRequired):
        shop.pay(order)
    payment = shop.pay(replace(order, three_d_secure=replace(REQUIRED, external=AUTHENTICATED)))
    assert payment.state is PaymentState.CAPTURED


def test_another_providers_result_is_paid(shop: Shop) -> None:
    payment = shop.pay(an_order(three_d_secure=replace(REQUIRED, external=AUTHENTICATED)))
    result = payment.authorization.details.three_d_secure
    assert result is not None
    assert (result.eci, result.version, result.liability_shifted) == ("05", "2.2.0", True)


@pytest.mark.parametrize(("number", "eci"), [(MASTERCARD, "00"), (VISA.number, "07")])
def test_another_providers_result_without_authentication_is_refused_where_it_is_required(
    shop: Shop, number: str, eci: str
) -> None:
    unauthenticated, card = replace(AUTHENTICATED, eci=eci), replace(VISA, number=number)
    with pytest.raises(AuthenticationRequired) as refused:
        shop.pay(an_order(source=card, three_d_secure=replace(REQUIRED, external=unauthenticated)))
    assert refused.value.has_failed
    shop.pay(an_order(source=card, three_d_secure=replace(IF_OFFERED, external=unauthenticated)))


@pytest.mark.parametrize("response", ["N", "R"])
def test_another_providers_failed_result_is_refused_under_every_policy(shop: Shop, response: str) -> None:
    failed = replace(AUTHENTICATED, eci="07", authentication_response=response)
    for asked in (RawThreeDSecure(), REQUIRED, IF_OFFERED):
        with pytest.raises(AuthenticationRequired):
            shop.pay(an_order(three_d_secure=replace(asked, external=failed)))
    assert shop.calls == []


def test_an_authentication_id_of_the_nonce_is_paid_and_another_one_is_declined(shop: Shop) -> None:
    def with_id(authentication_id: str) -> PaymentState:
        asked = replace(REQUIRED, authentication_id=authentication_id)
        return shop.pay(an_order(source=Nonce(AUTHENTICATED_NONCE), three_d_secure=asked)).state

    assert with_id("fake-three-d-secure-visa-full-authentication-id") is PaymentState.CAPTURED
    assert with_id("another") is PaymentState.DECLINED


# Policies of the service, and exemptions


def european_rules() -> ThreeDSecureRules:
    return ThreeDSecureRules(by_currency={"USD": (PolicyRule(Money(30_00, "USD"), ThreeDSecurePolicy.REQUIRED),)})


def test_the_services_rule_applies_by_amount(shop: Shop) -> None:
    shop.three_d_secure_rules = european_rules()
    shop.restart()
    small = shop.pay(an_order(amount=usd(29_99)))
    assert small.terms.three_d_secure_policy is ThreeDSecurePolicy.IF_OFFERED
    with pytest.raises(AuthenticationRequired):
        shop.pay(an_order(amount=usd(30_00)))


def test_the_requests_policy_comes_before_the_services_rule(shop: Shop) -> None:
    shop.three_d_secure_rules = european_rules()
    shop.restart()
    payment = shop.pay(an_order(three_d_secure=IF_OFFERED))
    assert payment.terms.three_d_secure_policy is ThreeDSecurePolicy.IF_OFFERED


@pytest.mark.parametrize("exemption", list(ScaExemption))
def test_an_exemption_stands_in_for_the_authentication_that_the_rule_requires(
    shop: Shop, exemption: ScaExemption
) -> None:
    shop.three_d_secure_rules = european_rules()
    shop.restart()
    payment = shop.pay(an_order(three_d_secure=RawThreeDSecure(exemption=exemption)))
    assert (payment.state, payment.terms.sca_exemption) == (PaymentState.CAPTURED, exemption)


def test_an_exempted_nonce_whose_authentication_failed_is_declined(shop: Shop) -> None:
    asked = RawThreeDSecure(exemption=ScaExemption.LOW_VALUE)
    assert shop.pay(an_order(source=Nonce(FAILED_NONCE), three_d_secure=asked)).state is PaymentState.DECLINED


# Replays


def test_a_replay_under_a_new_rule_still_gets_the_payment(shop: Shop) -> None:
    order = an_order()
    payment = shop.pay(order)
    shop.three_d_secure_rules = european_rules()
    shop.restart()
    assert shop.pay(order).terms == payment.terms


def test_a_request_that_was_never_sent_is_held_to_the_present_rule(shop: Shop) -> None:
    order = an_order()
    shop.fails("authorize", Fault.UNREACHABLE)
    with pytest.raises(Exception, match="nobody there"):
        shop.pay(order)
    shop.three_d_secure_rules = european_rules()
    shop.restart()
    with pytest.raises(AuthenticationRequired):
        shop.pay(order)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (IF_OFFERED, "three_d_secure.policy"),
        (RawThreeDSecure(exemption=ScaExemption.LOW_VALUE), "three_d_secure.exemption"),
        (RawThreeDSecure(external=AUTHENTICATED), "three_d_secure.external.cavv"),
    ],
)
def test_a_replay_with_another_authentication_is_another_request(
    shop: Shop, change: RawThreeDSecure, field: str
) -> None:
    order = an_order()
    shop.pay(order)
    with pytest.raises(RequestIdReused) as reused:
        shop.pay(replace(order, three_d_secure=change))
    assert field in reused.value.fields


# Lost answers


def test_a_lost_answer_of_a_failed_authentication_ends_declined_and_voided(shop: Shop) -> None:
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay(an_order(source=Nonce(FAILED_NONCE)))
    assert payment.state is PaymentState.PENDING
    assert shop.verify(payment).payment.state is PaymentState.PENDING
    shop.resolve(after=FIRST_CHECK)
    assert shop.now(payment).state is PaymentState.DECLINED
    assert shop.real_gateway.all_transactions()[0].standing.status is TransactionStatus.VOIDED


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.LOST_BEFORE, Fault.LOST_AFTER])
def test_a_void_that_fails_leaves_the_payment_pending_until_it_is_voided(shop: Shop, fault: Fault) -> None:
    shop.fails("void", fault)
    payment = shop.pay(an_order(source=Nonce(FAILED_NONCE)))
    assert payment.state is PaymentState.PENDING
    shop.resolve(after=LEASE + timedelta(minutes=5))
    assert shop.now(payment).state is PaymentState.DECLINED
    assert shop.real_gateway.all_transactions()[0].standing.status is TransactionStatus.VOIDED


def test_a_sale_that_settled_before_it_could_be_taken_back_is_told_as_it_is(shop: Shop) -> None:
    shop.fails("void", Fault.LOST_BEFORE)
    payment = shop.pay(an_order(source=Nonce(FAILED_NONCE)))
    shop.real_gateway.settle()
    shop.resolve(after=LEASE + timedelta(minutes=5))
    now = shop.now(payment)
    assert now.state is PaymentState.SETTLED
    assert now.authorization.state is OperationState.SUCCEEDED


# Storing with the payment


def test_a_method_of_a_failed_authentication_is_kept_neither_here_nor_at_the_gateway(shop: Shop) -> None:
    customer = shop.customer()
    payment = shop.pay(
        an_order(source=Nonce(FAILED_NONCE), customer_id=customer.customer_id, store_payment_method=True)
    )
    method_id = payment.terms.payment_method_id
    assert method_id is not None
    assert shop.get_method(method_id, SHOP).state is PaymentMethodState.DECLINED
    assert shop.real_gateway.find_method(method_id) is None
