"""This version reads, keeps and works around what a newer version wrote."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, Table, select, update

from adapters.persistence.store import SqlStore
from adapters.persistence.tables import disputes, operations, payment_events, payment_methods, payments
from application.common.errors import RecordTooNew
from domain.ids import CustomerId
from domain.payment import Payment
from tests.contract.random_payments import IDS, at, started
from tests.contract.store_steps import add, card, change, get, succeed
from tests.contract.test_store_disputes import a_dispute
from tests.encryption_keys import SEALER

LATER = {"later": {"by": ["a newer version", 2]}}


@pytest.fixture
def store(engine: Engine) -> SqlStore:
    return SqlStore(engine, IDS, SEALER)


def _write(engine: Engine, table: Table, key: str, **values: object) -> None:
    """As a newer version would."""
    (own,) = table.primary_key.columns
    with engine.begin() as connection:
        assert connection.execute(update(table).where(own == key).values(values)).rowcount == 1


def _read(engine: Engine, table: Table, key: str, column: str) -> Any:
    (own,) = table.primary_key.columns
    with engine.connect() as connection:
        return connection.execute(select(table.c[column]).where(own == key)).scalar_one()


def _add_entries(engine: Engine, table: Table, key: str, column: str) -> None:
    _write(engine, table, key, **{column: _read(engine, table, key, column) | LATER})


def test_a_change_keeps_the_fields_of_a_newer_version(engine: Engine, store: SqlStore) -> None:
    payment = started()
    add(store, payment)
    own, operation_id = payment.terms.payment_id, payment.authorization.operation_id
    change(store, payment, succeed)
    _add_entries(engine, operations, operation_id, "rest")
    _add_entries(engine, payments, own, "instrument")

    def poll(current: Payment) -> None:
        current.next_poll_time = at(5).time
        current.schedule_check(operation_id, at(9).time)

    change(store, payment, poll)
    assert _read(engine, operations, operation_id, "rest")["later"] == LATER["later"]
    assert _read(engine, payments, own, "instrument")["later"] == LATER["later"]
    assert get(store, payment).operations[0].next_check_time == at(9).time


def test_a_change_keeps_the_fields_of_a_newer_version_in_methods_and_disputes(engine: Engine, store: SqlStore) -> None:
    method, payment = card(CustomerId(IDS.new("cus"))), started()
    add(store, payment)
    dispute = a_dispute(store, payment)
    with store.begin() as work:
        work.payment_methods.add(method)
    _add_entries(engine, payment_methods, method.payment_method_id, "rest")
    _add_entries(engine, disputes, dispute.dispute_id, "report")
    with store.begin() as work:
        kept = work.payment_methods.get(method.payment_method_id, lock=True)
        found = work.disputes.get(dispute.dispute_id, lock=True)
        assert (kept, found) == (method, dispute)
        assert kept is not None
        work.payment_methods.save(kept)
        work.disputes.save(dispute)
    assert _read(engine, payment_methods, method.payment_method_id, "rest")["later"] == LATER["later"]
    assert _read(engine, disputes, dispute.dispute_id, "report")["later"] == LATER["later"]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        (operations, "kind", "levitate"),
        (operations, "state", "pondering"),
        (operations, "origin", "the moon"),
        (payments, "capture_mode", "by telepathy"),
        (operations, "rest", {"failure_reason": "solar_flare"}),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_value_of_a_newer_version_is_no_fault(
    engine: Engine, store: SqlStore, table: Table, column: str, value: object
) -> None:
    payment = started()
    add(store, payment)
    key = payment.terms.payment_id if table is payments else payment.authorization.operation_id
    _write(engine, table, key, **{column: value})
    unknown = value if isinstance(value, str) else "solar_flare"
    with pytest.raises(RecordTooNew, match=f"'{unknown}' is unknown to this version"):
        get(store, payment)


def test_an_event_of_a_newer_version_is_no_fault(engine: Engine, store: SqlStore) -> None:
    payment = started()
    add(store, payment)
    with store.read() as work:
        first = work.payments.history(payment.terms.payment_id)[0]
    _write(engine, payment_events, first.event_id, type="payment_teleported")
    with pytest.raises(RecordTooNew, match="payment_teleported"), store.read() as work:
        work.payments.history(payment.terms.payment_id)


def test_a_record_of_a_newer_version_does_not_stop_work_on_the_others(engine: Engine, store: SqlStore) -> None:
    newer, own = started(), started()
    newer.next_poll_time, own.next_poll_time = at(1).time, at(2).time
    add(store, newer, own)
    _write(engine, operations, newer.authorization.operation_id, kind="levitate")
    with store.begin() as work:
        assert work.payments.due_for_poll(at(10).time, at(50).time, 10) == [own]
    with store.begin() as work:
        assert work.payments.due_for_poll(at(11).time, at(50).time, 10) == []


def test_a_method_and_a_dispute_of_a_newer_version_do_not_stop_work_on_the_others(
    engine: Engine, store: SqlStore
) -> None:
    payment = started()
    add(store, payment)
    both = [a_dispute(store, payment), a_dispute(store, payment)]
    _write(
        engine,
        disputes,
        both[0].dispute_id,
        report=_read(engine, disputes, both[0].dispute_id, "report") | {"state": "levitating"},
    )
    with store.begin() as work:
        due = work.disputes.due(at(10_000).time, at(20_000).time, 10)
    assert both[1].dispute_id in [dispute.dispute_id for dispute in due]
    assert both[0].dispute_id not in [dispute.dispute_id for dispute in due]
