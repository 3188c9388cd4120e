"""The amount of a verification, and the network ids of a card that another vault kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.common.caller import Caller, Scope
from application.common.errors import InvalidRequest, RequestIdReused, Rule, ScopeMissing
from application.common.initiator_input import RawInitiation
from application.common.validator import RawMoney
from application.payment_methods.add_payment_method import AddPaymentMethodCommand
from application.payments.create_payment_command import RawStoredMethod
from domain.ids import CustomerId
from domain.initiator import ExternalVault, Initiator
from domain.money import Money
from domain.payment_check import PaymentCheck
from tests.application.shop import MASTERCARD, SHOP, VISA, Shop, a_request_id, an_order

PREVIOUS = ExternalVault("483297487231504", "Z1YkXw7zRkC0yP8mS9gQ4A")
LATER = RawInitiation(initiator=Initiator.MERCHANT_UNSCHEDULED)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def command(shop: Shop, **changes: object) -> AddPaymentMethodCommand:
    asked = AddPaymentMethodCommand(
        request_id=a_request_id(), customer_id=shop.customer().customer_id, source=MASTERCARD, verify=True
    )
    return replace(asked, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [RawMoney(0, "USD"), RawMoney(100, "JPY")])
def test_the_bank_is_asked_about_the_chosen_amount(shop: Shop, amount: RawMoney) -> None:
    method = shop.add_method(command(shop, verification_amount=amount), SHOP)
    assert method.verification is not None
    assert method.verification.amount == Money(amount.minor_units, amount.currency_code)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"verification_amount": RawMoney(-1, "USD")}, ("verification_amount.minor_units", Rule.NOT_BELOW)),
        ({"verification_amount": RawMoney(0, "EUR")}, ("verification_amount.currency_code", Rule.CURRENCY_ACCEPTED)),
        (
            {"verification_amount": RawMoney(0, "USD"), "verify": False},
            ("verification_amount", Rule.NEEDS_VERIFICATION),
        ),
        ({"external_vault": ExternalVault(will_vault=True)}, ("external_vault.will_vault", Rule.ONLY_FOR_PAYMENTS)),
        ({"external_vault": ExternalVault()}, ("external_vault.previous_network_transaction_id", Rule.REQUIRED)),
        (
            {"external_vault": ExternalVault("short")},
            ("external_vault.previous_network_transaction_id", Rule.NETWORK_TRANSACTION_ID),
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_recorded(
    shop: Shop, changes: dict[str, object], expected: tuple[str, Rule]
) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        shop.add_method(command(shop, **changes), SHOP)
    assert expected in [(one.field, one.rule) for one in invalid.value.violations]
    assert shop.calls == []


def test_a_customers_own_credential_names_no_earlier_payment(shop: Shop) -> None:
    asked = command(shop, external_vault=PREVIOUS)
    own = Caller(SHOP.caller_id, customer_id=CustomerId(asked.customer_id))
    with pytest.raises(InvalidRequest) as invalid:
        shop.add_method(asked, own)
    assert [(one.field, one.rule) for one in invalid.value.violations] == [
        ("external_vault.previous_network_transaction_id", Rule.NOT_FOR_CUSTOMERS),
        ("external_vault.previous_mastercard_transaction_link_id", Rule.NOT_FOR_CUSTOMERS),
    ]
    assert shop.calls == []


def test_a_verification_goes_without_the_fraud_check_where_the_credential_may_ask_for_that(shop: Shop) -> None:
    asked = command(shop, skip_checks=(PaymentCheck.ADVANCED_FRAUD,))
    with pytest.raises(ScopeMissing):
        shop.add_method(asked, SHOP)
    assert shop.calls == []
    may = Caller(SHOP.caller_id, frozenset({Scope.PAYMENTS_SKIP_CHECKS}))
    assert shop.add_method(asked, may).verification is not None
    (sent,) = shop.real_gateway.new_methods
    assert sent.skipped_checks == (PaymentCheck.ADVANCED_FRAUD,)
    for changes, rule in (
        ({"skip_checks": (PaymentCheck.AVS,)}, Rule.ONLY_THESE_ONCE),
        ({"skip_checks": (None,)}, Rule.ONLY_THESE_ONCE),
        ({"skip_checks": (PaymentCheck.ADVANCED_FRAUD,), "verify": False}, Rule.NEEDS_VERIFICATION),
    ):
        with pytest.raises(InvalidRequest) as invalid:
            shop.add_method(command(shop, **changes), may)
        assert [(one.field, one.rule) for one in invalid.value.violations] == [("skip_checks", rule)]


@pytest.mark.parametrize("changes", [{"external_vault": None}, {"verification_amount": RawMoney(1, "USD")}])
def test_a_repeat_has_to_say_the_same(shop: Shop, changes: dict[str, object]) -> None:
    asked = command(shop, external_vault=PREVIOUS, verification_amount=RawMoney(0, "USD"))
    assert shop.add_method(asked, SHOP) == shop.add_method(asked, SHOP)
    with pytest.raises(RequestIdReused):
        shop.add_method(replace(asked, **changes), SHOP)  # type: ignore[arg-type]


@pytest.mark.parametrize("verify", [True, False])
def test_the_ids_of_another_vault_stay_with_the_method_and_go_with_each_later_payment(shop: Shop, verify: bool) -> None:
    method = shop.add_method(command(shop, external_vault=PREVIOUS, verify=verify), SHOP)
    assert method.network_transaction_id == PREVIOUS.previous_network_transaction_id
    shop.pay(an_order(source=RawStoredMethod(method.payment_method_id), initiation=LATER))
    assert [one.external_vault for one in shop.real_gateway.authorizations] == [PREVIOUS]


def test_a_card_that_is_stored_with_a_later_payment_keeps_the_ids_of_its_vault(shop: Shop) -> None:
    customer = shop.customer()
    initiation = replace(LATER, external_vault=PREVIOUS)
    card = replace(VISA, number="5555555555554444")
    order = an_order(source=card, customer_id=customer.customer_id, store_payment_method=True, initiation=initiation)
    payment = shop.pay(order)
    assert payment.terms.payment_method_id is not None
    method = shop.get_method(payment.terms.payment_method_id, SHOP)
    assert method.network_transaction_id == PREVIOUS.previous_network_transaction_id
    assert method.mastercard_transaction_link_id == PREVIOUS.previous_mastercard_transaction_link_id
