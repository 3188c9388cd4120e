"""The gateway contract: customers and payment methods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from application.ports.gateway import (
    Authorization,
    CustomerRefused,
    CustomerUnknown,
    Declined,
    Gateway,
    MethodChange,
    NewMethod,
    Nonce,
    NotStored,
    Outcome,
    RefusalCause,
    Rejected,
    StoredMethod,
    StoreOutcome,
)
from domain.address import Address
from domain.customer import Customer
from domain.decline import DeclineReason
from domain.ids import CustomerId, PaymentMethodId
from domain.instrument import Card, CardExpiry
from domain.warning import MerchantWarning, WarningReason
from tests.contract.gateway_setup import (
    DECLINED_CARD,
    VISA,
    GatewaySetup,
    a_customer,
    an_id,
    an_operation_id,
    approved,
    authorize,
    stored,
    usd,
)
from tests.fakes.runtime import HELD


def store(
    gateway: Gateway,
    customer: Customer,
    *,
    source: Card | Nonce = VISA,
    verify: bool = False,
    make_default: bool = False,
) -> StoreOutcome:
    return gateway.store_method(
        NewMethod(
            payment_method_id=PaymentMethodId(an_id("pm")),
            customer_id=customer.customer_id,
            source=source,
            verify=verify,
            make_default=make_default,
        ),
        HELD,
    )


def a_known_customer(gateway: Gateway) -> Customer:
    customer = a_customer()
    gateway.ensure_customer(customer, HELD)
    return customer


def test_a_customer_can_be_made_known_again_and_again(setup: GatewaySetup) -> None:
    customer = a_known_customer(setup.gateway)
    setup.gateway.ensure_customer(customer, HELD)
    setup.gateway.update_customer(customer, HELD)


def with_a_bad_email(customer: Customer) -> Customer:
    return replace(customer, email="ann@localhost")


def test_refused_details_are_left_out_of_a_new_customer_and_told(setup: GatewaySetup) -> None:
    assert setup.gateway.ensure_customer(a_customer(), HELD) is None
    customer = with_a_bad_email(a_customer())
    warning = setup.gateway.ensure_customer(customer, HELD)
    assert warning == MerchantWarning(WarningReason.CUSTOMER_DETAILS_LEFT_OUT, "81604")
    assert stored(store(setup.gateway, customer)).customer_id == customer.customer_id


def test_refused_details_of_an_update_are_named_by_field(setup: GatewaySetup) -> None:
    customer = a_known_customer(setup.gateway)
    for changed in (customer, a_customer()):
        with pytest.raises(CustomerRefused) as refusal:
            setup.gateway.update_customer(with_a_bad_email(changed), HELD)
        assert refusal.value.fields == {"email": "81604 EmailIsInvalid"}


def test_an_update_of_a_customer_that_is_gone_makes_it_anew(setup: GatewaySetup) -> None:
    customer = a_customer()
    setup.gateway.update_customer(customer, HELD)
    assert stored(store(setup.gateway, customer)).customer_id == customer.customer_id


def rejected(outcome: Outcome | StoreOutcome) -> tuple[RefusalCause, str]:
    assert isinstance(outcome, Rejected), outcome
    return outcome.cause, outcome.details.validation_code


def an_authorization(**changes: Any) -> Authorization:
    fields: dict[str, Any] = {"operation_id": an_operation_id(), "amount": usd(10_00), "source": VISA, "captures": True}
    return Authorization(**fields | changes)


def test_refused_details_of_a_guest_are_no_decline(setup: GatewaySetup) -> None:
    outcome = setup.gateway.authorize(an_authorization(customer=with_a_bad_email(a_customer())), HELD)
    assert rejected(outcome) == (RefusalCause.CUSTOMER_DETAILS, "81604")


def test_a_refused_address_is_no_decline(setup: GatewaySetup) -> None:
    address = Address(postal_code="-12345")
    assert rejected(setup.gateway.authorize(an_authorization(billing_address=address), HELD)) == (
        RefusalCause.BILLING_ADDRESS,
        "81813",
    )
    method = NewMethod(
        payment_method_id=PaymentMethodId(an_id("pm")),
        customer_id=a_known_customer(setup.gateway).customer_id,
        source=VISA,
        billing_address=address,
    )
    assert rejected(setup.gateway.store_method(method, HELD)) == (RefusalCause.BILLING_ADDRESS, "81813")


@pytest.mark.parametrize("stores", [True, False])
def test_a_customer_that_is_gone_is_no_decline(setup: GatewaySetup, stores: bool) -> None:
    customer = replace(a_customer(), is_at_gateway=True)
    store_as = PaymentMethodId(an_id("pm")) if stores else None
    asked = an_authorization(customer=customer, store_as=store_as)
    assert rejected(setup.gateway.authorize(asked, HELD)) == (RefusalCause.CUSTOMER_UNKNOWN, "91510")
    setup.gateway.ensure_customer(customer, HELD)
    approved(setup.gateway.authorize(replace(asked, attempt=2), HELD))


def test_nothing_is_stored_for_a_customer_that_is_gone(setup: GatewaySetup) -> None:
    assert rejected(store(setup.gateway, a_customer()))[0] is RefusalCause.CUSTOMER_UNKNOWN


@pytest.mark.parametrize("names_customer", [True, False])
def test_a_stored_method_that_is_gone_says_to_use_another_one(setup: GatewaySetup, names_customer: bool) -> None:
    customer = a_known_customer(setup.gateway)
    kept = stored(store(setup.gateway, customer))
    setup.gateway.delete_customer(customer.customer_id, HELD)
    named = replace(customer, is_at_gateway=True) if names_customer else None
    outcome = setup.gateway.authorize(an_authorization(source=StoredMethod(kept.token), customer=named), HELD)
    assert isinstance(outcome, Declined)
    assert (outcome.decline.reason, outcome.details.validation_code) == (DeclineReason.METHOD_REMOVED, "91518")


def test_a_client_token_for_a_customer_that_is_gone_is_reported(setup: GatewaySetup) -> None:
    with pytest.raises(CustomerUnknown):
        setup.gateway.create_client_token(CustomerId(an_id("cus")), "twin_usd")


def test_a_stored_card_has_nonces_for_the_browser(setup: GatewaySetup) -> None:
    kept = stored(store(setup.gateway, a_known_customer(setup.gateway)))
    first, second = (setup.gateway.create_method_nonce(kept.token, HELD) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.value
    assert first.bin == "411111"
    assert "nonce" not in repr(first)
    assert setup.gateway.create_method_nonce(an_id("pm"), HELD) is None


def test_a_stored_card_is_found_and_pays(setup: GatewaySetup) -> None:
    customer = a_known_customer(setup.gateway)
    kept = stored(store(setup.gateway, customer))
    assert kept.customer_id == customer.customer_id
    assert (kept.instrument.last_four, kept.is_default) == ("1111", True)
    assert setup.gateway.find_method(kept.token) is not None
    sale = approved(authorize(setup.gateway, source=StoredMethod(kept.token)))
    assert sale.token == kept.token


def test_storing_again_under_the_same_id_finds_what_was_stored(setup: GatewaySetup) -> None:
    customer = a_known_customer(setup.gateway)
    method = NewMethod(payment_method_id=PaymentMethodId(an_id("pm")), customer_id=customer.customer_id, source=VISA)
    first, second = (stored(setup.gateway.store_method(method, HELD)) for _ in range(2))
    assert first.token == second.token == method.payment_method_id


def test_a_card_is_not_stored_for_an_unknown_customer(setup: GatewaySetup) -> None:
    assert isinstance(store(setup.gateway, a_customer()), Rejected | NotStored)


def test_a_card_that_fails_verification_is_not_kept(setup: GatewaySetup) -> None:
    customer = a_known_customer(setup.gateway)
    outcome = store(setup.gateway, customer, source=DECLINED_CARD, verify=True)
    assert isinstance(outcome, NotStored)
    assert outcome.verification.decline is not None
    assert stored(store(setup.gateway, customer, verify=True)).token


def test_one_method_is_the_default(setup: GatewaySetup) -> None:
    customer = a_known_customer(setup.gateway)
    first = stored(store(setup.gateway, customer))
    second = stored(store(setup.gateway, customer, make_default=True))
    assert second.is_default
    found = setup.gateway.find_method(first.token)
    assert found is not None
    assert not found.is_default
    changed = stored(setup.gateway.change_method(MethodChange(token=first.token, make_default=True), HELD))
    assert changed.is_default


def test_an_update_changes_only_the_given_fields_of_a_method(setup: GatewaySetup) -> None:
    kept = stored(store(setup.gateway, a_known_customer(setup.gateway)))
    changed = stored(setup.gateway.change_method(MethodChange(token=kept.token, expiry=CardExpiry(2036, 1)), HELD))
    assert changed.instrument.expiry == CardExpiry(2036, 1)
    assert changed.instrument.cardholder_name == kept.instrument.cardholder_name
    unknown = setup.gateway.change_method(MethodChange(token=an_id("pm"), make_default=True), HELD)
    assert rejected(unknown)[0] is RefusalCause.METHOD_UNKNOWN


def test_a_deleted_method_is_gone_and_may_be_deleted_again(setup: GatewaySetup) -> None:
    kept = stored(store(setup.gateway, a_known_customer(setup.gateway)))
    for _ in range(2):
        setup.gateway.delete_method(kept.token, HELD)
    assert setup.gateway.find_method(kept.token) is None


def test_a_deleted_customer_takes_what_was_kept_along(setup: GatewaySetup) -> None:
    customer = a_known_customer(setup.gateway)
    kept = stored(store(setup.gateway, customer))
    for _ in range(2):
        setup.gateway.delete_customer(customer.customer_id, HELD)
    assert setup.gateway.find_method(kept.token) is None


def test_a_payment_can_keep_what_paid_for_it(setup: GatewaySetup) -> None:
    customer, token = a_known_customer(setup.gateway), PaymentMethodId(an_id("pm"))
    sale = approved(
        setup.gateway.authorize(
            Authorization(
                operation_id=an_operation_id(),
                amount=usd(10_00),
                source=VISA,
                captures=True,
                customer=customer,
                store_as=token,
            ),
            HELD,
        )
    )
    assert sale.token == token
    assert setup.gateway.find_method(token) is not None


def test_a_declined_payment_keeps_nothing(setup: GatewaySetup) -> None:
    customer, token = a_known_customer(setup.gateway), PaymentMethodId(an_id("pm"))
    setup.gateway.authorize(
        Authorization(
            operation_id=an_operation_id(),
            amount=usd(2000_00),
            source=VISA,
            captures=True,
            customer=customer,
            store_as=token,
        ),
        HELD,
    )
    assert setup.gateway.find_method(token) is None


def test_a_client_token_is_made_for_anybody_and_for_a_known_customer(setup: GatewaySetup) -> None:
    assert setup.gateway.create_client_token(None, "")
    assert setup.gateway.create_client_token(a_known_customer(setup.gateway).customer_id, "twin_usd")
