"""The findings of a reconciliation, and its progress."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.errors import InvalidRequest, Rule
from application.ports.gateway import Transaction, TransactionUnreadable, Unreadable
from application.recovery.explain_transactions import ExplainTransactions
from application.recovery.reconcile import OrphanPolicy, Progress, ReconcileCommand
from application.recovery.reconciliation_findings import Finding, FindingKind, Remedy, finding
from domain.ids import OperationId
from domain.money import Money
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.application.recovery.test_reconcile import (
    A_DAY,
    HOUR,
    a_scheduled_refund_that_was_sent,
    an_orphan,
    compare,
    reconcile,
)
from tests.application.shop import Shop
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import START

DAY = timedelta(days=1)


def told(shop: Shop, max_reversals: int = 0) -> list[Finding | Progress]:
    policy = OrphanPolicy.REVERSE if max_reversals else OrphanPolicy.REPORT
    start, end = A_DAY
    return list(compare(shop)(ReconcileCommand(start=start, end=end, policy=policy, max_reversals=max_reversals)))


def progress(shop: Shop, max_reversals: int = 0) -> list[Progress]:
    return [one for one in told(shop, max_reversals) if isinstance(one, Progress)]


# Requests


@pytest.mark.parametrize(
    ("order", "faults"),
    [
        (ReconcileCommand(start=None, end=None), [("from_time", Rule.REQUIRED), ("until_time", Rule.REQUIRED)]),
        (ReconcileCommand(start=START, end=None), [("until_time", Rule.REQUIRED)]),
        (ReconcileCommand(start=START, end=START - HOUR), [("until_time", Rule.AFTER)]),
        (ReconcileCommand(start=START, end=START + timedelta(days=31, seconds=1)), [("until_time", Rule.MAX_DAYS)]),
        (
            ReconcileCommand(start=None, end=START, policy=None, max_reversals=-1),
            [("orphan_policy", Rule.KNOWN_VALUE), ("from_time", Rule.REQUIRED), ("max_reversals", Rule.NOT_NEGATIVE)],
        ),
    ],
)
def test_every_violation_in_an_order_is_named_before_anything_is_asked(
    order: ReconcileCommand, faults: list[tuple[str, Rule]]
) -> None:
    shop = Shop()
    with pytest.raises(InvalidRequest) as refusal:
        compare(shop)(order)
    assert [(fault.field, fault.rule) for fault in refusal.value.violations] == faults
    assert shop.calls == []


@pytest.mark.parametrize("most", [1, 10_000])
def test_a_month_and_ten_thousand_reversals_are_the_most(most: int) -> None:
    order = ReconcileCommand(start=START, end=START + 31 * DAY, policy=OrphanPolicy.REVERSE, max_reversals=most)
    assert list(compare(Shop())(order)) == [Progress(is_done=True)]


def test_an_order_reports_unless_it_says_otherwise() -> None:
    shop = Shop()
    transaction_id = an_orphan(shop)
    start, end = A_DAY
    list(compare(shop)(ReconcileCommand(start=start, end=end)))
    list(compare(shop)(ReconcileCommand(start=start, end=end, max_reversals=5)))
    at_gateway = shop.real_gateway.find_transaction(transaction_id)
    assert at_gateway is not None
    assert at_gateway.standing.status is TransactionStatus.SUBMITTED


# How far it is


def test_progress_counts_what_was_compared_and_found() -> None:
    shop = Shop()
    shop.pay()
    shop.capture(shop.authorize(), 10_00)
    an_orphan(shop)
    shop.real_gateway.add_external_sale("theirs", Money(5_00, "USD"))
    assert progress(shop) == [
        Progress(transaction_count=5, finding_count=2, orphan_count=1),
        Progress(transaction_count=5, operation_count=3, finding_count=2, orphan_count=1, is_done=True),
    ]
    assert progress(shop, max_reversals=1)[-1] == Progress(
        transaction_count=5, operation_count=3, finding_count=2, orphan_count=1, reversed_count=1, is_done=True
    )


def test_transactions_and_operations_are_compared_two_hundred_at_a_time() -> None:
    shop = Shop()
    for _ in range(200):
        shop.pay()
    assert progress(shop) == [
        Progress(transaction_count=200),
        Progress(transaction_count=200, operation_count=200),
        Progress(transaction_count=200, operation_count=200, is_done=True),
    ]
    shop.pay()
    assert progress(shop) == [
        Progress(transaction_count=200),
        Progress(transaction_count=201),
        Progress(transaction_count=201, operation_count=200),
        Progress(transaction_count=201, operation_count=201, is_done=True),
    ]


def test_a_finding_comes_before_the_progress_that_counts_it() -> None:
    shop = Shop()
    an_orphan(shop)
    kinds = [type(one) for one in told(shop)]
    assert kinds == [Finding, Progress, Progress]


def test_no_more_is_reversed_than_was_allowed_even_if_more_comes_up_meanwhile() -> None:
    shop = Shop()
    an_orphan(shop)

    def add_one_before_the_second_look() -> None:
        one_more = OperationId(f"op_{1:026d}")
        shop.before["transactions_created"] = lambda: an_orphan(shop, operation_id=one_more)

    shop.before["transactions_created"] = add_one_before_the_second_look
    kinds = [found.kind for found in reconcile(shop, max_reversals=1)]
    assert kinds == [FindingKind.ORPHAN_REVERSED, FindingKind.ORPHAN]


# Missing transactions


def test_a_finding_of_a_missing_transaction_names_its_operation_and_amount() -> None:
    shop, elsewhere = Shop(), Shop()
    payment = shop.pay()
    shop.gateway = elsewhere.gateway
    found, done = (one for one in told(shop) if not isinstance(one, Progress) or one.is_done)
    assert isinstance(found, Finding)
    assert (found.kind, found.remedy, found.payment_id, found.operation_id) == (
        FindingKind.MISSING_AT_GATEWAY,
        None,
        payment.terms.payment_id,
        payment.authorization.operation_id,
    )
    assert (found.transaction_id, found.recorded_amount, found.gateway_amount) == (
        payment.authorization.transaction_id,
        Money(100_00, "USD"),
        None,
    )
    assert "BAYAR_BRAINTREE_MERCHANT_ID" in found.summary
    assert done == Progress(operation_count=1, finding_count=1, is_done=True)


def test_operations_are_asked_for_together_and_only_where_there_are_some() -> None:
    shop = Shop()
    reconcile(shop)
    assert shop.calls == ["transactions_created"]
    shop.pay()
    shop.pay()
    shop.calls.clear()
    reconcile(shop)
    assert shop.calls == ["transactions_created", "find_transactions"]


def test_an_effect_that_cannot_be_read_is_not_missing() -> None:
    shop = Shop(search_lag=HOUR)
    shop.pay()

    def unreadable(_: str) -> Transaction | None:
        raise TransactionUnreadable("no currency")

    shop.real_gateway.find_transaction = unreadable  # type: ignore[assignment, method-assign]
    assert reconcile(shop) == []


# Texts of differences


def test_an_orphan_names_the_operation_that_it_is_a_second_transaction_of() -> None:
    shop = Shop()
    payment = shop.pay()
    second = an_orphan(shop, 100_00, operation_id=payment.authorization.operation_id)
    (found,) = reconcile(shop)
    assert (found.kind, found.transaction_id, found.payment_id, found.operation_id) == (
        FindingKind.ORPHAN,
        second,
        payment.terms.payment_id,
        payment.authorization.operation_id,
    )
    assert (found.recorded_amount, found.gateway_amount) == (Money(100_00, "USD"), Money(100_00, "USD"))
    assert f"recorded as {payment.authorization.transaction_id}" in found.summary


def test_a_difference_says_both_values() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.real_gateway.settle()
    (found,) = reconcile(shop)
    assert found.summary == "The record says status submitted, at the gateway settled. VerifyPayment corrects it."
    assert found.operation_id == payment.authorization.operation_id


def test_an_unreadable_transaction_is_known_by_its_order_id_too() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_BEFORE)
    payment = shop.pay()
    operation = payment.authorization
    shop.real_gateway.unreadable.append(Unreadable("strange", operation.operation_id, "no currency"))
    (found,) = reconcile(shop)
    assert (found.payment_id, found.operation_id, found.recorded_amount) == (
        payment.terms.payment_id,
        operation.operation_id,
        operation.amount,
    )
    assert "no currency" in found.summary


@pytest.mark.parametrize("status", [TransactionStatus.DECLINED, TransactionStatus.FAILED, TransactionStatus.EXPIRED])
def test_a_transaction_without_effect_needs_no_record(status: TransactionStatus) -> None:
    shop = Shop()
    transaction_id = an_orphan(shop, captures=False)
    found = shop.real_gateway.find_transaction(transaction_id)
    assert found is not None
    without = replace(found, standing=TransactionSnapshot(status))
    assert ExplainTransactions(shop.store)([without]) == []
    payment = shop.pay()
    second = replace(without, order_id=payment.authorization.operation_id)
    assert ExplainTransactions(shop.store)([second]) == []


def test_a_void_and_a_whole_capture_make_no_transaction_of_their_own() -> None:
    shop = Shop()
    payment = shop.capture(shop.authorize())
    capture = payment.operations[-1]
    sale = an_orphan(shop, operation_id=capture.operation_id)
    (found,) = reconcile(shop)
    assert (found.kind, found.transaction_id, found.operation_id) == (FindingKind.ORPHAN, sale, None)


def test_a_finding_without_an_operation_names_none() -> None:
    shop = Shop()
    (transaction,) = (shop.real_gateway.find_transaction(an_orphan(shop)),)
    assert transaction is not None
    alone = finding(FindingKind.ORPHAN, transaction, None, "why", Remedy.REVERSE)
    assert (alone.payment_id, alone.operation_id, alone.recorded_amount) == (None, None, None)
    assert (alone.transaction_id, alone.gateway_amount, alone.remedy) == (
        transaction.transaction_id,
        Money(10_00, "USD"),
        Remedy.REVERSE,
    )


def test_a_scheduled_refund_that_was_sent_is_known_by_its_own_operation() -> None:
    shop = Shop()
    a_scheduled_refund_that_was_sent(shop)
    (found,) = reconcile(shop)
    assert "is not recorded yet" in found.summary
    assert found.recorded_amount == Money(30_00, "USD")


def test_a_transaction_is_explained_by_the_operation_that_asked_for_it() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay()
    transactions: list[Transaction | Unreadable] = [*shop.real_gateway.all_transactions()]
    (found,) = ExplainTransactions(shop.store)(transactions)
    assert isinstance(found, Finding)
    assert (found.kind, found.remedy, found.operation_id) == (
        FindingKind.MISMATCH,
        Remedy.CHECK_NOW,
        payment.authorization.operation_id,
    )
