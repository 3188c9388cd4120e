"""Store contract: disputes, and the inbox of gateway webhooks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from application.common.pagination import Position
from application.ports.gateway_webhooks import (
    GatewayWebhook,
    GatewayWebhookOutcome,
    GatewayWebhookState,
    StoredGatewayWebhook,
    Subject,
)
from application.ports.store import DisputeFilter, Store
from domain.dispute import (
    ActionKind,
    ActionState,
    Dispute,
    DisputeKind,
    DisputeReason,
    DisputeReport,
    DisputeState,
    Evidence,
)
from domain.ids import CallerId, CustomerId, DisputeId, OperationId, RequestId
from domain.money import Money
from domain.payment import Payment
from tests.contract.random_payments import IDS, SHOP, at, started

LEASE = timedelta(minutes=2)


def a_payment(store: Store) -> Payment:
    payment = started()
    with store.begin() as work:
        work.payments.add(payment)
    return payment


def a_dispute(store: Store, payment: Payment, second: int = 0, caller_id: CallerId = SHOP) -> Dispute:
    time = at(second).time
    report = DisputeReport(
        gateway_dispute_id=IDS.new("dp"),
        transaction_id=f"tx of {payment.terms.payment_id}",
        kind=DisputeKind.CHARGEBACK,
        state=DisputeState.OPEN,
        reason=DisputeReason.FRAUD,
        amount=Money(30_00, "USD"),
        change_time=time,
        receive_time=time,
        reply_by_time=time + timedelta(days=14),
        evidence=(Evidence(evidence_id="ev1", text="words", create_time=time), Evidence(evidence_id="ev2")),
        case_number="case",
        reason_code="83",
        order_id="op_1",
    )
    dispute = Dispute(
        dispute_id=DisputeId(IDS.new("dis")),
        caller_id=caller_id,
        payment_id=payment.terms.payment_id,
        report=report,
        create_time=time,
        update_time=time,
        customer_id=CustomerId("cus_1"),
        next_check_time=time + timedelta(hours=1),
    )
    with store.begin() as work:
        work.disputes.add(dispute)
    return dispute


def test_a_dispute_comes_back_as_it_was_saved(store: Store) -> None:
    dispute = a_dispute(store, a_payment(store))
    changed = dispute.start(ActionKind.ADD_TEXT, OperationId("op_2"), RequestId("r"), text="more", time=at(5).time)
    changed = replace(changed, check_count=3, next_check_time=at(9).time)
    for state in (ActionState.STARTED, ActionState.SUCCEEDED):
        changed = changed.finish(OperationId("op_2"), state, evidence_id="ev3") if state.value != "started" else changed
        with store.begin() as work:
            assert work.disputes.get(dispute.dispute_id, lock=True) is not None
            work.disputes.save(changed)
        with store.read() as work:
            for found in (
                work.disputes.get(dispute.dispute_id),
                work.disputes.find(dispute.report.gateway_dispute_id),
                work.disputes.of_transaction(dispute.report.transaction_id)[0],
            ):
                assert found == changed
                assert found is not None
                assert (found.check_count, found.next_check_time) == (changed.check_count, at(9).time)


def test_an_unknown_dispute_is_none(store: Store) -> None:
    with store.read() as work:
        assert work.disputes.get(DisputeId("dis_x")) is None
        assert work.disputes.find("dp_x") is None
        assert work.disputes.of_transaction("tx_x") == []


def test_disputes_are_listed_newest_first_by_what_they_are(store: Store) -> None:
    payment, other_payment = a_payment(store), a_payment(store)
    made = [a_dispute(store, payment, second) for second in range(3)]
    other = a_dispute(store, other_payment, 3)
    another_callers = a_dispute(store, payment, 4, CallerId("other-shop"))
    won = made[1].apply_report(
        replace(made[1].report, state=DisputeState.WON, change_time=at(60).time), time=at(60).time
    )
    with store.begin() as work:
        work.disputes.get(won.dispute_id, lock=True)
        work.disputes.save(won)

    def ids(after: Position | None = None, limit: int = 10, **filters: object) -> list[str]:
        with store.read() as work:
            which = DisputeFilter(**filters)  # type: ignore[arg-type]
            return [one.dispute_id for one in work.disputes.page(SHOP, which, after=after, limit=limit)]

    everything = [other.dispute_id, *(one.dispute_id for one in reversed(made))]
    assert ids() == everything
    assert ids(limit=2) == everything[:2]
    assert ids(after=Position(made[2].create_time, made[2].dispute_id)) == everything[2:]
    assert ids(payment_id=other_payment.terms.payment_id) == [other.dispute_id]
    assert ids(states=frozenset({DisputeState.WON})) == [won.dispute_id]
    assert ids(customer_id=CustomerId("cus_1")) == everything
    assert ids(customer_id=CustomerId("cus_2")) == []
    deadline = made[1].report.reply_by_time
    assert ids(reply_before=deadline) == [made[0].dispute_id]
    with store.read() as work:
        everybodys = work.disputes.page(None, DisputeFilter(), after=None, limit=2)
    assert [one.dispute_id for one in everybodys] == [another_callers.dispute_id, other.dispute_id]


def test_a_due_dispute_is_given_to_one_only_until_the_lease_ends(store: Store) -> None:
    dispute = a_dispute(store, a_payment(store))
    assert dispute.next_check_time is not None
    now = dispute.next_check_time
    with store.begin() as work:
        assert work.disputes.due(now - timedelta(seconds=1), now + LEASE, 10) == []
        assert [one.dispute_id for one in work.disputes.due(now, now + LEASE, 10)] == [dispute.dispute_id]
    with store.begin() as work:
        assert work.disputes.due(now, now + LEASE, 10) == []
        assert len(work.disputes.due(now + LEASE, now + 2 * LEASE, 10)) == 1


def a_notification(kind: str = "dispute_opened") -> GatewayWebhook:
    subject = Subject(transaction_ids=("tx1", "tx2"), dispute_id="dp1", customer_id="cus", token="a_token")
    return GatewayWebhook(notification_id=IDS.new("n"), kind=kind, event_time=at(0).time, subject=subject)


def test_a_notification_is_received_once_and_comes_back_as_it_was(store: Store) -> None:
    webhook = a_notification()
    with store.begin() as work:
        assert work.gateway_webhooks.receive(webhook, at(1).time)
    with store.begin() as work:
        assert not work.gateway_webhooks.receive(webhook, at(2).time)
        stored = work.gateway_webhooks.get(webhook.notification_id, lock=True)
    assert stored == StoredGatewayWebhook(
        webhook=webhook, state=GatewayWebhookState.PENDING, receive_time=at(1).time, next_attempt_time=at(1).time
    )
    done = replace(
        stored,
        state=GatewayWebhookState.DONE,
        outcome=GatewayWebhookOutcome.NOT_OURS,
        next_attempt_time=None,
        last_error="no",
        finish_time=at(3).time,
    )
    with store.begin() as work:
        work.gateway_webhooks.get(webhook.notification_id, lock=True)
        work.gateway_webhooks.save(done)
    with store.read() as work:
        assert work.gateway_webhooks.get(webhook.notification_id) == done
        assert work.gateway_webhooks.get("unknown") is None


def test_a_due_notification_is_counted_as_tried_and_given_to_one_only(store: Store) -> None:
    webhook = a_notification()
    now = at(1).time
    with store.begin() as work:
        work.gateway_webhooks.receive(webhook, now)
    with store.begin() as work:
        assert work.gateway_webhooks.due(now - timedelta(seconds=1), now, 10) == []
        [claimed] = work.gateway_webhooks.due(now, now + LEASE, 10)
    assert (claimed.attempt_count, claimed.webhook) == (1, webhook)
    with store.begin() as work:
        assert work.gateway_webhooks.due(now, now + LEASE, 10) == []
        [again] = work.gateway_webhooks.due(now + LEASE, now + 2 * LEASE, 10)
        assert again.attempt_count == 2
        work.gateway_webhooks.save(replace(again, state=GatewayWebhookState.DEAD, next_attempt_time=None))
    with store.begin() as work:
        assert work.gateway_webhooks.due(now + 3 * LEASE, now + 4 * LEASE, 10) == []
        assert work.gateway_webhooks.count() == {GatewayWebhookState.PENDING: 0, GatewayWebhookState.DEAD: 1}


def test_notifications_are_listed_newest_first_by_state(store: Store) -> None:
    made = [a_notification(f"kind_{number}") for number in range(3)]
    with store.begin() as work:
        for second, webhook in enumerate(made):
            work.gateway_webhooks.receive(webhook, at(second).time)
        dead = work.gateway_webhooks.get(made[1].notification_id, lock=True)
        assert dead is not None
        work.gateway_webhooks.save(replace(dead, state=GatewayWebhookState.DEAD))
    with store.read() as work:
        page = work.gateway_webhooks.page(frozenset(), after=None, limit=2)
        assert [one.webhook.kind for one in page] == ["kind_2", "kind_1"]
        after = Position(page[1].receive_time, page[1].webhook.notification_id)
        rest = work.gateway_webhooks.page(frozenset(), after=after, limit=2)
        assert [one.webhook.kind for one in rest] == ["kind_0"]
        listed = work.gateway_webhooks.page(frozenset({GatewayWebhookState.DEAD}), after=None, limit=5)
        assert [one.webhook.kind for one in listed] == ["kind_1"]


def test_done_notifications_are_purged_and_no_others(store: Store) -> None:
    made = [a_notification() for _ in range(4)]
    with store.begin() as work:
        for webhook in made:
            work.gateway_webhooks.receive(webhook, at(1).time)
        for second, (webhook, state) in enumerate(
            zip(made, (GatewayWebhookState.DONE, GatewayWebhookState.DONE, GatewayWebhookState.DEAD), strict=False)
        ):
            kept = work.gateway_webhooks.get(webhook.notification_id, lock=True)
            assert kept is not None
            finished = replace(kept, state=state, next_attempt_time=None, finish_time=at(10 + second).time)
            work.gateway_webhooks.save(finished)
    with store.begin() as work:
        assert work.gateway_webhooks.purge(at(10).time, 10) == 0
        assert work.gateway_webhooks.purge(at(100).time, 1) == 1
        assert work.gateway_webhooks.purge(at(100).time, 10) == 1
        assert work.gateway_webhooks.purge(at(100).time, 10) == 0
    with store.read() as work:
        left = [work.gateway_webhooks.get(webhook.notification_id) is not None for webhook in made]
    assert left == [False, False, True, True]
