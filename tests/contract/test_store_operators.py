"""Store contract: operators, and their acts in histories and the feed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.common.operator import Operator, OperatorRight
from application.ports.feed import FeedFilter
from application.ports.store import LoginTaken, Store
from domain.customer import Customer
from domain.events import EventContext, OnBehalf
from domain.ids import CustomerId, OperatorId
from domain.operation import FailureReason
from tests.contract.random_payments import SHOP, START, started
from tests.contract.store_steps import add

SITI = Operator(
    operator_id=OperatorId("opr_siti"),
    name="Siti Rahayu",
    rights=frozenset({OperatorRight.READ, OperatorRight.LIFT_BLOCKS}),
    create_time=START,
    login="siti@example.com",
)
ACT = OnBehalf(SITI.operator_id, SITI.name, SHOP, "Paket hilang, 包裹丢失")


def test_an_operator_is_kept_with_rights_and_login(store: Store) -> None:
    budi = replace(SITI, operator_id=OperatorId("opr_budi"), login="", rights=frozenset())
    with store.begin() as work:
        work.operators.add(SITI)
        work.operators.add(budi)
        work.operators.add(replace(budi, operator_id=OperatorId("opr_citra")))
    with store.read() as work:
        assert work.operators.get(SITI.operator_id) == SITI
        assert work.operators.get(OperatorId("opr_nobody")) is None
        assert work.operators.find_login("siti@example.com") == SITI
        assert work.operators.find_login("") is None
        assert [one.operator_id for one in work.operators.all()] == ["opr_siti", "opr_citra", "opr_budi"]


def test_a_login_belongs_to_one_operator_until_that_one_is_revoked(store: Store) -> None:
    other = replace(SITI, operator_id=OperatorId("opr_other"))
    with store.begin() as work:
        work.operators.add(SITI)
        with pytest.raises(LoginTaken):
            work.operators.add(other)
        work.operators.add(replace(other, login=""))
        with pytest.raises(LoginTaken):
            work.operators.save(other)
        work.operators.save(replace(SITI, revoke_time=START))
        work.operators.save(other)
    with store.read() as work:
        assert work.operators.find_login("siti@example.com") == other
        revoked = work.operators.get(SITI.operator_id)
    assert revoked is not None
    assert revoked.is_revoked(START)


def test_an_unknown_operator_is_not_changed(store: Store) -> None:
    with pytest.raises(LookupError), store.begin() as work:
        work.operators.save(SITI)


def test_a_history_keeps_the_act_of_each_event(store: Store) -> None:
    payment = started()
    add(store, payment)
    with store.begin() as work:
        current = work.payments.get(payment.terms.payment_id, lock=True)
        assert current is not None
        current.fail(
            current.authorization.operation_id,
            FailureReason.CLOSED_BY_ADMINISTRATOR,
            context=EventContext(START, "shop/operator Siti Rahayu", ACT),
        )
        work.payments.save(current)
    with store.read() as work:
        acts = [one.event.context.on_behalf for one in work.payments.history(payment.terms.payment_id)]
    assert acts == [None, None, ACT]


def test_the_feed_keeps_the_act_of_a_change_and_an_erasure_leaves_it(store: Store) -> None:
    customer = Customer(
        customer_id=CustomerId("cus_ani"), caller_id=SHOP, create_time=START, update_time=START, given_name="Ani"
    )
    with store.begin("shop/operator Siti Rahayu", ACT) as work:
        work.customers.add(customer)
    with store.begin("shop/key") as work:
        work.customers.get(customer.customer_id, lock=True)
        work.customers.save(replace(customer, given_name="Ana"))
    with store.begin() as work:
        work.feed.relay(10)
        work.feed.erase_personal_data(customer.customer_id)
    with store.read() as work:
        entries, _ = work.feed.after(0, FeedFilter(), until=work.feed.end(), limit=10)
    assert [one.on_behalf for one in entries] == [ACT, None]
    assert {getattr(one.resource, "given_name", None) for one in entries} == {""}
