"""External operations, made in the gateway's control panel, are shown with their origin."""

from __future__ import annotations

from typing import Any

import braintree
import pytest

from adapters.braintree.settings import TwinEnvironment
from bayar.messages import (
    BayarClient,
    BayarError,
    CaptureMode,
    OperationKind,
    OperationOrigin,
    OperationState,
    Payment,
    PaymentEventType,
    PaymentFunds,
    PaymentState,
)
from bayar.payments.v1.payment_service_pb2 import VerificationOutcome
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.payment_steps import pay, usd
from tests.end_to_end.service import Pair

OUTSIDE = OperationOrigin.OPERATION_ORIGIN_OUTSIDE


@pytest.fixture
def panel(pair: Pair) -> Any:
    """Another client of the same merchant."""
    twin = pair.twin
    return braintree.BraintreeGateway(
        braintree.Configuration(
            TwinEnvironment(twin.url, str(twin.ca_file)), twin.merchant_id, twin.public_key, twin.private_key
        )
    )


def settled(bayar: BayarClient, pair: Pair, amount: str) -> Payment:
    payment = pay(bayar, amount)
    pair.twin.control.settle()
    return bayar.verify_payment(payment_id=payment.payment_id).payment


def test_a_refund_in_the_control_panel_is_seen_and_the_rest_can_be_given_back(
    bayar: BayarClient, pair: Pair, panel: Any
) -> None:
    payment = settled(bayar, pair, "81.00")
    credit = panel.transaction.refund(payment.gateway_details.transaction_id, "50.00").transaction

    answer = bayar.verify_payment(payment_id=payment.payment_id)

    assert answer.outcome == VerificationOutcome.VERIFICATION_OUTCOME_REPAIRED
    assert [(one.field, one.recorded, one.at_gateway) for one in answer.differences] == [
        ("refund", "none", "USD 50.00")
    ]
    seen = answer.payment
    assert (seen.refunded_amount, seen.refundable_amount) == (usd("50.00"), usd("31.00"))
    operation = seen.operations[-1]
    assert (operation.origin, operation.gateway_transaction_id) == (OUTSIDE, credit.id)
    assert seen.operations[0].origin == OperationOrigin.OPERATION_ORIGIN_SERVICE
    events = list(bayar.list_payment_events(payment_id=payment.payment_id))
    [told] = [one for one in events if one.actor == "gateway"]
    assert told.type == PaymentEventType.PAYMENT_EVENT_TYPE_OUTSIDE_OPERATION_RECORDED
    assert (told.amount, told.operation_kind) == (usd("50.00"), OperationKind.OPERATION_KIND_REFUND)
    assert credit.id in told.summary
    again = bayar.verify_payment(payment_id=payment.payment_id)
    assert again.outcome == VerificationOutcome.VERIFICATION_OUTCOME_MATCHES
    assert bayar.refund_payment(payment_id=payment.payment_id).operations[-1].amount == usd("31.00")


def test_a_refund_asks_the_gateway_first_and_offers_what_others_left(
    bayar: BayarClient, pair: Pair, panel: Any
) -> None:
    payment = settled(bayar, pair, "81.00")
    panel.transaction.refund(payment.gateway_details.transaction_id, {"amount": "50.00", "order_id": "panel-1"})
    with pytest.raises(BayarError) as raised:
        bayar.refund_payment(payment_id=payment.payment_id, amount=usd("40.00"))
    assert raised.value.reason == "AMOUNT_EXCEEDS_REFUNDABLE"
    assert raised.value.metadata["available_minor_units"] == "3100"
    panel.transaction.refund(payment.gateway_details.transaction_id)

    with pytest.raises(BayarError) as raised:
        bayar.refund_payment(payment_id=payment.payment_id)

    assert raised.value.reason == "PAYMENT_NOT_REFUNDABLE"
    assert bayar.get_payment(payment_id=payment.payment_id).funds == PaymentFunds.PAYMENT_FUNDS_RETURNED


def test_captures_and_voids_in_the_control_panel_are_seen(bayar: BayarClient, panel: Any) -> None:
    held = pay(bayar, "100.00", capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    parent = held.gateway_details.transaction_id
    part = panel.transaction.submit_for_partial_settlement(parent, "30.00").transaction
    payment = bayar.verify_payment(payment_id=held.payment_id).payment
    assert (payment.captured_amount, payment.capturable_amount) == (usd("30.00"), usd("70.00"))
    assert (payment.operations[-1].origin, payment.operations[-1].gateway_transaction_id) == (OUTSIDE, part.id)
    for transaction_id in (part.id, parent):
        assert panel.transaction.void(transaction_id).is_success

    payment = bayar.verify_payment(payment_id=held.payment_id).payment

    assert (payment.state, payment.funds) == (PaymentState.PAYMENT_STATE_VOIDED, PaymentFunds.PAYMENT_FUNDS_RETURNED)
    voids = [one for one in payment.operations if one.kind == OperationKind.OPERATION_KIND_VOID]
    assert [one.origin for one in voids] == [OUTSIDE, OUTSIDE]
    assert bayar.verify_payment(payment_id=held.payment_id).outcome == VerificationOutcome.VERIFICATION_OUTCOME_MATCHES


def test_a_scheduled_refund_that_no_longer_fits_ends_with_its_reason(
    bayar: BayarClient, pair: Pair, panel: Any
) -> None:
    paid = pay(bayar, "100.00")
    bayar.refund_payment(payment_id=paid.payment_id, amount=usd("60.00"))
    pair.twin.control.settle()
    panel.transaction.refund(paid.gateway_details.transaction_id, "50.00")

    payment = bayar.verify_payment(payment_id=paid.payment_id).payment

    ours = payment.operations[1]
    assert ours.state == OperationState.OPERATION_STATE_FAILED
    assert "50.00 of USD 60.00 is left" in ours.failure_detail
    assert (payment.refunded_amount, payment.refund_pending_amount) == (usd("50.00"), usd("0.00"))


def test_the_command_line_shows_external_operations(bayar: BayarClient, pair: Pair, panel: Any) -> None:
    payment = settled(bayar, pair, "81.00")
    panel.transaction.refund(payment.gateway_details.transaction_id, "50.00")
    cli = CommandLine(pair.service.address)
    assert "The gateway knew more or other." in cli.out("payments", "verify", payment.payment_id)

    shown = " ".join(cli.out("payments", "show", payment.payment_id).split())

    assert "still refundable USD 31.00" in shown
    assert "made at the gateway by somebody else" in shown
