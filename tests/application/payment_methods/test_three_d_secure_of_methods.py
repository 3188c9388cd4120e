"""3-D Secure of stored payment methods: what may be kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.caller import Caller
from application.common.errors import AuthenticationRequired, InvalidRequest, Rule
from application.common.three_d_secure_input import RawThreeDSecure
from application.common.validator import RawCard
from application.payment_methods.add_payment_method import AddPaymentMethodCommand
from application.ports.gateway import GatewayUnavailable, Nonce
from domain.decline import DeclineReason
from domain.ids import CustomerId
from domain.initiator import Initiator
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.three_d_secure import ExternalAuthentication, ScaExemption, ThreeDSecurePolicy
from tests.application.shop import LEASE, SHOP, VISA, Shop, a_request_id
from tests.fakes.faulty_gateway import Fault
from tests.fakes.gateway.authentication import AUTHENTICATED_NONCE, FAILED_NONCE, RESULTS, UNAVAILABLE_NONCE
from tests.fakes.gateway.vault import VALID_NONCE

REQUIRED = RawThreeDSecure(policy=ThreeDSecurePolicy.REQUIRED)
NOT_WANTED = RawThreeDSecure(policy=ThreeDSecurePolicy.NOT_WANTED)
EXTERNAL = ExternalAuthentication(eci="05", version="2.2.0", cavv="AAABBEg0VhI0VniQEjRWAAAAAAA=")


@pytest.fixture
def shop() -> Shop:
    return Shop()


def command(
    shop: Shop, source: RawCard | Nonce, asked: RawThreeDSecure | None = None, *, verify: bool = True
) -> AddPaymentMethodCommand:
    return AddPaymentMethodCommand(
        request_id=a_request_id(),
        customer_id=shop.customer().customer_id,
        source=source,
        verify=verify,
        three_d_secure=asked or RawThreeDSecure(),
    )


def is_kept(shop: Shop, method: PaymentMethod) -> bool:
    return shop.real_gateway.find_method(method.payment_method_id) is not None


def methods_of(shop: Shop, asked: AddPaymentMethodCommand) -> list[PaymentMethod]:
    with shop.store.read() as work:
        return list(work.payment_methods.of_customer(CustomerId(asked.customer_id)))


def test_an_authenticated_method_is_kept_with_its_result(shop: Shop) -> None:
    method = shop.add_method(command(shop, Nonce(AUTHENTICATED_NONCE), REQUIRED), SHOP)
    assert method.state is PaymentMethodState.ACTIVE
    assert method.verification is not None
    assert method.verification.three_d_secure is not None
    assert method.verification.three_d_secure.liability_shifted


@pytest.mark.parametrize(
    ("nonce", "asked"),
    [(FAILED_NONCE, None), (FAILED_NONCE, REQUIRED), (UNAVAILABLE_NONCE, REQUIRED), (VALID_NONCE, REQUIRED)],
)
def test_a_method_that_the_policy_refuses_is_kept_nowhere(
    shop: Shop, nonce: str, asked: RawThreeDSecure | None
) -> None:
    method = shop.add_method(command(shop, Nonce(nonce), asked), SHOP)
    assert method.state is PaymentMethodState.DECLINED
    assert method.verification is not None
    assert method.verification.decline is not None
    assert method.verification.decline.reason is DeclineReason.AUTHENTICATION_REQUIRED
    assert not is_kept(shop, method)


@pytest.mark.parametrize("nonce", [UNAVAILABLE_NONCE, VALID_NONCE])
def test_an_authentication_that_never_took_place_is_kept_unless_required(shop: Shop, nonce: str) -> None:
    assert shop.add_method(command(shop, Nonce(nonce)), SHOP).state is PaymentMethodState.ACTIVE


def test_a_failed_authentication_is_kept_where_it_is_not_wanted(shop: Shop) -> None:
    assert shop.add_method(command(shop, Nonce(FAILED_NONCE), NOT_WANTED), SHOP).state is PaymentMethodState.ACTIVE


def test_a_failed_authentication_is_not_lost_by_storing_without_a_verification(shop: Shop) -> None:
    asked = command(shop, Nonce(FAILED_NONCE), verify=False)
    with pytest.raises(AuthenticationRequired) as refused:
        shop.add_method(asked, SHOP)
    assert refused.value.has_failed
    assert shop.calls == ["describe_nonce"]
    assert methods_of(shop, asked) == []
    assert shop.add_method(replace(asked, source=Nonce(AUTHENTICATED_NONCE)), SHOP).state is PaymentMethodState.ACTIVE


def test_a_failed_authentication_is_lost_where_it_is_not_wanted_without_a_question(shop: Shop) -> None:
    asked = command(shop, Nonce(FAILED_NONCE), NOT_WANTED, verify=False)
    assert shop.add_method(asked, SHOP).state is PaymentMethodState.ACTIVE
    assert "describe_nonce" not in shop.calls


def test_a_nonce_is_asked_about_once_and_never_by_a_repeat(shop: Shop) -> None:
    asked = command(shop, Nonce(VALID_NONCE), verify=False)
    method = shop.add_method(asked, SHOP)
    assert shop.calls.count("describe_nonce") == 1
    shop.calls.clear()
    assert shop.add_method(asked, SHOP).payment_method_id == method.payment_method_id
    assert "describe_nonce" not in shop.calls


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.LOST_AFTER])
def test_a_nonce_that_the_gateway_does_not_describe_leaves_nothing_behind(shop: Shop, fault: Fault) -> None:
    asked = command(shop, Nonce(VALID_NONCE), verify=False)
    shop.fails("describe_nonce", fault)
    with pytest.raises(GatewayUnavailable):
        shop.add_method(asked, SHOP)
    assert shop.calls == ["describe_nonce"]
    assert methods_of(shop, asked) == []
    assert shop.add_method(asked, SHOP).state is PaymentMethodState.ACTIVE


@pytest.mark.parametrize(("asked", "field"), [(NOT_WANTED, "policy"), (RawThreeDSecure(external=EXTERNAL), "external")])
def test_a_customers_own_credential_does_not_weaken_the_shops_rule(
    shop: Shop, asked: RawThreeDSecure, field: str
) -> None:
    order = command(shop, VISA, asked)
    own = Caller(SHOP.caller_id, customer_id=CustomerId(order.customer_id))
    with pytest.raises(InvalidRequest) as invalid:
        shop.add_method(order, own)
    assert [(one.field, one.rule) for one in invalid.value.violations] == [
        (f"three_d_secure.{field}", Rule.NOT_FOR_CUSTOMERS)
    ]
    assert shop.calls == []
    authenticated = replace(order, source=Nonce(AUTHENTICATED_NONCE), three_d_secure=REQUIRED)
    assert shop.add_method(authenticated, own).state is PaymentMethodState.ACTIVE


def test_the_authentication_that_an_id_names_is_kept(shop: Shop) -> None:
    asked = RawThreeDSecure(authentication_id=RESULTS[AUTHENTICATED_NONCE].authentication_id)
    assert shop.add_method(command(shop, Nonce(AUTHENTICATED_NONCE), asked), SHOP).state is PaymentMethodState.ACTIVE


@pytest.mark.parametrize("nonce", [AUTHENTICATED_NONCE, VALID_NONCE])
@pytest.mark.parametrize("fault", [None, Fault.LOST_AFTER])
def test_a_method_with_another_authentication_than_the_id_names_is_kept_nowhere(
    shop: Shop, nonce: str, fault: Fault | None
) -> None:
    if fault is not None:
        shop.fails("store_method", fault)
    method = shop.add_method(command(shop, Nonce(nonce), RawThreeDSecure(authentication_id="another")), SHOP)
    shop.wait(LEASE + timedelta(minutes=5))
    shop.method_resolver()
    method = shop.get_method(method.payment_method_id, SHOP)
    assert method.state is PaymentMethodState.DECLINED
    assert method.verification is not None
    assert method.verification.decline is not None
    assert method.verification.decline.reason is DeclineReason.AUTHENTICATION_REQUIRED
    assert not is_kept(shop, method)


def test_another_providers_authentication_is_kept(shop: Shop) -> None:
    method = shop.add_method(command(shop, VISA, replace(REQUIRED, external=EXTERNAL)), SHOP)
    assert method.state is PaymentMethodState.ACTIVE


def test_a_card_without_authentication_is_refused_before_anything_is_recorded(shop: Shop) -> None:
    asked = command(shop, VISA, REQUIRED)
    with pytest.raises(AuthenticationRequired):
        shop.add_method(asked, SHOP)
    assert shop.calls == []


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LOST_BEFORE, Fault.UNREACHABLE])
def test_a_deletion_that_fails_leaves_the_method_pending_until_it_is_deleted(shop: Shop, fault: Fault) -> None:
    shop.fails("delete_method", fault)
    method = shop.add_method(command(shop, Nonce(FAILED_NONCE)), SHOP)
    assert method.state is PaymentMethodState.PENDING
    shop.wait(LEASE + timedelta(minutes=5))
    shop.method_resolver()
    assert not is_kept(shop, method)
    assert shop.get_method(method.payment_method_id, SHOP).state is not PaymentMethodState.ACTIVE


def test_a_lost_answer_of_a_failed_authentication_ends_declined(shop: Shop) -> None:
    shop.fails("store_method", Fault.LOST_AFTER)
    method = shop.add_method(command(shop, Nonce(FAILED_NONCE)), SHOP)
    assert method.state is PaymentMethodState.PENDING
    shop.wait(LEASE + timedelta(minutes=5))
    shop.method_resolver()
    assert shop.get_method(method.payment_method_id, SHOP).state is PaymentMethodState.DECLINED
    assert not is_kept(shop, method)


def test_consents_are_kept_in_one_order(shop: Shop) -> None:
    asked = replace(command(shop, VISA), consents=(Initiator.MERCHANT_UNSCHEDULED, Initiator.MERCHANT_RECURRING))
    method = shop.add_method(asked, SHOP)
    assert method.consents == (Initiator.MERCHANT_RECURRING, Initiator.MERCHANT_UNSCHEDULED)


@pytest.mark.parametrize(
    ("asked", "verify", "expected"),
    [
        (REQUIRED, False, ("verify", Rule.NEEDED_FOR_AUTHENTICATION)),
        (RawThreeDSecure(external=EXTERNAL), False, ("verify", Rule.NEEDED_FOR_AUTHENTICATION)),
        (RawThreeDSecure(exemption=ScaExemption.LOW_VALUE), True, ("three_d_secure.exemption", Rule.ONLY_FOR_PAYMENTS)),
        (RawThreeDSecure(authentication_id="a"), False, ("verify", Rule.NEEDED_FOR_AUTHENTICATION)),
        (
            RawThreeDSecure(external=replace(EXTERNAL, cavv_algorithm="2")),
            True,
            ("three_d_secure.external.cavv_algorithm", Rule.ONLY_FOR_PAYMENTS),
        ),
    ],
)
def test_fields_of_payments_alone_are_refused(
    shop: Shop, asked: RawThreeDSecure, verify: bool, expected: tuple[str, Rule]
) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        shop.add_method(command(shop, Nonce(VALID_NONCE), asked, verify=verify), SHOP)
    assert expected in [(one.field, one.rule) for one in invalid.value.violations]
    assert shop.calls == []
