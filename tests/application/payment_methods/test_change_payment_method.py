"""A stored method is changed at the gateway first, then here, once; and its place among the others is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.errors import InvalidRequest, MethodNotActive, MethodRefused, NotFound, RequestIdReused, Rule
from application.common.lease import Lease
from application.common.validator import MAX_CARDHOLDER_NAME, RawCard
from application.events.relay_events import RelayEvents
from application.payment_methods.change_payment_method import UpdatePaymentMethodCommand
from application.ports.feed import FeedEntry, FeedFilter
from application.ports.gateway import GatewayUnavailable, MethodChange, NotStored, Rejected, StoreOutcome, Unknown
from domain.address import Address
from domain.decline import CATALOGUE, DeclineReason
from domain.ids import PaymentMethodId
from domain.instrument import CardExpiry
from domain.payment_method import PaymentMethod, PaymentMethodState, Verification
from tests.application.shop import MASTERCARD, SHOP, STRANGER, VISA, Shop, a_request_id
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import HELD

MINUTE = timedelta(minutes=1)
HOME = Address(street_address="12 St James Square", postal_code="SW1Y 4JH")
OTHER_VISA = replace(VISA, number="4012888888881881")
CALLER = replace(SHOP, credential="key_1")

Change = Callable[[Shop, PaymentMethod, str], PaymentMethod]


def now(shop: Shop, method: PaymentMethod) -> PaymentMethod:
    return shop.get_method(method.payment_method_id, SHOP)


def an_update(method: PaymentMethod, **changes: object) -> UpdatePaymentMethodCommand:
    update = UpdatePaymentMethodCommand(request_id=a_request_id(), payment_method_id=method.payment_method_id)
    return replace(update, **changes)  # type: ignore[arg-type]


def rename(shop: Shop, method: PaymentMethod, request_id: str) -> PaymentMethod:
    return shop.update_method(an_update(method, request_id=request_id, cardholder_name="Eve"), CALLER)


def put_first(shop: Shop, method: PaymentMethod, request_id: str) -> PaymentMethod:
    return shop.set_default_method(request_id, method.payment_method_id, CALLER)


def delete(shop: Shop, method: PaymentMethod, request_id: str) -> PaymentMethod:
    return shop.delete_method(request_id, method.payment_method_id, CALLER)


def events(shop: Shop) -> list[FeedEntry]:
    RelayEvents(shop.store)()
    with shop.store.read() as work:
        return work.feed.after(0, FeedFilter(), until=work.feed.end(), limit=100)[0]


# Refusals


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"request_id": ""}, [("request_id", Rule.REQUIRED)]),
        ({"payment_method_id": "pm"}, [("payment_method_id", Rule.ID)]),
        ({"payment_method_id": ""}, [("payment_method_id", Rule.REQUIRED)]),
        ({"expiration_month": 6}, [("expiration_year", Rule.YEAR)]),
        ({"expiration_year": 2030}, [("expiration_month", Rule.MONTH)]),
        ({"expiration_month": 4, "expiration_year": 2026}, [("expiration_year", Rule.NOT_PAST)]),
        ({"cardholder_name": "x" * (MAX_CARDHOLDER_NAME + 1)}, [("cardholder_name", Rule.MAX_CHARACTERS)]),
        ({"cardholder_name": VISA.number}, [("cardholder_name", Rule.NO_CARD_DATA)]),
        ({"billing_address": Address(country_code="XX")}, [("billing_address.country_code", Rule.COUNTRY)]),
        ({"language_code": "!"}, [("language_code", Rule.LANGUAGE)]),
    ],
)
def test_a_bad_update_is_refused_and_makes_no_call(changes: dict[str, object], faults: list[tuple[str, Rule]]) -> None:
    shop = Shop()
    update = an_update(shop.method(shop.customer()), **changes)
    with pytest.raises(InvalidRequest) as refusal:
        shop.update_method(update, SHOP)
    assert [(fault.field, fault.rule) for fault in refusal.value.violations] == faults
    assert "change_method" not in shop.calls


@pytest.mark.parametrize(
    "ask", [lambda shop: shop.set_default_method("no", "pm", SHOP), lambda shop: shop.delete_method("no", "pm", SHOP)]
)
def test_bad_names_are_refused_together(ask: Callable[[Shop], object]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        ask(Shop())
    assert [fault.field for fault in refusal.value.violations] == ["request_id", "payment_method_id"]


@pytest.mark.parametrize("change", [rename, put_first, delete])
def test_a_method_of_another_caller_is_not_changed(change: Change) -> None:
    shop = Shop()
    shop.customer()
    theirs = replace(shop.method(shop.customer()), payment_method_id=PaymentMethodId(f"pm_{'9' * 26}"))
    with pytest.raises(NotFound):
        change(shop, theirs, a_request_id())
    mine = shop.method(shop.customer())
    with pytest.raises(NotFound):
        shop.update_method(an_update(mine, cardholder_name="Eve"), STRANGER)
    assert "change_method" not in shop.calls


@pytest.mark.parametrize("change", [rename, put_first, delete])
def test_a_method_that_is_not_active_is_not_changed(change: Change) -> None:
    shop = Shop()
    shop.fails("store_method", Fault.LOST_BEFORE)
    pending = shop.method(shop.customer())
    asked = len(shop.calls)
    with pytest.raises(MethodNotActive) as refusal:
        change(shop, pending, a_request_id())
    assert (refusal.value.payment_method_id, refusal.value.state) == (
        pending.payment_method_id,
        PaymentMethodState.PENDING,
    )
    assert len(shop.calls) == asked
    assert now(shop, pending) == pending


@pytest.mark.parametrize("change", [rename, put_first])
@pytest.mark.parametrize(
    ("outcome", "error", "detail"),
    [
        (Rejected(detail="91722: not so"), MethodRefused, "91722: not so"),
        (
            NotStored(
                Verification(approved=False, decline=CATALOGUE[DeclineReason.DECLINED], processor_response_code="2000")
            ),
            MethodRefused,
            "2000",
        ),
        (Unknown("no answer"), GatewayUnavailable, "no answer"),
    ],
)
def test_a_change_that_the_gateway_did_not_make_is_not_made_here(
    monkeypatch: pytest.MonkeyPatch, change: Change, outcome: StoreOutcome, error: type[Exception], detail: str
) -> None:
    shop = Shop()
    method = shop.method(shop.customer())
    with monkeypatch.context() as patch:
        patch.setattr(shop.real_gateway, "change_method", lambda *_: outcome)
        with pytest.raises(error, match=detail):
            change(shop, method, a_request_id())
    assert now(shop, method) == method


# Changes


def test_an_update_sends_and_changes_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    method = shop.method(shop.customer())
    sent: list[MethodChange] = []
    change = shop.real_gateway.change_method

    def noted(asked: MethodChange, lease: Lease) -> StoreOutcome:
        sent.append(asked)
        return change(asked, lease)

    monkeypatch.setattr(shop.real_gateway, "change_method", noted)
    shop.clock.advance(MINUTE)
    expired = shop.update_method(an_update(method, expiration_month=6, expiration_year=2036), SHOP)
    named = shop.update_method(an_update(method, cardholder_name="x" * MAX_CARDHOLDER_NAME), SHOP)
    moved = shop.update_method(an_update(method, billing_address=HOME), SHOP)
    unnamed = shop.update_method(an_update(method, cardholder_name=""), SHOP)
    token = method.gateway_token
    assert sent == [
        MethodChange(token=token, expiry=CardExpiry(2036, 6)),
        MethodChange(token=token, cardholder_name="x" * MAX_CARDHOLDER_NAME),
        MethodChange(token=token, billing_address=HOME),
        MethodChange(token=token, cardholder_name=""),
    ]
    assert not any(one.make_default for one in sent)
    assert (expired.update_time, expired.create_time) == (shop.clock.now(), method.create_time)
    assert (expired.billing_address, moved.billing_address) == (Address(), HOME)
    assert unnamed.billing_address == HOME
    assert named.instrument is not None
    assert unnamed.instrument is not None
    assert named.instrument.expiry == CardExpiry(2036, 6)
    assert (named.instrument.cardholder_name, unnamed.instrument.cardholder_name) == ("x" * MAX_CARDHOLDER_NAME, "")
    assert now(shop, method) == unnamed


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"expiration_month": 7}, "expiration_month"),
        ({"expiration_year": 2035}, "expiration_year"),
        ({"cardholder_name": "Eve"}, "cardholder_name"),
        ({"billing_address": replace(HOME, region="London")}, "billing_address"),
    ],
)
def test_another_update_under_the_same_request_id_is_refused(changes: dict[str, object], field: str) -> None:
    shop = Shop()
    first, second = shop.method(shop.customer()), shop.method(shop.customer(), MASTERCARD)
    update = an_update(first, expiration_month=6, expiration_year=2036, cardholder_name="Ada", billing_address=HOME)
    shop.update_method(update, SHOP)
    with pytest.raises(RequestIdReused) as refusal:
        shop.update_method(replace(update, **changes), SHOP)  # type: ignore[arg-type]
    assert refusal.value.fields == (field,)
    with pytest.raises(RequestIdReused) as refusal:
        shop.update_method(replace(update, payment_method_id=second.payment_method_id), SHOP)
    assert refusal.value.fields == ("payment_method_id",)
    assert shop.calls.count("change_method") == 1
    with pytest.raises(RequestIdReused) as refusal:
        shop.set_default_method(update.request_id, first.payment_method_id, SHOP)
    assert "method" in refusal.value.fields


@pytest.mark.parametrize("change", [rename, put_first, delete])
def test_a_change_is_made_once_and_its_event_names_who_asked(change: Change) -> None:
    shop = Shop()
    method = shop.method(shop.customer())
    before = len(events(shop))
    shop.clock.advance(MINUTE)
    request_id = a_request_id()
    changed = change(shop, method, request_id)
    assert changed.update_time == shop.clock.now()
    asked = len(shop.calls)
    shop.clock.advance(MINUTE)
    assert change(shop, method, request_id) == changed == now(shop, method)
    assert len(shop.calls) == asked
    assert [(one.actor, one.time) for one in events(shop)[before:]] == [("shop/key_1", changed.update_time)]


@pytest.mark.parametrize("change", [rename, put_first, delete])
def test_the_same_request_twice_at_once_changes_once(change: Change) -> None:
    shop = Shop()
    method, request_id = shop.method(shop.customer()), a_request_id()
    answers: list[PaymentMethod] = []
    shop.before["delete_method" if change is delete else "change_method"] = lambda: answers.append(
        change(shop, method, request_id)
    )
    before = len(events(shop))
    shop.clock.advance(MINUTE)
    answers.append(change(shop, method, request_id))
    assert answers[0] == answers[1]
    assert len(events(shop)) == before + 1


@pytest.mark.parametrize("change", [rename, put_first])
def test_a_change_of_what_the_gateway_lost_withdraws_it_once(change: Change) -> None:
    shop = Shop()
    ada = shop.customer()
    lost, other = shop.method(ada), shop.method(ada, MASTERCARD)
    shop.real_gateway.delete_method(lost.gateway_token, HELD)
    shop.clock.advance(MINUTE)
    before = len(events(shop))
    with pytest.raises(MethodNotActive) as refusal:
        change(shop, lost, a_request_id())
    assert refusal.value.state is PaymentMethodState.DELETED
    assert (now(shop, lost).update_time, now(shop, other).is_default) == (shop.clock.now(), True)
    assert {one.actor for one in events(shop)[before:]} == {"shop/key_1"}


def test_a_concurrently_detached_method_is_not_detached_again() -> None:
    shop = Shop()
    lost = shop.method(shop.customer())
    shop.real_gateway.delete_method(lost.gateway_token, HELD)
    shop.before["change_method"] = lambda: delete(shop, lost, a_request_id())
    deleted_at = shop.clock.now()
    with pytest.raises(MethodNotActive) as refusal:
        rename(shop, lost, a_request_id())
    assert refusal.value.state is PaymentMethodState.DELETED
    assert now(shop, lost).update_time == deleted_at


# Deletion


def test_a_deletion_of_what_is_deleted_asks_the_gateway_nothing() -> None:
    shop = Shop()
    method = shop.method(shop.customer())
    deleted = delete(shop, method, a_request_id())
    assert (deleted.state, deleted.is_default) == (PaymentMethodState.DELETED, False)
    shop.clock.advance(MINUTE)
    assert delete(shop, method, a_request_id()) == deleted
    assert shop.calls.count("delete_method") == 1


def test_two_requests_that_delete_one_method_at_once_promote_one_other() -> None:
    shop = Shop()
    ada = shop.customer()
    first, second, third = (shop.method(ada, card) for card in (VISA, MASTERCARD, OTHER_VISA))

    def meanwhile() -> None:
        delete(shop, first, a_request_id())
        put_first(shop, second, a_request_id())

    shop.before["delete_method"] = meanwhile
    assert delete(shop, first, a_request_id()).state is PaymentMethodState.DELETED
    assert (now(shop, second).is_default, now(shop, third).is_default) == (True, False)


# The place among the others


def keep(shop: Shop, *cards: RawCard) -> list[PaymentMethod]:
    """Methods of one customer, each newer than the one before it."""
    ada, kept = shop.customer(), []
    for card in cards:
        kept.append(shop.method(ada, card))
        shop.clock.advance(MINUTE)
    return kept


def test_the_newest_that_stays_takes_the_place_of_a_default() -> None:
    shop = Shop()
    first, second, third = keep(shop, VISA, MASTERCARD, OTHER_VISA)
    delete(shop, first, a_request_id())
    assert [now(shop, one).is_default for one in (first, second, third)] == [False, False, True]
    delete(shop, second, a_request_id())
    assert now(shop, third).is_default
    delete(shop, third, a_request_id())
    assert not now(shop, third).is_default


def test_a_change_of_default_updates_both_methods() -> None:
    shop = Shop()
    first, second = keep(shop, VISA, VISA)
    put_first(shop, second, a_request_id())
    assert [now(shop, one).update_time for one in (first, second)] == [shop.clock.now()] * 2
    shop.clock.advance(MINUTE)
    put_first(shop, first, a_request_id())
    shop.clock.advance(MINUTE)
    before = len(events(shop))
    delete(shop, first, a_request_id())
    promoted = now(shop, second)
    assert (promoted.is_default, promoted.duplicate_of, promoted.update_time) == (True, None, shop.clock.now())
    assert {one.time for one in events(shop)[before:]} == {shop.clock.now()}


def test_a_pending_method_is_promoted_by_nobody() -> None:
    shop = Shop()
    (first,) = keep(shop, VISA)
    ada = shop.get_customer(SHOP, customer_id=first.customer_id)
    second = shop.method(ada, MASTERCARD)
    shop.clock.advance(MINUTE)
    shop.fails("store_method", Fault.LOST_BEFORE)
    pending = shop.method(ada, OTHER_VISA)
    delete(shop, first, a_request_id())
    assert (now(shop, second).is_default, now(shop, pending).is_default) == (True, False)


def test_doubles_of_what_is_deleted_are_doubles_of_what_it_was_a_double_of() -> None:
    shop = Shop()
    first, second, third = keep(shop, VISA, VISA, VISA)
    assert second.duplicate_of == first.payment_method_id
    assert third.duplicate_of in (first.payment_method_id, second.payment_method_id)
    doubles = {one.payment_method_id: now(shop, one).duplicate_of for one in (second, third)}
    delete(shop, second, a_request_id())
    expected = first.payment_method_id
    assert now(shop, third).duplicate_of == expected, doubles
    delete(shop, first, a_request_id())
    assert now(shop, third).duplicate_of is None


def test_to_be_put_first_makes_no_double_of_anything() -> None:
    shop = Shop()
    first, second, other = keep(shop, VISA, VISA, MASTERCARD)
    for method in (second, first, other):
        put_first(shop, method, a_request_id())
    assert [now(shop, one).duplicate_of for one in (first, second, other)] == [None, first.payment_method_id, None]
    assert [now(shop, one).is_default for one in (first, second, other)] == [False, False, True]


def test_the_customers_of_others_have_their_own_default() -> None:
    shop = Shop()
    (mine,) = keep(shop, VISA)
    (theirs,) = keep(shop, VISA)
    assert (theirs.is_default, theirs.duplicate_of) == (True, None)
    put_first(shop, theirs, a_request_id())
    assert now(shop, mine).is_default


def test_a_deleted_method_is_no_duplicate_and_no_default() -> None:
    shop = Shop()
    (first,) = keep(shop, VISA)
    delete(shop, first, a_request_id())
    again = shop.method(shop.get_customer(SHOP, customer_id=first.customer_id))
    assert (again.duplicate_of, again.is_default) == (None, True)
