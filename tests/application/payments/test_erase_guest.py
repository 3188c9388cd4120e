"""The personal data of a guest is erased, and the payment stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.common.errors import InvalidRequest, NotFound, Rule
from application.payments.erase_guest import EraseGuest
from domain.address import Address
from domain.customer import NO_CONTACT, GuestContact
from domain.errors import OperationInProgress
from domain.ids import CallerId
from tests.application.shop import SHOP, Shop, a_request_id, an_order
from tests.fakes.faulty_gateway import Fault

HOME = Address(given_name="Siti", street_address="Jalan Sudirman 1", country_code="ID")
SITI = GuestContact(given_name="Siti", family_name="Rahma", email="siti@example.com", phone="+62215550123")


@pytest.fixture
def shop() -> Shop:
    return Shop()


def erase(shop: Shop, payment_id: str, request_id: str = "", caller: object = SHOP) -> object:
    use_case = EraseGuest(shop.store, shop.clock, shop.guard)
    return use_case(request_id or a_request_id(), payment_id, caller)  # type: ignore[arg-type]


def test_record_and_history_lose_the_guest_and_keep_the_payment(shop: Shop) -> None:
    order = replace(an_order(billing_address=HOME), guest=SITI, shipping_address=HOME)
    payment = shop.pay(order)
    request_id = a_request_id()
    erase(shop, payment.terms.payment_id, request_id)
    assert erase(shop, payment.terms.payment_id, request_id) == erase(shop, payment.terms.payment_id)
    kept = shop.get(payment.terms.payment_id, SHOP)
    assert (kept.terms.guest, kept.terms.billing_address, kept.terms.shipping_address) == (
        NO_CONTACT, Address(), Address()
    )  # fmt: skip
    assert kept.instrument is not None
    assert kept.instrument.cardholder_name == ""
    assert (kept.state, kept.terms.amount, kept.operations) == (payment.state, payment.terms.amount, payment.operations)
    entries, _ = shop.list_events(payment.terms.payment_id, SHOP, page_size=50)
    assert "Siti" not in repr([entry.event for entry in entries]) + repr(kept.terms)
    assert shop.pay(order) == kept


def test_payments_of_customers_and_of_others_are_refused(shop: Shop) -> None:
    customer = shop.customer()
    theirs = shop.pay(an_order(customer_id=customer.customer_id))
    with pytest.raises(InvalidRequest) as invalid:
        erase(shop, theirs.terms.payment_id)
    assert [(one.field, one.rule) for one in invalid.value.violations] == [("payment_id", Rule.NEEDS_GUEST)]
    guests = shop.pay(replace(an_order(), guest=SITI))
    for caller in (replace(SHOP, caller_id=CallerId("rival")), replace(SHOP, customer_id=customer.customer_id)):
        with pytest.raises(NotFound):
            erase(shop, guests.terms.payment_id, caller=caller)
    assert shop.get(guests.terms.payment_id, SHOP).terms.guest == SITI


def test_nothing_is_erased_while_the_outcome_is_unknown(shop: Shop) -> None:
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay(replace(an_order(), guest=SITI))
    with pytest.raises(OperationInProgress):
        erase(shop, payment.terms.payment_id)
    assert shop.get(payment.terms.payment_id, SHOP).terms.guest == SITI
