"""Store contract: velocity counters and blocks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from application.common.pagination import Position
from application.common.velocity_scope import VelocityScope
from application.ports.store import Store
from application.ports.velocity import VelocityBlock, VelocityCounter
from domain.ids import CallerId

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BLOCK = VelocityBlock(
    block_id="blk_1",
    key="a",
    caller_id=CallerId("shop"),
    scope=VelocityScope.CLIENT_ADDRESS,
    subject="203.0.113.7",
    counts_cards=False,
    limit=20,
    create_time=NOON,
    end_time=NOON + 60 * MINUTE,
)


def add(store: Store, *counters: VelocityCounter) -> None:
    with store.begin() as work:
        work.velocity.add(counters)


def counted(store: Store, *keys: str, start: datetime = NOON - MINUTE, end: datetime = NOON) -> set[VelocityCounter]:
    with store.read() as work:
        return set(work.velocity.counted(keys, start, end))


def test_counts_under_one_key_bucket_and_card_add_up(store: Store) -> None:
    add(store, VelocityCounter("a", NOON, "visa"), VelocityCounter("b", NOON))
    add(store, VelocityCounter("a", NOON, "visa", 2), VelocityCounter("a", NOON, "amex"))
    assert counted(store, "a") == {VelocityCounter("a", NOON, "visa", 3), VelocityCounter("a", NOON, "amex", 1)}
    assert counted(store, "a", "b", "c") == counted(store, "a") | {VelocityCounter("b", NOON)}


def test_only_buckets_later_than_the_start_and_up_to_the_end_are_reported(store: Store) -> None:
    add(store, *(VelocityCounter("a", NOON + n * MINUTE) for n in range(-2, 3)))
    found = counted(store, "a", start=NOON - MINUTE, end=NOON + MINUTE)
    assert {counter.bucket for counter in found} == {NOON, NOON + MINUTE}


def test_counts_that_race_are_all_there(store: Store) -> None:
    counters = [VelocityCounter("a", NOON), VelocityCounter("b", NOON), VelocityCounter("c", NOON)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: add(store, *(counters if n % 2 else counters[::-1])), range(40)))
    assert counted(store, "a", "b", "c") == {VelocityCounter(key, NOON, "", 40) for key in "abc"}


def test_counts_are_rolled_back_with_their_transaction(store: Store) -> None:
    try:
        with store.begin() as work:
            work.velocity.add([VelocityCounter("a", NOON)])
            raise KeyError
    except KeyError:
        pass
    assert counted(store, "a") == set()


def test_a_lifted_block_has_ended_and_its_subject_is_counted_from_zero(store: Store) -> None:
    card = replace(BLOCK, key="number", other_key="identifier", scope=VelocityScope.CARD)
    with store.begin() as work:
        assert work.velocity.block(card)
    add(store, *(VelocityCounter(key, NOON, "", 9) for key in ("number", "identifier", "other")))
    with store.begin() as work:
        lifted = work.velocity.lift(card.block_id, NOON + MINUTE)
    assert lifted == replace(card, end_time=NOON + MINUTE)
    assert counted(store, "number", "identifier", "other") == {VelocityCounter("other", NOON, "", 9)}
    with store.read() as work:
        assert list(work.velocity.blocks(after=None, limit=9)) == [lifted]


def test_a_block_that_has_ended_stays_as_it_is(store: Store) -> None:
    with store.begin() as work:
        assert work.velocity.block(BLOCK)
    add(store, VelocityCounter("a", NOON, "", 9))
    with store.begin() as work:
        assert work.velocity.lift(BLOCK.block_id, BLOCK.end_time) == BLOCK
        assert work.velocity.lift("blk_9", NOON) is None
    assert counted(store, "a") == {VelocityCounter("a", NOON, "", 9)}


def test_a_key_is_blocked_once_at_a_time(store: Store) -> None:
    later = replace(BLOCK, block_id="blk_2", create_time=NOON + MINUTE, end_time=NOON + 70 * MINUTE)
    other = replace(BLOCK, block_id="blk_3", key="b")
    cards = replace(BLOCK, block_id="blk_4", counts_cards=True)
    after = replace(BLOCK, block_id="blk_5", create_time=NOON + 60 * MINUTE, end_time=NOON + 120 * MINUTE)
    with store.begin() as work:
        assert [work.velocity.block(one) for one in (BLOCK, later, other, cards, after)] == [
            True,
            False,
            True,
            True,
            True,
        ]
    with store.read() as work:
        first = work.velocity.blocks(after=None, limit=2)
        assert first == [after, cards]
        rest = work.velocity.blocks(after=Position(cards.create_time, cards.block_id), limit=9)
        assert rest == [other, BLOCK]


def test_expired_counters_are_deleted_in_small_batches(store: Store) -> None:
    add(store, *(VelocityCounter("a", NOON + n * MINUTE) for n in range(-5, 5)))
    with store.begin() as work:
        work.velocity.block(BLOCK)
        work.velocity.block(replace(BLOCK, block_id="blk_2", key="b", end_time=NOON + 90 * MINUTE))

    def forget() -> int:
        with store.begin() as work:
            return work.velocity.purge(NOON - 2 * MINUTE, NOON + 2 * MINUTE, NOON + 61 * MINUTE, 2)

    assert [forget(), forget(), forget(), forget()] == [3, 2, 1, 0]
    left = counted(store, "a", start=NOON - 9 * MINUTE, end=NOON + 9 * MINUTE)
    assert {counter.bucket for counter in left} == {NOON + n * MINUTE for n in range(-2, 3)}
    with store.read() as work:
        assert [one.block_id for one in work.velocity.blocks(after=None, limit=9)] == ["blk_2"]
