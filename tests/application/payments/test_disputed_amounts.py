"""Disputed amounts: the latest known report counts, whatever its source, and no amount is paid out twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.common.errors import PaymentDisputed, StoreConflict
from application.disputes.record_dispute import RecordDispute
from application.payments.disputed_amounts import with_latest_claims
from application.payments.poll_schedule import SettlementPollPolicy
from application.ports.gateway import Claim, GatewayUnavailable, Transaction
from domain.dispute import Dispute, DisputeKind, DisputeReason, DisputeReport, DisputeState
from domain.errors import AmountExceeds
from domain.ids import DISPUTE, CustomerId, DisputeId
from domain.money import Money
from domain.payment import Payment
from tests.application.common.test_conflicts import a_shop
from tests.application.disputes.test_answer_dispute import Court
from tests.application.disputes.test_record_dispute import learn, refund
from tests.application.shop import FIRST_CHECK, SHOP, Shop, an_order
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import START

SECOND = timedelta(seconds=1)
INTERVAL = timedelta(hours=1)


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


@pytest.fixture
def shop() -> Shop:
    return Shop()


def recorder(shop: Shop) -> RecordDispute:
    return RecordDispute(shop.store, shop.gateway, shop.clock, shop.ids, SettlementPollPolicy(), interval=INTERVAL)


# The latest claims


def report(name: str, amount: Money, time: datetime, state: DisputeState = DisputeState.OPEN) -> DisputeReport:
    return DisputeReport(
        gateway_dispute_id=name,
        transaction_id="bt1",
        kind=DisputeKind.CHARGEBACK,
        state=state,
        reason=DisputeReason.FRAUD,
        amount=amount,
        change_time=time,
        receive_time=time,
    )


def claimed(shop: Shop, known: list[DisputeReport], shown: list[Claim], currency_code: str = "USD") -> Money | None:
    payment = shop.pay()
    transaction = shop.real_gateway.find_transaction(payment.authorization.transaction_id)
    assert transaction is not None
    told = replace(
        transaction,
        amount=Money(100_00, currency_code),
        claims=tuple(shown),
        standing=replace(transaction.standing, disputed_amount=usd(7)),
    )
    with shop.store.begin() as work:
        for one in known:
            work.disputes.add(
                Dispute(
                    dispute_id=DisputeId(shop.ids.new(DISPUTE)),
                    caller_id=SHOP.caller_id,
                    payment_id=payment.terms.payment_id,
                    report=one,
                    create_time=START,
                    update_time=START,
                )
            )
        return with_latest_claims(work, told).standing.disputed_amount


def test_the_gateways_status_counts_where_the_record_has_none(shop: Shop) -> None:
    assert claimed(shop, [], [Claim("dp1", usd(30), START)]) == usd(7)


@pytest.mark.parametrize(
    ("age", "total"),
    [(-SECOND, 30), (timedelta(), 50), (SECOND, 50)],
    ids=["older than what is shown", "as old", "newer"],
)
def test_the_latest_report_of_a_dispute_counts(shop: Shop, age: timedelta, total: int) -> None:
    shown = [Claim("dp1", usd(30), START)]
    assert claimed(shop, [report("dp1", usd(50), START + age)], shown) == usd(total)


def test_disputes_are_added_up_whether_or_not_they_are_shown(shop: Shop) -> None:
    shown = [Claim("dp1", usd(30), START)]
    assert claimed(shop, [report("dp2", usd(50), START)], shown) == usd(80)


def test_a_dispute_that_was_won_claims_nothing(shop: Shop) -> None:
    shown = [Claim("dp1", usd(30), START)]
    assert claimed(shop, [report("dp1", usd(30), START + SECOND, DisputeState.WON)], shown) is None


def test_a_claim_in_another_currency_is_not_added(shop: Shop) -> None:
    assert claimed(shop, [report("dp1", Money(50, "JPY"), START), report("dp2", usd(20), START)], []) == usd(20)


# Refunds of what is claimed


def disputed(shop: Shop, amount: int) -> tuple[Payment, Dispute]:
    payment = shop.settled()
    return payment, learn(shop, shop.real_gateway.open_dispute(payment.authorization.transaction_id, usd(amount)))


@pytest.mark.parametrize("amount", [40_01, 100_00, None])
def test_a_refund_of_a_disputed_payment_names_the_dispute_and_what_is_left(shop: Shop, amount: int | None) -> None:
    payment, dispute = disputed(shop, 100_00 if amount is None else 60_00)
    with pytest.raises(PaymentDisputed) as refusal:
        refund(shop, payment, amount)
    assert (refusal.value.payment_id, refusal.value.dispute_ids) == (payment.terms.payment_id, (dispute.dispute_id,))
    left = 0 if amount is None else 40_00
    assert (refusal.value.claimed, refusal.value.left) == (usd(100_00 - left), usd(left))


def test_a_refund_of_more_than_was_taken_is_no_matter_of_disputes(shop: Shop) -> None:
    payment, _ = disputed(shop, 60_00)
    with pytest.raises(AmountExceeds):
        refund(shop, payment, 100_01)


def test_an_amount_refunded_before_the_dispute_is_not_claimed(shop: Shop) -> None:
    payment = shop.settled()
    shop.refund(payment, 30_00)
    learn(shop, shop.real_gateway.open_dispute(payment.authorization.transaction_id, usd(50_00)))
    with pytest.raises(PaymentDisputed):
        refund(shop, payment, 70_00)
    with pytest.raises(AmountExceeds):
        refund(shop, payment, 70_01)


def test_an_amount_under_refund_is_not_disputed_money(shop: Shop) -> None:
    payment = shop.pay()
    shop.refund(payment, 30_00)
    learn(shop, shop.real_gateway.open_dispute(payment.authorization.transaction_id, usd(50_00)))
    with pytest.raises(PaymentDisputed):
        refund(shop, payment, 70_00)
    with pytest.raises(AmountExceeds):
        refund(shop, payment, 70_01)


def test_only_disputes_that_claim_money_are_named(shop: Shop) -> None:
    payment, dispute = disputed(shop, 100_00)
    transaction_id = payment.authorization.transaction_id
    learn(shop, shop.real_gateway.open_dispute(transaction_id, usd(1), kind=DisputeKind.RETRIEVAL))
    with pytest.raises(PaymentDisputed) as refusal:
        refund(shop, payment, None)
    assert refusal.value.dispute_ids == (dispute.dispute_id,)


# Recording a dispute


def test_a_new_dispute_is_recorded_with_its_payment_and_looked_at_again(shop: Shop) -> None:
    customer = shop.customer()
    payment = shop.pay(an_order(customer_id=customer.customer_id))
    shop.clock.advance(SECOND)
    gateway_dispute_id = shop.real_gateway.open_dispute(payment.authorization.transaction_id)
    dispute = learn(shop, gateway_dispute_id)
    assert dispute.dispute_id.startswith("dis_")
    assert (dispute.caller_id, dispute.payment_id, dispute.customer_id) == (
        SHOP.caller_id,
        payment.terms.payment_id,
        CustomerId(customer.customer_id),
    )
    assert (dispute.create_time, dispute.update_time) == (START + SECOND, START + SECOND)
    assert dispute.next_check_time == START + SECOND + INTERVAL
    assert dispute.report == shop.real_gateway.find_dispute(gateway_dispute_id)
    assert shop.now(payment).disputed_amount == payment.captured_amount
    with shop.store.read() as work:
        assert work.disputes.get(dispute.dispute_id) == dispute


def test_a_dispute_that_has_ended_is_not_looked_at_again(shop: Shop) -> None:
    payment = shop.settled()
    gateway_dispute_id = shop.real_gateway.open_dispute(payment.authorization.transaction_id)
    shop.real_gateway.decide_dispute(gateway_dispute_id, DisputeState.LOST)
    dispute = learn(shop, gateway_dispute_id)
    assert (dispute.state, dispute.next_check_time) == (DisputeState.LOST, None)


def test_the_same_report_again_plans_nothing_anew(shop: Shop) -> None:
    _, dispute = disputed(shop, 10_00)
    shop.clock.advance(SECOND)
    again = recorder(shop).sync(dispute)
    assert again.next_check_time == dispute.next_check_time
    with shop.store.read() as work:
        kept = work.disputes.get(dispute.dispute_id)
    assert kept is not None
    assert kept.next_check_time == dispute.next_check_time


def test_news_of_a_dispute_are_kept_and_plan_the_next_check(shop: Shop) -> None:
    _, dispute = disputed(shop, 10_00)
    shop.clock.advance(SECOND)
    shop.real_gateway.decide_dispute(dispute.report.gateway_dispute_id, DisputeState.UNDER_REVIEW)
    news = recorder(shop).sync(dispute)
    assert (news.dispute_id, news.state) == (dispute.dispute_id, DisputeState.UNDER_REVIEW)
    assert (news.create_time, news.update_time) == (dispute.create_time, START + SECOND)
    assert news.next_check_time == START + SECOND + INTERVAL
    with shop.store.read() as work:
        assert work.disputes.get(dispute.dispute_id) == news


def test_a_dispute_that_the_gateway_does_not_show_any_more_stays_as_it_was(shop: Shop) -> None:
    _, dispute = disputed(shop, 10_00)
    shop.real_gateway._disputes.clear()
    assert recorder(shop).sync(dispute) == dispute


def test_an_answer_under_way_keeps_its_own_next_look() -> None:
    court = Court()
    court.fails("accept_dispute", Fault.LOST_BEFORE)
    court.accept()
    planned = court.seen().next_check_time
    assert planned == court.clock.now() + FIRST_CHECK
    court.clock.advance(SECOND)
    court.real_gateway.decide_dispute(court.dispute.report.gateway_dispute_id, DisputeState.LOST)
    news = court.record.sync(court.seen())
    assert (news.state, news.next_check_time) == (DisputeState.LOST, planned)


def test_a_dispute_of_a_payment_whose_answer_was_lost_is_found_by_its_order_id(shop: Shop) -> None:
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay()
    dispute = learn(shop, shop.real_gateway.open_dispute("bt1"))
    assert dispute.payment_id == payment.terms.payment_id


def test_a_dispute_of_a_transaction_that_is_not_shown_is_recorded_all_the_same(shop: Shop) -> None:
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay()
    told = shop.real_gateway.find_dispute(shop.real_gateway.open_dispute("bt1"))
    assert told is not None

    def shows_nothing(_: str) -> Transaction | None:
        return None

    shop.real_gateway.find_transaction = shows_nothing  # type: ignore[assignment, method-assign]
    assert recorder(shop)(replace(told, order_id="")) is None
    dispute = recorder(shop)(told)
    assert dispute is not None
    assert dispute.payment_id == payment.terms.payment_id
    assert not shop.now(payment).disputed_amount


def test_nothing_is_recorded_of_a_dispute_while_the_gateway_does_not_answer(shop: Shop) -> None:
    payment = shop.settled()
    told = shop.real_gateway.find_dispute(shop.real_gateway.open_dispute(payment.authorization.transaction_id))
    assert told is not None
    shop.fails("find_transaction", Fault.UNREACHABLE)
    with pytest.raises(GatewayUnavailable):
        recorder(shop)(told)
    with shop.store.read() as work:
        assert work.disputes.find(told.gateway_dispute_id) is None


def test_a_dispute_that_the_database_gave_up_is_recorded_after_all() -> None:
    shop, store = a_shop()
    payment = shop.settled()
    gateway_dispute_id = shop.real_gateway.open_dispute(payment.authorization.transaction_id)
    store.gives_up(1, 2, 3)
    assert learn(shop, gateway_dispute_id).state is DisputeState.OPEN
    store.gives_up(1, 2, 3, 4)
    with pytest.raises(StoreConflict):
        learn(shop, gateway_dispute_id)
