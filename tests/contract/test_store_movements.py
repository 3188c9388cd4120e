"""Store contract: the ledger of movements."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from adapters.persistence.store import SqlStore
from application.common.pagination import Position
from application.ports.movements import BookedMovement, MovementFilter
from application.ports.store import Store
from domain.dispute import Dispute, DisputeState
from domain.events import EventContext
from domain.money import Money
from domain.movement import MovementKind
from domain.operation import OperationKind
from domain.payment import Payment
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.contract.random_payments import IDS, SHOP, START, at, started
from tests.contract.test_store_disputes import a_dispute

DAY = timedelta(days=1)
EVER = MovementFilter(start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))
SETTLED = TransactionSnapshot(
    TransactionStatus.SETTLED,
    settle_time=START + DAY,
    capture_time=START + timedelta(hours=1),
    settlement_batch_id="2026-01-02_usd_batch",
)


def captured(store: Store, *, captured_at: datetime, seconds: float = 0) -> Payment:
    payment = started(seconds=seconds)
    with store.begin() as work:
        work.payments.add(payment)
    with store.begin() as work:
        current = work.payments.get(payment.terms.payment_id, lock=True)
        assert current is not None
        current.succeed(
            current.authorization.operation_id,
            amount=Money(1000, "USD"),
            transaction_id=f"tx of {payment.terms.payment_id}",
            standing=TransactionSnapshot(TransactionStatus.SUBMITTED, capture_time=captured_at),
            context=at(seconds + 5),
        )
        work.payments.save(current)
    return current


def change(store: Store, payment: Payment, standing: TransactionSnapshot, context: EventContext) -> None:
    with store.begin() as work:
        current = work.payments.get(payment.terms.payment_id, lock=True)
        assert current is not None
        tx = current.authorization.transaction_id
        assert current.apply_gateway_status(tx, standing, amount=Money(1000, "USD"), context=context)
        work.payments.save(current)


def ledger(store: Store, which: MovementFilter = EVER, page_size: int = 100) -> list[BookedMovement]:
    found: list[BookedMovement] = []
    after: Position | None = None
    while True:
        with store.read() as work:
            page = work.movements.page(which, after=after, limit=page_size)
        found += page.movements
        assert len(page.movements) <= page_size
        after = page.go_on_after
        if after is None:
            return found


def kinds(found: list[BookedMovement]) -> list[MovementKind]:
    return [one.movement.kind for one in found]


def test_a_movement_is_booked_with_its_payment_and_read_back_whole(store: Store) -> None:
    payment = captured(store, captured_at=START - 31 * DAY)
    paid_out = replace(SETTLED, disburse_date=date(2026, 1, 5), settlement_amount=Money(9_500, "EUR"))
    change(store, payment, paid_out, at(90))
    capture, settlement, payout = ledger(store)
    assert kinds([capture, settlement, payout]) == [MovementKind.CAPTURE, MovementKind.SETTLEMENT, MovementKind.PAYOUT]
    assert (capture.movement.time, capture.record_time) == (START - 31 * DAY, at(5).time)
    assert (settlement.movement.time, settlement.record_time) == (START + DAY, at(90).time)
    assert settlement.movement.settlement_batch_id == "2026-01-02_usd_batch"
    assert (payout.movement.amount, payout.movement.payout_amount) == (Money(1000, "USD"), Money(9_500, "EUR"))
    assert payout.movement.time == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert {one.payment_id for one in (capture, settlement, payout)} == {payment.terms.payment_id}
    assert (capture.caller_id, capture.reference) == (SHOP, payment.terms.reference)
    assert capture.movement.operation_id == payment.authorization.operation_id
    assert capture.movement.transaction_id == payment.authorization.transaction_id
    assert len({one.movement_id for one in (capture, settlement, payout)}) == 3


def test_pages_follow_the_movements_own_times_and_hold_each_once(store: Store) -> None:
    # Created in one order, captured in another, and some at the same time.
    times = [START + hours * timedelta(hours=1) for hours in (5, 1, 3, 3, 3, 2, 5)]
    for number, time in enumerate(times):
        captured(store, captured_at=time, seconds=number)
    for page_size in (1, 2, 3, 100):
        found = ledger(store, page_size=page_size)
        assert [one.movement.time for one in found] == sorted(times)
        assert len({one.movement_id for one in found}) == len(times)


def test_windows_that_follow_one_another_hold_each_movement_once(store: Store) -> None:
    boundary = datetime(2026, 2, 1, tzinfo=UTC)
    for time in (boundary - timedelta(microseconds=1), boundary, boundary + timedelta(microseconds=1)):
        captured(store, captured_at=time)
    january = ledger(store, MovementFilter(start=datetime(2026, 1, 1, tzinfo=UTC), end=boundary))
    february = ledger(store, MovementFilter(start=boundary, end=datetime(2026, 3, 1, tzinfo=UTC)))
    assert (len(january), len(february)) == (1, 2)
    assert not {one.movement_id for one in january} & {one.movement_id for one in february}


def test_kinds_and_times_of_record_restrict_the_pages(store: Store) -> None:
    for number in range(3):
        payment = captured(store, captured_at=START, seconds=number)
        change(store, payment, SETTLED, at(1000 + number))
    settled = replace(EVER, kinds=frozenset({MovementKind.SETTLEMENT}))
    assert kinds(ledger(store, settled, page_size=1)) == [MovementKind.SETTLEMENT] * 3
    late = replace(EVER, recorded_from=at(1001).time)
    assert [one.record_time for one in ledger(store, late)] == [at(1001).time, at(1002).time]


def test_several_movements_of_one_transaction_are_booked_together(store: Store) -> None:
    payment = captured(store, captured_at=START)
    with store.begin() as work:
        current = work.payments.get(payment.terms.payment_id, lock=True)
        assert current is not None
        tx = current.authorization.transaction_id
        current.apply_gateway_status(tx, SETTLED, amount=Money(1000, "USD"), context=at(50))
        for number in range(2):
            current.record_outside(
                OperationKind.REFUND,
                IDS.new("op"),  # type: ignore[arg-type]
                amount=Money(100, "USD"),
                transaction_id=f"refund {number} of {tx}",
                target_transaction_id=tx,
                standing=TransactionSnapshot(TransactionStatus.SETTLED, settle_time=START + 3 * DAY),
                context=at(60 + number),
            )
        work.payments.save(current)
    refunds = [one for one in ledger(store) if one.movement.kind is MovementKind.REFUND]
    assert [one.record_time for one in refunds] == [at(60).time, at(61).time]
    assert kinds(ledger(store)).count(MovementKind.REFUND_SETTLEMENT) == 2


def reported(store: Store, dispute: Dispute, state: DisputeState, second: int) -> Dispute:
    report = replace(dispute.report, state=state, change_time=at(second).time, state_time=at(second).time)
    with store.begin() as work:
        current = work.disputes.get(dispute.dispute_id, lock=True)
        assert current is not None
        changed = current.apply_report(report, time=at(second).time)
        work.disputes.save(changed)
    return changed


def test_a_dispute_is_booked_when_it_is_opened_won_and_lost_again(store: Store) -> None:
    payment = captured(store, captured_at=START)
    dispute = a_dispute(store, payment)
    for second, state in enumerate((DisputeState.UNDER_REVIEW, DisputeState.WON, DisputeState.LOST), 100):
        dispute = reported(store, dispute, state, second)
    moved = [one for one in ledger(store) if one.movement.dispute_id == dispute.dispute_id]
    assert kinds(moved) == [MovementKind.DISPUTE, MovementKind.DISPUTE_REVERSAL, MovementKind.DISPUTE]
    assert [one.movement.time for one in moved[1:]] == [at(101).time, at(102).time]
    assert {one.payment_id for one in moved} == {payment.terms.payment_id}
    assert {one.movement.amount for one in moved} == {Money(30_00, "USD")}


def test_a_rolled_back_change_books_nothing(store: Store) -> None:
    payment = captured(store, captured_at=START)

    def change_and_fail() -> None:
        with store.begin() as work:
            current = work.payments.get(payment.terms.payment_id, lock=True)
            assert current is not None
            tx = current.authorization.transaction_id
            current.apply_gateway_status(tx, SETTLED, amount=Money(1000, "USD"), context=at(50))
            work.payments.save(current)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    assert kinds(ledger(store)) == [MovementKind.CAPTURE]


# What versions without the ledger wrote


@pytest.fixture(params=["sqlite_engine", "postgres_engine"])
def sql_store(request: pytest.FixtureRequest) -> SqlStore:
    from tests.encryption_keys import SEALER
    from tests.fakes.ids import CountingIds

    return SqlStore(request.getfixturevalue(request.param), CountingIds(), SEALER)


def forget_bookings(store: SqlStore) -> None:
    """Leaves the database as a version without the ledger does."""
    with store._engine.begin() as connection:
        connection.execute(text("DELETE FROM movements"))
        connection.execute(text("UPDATE payments SET booked_event_count = NULL"))
        connection.execute(text("UPDATE disputes SET booked_time = NULL"))


def book(store: Store, limit: int = 100) -> int:
    with store.begin() as work:
        return work.movements.book(limit)


def is_complete(store: Store) -> bool:
    with store.read() as work:
        return work.movements.is_complete()


def test_payments_and_disputes_of_an_earlier_version_are_booked_as_those_of_this_one(sql_store: SqlStore) -> None:
    for number in range(5):
        payment = captured(sql_store, captured_at=START + number * DAY, seconds=number)
        change(sql_store, payment, SETTLED, at(1000 + number))
    dispute = a_dispute(sql_store, payment)
    reported(sql_store, dispute, DisputeState.WON, 2000)
    before = ledger(sql_store)
    forget_bookings(sql_store)
    assert not is_complete(sql_store)
    assert [book(sql_store, 2) for _ in range(4)] == [3, 2, 1, 0]
    assert is_complete(sql_store)
    assert [(one.movement, one.movement_id) for one in ledger(sql_store)] == [
        (one.movement, one.movement_id) for one in before
    ]


def test_what_this_version_adds_to_an_unbooked_payment_is_booked_once(sql_store: SqlStore) -> None:
    payment = captured(sql_store, captured_at=START)
    forget_bookings(sql_store)
    change(sql_store, payment, SETTLED, at(90))
    assert not is_complete(sql_store)
    assert book(sql_store) == 1
    assert kinds(ledger(sql_store)) == [MovementKind.CAPTURE, MovementKind.SETTLEMENT]
    assert book(sql_store) == 0


def test_what_an_earlier_version_adds_to_a_booked_payment_is_found_and_booked(sql_store: SqlStore) -> None:
    payment = captured(sql_store, captured_at=START)
    change(sql_store, payment, SETTLED, at(90))
    with sql_store._engine.begin() as connection:
        # As if the second event came from a process that does not know the ledger.
        connection.execute(text("DELETE FROM movements WHERE kind = 'settlement'"))
        connection.execute(text("UPDATE payments SET booked_event_count = event_count - 1"))
    assert not is_complete(sql_store)
    assert book(sql_store) == 1
    assert kinds(ledger(sql_store)) == [MovementKind.CAPTURE, MovementKind.SETTLEMENT]


def test_a_dispute_first_booked_late_is_booked_once(sql_store: SqlStore) -> None:
    payment = captured(sql_store, captured_at=START)
    dispute = a_dispute(sql_store, payment)
    forget_bookings(sql_store)
    reported(sql_store, dispute, DisputeState.WON, 300)
    assert book(sql_store) == 1
    disputed = [one for one in ledger(sql_store) if one.movement.dispute_id]
    assert kinds(disputed) == [MovementKind.DISPUTE, MovementKind.DISPUTE_REVERSAL]
