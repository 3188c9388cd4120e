"""Authentications and exemptions that are malformed, or contradict the card, the amount, the method or one another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.common.errors import InvalidRequest, Rule
from application.common.three_d_secure_input import RawThreeDSecure
from application.common.validator import RawMoney
from application.payments.create_payment_command import RawStoredMethod
from application.ports.gateway import Nonce
from domain.merchant_account import MerchantAccounts
from domain.money import Money
from domain.payment_state import PaymentState
from domain.three_d_secure import ExternalAuthentication, ScaExemption, ThreeDSecurePolicy, ThreeDSecureRules
from tests.application.shop import SHOP, VISA, Shop, an_order
from tests.fakes.faulty_gateway import Fault
from tests.fakes.gateway.authentication import AUTHENTICATED_NONCE, FAILED_NONCE, UNAVAILABLE_NONCE
from tests.fakes.gateway.vault import PAYPAL_NONCE, VALID_NONCE

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


@pytest.mark.parametrize(
    ("asked", "field", "rule"),
    [
        (RawThreeDSecure(unknown_values=("policy",)), "policy", Rule.KNOWN_VALUE),
        (RawThreeDSecure(unknown_values=("exemption",)), "exemption", Rule.KNOWN_VALUE),
        (replace(NOT_WANTED, external=AUTHENTICATED), "policy", Rule.CONTRADICTS),
        (replace(REQUIRED, exemption=ScaExemption.LOW_VALUE), "exemption", Rule.CONTRADICTS),
        (RawThreeDSecure(authentication_id="a b"), "authentication_id", Rule.PRINTABLE_ASCII),
        (RawThreeDSecure(authentication_id="a" * 256), "authentication_id", Rule.MAX_CHARACTERS),
        (RawThreeDSecure(authentication_id="abc"), "authentication_id", Rule.NEEDS_NONCE_OR_METHOD),
    ],
)
def test_a_contradictory_request_names_the_field(shop: Shop, asked: RawThreeDSecure, field: str, rule: Rule) -> None:
    assert (f"three_d_secure.{field}", rule) in violations(shop, asked)


@pytest.mark.parametrize(
    ("exemption", "amount", "is_refused"),
    [
        (ScaExemption.LOW_VALUE, Money(30_00, "EUR"), False),
        (ScaExemption.LOW_VALUE, Money(30_01, "EUR"), True),
        (ScaExemption.TRANSACTION_RISK_ANALYSIS, Money(500_01, "EUR"), True),
        (ScaExemption.TRUSTED_BENEFICIARY, Money(500_01, "EUR"), False),
        (ScaExemption.LOW_VALUE, Money(500_00, "USD"), False),
    ],
)
def test_an_exemption_above_its_limit_contradicts_the_amount(
    shop: Shop, exemption: ScaExemption, amount: Money, is_refused: bool
) -> None:
    shop.accounts = MerchantAccounts({"USD": ("usd",), "EUR": ("eur",)})
    shop.restart()
    raw = RawMoney(amount.minor_units, amount.currency_code)
    order = an_order(amount=raw, three_d_secure=RawThreeDSecure(exemption=exemption))
    if not is_refused:
        assert shop.pay(order).state is PaymentState.CAPTURED
        return
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(order)
    assert [(one.field, one.rule) for one in invalid.value.violations] == [
        ("three_d_secure.exemption", Rule.CONTRADICTS)
    ]
    assert shop.calls == []


def test_an_exemption_contradicts_the_authentication_beside_it(shop: Shop) -> None:
    asked = RawThreeDSecure(external=AUTHENTICATED, exemption=ScaExemption.TRUSTED_BENEFICIARY)
    assert violations(shop, asked) == [("three_d_secure.exemption", Rule.CONTRADICTS)]


@pytest.mark.parametrize(("number", "eci"), [(MASTERCARD, "05"), ("378282246310005", "02")])
def test_an_indicator_of_another_brand_names_those_of_the_card(shop: Shop, number: str, eci: str) -> None:
    external = replace(AUTHENTICATED, eci=eci)
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(
            an_order(source=replace(VISA, number=number, cvv=""), three_d_secure=RawThreeDSecure(external=external))
        )
    (one,) = invalid.value.violations
    assert (one.field, one.rule) == ("three_d_secure.external.eci", Rule.ECI_OF_BRAND)
    assert {"05": "02", "02": "05"}[eci] in one.limit


@pytest.mark.parametrize("eci", ["02", "00"])
def test_a_mastercard_is_paid_with_its_own_indicators(shop: Shop, eci: str) -> None:
    external = replace(AUTHENTICATED, eci=eci)
    card = replace(VISA, number=MASTERCARD)
    payment = shop.pay(an_order(source=card, three_d_secure=replace(IF_OFFERED, external=external)))
    assert payment.state is PaymentState.CAPTURED


def test_another_providers_result_does_not_stand_in_for_a_nonce_that_failed(shop: Shop) -> None:
    asked = RawThreeDSecure(external=AUTHENTICATED)
    order = an_order(source=Nonce(FAILED_NONCE), three_d_secure=asked)
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(order)
    assert [(one.field, one.rule) for one in invalid.value.violations] == [
        ("three_d_secure.external", Rule.FAILED_IN_NONCE)
    ]
    assert shop.calls == ["describe_nonce"]
    assert shop.list_all() == []
    assert shop.pay(replace(order, source=Nonce(UNAVAILABLE_NONCE))).state is PaymentState.CAPTURED


def test_a_gateway_that_cannot_describe_the_nonce_leaves_nothing_behind(shop: Shop) -> None:
    order = an_order(source=Nonce(VALID_NONCE), three_d_secure=RawThreeDSecure(external=AUTHENTICATED))
    shop.fails("describe_nonce", Fault.UNREACHABLE)
    with pytest.raises(Exception, match="nobody there"):
        shop.pay(order)
    assert shop.list_all() == []
    payment = shop.pay(order)
    assert payment.state is PaymentState.CAPTURED
    shop.calls.clear()
    assert shop.pay(order).terms == payment.terms
    assert shop.calls == []


def test_another_providers_result_is_none_of_a_wallet(shop: Shop) -> None:
    order = an_order(source=Nonce(PAYPAL_NONCE), three_d_secure=RawThreeDSecure(external=AUTHENTICATED))
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(order)
    assert [(one.field, one.rule) for one in invalid.value.violations] == [
        ("three_d_secure.external", Rule.NOT_WITH_METHOD)
    ]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (RawThreeDSecure(external=AUTHENTICATED), "external"),
        (RawThreeDSecure(authentication_id="abc"), "authentication_id"),
        (RawThreeDSecure(exemption=ScaExemption.TRUSTED_BENEFICIARY), "exemption"),
    ],
)
def test_a_stored_wallet_has_no_three_d_secure(shop: Shop, asked: RawThreeDSecure, field: str) -> None:
    customer = shop.customer()
    method = shop.method(customer, source=Nonce(PAYPAL_NONCE))
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(an_order(source=RawStoredMethod(method.payment_method_id), three_d_secure=asked))
    (one,) = invalid.value.violations
    assert (one.field, one.rule, one.limit) == (f"three_d_secure.{field}", Rule.NOT_WITH_METHOD, "PAYPAL")


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"eci": ""}, "eci", Rule.REQUIRED),
        ({"eci": "5"}, "eci", Rule.ECI),
        ({"eci": "08"}, "eci", Rule.ECI),
        ({"eci": "0\N{ARABIC-INDIC DIGIT FIVE}"}, "eci", Rule.ECI),
        ({"authentication_response": "N"}, "eci", Rule.CONTRADICTS),
        ({"authentication_response": "U"}, "eci", Rule.CONTRADICTS),
        ({"authentication_response": "C"}, "eci", Rule.CONTRADICTS),
        ({"authentication_response": "A"}, "eci", Rule.CONTRADICTS),
        ({"directory_response": "N"}, "eci", Rule.CONTRADICTS),
        ({"eci": "07", "authentication_response": "Y"}, "eci", Rule.CONTRADICTS),
        ({"eci": "02"}, "eci", Rule.ECI_OF_BRAND),
        ({"eci": "00"}, "eci", Rule.ECI_OF_BRAND),
        ({"version": "1.0.2", "xid": "x"}, "directory_server_transaction_id", Rule.CONTRADICTS),
        (
            {"version": "1.0.2", "xid": "x", "eci": "07", "authentication_response": "C"},
            "authentication_response",
            Rule.CONTRADICTS,
        ),
        ({"cavv": ""}, "cavv", Rule.REQUIRED),
        ({"cavv": "a\n"}, "cavv", Rule.PRINTABLE_ASCII),
        ({"cavv": "a" * 256}, "cavv", Rule.MAX_CHARACTERS),
        ({"version": ""}, "version", Rule.REQUIRED),
        ({"version": "3.0"}, "version", Rule.THREE_D_SECURE_VERSION),
        ({"version": "2"}, "version", Rule.THREE_D_SECURE_VERSION),
        ({"version": "1.0.2"}, "xid", Rule.REQUIRED),
        ({"xid": "\u00e9"}, "xid", Rule.PRINTABLE_ASCII),
        ({"directory_server_transaction_id": "a b"}, "directory_server_transaction_id", Rule.PRINTABLE_ASCII),
        ({"authentication_response": "X"}, "authentication_response", Rule.ONE_OF),
        ({"directory_response": "YN"}, "directory_response", Rule.ONE_OF),
        ({"cavv_algorithm": "4"}, "cavv_algorithm", Rule.ONE_OF),
    ],
)
def test_a_malformed_external_result_names_the_field(
    shop: Shop, changes: dict[str, str], field: str, rule: Rule
) -> None:
    external = replace(AUTHENTICATED, **changes)
    assert (f"three_d_secure.external.{field}", rule) in violations(shop, RawThreeDSecure(external=external))


def test_a_mastercard_of_version_2_needs_the_directory_servers_id(shop: Shop) -> None:
    external = replace(AUTHENTICATED, eci="02", directory_server_transaction_id="")
    order = an_order(source=replace(VISA, number=MASTERCARD), three_d_secure=RawThreeDSecure(external=external))
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(order)
    assert [(one.field, one.rule) for one in invalid.value.violations] == [
        ("three_d_secure.external.directory_server_transaction_id", Rule.NEEDED_FOR_MASTERCARD)
    ]
    assert shop.calls == []
    of_version_1 = RawThreeDSecure(external=replace(external, version="1.0.2", xid="x"))
    assert shop.pay(replace(order, three_d_secure=of_version_1)).state is PaymentState.CAPTURED
    of_visa = RawThreeDSecure(external=replace(AUTHENTICATED, directory_server_transaction_id=""))
    assert shop.pay(an_order(source=VISA, three_d_secure=of_visa)).state is PaymentState.CAPTURED


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (NOT_WANTED, "policy"),
        (IF_OFFERED, "policy"),
        (RawThreeDSecure(external=AUTHENTICATED), "external"),
        (RawThreeDSecure(exemption=ScaExemption.TRUSTED_BENEFICIARY), "exemption"),
    ],
)
def test_a_customers_own_credential_does_not_weaken_the_shops_rule(
    shop: Shop, asked: RawThreeDSecure, field: str
) -> None:
    shop.three_d_secure_rules = ThreeDSecureRules(ThreeDSecurePolicy.REQUIRED)
    shop.restart()
    own = replace(SHOP, customer_id=shop.customer().customer_id)
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(an_order(source=VISA, three_d_secure=asked), own)
    assert [(one.field, one.rule) for one in invalid.value.violations] == [
        (f"three_d_secure.{field}", Rule.NOT_FOR_CUSTOMERS)
    ]
    assert shop.calls == []
    assert shop.list_all() == []


def test_a_customers_own_credential_may_be_as_strict_as_the_rule_or_stricter(shop: Shop) -> None:
    own = replace(SHOP, customer_id=shop.customer().customer_id)
    assert shop.pay(an_order(three_d_secure=IF_OFFERED), own).state is PaymentState.CAPTURED
    order = an_order(source=Nonce(AUTHENTICATED_NONCE), three_d_secure=REQUIRED, reference="stricter")
    assert shop.pay(order, own).state is PaymentState.CAPTURED


def test_a_customers_repeat_is_answered_after_the_rule_became_stricter(shop: Shop) -> None:
    own = replace(SHOP, customer_id=shop.customer().customer_id)
    order = an_order(three_d_secure=IF_OFFERED)
    payment = shop.pay(order, own)
    shop.three_d_secure_rules = ThreeDSecureRules(ThreeDSecurePolicy.REQUIRED)
    shop.restart()
    assert shop.pay(order, own).terms == payment.terms


def violations(shop: Shop, asked: RawThreeDSecure) -> list[tuple[str, Rule]]:
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(an_order(source=VISA, three_d_secure=asked))
    assert shop.calls == []
    return [(one.field, one.rule) for one in invalid.value.violations]
