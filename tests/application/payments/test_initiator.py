"""The initiator of a payment, the consents that it needs, and the network transaction ids that go with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.common.caller import Caller
from application.common.errors import InvalidRequest, RequestIdReused, Rule
from application.common.initiator_input import RawInitiation
from application.common.three_d_secure_input import RawThreeDSecure
from application.payment_methods.change_payment_method import UpdatePaymentMethodCommand
from application.payments import method_uses
from application.payments.create_payment_command import CreatePaymentCommand, RawStoredMethod
from application.ports.gateway import Nonce
from domain.ids import CallerId
from domain.initiator import ExternalVault, Initiator, SeriesPosition
from domain.money import Money
from domain.payment_method import PaymentMethod
from domain.payment_state import PaymentState
from domain.three_d_secure import (
    ExternalAuthentication,
    PolicyRule,
    ScaExemption,
    ThreeDSecurePolicy,
    ThreeDSecureRules,
)
from tests.application.shop import MASTERCARD, SHOP, VISA, Shop, a_request_id, an_order
from tests.fakes.gateway.authentication import AUTHENTICATED_NONCE
from tests.fakes.gateway.vault import PAYPAL_NONCE, VALID_NONCE

RECURRING = RawInitiation(initiator=Initiator.MERCHANT_RECURRING)
UNSCHEDULED = RawInitiation(initiator=Initiator.MERCHANT_UNSCHEDULED)
MAIL = RawInitiation(initiator=Initiator.MAIL_OR_TELEPHONE)
FIRST = replace(RECURRING, position=SeriesPosition.FIRST)
LATER = replace(RECURRING, position=SeriesPosition.LATER)
VAULTED = ExternalVault("483297487231504")
AUTHENTICATED = ExternalAuthentication(
    eci="05", version="2.2.0", cavv="AAABBEg0VhI0VniQEjRWAAAAAAA=", directory_server_transaction_id="d1"
)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def member(shop: Shop, *consents: Initiator) -> PaymentMethod:
    """A customer's card that was stored with the first payment of a membership."""
    customer = shop.customer()
    payment = shop.pay(
        an_order(customer_id=customer.customer_id, store_payment_method=True, initiation=FIRST, consents=consents)
    )
    assert payment.terms.payment_method_id is not None
    return shop.get_method(payment.terms.payment_method_id, SHOP)


def charge(method: PaymentMethod, initiation: RawInitiation = RECURRING) -> CreatePaymentCommand:
    return an_order(source=RawStoredMethod(method.payment_method_id), initiation=initiation)


def violations(shop: Shop, order: CreatePaymentCommand, caller: Caller = SHOP) -> list[tuple[str, Rule]]:
    shop.calls.clear()
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(order, caller)
    assert shop.calls == []
    return [(one.field, one.rule) for one in invalid.value.violations]


def test_an_ordinary_payment_says_nothing_of_it(shop: Shop) -> None:
    payment = shop.pay()
    (asked,) = shop.real_gateway.authorizations
    assert (asked.initiator, asked.series_position, asked.external_vault) == (Initiator.CUSTOMER, None, None)
    assert (payment.terms.initiator, payment.terms.series_position) == (Initiator.CUSTOMER, None)


def test_a_later_payment_carries_the_network_id_of_the_first_without_being_asked(shop: Shop) -> None:
    method = member(shop)
    assert method.network_transaction_id
    later = shop.pay(charge(method))
    assert later.state is PaymentState.CAPTURED
    assert later.terms.series_position is SeriesPosition.LATER
    assert shop.real_gateway.authorizations[-1].external_vault == ExternalVault(method.network_transaction_id)


def test_the_first_payment_of_a_series_with_a_method_stored_before_gives_the_id(shop: Shop) -> None:
    method = shop.method(shop.customer())
    assert not method.network_transaction_id
    first = shop.pay(charge(method, FIRST))
    known = shop.get_method(method.payment_method_id, SHOP).network_transaction_id
    assert known == first.authorization.details.network_transaction_id
    shop.pay(charge(method))
    assert shop.real_gateway.authorizations[-1].external_vault == ExternalVault(known)


def test_later_payments_do_not_replace_the_id_of_the_first(shop: Shop) -> None:
    method = member(shop)
    shop.pay(charge(method))
    shop.pay(charge(method))
    assert shop.get_method(method.payment_method_id, SHOP).network_transaction_id == method.network_transaction_id


def test_a_gateway_that_refuses_the_id_is_paid_without_it(shop: Shop) -> None:
    method = member(shop)
    shop.real_gateway.refuses_external_vault = True
    assert shop.pay(charge(method)).state is PaymentState.CAPTURED
    assert shop.real_gateway.authorizations[-1].external_vault is None


def test_a_network_id_of_the_caller_is_never_left_out_silently(shop: Shop) -> None:
    shop.real_gateway.refuses_external_vault = True
    payment = shop.pay(an_order(initiation=replace(LATER, external_vault=VAULTED)))
    assert payment.state is PaymentState.FAILED


def test_a_card_of_another_vault_is_charged_later_with_its_own_id(shop: Shop) -> None:
    payment = shop.pay(an_order(initiation=replace(RECURRING, external_vault=VAULTED)))
    assert payment.terms.series_position is SeriesPosition.LATER
    assert shop.real_gateway.authorizations[-1].external_vault == VAULTED


def test_a_wallet_has_no_network_id_to_send(shop: Shop) -> None:
    customer = shop.customer()
    stored = shop.pay(
        an_order(
            source=Nonce(PAYPAL_NONCE), customer_id=customer.customer_id, store_payment_method=True, initiation=FIRST
        )
    )
    assert stored.terms.payment_method_id is not None
    shop.pay(charge(shop.get_method(stored.terms.payment_method_id, SHOP)))
    assert shop.real_gateway.authorizations[-1].external_vault is None


@pytest.mark.parametrize("initiation", [RECURRING, LATER, UNSCHEDULED])
def test_an_absent_customer_is_not_asked_to_authenticate(shop: Shop, initiation: RawInitiation) -> None:
    method = member(shop)
    shop.three_d_secure_rules = everything_is_authenticated()
    shop.restart()
    assert shop.pay(charge(method, initiation)).state is PaymentState.CAPTURED
    assert shop.pay(an_order(initiation=MAIL)).state is PaymentState.CAPTURED


def test_the_first_payment_of_a_series_is_authenticated(shop: Shop) -> None:
    shop.three_d_secure_rules = everything_is_authenticated()
    shop.restart()
    with pytest.raises(Exception, match="no authentication"):
        shop.pay(an_order(initiation=FIRST))


def everything_is_authenticated() -> ThreeDSecureRules:
    return ThreeDSecureRules(by_currency={"USD": (PolicyRule(Money(0, "USD"), ThreeDSecurePolicy.REQUIRED),)})


def test_a_method_is_charged_only_as_the_customer_agreed(shop: Shop) -> None:
    method = member(shop, Initiator.MERCHANT_RECURRING)
    assert method.consents == (Initiator.MERCHANT_RECURRING,)
    assert shop.pay(charge(method)).state is PaymentState.CAPTURED
    assert violations(shop, charge(method, UNSCHEDULED)) == [("initiator", Rule.NO_CONSENT)]
    # The customer may always pay with it.
    assert shop.pay(an_order(source=RawStoredMethod(method.payment_method_id))).state is PaymentState.CAPTURED


def test_without_consents_nothing_is_checked(shop: Shop) -> None:
    assert shop.pay(charge(member(shop), UNSCHEDULED)).state is PaymentState.CAPTURED


def test_another_initiator_is_another_request(shop: Shop) -> None:
    order = charge(member(shop))
    shop.pay(order)
    with pytest.raises(RequestIdReused) as reused:
        shop.pay(replace(order, initiation=UNSCHEDULED))
    assert reused.value.fields == ("initiator",)


# Bad input


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"initiation": RawInitiation(unknown_values=("initiator",))}, ("initiator", Rule.KNOWN_VALUE)),
        ({"initiation": RawInitiation(unknown_values=("series_position",))}, ("series_position", Rule.KNOWN_VALUE)),
        ({"initiation": replace(MAIL, position=SeriesPosition.FIRST)}, ("series_position", Rule.CONTRADICTS)),
        (
            {"initiation": RawInitiation(position=SeriesPosition.LATER, external_vault=VAULTED)},
            ("series_position", Rule.CONTRADICTS),
        ),
        ({"initiation": LATER}, ("external_vault.previous_network_transaction_id", Rule.NEEDED_FOR_LATER_PAYMENT)),
        (
            {"initiation": replace(RECURRING, external_vault=ExternalVault())},
            ("external_vault.previous_network_transaction_id", Rule.REQUIRED),
        ),
        (
            {"initiation": replace(RECURRING, external_vault=ExternalVault("short"))},
            ("external_vault.previous_network_transaction_id", Rule.NETWORK_TRANSACTION_ID),
        ),
        (
            {"initiation": replace(RECURRING, external_vault=ExternalVault("483297487231504", "short"))},
            ("external_vault.previous_mastercard_transaction_link_id", Rule.TRANSACTION_LINK_ID),
        ),
        (
            {"initiation": replace(RECURRING, external_vault=ExternalVault("483297487231504", will_vault=True))},
            ("external_vault.will_vault", Rule.CONTRADICTS),
        ),
        (
            {"initiation": MAIL, "three_d_secure": RawThreeDSecure(policy=ThreeDSecurePolicy.REQUIRED)},
            ("three_d_secure.policy", Rule.CONTRADICTS),
        ),
        (
            {"initiation": MAIL, "three_d_secure": RawThreeDSecure(external=AUTHENTICATED)},
            ("three_d_secure.external", Rule.CONTRADICTS),
        ),
        (
            {"initiation": MAIL, "three_d_secure": RawThreeDSecure(exemption=ScaExemption.TRUSTED_BENEFICIARY)},
            ("three_d_secure.exemption", Rule.CONTRADICTS),
        ),
        (
            {
                "initiation": MAIL,
                "source": Nonce(VALID_NONCE),
                "three_d_secure": RawThreeDSecure(authentication_id="abc"),
            },
            ("three_d_secure.authentication_id", Rule.CONTRADICTS),
        ),
        (
            {
                "initiation": replace(RECURRING, external_vault=VAULTED),
                "three_d_secure": RawThreeDSecure(exemption=ScaExemption.LOW_VALUE),
            },
            ("three_d_secure.exemption", Rule.CONTRADICTS),
        ),
        (
            {
                "initiation": replace(RECURRING, external_vault=VAULTED),
                "three_d_secure": RawThreeDSecure(external=AUTHENTICATED),
            },
            ("three_d_secure.external", Rule.CONTRADICTS),
        ),
        (
            {"initiation": replace(FIRST, external_vault=VAULTED)},
            ("external_vault.previous_network_transaction_id", Rule.CONTRADICTS),
        ),
        (
            {"initiation": replace(LATER, external_vault=ExternalVault(will_vault=True))},
            ("external_vault.will_vault", Rule.CONTRADICTS),
        ),
        (
            {"initiation": replace(RECURRING, external_vault=ExternalVault("483297487231504", "a" * 22))},
            ("external_vault.previous_mastercard_transaction_link_id", Rule.ONLY_MASTERCARD),
        ),
        (
            {"initiation": FIRST, "consents": (Initiator.MERCHANT_UNSCHEDULED,), "store_payment_method": True},
            ("consents", Rule.CONTRADICTS),
        ),
        ({"consents": (Initiator.MERCHANT_RECURRING,)}, ("consents", Rule.NEEDS_STORING)),
        ({"consents": (Initiator.CUSTOMER,), "store_payment_method": True}, ("consents", Rule.CONSENTS)),
        ({"consents": (None,), "store_payment_method": True}, ("consents", Rule.CONSENTS)),
        ({"consents": (Initiator.MERCHANT_RECURRING,) * 2, "store_payment_method": True}, ("consents", Rule.CONSENTS)),
        ({"device_data": "x" * 4001}, ("device_data", Rule.DEVICE_DATA)),
        ({"device_data": "a\x00"}, ("device_data", Rule.DEVICE_DATA)),
    ],
)
def test_a_contradictory_request_names_the_field(
    shop: Shop, changes: dict[str, object], expected: tuple[str, Rule]
) -> None:
    order = replace(an_order(source=VISA), **changes)  # type: ignore[arg-type]
    assert expected in violations(shop, order)


def test_an_order_by_telephone_is_paid_with_a_card_only(shop: Shop) -> None:
    wallet = shop.method(shop.customer(), source=Nonce(PAYPAL_NONCE))
    assert violations(shop, charge(wallet, MAIL)) == [("initiator", Rule.NOT_WITH_METHOD)]
    assert shop.pay(charge(wallet, UNSCHEDULED)).state is PaymentState.CAPTURED
    card = shop.method(shop.customer())
    assert shop.pay(charge(card, MAIL)).state is PaymentState.CAPTURED


def test_the_method_behind_a_nonce_has_to_go_with_the_initiator_and_the_vault(shop: Shop) -> None:
    def refused(nonce: str, initiation: RawInitiation) -> list[tuple[str, Rule]]:
        with pytest.raises(InvalidRequest) as invalid:
            shop.pay(an_order(source=Nonce(nonce), initiation=initiation))
        return [(one.field, one.rule) for one in invalid.value.violations]

    kept = replace(RECURRING, external_vault=VAULTED)
    linked = replace(RECURRING, external_vault=ExternalVault("483297487231504", "a" * 22))
    assert refused(PAYPAL_NONCE, MAIL) == [("initiator", Rule.NOT_WITH_METHOD)]
    assert refused(AUTHENTICATED_NONCE, MAIL) == [("initiator", Rule.CONTRADICTS)]
    assert refused(PAYPAL_NONCE, kept) == [("external_vault", Rule.NOT_WITH_METHOD)]
    assert refused(VALID_NONCE, linked) == [
        ("external_vault.previous_mastercard_transaction_link_id", Rule.ONLY_MASTERCARD)
    ]
    assert shop.list_all() == []
    for initiation in (MAIL, kept):
        assert shop.pay(an_order(source=Nonce(VALID_NONCE), initiation=initiation)).state is PaymentState.CAPTURED


def test_a_replay_of_a_request_that_an_older_version_accepted_gets_its_payment(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = an_order(initiation=MAIL, three_d_secure=RawThreeDSecure(external=AUTHENTICATED))
    with monkeypatch.context() as older:
        older.setattr(method_uses, "check_nobody_authenticated", lambda *_: None)
        payment = shop.pay(order)
    assert shop.pay(order).terms == payment.terms
    with pytest.raises(InvalidRequest):
        shop.pay(replace(order, request_id=a_request_id(), reference="another"))


def test_another_vault_contradicts_a_stored_method(shop: Shop) -> None:
    order = charge(member(shop), replace(LATER, external_vault=VAULTED))
    assert ("external_vault", Rule.CONTRADICTS) in violations(shop, order)


@pytest.mark.parametrize("initiation", [MAIL, LATER])
def test_a_customers_own_credential_pays_in_person_only(shop: Shop, initiation: RawInitiation) -> None:
    method = member(shop)
    own = Caller(CallerId("shop"), customer_id=method.customer_id)
    assert ("initiator", Rule.NOT_FOR_CUSTOMERS) in violations(shop, charge(method, initiation), own)


def test_a_customers_own_credential_names_no_earlier_payment(shop: Shop) -> None:
    own = Caller(CallerId("shop"), customer_id=shop.customer().customer_id)
    vault = ExternalVault("483297487231504", "Z1YkXw7zRkC0yP8mS9gQ4A")
    found = violations(shop, an_order(source=MASTERCARD, initiation=RawInitiation(external_vault=vault)), own)
    assert found == [
        ("external_vault.previous_network_transaction_id", Rule.NOT_FOR_CUSTOMERS),
        ("external_vault.previous_mastercard_transaction_link_id", Rule.NOT_FOR_CUSTOMERS),
    ]


# The risk check


def test_device_data_goes_to_the_gateway_and_its_verdict_comes_back(shop: Shop) -> None:
    payment = shop.pay(replace(an_order(device_data='{"correlation_id": "a"}'), client_address="203.0.113.7"))
    (asked,) = shop.real_gateway.authorizations
    assert (asked.risk.device_data, asked.risk.customer_address) == ('{"correlation_id": "a"}', "203.0.113.7")
    check = payment.authorization.details.risk_check
    assert check is not None
    assert check.decision == "Approve"


def test_without_device_data_the_shoppers_address_stays_here(shop: Shop) -> None:
    payment = shop.pay(replace(an_order(), client_address="203.0.113.7"))
    (asked,) = shop.real_gateway.authorizations
    assert asked.risk.customer_address == ""
    assert payment.authorization.details.risk_check is None


def change_consents(
    shop: Shop, method: PaymentMethod, *consents: Initiator | None, request_id: str = ""
) -> PaymentMethod:
    command = UpdatePaymentMethodCommand(
        request_id=request_id or a_request_id(), payment_method_id=method.payment_method_id, consents=consents
    )
    return shop.update_method(command, SHOP)


def refusal_of_later(shop: Shop, method: PaymentMethod, initiator: Initiator) -> list[tuple[str, Rule, str]]:
    """The violations of a later payment; none where it is made."""
    initiation = RawInitiation(initiator=initiator)
    try:
        shop.pay(an_order(source=RawStoredMethod(method.payment_method_id), initiation=initiation))
    except InvalidRequest as invalid:
        return [(one.field, one.rule, one.limit) for one in invalid.violations]
    return []


def test_changed_consents_are_checked_from_then_on_and_the_gateway_is_not_asked(shop: Shop) -> None:
    method = member(shop, Initiator.MERCHANT_RECURRING)
    before = list(shop.calls)
    changed = change_consents(shop, method, Initiator.MERCHANT_UNSCHEDULED)
    assert shop.calls == before
    assert (changed.consents, changed.instrument) == ((Initiator.MERCHANT_UNSCHEDULED,), method.instrument)
    assert refusal_of_later(shop, method, Initiator.MERCHANT_RECURRING) == [
        ("initiator", Rule.NO_CONSENT, "MERCHANT_UNSCHEDULED")
    ]
    assert refusal_of_later(shop, method, Initiator.MERCHANT_UNSCHEDULED) == []


def test_withdrawn_consents_refuse_every_later_payment_until_the_customer_agrees_again(shop: Shop) -> None:
    method = member(shop)
    assert refusal_of_later(shop, method, Initiator.MERCHANT_RECURRING) == []
    withdrawn = change_consents(shop, method)
    assert (withdrawn.consents, withdrawn.has_withdrawn_consents) == ((), True)
    for initiator in (Initiator.MERCHANT_RECURRING, Initiator.MERCHANT_UNSCHEDULED):
        assert refusal_of_later(shop, method, initiator) == [("initiator", Rule.NO_CONSENT, "none")]
    shop.pay(an_order(source=RawStoredMethod(method.payment_method_id), initiation=FIRST))
    assert refusal_of_later(shop, method, Initiator.MERCHANT_RECURRING) == []
    assert refusal_of_later(shop, method, Initiator.MERCHANT_UNSCHEDULED) != []


@pytest.mark.parametrize("consents", [(Initiator.CUSTOMER,), (None,), (Initiator.MERCHANT_RECURRING,) * 2])
def test_consents_that_nobody_can_give_are_refused(shop: Shop, consents: tuple[Initiator | None, ...]) -> None:
    method = member(shop)
    with pytest.raises(InvalidRequest) as invalid:
        change_consents(shop, method, *consents)
    assert [(one.field, one.rule) for one in invalid.value.violations] == [("consents.initiators", Rule.CONSENTS)]


def test_a_repeat_of_a_change_has_to_name_the_same_consents(shop: Shop) -> None:
    method, request_id = member(shop, Initiator.MERCHANT_RECURRING), a_request_id()
    change_consents(shop, method, request_id=request_id)
    change_consents(shop, method, Initiator.MERCHANT_RECURRING)
    again = change_consents(shop, method, request_id=request_id)
    assert again.consents == (Initiator.MERCHANT_RECURRING,)
    with pytest.raises(RequestIdReused):
        change_consents(shop, method, Initiator.MERCHANT_RECURRING, request_id=request_id)
