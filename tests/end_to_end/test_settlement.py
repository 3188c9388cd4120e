"""Settlement polling, disputes and payouts."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import braintree
import pytest

from adapters.braintree.settings import TwinEnvironment
from bayar.messages import BayarClient, BayarError, CaptureMode, Payment, PaymentFunds, PaymentState
from bayar.payments.v1.payment_service_pb2 import VerificationOutcome
from tests.end_to_end.payment_steps import a_card, pay, usd
from tests.end_to_end.service import Pair, until

# A card whose bank disputes each payment at once.
DISPUTED: Final = "4023898493988028"


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"BAYAR_FOLLOW_INTERVAL_SECONDS": "1"}


def dispute_of(payment: Payment, pair: Pair) -> str:
    twin = pair.twin
    gateway = braintree.BraintreeGateway(
        braintree.Configuration(
            TwinEnvironment(twin.url, str(twin.ca_file)), twin.merchant_id, twin.public_key, twin.private_key
        )
    )
    [dispute] = gateway.transaction.find(payment.gateway_details.transaction_id).disputes
    return str(dispute.id)


def test_a_dispute_reduces_the_refundable_amount_until_it_is_won(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(bayar, "30.00", card=a_card(DISPUTED))
    assert payment.funds == PaymentFunds.PAYMENT_FUNDS_DISPUTED
    assert (payment.disputed_amount, payment.refundable_amount) == (usd("30.00"), usd("0.00"))
    summaries = [event.summary for event in bayar.list_payment_events(payment_id=payment.payment_id)]
    assert "claims USD 30.00 back" in summaries[-1]
    pair.twin.control.settle()
    assert bayar.verify_payment(payment_id=payment.payment_id).payment.funds == PaymentFunds.PAYMENT_FUNDS_DISPUTED
    with pytest.raises(BayarError) as raised:
        bayar.refund_payment(payment_id=payment.payment_id)
    assert raised.value.reason == "PAYMENT_DISPUTED"
    pair.twin.control.move_dispute(dispute_of(payment, pair), "won")
    answer = bayar.verify_payment(payment_id=payment.payment_id)
    assert answer.outcome == VerificationOutcome.VERIFICATION_OUTCOME_REPAIRED
    assert [(d.field, d.recorded, d.at_gateway) for d in answer.differences] == [
        ("disputed_amount", "USD 30.00", "none")
    ]
    assert answer.payment.refundable_amount == usd("30.00")


def test_a_few_searches_follow_many_payments_to_their_end(bayar: BayarClient, pair: Pair) -> None:
    payments = [pay(bayar, f"{dollars}.00") for dollars in range(20, 60)]
    expiring = pay(bayar, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    pair.twin.control.settle()
    before = pair.twin.control.requests()

    def have_settled() -> bool:
        ids = {payment.payment_id for payment in payments}
        return ids <= {one.payment_id for one in bayar.list_payments(states=[PaymentState.PAYMENT_STATE_SETTLED])}

    until(have_settled)
    after = pair.twin.control.requests()
    for route in ("GET /transactions/{id}", "POST /transactions/advanced_search"):
        assert after.count(route) - before.count(route) < len(payments)
    pair.twin.control.advance(timedelta(days=40))
    until(lambda: bayar.get_payment(payment_id=expiring.payment_id).state == PaymentState.PAYMENT_STATE_EXPIRED)
