"""Paying a checkout, over a store and a gateway in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.checkouts.pay_checkout import PayCheckoutCommand, PayProblem
from domain.checkout import MAX_ATTEMPTS, CheckoutMethod, CheckoutState, Standing
from domain.errors import CheckoutBeingPaid, CheckoutCompleted
from domain.events import CaptureMode
from domain.payment import Payment
from tests.application.checkouts.steps import DECLINED, VISA_NONCE, CheckoutShop
from tests.application.shop import SHOP, an_order
from tests.fakes.faulty_gateway import Fault


@pytest.fixture
def shop() -> CheckoutShop:
    return CheckoutShop()


def test_a_checkout_is_paid_once_and_completed(shop: CheckoutShop) -> None:
    checkout = shop.checkout(metadata={"basket": "7"})
    paid = shop.pay_at(checkout)
    assert (paid.view.standing, paid.problem) == (Standing.PAID, None)
    now = shop.read_checkout(checkout)
    assert (now.state, now.completed_uses, now.end_time) == (CheckoutState.COMPLETED, 1, shop.clock.now())
    assert paid.view.payment is not None
    terms = paid.view.payment.terms
    assert now.payment_id == terms.payment_id
    assert (terms.reference, terms.metadata) == (checkout.terms.reference, {"basket": "7"})
    assert paid.view.payment.creator == f"shop/{checkout.checkout_id}"


@pytest.mark.parametrize("attempt", [1, 2, 99])
def test_a_paid_checkout_is_not_paid_again(shop: CheckoutShop, attempt: int) -> None:
    checkout = shop.checkout()
    shop.pay_at(checkout)
    for nonce in ("fake-valid-nonce", "fake-paypal-one-time-nonce"):
        assert shop.pay_at(checkout, attempt=attempt, nonce=nonce).view.standing is Standing.PAID
    assert shop.effects() == 1


def test_two_tabs_that_pay_at_once_with_different_cards_pay_once(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    nonces = ["fake-valid-nonce", "fake-paypal-one-time-nonce"] * 3
    with ThreadPoolExecutor(len(nonces)) as pool:
        results = list(pool.map(lambda nonce: shop.pay_at(checkout, nonce=nonce), nonces))
    assert shop.effects() == 1
    assert {result.view.standing for result in results} <= {Standing.PAID, Standing.PENDING}
    assert shop.seen(checkout).standing is Standing.PAID
    assert shop.read_checkout(checkout).completed_uses == 1


def test_after_a_decline_the_next_attempt_is_a_new_payment(shop: CheckoutShop) -> None:
    checkout = shop.checkout(amount=DECLINED)
    first = shop.pay_at(checkout)
    assert (first.view.standing, first.view.attempt) == (Standing.DECLINED, 2)
    again = shop.pay_at(checkout, attempt=1)
    assert (again.view.standing, again.view.attempt) == (Standing.DECLINED, 2)
    assert len(shop.list_all()) == 1
    second = shop.pay_at(checkout, attempt=2)
    assert second.view.attempt == 3
    assert len(shop.list_all()) == 2
    assert shop.read_checkout(checkout).taken_uses == 0


def test_too_many_attempts_end_the_use(shop: CheckoutShop) -> None:
    shop.limits = type(shop.limits)(per_card=1000, per_caller=1000)
    shop.restart()
    checkout = shop.checkout(amount=DECLINED)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        shop.pay_at(checkout, attempt=attempt)
    assert shop.seen(checkout).standing is Standing.TOO_MANY_ATTEMPTS
    assert shop.pay_at(checkout, attempt=MAX_ATTEMPTS + 1).view.standing is Standing.TOO_MANY_ATTEMPTS
    assert len(shop.list_all()) == MAX_ATTEMPTS


def test_an_unknown_outcome_stays_pending_and_is_followed_to_the_end(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    shop.faults.append(("authorize", Fault.LOST_AFTER))
    assert shop.pay_at(checkout).view.standing is Standing.PENDING
    assert shop.pay_at(checkout, attempt=2).view.standing is Standing.PENDING
    with pytest.raises(CheckoutBeingPaid):
        shop.expire(checkout)
    shop.resolve(timedelta(minutes=2))
    # Nobody looks at the page.
    assert shop.follow_checkouts() == 1
    assert shop.read_checkout(checkout).state is CheckoutState.COMPLETED
    assert shop.effects() == 1


def test_a_request_that_was_surely_not_sent_can_be_tried_again(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    shop.faults.append(("authorize", Fault.UNREACHABLE))
    failed = shop.pay_at(checkout)
    assert (failed.problem, failed.view.standing, failed.view.attempt) == (PayProblem.NOT_SENT, Standing.DECLINED, 2)
    assert shop.pay_at(checkout, attempt=2).view.standing is Standing.PAID
    assert shop.effects() == 1


def test_a_crash_before_the_outcome_is_recorded_leaves_the_checkout_pending(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    backups = []

    def crash() -> None:
        backups.append(shop.store.back_up())

    shop.before["authorize"] = crash
    shop.pay_at(checkout)
    backups[0]()
    shop.restart()
    assert shop.seen(checkout).standing is Standing.PENDING
    shop.resolve(timedelta(minutes=5))
    assert shop.seen(checkout).standing is Standing.PAID
    assert shop.effects() == 1


def test_an_ended_checkout_cannot_be_paid(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    assert shop.expire(checkout).state is CheckoutState.EXPIRED
    assert shop.expire(checkout).state is CheckoutState.EXPIRED
    assert shop.pay_at(checkout).view.standing is Standing.EXPIRED
    assert shop.list_all() == []


def test_a_checkout_whose_time_ran_out_cannot_be_paid_and_is_ended(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    shop.clock.advance(timedelta(hours=24))
    assert shop.pay_at(checkout).view.standing is Standing.EXPIRED
    assert shop.follow_checkouts() == 1
    assert shop.read_checkout(checkout).state is CheckoutState.EXPIRED
    assert shop.follow_checkouts() == 0


def test_a_checkout_that_ends_while_its_shopper_pays_is_not_paid(shop: CheckoutShop) -> None:
    """The shopper's request passed its checks; then the shop ended the checkout, before the payment was recorded."""
    checkout = shop.checkout()

    def end_first(*arguments: Any, **named: Any) -> Payment:
        shop.expire(checkout)
        return shop.create(*arguments, **named)

    slow = replace(shop.pay_checkout, create_payment=end_first)  # type: ignore[arg-type]  # a slower one
    result = slow(PayCheckoutCommand(token=checkout.token, session="", attempt=1, nonce=VISA_NONCE))
    assert result is not None
    assert result.view.standing is Standing.EXPIRED
    assert shop.list_all() == []


def test_a_completed_checkout_does_not_expire(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    shop.pay_at(checkout)
    with pytest.raises(CheckoutCompleted):
        shop.expire(checkout)


def test_an_order_that_was_paid_elsewhere_is_not_paid_again(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    shop.create(an_order(reference=checkout.terms.reference), SHOP)
    assert shop.seen(checkout).standing is Standing.ALREADY_PAID
    refused = shop.pay_at(checkout)
    assert (refused.problem, refused.view.standing) == (None, Standing.ALREADY_PAID)
    assert shop.effects() == 1


def test_an_order_that_is_paid_elsewhere_at_the_same_time_is_not_paid_again(shop: CheckoutShop) -> None:
    """The shopper's request passed its checks; then another payment for the order was made."""
    checkout = shop.checkout()

    def pay_elsewhere_first(*arguments: Any, **named: Any) -> Payment:
        shop.create(an_order(reference=checkout.terms.reference), SHOP)
        return shop.create(*arguments, **named)

    slow = replace(shop.pay_checkout, create_payment=pay_elsewhere_first)  # type: ignore[arg-type]  # a slower one
    refused = slow(PayCheckoutCommand(token=checkout.token, session="", attempt=1, nonce=VISA_NONCE))
    assert refused is not None
    assert (refused.problem, refused.view.attempt) == (PayProblem.ALREADY_PAID, 2)
    assert shop.effects() == 1


def test_two_checkouts_of_one_order_are_paid_once(shop: CheckoutShop) -> None:
    first, second = (shop.checkout(reference="order") for _ in range(2))
    shop.pay_at(first)
    assert shop.seen(second).standing is Standing.ALREADY_PAID
    assert shop.pay_at(second).view.standing is Standing.ALREADY_PAID
    assert shop.effects() == 1


def test_an_order_whose_payment_was_voided_can_be_paid_again(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    elsewhere = shop.create(an_order(reference=checkout.terms.reference, capture_mode=CaptureMode.MANUAL), SHOP)
    assert shop.seen(checkout).standing is Standing.ALREADY_PAID
    shop.void(elsewhere)
    assert shop.pay_at(checkout).view.standing is Standing.PAID


def test_each_session_of_a_payment_link_pays_once_up_to_the_limit(shop: CheckoutShop) -> None:
    link = shop.checkout(max_uses=2, reference="link")
    for session in ("one", "one", "two", "two", "three"):
        shop.pay_at(link, session=session)
    standings = [shop.seen(link, session).standing for session in ("one", "two", "three", "")]
    assert standings == [Standing.PAID, Standing.PAID, Standing.USED_UP, Standing.USED_UP]
    now = shop.read_checkout(link)
    assert (now.state, now.completed_uses) == (CheckoutState.COMPLETED, 2)
    assert sorted(payment.terms.reference for payment in shop.list_all()) == ["link-1", "link-2"]


def test_a_payment_link_that_was_ended_completes_the_payments_under_way(shop: CheckoutShop) -> None:
    link = shop.checkout(max_uses=5)
    shop.faults.append(("authorize", Fault.LOST_AFTER))
    assert shop.pay_at(link, session="one").view.standing is Standing.PENDING
    shop.expire(link)
    assert shop.pay_at(link, session="two").view.standing is Standing.EXPIRED
    shop.resolve(timedelta(minutes=2))
    shop.follow_checkouts()
    now = shop.read_checkout(link)
    assert (now.state, now.completed_uses) == (CheckoutState.EXPIRED, 1)


def test_a_stored_method_pays_where_it_is_offered(shop: CheckoutShop) -> None:
    customer = shop.customer()
    method = shop.method(customer)
    offered = shop.checkout(customer_id=customer.customer_id)
    assert shop.pay_at(offered, method_id=method.payment_method_id).view.standing is Standing.PAID
    only_card = shop.checkout(customer_id=customer.customer_id, methods=(CheckoutMethod.CARD,))
    assert shop.pay_at(only_card, method_id=method.payment_method_id).problem is PayProblem.INVALID


def test_a_nonce_does_not_pay_where_only_stored_methods_are_offered(shop: CheckoutShop) -> None:
    customer_id = shop.customer().customer_id
    checkout = shop.checkout(customer_id=customer_id, methods=(CheckoutMethod.STORED,))
    assert shop.pay_at(checkout).problem is PayProblem.INVALID
    assert shop.effects() == 0


def test_a_stored_method_of_somebody_else_does_not_pay(shop: CheckoutShop) -> None:
    method = shop.method(shop.customer())
    theirs = shop.checkout(customer_id=shop.customer().customer_id)
    assert shop.pay_at(theirs, method_id=method.payment_method_id).problem is PayProblem.INVALID
    assert shop.effects() == 0


def test_an_unknown_address_shows_nothing(shop: CheckoutShop) -> None:
    shop.checkout()
    assert shop.view_checkout("", "") is None
    assert shop.view_checkout("token", "") is None
