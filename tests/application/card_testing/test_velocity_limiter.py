"""Card testing: what counts, for whom, for how long, and that a limit never breaks exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from application.card_testing.list_abuse_blocks import ListAbuseBlocks
from application.card_testing.purge_velocity_counters import PurgeVelocityCounters
from application.card_testing.velocity_limiter import VelocityLimiter, VelocityLimits, concerns_card
from application.common.caller import Caller
from application.common.errors import InvalidRequest, Rule, StoreUnavailable, TooManyDeclines
from application.common.pagination import PageTokens
from application.common.validator import RawCard
from application.common.velocity_scope import VelocityScope
from application.payment_methods.add_payment_method import AddPaymentMethodCommand
from application.payments.create_payment_command import CreatePaymentCommand, RawSource, RawStoredMethod
from application.ports.gateway import GatewayNotReached
from application.ports.velocity import VelocityBlock
from domain.decline import CATALOGUE, DeclineReason
from domain.networks import network_of
from domain.payment_method import PaymentMethodState
from domain.payment_state import PaymentState
from tests.application.shop import MASTERCARD, SHOP, STRANGER, VISA, Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault

DECLINED = usd(2046_00)
NETWORK_DOWN = usd(3000_00)
HOUR = timedelta(hours=1)
MANY = [RawCard(number, 12, 2035, "123") for number in ("4111111111111111", "4012888888881881", "4005519200000004")]


def a_shop(**limits: int) -> Shop:
    shop = Shop()
    shop.limits = VelocityLimits(**limits)  # type: ignore[arg-type]
    shop.restart()
    return shop


def blocks(shop: Shop) -> list[VelocityBlock]:
    return ListAbuseBlocks(shop.store, PageTokens(b"key"))()[0]


def decline(shop: Shop, times: int = 1, *, source: RawSource = VISA, customer_id: str = "", address: str = "") -> None:
    for _ in range(times):
        order = an_order(amount=DECLINED, source=source, customer_id=customer_id, client_address=address)
        assert shop.pay(order).state is PaymentState.DECLINED


def refusal(shop: Shop, order: CreatePaymentCommand | None = None, caller: Caller = SHOP) -> TooManyDeclines:
    effects, payments = shop.effects(), len(shop.list_all())
    with pytest.raises(TooManyDeclines) as refused:
        shop.pay(order, caller)
    assert (shop.effects(), len(shop.list_all())) == (effects, payments), "refused before anything is recorded or sent"
    return refused.value


def test_a_card_that_was_declined_too_often_is_not_tried_again() -> None:
    shop = a_shop(per_card=3)
    decline(shop, 3)
    assert refusal(shop).scope is VelocityScope.CARD
    assert shop.pay(an_order(source=MASTERCARD)).state is PaymentState.CAPTURED


def test_below_the_limit_nobody_notices() -> None:
    shop = a_shop(per_card=3)
    decline(shop, 2)
    assert shop.pay().state is PaymentState.CAPTURED


def test_approvals_count_for_nothing_and_write_nothing() -> None:
    shop = a_shop(per_card=1, per_caller=1)
    for _ in range(3):
        shop.pay()
    assert not shop.store._state.velocity_counters


@pytest.mark.parametrize(
    ("limits", "scope", "order"),
    [
        ({"per_client_address": 2}, VelocityScope.CLIENT_ADDRESS, lambda _: an_order(client_address="203.0.113.7")),
        ({"per_customer": 2}, VelocityScope.CUSTOMER, lambda customer_id: an_order(customer_id=customer_id)),
        ({"per_caller": 2}, VelocityScope.CALLER, lambda _: an_order()),
    ],
)
def test_others_are_counted_whatever_card_is_tried(
    limits: dict[str, int], scope: VelocityScope, order: Callable[[str], CreatePaymentCommand]
) -> None:
    shop = a_shop(**limits)
    customer = shop.customer().customer_id
    for card in MANY[:2]:
        decline(shop, source=card, customer_id=customer, address="203.0.113.7")
    assert refusal(shop, order(customer)).scope is scope
    if scope is not VelocityScope.CALLER:
        assert shop.pay(an_order(client_address="203.0.113.8")).state is PaymentState.CAPTURED


def test_many_different_numbers_are_stopped_long_before_many_declines() -> None:
    shop = a_shop(per_client_address=100, cards_per_client_address=3)
    for card in MANY:
        decline(shop, 2, source=card, address="203.0.113.7")
    assert (
        refusal(shop, an_order(source=MASTERCARD, client_address="203.0.113.7")).scope is VelocityScope.CLIENT_ADDRESS
    )
    # Not a new number: whoever mistyped the CVV may try again.
    assert shop.pay(an_order(source=MANY[0], client_address="203.0.113.7")).state is PaymentState.CAPTURED
    assert [block.counts_cards for block in blocks(shop)] == [True]


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    shop = a_shop(per_client_address=2)
    decline(shop, address="2001:db8:1:2::1")
    decline(shop, address="2001:db8:1:2:ffff::7")
    assert refusal(shop, an_order(client_address="2001:0db8:1:2::42")).scope is VelocityScope.CLIENT_ADDRESS
    assert shop.pay(an_order(client_address="2001:db8:1:3::1")).state is PaymentState.CAPTURED
    assert network_of("::ffff:203.0.113.7") == network_of("203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    "address", ["203.0.113", "203.0.113.7:80", "fe80::1%eth0", "shop.example", "1" * 400, " ", "٣.1.1.1"]
)
def test_an_invalid_address_is_an_invalid_request(address: str) -> None:
    shop = a_shop()
    with pytest.raises(InvalidRequest) as refused:
        shop.pay(an_order(client_address=address))
    assert [(fault.field, fault.rule) for fault in refused.value.violations] == [("client_address", Rule.IP_ADDRESS)]


def test_a_repeat_gets_its_earlier_answer_whatever_the_limits_say() -> None:
    shop = a_shop(per_card=1)
    first = an_order(request_id=a_request_id(), amount=DECLINED)
    declined = shop.pay(first)
    refusal(shop)
    assert shop.pay(first).terms.payment_id == declined.terms.payment_id
    assert shop.calls.count("authorize") == 1


def test_a_refused_request_can_be_sent_again_under_its_id() -> None:
    shop = a_shop(per_card=1)
    decline(shop)
    order = an_order(request_id=a_request_id())
    wait = refusal(shop, order).retry_after
    assert timedelta() < wait <= timedelta(hours=1, minutes=5)
    shop.wait(wait)
    assert shop.pay(order).state is PaymentState.CAPTURED


def test_a_limited_call_is_refused_until_the_reported_time() -> None:
    shop = a_shop(per_card=2)
    decline(shop)
    shop.wait(timedelta(minutes=30))
    decline(shop)
    wait = refusal(shop).retry_after
    assert wait < timedelta(minutes=36), "the first decline is out of the window by then"
    shop.wait(wait - timedelta(seconds=1))
    refusal(shop)
    shop.wait(timedelta(seconds=1))
    assert shop.pay().state is PaymentState.CAPTURED


def test_faults_of_the_network_and_of_ours_count_for_nothing() -> None:
    shop = a_shop(per_card=1)
    shop.pay(an_order(amount=NETWORK_DOWN))
    shop.fails("authorize", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.pay()
    shop.fails("authorize", Fault.LOST_AFTER)
    assert shop.pay().state is PaymentState.PENDING
    assert shop.pay().state is PaymentState.CAPTURED
    ours = (DeclineReason.MERCHANT_SETUP, DeclineReason.DUPLICATE, DeclineReason.INVALID_AMOUNT)
    assert not any(concerns_card(CATALOGUE[reason]) for reason in ours)


def test_each_verification_counts_and_each_refused_card_add() -> None:
    shop = a_shop(per_customer=2)
    customer = shop.customer()

    def verified(card: RawCard) -> PaymentMethodState:
        order = AddPaymentMethodCommand(
            request_id=a_request_id(), customer_id=customer.customer_id, source=card, verify=True
        )
        return shop.add_method(order, SHOP).state

    assert verified(VISA) is PaymentMethodState.ACTIVE
    assert verified(MASTERCARD) is PaymentMethodState.ACTIVE
    with pytest.raises(TooManyDeclines):
        verified(VISA)
    assert len(shop.list_methods(customer.customer_id, SHOP)[0]) == 2


def test_a_stored_card_is_known_by_the_identifier_of_the_gateway() -> None:
    shop = a_shop(per_card=2)
    customer = shop.customer()
    method = shop.method(customer)
    decline(shop, 2, source=RawStoredMethod(method.payment_method_id))
    assert refusal(shop, an_order(source=RawStoredMethod(method.payment_method_id))).scope is VelocityScope.CARD


def test_one_caller_blocks_nothing_of_anothers() -> None:
    shop = a_shop(per_card=1, per_caller=1)
    decline(shop)
    refusal(shop)
    assert shop.pay(caller=STRANGER).state is PaymentState.CAPTURED


def test_replicas_count_together() -> None:
    shop = a_shop(per_card=2)
    decline(shop)
    shop.restart()
    decline(shop)
    refusal(shop)


def test_reaching_a_limit_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    shop = a_shop(per_card=2, per_client_address=2)
    with caplog.at_level(logging.WARNING):
        decline(shop, 2, address="203.0.113.7")
        for _ in range(3):
            refusal(shop)
    told = {(block.scope, block.subject) for block in blocks(shop)}
    assert told == {(VelocityScope.CARD, "card ending in 1111"), (VelocityScope.CLIENT_ADDRESS, "203.0.113.7")}
    assert len(caplog.records) == 2
    assert "4111111111111111" not in caplog.text


def test_nothing_of_a_card_is_kept_but_a_keyed_hash() -> None:
    shop = a_shop(per_card=5, per_client_address=5, cards_per_client_address=5)
    decline(shop, address="203.0.113.7")
    kept = repr(shop.store._state.velocity_counters)
    assert "4111" not in kept
    assert "203.0.113.7" not in kept
    other_key = VelocityLimiter(shop.store, shop.clock, shop.ids, shop.limits, b"another")
    assert not {subject.key for subject in other_key.attempt(SHOP).subjects} & set(kept)


def test_a_clock_set_back_or_ahead_blocks_no_caller_for_long() -> None:
    shop = a_shop(per_card=1)
    shop.clock.advance(timedelta(days=3))
    decline(shop)
    refusal(shop)
    shop.clock.advance(-timedelta(days=3))
    assert shop.pay().state is PaymentState.CAPTURED
    assert PurgeVelocityCounters(shop.store, shop.clock, HOUR)() == 2, "by number and by identifier"
    assert not shop.store._state.velocity_counters


def test_expired_counters_are_deleted_and_current_ones_kept() -> None:
    shop = a_shop(per_card=2)
    forget = PurgeVelocityCounters(shop.store, shop.clock, HOUR)
    decline(shop, 2)
    assert forget() == 0
    shop.wait(timedelta(hours=2, minutes=5))
    assert forget() == 2, "by number and by identifier"
    assert forget() == 0
    assert len(blocks(shop)) == 1
    shop.wait(timedelta(days=91))
    assert forget() == 1
    assert not blocks(shop)


def test_a_count_that_fails_costs_nobody_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    shop = a_shop(per_card=1)

    class Unwilling:
        def begin(self) -> None:
            raise StoreUnavailable("full")

    guard = VelocityLimiter(Unwilling(), shop.clock, shop.ids, shop.limits, b"key")  # type: ignore[arg-type]
    attempt = guard.attempt(SHOP)
    guard = VelocityLimiter(Unwilling(), shop.clock, shop.ids, VelocityLimits(per_caller=1), b"key")  # type: ignore[arg-type]
    guard._count(attempt, None)
    assert "was not counted" in caplog.text
