"""Velocity counting: the outcomes that count, their window, and the report of a reached limit."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from application.card_testing.purge_velocity_counters import PurgeVelocityCounters
from application.card_testing.velocity_limiter import VelocityLimiter, VelocityLimits, concerns_card
from application.common.caller import Caller
from application.common.errors import StoreConflict, TooManyDeclines
from application.common.validator import RawCard
from application.common.velocity_scope import VelocityScope
from application.ports.gateway import Declined, NotStored, Stored, StoredInstrument
from application.ports.velocity import VelocityCounter
from domain.decline import CATALOGUE, DeclineReason
from domain.ids import CallerId, CustomerId
from domain.instrument import Card, CardExpiry, Instrument, InstrumentKind
from domain.payment_method import Verification
from tests.application.card_testing.test_velocity_limiter import DECLINED, MANY, a_shop, blocks, decline, refusal
from tests.application.shop import MASTERCARD, SHOP, VISA, Shop, an_order
from tests.fakes.runtime import START

HOUR = timedelta(hours=1)
PIECE = timedelta(minutes=5)
NO_FUNDS = Declined(decline=CATALOGUE[DeclineReason.INSUFFICIENT_FUNDS])
BOUND = Caller(CallerId("shop"), customer_id=CustomerId("cus_1"))
SHOWN = Instrument(InstrumentKind.CARD, last_four="1111", unique_number_identifier="unique")


def a_card(number: str = "4111111111111111") -> Card:
    return Card(number, CardExpiry(2035, 12))


def counts(shop: Shop) -> list[int]:
    return sorted(shop.store._state.velocity_counters.values())


def scopes(shop: Shop, **known: object) -> list[VelocityScope]:
    return [one.scope for one in shop.velocity.attempt(SHOP, **known).subjects]  # type: ignore[arg-type]


def kept(verification: Verification | None) -> Stored:
    return Stored(
        StoredInstrument(
            token="pm_1", customer_id="cus_1", instrument=SHOWN, is_default=False, verification=verification
        )
    )


def test_limits_are_off_unless_they_are_set() -> None:
    limits = VelocityLimits()
    assert [limits.of(scope) for scope in VelocityScope] == [(0, 0)] * 4
    assert (limits.window, limits.piece) == (HOUR, PIECE)


def test_each_limit_is_of_its_own_scope() -> None:
    limits = VelocityLimits(
        per_card=1, per_customer=2, per_client_address=3, per_caller=4, cards_per_customer=5, cards_per_client_address=6
    )
    assert {scope: limits.of(scope) for scope in VelocityScope} == {
        VelocityScope.CARD: (1, 0),
        VelocityScope.CUSTOMER: (2, 5),
        VelocityScope.CLIENT_ADDRESS: (3, 6),
        VelocityScope.CALLER: (4, 0),
    }


def test_an_attempt_is_counted_for_all_that_is_known_of_it() -> None:
    shop = a_shop()
    assert scopes(shop) == [VelocityScope.CALLER]
    assert scopes(shop, customer_id=CustomerId("cus_1")) == [VelocityScope.CALLER, VelocityScope.CUSTOMER]
    assert scopes(shop, client_address="203.0.113.7") == [VelocityScope.CALLER, VelocityScope.CLIENT_ADDRESS]
    assert scopes(shop, source=a_card()) == [VelocityScope.CALLER, VelocityScope.CARD]
    assert scopes(shop, instrument=SHOWN) == [VelocityScope.CALLER, VelocityScope.CARD]
    assert scopes(shop, instrument=Instrument(InstrumentKind.PAYPAL)) == [VelocityScope.CALLER]
    assert scopes(shop, source=a_card(), instrument=SHOWN) == [
        VelocityScope.CALLER,
        VelocityScope.CARD,
        VelocityScope.CARD,
    ]


def test_a_card_is_known_by_its_number_before_its_identifier() -> None:
    guard = a_shop().velocity
    number, identifier = guard.attempt(SHOP, source=a_card()).card, guard.attempt(SHOP, instrument=SHOWN).card
    assert number
    assert identifier
    assert number != identifier
    assert guard.attempt(SHOP, source=a_card(), instrument=SHOWN).card == number
    assert guard.attempt(SHOP).card == ""
    assert len(number) == 32


def test_a_customer_with_a_credential_is_counted_apart_and_without_the_address() -> None:
    guard = a_shop().velocity
    (bound,) = guard.attempt(BOUND, client_address="203.0.113.7").subjects
    (whole,) = guard.attempt(SHOP).subjects
    assert (bound.shown, whole.shown) == ("shop, paying with credentials of customers", "shop")
    assert bound.key != whole.key


def test_an_attempt_shows_no_keys() -> None:
    shop = a_shop()
    attempt = shop.velocity.attempt(SHOP, source=a_card())
    assert not any(one.key in repr(attempt) for one in attempt.subjects)
    assert "key of its own" not in repr(shop.velocity)
    assert "secret" not in repr(VelocityCounter("secret key", START, "secret card"))


@pytest.mark.parametrize(
    ("reason", "tells"),
    [
        (DeclineReason.INSUFFICIENT_FUNDS, True),
        (DeclineReason.SUSPECTED_FRAUD, True),
        (DeclineReason.NETWORK_UNAVAILABLE, False),
        (DeclineReason.METHOD_NOT_SUPPORTED, False),
        (DeclineReason.METHOD_REMOVED, False),
        (DeclineReason.SETTLEMENT_DECLINED, False),
        (DeclineReason.MERCHANT_SETUP, False),
    ],
)
def test_only_outcomes_about_the_card_are_counted(reason: DeclineReason, tells: bool) -> None:
    assert concerns_card(CATALOGUE[reason]) is tells
    shop = a_shop(per_caller=100)
    shop.velocity.count_payment(shop.velocity.attempt(SHOP), Declined(decline=CATALOGUE[reason]))
    assert counts(shop) == ([1] if tells else [])
    refused = NotStored(Verification(approved=False, decline=CATALOGUE[reason]))
    shop.velocity.count_method(shop.velocity.attempt(SHOP), refused)
    assert counts(shop) == ([2] if tells else [])


@pytest.mark.parametrize(
    ("outcome", "count"),
    [(kept(None), 0), (kept(Verification(approved=True)), 1), (NotStored(Verification(approved=False)), 1)],
)
def test_each_verification_is_counted_whatever_it_said(outcome: Stored | NotStored, count: int) -> None:
    shop = a_shop(per_caller=100)
    shop.velocity.count_method(shop.velocity.attempt(SHOP), outcome)
    assert sum(counts(shop)) == count


def test_a_verified_card_is_counted_under_its_identifier() -> None:
    shop = a_shop(per_card=100)
    shop.velocity.count_method(shop.velocity.attempt(SHOP), kept(Verification(approved=True)))
    assert counts(shop) == [1]
    shop.velocity.count_method(shop.velocity.attempt(SHOP, instrument=SHOWN), kept(Verification(approved=True)))
    assert counts(shop) == [2]


def test_nothing_is_counted_where_there_is_no_limit() -> None:
    shop = a_shop(cards_per_customer=3)
    shop.velocity.count_payment(shop.velocity.attempt(SHOP, source=a_card()), NO_FUNDS)
    assert counts(shop) == []
    for _ in range(2):
        shop.velocity.count_payment(shop.velocity.attempt(SHOP, customer_id=CustomerId("cus_1")), NO_FUNDS)
    assert counts(shop) == [2]


def test_cards_are_distinguished_only_where_their_number_is_limited() -> None:
    for limits, number in (({"per_client_address": 9}, 1), ({"cards_per_client_address": 9}, 2)):
        shop = a_shop(**limits)
        for card in MANY[:2]:
            decline(shop, source=card, address="203.0.113.7")
        assert len(counts(shop)) == number


def test_counts_are_stored_in_buckets_of_the_window() -> None:
    shop = a_shop(per_caller=100)
    shop.wait(timedelta(minutes=4, seconds=59))
    shop.velocity.count_payment(shop.velocity.attempt(SHOP), NO_FUNDS)
    shop.wait(timedelta(seconds=1))
    shop.velocity.count_payment(shop.velocity.attempt(SHOP), NO_FUNDS)
    assert [bucket for _, bucket, _ in shop.store._state.velocity_counters] == [START, START + PIECE]
    assert all(bucket.tzinfo is UTC for _, bucket, _ in shop.store._state.velocity_counters)


def test_a_decline_counts_for_a_window_and_the_piece_it_is_in() -> None:
    shop = a_shop(per_caller=1)
    shop.wait(timedelta(minutes=2))
    shop.velocity.count_payment(shop.velocity.attempt(SHOP), NO_FUNDS)
    assert refusal(shop).retry_after == HOUR + PIECE - timedelta(minutes=2)
    shop.wait(HOUR + timedelta(minutes=2, seconds=59))
    assert refusal(shop).retry_after == timedelta(seconds=1)
    shop.wait(timedelta(seconds=1))
    shop.pay()


def test_the_limit_that_ends_last_is_reported() -> None:
    shop = a_shop(per_caller=2, per_card=1)
    decline(shop, source=MASTERCARD)
    shop.wait(timedelta(minutes=30))
    decline(shop)
    refused = refusal(shop)
    assert (refused.scope, refused.retry_after) == (VelocityScope.CARD, HOUR + PIECE)


def test_the_oldest_decline_that_is_needed_for_the_limit_ends_it() -> None:
    shop = a_shop(per_caller=2)
    for _ in range(3):
        shop.velocity.count_payment(shop.velocity.attempt(SHOP), NO_FUNDS)
        shop.wait(timedelta(minutes=10))
    # At 0, 10 and 20 minutes; it is 30 now. Without the second there is but one.
    assert refusal(shop).retry_after == HOUR + PIECE - timedelta(minutes=20)


def test_declines_count_in_the_order_of_time_however_they_are_read() -> None:
    shop = a_shop(per_caller=2)
    key = shop.velocity.attempt(SHOP).subjects[0].key
    with shop.store.begin() as work:
        work.velocity.add([VelocityCounter(key, START), VelocityCounter(key, START - timedelta(minutes=30))])
    assert refusal(shop).retry_after == timedelta(minutes=35)


def test_the_oldest_card_that_is_needed_for_the_limit_ends_it() -> None:
    shop = a_shop(cards_per_client_address=2)
    for card in MANY:
        shop.velocity.count_payment(
            shop.velocity.attempt(SHOP, client_address="203.0.113.7", source=a_card(card.number)), NO_FUNDS
        )
        shop.wait(timedelta(minutes=10))
    refused = refusal(shop, an_order(source=MASTERCARD, client_address="203.0.113.7"))
    assert (refused.scope, refused.retry_after) == (VelocityScope.CLIENT_ADDRESS, HOUR + PIECE - timedelta(minutes=20))


def test_a_card_counts_with_the_time_at_which_it_was_tried_last() -> None:
    shop = a_shop(cards_per_client_address=1)
    for _ in range(2):
        shop.velocity.count_payment(
            shop.velocity.attempt(SHOP, client_address="203.0.113.7", source=a_card()), NO_FUNDS
        )
        shop.wait(timedelta(minutes=10))
    refused = refusal(shop, an_order(source=MASTERCARD, client_address="203.0.113.7"))
    assert refused.retry_after == HOUR + PIECE - timedelta(minutes=10)


def test_a_clock_that_is_a_piece_ahead_is_believed_and_no_more() -> None:
    shop = a_shop(per_caller=1)
    attempt = shop.velocity.attempt(SHOP)
    for ahead, is_counted in ((PIECE, True), (PIECE + timedelta(seconds=1), False)):
        with shop.store.begin() as work:
            work.velocity.purge(START + timedelta(days=9), START, START, 100)
            work.velocity.add([VelocityCounter(attempt.subjects[0].key, START + ahead)])
        with shop.store.read() as work:
            if is_counted:
                with pytest.raises(TooManyDeclines):
                    shop.velocity.check(work, attempt)
            else:
                shop.velocity.check(work, attempt)


def test_a_block_says_who_was_stopped_by_which_limit_until_when(caplog: pytest.LogCaptureFixture) -> None:
    shop = a_shop(per_client_address=3, cards_per_client_address=2)
    with caplog.at_level(logging.WARNING):
        for card in MANY[:2]:
            decline(shop, source=card, address="203.0.113.7")
    (block,) = blocks(shop)
    assert (block.caller_id, block.scope, block.subject) == ("shop", VelocityScope.CLIENT_ADDRESS, "203.0.113.7")
    assert (block.counts_cards, block.limit) == (True, 2)
    assert (block.create_time, block.end_time) == (START, START + HOUR + PIECE)
    assert block.block_id.startswith("blk_")
    assert block.key not in repr(block)
    (told,) = caplog.messages
    assert told == (
        "card testing suspected: a client_address of caller shop is blocked until 2026-05-01T13:05:00+00:00: "
        "limit of different cards reached: 2 in 1:00:00"
    )


def test_a_limit_of_declines_is_reported_as_one(caplog: pytest.LogCaptureFixture) -> None:
    shop = a_shop(per_caller=1)
    with caplog.at_level(logging.WARNING):
        decline(shop)
    (block,) = blocks(shop)
    assert (block.counts_cards, block.limit, block.subject) == (False, 1, "shop")
    assert "limit of declines and verifications reached: 1 in 1:00:00" in caplog.text


def test_a_conflict_is_tried_again_when_counting() -> None:
    shop = a_shop(per_caller=1)

    class Contended:
        conflicts = 1

        def begin(self) -> object:
            if self.conflicts:
                self.conflicts -= 1
                raise StoreConflict
            return shop.store.begin()

    guard = VelocityLimiter(Contended(), shop.clock, shop.ids, shop.limits, b"key of its own")  # type: ignore[arg-type]
    guard.count_payment(guard.attempt(SHOP), NO_FUNDS)
    assert counts(shop) == [1]


def test_a_customer_and_a_card_are_not_blocked_for_another_card() -> None:
    shop = a_shop(per_card=1)
    decline(shop)
    refusal(shop)
    shop.pay(an_order(source=MASTERCARD))
    shop.pay(an_order(source=RawCard("4012888888881881", 12, 2035, "123")))
    assert refusal(shop, an_order(source=VISA, amount=DECLINED)).scope is VelocityScope.CARD


# Forgetting


def test_velocity_counters_are_kept_for_twice_the_window_and_no_longer() -> None:
    shop = a_shop(per_caller=9)
    forget = PurgeVelocityCounters(shop.store, shop.clock, HOUR)
    shop.velocity.count_payment(shop.velocity.attempt(SHOP), NO_FUNDS)
    shop.wait(2 * HOUR)
    assert forget() == 0
    shop.wait(timedelta(seconds=1))
    assert forget() == 1
    assert forget() == 0


def test_velocity_counters_of_a_clock_ahead_are_kept_up_to_twice_the_window() -> None:
    shop = a_shop(per_caller=9)
    forget = PurgeVelocityCounters(shop.store, shop.clock, HOUR)
    _add(shop, START + 2 * HOUR)
    assert forget() == 0
    _add(shop, START + 2 * HOUR + timedelta(seconds=1))
    assert forget() == 1


def test_operators_see_for_ninety_days_who_was_stopped() -> None:
    shop = a_shop(per_caller=1)
    forget = PurgeVelocityCounters(shop.store, shop.clock, HOUR)
    shop.velocity.count_payment(shop.velocity.attempt(SHOP), NO_FUNDS)
    shop.wait(HOUR + PIECE + timedelta(days=90))
    assert forget() == 1
    assert len(blocks(shop)) == 1
    shop.wait(timedelta(seconds=1))
    assert forget() == 1
    assert blocks(shop) == []


def test_at_most_five_hundred_rows_are_deleted_at_once() -> None:
    shop = a_shop(per_caller=9)
    _add(shop, *(START - timedelta(days=1, seconds=at) for at in range(501)))
    forget = PurgeVelocityCounters(shop.store, shop.clock, HOUR)
    assert [forget(), forget(), forget()] == [500, 1, 0]


def _add(shop: Shop, *buckets: datetime) -> None:
    with shop.store.begin() as work:
        work.velocity.add([VelocityCounter("key", bucket) for bucket in buckets])
