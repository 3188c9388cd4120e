"""The gateway contract: transactions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from application.ports.gateway import (
    Capture,
    Declined,
    Gateway,
    GatewayNotReached,
    NewMethod,
    Nonce,
    Refund,
    Rejected,
    StoredMethod,
    TransactionKind,
    Void,
)
from domain.decline import DeclineReason
from domain.ids import CustomerId, OperationId, PaymentMethodId
from domain.instrument import CardExpiry, InstrumentKind
from domain.transaction import TransactionStatus
from tests.contract.gateway_setup import (
    GIVEN_UP,
    VISA,
    GatewaySetup,
    a_customer,
    a_settled_sale,
    adjust,
    an_id,
    an_operation_id,
    approved,
    authorize,
    capture,
    refund,
    status_of,
    usd,
    void,
)
from tests.fakes.runtime import HELD, OVER

# The lease


@pytest.mark.parametrize(
    "change",
    [
        lambda gateway: authorize(gateway, operation_id=GIVEN_UP, lease=OVER),
        lambda gateway: gateway.store_method(
            NewMethod(payment_method_id=PaymentMethodId("pm_x"), customer_id=CustomerId("cus_x"), source=VISA), OVER
        ),
        lambda gateway: gateway.ensure_customer(a_customer(), OVER),
        lambda gateway: gateway.delete_method("pm_x", OVER),
        lambda gateway: gateway.accept_dispute("dispute", OVER),
    ],
    ids=["authorize", "store a method", "ensure a customer", "delete a method", "accept a dispute"],
)
def test_nothing_is_changed_once_the_lease_is_over(setup: GatewaySetup, change: Callable[[Gateway], object]) -> None:
    with pytest.raises(GatewayNotReached):
        change(setup.gateway)
    assert setup.gateway.find_by_operation(GIVEN_UP) == []


# Authorizing


def test_an_authorization_holds_the_amount_and_shows_what_paid(setup: GatewaySetup) -> None:
    operation_id = an_operation_id()
    sale = approved(authorize(setup.gateway, 10_50, operation_id=operation_id))
    assert (sale.kind, sale.amount, sale.order_id) == (TransactionKind.SALE, usd(10_50), operation_id)
    assert sale.standing.status is TransactionStatus.AUTHORIZED
    assert sale.instrument is not None
    assert (sale.instrument.kind, sale.instrument.last_four) == (InstrumentKind.CARD, "1111")
    assert sale.instrument.expiry == CardExpiry(2035, 12)


def test_one_that_captures_at_once_is_submitted(setup: GatewaySetup) -> None:
    assert approved(authorize(setup.gateway, captures=True)).standing.status is TransactionStatus.SUBMITTED


@pytest.mark.parametrize(
    ("amount", "reason"),
    [(2001_00, DeclineReason.INSUFFICIENT_FUNDS), (2004_00, DeclineReason.CARD_EXPIRED),
     (3000_00, DeclineReason.NETWORK_UNAVAILABLE)],
)  # fmt: skip
def test_a_decline_is_an_answer_with_a_reason_and_is_found_again(
    setup: GatewaySetup, amount: int, reason: DeclineReason
) -> None:
    operation_id = an_operation_id()
    outcome = authorize(setup.gateway, amount, operation_id=operation_id)
    assert isinstance(outcome, Declined)
    assert outcome.decline.reason is reason
    (found,) = setup.gateway.find_by_operation(operation_id)
    assert found.decline == outcome.decline
    assert not found.standing.status.is_open


def test_a_nonce_pays(setup: GatewaySetup) -> None:
    assert approved(authorize(setup.gateway, source=Nonce("fake-valid-nonce"))).instrument is not None


def test_a_nonce_that_was_used_is_declined(setup: GatewaySetup) -> None:
    assert isinstance(authorize(setup.gateway, source=Nonce("fake-consumed-nonce")), Declined)


def test_an_unknown_method_does_not_pay(setup: GatewaySetup) -> None:
    outcome = authorize(setup.gateway, source=StoredMethod(an_id("pm")))
    assert isinstance(outcome, Declined | Rejected)


# Capturing


def test_a_whole_capture_submits_the_same_transaction(setup: GatewaySetup) -> None:
    sale = approved(authorize(setup.gateway))
    captured = approved(capture(setup.gateway, sale, 8_00, in_part=False))
    assert captured.transaction_id == sale.transaction_id
    assert (captured.amount, captured.standing.status) == (usd(8_00), TransactionStatus.SUBMITTED)


def test_a_partial_capture_is_a_transaction_of_its_own(setup: GatewaySetup) -> None:
    sale = approved(authorize(setup.gateway))
    part = approved(capture(setup.gateway, sale, 4_00, in_part=True))
    assert part.transaction_id != sale.transaction_id
    assert (part.amount, part.authorized_transaction_id) == (usd(4_00), sale.transaction_id)
    assert [t.transaction_id for t in setup.gateway.find_by_operation(OperationId(part.order_id))] == [
        part.transaction_id
    ]
    assert status_of(setup.gateway, sale) is TransactionStatus.PARTIALLY_CAPTURED
    approved(capture(setup.gateway, sale, 6_00, in_part=True))
    assert isinstance(capture(setup.gateway, sale, 1, in_part=True), Rejected)


def test_more_than_was_authorized_is_not_captured(setup: GatewaySetup) -> None:
    sale = approved(authorize(setup.gateway))
    for in_part in (False, True):
        assert isinstance(capture(setup.gateway, sale, 10_01, in_part=in_part), Rejected)
    assert status_of(setup.gateway, sale) is TransactionStatus.AUTHORIZED


def test_a_second_capture_of_a_captured_sale_is_refused(setup: GatewaySetup) -> None:
    sale = approved(authorize(setup.gateway, captures=True))
    assert isinstance(capture(setup.gateway, sale, 10_00, in_part=False), Rejected)


# Voiding


@pytest.mark.parametrize("captures", [False, True])
def test_a_void_cancels_an_unsettled_sale(setup: GatewaySetup, captures: bool) -> None:
    sale = approved(authorize(setup.gateway, captures=captures))
    voided = approved(void(setup.gateway, sale))
    assert (voided.transaction_id, voided.standing.status) == (sale.transaction_id, TransactionStatus.VOIDED)
    assert isinstance(void(setup.gateway, sale), Rejected)


def test_a_settled_sale_is_not_voided(setup: GatewaySetup) -> None:
    assert isinstance(void(setup.gateway, a_settled_sale(setup)), Rejected)


def test_a_void_after_a_partial_capture_releases_the_rest_and_keeps_the_part(setup: GatewaySetup) -> None:
    sale = approved(authorize(setup.gateway))
    part = approved(capture(setup.gateway, sale, 4_00, in_part=True))
    assert approved(void(setup.gateway, sale)).standing.status is TransactionStatus.VOIDED
    assert status_of(setup.gateway, part) is TransactionStatus.SUBMITTED
    assert isinstance(capture(setup.gateway, sale, 1_00, in_part=True), Rejected)
    assert isinstance(void(setup.gateway, sale), Rejected)


def test_a_settlement_that_paypal_holds_up_is_voided_and_not_refunded(setup: GatewaySetup) -> None:
    sale = approved(authorize(setup.gateway, 4002_00, captures=True, source=Nonce("fake-paypal-one-time-nonce")))
    setup.settle(sale.transaction_id)
    assert status_of(setup.gateway, sale) is TransactionStatus.SETTLEMENT_PENDING
    assert isinstance(refund(setup.gateway, sale, 1_00), Rejected)
    assert approved(void(setup.gateway, sale)).standing.status is TransactionStatus.VOIDED


# Refunding


def test_a_refund_is_a_credit_of_its_own(setup: GatewaySetup) -> None:
    sale, operation_id = a_settled_sale(setup), an_operation_id()
    credit = approved(refund(setup.gateway, sale, 4_00, operation_id))
    assert (credit.kind, credit.amount) == (TransactionKind.CREDIT, usd(4_00))
    assert credit.refunded_transaction_id == sale.transaction_id
    assert [t.transaction_id for t in setup.gateway.find_by_operation(operation_id)] == [credit.transaction_id]
    found = setup.gateway.find_transaction(sale.transaction_id)
    assert found is not None
    assert found.refund_ids == (credit.transaction_id,)
    assert found.standing.settle_time is not None


def test_refunds_never_exceed_the_sale(setup: GatewaySetup) -> None:
    sale = a_settled_sale(setup)
    approved(refund(setup.gateway, sale, 6_00))
    assert isinstance(refund(setup.gateway, sale, 4_01), Rejected)
    approved(refund(setup.gateway, sale, 4_00))
    assert isinstance(refund(setup.gateway, sale, 1), Rejected)


def test_an_unsettled_sale_is_not_refunded(setup: GatewaySetup) -> None:
    sale = approved(authorize(setup.gateway, captures=True))
    assert isinstance(refund(setup.gateway, sale, 1_00), Rejected)


def test_a_credit_is_not_refunded(setup: GatewaySetup) -> None:
    credit = approved(refund(setup.gateway, a_settled_sale(setup), 4_00))
    assert isinstance(refund(setup.gateway, credit, 1_00), Rejected)


def test_a_refund_can_be_declined(setup: GatewaySetup) -> None:
    sale = a_settled_sale(setup, 6000_00)
    outcome = refund(setup.gateway, sale, 2004_00)
    assert isinstance(outcome, Declined)
    assert outcome.decline.reason is DeclineReason.REFUND_REFUSED


# Asked about what is not there


def test_an_unknown_transaction_is_no_error(setup: GatewaySetup) -> None:
    gateway = setup.gateway
    assert gateway.find_transaction("0nobody0") is None
    assert gateway.find_transactions(["0nobody0"]) == []
    assert gateway.find_transactions([]) == []
    assert gateway.find_by_operation(an_operation_id()) == []
    assert gateway.find_method("0nobody0") is None


def test_a_change_to_an_unknown_transaction_is_rejected(setup: GatewaySetup) -> None:
    gateway, operation_id = setup.gateway, an_operation_id()
    outcomes = (
        gateway.capture(Capture(operation_id=operation_id, transaction_id="0n0", amount=usd(1), in_part=False), HELD),
        gateway.capture(Capture(operation_id=operation_id, transaction_id="0n0", amount=usd(1), in_part=True), HELD),
        gateway.void(Void(operation_id=operation_id, transaction_id="0n0"), HELD),
        gateway.refund(Refund(operation_id=operation_id, transaction_id="0n0", amount=usd(1)), HELD),
    )
    assert all(isinstance(outcome, Rejected) for outcome in outcomes), outcomes


def test_many_transactions_are_found_at_once(setup: GatewaySetup) -> None:
    sales = [approved(authorize(setup.gateway, captures=True)) for _ in range(3)]
    found = setup.gateway.find_transactions([sale.transaction_id for sale in sales])
    assert {t.transaction_id for t in found} == {sale.transaction_id for sale in sales}


# Changes of the authorized amount


@pytest.mark.parametrize("amount", [14_00, 6_00])
def test_an_authorized_amount_changes_up_and_down(setup: GatewaySetup, amount: int) -> None:
    sale = approved(authorize(setup.gateway))
    adjusted = approved(adjust(setup.gateway, sale, amount))
    assert (adjusted.transaction_id, adjusted.order_id) == (sale.transaction_id, sale.order_id)
    assert (adjusted.amount, adjusted.standing.status) == (usd(amount), TransactionStatus.AUTHORIZED)
    (entry,) = adjusted.adjustments
    assert (entry.change, entry.succeeded, entry.decline) == (usd(amount - 10_00), True, None)
    assert (adjusted.standing.adjustment_count, sale.standing.adjustment_count) == (1, 0)
    assert setup.gateway.find_transaction(sale.transaction_id) == adjusted
    assert isinstance(capture(setup.gateway, sale, amount + 1, in_part=False), Rejected)
    approved(capture(setup.gateway, sale, amount, in_part=False))


def test_the_same_amount_again_changes_nothing(setup: GatewaySetup) -> None:
    sale = approved(authorize(setup.gateway))
    assert approved(adjust(setup.gateway, sale, 14_00)) == approved(adjust(setup.gateway, sale, 14_00))


def test_a_declined_change_leaves_the_amount_and_is_listed(setup: GatewaySetup) -> None:
    sale = approved(authorize(setup.gateway))
    outcome = adjust(setup.gateway, sale, 2011_00)
    assert isinstance(outcome, Declined)
    assert outcome.decline.reason is DeclineReason.INSUFFICIENT_FUNDS
    assert outcome.details.processor_response_code == "2001"
    found = setup.gateway.find_transaction(sale.transaction_id)
    assert found is not None
    assert (found.amount, found.standing) == (sale.amount, sale.standing)
    (entry,) = found.adjustments
    assert (entry.change, entry.succeeded, entry.decline) == (usd(2001_00), False, outcome.decline)


def test_only_a_card_that_is_authorized_and_not_captured_can_change(setup: GatewaySetup) -> None:
    by_wallet = approved(authorize(setup.gateway, source=Nonce("fake-paypal-one-time-nonce")))
    captured = approved(authorize(setup.gateway, captures=True))
    in_part = approved(authorize(setup.gateway))
    capture(setup.gateway, in_part, 4_00, in_part=True)
    for sale, code in ((by_wallet, "915219"), (captured, "915218"), (in_part, "915218")):
        outcome = adjust(setup.gateway, sale, 14_00)
        assert isinstance(outcome, Rejected)
        assert outcome.details.validation_code == code
