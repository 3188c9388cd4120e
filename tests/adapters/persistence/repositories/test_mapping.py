"""The mapping of payments to rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, func, select, text

from adapters.persistence import mapping as translate
from adapters.persistence.store import SqlStore
from adapters.persistence.tables import (
    IS_LIVE_IN_SPACE,
    customers,
    operations,
    payment_events,
    payment_methods,
    payments,
)
from application.common.pagination import Position
from application.ports.gateway_webhooks import GatewayWebhookState
from application.ports.payment_filter import PaymentFilter
from domain.customer import Customer
from domain.events import PaymentEvent, PaymentTerms
from domain.ids import CallerId, CustomerId, PaymentId, PaymentMethodId
from domain.operation import Operation
from domain.payment_method import PaymentMethod
from tests.contract import random_payments
from tests.contract.random_payments import SHOP, START
from tests.encryption_keys import SEALER

_ON_ONE_DATABASE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@_ON_ONE_DATABASE
@given(data=st.data())
def test_cached_columns_agree_with_the_operations(engine: Engine, data: st.DataObject) -> None:
    store = SqlStore(engine, random_payments.IDS, SEALER)
    payment = data.draw(random_payments.new_payments())
    with store.begin() as work:
        work.payments.add(payment)
    for _ in range(data.draw(st.integers(0, 8))):
        with store.begin() as work:
            current = work.payments.get(payment.terms.payment_id, lock=True)
            assert current is not None
            random_payments.change_randomly(data.draw, current)
            work.payments.save(current)
        payment = current
    own = payment.terms.payment_id
    with engine.connect() as connection:
        row = connection.execute(select(payments).where(payments.c.payment_id == own)).one()
        count = select(func.count()).where(payment_events.c.payment_id == own)
        event_count = connection.execute(count).scalar()
        states = connection.execute(
            select(operations.c.state).where(operations.c.payment_id == own).order_by(operations.c.sequence)
        )
        assert list(states.scalars()) == [operation.state.value for operation in payment.operations]
        in_space = connection.execute(select(payments).where(payments.c.payment_id == own, IS_LIVE_IN_SPACE)).first()
    assert (row.state, row.funds) == (payment.state.value, payment.funds.value)
    is_own = payment.terms.reference_space is not None
    assert (row.is_live, in_space is not None) == (payment.is_live and not is_own, payment.is_live and is_own)
    assert (row.brand, row.last_four) == (
        (payment.instrument.brand, payment.instrument.last_four) if payment.instrument else ("", "")
    )
    assert row.event_count == event_count


def test_every_event_has_a_name_of_its_own() -> None:
    assert set(translate.EVENT_NAMES) == set(get_args(PaymentEvent))
    assert len(set(translate.EVENT_NAMES.values())) == len(translate.EVENT_NAMES)


@pytest.mark.parametrize("kind", [PaymentTerms, Operation, PaymentMethod, Customer])
def test_no_field_is_forgotten(kind: type[Any]) -> None:
    table, rest = {
        PaymentTerms: (payments, translate.TERMS_REST),
        Operation: (operations, translate.OPERATION_REST),
        PaymentMethod: (payment_methods, translate.METHOD_REST),
        Customer: (customers, ()),
    }[kind]
    columns = {column.name for column in table.columns} | ({"amount"} if "minor_units" in table.columns else set())
    assert {one.name for one in fields(kind)} <= columns | set(rest)
    assert not columns & set(rest)


@contextmanager
def plans_of(engine: Engine) -> Iterator[list[str]]:
    """How the database means to run each SELECT, sequential scans being out of the question."""
    plans: list[str] = []
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[engine.dialect.name]

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            cursor.execute(explain + statement, parameters)
            plans.append("\n".join(str(row) for row in cursor.fetchall()))

    def forbid_scans(connection: Any) -> None:
        if engine.dialect.name == "postgresql":
            # The plan for any parameters, as after the fifth time. With few rows, scans and sorts would seem cheap.
            for setting in ("enable_seqscan = off", "enable_sort = off"):
                connection.execute(text(f"SET LOCAL {setting}"))
            connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))

    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "begin", forbid_scans)
    try:
        yield plans
    finally:
        event.remove(engine, "before_cursor_execute", note)
        event.remove(engine, "begin", forbid_scans)


_AFTER = Position(START, "pay_1")
_CUSTOMER = CustomerId("cus_1")


def test_a_few_among_many_are_found_by_their_own_index(engine: Engine) -> None:
    """They are sorted when they were found: walking in order would meet all the others."""
    with plans_of(engine) as plans, SqlStore(engine, random_payments.IDS, SEALER).read() as work:
        work.gateway_webhooks.page(frozenset({GatewayWebhookState.DEAD}), after=None, limit=10)
        work.payments.unresolved(None, after=None, limit=10)
    expected = ["ix_webhook_notifications_unfinished", "ix_operations_open"]
    for plan, index in zip(plans, expected, strict=True):
        assert index in plan
        assert index.rpartition("_")[0] + "_time" not in plan


def _fill_with_customers_of_others(engine: Engine, store: SqlStore) -> None:
    """In an empty table, an index is as good as any other with the same columns and more."""
    with store.begin() as work:
        for number in range(100):
            name, caller_id = CustomerId(f"cus_{number:03d}"), CallerId(f"caller {number}")
            time = START - timedelta(minutes=number + 1)
            work.customers.add(Customer(customer_id=name, caller_id=caller_id, create_time=time, update_time=time))
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("ANALYZE customers"))


def test_frequent_queries_have_an_index(engine: Engine) -> None:
    store = SqlStore(engine, random_payments.IDS, SEALER)
    _fill_with_customers_of_others(engine, store)
    with plans_of(engine) as plans:
        with store.read() as work:
            work.payments.page(None, PaymentFilter(), after=None, limit=10)
            work.payments.get(PaymentId("pay_1"))
            work.payments.history(PaymentId("pay_1"))
            work.customers.page(SHOP, email=None, after=_AFTER, limit=10)
            work.customers.page(SHOP, email="jo@example.com", after=_AFTER, limit=10)
            work.customers.find_by_external_id(SHOP, "jo")
            work.payment_methods.of_customer(_CUSTOMER)
            work.payment_methods.get(PaymentMethodId("pm_1"))
        store.due_operations(START, START, 10)
        with store.begin() as work:
            work.payments.due_for_poll(START, START, 10)
            work.payment_methods.due(START, START, 10)
        with store.read() as work:
            work.payments.oldest_first(START, START, after=_AFTER, limit=10)
            work.payments.succeeded(START, START, after=_AFTER, limit=10)
            work.gateway_webhooks.page(frozenset(), after=_AFTER, limit=10)
    expected = [
        "ix_payments_time",
        "payments",
        "uq_payment_events_payment_id_sequence|payment_id=?",
        "payment_archives",
        "ix_customers_listed",
        "ix_customers_email",
        "uq_customers_external_id",
        "ix_payment_methods_customer",
        "payment_methods",
        "ix_operations_open",
        "ix_payments_follow",
        "ix_payment_methods_pending",
        "ix_payments_time",
        "ix_operations_time",
        "ix_webhook_notifications_time",
    ]
    assert len(plans) == len(expected)
    for plan, index in zip(plans, expected, strict=True):
        assert re.search(index, plan), plan
        assert not re.search(r"SCAN \w+'|Seq Scan", plan), plan
        if index not in ("ix_operations_open", "ix_payments_follow", "ix_payment_methods_pending"):
            assert "TEMP B-TREE" not in plan


def test_rows_locked_by_another_transaction_are_skipped(postgres_engine: Engine) -> None:
    store = SqlStore(postgres_engine, random_payments.IDS, SEALER)
    held, free = random_payments.started(), random_payments.started()
    with store.begin() as work:
        work.payments.add(held)
        work.payments.add(free)
    far = START.replace(year=2027)
    with postgres_engine.begin() as connection:
        own = operations.c.payment_id == held.terms.payment_id
        connection.execute(select(operations).where(own).with_for_update())
        (due,) = store.due_operations(far, far, 10)
    assert due.payment_id == free.terms.payment_id


def test_operations_are_found_by_transaction_without_a_scan(engine: Engine) -> None:
    with plans_of(engine) as plans, SqlStore(engine, random_payments.IDS, SEALER).read() as work:
        work.payments.find_operations(["op_1", "op_2"], ["tx_1", "tx_2"])
        work.payments.find_operations([], ["tx_1"])
        work.payments.unresolved(None, after=None, limit=10)
    either, one, unresolved = (plan for plan in plans if "operations" in plan)
    assert "ix_operations_transaction" in either
    assert "ix_operations_transaction" in one
    assert re.search("ix_operations_(open|time)", unresolved)
