"""An orphan is given back as far as it holds something, once, and what stands in the way is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.ports.gateway import GatewayUnavailable, Refund, TransactionKind
from application.recovery.explain_transactions import ExplainTransactions
from application.recovery.reconciliation_findings import Finding, FindingKind, Orphan, Remedy, finding
from application.recovery.reverse_orphans import ReverseOrphans
from domain.money import Money
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.application.recovery.test_reconcile import FORGOTTEN, a_part, an_orphan, reconcile
from tests.application.shop import Shop
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import HELD


def reverser(shop: Shop) -> ReverseOrphans:
    return ReverseOrphans(shop.gateway, shop.ids, shop.leases, ExplainTransactions(shop.store))


def reverse(shop: Shop, orphan: Orphan) -> Finding:
    """Gives it back, where the record explains it as little as before."""
    found = ReverseOrphans(shop.gateway, shop.ids, shop.leases, lambda _: [orphan])(orphan)
    assert found is not None
    return found


def orphan_of(shop: Shop, transaction_id: str) -> Orphan:
    found = shop.real_gateway.find_transaction(transaction_id)
    assert found is not None
    return Orphan(finding(FindingKind.ORPHAN, found, None, "why", Remedy.REVERSE), found)


def with_status(orphan: Orphan, status: TransactionStatus, **changes: object) -> Orphan:
    return replace(orphan, transaction=replace(orphan.transaction, standing=TransactionSnapshot(status), **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", TransactionStatus)
def test_an_orphan_is_reversible_where_a_void_or_refund_gives_it_back_now(status: TransactionStatus) -> None:
    shop = Shop()
    sale = with_status(orphan_of(shop, an_orphan(shop)), status)
    credit = with_status(sale, status, kind=TransactionKind.CREDIT)
    assert sale.is_reversible is (status.is_voidable or status.is_refundable)
    assert credit.is_reversible is status.is_voidable


def test_the_rest_of_an_orphan_is_reversed_and_its_amount_reported() -> None:
    shop = Shop()
    transaction_id = an_orphan(shop)
    shop.real_gateway.settle()
    back = Refund(operation_id=FORGOTTEN, transaction_id=transaction_id, amount=Money(4_00, "USD"))
    shop.real_gateway.refund(back, HELD)
    assert reverser(shop).left(orphan_of(shop, transaction_id).transaction) == Money(6_00, "USD")
    (found,) = reconcile(shop, max_reversals=1)
    assert (found.kind, found.remedy, found.summary) == (
        FindingKind.ORPHAN_REVERSED,
        None,
        f"{Money(6_00, 'USD')} were given back.",
    )
    assert [one.amount for one in shop.real_gateway.all_transactions()[1:]] == [Money(4_00, "USD"), Money(6_00, "USD")]


@pytest.mark.parametrize(
    ("status", "left"),
    [
        (TransactionStatus.VOIDED, 10_00),
        (TransactionStatus.DECLINED, 10_00),
        (TransactionStatus.FAILED, 10_00),
        (TransactionStatus.SETTLEMENT_DECLINED, 10_00),
        (TransactionStatus.SUBMITTED, 6_00),
    ],
)
def test_a_refund_that_came_to_nothing_gave_nothing_back(status: TransactionStatus, left: int) -> None:
    shop = Shop()
    transaction_id = an_orphan(shop)
    shop.real_gateway.settle()
    back = Refund(operation_id=FORGOTTEN, transaction_id=transaction_id, amount=Money(4_00, "USD"))
    shop.real_gateway.refund(back, HELD)
    credit = shop.real_gateway.all_transactions()[-1]
    shop.real_gateway._change(credit, standing=TransactionSnapshot(status))
    assert reverser(shop).left(orphan_of(shop, transaction_id).transaction) == Money(left, "USD")


@pytest.mark.parametrize("status", [TransactionStatus.SETTLEMENT_DECLINED, TransactionStatus.VOIDED])
def test_an_operation_without_effect_holds_no_amount(status: TransactionStatus) -> None:
    shop = Shop()
    undone = with_status(orphan_of(shop, an_orphan(shop)), status)
    assert reverser(shop).left(undone.transaction) == Money(0, "USD")


def test_more_was_given_back_than_was_taken_and_nothing_is_left() -> None:
    shop = Shop()
    parent = an_orphan(shop, 100_00, captures=False)
    a_part(shop, parent, 60_00)
    whole = orphan_of(shop, parent).transaction
    assert reverser(shop).left(whole) == Money(40_00, "USD")
    assert reverser(shop).left(replace(whole, amount=Money(50_00, "USD"))) == Money(0, "USD")


@pytest.mark.parametrize("call", ["void", "refund"])
def test_a_reversal_without_an_answer_is_reported(call: str) -> None:
    shop = Shop()
    transaction_id = an_orphan(shop)
    if call == "refund":
        shop.real_gateway.settle()
    shop.fails(call, Fault.LOST_BEFORE)
    found = reverse(shop, orphan_of(shop, transaction_id))
    assert (found.kind, found.remedy) == (FindingKind.ORPHAN, Remedy.REVERSE)
    assert found.summary == "Reversing it had no clear answer (no answer): reconcile again."


def test_a_reversal_that_was_never_sent_stops_the_comparison() -> None:
    shop = Shop()
    an_orphan(shop)
    shop.fails("void", Fault.UNREACHABLE)
    with pytest.raises(GatewayUnavailable):
        reconcile(shop, max_reversals=1)


def test_a_reversal_that_the_gateway_refuses_may_be_tried_again() -> None:
    shop = Shop()
    orphan = orphan_of(shop, an_orphan(shop))
    shop.real_gateway.settle()
    found = reverse(shop, orphan)
    assert (found.kind, found.remedy) == (FindingKind.ORPHAN, Remedy.REVERSE)
    assert found.summary.startswith("It could not be given back: ")


def test_an_orphan_that_cannot_be_reversed_yet_shows_its_status() -> None:
    shop = Shop()
    waiting = with_status(orphan_of(shop, an_orphan(shop)), TransactionStatus.SETTLEMENT_CONFIRMED)
    found = reverse(shop, waiting)
    assert found.remedy is Remedy.REVERSE
    assert "settlement_confirmed now, and can be given back later" in found.summary
    assert not {"void", "refund"} & set(shop.calls)


def test_a_refund_that_settled_is_not_taken_back_but_recorded() -> None:
    shop = Shop()
    transaction_id = an_orphan(shop)
    shop.real_gateway.settle()
    back = Refund(operation_id=FORGOTTEN, transaction_id=transaction_id, amount=Money(4_00, "USD"))
    shop.real_gateway.refund(back, HELD)
    credit = shop.real_gateway.all_transactions()[-1].transaction_id
    shop.real_gateway.settle()
    found = reverse(shop, orphan_of(shop, credit))
    assert found.remedy is Remedy.VERIFY_PAYMENT
    assert "cannot be taken back" in found.summary
    assert shop.calls == []
