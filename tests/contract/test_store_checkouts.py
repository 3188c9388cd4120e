"""Store contract: checkouts and their uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.pagination import Position
from application.ports.feed import FeedFilter, FeedKind
from application.ports.store import CheckoutFilter, Store
from domain.checkout import Checkout, CheckoutLine, CheckoutMethod, CheckoutState, CheckoutTerms, CheckoutUse, UseState
from domain.events import CaptureMode
from domain.ids import CallerId, CheckoutId, CustomerId, PaymentId
from domain.money import Money
from tests.contract.random_payments import IDS, SHOP, at
from tests.contract.store_steps import at_once

DAY = timedelta(days=1)


def a_checkout(
    store: Store, second: float = 0, *, caller_id: CallerId = SHOP, reference: str = "", max_uses: int = 1
) -> Checkout:
    time = at(second).time
    terms = CheckoutTerms(
        reference=reference or IDS.new("order"),
        amount=Money(30_00, "USD"),
        methods=(CheckoutMethod.CARD, CheckoutMethod.STORED),
        success_url="https://shop.example/paid",
        lines=(CheckoutLine("Coffee", 2, Money(30_00, "USD")),),
        cancel_url="https://shop.example/cart",
        language_code="id",
        max_uses=max_uses,
        offers_storing=True,
        capture_mode=CaptureMode.MANUAL,
        metadata={"basket": "7"},
    )
    checkout = Checkout(
        checkout_id=CheckoutId(IDS.new("chk")),
        caller_id=caller_id,
        terms=terms,
        token=IDS.new("token"),
        customer_id=CustomerId("cus_1"),
        expire_time=time + DAY,
        create_time=time,
        update_time=time,
    )
    with store.begin() as work:
        work.checkouts.add(checkout)
    return checkout


def change(store: Store, checkout: Checkout, happen: Callable[[Checkout], Checkout]) -> Checkout:
    with store.begin() as work:
        current = work.checkouts.get(checkout.checkout_id, lock=True)
        assert current is not None
        changed = happen(current)
        work.checkouts.save(changed)
    return changed


def feed_of(store: Store, checkout: Checkout) -> list[Checkout]:
    with store.begin() as work:
        work.feed.relay(10_000)
    with store.read() as work:
        entries, _ = work.feed.after(
            0, FeedFilter(kinds=frozenset({FeedKind.CHECKOUT})), until=work.feed.end(), limit=10_000
        )
    found = [one.resource for one in entries if isinstance(one.resource, Checkout)]
    return [one for one in found if one.checkout_id == checkout.checkout_id]


def test_a_checkout_comes_back_as_it_was_saved(store: Store) -> None:
    checkout = a_checkout(store)
    changed = change(
        store,
        checkout,
        lambda one: one.open_session().take_use(at(1).time).complete_use(PaymentId("pay_1"), at(2).time),
    )
    with store.read() as work:
        assert work.checkouts.get(checkout.checkout_id) == changed
        assert work.checkouts.find(checkout.token) == changed
        assert work.checkouts.find(checkout.token + "x") is None
        assert work.checkouts.find("") is None
        assert work.checkouts.get(CheckoutId("chk_none")) is None


def test_the_feed_tells_creation_and_ends_without_the_token(store: Store) -> None:
    checkout = a_checkout(store, max_uses=2)
    change(store, checkout, lambda one: one.take_use(at(1).time))
    change(store, checkout, lambda one: one.complete_use(PaymentId("pay_1"), at(2).time))
    change(store, checkout, lambda one: one.expire(at(3).time))
    told = feed_of(store, checkout)
    assert [(one.state, one.completed_uses, one.token) for one in told] == [
        (CheckoutState.OPEN, 0, ""),
        (CheckoutState.OPEN, 1, ""),
        (CheckoutState.EXPIRED, 1, ""),
    ]


def test_uses_belong_to_their_session(store: Store) -> None:
    checkout = a_checkout(store, max_uses=3)
    one = CheckoutUse(checkout_id=checkout.checkout_id, session="one", ordinal=1)
    two = replace(one, session="two", ordinal=2)
    with store.begin() as work:
        work.checkouts.get(checkout.checkout_id, lock=True)
        work.checkouts.add_use(one)
        work.checkouts.add_use(two)
        work.checkouts.save_use(paying := two.start(PaymentId("pay_1"), at(5).time))
    with store.read() as work:
        assert work.checkouts.use(checkout.checkout_id, "one") == one
        assert work.checkouts.use(checkout.checkout_id, "two") == paying
        assert work.checkouts.use(checkout.checkout_id, "three") is None
    with store.begin() as work:
        work.checkouts.get(checkout.checkout_id, lock=True)
        with pytest.raises(LookupError):
            work.checkouts.save_use(replace(one, session="three"))


def test_a_use_that_is_paying_is_due_once_in_a_lease(store: Store) -> None:
    checkout = a_checkout(store)
    use = CheckoutUse(checkout_id=checkout.checkout_id, session="", ordinal=1)
    with store.begin() as work:
        work.checkouts.get(checkout.checkout_id, lock=True)
        work.checkouts.add_use(use)
        work.checkouts.save_use(use.start(PaymentId("pay_1"), at(0).time))

    def due(second: float) -> list[CheckoutUse]:
        now = at(second).time
        with store.begin() as work:
            return [
                one
                for one in work.checkouts.due_uses(now, now + timedelta(minutes=1), 1000)
                if one.checkout_id == checkout.checkout_id
            ]

    assert due(9) == []
    assert [one.state for one in due(11)] == [UseState.PAYING]
    assert due(12) == []
    assert len(due(80)) == 1
    with store.begin() as work:
        work.checkouts.get(checkout.checkout_id, lock=True)
        work.checkouts.save_use(use.complete())
    assert due(10_000) == []


def test_checkouts_expire_unless_their_only_use_is_under_way(store: Store) -> None:
    plain, paying, link = a_checkout(store), a_checkout(store), a_checkout(store, max_uses=2)
    for one in (paying, link):
        change(store, one, lambda checkout: checkout.take_use(at(1).time))

    def expired(second: float) -> set[str]:
        with store.begin() as work:
            return {one.checkout_id for one in work.checkouts.expired(at(second).time, 1000)}

    mine = {plain.checkout_id, paying.checkout_id, link.checkout_id}
    assert not expired(DAY.total_seconds() - 1) & mine
    assert expired(DAY.total_seconds()) & mine == {plain.checkout_id, link.checkout_id}
    change(store, plain, lambda one: one.expire(at(5).time))
    assert expired(DAY.total_seconds()) & mine == {link.checkout_id}


def test_lists_are_newest_first_filtered_and_of_one_caller(store: Store) -> None:
    shop = CallerId(IDS.new("shop"))
    made = [a_checkout(store, second, caller_id=shop, reference=f"order-{second}") for second in range(3)]
    change(store, made[1], lambda one: one.expire(at(9).time))

    def page(which: CheckoutFilter, after: Position | None = None, limit: int = 10) -> list[str]:
        with store.read() as work:
            return [one.terms.reference for one in work.checkouts.page(shop, which, after=after, limit=limit)]

    assert page(CheckoutFilter()) == ["order-2", "order-1", "order-0"]
    assert page(CheckoutFilter(), Position(made[2].create_time, made[2].checkout_id), 1) == ["order-1"]
    assert page(CheckoutFilter(reference="order-0")) == ["order-0"]
    assert page(CheckoutFilter(states=frozenset({CheckoutState.EXPIRED}))) == ["order-1"]
    assert page(CheckoutFilter(customer_id=CustomerId("cus_2"))) == []


def test_two_writers_of_one_checkout_wait_for_one_another(store: Store) -> None:
    checkout = a_checkout(store, max_uses=100)
    at_once(4, lambda _: change(store, checkout, lambda one: one.take_use(at(1).time)))
    with store.read() as work:
        found = work.checkouts.get(checkout.checkout_id)
    assert found is not None
    assert found.taken_uses == 4
