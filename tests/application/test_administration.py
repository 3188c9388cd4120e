"""What administrators do: unresolved operations, resolution by hand, reconciliation, exports."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.errors import ContradictedByGateway, InvalidRequest, NotFound, OperationAlreadyResolved, Rule
from application.export_payments import ExportPayments
from application.list_unresolved_operations import ListUnresolvedOperations
from application.page_tokens import PageTokens
from application.ports.gateway import Approved, Authorization
from application.reconcile import Finding, FindingKind, OrphanPolicy, Progress, Reconcile
from application.resolve_operation import Resolution, ResolutionOrder, ResolveOperation
from domain.ids import OperationId
from domain.instrument import Card, CardExpiry
from domain.money import Money
from domain.operation import FailureReason, OperationState
from domain.payment import Payment
from domain.transaction import TransactionStatus
from domain.transitions import PaymentState
from tests.application.shop import SHOP, Shop, a_request_id, an_order, usd
from tests.fakes.memory_gateway import Fault
from tests.fakes.runtime import START

HOUR = timedelta(hours=1)
A_DAY = (START - HOUR, START + timedelta(days=1))


def resolve(shop: Shop, payment: Payment, resolution: Resolution, transaction_id: str = "", **changes: str) -> Payment:
    order = ResolutionOrder(
        request_id=changes.get("request_id") or a_request_id(),
        operation_id=payment.operations[-1].operation_id,
        resolution=resolution,
        gateway_transaction_id=transaction_id,
        reason=changes.get("reason", "seen in the control panel"),
    )
    return ResolveOperation(shop.store, shop.gateway, shop.once, shop.resolver)(order, SHOP)


def a_lost_payment(shop: Shop, fault: Fault) -> Payment:
    shop.fails("authorize", fault)
    return shop.pay()


def reconcile(shop: Shop, policy: OrphanPolicy = OrphanPolicy.REPORT) -> list[Finding]:
    told = list(Reconcile(shop.store, shop.gateway, shop.ids)(*A_DAY, policy))
    assert isinstance(told[-1], Progress)
    assert told[-1].is_done
    findings = [one for one in told if isinstance(one, Finding)]
    assert told[-1].finding_count == len(findings)
    return findings


def an_orphan(shop: Shop, order_id: str) -> str:
    """Money at the gateway that no row explains."""
    outcome = shop.real_gateway.authorize(
        Authorization(
            operation_id=OperationId(order_id),
            amount=Money(10_00, "USD"),
            source=Card("4111111111111111", CardExpiry(2035, 1)),
            captures=True,
        )
    )
    assert isinstance(outcome, Approved)
    return outcome.transaction.transaction_id


def test_what_is_unresolved_is_listed_oldest_first() -> None:
    shop = Shop()
    lost = [a_lost_payment(shop, Fault.LOST_BEFORE) for _ in range(3)]
    shop.pay()
    unresolved = ListUnresolvedOperations(shop.store, PageTokens(b"key"))
    page, token = unresolved(None, page_size=2)
    rest, end = unresolved(None, page_size=2, page_token=token)
    listed = [one.payment.terms.payment_id for one in page + rest]
    assert listed == [payment.terms.payment_id for payment in lost]
    assert not end
    assert unresolved(START) == ([], "")


def test_an_administrator_can_ask_now() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    request_id = a_request_id()
    for _ in range(2):
        resolved = resolve(shop, payment, Resolution.CHECK_NOW, request_id=request_id)
        assert resolved.state is PaymentState.CAPTURED


def test_an_administrator_can_close_what_the_gateway_does_not_know() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    closed = resolve(shop, payment, Resolution.FAILED)
    assert closed.operations[-1].failure_reason is FailureReason.CLOSED_BY_ADMINISTRATOR
    with pytest.raises(OperationAlreadyResolved):
        resolve(shop, payment, Resolution.FAILED)


def test_an_administrator_cannot_close_what_happened() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    with pytest.raises(ContradictedByGateway):
        resolve(shop, payment, Resolution.FAILED)
    assert shop.now(payment).state is PaymentState.PENDING


def test_an_administrator_can_name_the_transaction_but_not_any() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    mine = shop.real_gateway.all_transactions()[-1].transaction_id
    with pytest.raises(ContradictedByGateway):
        resolve(shop, payment, Resolution.SUCCEEDED, "bt999")
    assert resolve(shop, payment, Resolution.SUCCEEDED, mine).state is PaymentState.CAPTURED


def test_a_resolution_by_hand_has_a_reason() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_BEFORE)
    with pytest.raises(InvalidRequest) as refusal:
        resolve(shop, payment, Resolution.SUCCEEDED, reason="")
    assert {fault.field for fault in refusal.value.faults} == {"reason", "gateway_transaction_id"}


def test_an_operation_that_does_not_exist_is_not_found() -> None:
    shop = Shop()
    order = ResolutionOrder(request_id=a_request_id(), operation_id="op_00000000000000000000000999")
    with pytest.raises(NotFound):
        ResolveOperation(shop.store, shop.gateway, shop.once, shop.resolver)(order, SHOP)


# Both ledgers


def test_two_ledgers_that_agree_have_no_findings() -> None:
    shop = Shop()
    shop.refund(shop.settled(), 30_00)
    shop.capture(shop.authorize(), 30_00)
    shop.void(shop.pay())
    shop.pay(an_order(amount=usd(2000_00)))
    assert reconcile(shop) == []


def test_money_that_no_row_explains_is_reported_and_left_alone() -> None:
    shop = Shop()
    transaction_id = an_orphan(shop, "op_00000000000000000000000999")
    (finding,) = reconcile(shop)
    assert (finding.kind, finding.transaction_id) == (FindingKind.ORPHAN, transaction_id)
    assert shop.effects() == 1


@pytest.mark.parametrize("settled", [False, True])
def test_an_orphan_of_ours_is_given_back_when_asked(settled: bool) -> None:
    shop = Shop()
    transaction_id = an_orphan(shop, "op_00000000000000000000000999")
    if settled:
        shop.real_gateway.settle()
    (finding,) = reconcile(shop, OrphanPolicy.REVERSE)
    assert finding.kind is FindingKind.ORPHAN_REVERSED
    found = shop.real_gateway.find_transaction(transaction_id)
    assert found is not None
    assert (found.standing.status is TransactionStatus.VOIDED) is not settled
    assert bool(found.refund_ids) is settled


@pytest.mark.parametrize(
    "order_id",
    ["", "somebody else's order", "op_00000000000000000000000999", "0000000000-op_00000000000000000000000999"],
)
def test_a_transaction_of_others_is_never_reversed(order_id: str) -> None:
    shop = Shop()
    shop.real_gateway.sell_for_others(order_id, Money(10_00, "USD"))
    ledger = shop.real_gateway.all_transactions()
    (finding,) = reconcile(shop, OrphanPolicy.REVERSE)
    assert finding.kind is FindingKind.ORPHAN
    assert shop.real_gateway.all_transactions() == ledger


def test_what_is_not_recorded_yet_is_no_orphan() -> None:
    shop = Shop()
    payment = a_lost_payment(shop, Fault.LOST_AFTER)
    (finding,) = reconcile(shop, OrphanPolicy.REVERSE)
    assert (finding.kind, finding.payment_id) == (FindingKind.MISMATCH, payment.terms.payment_id)
    assert shop.now(payment).operations[-1].state is OperationState.STARTED
    assert shop.effects() == 1


def test_a_record_that_fell_behind_is_a_mismatch() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.real_gateway.settle()
    assert [finding.kind for finding in reconcile(shop)] == [FindingKind.MISMATCH]
    shop.verify(payment)
    assert reconcile(shop) == []


def test_a_window_has_an_end_and_is_not_too_long() -> None:
    shop = Shop()
    compare = Reconcile(shop.store, shop.gateway, shop.ids)
    for start, end, rule in (
        (START, START + timedelta(days=32), Rule.MAX_DAYS),
        (START, START, Rule.AFTER),
        (None, START, Rule.REQUIRED),
    ):
        with pytest.raises(InvalidRequest) as refusal:
            compare(start, end, OrphanPolicy.REPORT)
        assert refusal.value.faults[0].rule is rule


def test_an_export_holds_every_payment_of_the_window_oldest_first() -> None:
    shop = Shop()
    payments = [shop.pay() for _ in range(3)]
    pages = ExportPayments(shop.store)(*A_DAY)
    exported = [payment.terms.payment_id for page in pages for payment in page]
    assert exported == [payment.terms.payment_id for payment in payments]
    assert not list(ExportPayments(shop.store)(START - HOUR, START))
    with pytest.raises(InvalidRequest):
        ExportPayments(shop.store)(START, None)


@pytest.mark.parametrize("settled", [False, True])
def test_reconciling_again_leaves_a_reversal_as_it_is(settled: bool) -> None:
    shop = Shop()
    an_orphan(shop, "op_00000000000000000000000999")
    if settled:
        shop.real_gateway.settle()
    reconcile(shop, OrphanPolicy.REVERSE)
    ledger = shop.real_gateway.all_transactions()
    for _ in range(2):
        reconcile(shop, OrphanPolicy.REVERSE)
        assert shop.real_gateway.all_transactions() == ledger
