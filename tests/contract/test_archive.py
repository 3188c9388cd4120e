"""A history that was put away is read, streamed, gone on with and erased as if it were not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, event, func, select

from adapters.persistence.encryption import key_rotation
from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.store import SqlStore
from adapters.persistence.tables import payment_archives, payment_events
from application.events.archive_events import ArchiveEvents, ArchiveOldEvents
from application.events.read_feed import ReadFeed
from application.ports.feed import FeedFilter
from application.ports.store import Store
from domain.address import Address
from domain.events import EventContext, OutcomeUnknown
from domain.ids import CustomerId, OperationId, RequestId
from domain.instrument import Instrument, InstrumentKind
from domain.operation import FailureReason
from domain.payment import Payment
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.contract import random_payments
from tests.contract.random_payments import IDS, SHOP, at, started
from tests.encryption_keys import NEW_KEY, OLD_KEY, SEALER
from tests.fakes.ids import CountingIds
from tests.fakes.runtime import ManualClock

ANI = CustomerId("cus_ani")
LATER = at(1000).time
CARD = Instrument(
    InstrumentKind.CARD,
    brand="visa",
    last_four="1111",
    cardholder_name="Ani Wijaya",
    unique_number_identifier="the same card",
)


def captured(store: Store, *, seconds: float = 0) -> Payment:
    """Of a customer whose address is in its history."""
    payment = started(seconds=seconds, customer_id=ANI, billing_address=Address(street_address="Jalan Braga 1"))
    with store.begin() as work:
        work.payments.add(payment)
        amount = payment.terms.amount
        payment.succeed(
            payment.authorization.operation_id,
            amount=amount,
            transaction_id=IDS.new("tx"),
            standing=TransactionSnapshot(TransactionStatus.SUBMITTED),
            instrument=CARD,
            context=at(seconds + 1),
        )
        work.payments.save(payment)
    return payment


def settled(store: Store, *, seconds: float = 0) -> Payment:
    """A payment that rests."""
    payment_id = captured(store, seconds=seconds).terms.payment_id
    with store.begin() as work:
        payment = work.payments.get(payment_id, lock=True)
        assert payment is not None
        settled = TransactionSnapshot(TransactionStatus.SETTLED)
        payment.apply_gateway_status(
            payment.transaction_ids[0], settled, amount=payment.terms.amount, context=at(seconds + 2)
        )
        work.payments.save(payment)
    return payment


def archive_batch(store: Store, before: datetime = LATER) -> tuple[int, int]:
    place_all(store)
    steps = list(ArchiveEvents(store)(before))
    return sum(step.payment_count for step in steps), sum(step.event_count for step in steps)


def place_all(store: Store) -> None:
    while True:
        with store.begin() as work:
            if not work.feed.relay(100):
                return


def seen(store: Store, payment: Payment) -> tuple[object, ...]:
    """All that anybody can read of what happened to a payment."""
    place_all(store)
    with store.read() as work:
        history = work.payments.history(payment.terms.payment_id)
        middle = work.payments.history(payment.terms.payment_id, after_sequence=1, limit=2)
        entries, _ = work.feed.after(0, FeedFilter(), until=work.feed.end(), limit=1000)
    page = ReadFeed(store).after(0, FeedFilter(), limit=1000)
    payments = [random_payments.all_fields(item.change.payment) for item in page.items if item.change]
    return history, middle, entries, payments, Payment.replay([entry.event for entry in history])


def histories(store: Store, payments: list[Payment]) -> list[object]:
    with store.read() as work:
        return [work.payments.history(payment.terms.payment_id) for payment in payments]


def test_an_archived_history_reads_as_before(store: Store) -> None:
    payment, other = settled(store), settled(store, seconds=500)
    before = seen(store, payment), seen(store, other)
    assert archive_batch(store, at(400).time) == (1, 4)
    assert (seen(store, payment), seen(store, other)) == before
    # A second run finds nothing more.
    assert archive_batch(store, at(400).time) == (0, 0)
    assert archive_batch(store) == (1, 4)
    assert (seen(store, payment), seen(store, other)) == before


def test_later_events_continue_an_archived_history(store: Store) -> None:
    payment = settled(store)
    assert archive_batch(store) == (1, 4)
    with store.begin() as work:
        current = work.payments.get(payment.terms.payment_id, lock=True)
        assert current is not None
        (part,) = current.plan_refund(None)
        context = EventContext(LATER + timedelta(seconds=1), SHOP)
        refund = current.start_refund_part(part, OperationId(IDS.new("op")), RequestId("request-2"), context=context)
        # Two events at once, whose states only a replay of the whole history tells.
        current.fail(refund.operation_id, FailureReason.GATEWAY_UNREACHABLE, context=context)
        work.payments.save(current)
    before = seen(store, payment)
    with store.read() as work:
        assert [entry.sequence for entry in work.payments.history(payment.terms.payment_id)] == [1, 2, 3, 4, 5, 6]
        assert work.payments.history(payment.terms.payment_id, after_sequence=4)[0].sequence == 5
        assert [one.sequence for one in work.payments.history(payment.terms.payment_id, limit=5)] == [1, 2, 3, 4, 5]
    assert archive_batch(store, LATER + timedelta(days=1)) == (1, 2)
    assert seen(store, payment) == before


def test_nothing_is_archived_of_a_payment_on_which_something_is_under_way(store: Store) -> None:
    asked, followed, waiting = started(), captured(store), settled(store)
    with store.begin() as work:
        work.payments.add(asked)
        for payment in (followed, waiting):
            current = work.payments.get(payment.terms.payment_id, lock=True)
            assert current is not None
            if payment is followed:
                current.next_poll_time = LATER
            else:
                (part,) = current.plan_refund(None)
                current.start_refund_part(part, OperationId(IDS.new("op")), RequestId("request-3"), context=at(3))
            work.payments.save(current)
    assert archive_batch(store) == (0, 0)


def test_an_event_without_a_place_in_the_feed_is_not_archived(store: Store) -> None:
    payment = settled(store)
    assert [step.payment_count for step in ArchiveEvents(store)(LATER)] == [0]
    before = seen(store, payment)
    assert archive_batch(store) == (1, 4)
    assert seen(store, payment) == before


def test_many_are_archived_step_by_step(store: Store) -> None:
    payments = [settled(store, seconds=number / 1000) for number in range(150)]
    before = histories(store, payments)
    assert archive_batch(store) == (150, 600)
    assert histories(store, payments) == before


def test_personal_data_is_erased_from_what_was_archived(store: Store) -> None:
    payment = settled(store)
    archive_batch(store)
    assert "Jalan Braga" in repr_of(store, payment)
    assert "Ani Wijaya" in repr_of(store, payment)
    with store.begin() as work:
        work.payments.erase_personal_data(ANI)
    assert "Jalan Braga" not in repr_of(store, payment)
    assert "Ani Wijaya" not in repr_of(store, payment)
    with store.read() as work:
        assert len(work.payments.history(payment.terms.payment_id)) == 4


def repr_of(store: Store, payment: Payment) -> str:
    """With what a repr hides."""
    with store.read() as work:
        replayed = Payment.replay([entry.event for entry in work.payments.history(payment.terms.payment_id)])
    name = replayed.instrument.cardholder_name if replayed.instrument else ""
    return f"{replayed.terms.billing_address.street_address} {name}"


def counts(engine: Engine) -> tuple[int, int]:
    with engine.connect() as connection:
        tables = (payment_events, payment_archives)
        events, archives = (connection.execute(select(func.count()).select_from(one)).scalar_one() for one in tables)
    return events, archives


def test_rows_are_moved_and_nothing_of_them_is_readable(engine: Engine) -> None:
    store = SqlStore(engine, CountingIds(), SEALER)
    payment = settled(store)
    assert counts(engine) == (4, 0)
    archive_batch(store)
    assert counts(engine) == (0, 1)
    with engine.connect() as connection:
        (kept,) = connection.execute(select(payment_archives.c.events)).scalars()
    assert kept.startswith("sealed:1:old:")
    assert payment.terms.payment_id not in kept


def test_an_archive_of_an_earlier_version_is_read(engine: Engine) -> None:
    """The rows are there for years: neither their form nor what they were compressed with may change."""
    recorded = "c=--&m>t6`rg4?h`K2Yvz#<BmlCtyi%k%K2W{hN9oRMEZdR{g}uAKAo6@YP24s<%u*#MNZIot"
    payment = settled(store := SqlStore(engine, CountingIds(), SEALER))
    payment_id = payment.terms.payment_id
    with engine.begin() as connection:
        row = {"payment_id": payment_id, "event_count": 1, "events": recorded}
        connection.execute(payment_archives.insert(), row)
        connection.execute(payment_events.delete())
    with store.read() as work:
        (entry,) = work.payments.history(payment_id)
    assert entry.event == OutcomeUnknown(
        context=EventContext(random_payments.START, SHOP), operation_id=OperationId("op_1"), detail="no answer"
    )


@pytest.mark.parametrize("statement", ["INSERT INTO payment_archives", "DELETE FROM payment_events"])
def test_a_crash_at_any_step_loses_and_doubles_nothing(engine: Engine, statement: str) -> None:
    store = SqlStore(engine, CountingIds(), SEALER)
    payments = [settled(store, seconds=number / 1000) for number in range(300)]
    before = histories(store, payments)
    steps = 0

    def die(_connection: object, _cursor: object, told: str, *_: object) -> None:
        nonlocal steps
        if told.startswith(statement):
            steps += 1
            # In the second step.
            if steps > 1:
                raise KeyboardInterrupt

    event.listen(engine, "before_cursor_execute", die)
    try:
        with pytest.raises(KeyboardInterrupt):
            archive_batch(store)
    finally:
        event.remove(engine, "before_cursor_execute", die)
    events, archives = counts(engine)
    assert events + 4 * archives == 1200
    assert archives > 0
    assert events > 0
    assert histories(store, payments) == before
    assert archive_batch(store) == (300 - archives, events)
    assert counts(engine) == (0, 300)
    assert histories(store, payments) == before


def test_keys_rotate_over_what_was_archived(engine: Engine) -> None:
    store = SqlStore(engine, CountingIds(), SEALER)
    payment = settled(store)
    before = seen(store, payment)
    archive_batch(store)
    both = Sealer([NEW_KEY, OLD_KEY], b"an index key")
    key_rotation.reseal(engine, both)
    assert set(key_rotation.count_by_key(engine)) == {"new"}
    with_the_new = SqlStore(engine, CountingIds(), Sealer([NEW_KEY], b"an index key"))
    assert seen(with_the_new, payment)[0] == before[0]


def test_a_payment_locked_by_another_transaction_is_left_alone(postgres_engine: Engine) -> None:
    store = SqlStore(postgres_engine, CountingIds(), SEALER)
    payment = settled(store)
    place_all(store)
    with store.begin() as work:
        work.payments.get(payment.terms.payment_id, lock=True)
        assert [step.payment_count for step in ArchiveEvents(store)(LATER)] == [0]
    assert [step.payment_count for step in ArchiveEvents(store)(LATER)] == [1]


@pytest.mark.parametrize(("days", "left"), [(None, (1, 4)), (31, (1, 4)), (29, (0, 0))])
def test_histories_are_archived_by_themselves_at_the_age_of_the_setting(
    store: Store, days: int | None, left: tuple[int, int]
) -> None:
    settled(store)
    place_all(store)
    clock = ManualClock(at(0).time + timedelta(days=30))
    age = timedelta(days=days) if days is not None else None
    assert ArchiveOldEvents(ArchiveEvents(store), clock, age)() == 0
    assert archive_batch(store) == left
