"""Both ledgers are compared. Each difference names the call that mends it, and that call mends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.errors import InvalidRequest, Rule, TooManyOrphans
from application.common.lease import LeasePolicy
from application.ports.gateway import (
    Approved,
    Authorization,
    Capture,
    GatewayNotReached,
    Refund,
    Transaction,
    Unreadable,
)
from application.recovery.explain_transactions import ExplainTransactions
from application.recovery.reconcile import OrphanPolicy, Progress, Reconcile, ReconcileCommand
from application.recovery.reconciliation_findings import Finding, FindingKind, Orphan, Remedy
from application.recovery.resolve_operation import Resolution, ResolveOperationCommand
from application.recovery.reverse_orphans import ReverseOrphans
from domain.ids import OperationId
from domain.instrument import Card, CardExpiry
from domain.money import Money
from domain.operation import OperationState
from domain.payment_state import PaymentState
from domain.transaction import TransactionStatus
from tests.application.shop import FIRST_CHECK, HORIZON, LEASE, SHOP, Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault
from tests.fakes.runtime import HELD, START

HOUR = timedelta(hours=1)
A_DAY = (START - HOUR, START + timedelta(days=1))
FORGOTTEN = OperationId("op_00000000000000000000000999")


def compare(shop: Shop) -> Reconcile:
    explain = ExplainTransactions(shop.store)
    return Reconcile(shop.store, shop.gateway, explain, ReverseOrphans(shop.gateway, shop.ids, shop.leases, explain))


def reconcile(shop: Shop, max_reversals: int = 0) -> list[Finding]:
    policy = OrphanPolicy.REVERSE if max_reversals else OrphanPolicy.REPORT
    start, end = A_DAY
    order = ReconcileCommand(start=start, end=end, policy=policy, max_reversals=max_reversals)
    told = list(compare(shop)(order))
    assert isinstance(told[-1], Progress)
    assert told[-1].is_done
    findings = [one for one in told if isinstance(one, Finding)]
    assert told[-1].finding_count == len(findings)
    assert told[-1].reversed_count == sum(one.kind is FindingKind.ORPHAN_REVERSED for one in findings)
    return findings


def an_orphan(shop: Shop, amount: int = 10_00, *, captures: bool = True, operation_id: OperationId = FORGOTTEN) -> str:
    """Money at the gateway that no row explains."""
    outcome = shop.real_gateway.authorize(
        Authorization(
            operation_id=operation_id,
            amount=Money(amount, "USD"),
            source=Card("4111111111111111", CardExpiry(2035, 1)),
            captures=captures,
        ),
        HELD,
    )
    assert isinstance(outcome, Approved)
    return outcome.transaction.transaction_id


def a_part(shop: Shop, parent_id: str, amount: int) -> str:
    part = Capture(
        operation_id=OperationId(f"op_{amount:026d}"),
        transaction_id=parent_id,
        amount=Money(amount, "USD"),
        in_part=True,
    )
    outcome = shop.real_gateway.capture(part, HELD)
    assert isinstance(outcome, Approved)
    return outcome.transaction.transaction_id


# Every kind of difference, and the call that mends it


def a_payment_that_settled(shop: Shop) -> None:
    shop.pay()
    shop.real_gateway.settle()


def a_lost_answer(shop: Shop) -> None:
    shop.fails("authorize", Fault.LOST_AFTER)
    shop.pay()


def a_scheduled_refund_that_was_sent(shop: Shop) -> None:
    payment = shop.pay()
    shop.refund(payment, 30_00)
    shop.real_gateway.settle()
    shop.verify(payment)
    restore = shop.store.back_up()
    shop.resolve(after=HOUR)
    restore()


def a_forgotten_capture(shop: Shop) -> None:
    payment = shop.authorize()
    restore = shop.store.back_up()
    shop.capture(payment, 60_00, final=True)
    restore()


def a_forgotten_part_of_a_capture(shop: Shop) -> None:
    payment = shop.authorize()
    shop.capture(payment, 10_00)
    restore = shop.store.back_up()
    shop.capture(payment, 60_00)
    restore()


def a_forgotten_refund(shop: Shop) -> None:
    payment = shop.settled()
    restore = shop.store.back_up()
    shop.refund(payment, 30_00)
    restore()


def a_refund_in_the_control_panel(shop: Shop) -> None:
    """It carries the order id of the sale."""
    sale = shop.settled().authorization
    by_hand = Refund(operation_id=sale.operation_id, transaction_id=sale.transaction_id, amount=Money(10_00, "USD"))
    assert isinstance(shop.real_gateway.refund(by_hand, HELD), Approved)


def a_forgotten_void(shop: Shop) -> None:
    payment = shop.authorize()
    restore = shop.store.back_up()
    shop.void(payment)
    restore()


def a_forgotten_payment(shop: Shop) -> None:
    restore = shop.store.back_up()
    shop.pay()
    restore()


def a_forgotten_payment_that_settled(shop: Shop) -> None:
    a_forgotten_payment(shop)
    shop.real_gateway.settle()


def a_forgotten_payment_that_was_refunded_in_part(shop: Shop) -> None:
    restore = shop.store.back_up()
    shop.refund(shop.settled(), 30_00)
    restore()


def a_charge_that_came_after_the_horizon(shop: Shop) -> None:
    shop.fails("authorize", Fault.LOST_BEFORE)
    payment = shop.pay()
    for _ in range(20):
        shop.resolve(after=HORIZON / 4)
    assert shop.now(payment).operations[-1].state is OperationState.FAILED
    an_orphan(shop, 100_00, operation_id=payment.authorization.operation_id)


def a_second_charge(shop: Shop) -> None:
    an_orphan(shop, 100_00, operation_id=shop.pay().authorization.operation_id)


def a_second_refund(shop: Shop) -> None:
    payment = shop.refund(shop.settled(), 30_00)
    refund = payment.operations[-1]
    again = Refund(operation_id=refund.operation_id, transaction_id=refund.target_transaction_id, amount=refund.amount)
    assert isinstance(shop.real_gateway.refund(again, HELD), Approved)


MENDED: dict[Callable[[Shop], None], tuple[FindingKind, Remedy]] = {
    a_payment_that_settled: (FindingKind.MISMATCH, Remedy.VERIFY_PAYMENT),
    a_lost_answer: (FindingKind.MISMATCH, Remedy.CHECK_NOW),
    a_scheduled_refund_that_was_sent: (FindingKind.MISMATCH, Remedy.CHECK_NOW),
    a_forgotten_capture: (FindingKind.MISMATCH, Remedy.VERIFY_PAYMENT),
    a_forgotten_part_of_a_capture: (FindingKind.MISMATCH, Remedy.VERIFY_PAYMENT),
    a_forgotten_refund: (FindingKind.MISMATCH, Remedy.VERIFY_PAYMENT),
    a_refund_in_the_control_panel: (FindingKind.MISMATCH, Remedy.VERIFY_PAYMENT),
    a_forgotten_void: (FindingKind.MISMATCH, Remedy.VERIFY_PAYMENT),
    a_forgotten_payment: (FindingKind.ORPHAN, Remedy.REVERSE),
    a_forgotten_payment_that_settled: (FindingKind.ORPHAN, Remedy.REVERSE),
    a_forgotten_payment_that_was_refunded_in_part: (FindingKind.ORPHAN, Remedy.REVERSE),
    a_charge_that_came_after_the_horizon: (FindingKind.ORPHAN, Remedy.REVERSE),
    a_second_charge: (FindingKind.ORPHAN, Remedy.REVERSE),
    a_second_refund: (FindingKind.ORPHAN, Remedy.REVERSE),
}


def mend(shop: Shop, found: Finding) -> None:
    match found.remedy:
        case Remedy.VERIFY_PAYMENT:
            shop.verify_payment(str(found.payment_id), SHOP)
        case Remedy.CHECK_NOW:
            order = ResolveOperationCommand(
                request_id=a_request_id(), operation_id=str(found.operation_id), resolution=Resolution.CHECK_NOW
            )
            shop.resolve_operation(order, SHOP)
        case Remedy.REVERSE:
            assert FindingKind.ORPHAN_REVERSED in {one.kind for one in reconcile(shop, max_reversals=1)}


@pytest.mark.parametrize("differ", MENDED, ids=lambda differ: differ.__name__)
def test_the_call_that_a_difference_names_mends_it(differ: Callable[[Shop], None]) -> None:
    shop = Shop()
    shop.authorize()
    differ(shop)
    (found,) = reconcile(shop)
    assert (found.kind, found.remedy) == MENDED[differ]
    mend(shop, found)
    assert reconcile(shop) == []
    ledger = shop.real_gateway.all_transactions()
    assert reconcile(shop, max_reversals=10) == []
    assert shop.real_gateway.all_transactions() == ledger


def test_verifying_a_payment_mends_a_late_charge_too() -> None:
    shop = Shop()
    a_charge_that_came_after_the_horizon(shop)
    (found,) = reconcile(shop)
    shop.verify_payment(str(found.payment_id), SHOP)
    assert reconcile(shop) == []


def test_ledgers_that_agree_have_no_findings() -> None:
    shop = Shop()
    shop.refund(shop.settled(), 30_00)
    shop.capture(shop.authorize(), 30_00)
    shop.void(shop.pay())
    shop.pay(an_order(amount=usd(2000_00)))
    assert reconcile(shop) == []


# Strange transactions


@pytest.mark.parametrize("is_recorded", [False, True])
def test_a_transaction_that_cannot_be_read_is_reported_and_the_rest_is_compared(is_recorded: bool) -> None:
    shop = Shop()
    payment = shop.pay()
    strange = payment.authorization.transaction_id if is_recorded else "strange"
    shop.real_gateway.unreadable.append(Unreadable(strange, "", "sale, 10.00, BGN, settled (UnknownCurrency)"))
    an_orphan(shop)
    findings = reconcile(shop)
    assert [one.kind for one in findings] == [FindingKind.UNREADABLE, FindingKind.ORPHAN]
    assert (findings[0].transaction_id, findings[0].remedy) == (strange, None)
    assert findings[0].payment_id == (payment.terms.payment_id if is_recorded else None)
    assert "BGN" in findings[0].summary


@pytest.mark.parametrize(
    "order_id",
    ["", "somebody else's order", "op_00000000000000000000000999", "0000000000-op_00000000000000000000000999"],
)
def test_a_transaction_of_others_is_never_reversed(order_id: str) -> None:
    shop = Shop()
    shop.real_gateway.add_external_sale(order_id, Money(10_00, "USD"))
    ledger = shop.real_gateway.all_transactions()
    (found,) = reconcile(shop, max_reversals=10)
    assert (found.kind, found.remedy) == (FindingKind.FOREIGN, None)
    assert shop.real_gateway.all_transactions() == ledger


def test_a_bare_id_that_this_database_issued_is_known() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_BEFORE)
    payment = shop.pay()
    shop.real_gateway.add_external_sale(payment.authorization.operation_id, Money(100_00, "USD"))
    (found,) = reconcile(shop)
    assert (found.payment_id, found.remedy) == (payment.terms.payment_id, Remedy.CHECK_NOW)
    mend(shop, found)
    assert shop.now(payment).operations[-1].state is OperationState.SUCCEEDED
    assert reconcile(shop) == []


def test_a_refund_made_in_the_control_panel_is_no_second_transaction_of_its_sale() -> None:
    """It carries the order id of the sale."""
    shop = Shop()
    payment = shop.settled()
    by_hand = Refund(
        operation_id=payment.authorization.operation_id,
        transaction_id=payment.authorization.transaction_id,
        amount=Money(10_00, "USD"),
    )
    assert isinstance(shop.real_gateway.refund(by_hand, HELD), Approved)
    ledger = shop.real_gateway.all_transactions()
    assert {one.kind for one in reconcile(shop, max_reversals=10)} == {FindingKind.MISMATCH}
    assert shop.real_gateway.all_transactions() == ledger


@pytest.mark.parametrize("amounts", [(30_00, 20_00), (60_00, 40_00)])
@pytest.mark.parametrize("settled", [False, True])
def test_a_partly_captured_sale_is_explained_once_its_parts_are_refunded(
    amounts: tuple[int, int], settled: bool
) -> None:
    shop = Shop()
    parent = an_orphan(shop, 100_00, captures=False)
    parts = {a_part(shop, parent, amount) for amount in amounts}
    if settled:
        shop.real_gateway.settle()
    held = {parent} if sum(amounts) < 100_00 else set()
    assert {one.transaction_id for one in reconcile(shop)} == parts | held
    given_back = reconcile(shop, max_reversals=3)
    assert {one.transaction_id for one in given_back} == parts | held
    assert {one.kind for one in given_back} == {FindingKind.ORPHAN_REVERSED}
    assert reconcile(shop) == []


def test_a_forgotten_refund_that_has_not_settled_of_an_orphan_is_no_orphan() -> None:
    shop = Shop()
    transaction_id = an_orphan(shop)
    shop.real_gateway.settle()
    back = Refund(operation_id=FORGOTTEN, transaction_id=transaction_id, amount=Money(10_00, "USD"))
    assert isinstance(shop.real_gateway.refund(back, HELD), Approved)
    assert reconcile(shop) == []


def test_an_orphan_whose_reversal_had_no_answer_is_looked_at_again() -> None:
    shop = Shop()
    an_orphan(shop)
    shop.real_gateway.settle()
    shop.fails("refund", Fault.LOST_AFTER)
    (found,) = reconcile(shop, max_reversals=1)
    assert (found.kind, found.remedy) == (FindingKind.ORPHAN, Remedy.REVERSE)
    assert reconcile(shop, max_reversals=1) == []
    assert shop.effects() == 2


def test_an_effect_that_the_gateway_does_not_know_is_missing() -> None:
    shop, elsewhere = Shop(), Shop()
    payment = shop.pay()
    at_another_merchant = Reconcile(
        shop.store,
        elsewhere.gateway,
        ExplainTransactions(shop.store),
        ReverseOrphans(elsewhere.gateway, shop.ids, shop.leases, ExplainTransactions(shop.store)),
    )
    start, end = A_DAY
    told = at_another_merchant(ReconcileCommand(start=start, end=end))
    (found,) = [one for one in told if isinstance(one, Finding)]
    assert (found.kind, found.remedy) == (FindingKind.MISSING_AT_GATEWAY, None)
    assert found.payment_id == payment.terms.payment_id


def test_an_effect_that_a_search_does_not_show_yet_is_not_missing() -> None:
    shop = Shop(search_lag=timedelta(minutes=1))
    shop.pay()
    assert reconcile(shop) == []


# Limits


@pytest.mark.parametrize("settled", [False, True])
def test_an_orphan_is_given_back_when_asked(settled: bool) -> None:
    shop = Shop()
    transaction_id = an_orphan(shop)
    if settled:
        shop.real_gateway.settle()
    (found,) = reconcile(shop, max_reversals=1)
    assert found.kind is FindingKind.ORPHAN_REVERSED
    at_gateway = shop.real_gateway.find_transaction(transaction_id)
    assert at_gateway is not None
    assert (at_gateway.standing.status is TransactionStatus.VOIDED) is not settled
    assert bool(at_gateway.refund_ids) is settled


def test_an_orphan_that_the_record_has_learned_of_meanwhile_is_not_reversed() -> None:
    shop = Shop()
    an_orphan(shop)
    a_charge_that_came_after_the_horizon(shop)
    (late,) = shop.list_all()
    start, end = A_DAY
    order = ReconcileCommand(start=start, end=end, policy=OrphanPolicy.REVERSE, max_reversals=2)
    told = compare(shop)(order)
    # Both were judged by now.
    first = next(told)
    assert isinstance(first, Finding)
    assert first.kind is FindingKind.ORPHAN_REVERSED
    assert shop.verify(late).payment.state is PaymentState.CAPTURED
    *_, last = told
    assert isinstance(last, Progress)
    assert (last.orphan_count, last.reversed_count, last.finding_count) == (1, 1, 1)
    assert shop.verify(late).payment.state is PaymentState.CAPTURED
    assert reconcile(shop) == []


def test_a_process_that_hangs_after_it_judged_an_orphan_does_not_reverse_it() -> None:
    shop = Shop()
    transaction_id = an_orphan(shop)
    explain = ExplainTransactions(shop.store)

    def hang(page: Sequence[Transaction | Unreadable]) -> list[Finding | Orphan]:
        judged = explain(page)
        shop.wait(LEASE)
        return judged

    leases = LeasePolicy(LEASE, FIRST_CHECK, shop.clock.steady_seconds)
    reverse = ReverseOrphans(shop.gateway, shop.ids, leases, hang)
    start, end = A_DAY
    order = ReconcileCommand(start=start, end=end, policy=OrphanPolicy.REVERSE, max_reversals=1)
    with pytest.raises(GatewayNotReached):
        list(Reconcile(shop.store, shop.gateway, explain, reverse)(order))
    found = shop.real_gateway.find_transaction(transaction_id)
    assert found is not None
    assert found.standing.status is TransactionStatus.SUBMITTED


def test_more_orphans_than_allowed_and_none_is_reversed() -> None:
    shop = Shop()
    for number in range(3):
        an_orphan(shop, operation_id=OperationId(f"op_{number:026d}"))
    ledger = shop.real_gateway.all_transactions()
    with pytest.raises(TooManyOrphans) as refusal:
        reconcile(shop, max_reversals=2)
    assert (refusal.value.count, refusal.value.most) == (3, 2)
    assert shop.real_gateway.all_transactions() == ledger
    assert len(reconcile(shop, max_reversals=3)) == 3


def test_only_the_chosen_orphans_are_reversed_and_counted() -> None:
    shop = Shop()
    kept, chosen = (an_orphan(shop, operation_id=OperationId(f"op_{number:026d}")) for number in range(2))
    start, end = A_DAY
    order = ReconcileCommand(
        start=start, end=end, policy=OrphanPolicy.REVERSE, max_reversals=1, gateway_transaction_ids=[chosen]
    )
    told = [one for one in compare(shop)(order) if isinstance(one, Finding)]
    kinds = {one.transaction_id: one.kind for one in told}
    assert kinds == {kept: FindingKind.ORPHAN, chosen: FindingKind.ORPHAN_REVERSED}
    assert [one.transaction_id for one in reconcile(shop)] == [kept]
    unknown = replace(order, gateway_transaction_ids=["nobody"])
    assert [one.kind for one in compare(shop)(unknown) if isinstance(one, Finding)] == [FindingKind.ORPHAN]


def test_orphans_are_chosen_for_a_reversal_alone_and_up_to_a_hundred() -> None:
    right = ReconcileCommand(start=START, end=START + HOUR, gateway_transaction_ids=["one"])
    many = replace(
        right, policy=OrphanPolicy.REVERSE, max_reversals=1, gateway_transaction_ids=[str(n) for n in range(101)]
    )
    for order, rule in ((right, Rule.CONTRADICTS), (many, Rule.MAX_ENTRIES)):
        with pytest.raises(InvalidRequest) as refusal:
            compare(Shop())(order)
        assert [(one.field, one.rule) for one in refusal.value.violations] == [("gateway_transaction_ids", rule)]


def test_a_window_has_an_end_and_is_not_too_long_and_reversals_have_a_limit() -> None:
    right = ReconcileCommand(start=START, end=START + HOUR)
    wrong = {
        Rule.MAX_DAYS: replace(right, end=START + timedelta(days=32)),
        Rule.AFTER: replace(right, end=START),
        Rule.REQUIRED: replace(right, start=None),
        Rule.KNOWN_VALUE: replace(right, policy=None),
        Rule.NOT_NEGATIVE: replace(right, max_reversals=-1),
        Rule.AT_MOST: replace(right, max_reversals=10_001),
    }
    for rule, order in wrong.items():
        with pytest.raises(InvalidRequest) as refusal:
            compare(Shop())(order)
        assert [fault.rule for fault in refusal.value.violations] == [rule]
    with pytest.raises(InvalidRequest) as refusal:
        compare(Shop())(replace(right, policy=OrphanPolicy.REVERSE))
    assert [(fault.field, fault.rule) for fault in refusal.value.violations] == [("max_reversals", Rule.REQUIRED)]
