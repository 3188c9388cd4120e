"""The name, email and phone of a guest: checked, sent, kept as personal data, and never a reason for a decline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from application.common.errors import InvalidRequest, RequestIdReused, Rule
from application.payments.create_payment_command import RawStoredMethod
from application.ports.gateway import RefusalCause
from domain.customer import NO_CONTACT, GuestContact
from domain.payment_state import PaymentState
from domain.personal_data import erased_from
from domain.warning import WarningReason
from tests.application.shop import Shop, an_order

ADA = GuestContact(given_name="Ada", family_name="Lovelace", email="ada@example.com", phone="+44 20 7946 0000")


def violations(shop: Shop, **changes: Any) -> dict[str, Rule]:
    with pytest.raises(InvalidRequest) as refused:
        shop.pay(replace(an_order(), **changes))
    assert not shop.real_gateway.authorizations
    return {violation.field: violation.rule for violation in refused.value.violations}


def test_a_guest_goes_to_the_gateway_and_is_kept() -> None:
    shop = Shop()
    payment = shop.pay(replace(an_order(), guest=ADA))
    assert payment.state is PaymentState.CAPTURED
    assert payment.terms.guest == ADA
    assert payment.terms.customer_id is None
    assert shop.real_gateway.authorizations[-1].guest == ADA


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"email": "ada@localhost"}, "email", Rule.EMAIL),
        ({"email": "4111111111111111@example.com"}, "email", Rule.NO_CARD_DATA),
        ({"phone": "1" * 256}, "phone", Rule.MAX_CHARACTERS),
        ({"given_name": "Ada\n"}, "given_name", Rule.NO_CONTROL_CHARACTERS),
        ({"family_name": "x" * 256}, "family_name", Rule.MAX_CHARACTERS),
        ({"company": "x" * 256}, "company", Rule.MAX_CHARACTERS),
    ],
)
def test_each_limit_of_a_guest_names_its_field(changes: dict[str, Any], field: str, rule: Rule) -> None:
    assert violations(Shop(), guest=replace(ADA, **changes))[f"guest.{field}"] is rule


def test_a_customer_or_a_stored_method_is_no_guest() -> None:
    shop = Shop()
    customer = shop.customer(given_name="Ada")
    assert violations(shop, guest=ADA, customer_id=customer.customer_id) == {"guest": Rule.CONTRADICTS}
    by_method = violations(shop, guest=ADA, source=RawStoredMethod("pm_00000000000000000000000000"))
    assert by_method["guest"] is Rule.CONTRADICTS


def test_details_that_the_gateway_refuses_never_become_a_decline() -> None:
    shop = Shop()
    shop.real_gateway.refuses = RefusalCause.CUSTOMER_DETAILS
    payment = shop.pay(replace(an_order(), guest=ADA))
    assert payment.state is PaymentState.CAPTURED
    (warning,) = payment.authorization.warnings
    assert warning.reason is WarningReason.GUEST_DETAILS_LEFT_OUT
    assert shop.real_gateway.authorizations[-1].guest == NO_CONTACT


def test_a_repeat_with_another_guest_is_another_request() -> None:
    shop = Shop()
    order = replace(an_order(), guest=ADA)
    assert shop.pay(order) == shop.pay(order)
    with pytest.raises(RequestIdReused) as refused:
        shop.pay(replace(order, guest=replace(ADA, email="ada@example.org")))
    assert refused.value.fields == ("guest.email",)


def test_erasure_covers_a_guest() -> None:
    payment = Shop().pay(replace(an_order(), guest=ADA))
    assert erased_from(payment.terms).guest == NO_CONTACT
    assert "Ada" not in repr(payment.terms)
