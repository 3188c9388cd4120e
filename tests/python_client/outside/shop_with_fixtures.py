"""A shop's own tests, with the fixtures that bayar-client brings."""

import asyncio
from dataclasses import replace

import pytest

from bayar import (
    BayarClient,
    BayarError,
    CheckoutState,
    PaymentState,
    Reason,
    RetryPolicy,
    card,
    money,
    verify_checkout_result,
)
from bayar.testing import BayarServer

CARD = card(number="4111111111111111", expiration_month=12, expiration_year=2035, cvv="123")


def test_a_payment_is_captured_and_settles(bayar_client: BayarClient, bayar_server: BayarServer) -> None:
    payment = bayar_client.create_payment(reference="order-1", amount=money("25.00", "USD"), card=CARD)
    assert payment.state is PaymentState.CAPTURED
    bayar_server.settle()
    assert bayar_client.verify_payment(payment_id=payment.payment_id).payment.state is PaymentState.SETTLED


def test_rupiah_too(bayar_client: BayarClient) -> None:
    payment = bayar_client.create_payment(reference="order-2", amount=money("25000", "IDR"), card=CARD)
    assert f"{payment.state} {payment.captured_amount}" == "CAPTURED Rp25.000"


def test_a_decline_is_an_answer(bayar_client: BayarClient) -> None:
    payment = bayar_client.create_payment(reference="order-3", amount=money("2001.00", "USD"), card=CARD)
    assert payment.state is PaymentState.DECLINED


def test_a_lost_answer_is_pending_and_then_captured(bayar_client: BayarClient, bayar_server: BayarServer) -> None:
    bayar_server.lose_next_answer()
    payment = bayar_client.create_payment(reference="order-4", amount=money("25.00", "USD"), card=CARD)
    assert payment.state is PaymentState.PENDING
    states = []
    for seen in bayar_client.watch_payment(payment_id=payment.payment_id, timeout_seconds=60):
        states.append(seen.state)
        if seen.state is not PaymentState.PENDING:
            break
    assert states[-1] is PaymentState.CAPTURED


def test_a_gateway_that_is_out_of_reach(bayar_client: BayarClient, bayar_server: BayarServer) -> None:
    bayar_server.break_gateway()
    with pytest.raises(BayarError) as raised:
        bayar_client.create_payment(
            reference="order-5", amount=money("25.00", "USD"), card=CARD, retry=RetryPolicy(attempts=1)
        )
    assert raised.value.reason == Reason.GATEWAY_UNREACHABLE
    assert not raised.value.outcome_unknown
    bayar_server.mend_gateway()
    paid = bayar_client.create_payment(reference="order-5", amount=money("25.00", "USD"), card=CARD)
    assert paid.state is PaymentState.CAPTURED


def test_asyncio(bayar_server: BayarServer) -> None:
    async def pay() -> PaymentState:
        async with bayar_server.async_client() as bayar:
            payment = await bayar.create_payment(reference="order-6", amount=money("25.00", "USD"), card=CARD)
            return payment.state

    assert asyncio.run(pay()) is PaymentState.CAPTURED


def test_a_shopper_pays_on_the_hosted_page(bayar_client: BayarClient, bayar_server: BayarServer) -> None:
    success = "https://shop.example/orders/7"
    checkout = bayar_client.create_checkout(
        reference="order-7", amount=money("25.00", "USD"), success_url=success, cancel_url="https://shop.example/cart"
    )
    declined = bayar_server.pay_checkout(checkout, "fake-processor-declined-visa-nonce")
    assert (declined.state, bool(declined.message)) == ("declined", True)
    paid = bayar_server.pay_checkout(checkout)
    assert paid.state == "paid"
    assert paid.return_url.startswith(success)
    result = verify_checkout_result(paid.return_url, checkout.result_key)
    assert bayar_client.get_payment(payment_id=result.payment_id).state is PaymentState.CAPTURED
    assert bayar_client.get_checkout(checkout_id=checkout.checkout_id).state is CheckoutState.COMPLETED
    again = bayar_server.pay_checkout(checkout)  # shows the payment, and makes no other one
    assert verify_checkout_result(again.return_url, checkout.result_key).payment_id == result.payment_id
    with pytest.raises(RuntimeError, match="answered 404"):
        bayar_server.pay_checkout(replace(checkout, url=f"{checkout.url}0"))
