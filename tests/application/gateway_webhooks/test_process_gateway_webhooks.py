"""Each webhook of the gateway is processed once, and retried after a failure."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.errors import StoreUnavailable
from application.payment_methods.resolve_unknown_methods import NOT_AT_GATEWAY
from application.ports.gateway import Refund, Transaction
from application.ports.gateway_webhooks import GatewayWebhookOutcome, GatewayWebhookState, StoredGatewayWebhook, Subject
from domain.dispute import DisputeState
from domain.ids import OperationId
from domain.instrument import CardExpiry
from domain.money import Money
from domain.operation import OperationState
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.payment_state import PaymentState
from tests.application.gateway_webhooks.inbox import METHODS_AT_ONCE, Inbox
from tests.application.shop import FIRST_CHECK, LEASE
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import HELD

HOUR = timedelta(hours=1)

OF_TRANSACTIONS = [
    "transaction_disbursed",
    "transaction_retried",
    "transaction_reviewed",
    "transaction_settled",
    "transaction_settlement_declined",
    "refund_failed",
    "disbursement",
    "disbursement_exception",
]
OF_DISPUTES = [
    "dispute_accepted",
    "dispute_auto_accepted",
    "dispute_disputed",
    "dispute_expired",
    "dispute_lost",
    "dispute_opened",
    "dispute_under_review",
    "dispute_won",
]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def result(stored: StoredGatewayWebhook) -> tuple[GatewayWebhookState, GatewayWebhookOutcome]:
    return stored.state, stored.outcome


RECORDED = (GatewayWebhookState.DONE, GatewayWebhookOutcome.RECORDED)
NOT_OURS = (GatewayWebhookState.DONE, GatewayWebhookOutcome.NOT_OURS)
PENDING = (GatewayWebhookState.PENDING, GatewayWebhookOutcome.NONE)


# Transactions


@pytest.mark.parametrize("kind", OF_TRANSACTIONS)
def test_a_transaction_that_is_told_of_is_looked_at(inbox: Inbox, kind: str) -> None:
    payment = inbox.pay()
    inbox.real_gateway.settle()
    one = inbox.dealt_with(inbox.told_of(payment.authorization.transaction_id, kind=kind))
    assert result(one) == RECORDED
    assert inbox.now(payment).state is PaymentState.SETTLED
    assert inbox.counted == [(kind, "recorded")]


def test_one_transaction_is_not_searched_for_since_searches_lag() -> None:
    inbox = Inbox(search_lag=HOUR)
    payment = inbox.pay()
    inbox.real_gateway.settle()
    inbox.dealt_with(inbox.told_of(payment.authorization.transaction_id))
    assert inbox.now(payment).state is PaymentState.SETTLED
    assert "find_transactions" not in inbox.calls


def test_many_transactions_are_asked_for_together(inbox: Inbox) -> None:
    payments = [inbox.pay(), inbox.pay(), inbox.pay()]
    inbox.real_gateway.settle()
    asked = len(inbox.calls)
    one = inbox.dealt_with(inbox.told_of(*(payment.authorization.transaction_id for payment in payments)))
    assert result(one) == RECORDED
    assert {inbox.now(payment).state for payment in payments} == {PaymentState.SETTLED}
    assert inbox.calls[asked:] == ["find_transactions"]


@pytest.mark.parametrize("is_known", [False, True])
def test_a_transaction_of_another_owner_is_not_ours(inbox: Inbox, is_known: bool) -> None:
    theirs = inbox.real_gateway.add_external_sale("theirs", Money(10_00, "USD")).transaction_id if is_known else "bt99"
    one = inbox.dealt_with(inbox.told_of(theirs))
    assert result(one) == NOT_OURS
    assert inbox.counted == [("transaction_settled", "not_ours")]


def test_one_of_ours_among_those_of_others_is_recorded(inbox: Inbox) -> None:
    theirs = inbox.real_gateway.add_external_sale("", Money(10_00, "USD")).transaction_id
    ours = inbox.pay().authorization.transaction_id
    assert result(inbox.dealt_with(inbox.told_of(theirs, ours))) == RECORDED


def test_no_transaction_at_all_is_not_ours(inbox: Inbox) -> None:
    assert result(inbox.dealt_with(inbox.told_of())) == NOT_OURS


def test_a_lost_answer_is_recorded_when_the_gateway_reports_its_transaction(inbox: Inbox) -> None:
    inbox.fails("authorize", Fault.LOST_AFTER)
    payment = inbox.pay()
    (transaction,) = inbox.real_gateway.all_transactions()
    assert result(inbox.dealt_with(inbox.told_of(transaction.transaction_id))) == RECORDED
    assert inbox.now(payment).operations[-1].state is OperationState.SUCCEEDED


@pytest.mark.parametrize("call", ["refund", "capture"])
def test_a_lost_refund_or_part_is_recorded_when_the_gateway_reports_it(inbox: Inbox, call: str) -> None:
    """Its sale is recorded already: the operation under way is the one that is told of."""
    payment = inbox.settled() if call == "refund" else inbox.authorize()
    inbox.fails(call, Fault.LOST_AFTER)
    inbox.refund(payment, 30_00) if call == "refund" else inbox.capture(payment, 30_00)
    made = inbox.real_gateway.all_transactions()[-1]
    assert result(inbox.dealt_with(inbox.told_of(made.transaction_id))) == RECORDED
    last = inbox.now(payment).operations[-1]
    assert (last.state, last.transaction_id) == (OperationState.SUCCEEDED, made.transaction_id)
    assert len(inbox.now(payment).operations) == 2


def test_a_refund_by_an_external_client_is_found_by_its_sale(inbox: Inbox) -> None:
    payment = inbox.settled()
    sale = payment.authorization.transaction_id
    elsewhere = Refund(operation_id=OperationId("by hand"), transaction_id=sale, amount=Money(10_00, "USD"))
    inbox.real_gateway.refund(elsewhere, HELD)
    refund = inbox.real_gateway.all_transactions()[-1]
    assert result(inbox.dealt_with(inbox.told_of(refund.transaction_id))) == RECORDED
    assert inbox.now(payment).refunded_amount.minor_units == 10_00


# Disputes


@pytest.mark.parametrize("kind", OF_DISPUTES)
def test_a_dispute_that_is_told_of_is_recorded(inbox: Inbox, kind: str) -> None:
    payment = inbox.settled()
    dispute_id = inbox.real_gateway.open_dispute(payment.authorization.transaction_id)
    one = inbox.dealt_with(inbox.told(kind, Subject(dispute_id=dispute_id)))
    assert result(one) == RECORDED
    with inbox.store.read() as work:
        dispute = work.disputes.find(dispute_id)
    assert dispute is not None
    assert (dispute.payment_id, dispute.state) == (payment.terms.payment_id, DisputeState.OPEN)


@pytest.mark.parametrize("is_known", [False, True])
def test_a_dispute_of_another_owner_is_not_ours(inbox: Inbox, is_known: bool) -> None:
    theirs = inbox.real_gateway.add_external_sale("theirs", Money(10_00, "USD"))
    dispute_id = inbox.real_gateway.open_dispute(theirs.transaction_id) if is_known else "dp99"
    assert result(inbox.dealt_with(inbox.told("dispute_opened", Subject(dispute_id=dispute_id)))) == NOT_OURS


# Stored methods


def of_method(method: PaymentMethod) -> Subject:
    return Subject(token=method.gateway_token, customer_id=method.customer_id)


def test_a_method_that_its_customer_revoked_is_withdrawn(inbox: Inbox) -> None:
    method = inbox.method(inbox.customer())
    one = inbox.dealt_with(inbox.told("payment_method_revoked_by_customer", of_method(method)))
    assert result(one) == RECORDED
    with inbox.store.read() as work:
        withdrawn = work.payment_methods.get(method.payment_method_id)
    assert withdrawn is not None
    assert withdrawn.state is not PaymentMethodState.ACTIVE


def renew_at_the_gateway(inbox: Inbox, method: PaymentMethod) -> None:
    kept = inbox.real_gateway._methods[method.gateway_token]
    renewed = replace(kept, instrument=replace(kept.instrument, expiry=CardExpiry(2040, 1)))
    inbox.real_gateway._methods[method.gateway_token] = renewed


def expiry_of(inbox: Inbox, method: PaymentMethod) -> CardExpiry | None:
    with inbox.store.read() as work:
        found = work.payment_methods.get(method.payment_method_id)
    assert found is not None
    assert found.instrument is not None
    return found.instrument.expiry


def test_a_method_that_changed_is_read_again_and_stays(inbox: Inbox) -> None:
    method = inbox.method(inbox.customer())
    renew_at_the_gateway(inbox, method)
    one = inbox.dealt_with(inbox.told("payment_method_customer_data_updated", of_method(method)))
    assert result(one) == RECORDED
    assert expiry_of(inbox, method) == CardExpiry(2040, 1)


def test_a_method_that_appeared_after_its_horizon_is_active_once_the_gateway_reports_it(inbox: Inbox) -> None:
    method = inbox.method(inbox.customer())
    with inbox.store.begin() as work:
        absent = work.payment_methods.get(method.payment_method_id, lock=True)
        assert absent is not None
        absent = replace(absent, is_default=False, gateway_token="").fail(NOT_AT_GATEWAY, time=inbox.clock.now())
        work.payment_methods.save(absent)
    one = inbox.dealt_with(inbox.told("payment_method_customer_data_updated", of_method(method)))
    assert result(one) == RECORDED
    with inbox.store.read() as work:
        found = work.payment_methods.get(method.payment_method_id)
    assert found is not None
    assert (found.state, found.failure_detail) == (PaymentMethodState.ACTIVE, "")


@pytest.mark.parametrize("kind", ["payment_method_revoked_by_customer", "payment_method_customer_data_updated"])
def test_a_method_of_another_owner_is_not_ours(inbox: Inbox, kind: str) -> None:
    assert result(inbox.dealt_with(inbox.told(kind, Subject(token="theirs", customer_id="theirs")))) == NOT_OURS


def test_a_report_of_many_methods_is_worked_off_in_parts(inbox: Inbox) -> None:
    customer = inbox.customer()
    methods = [inbox.method(customer) for _ in range(METHODS_AT_ONCE + 1)]
    for method in methods:
        renew_at_the_gateway(inbox, method)
    report = inbox.told("account_updater_daily_report")
    inbox.wait(HOUR)
    part = inbox.dealt_with(report)
    assert result(part) == PENDING
    assert part.webhook.subject == Subject(token=methods[METHODS_AT_ONCE - 1].payment_method_id)
    assert (part.attempt_count, part.next_attempt_time, part.finish_time) == (0, inbox.clock.now(), None)
    assert inbox.counted == []
    assert [expiry_of(inbox, method) == CardExpiry(2040, 1) for method in methods] == [True, True, False]
    assert result(inbox.dealt_with(report)) == RECORDED
    assert expiry_of(inbox, methods[-1]) == CardExpiry(2040, 1)
    assert inbox.counted == [("account_updater_daily_report", "recorded")]


def test_a_part_that_succeeds_after_a_failure_clears_its_error(inbox: Inbox) -> None:
    customer = inbox.customer()
    for _ in range(METHODS_AT_ONCE):
        inbox.method(customer)
    report = inbox.told("account_updater_daily_report")
    inbox.fails("find_method", Fault.UNREACHABLE)
    assert inbox.dealt_with(report).last_error == "nobody there"
    inbox.wait(FIRST_CHECK)
    part = inbox.dealt_with(report)
    assert (part.state, part.last_error, part.attempt_count) == (GatewayWebhookState.PENDING, "", 0)


# Others


def test_a_check_is_done_without_a_call_and_says_when(inbox: Inbox) -> None:
    check = inbox.told("check")
    inbox.wait(HOUR)
    assert inbox.process() == 1
    one = inbox.stored(check)
    assert result(one) == RECORDED
    assert (one.finish_time, one.next_attempt_time, one.last_error) == (inbox.clock.now(), None, "")
    assert (inbox.process(), inbox.calls) == (0, [])
    assert inbox.counted == [("check", "recorded")]


def test_a_kind_that_means_nothing_here_is_done_and_counted_without_its_name(inbox: Inbox) -> None:
    one = inbox.dealt_with(inbox.told("subscription_canceled"))
    assert result(one) == (GatewayWebhookState.DONE, GatewayWebhookOutcome.UNKNOWN_KIND)
    assert inbox.counted == [("unknown", "unknown_kind")]


def test_twenty_are_dealt_with_at_a_time(inbox: Inbox) -> None:
    for _ in range(21):
        inbox.told("check")
    assert [inbox.process(), inbox.process(), inbox.process()] == [20, 1, 0]


# Failures


def test_a_gateway_that_does_not_answer_is_asked_again_ever_more_rarely(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox(max_attempts=100)
    one = inbox.told_of("bt1")
    waits = []
    for _ in range(13):
        inbox.fails("find_transaction", Fault.UNREACHABLE)
        postponed = inbox.dealt_with(one)
        assert (result(postponed), postponed.last_error) == (PENDING, "nobody there")
        assert postponed.next_attempt_time is not None
        assert postponed.finish_time is None
        waits.append((postponed.next_attempt_time - inbox.clock.now()).total_seconds())
        inbox.wait(postponed.next_attempt_time - inbox.clock.now())
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
    assert inbox.counted == []
    assert not caplog.records
    done = inbox.dealt_with(one)
    assert (result(done), done.last_error) == (NOT_OURS, "")


def test_an_internal_error_is_logged_and_does_not_stop_the_others(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = inbox.told_of("bt1"), inbox.told("check")

    def stumble(_: str) -> Transaction | None:
        raise ValueError("4111111111111111")

    inbox.real_gateway.find_transaction = stumble  # type: ignore[assignment, method-assign]
    assert inbox.process() == 2
    assert (result(inbox.stored(first)), inbox.stored(first).last_error) == (PENDING, "ValueError")
    assert result(inbox.stored(second)) == RECORDED
    assert f"webhook {first} (transaction_settled) could not be processed" in caplog.text


def test_a_notification_is_given_up_after_the_last_attempt(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox(max_attempts=2)
    one = inbox.told_of("bt1")
    inbox.fails("find_transaction", Fault.UNREACHABLE)
    assert inbox.dealt_with(one).state is GatewayWebhookState.PENDING
    inbox.wait(FIRST_CHECK)
    inbox.fails("find_transaction", Fault.UNREACHABLE)
    dead = inbox.dealt_with(one)
    assert (dead.state, dead.attempt_count, dead.last_error) == (GatewayWebhookState.DEAD, 2, "nobody there")
    assert (dead.next_attempt_time, dead.finish_time) == (None, inbox.clock.now())
    assert inbox.counted == [("transaction_settled", "dead")]
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, f"webhook {one} (transaction_settled) is dead after 2 attempts")
    ]
    inbox.wait(timedelta(hours=2))
    assert inbox.process() == 0


def test_a_database_that_fails_leaves_the_notification_to_its_lease(inbox: Inbox) -> None:
    payment = inbox.pay()
    one = inbox.told_of(payment.authorization.transaction_id)
    real = inbox.real_gateway.find_transaction

    def cut_meanwhile(_: str) -> Transaction | None:
        raise StoreUnavailable("the connection was cut")

    inbox.real_gateway.find_transaction = cut_meanwhile  # type: ignore[assignment, method-assign]
    with pytest.raises(StoreUnavailable):
        inbox.process()
    claimed = inbox.stored(one)
    assert (result(claimed), claimed.last_error) == (PENDING, "")
    assert claimed.next_attempt_time == inbox.clock.now() + LEASE
    inbox.real_gateway.find_transaction = real  # type: ignore[method-assign]
    assert inbox.process() == 0
    inbox.wait(LEASE)
    assert result(inbox.dealt_with(one)) == RECORDED


def test_an_outcome_recorded_by_another_replica_stays(inbox: Inbox) -> None:
    one = inbox.told_of(inbox.pay().authorization.transaction_id)

    def finish() -> None:
        with inbox.store.begin() as work:
            current = work.gateway_webhooks.get(one, lock=True)
            assert current is not None
            work.gateway_webhooks.save(
                replace(current, state=GatewayWebhookState.DEAD, next_attempt_time=None, last_error="theirs")
            )

    inbox.before["find_transaction"] = finish
    dealt_with = inbox.dealt_with(one)
    assert (dealt_with.state, dealt_with.last_error, dealt_with.finish_time) == (
        GatewayWebhookState.DEAD,
        "theirs",
        None,
    )
