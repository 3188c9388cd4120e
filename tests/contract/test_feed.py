"""The feed holds every change once, in one order, and never passes over a late commit."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from adapters.persistence.store import SqlStore
from application.ports.feed import FeedEntry, FeedFilter, FeedKind
from application.ports.store import Store, UnitOfWork
from bootstrap.wiring.clock_and_ids import UlidSource
from domain.address import Address
from domain.customer import Customer
from domain.ids import CallerId, CustomerId, PaymentMethodId
from domain.payment_method import PaymentMethod, PaymentMethodState
from tests.contract import random_payments
from tests.contract.random_payments import SHOP, START
from tests.encryption_keys import SEALER
from tests.end_to_end.service import until
from tests.fakes.ids import CountingIds

EVERYTHING = FeedFilter()
ANI = CustomerId("cus_ani")
# Fewer for a quick look.
EVENTS = int(os.environ.get("FEED_EVENTS", "10000"))


def _customer(customer_id: CustomerId = ANI, caller_id: CallerId = SHOP) -> Customer:
    return Customer(
        customer_id=customer_id, caller_id=caller_id, create_time=START, update_time=START, given_name="Ani"
    )


def _method(number: int, **changes: object) -> PaymentMethod:
    method = PaymentMethod(
        payment_method_id=PaymentMethodId(f"pm_{number}"),
        caller_id=SHOP,
        customer_id=ANI,
        state=PaymentMethodState.ACTIVE,
        create_time=START,
        update_time=START,
        billing_address=Address(street_address="Jalan Braga 1"),
    )
    return replace(method, **changes)  # type: ignore[arg-type]


def _relay(store: Store, limit: int = 100) -> int:
    with store.begin() as work:
        return work.feed.relay(limit)


def _entries(store: Store, which: FeedFilter = EVERYTHING, after: int = 0, limit: int = 1000) -> list[FeedEntry]:
    with store.read() as work:
        return work.feed.after(after, which, until=work.feed.end(), limit=limit)[0]


def test_every_change_is_there_once_in_its_order(store: Store) -> None:
    with store.begin("shop/key_1") as work:
        work.customers.add(_customer())
    payment = random_payments.started(customer_id=ANI)
    with store.begin() as work:
        work.payments.add(payment)
    with store.begin("shop/key_1") as work:
        assert work.customers.get(ANI, lock=True) == _customer()
        work.customers.save(replace(_customer(), given_name="Ina"))
        work.payment_methods.add(_method(1))
    assert _entries(store) == []
    while _relay(store, 2):
        pass
    found = _entries(store)
    assert [entry.position for entry in found] == list(range(1, len(found) + 1))
    kinds = [entry.kind for entry in found]
    assert kinds.count(FeedKind.PAYMENT) == 2
    assert kinds.count(FeedKind.CUSTOMER) == 2
    assert kinds.count(FeedKind.PAYMENT_METHOD) == 1
    assert len({entry.event_id for entry in found}) == len(found)
    assert [e.sequence for e in found if e.kind is FeedKind.PAYMENT] == [1, 2]
    changed = [e for e in found if e.kind is FeedKind.CUSTOMER]
    assert [e.resource.given_name for e in changed if isinstance(e.resource, Customer)] == ["Ani", "Ina"]
    assert {e.actor for e in changed} == {"shop/key_1"}
    assert {e.customer_id for e in found} == {ANI}
    with store.read() as work:
        assert work.feed.find(found[2].event_id) == found[2]
        assert work.feed.end() == len(found)
    assert _relay(store) == 0


def test_an_unchanged_report_records_no_event(store: Store) -> None:
    with store.begin() as work:
        work.customers.add(_customer())
        work.payment_methods.add(_method(1))
    with store.begin() as work:
        assert work.customers.get(ANI, lock=True) == _customer()
        assert work.payment_methods.get(_method(1).payment_method_id, lock=True) == _method(1)
        work.customers.save(replace(_customer(), is_at_gateway=True))
        work.payment_methods.save(_method(1, next_check_time=START))
    assert _relay(store) == 2


def test_a_default_that_is_deposed_is_an_event_too(store: Store) -> None:
    with store.begin() as work:
        work.payment_methods.add(_method(1, is_default=True))
        work.payment_methods.add(_method(2, is_default=True))
    _relay(store)
    defaults = [
        (e.resource.payment_method_id, e.resource.is_default)
        for e in _entries(store)
        if isinstance(e.resource, PaymentMethod)
    ]
    assert sorted(defaults) == [("pm_1", False), ("pm_1", True), ("pm_2", True)]


def test_a_rolled_back_change_is_no_event(store: Store) -> None:
    with pytest.raises(ValueError, match="there already"), store.begin() as work:
        _add_twice(work)
    assert _relay(store) == 0


def _add_twice(work: UnitOfWork) -> None:
    work.customers.add(_customer())
    raise ValueError("is there already")


def test_entries_are_filtered_by_caller_kind_and_customer(store: Store) -> None:
    stranger = CallerId("stranger")
    with store.begin() as work:
        work.customers.add(_customer())
        work.customers.add(_customer(CustomerId("cus_b"), stranger))
        work.payment_methods.add(_method(1))
    _relay(store)
    assert {e.caller_id for e in _entries(store, FeedFilter(caller_id=stranger))} == {stranger}
    assert len(_entries(store, FeedFilter(caller_id=SHOP))) == 2
    only = _entries(store, FeedFilter(kinds=frozenset({FeedKind.PAYMENT_METHOD})))
    assert [e.kind for e in only] == [FeedKind.PAYMENT_METHOD]
    assert len(_entries(store, FeedFilter(customer_id=ANI))) == 2
    assert len(_entries(store, limit=1)) == 1
    assert len(_entries(store, after=2)) == 1


def test_a_deleted_customer_leaves_no_personal_data_in_the_feed(store: Store) -> None:
    with store.begin() as work:
        work.customers.add(_customer())
        work.payment_methods.add(_method(1))
    _relay(store, 1)
    with store.begin() as work:
        work.feed.erase_personal_data(ANI)
    _relay(store)
    found = _entries(store)
    assert len(found) == 2
    assert "Ani" not in repr([vars_of(e) for e in found])
    assert "Braga" not in repr([vars_of(e) for e in found])


def vars_of(entry: FeedEntry) -> list[str]:
    resource = entry.resource
    assert resource is not None
    return [str(getattr(resource, name, "")) + repr(getattr(resource, name, "")) for name in type(resource).__slots__]


def test_clocks_that_disagree_do_not_swap_the_events_of_a_payment(engine: Engine) -> None:
    store = SqlStore(engine, CountingIds(), SEALER)
    payment = random_payments.started()
    with store.begin() as work:
        work.payments.add(payment)
    # Another replica, whose clock is an hour behind, goes on with it.
    with store.begin() as work:
        again = work.payments.get(payment.terms.payment_id, lock=True)
        assert again is not None
        again.mark_outcome_unknown(again.operations[0].operation_id, "no answer", context=random_payments.at(-3600))
        work.payments.save(again)
    while _relay(store, 1):
        pass
    assert [e.sequence for e in _entries(store)] == [1, 2, 3]


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_clocks_that_disagree_do_not_swap_the_events_of_a_customer(engine: Engine, batch: int) -> None:
    # The ids sort by the clock of who makes them, too.
    ahead, behind = SqlStore(engine, CountingIds(1000), SEALER), SqlStore(engine, CountingIds(), SEALER)
    customer = _customer()
    with ahead.begin() as work:
        work.customers.add(customer)
        work.payment_methods.add(_method(1))
    for number in (1, 2):
        time = START - timedelta(hours=number)
        with behind.begin() as work:
            work.customers.save(replace(customer, given_name=f"Ani {number}", update_time=time))
            work.payment_methods.save(_method(1, failure_detail=f"{number}", update_time=time))
    while _relay(ahead, batch):
        pass
    told = [entry.resource for entry in _entries(ahead)]
    assert [one.given_name for one in told if isinstance(one, Customer)] == ["Ani", "Ani 1", "Ani 2"]
    assert [one.failure_detail for one in told if isinstance(one, PaymentMethod)] == ["", "1", "2"]
    assert [entry.position for entry in _entries(ahead)] == [1, 2, 3, 4, 5, 6]


def test_a_late_commit_is_never_passed_over(postgres_engine: Engine) -> None:
    store = SqlStore(postgres_engine, CountingIds(), SEALER)
    with store.begin() as late:
        late.customers.add(_customer(CustomerId("cus_late")))
        with store.begin() as work:
            work.customers.add(_customer(CustomerId("cus_early")))
        assert _relay(store) == 1
        seen = _entries(store)
        assert [e.customer_id for e in seen] == ["cus_early"]
    assert _relay(store) == 1
    assert [e.customer_id for e in _entries(store, after=seen[-1].position)] == ["cus_late"]


def test_two_relays_give_no_place_twice(postgres_engine: Engine) -> None:
    store = SqlStore(postgres_engine, CountingIds(), SEALER)
    for number in range(300):
        with store.begin() as work:
            work.customers.add(_customer(CustomerId(f"cus_{number:04}")))
    placed: list[int] = []

    def relay() -> None:
        idle = 0
        while idle < 5:
            given = _relay(store, 7)
            placed.append(given)
            idle = 0 if given else idle + 1

    threads = [threading.Thread(target=relay) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    while given := _relay(store):
        placed.append(given)
    assert sum(placed) == 300
    assert [e.position for e in _entries(store)] == list(range(1, 301))


def test_a_relay_that_comes_second_leaves_its_transaction_usable(postgres_engine: Engine) -> None:
    """The feed is empty: no row of its end is there to lock, and both have read the same events."""
    store = SqlStore(postgres_engine, CountingIds(), SEALER)
    with store.begin() as work:
        work.payments.add(random_payments.started())
    found: list[int] = []

    def come_second() -> None:
        with store.begin() as work:
            found.extend([work.feed.relay(100), work.feed.end()])

    second = threading.Thread(target=come_second)
    with store.begin() as work:
        given = work.feed.relay(100)
        second.start()
        until(lambda: _waits_for_a_lock(postgres_engine), what="the second relay waits for the first")
    second.join(60)
    assert found == [0, given]
    assert [entry.position for entry in _entries(store)] == list(range(1, given + 1))


def _waits_for_a_lock(engine: Engine) -> bool:
    with engine.connect() as connection:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(connection.scalar(waiting))


@pytest.mark.timeout(900)
def test_events_of_two_writers_are_read_once_and_in_order_by_readers_that_restart(postgres_engine: Engine) -> None:
    """Two replicas write at full speed and relay; five readers lose what they read since they last kept their place."""
    replicas = [SqlStore(postgres_engine, UlidSource(), SEALER) for _ in range(2)]
    wanted, writing, pause = EVENTS, threading.Event(), threading.Event()
    written: list[str] = []

    def write(store: SqlStore, who: int) -> None:
        for batch in range(wanted // 2 // 10):
            with store.begin() as work:
                for number in range(10):
                    customer_id = CustomerId(f"cus_{who}_{batch:04}_{number}")
                    work.customers.add(replace(_customer(customer_id), update_time=START + timedelta(seconds=batch)))
                    written.append(customer_id)

    def relay(store: SqlStore) -> None:
        while not writing.is_set() or _relay(store, 500):
            if not _relay(store, 500):
                pause.wait(0.02)

    seen: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)

    def read(reader: int) -> None:
        store, kept, loads = replicas[reader % 2], 0, 0
        while len(seen[reader]) < wanted:
            page = _entries(store, after=kept, limit=100 + 37 * reader)
            loads += 1
            if not page:
                pause.wait(0.05)
            if page and loads % (reader + 3) == 0:
                # It died before it kept its place: it reads the same once more.
                continue
            seen[reader] += [(entry.position, entry.customer_id) for entry in page]
            kept = page[-1].position if page else kept

    writers = [threading.Thread(target=write, args=(store, n)) for n, store in enumerate(replicas)]
    relays = [threading.Thread(target=relay, args=(store,)) for store in replicas]
    readers = [threading.Thread(target=read, args=(n,)) for n in range(5)]
    for thread in (*writers, *relays, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    writing.set()
    for thread in (*relays, *readers):
        thread.join(600)
        assert not thread.is_alive()
    for reader in range(5):
        assert [position for position, _ in seen[reader]] == list(range(1, wanted + 1))
        assert sorted(customer for _, customer in seen[reader]) == sorted(written)


def test_the_end_of_a_page_is_reported(store: Store) -> None:
    with store.begin() as work:
        for number in range(1, 5):
            work.customers.add(_customer(customer_id=CustomerId(f"cus_{number}")))
    _relay(store)

    def reached(after: int, which: FeedFilter, limit: int) -> int:
        with store.read() as work:
            return work.feed.after(after, which, until=work.feed.end(), limit=limit)[1]

    assert reached(0, EVERYTHING, 2) == 2
    assert reached(2, EVERYTHING, 2) == 4
    assert reached(0, FeedFilter(caller_id=SHOP, kinds=frozenset({FeedKind.CUSTOMER})), 3) == 3
    # None of them: all were looked at.
    assert reached(0, FeedFilter(caller_id=SHOP, kinds=frozenset({FeedKind.DISPUTE})), 2) == 4
    assert reached(1, FeedFilter(customer_id=CustomerId("cus_3")), 2) == 4
