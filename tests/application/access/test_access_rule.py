"""One rule tells whose data a credential reaches, in reads, changes, lists and events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from application.common.caller import EVERY_SCOPE, Caller, Scope
from application.common.errors import InvalidRequest, NotFound
from application.events.read_feed import ReadFeed
from application.events.relay_events import RelayEvents
from application.payments.capture_payment import CapturePaymentCommand
from application.payments.create_payment_command import RawStoredMethod
from application.payments.list_payments import RawPaymentFilter
from application.payments.refund_payment import RefundPaymentCommand
from application.payments.void_payment import VoidPaymentCommand
from application.ports.feed import FeedKind
from domain.customer import Customer
from domain.errors import IllegalTransition
from domain.ids import CallerId
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.shop import SHOP, Shop, a_request_id, an_order

ADMINISTRATOR = Caller(CallerId("operations"), EVERY_SCOPE)
RIVAL = Caller(CallerId("rival"), EVERY_SCOPE - {Scope.ADMIN})


class Town:
    """A shop with two customers, each with a payment; and who may come."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.customer, self.other = self.shop.customer(given_name="Ada"), self.shop.customer(given_name="Bob")
        self.method = self.shop.method(self.customer)
        self.payment = self._pay(self.customer)
        self._pay(self.other)
        self.callers = {
            "the shop": SHOP,
            "the customer": replace(SHOP, customer_id=self.customer.customer_id),
            "another customer": replace(SHOP, scopes=EVERY_SCOPE, customer_id=self.other.customer_id),
            "another shop": RIVAL,
            "an administrator": ADMINISTRATOR,
            "an administrator of this shop": replace(SHOP, scopes=EVERY_SCOPE),
        }

    def _pay(self, customer: Customer) -> Payment:
        return self.shop.pay(an_order(customer_id=customer.customer_id))

    @property
    def payment_id(self) -> str:
        return self.payment.terms.payment_id


def void(town: Town, caller: Caller) -> object:
    return town.shop.void_payment(VoidPaymentCommand(request_id=a_request_id(), payment_id=town.payment_id), caller)


def refund(town: Town, caller: Caller) -> object:
    return town.shop.refund_payment(RefundPaymentCommand(request_id=a_request_id(), payment_id=town.payment_id), caller)


ON_ONE: dict[str, Callable[[Town, Caller], object]] = {
    "get": lambda town, caller: town.shop.get(town.payment_id, caller),
    "events": lambda town, caller: town.shop.list_events(town.payment_id, caller),
    "verify": lambda town, caller: town.shop.verify_payment(town.payment_id, caller),
    "void": void,
    "refund": refund,
    "customer": lambda town, caller: town.shop.get_customer(caller, customer_id=town.customer.customer_id),
    "methods": lambda town, caller: town.shop.list_methods(town.customer.customer_id, caller),
    "method": lambda town, caller: town.shop.get_method(town.method.payment_method_id, caller),
}
REACH = {
    "the shop": True,
    "the customer": True,
    "another customer": False,
    "another shop": False,
    "an administrator": True,
    "an administrator of this shop": True,
}


@pytest.mark.parametrize("who", REACH)
@pytest.mark.parametrize("what", ON_ONE)
def test_a_caller_reaches_one_thing_by_the_rule(what: str, who: str) -> None:
    town = Town()
    if REACH[who]:
        ON_ONE[what](town, town.callers[who])
        return
    with pytest.raises(NotFound):
        ON_ONE[what](town, town.callers[who])


def payments(town: Town, caller: Caller) -> int:
    return len(town.shop.list(RawPaymentFilter(), caller).payments)


def payments_of_a_state(town: Town, caller: Caller) -> int:
    return len(town.shop.list(RawPaymentFilter(states=(PaymentState.CAPTURED,)), caller).payments)


def customers(town: Town, caller: Caller) -> int:
    return len(town.shop.list_customers(caller)[0])


def customers_with_events(town: Town, caller: Caller) -> int:
    RelayEvents(town.shop.store)()
    feed = ReadFeed(town.shop.store)
    found = feed.after(0, feed.check(0, [FeedKind.CUSTOMER], "", caller), limit=100).items
    return len({one.entry.customer_id for one in found})


COUNTS = {
    "the shop": 2,
    "the customer": 1,
    "another customer": 1,
    "another shop": 0,
    "an administrator": 2,
    "an administrator of this shop": 2,
}


@pytest.mark.parametrize("who", COUNTS)
@pytest.mark.parametrize("what", [payments, payments_of_a_state, customers, customers_with_events])
def test_a_list_holds_what_the_rule_says(what: Callable[[Town, Caller], int], who: str) -> None:
    town = Town()
    assert what(town, town.callers[who]) == COUNTS[who]


def test_an_administrator_pays_with_nothing_of_another_callers() -> None:
    town = Town()
    stored = RawStoredMethod(town.method.payment_method_id)
    for order in (an_order(customer_id=town.customer.customer_id), an_order(source=stored)):
        with pytest.raises(InvalidRequest):
            town.shop.pay(order, ADMINISTRATOR)


CHANGES: dict[str, Callable[[Shop, Payment, str, Caller], Payment]] = {
    "void": lambda shop, payment, request_id, caller: shop.void_payment(
        VoidPaymentCommand(request_id=request_id, payment_id=payment.terms.payment_id), caller
    ),
    "capture": lambda shop, payment, request_id, caller: shop.capture_payment(
        CapturePaymentCommand(request_id=request_id, payment_id=payment.terms.payment_id), caller
    ),
}


@pytest.mark.parametrize("is_refused", [False, True])
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_repeat_of_an_administrators_request_shows_nothing_to_a_credential_without_that_scope(
    change: Callable[[Shop, Payment, str, Caller], Payment], is_refused: bool
) -> None:
    shop = Shop()
    payment, request_id = shop.authorize(), a_request_id()
    if is_refused:
        shop.void(payment)
        with pytest.raises(IllegalTransition):
            change(shop, payment, request_id, ADMINISTRATOR)
    else:
        change(shop, payment, request_id, ADMINISTRATOR)
    without = replace(ADMINISTRATOR, scopes=EVERY_SCOPE - {Scope.ADMIN})

    with pytest.raises(NotFound):
        change(shop, payment, request_id, without)
