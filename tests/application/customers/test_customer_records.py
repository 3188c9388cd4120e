"""The record of a customer: what may be told and by whom, what is changed where, and what a deletion leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from application.common.errors import (
    CustomerHasOpenPayments,
    ExternalIdAlreadyUsed,
    InvalidRequest,
    NotForCustomers,
    NotFound,
    RequestIdReused,
    Rule,
)
from application.customers.create_customer import CustomerCommand
from application.events.relay_events import RelayEvents
from application.payment_methods.add_payment_method import AddPaymentMethodCommand
from application.ports.feed import FeedEntry, FeedFilter
from application.ports.gateway import GatewayUnavailable
from domain.address import Address
from domain.customer import Customer
from domain.payment_method import PaymentMethodState
from tests.application.shop import MASTERCARD, SHOP, STRANGER, VISA, Shop, a_request_id, an_order
from tests.fakes.faulty_gateway import Fault
from tests.fakes.memory_store import MemoryStore

MINUTE = timedelta(minutes=1)
CALLER = replace(SHOP, credential="key_1")
EVERYTHING = {
    "external_id": "ada",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada@example.com",
    "phone": "+44 20 7946 0018",
    "language_code": "en-GB",
}
BAD = {
    "external_id": ("a\u200bb", Rule.UNAMBIGUOUS),
    "given_name": (VISA.number, Rule.NO_CARD_DATA),
    "family_name": ("a\nb", Rule.NO_CONTROL_CHARACTERS),
    "email": ("ada", Rule.EMAIL),
    "phone": (VISA.number, Rule.NO_CARD_DATA),
    "language_code": ("!", Rule.LANGUAGE),
}


class WipedStore(MemoryStore):
    """Counts how often what was erased is overwritten."""

    wipes = 0

    def wipe(self) -> None:
        self.wipes += 1


class House(Shop):
    def __init__(self) -> None:
        super().__init__()
        self.wiped = WipedStore(self.ids)
        self.store = self.wiped
        self.restart()

    def now_of(self, customer: Customer) -> Customer:
        return self.get_customer(SHOP, customer_id=customer.customer_id)

    def update(self, customer: Customer, request_id: str = "", **changes: str) -> Customer:
        told = CustomerCommand(request_id=request_id or a_request_id(), **changes)
        return self.update_customer(customer.customer_id, told, list(changes), CALLER)

    def delete(self, customer: Customer, request_id: str = "") -> Customer:
        return self.delete_customer(request_id or a_request_id(), customer.customer_id, CALLER)

    def events(self) -> list[FeedEntry]:
        RelayEvents(self.store)()
        with self.store.read() as work:
            return work.feed.after(0, FeedFilter(), until=work.feed.end(), limit=100)[0]


@pytest.fixture
def house() -> House:
    return House()


def faults_of(ask: Callable[[], object]) -> list[tuple[str, Rule]]:
    with pytest.raises(InvalidRequest) as refusal:
        ask()
    return [(fault.field, fault.rule) for fault in refusal.value.violations]


# Creation


def test_a_customer_is_as_much_as_was_told(house: House) -> None:
    made = house.create_customer(CustomerCommand(request_id=a_request_id(), **EVERYTHING), CALLER)
    assert {name: getattr(made, name) for name in EVERYTHING} == EVERYTHING
    assert (made.create_time, made.update_time, made.delete_time) == (house.clock.now(), house.clock.now(), None)
    assert (made.caller_id, made.is_at_gateway) == (SHOP.caller_id, False)
    assert house.now_of(made) == made
    assert [(one.actor, one.resource) for one in house.events()] == [("shop/key_1", made)]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_detail_is_named_at_creation_and_at_a_change(house: House, name: str) -> None:
    value, rule = BAD[name]
    order = CustomerCommand(request_id=a_request_id(), **{name: value})
    assert faults_of(lambda: house.create_customer(order, SHOP)) == [(name, rule)]
    ada = house.customer()
    assert faults_of(lambda: house.update(ada, **{name: value})) == [(f"customer.{name}", rule)]
    assert [one.customer_id for one in house.list_customers(SHOP)[0]] == [ada.customer_id]


def test_a_customer_is_not_created_without_a_request_id_or_by_a_customer(house: House) -> None:
    assert faults_of(lambda: house.create_customer(CustomerCommand(request_id=""), SHOP)) == [
        ("request_id", Rule.REQUIRED)
    ]
    credential = replace(SHOP, customer_id=house.customer().customer_id)
    with pytest.raises(NotForCustomers):
        house.create_customer(CustomerCommand(request_id=a_request_id()), credential)


@pytest.mark.parametrize("name", EVERYTHING)
def test_another_customer_under_the_same_request_id_is_refused(house: House, name: str) -> None:
    order = CustomerCommand(request_id=a_request_id(), **EVERYTHING)
    house.create_customer(order, SHOP)
    with pytest.raises(RequestIdReused) as refusal:
        house.create_customer(replace(order, **{name: ""}), SHOP)
    assert refusal.value.fields == (name,)


# Changes


def test_a_change_says_when_and_by_whom_and_is_made_once(house: House) -> None:
    ada = house.create_customer(CustomerCommand(request_id=a_request_id(), **EVERYTHING), SHOP)
    house.clock.advance(MINUTE)
    request_id = a_request_id()
    changed = house.update(ada, request_id, given_name="Augusta", language_code="")
    assert changed == replace(ada, given_name="Augusta", language_code="", update_time=house.clock.now())
    house.clock.advance(MINUTE)
    assert house.update(ada, request_id, given_name="Augusta", language_code="") == changed == house.now_of(ada)
    assert [one.actor for one in house.events()] == ["shop", "shop/key_1"]
    with pytest.raises(RequestIdReused) as refusal:
        house.update(ada, request_id, given_name="Augusta")
    assert set(refusal.value.fields) == {"update_mask"}
    with pytest.raises(RequestIdReused) as refusal:
        house.update(ada, request_id, given_name="Byron", language_code="")
    assert refusal.value.fields == ("given_name",)
    with pytest.raises(RequestIdReused) as refusal:
        house.update(house.customer(), request_id, given_name="Augusta", language_code="")
    assert refusal.value.fields == ("customer_id",)


def test_a_mask_says_the_same_in_any_order_and_twice(house: House) -> None:
    ada = house.customer()
    told = CustomerCommand(request_id=a_request_id(), given_name="Ada", phone="0215551234")
    changed = house.update_customer(ada.customer_id, told, ["phone", "given_name"], SHOP)
    assert house.update_customer(ada.customer_id, told, ["given_name", "phone", "phone"], SHOP) == changed


def test_a_bad_change_is_named_at_once(house: House) -> None:
    told = CustomerCommand(request_id="no", email="ada")
    with pytest.raises(InvalidRequest) as refusal:
        house.update_customer("ada", told, [], SHOP)
    assert [fault.field for fault in refusal.value.violations] == [
        *("request_id", "customer.customer_id", "customer.email", "update_mask")
    ]
    assert refusal.value.violations[-1].rule is Rule.REQUIRED
    with pytest.raises(InvalidRequest) as refusal:
        house.update_customer(
            house.customer().customer_id, CustomerCommand(request_id=a_request_id()), ["email", "delete_time"], SHOP
        )
    (fault,) = refusal.value.violations
    assert (fault.field, fault.rule) == ("update_mask", Rule.FIELD_PATH)
    assert fault.limit == ", ".join(EVERYTHING)


def test_a_customer_changes_all_but_the_back_ends_name_for_them(house: House) -> None:
    ada = house.customer(external_id="ada")
    credential = replace(SHOP, customer_id=ada.customer_id)
    told = CustomerCommand(request_id=a_request_id(), external_id="bob", given_name="Ada")
    assert house.update_customer(ada.customer_id, told, ["given_name"], credential).external_id == "ada"
    with pytest.raises(InvalidRequest) as refusal:
        house.update_customer(ada.customer_id, replace(told, request_id=a_request_id()), ["external_id"], credential)
    (fault,) = refusal.value.violations
    assert fault.limit == "given_name, family_name, email, phone, language_code"
    assert house.update(ada, external_id="countess").external_id == "countess"


def test_a_name_that_another_customer_has_is_refused_before_the_gateway_hears_of_it(house: House) -> None:
    ada, bob = house.customer(external_id="ada"), house.customer(external_id="bob")
    house.method(bob)
    with pytest.raises(ExternalIdAlreadyUsed) as refusal:
        house.update(bob, external_id="ada", given_name="Bob")
    assert (refusal.value.external_id, refusal.value.customer_id) == ("ada", ada.customer_id)
    assert "update_customer" not in house.calls
    assert house.now_of(bob).external_id == "bob"
    # One's own name, none, and one that another caller's customer has are all free.
    for name in ("bob", "", "carol"):
        house.create_customer(CustomerCommand(request_id=a_request_id(), external_id="carol" + name), STRANGER)
        assert house.update(bob, external_id=name).external_id == name


def test_a_name_that_is_taken_meanwhile_is_refused(house: House) -> None:
    bob = house.customer()
    house.method(bob)
    house.before["update_customer"] = lambda: house.customer(external_id="ada")
    with pytest.raises(ExternalIdAlreadyUsed) as refusal:
        house.update(bob, external_id="ada")
    assert refusal.value.external_id == "ada"
    assert house.now_of(bob).external_id == ""


def test_a_change_keeps_what_others_changed_meanwhile(house: House) -> None:
    ada = house.customer(phone="1")
    house.method(ada)
    request_id = a_request_id()
    house.before["update_customer"] = lambda: house.update(ada, phone="0215551234")
    assert house.update(ada, email="ada@example.com").phone == "0215551234"
    house.before["update_customer"] = lambda: house.update(ada, request_id, given_name="Ada")
    before = len(house.events())
    assert house.update(ada, request_id, given_name="Ada") == house.now_of(ada)
    assert len(house.events()) == before + 1


def test_a_customer_who_is_gone_or_anothers_is_not_changed(house: House) -> None:
    ada = house.customer()
    house.method(ada)
    with pytest.raises(NotFound):
        house.update_customer(ada.customer_id, CustomerCommand(request_id=a_request_id()), ["phone"], STRANGER)
    house.delete(ada)
    with pytest.raises(NotFound):
        house.update(ada, given_name="Ada")
    # The present owner of the name does not matter.
    house.customer(external_id="ada")
    with pytest.raises(NotFound):
        house.update(ada, external_id="ada")
    assert "update_customer" not in house.calls


# Deletion


def test_bad_names_are_refused_together(house: House) -> None:
    assert faults_of(lambda: house.delete_customer("no", "ada", SHOP)) == [
        ("request_id", Rule.UUID),
        ("customer_id", Rule.ID),
    ]
    assert house.calls == []


def test_a_deletion_leaves_when_and_by_whom_and_nothing_else(house: House) -> None:
    ada = house.create_customer(CustomerCommand(request_id=a_request_id(), **EVERYTHING), SHOP)
    order = AddPaymentMethodCommand(
        request_id=a_request_id(), customer_id=ada.customer_id, source=VISA, billing_address=Address(locality="London")
    )
    first = house.add_method(order, SHOP)
    second = house.method(ada, MASTERCARD)
    house.clock.advance(MINUTE)
    deleted = house.delete(ada)
    assert deleted == Customer(
        customer_id=ada.customer_id,
        caller_id=ada.caller_id,
        create_time=ada.create_time,
        update_time=house.clock.now(),
        delete_time=house.clock.now(),
    )
    for method in (first, second):
        kept = house.get_method(method.payment_method_id, SHOP)
        assert (kept.state, kept.is_default, kept.update_time) == (PaymentMethodState.DELETED, False, house.clock.now())
        assert kept.billing_address == Address()
        assert kept.instrument is not None
        assert kept.instrument.cardholder_name == ""
    for entry in house.events():
        assert "Lovelace" not in _told(entry)
    assert {one.actor for one in house.events()[-3:]} == {"shop/key_1"}


def _told(entry: FeedEntry) -> str:
    """Everything that an event tells, hidden or not."""
    assert entry.resource is not None
    texts = [str(getattr(entry.resource, field.name)) for field in fields(entry.resource)]
    instrument = getattr(entry.resource, "instrument", None)
    return " ".join([*texts, getattr(instrument, "cardholder_name", "")])


def test_a_deletion_is_finished_by_its_repeat_and_asks_the_gateway_each_time(house: House) -> None:
    ada, request_id = house.customer(), a_request_id()
    house.method(ada)
    deleted = house.delete(ada, request_id)
    # Before it is recorded, and once more after.
    assert (house.calls.count("delete_customer"), house.wiped.wipes) == (2, 1)
    house.clock.advance(MINUTE)
    assert house.delete(ada, request_id) == deleted
    assert (house.calls.count("delete_customer"), house.wiped.wipes) == (3, 2)
    house.fails("delete_customer", Fault.UNREACHABLE)
    with pytest.raises(GatewayUnavailable):
        house.delete(ada, request_id)


def test_the_request_id_of_a_deletion_names_nothing_else(house: House) -> None:
    ada, bob, request_id = house.customer(), house.customer(), a_request_id()
    house.delete(ada, request_id)
    asked = len(house.calls)
    with pytest.raises(RequestIdReused) as refusal:
        house.delete(bob, request_id)
    assert refusal.value.fields == ("customer_id",)
    assert len(house.calls) == asked
    with pytest.raises(RequestIdReused):
        house.create_customer(CustomerCommand(request_id=request_id), SHOP)


def test_two_requests_that_delete_one_customer_at_once_delete_once(house: House) -> None:
    ada, others = house.customer(), []
    house.method(ada)
    house.before["delete_customer"] = lambda: others.append(house.delete(ada))
    before = len(house.events())
    assert house.delete(ada) == others[0]
    assert [one.kind.value for one in house.events()[before:]] == ["customer", "payment_method"]


def test_a_repeated_deletion_asks_nothing_of_open_payments(house: House) -> None:
    ada = house.customer()
    house.delete(ada)
    credential = replace(SHOP, customer_id=ada.customer_id)
    assert house.delete_customer(a_request_id(), ada.customer_id, credential).delete_time is not None


def pay(house: House, ada: Customer) -> object:
    return house.pay(an_order(customer_id=ada.customer_id))


def keep(house: House, ada: Customer) -> object:
    return house.method(ada)


@pytest.mark.parametrize(("call", "begin"), [("authorize", pay), ("store_method", keep)])
def test_nothing_is_deleted_while_an_outcome_is_unknown(
    house: House, call: str, begin: Callable[[House, Customer], object]
) -> None:
    ada = house.customer()
    pay(house, ada)
    house.fails(call, Fault.LOST_BEFORE)
    begin(house, ada)
    with pytest.raises(CustomerHasOpenPayments) as refusal:
        house.delete(ada)
    assert refusal.value.customer_id == ada.customer_id
    assert "delete_customer" not in house.calls
    house.delete(house.customer())


def test_nothing_is_deleted_where_an_outcome_became_unknown_meanwhile(house: House) -> None:
    ada = house.customer()

    def meanwhile() -> None:
        house.fails("authorize", Fault.LOST_BEFORE)
        pay(house, ada)

    house.before["delete_customer"] = meanwhile
    with pytest.raises(CustomerHasOpenPayments):
        house.delete(ada)
    assert house.now_of(ada).delete_time is None
