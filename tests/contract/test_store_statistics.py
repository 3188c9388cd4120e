"""Store contract: the statistics."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from application.ports.statistics import DaySum, Sum
from application.ports.store import Store
from application.statistics.count_payments import CountPayments, count
from application.statistics.payment_facts import FACTS_VERSION, hour_of
from domain.dispute import DisputeState
from domain.ids import CallerId
from domain.money import Money
from tests.contract.random_payments import SHOP, START, at, started
from tests.contract.store_steps import OTHER_SHOP, add, fail
from tests.contract.test_store_disputes import a_dispute
from tests.contract.test_store_movements import SETTLED, captured, change

FIRST_HOUR = hour_of(START)


def count_all(store: Store, *, batch: int = 100) -> None:
    with store.begin() as work:
        while work.feed.relay(500):
            pass
    job = CountPayments(store, backfill_batch=batch)
    for _ in range(100):
        job()
        with store.read() as work:
            if not work.statistics.has_work(FACTS_VERSION):
                return
    raise AssertionError("the statistics do not come to an end")


def generation(store: Store) -> int:
    with store.read() as work:
        progress = work.statistics.progress()
    assert progress is not None
    return progress.generation


def by_day(
    store: Store, caller_id: CallerId | None = None, *, days: int = 40, currency_code: str | None = None
) -> list[DaySum]:
    with store.read() as work:
        found = work.statistics.by_day(
            generation(store), caller_id, currency_code, start=FIRST_HOUR, end=FIRST_HOUR + 24 * days, hours_a_day=24
        )
    return sorted(found, key=lambda one: (one.day, one.currency_code, one.measure))


def totals(store: Store, caller_id: CallerId | None = None, *, until_day: int = 40) -> dict[str, Sum]:
    with store.read() as work:
        found = work.statistics.totals(generation(store), caller_id, None, until=FIRST_HOUR + 24 * until_day)
    return {one.measure: one.total for one in found}


def counts(found: list[DaySum]) -> Counter[tuple[int, str]]:
    return Counter({(one.day, one.measure): one.total.count for one in found})


def test_payments_movements_and_disputes_are_counted_on_their_own_days(store: Store) -> None:
    payment = captured(store, captured_at=START + timedelta(hours=1))
    change(store, payment, replace(SETTLED, capture_time=START + timedelta(hours=1)), at(9))
    dispute = a_dispute(store, payment, second=3 * 86400)
    won = replace(
        dispute,
        report=replace(dispute.report, state=DisputeState.WON, change_time=at(5 * 86400).time),
        update_time=at(5 * 86400).time,
    )
    with store.begin() as work:
        assert work.disputes.get(dispute.dispute_id, lock=True) is not None
        work.disputes.save(won)
    count_all(store)
    assert counts(by_day(store)) == {
        (0, "payment:settled"): 1,
        (0, "movement:capture"): 1,
        (1, "movement:settlement"): 1,
        (3, "dispute:opened"): 1,
        (3, "movement:dispute"): 1,
        (5, "dispute:won"): 1,
        (5, "movement:dispute_reversal"): 1,
    }
    assert by_day(store)[0] == DaySum(0, "USD", "movement:capture", Sum(1, 1000))


def test_a_payment_that_changes_is_counted_once_as_it_is_now(store: Store) -> None:
    payment = captured(store, captured_at=START)
    count_all(store)
    assert counts(by_day(store))[0, "payment:captured"] == 1
    change(store, payment, SETTLED, at(9))
    count_all(store)
    assert counts(by_day(store))[0, "payment:settled"] == 1
    assert (0, "payment:captured") not in counts(by_day(store))
    with store.begin() as work:
        assert count(work, generation(store), [payment.terms.payment_id]) == 0


def test_each_caller_has_sums_of_its_own_and_all_have_theirs_together(store: Store) -> None:
    add(store, started(), started(caller_id=OTHER_SHOP, amount=Money(150_000_00, "IDR")))
    count_all(store)
    (own,) = by_day(store, SHOP)
    assert (own.currency_code, own.total) == ("USD", Sum(1, 1000))
    assert len(by_day(store)) == 2
    assert by_day(store, CallerId("nobody")) == []
    assert [one.currency_code for one in by_day(store, currency_code="IDR")] == ["IDR"]


def test_totals_are_those_before_an_hour(store: Store) -> None:
    payment = captured(store, captured_at=START + timedelta(hours=1))
    change(store, payment, SETTLED, at(9))
    count_all(store)
    assert totals(store, until_day=0) == {}
    assert totals(store, until_day=1) == {"movement:capture": Sum(1, 1000)}
    assert totals(store, SHOP) == {"movement:capture": Sum(1, 1000), "movement:settlement": Sum(1, 1000)}
    assert totals(store, OTHER_SHOP) == {}


def test_payments_from_before_the_statistics_are_counted_batch_by_batch(store: Store) -> None:
    payments = [started(seconds=number) for number in range(5)]
    add(store, *payments)
    with store.begin() as work:
        while work.feed.relay(500):
            pass
    count_all(store, batch=2)
    assert counts(by_day(store)) == {(0, "payment:pending"): 5}


def test_a_rebuild_counts_everything_again_and_nothing_twice(store: Store) -> None:
    payments = [started(seconds=number) for number in range(3)]
    add(store, *payments)
    count_all(store)
    before = by_day(store)
    with store.begin() as work:
        work.statistics.restart()
    assert by_day(store) == []
    with store.begin() as work:
        current = work.payments.get(payments[0].terms.payment_id, lock=True)
        assert current is not None
        fail(current)
        work.payments.save(current)
    count_all(store)
    assert sum(one.total.count for one in by_day(store)) == sum(one.total.count for one in before)
    assert counts(by_day(store)) == {(0, "payment:pending"): 2, (0, "payment:failed"): 1}


def test_rollups_of_earlier_generations_are_removed(store: Store) -> None:
    add(store, started())
    count_all(store)
    with store.begin() as work:
        work.statistics.restart()
    count_all(store)
    with store.begin() as work:
        assert work.statistics.remove_others(generation(store), 100) == 0
    assert len(by_day(store)) == 1


def test_another_version_of_the_facts_begins_anew(store: Store) -> None:
    add(store, started())
    count_all(store)
    first = generation(store)
    with store.begin() as work:
        progress = work.statistics.claim(FACTS_VERSION + 1)
    assert progress is not None
    assert (progress.generation, progress.backfill is None) == (first + 1, False)


def test_a_time_before_1970_or_far_ahead_is_counted_as_well(store: Store) -> None:
    captured(store, captured_at=datetime(1969, 12, 1, tzinfo=UTC))
    count_all(store)
    assert totals(store)["movement:capture"] == Sum(1, 1000)
