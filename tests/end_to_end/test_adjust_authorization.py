"""A held amount that changes before its capture, from outside."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import braintree
import grpc
import pytest

from adapters.braintree.settings import TwinEnvironment
from bayar.messages import (
    BayarClient,
    BayarError,
    CaptureMode,
    DeclineReason,
    OperationKind,
    OperationOrigin,
    OperationState,
    Payment,
    PaymentState,
)
from bayar.payments.v1.payment_service_pb2 import VerificationOutcome
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.payment_steps import pay, usd
from tests.end_to_end.service import Pair, until

AUTHORIZED = PaymentState.PAYMENT_STATE_AUTHORIZED
PENDING = PaymentState.PAYMENT_STATE_PENDING


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "2", "BAYAR_ABSENCE_HORIZON_SECONDS": "1"}


def hold(bayar: BayarClient, amount: str = "100.00", **more: Any) -> Payment:
    return pay(bayar, amount, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL, **more)


def at_gateway(pair: Pair, payment: Payment) -> str:
    (amount,) = {
        entry.amount for entry in pair.twin.control.ledger() if entry.id == payment.gateway_details.transaction_id
    }
    return amount


@pytest.mark.parametrize("amount", ["140.00", "60.00"])
def test_a_held_amount_changes_up_and_down(amount: str, bayar: BayarClient, pair: Pair) -> None:
    payment = bayar.adjust_authorization(payment_id=hold(bayar).payment_id, amount=usd(amount), note="a longer stay")
    assert payment.state == AUTHORIZED
    assert payment.authorized_amount == payment.capturable_amount == usd(amount)
    assert payment.amount == usd("100.00")
    assert payment.HasField("authorization_expire_time")
    operation = payment.operations[-1]
    assert (operation.kind, operation.state) == (
        OperationKind.OPERATION_KIND_ADJUST,
        OperationState.OPERATION_STATE_SUCCEEDED,
    )
    assert (operation.amount, operation.note) == (usd(amount), "a longer stay")
    assert at_gateway(pair, payment) == amount
    shown = CommandLine(pair.service.address).out("payments", "show", payment.payment_id)
    assert f"An adjustment of the authorization to USD {amount} is sent to the gateway. Note: a longer stay" in shown
    captured = bayar.capture_payment(payment_id=payment.payment_id)
    assert captured.captured_amount == usd(amount)
    assert bayar.verify_payment(payment_id=payment.payment_id).outcome == (
        VerificationOutcome.VERIFICATION_OUTCOME_MATCHES
    )


def test_the_bank_may_refuse_and_the_hold_stays(bayar: BayarClient, pair: Pair) -> None:
    payment = bayar.adjust_authorization(payment_id=hold(bayar).payment_id, amount=usd("2101.00"))
    assert (payment.state, payment.authorized_amount) == (AUTHORIZED, usd("100.00"))
    assert not payment.HasField("decline")
    operation = payment.operations[-1]
    assert operation.state == OperationState.OPERATION_STATE_DECLINED
    assert operation.decline.reason == DeclineReason.DECLINE_REASON_INSUFFICIENT_FUNDS
    assert operation.decline.customer_message.text
    assert at_gateway(pair, payment) == "100.00"


@pytest.mark.parametrize(
    ("prepare", "amount", "reason", "remedy"),
    [
        (hold, "100.00", "AMOUNT_ALREADY_AUTHORIZED", "whole amount"),
        (pay, "140.00", "PAYMENT_NOT_ADJUSTABLE", "a new payment"),
        (
            lambda bayar: bayar.capture_payment(payment_id=hold(bayar).payment_id, amount=usd("30.00")),
            "60.00",
            "PAYMENT_NOT_ADJUSTABLE",
            "VoidPayment releases",
        ),
        (
            lambda bayar: hold(bayar, payment_method_nonce="fake-paypal-one-time-nonce"),
            "140.00",
            "PAYMENT_NOT_ADJUSTABLE",
            "second payment",
        ),
    ],
    ids=["the same amount", "captured", "captured in part", "a wallet account"],
)
def test_a_hold_that_cannot_change_says_so_with_a_remedy(
    prepare: Callable[..., Payment], amount: str, reason: str, remedy: str, bayar: BayarClient
) -> None:
    payment = prepare(bayar) if prepare is not pay else pay(bayar, "100.00")
    with pytest.raises(BayarError) as refused:
        bayar.adjust_authorization(payment_id=payment.payment_id, amount=usd(amount))
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, reason)
    assert remedy in str(refused.value)


def test_after_partial_captures_one_call_releases_the_rest(bayar: BayarClient) -> None:
    payment = hold(bayar)
    for amount in ("30.00", "20.00"):
        bayar.capture_payment(payment_id=payment.payment_id, amount=usd(amount))
    released = bayar.void_payment(payment_id=payment.payment_id)
    assert (released.captured_amount, released.capturable_amount) == (usd("50.00"), usd("0.00"))
    assert released.operations[-1].amount == usd("50.00")


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "delay"])
def test_a_lost_answer_becomes_known(fault: str, bayar: BayarClient, pair: Pair) -> None:
    payment, request_id = hold(bayar), str(uuid.uuid4())
    path = f"/transactions/{payment.gateway_details.transaction_id}/adjust_authorization"
    more = {"seconds": 3.0} if fault == "delay" else {}
    pair.twin.control.add_fault(fault, method="PUT", path=path, next=1, **more)  # type: ignore[arg-type]

    def adjust() -> Payment:
        return bayar.adjust_authorization(payment_id=payment.payment_id, amount=usd("140.00"), request_id=request_id)

    assert adjust().state == PENDING

    def known() -> Payment | None:
        now = bayar.get_payment(payment_id=payment.payment_id)
        return now if now.state != PENDING else None

    found = until(known, what="the outcome")
    assert (found.state, usd(at_gateway(pair, payment))) == (AUTHORIZED, found.authorized_amount)
    assert found.authorized_amount == usd("100.00" if fault == "reset_before" else "140.00")
    if fault != "reset_before":
        assert adjust() == found


def test_changes_at_once_take_turns(bayar: BayarClient, pair: Pair) -> None:
    payment = hold(bayar)

    def adjust(amount: int) -> str:
        try:
            bayar.adjust_authorization(payment_id=payment.payment_id, amount=usd(f"{amount}.00"))
        except BayarError as refused:
            return refused.reason
        return "adjusted"

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(adjust, range(101, 107)))
    assert "adjusted" in answers
    assert answers <= {"adjusted", "OPERATION_IN_PROGRESS"}
    now = bayar.get_payment(payment_id=payment.payment_id)
    assert usd(at_gateway(pair, payment)) == now.authorized_amount == now.operations[-1].amount


def test_a_change_in_the_control_panel_is_seen(bayar: BayarClient, pair: Pair) -> None:
    twin, payment = pair.twin, hold(bayar)
    panel = braintree.BraintreeGateway(
        braintree.Configuration(
            TwinEnvironment(twin.url, str(twin.ca_file)), twin.merchant_id, twin.public_key, twin.private_key
        )
    )
    panel.transaction.adjust_authorization(payment.gateway_details.transaction_id, "140.00")
    answer = bayar.verify_payment(payment_id=payment.payment_id)
    assert answer.outcome == VerificationOutcome.VERIFICATION_OUTCOME_REPAIRED
    assert [(one.field, one.recorded, one.at_gateway) for one in answer.differences] == [
        ("amount", "USD 100.00", "USD 140.00")
    ]
    operation = answer.payment.operations[-1]
    assert operation.kind == OperationKind.OPERATION_KIND_ADJUST
    assert operation.origin == OperationOrigin.OPERATION_ORIGIN_OUTSIDE
    assert answer.payment.authorized_amount == usd("140.00")
    *_, event = bayar.list_payment_events(payment_id=payment.payment_id)
    assert "to USD 140.00 was made at the gateway by somebody else" in event.summary
