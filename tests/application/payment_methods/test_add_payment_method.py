"""A payment method is kept for a customer: refusals, the record at each step, and answers to repeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest

from application.card_testing.velocity_limiter import VelocityLimits
from application.common.errors import InvalidRequest, RequestIdReused, Rule, TooManyDeclines
from application.common.lease import Lease
from application.common.validator import RawCard
from application.payment_methods.add_payment_method import NEVER_SENT, AddPaymentMethodCommand
from application.ports.gateway import GatewayNotReached, NewMethod, Nonce, Rejected, StoreOutcome
from domain.address import Address
from domain.customer import Customer
from domain.ids import PaymentMethodId
from domain.payment_method import PaymentMethod, PaymentMethodState
from tests.application.shop import FIRST_CHECK, LEASE, MASTERCARD, SHOP, STRANGER, VISA, Shop, a_request_id
from tests.fakes.faulty_gateway import Fault
from tests.fakes.gateway.vault import CONSUMED_NONCE, VALID_NONCE
from tests.fakes.ids import CountingIds

MINUTE = timedelta(minutes=1)
HOME = Address(street_address="12 St James Square", postal_code="SW1Y 4JH", country_code="GB")
UNVERIFIABLE = replace(VISA, number="4000111111111115")


class InterruptedIds(CountingIds):
    """Something happens right before the next id is made: between the checks and the record."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], object] | None = None
        self.made: list[str] = []

    def new(self, prefix: str) -> str:
        before, self.before = self.before, None
        if before is not None:
            before()
        self.made.append(super().new(prefix))
        return self.made[-1]


class Till(Shop):
    """A shop whose leases end by the clock of the test, and with one customer."""

    def __init__(self, **limits: int) -> None:
        super().__init__()
        self.interrupted = InterruptedIds()
        self.ids = self.interrupted
        self.limits = VelocityLimits(**limits)  # type: ignore[arg-type]
        self.use_leases_by_the_clock()
        self.ada = self.customer(given_name="Ada")
        self.sent: list[NewMethod] = []

    def order(self, **changes: object) -> AddPaymentMethodCommand:
        order = AddPaymentMethodCommand(request_id=a_request_id(), customer_id=self.ada.customer_id, source=VISA)
        return replace(order, **changes)  # type: ignore[arg-type]

    def recorded(self) -> list[PaymentMethod]:
        """All that the record has, however it ended."""
        with self.store.read() as work:
            found = [work.payment_methods.get(PaymentMethodId(made)) for made in self.interrupted.made]
        return [method for method in found if method is not None]

    def ada_now(self) -> Customer:
        return self.get_customer(SHOP, customer_id=self.ada.customer_id)

    def delete_ada(self) -> None:
        self.delete_customer(a_request_id(), self.ada.customer_id, SHOP)


@pytest.fixture
def till() -> Till:
    return Till()


def faults_of(till: Till, order: AddPaymentMethodCommand) -> list[tuple[str, Rule]]:
    with pytest.raises(InvalidRequest) as refusal:
        till.add_method(order, SHOP)
    return [(fault.field, fault.rule) for fault in refusal.value.violations]


# Refusals


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"request_id": "no uuid"}, "request_id", Rule.UUID),
        ({"customer_id": "ada"}, "customer_id", Rule.ID),
        ({"customer_id": ""}, "customer_id", Rule.REQUIRED),
        ({"customer_id": f"cus_{'9' * 26}"}, "customer_id", Rule.EXISTS),
        ({"source": None}, "source", Rule.EXACTLY_ONE),
        ({"source": replace(VISA, number="4111111111111112")}, "card.number", Rule.CARD_NUMBER),
        ({"source": replace(VISA, expiration_year=2025)}, "card.expiration_year", Rule.NOT_PAST),
        ({"source": Nonce("")}, "payment_method_nonce", Rule.REQUIRED),
        ({"source": Nonce("naïve")}, "payment_method_nonce", Rule.NO_CONTROL_CHARACTERS),
        ({"billing_address": Address(country_code="XX")}, "billing_address.country_code", Rule.COUNTRY),
        ({"billing_address": Address(region=VISA.number)}, "billing_address.region", Rule.NO_CARD_DATA),
        # Too short and too broken to look like a card by itself: it is the one that is used.
        ({"billing_address": Address(company="4111-1111x1111_1111")}, "billing_address.company", Rule.NO_CARD_DATA),
        ({"language_code": "!"}, "language_code", Rule.LANGUAGE),
        ({"client_address": "everywhere"}, "client_address", Rule.IP_ADDRESS),
    ],
)
def test_a_bad_order_is_refused_and_leaves_nothing(
    till: Till, changes: dict[str, object], field: str, rule: Rule
) -> None:
    assert faults_of(till, till.order(**changes)) == [(field, rule)]
    assert till.recorded() == []
    assert till.calls == []


def test_nothing_is_kept_for_a_customer_of_another_caller_or_one_who_is_gone(till: Till) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        till.add_method(till.order(), STRANGER)
    assert [(one.field, one.rule) for one in refusal.value.violations] == [("customer_id", Rule.EXISTS)]
    till.delete_ada()
    assert faults_of(till, till.order()) == [("customer_id", Rule.EXISTS)]


def test_nothing_is_begun_for_a_customer_who_is_deleted_after_the_checks(till: Till) -> None:
    till.interrupted.before = till.delete_ada
    assert faults_of(till, till.order()) == [("customer_id", Rule.EXISTS)]
    assert till.recorded() == []
    assert "store_method" not in till.calls


# Records and gateway requests


def test_a_method_order_has_no_verification_and_no_default_unless_set(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = till.real_gateway.store_method

    def noted(asked: NewMethod, lease: Lease) -> StoreOutcome:
        till.sent.append(asked)
        return keep(asked, lease)

    monkeypatch.setattr(till.real_gateway, "store_method", noted)
    plain = till.add_method(till.order(billing_address=HOME), SHOP)
    till.add_method(till.order(source=Nonce(VALID_NONCE), verify=True, make_default=True), SHOP)
    assert [(one.verify, one.make_default) for one in till.sent] == [(False, False), (True, True)]
    assert till.sent[0].payment_method_id == plain.payment_method_id
    assert (till.sent[0].customer_id, till.sent[0].billing_address) == (till.ada.customer_id, HOME)
    assert till.sent[1].source == Nonce(VALID_NONCE)


def test_a_method_is_recorded_as_pending_for_a_lease_before_it_is_sent(till: Till) -> None:
    begun = till.clock.now()
    seen: list[PaymentMethod] = []
    till.before["store_method"] = lambda: seen.extend(till.recorded())
    till.before["ensure_customer"] = lambda: till.clock.advance(MINUTE)
    method = till.add_method(till.order(billing_address=HOME), SHOP)
    (pending,) = seen
    assert (pending.state, pending.next_check_time) == (PaymentMethodState.PENDING, begun + LEASE)
    assert (pending.create_time, pending.update_time, pending.billing_address) == (begun, begun, HOME)
    assert (pending.caller_id, pending.customer_id) == (SHOP.caller_id, till.ada.customer_id)
    assert (method.create_time, method.update_time) == (begun, begun + MINUTE)
    assert (method.gateway_token, method.next_check_time) == (method.payment_method_id, None)


def test_a_customer_is_introduced_once_and_known_afterwards(till: Till) -> None:
    till.add_method(till.order(), SHOP)
    assert till.ada_now().is_at_gateway
    till.add_method(till.order(source=MASTERCARD), SHOP)
    assert till.calls.count("ensure_customer") == 1


def test_a_method_is_looked_for_soon_when_its_answer_is_lost(till: Till) -> None:
    till.fails("store_method", Fault.LOST_AFTER)
    method = till.add_method(till.order(), SHOP)
    assert method.next_check_time == till.clock.now() + FIRST_CHECK
    assert method.failure_detail == ""


def test_a_rejected_method_fails_with_a_reason(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(till.real_gateway, "store_method", lambda *_: Rejected(detail="91722: no such type"))
    till.before["store_method"] = lambda: till.clock.advance(MINUTE)
    method = till.add_method(till.order(), SHOP)
    assert (method.state, method.failure_detail) == (PaymentMethodState.FAILED, "91722: no such type")
    assert (method.update_time, method.next_check_time) == (till.clock.now(), None)


def test_a_method_that_the_bank_declines_is_declined_at_once(till: Till) -> None:
    till.before["store_method"] = lambda: till.clock.advance(MINUTE)
    method = till.add_method(till.order(source=UNVERIFIABLE, verify=True), SHOP)
    assert (method.state, method.is_default) == (PaymentMethodState.DECLINED, False)
    assert (method.update_time, method.next_check_time) == (till.clock.now(), None)
    assert till.add_method(till.order(source=UNVERIFIABLE), SHOP).state is PaymentMethodState.ACTIVE


@pytest.mark.parametrize(("source", "verify"), [(UNVERIFIABLE, True), (VISA, True)])
def test_verifications_count_and_too_many_are_stopped(source: RawCard, verify: bool) -> None:
    till = Till(per_customer=2)
    for _ in range(2):
        till.add_method(till.order(source=source, verify=verify), SHOP)
    with pytest.raises(TooManyDeclines):
        till.add_method(till.order(), SHOP)
    assert till.calls.count("store_method") == len(till.recorded()) == 2


def test_an_unusable_nonce_counts_against_no_card() -> None:
    till = Till(per_customer=1)
    assert till.add_method(till.order(source=Nonce(CONSUMED_NONCE)), SHOP).state is PaymentMethodState.DECLINED


# Requests that were never sent


@pytest.mark.parametrize("call", ["ensure_customer", "store_method"])
def test_an_unsent_operation_fails_and_is_not_checked(till: Till, call: str) -> None:
    till.before[call] = lambda: till.clock.advance(MINUTE)
    till.fails(call, Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        till.add_method(till.order(), SHOP)
    (method,) = till.recorded()
    assert (method.state, method.failure_detail) == (PaymentMethodState.FAILED, NEVER_SENT)
    assert (method.update_time, method.next_check_time) == (till.clock.now(), None)


def test_a_process_that_hung_for_a_lease_sends_nothing(till: Till) -> None:
    order = till.order()
    till.before["ensure_customer"] = lambda: till.clock.advance(LEASE)
    with pytest.raises(GatewayNotReached):
        till.add_method(order, SHOP)
    assert "store_method" not in till.calls
    assert till.add_method(order, SHOP).state is PaymentMethodState.ACTIVE


def test_another_try_is_pending_for_another_lease_under_the_same_id(till: Till) -> None:
    order = till.order()
    till.fails("store_method", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        till.add_method(order, SHOP)
    till.clock.advance(MINUTE)
    seen: list[PaymentMethod] = []
    till.before["store_method"] = lambda: seen.extend(till.recorded())
    method = till.add_method(order, SHOP)
    (pending,) = seen
    assert (pending.state, pending.failure_detail) == (PaymentMethodState.PENDING, "")
    assert pending.next_check_time == till.clock.now() + LEASE
    assert pending.payment_method_id == method.payment_method_id
    assert method.failure_detail == ""


def never_sent(till: Till) -> AddPaymentMethodCommand:
    order = till.order()
    till.fails("store_method", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        till.add_method(order, SHOP)
    return order


def test_another_try_is_stopped_by_what_was_declined_meanwhile() -> None:
    till = Till(per_customer=1)
    order = never_sent(till)
    till.add_method(till.order(verify=True), SHOP)
    with pytest.raises(TooManyDeclines):
        till.add_method(order, SHOP)
    assert till.calls.count("store_method") == 2


def test_another_try_begins_nothing_for_a_customer_who_is_deleted_after_the_checks(till: Till) -> None:
    order = never_sent(till)
    till.interrupted.before = till.delete_ada
    assert faults_of(till, order) == [("customer_id", Rule.EXISTS)]
    assert till.calls.count("store_method") == 1


def test_another_try_for_a_customer_who_is_gone_is_refused(till: Till) -> None:
    order = never_sent(till)
    till.delete_ada()
    assert faults_of(till, order) == [("customer_id", Rule.EXISTS)]


# Repeats


def test_a_repeat_is_answered_although_the_order_would_not_be_good_today(till: Till) -> None:
    order = till.order(source=replace(VISA, expiration_month=5, expiration_year=2026))
    method = till.add_method(order, SHOP)
    till.clock.advance(timedelta(days=40))
    assert till.add_method(order, SHOP) == method
    assert faults_of(till, replace(order, request_id=a_request_id())) == [("card.expiration_year", Rule.NOT_PAST)]
    assert faults_of(till, replace(order, language_code="!")) == [
        ("card.expiration_year", Rule.NOT_PAST),
        ("language_code", Rule.LANGUAGE),
    ]
    till.delete_ada()
    assert till.add_method(order, SHOP).state is PaymentMethodState.DELETED


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"verify": True}, {"verify"}),
        ({"make_default": True}, {"make_default"}),
        ({"billing_address": replace(HOME, locality="London")}, {"billing_address.locality"}),
        ({"source": replace(VISA, number="4012888888881881")}, {"card.number"}),
        ({"source": replace(VISA, expiration_month=11)}, {"card.expiration_month"}),
        ({"source": replace(VISA, expiration_year=2034)}, {"card.expiration_year"}),
        (
            {"source": Nonce(VALID_NONCE)},
            {"card.number", "card.expiration_month", "card.expiration_year", "payment_method_nonce"},
        ),
    ],
)
def test_another_order_under_the_same_request_id_is_refused(
    till: Till, changes: dict[str, object], fields: set[str]
) -> None:
    order = till.order(billing_address=HOME)
    till.add_method(order, SHOP)
    with pytest.raises(RequestIdReused) as refusal:
        till.add_method(replace(order, **changes), SHOP)  # type: ignore[arg-type]
    assert set(refusal.value.fields) == fields
    other = till.customer()
    with pytest.raises(RequestIdReused) as refusal:
        till.add_method(replace(order, customer_id=other.customer_id), SHOP)
    assert refusal.value.fields == ("customer_id",)


def test_an_order_is_the_same_from_another_network_in_another_language(till: Till) -> None:
    order = till.order()
    method = till.add_method(order, SHOP)
    again = replace(order, client_address="203.0.113.7", language_code="pl", source=replace(VISA, cvv="999"))
    assert till.add_method(again, SHOP) == method


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.UNREACHABLE])
def test_a_repeat_waits_for_the_first_one_under_way(till: Till, fault: Fault) -> None:
    order, answers = till.order(), list[PaymentMethodState | type[Exception]]()

    def repeat() -> None:
        try:
            answers.append(till.add_method(order, SHOP).state)
        except GatewayNotReached as failure:
            answers.append(type(failure))

    second = Thread(target=repeat)

    def meanwhile() -> None:
        second.start()
        # Long enough for an answer that does not wait. One that waits comes after the first.
        second.join(0.3)

    till.before["store_method"] = meanwhile
    till.fails("store_method", fault)
    try:
        answers.append(till.add_method(order, SHOP).state)
    except GatewayNotReached as failure:
        answers.append(type(failure))
    second.join()
    assert answers == [PaymentMethodState.ACTIVE if fault is Fault.NONE else GatewayNotReached] * 2
    assert till.calls.count("store_method") == 1
