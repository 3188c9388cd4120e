"""Payments are taken once, whatever is repeated, and a decline says what to do."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from bayar.messages import (
    BayarClient,
    BayarError,
    DeclineFixer,
    DeclineReason,
    Payment,
    PaymentFunds,
    PaymentState,
    RetryAdvice,
    StatementDescriptor,
    money,
)
from bayar.payments.v1.address_pb2 import Address
from bayar.payments.v1.card_pb2 import InstrumentKind
from bayar.payments.v1.payment_service_pb2 import CreatePaymentRequest
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from tests.end_to_end.payment_steps import AMEX, MASTERCARD, NEXT_YEARS, VISA, a_card, an_order, pay, usd
from tests.end_to_end.refusal_reader import refused
from tests.end_to_end.service import Pair
from tests.order_ids import operation_of


def charges(pair: Pair, payment: Payment) -> list[str]:
    """The amounts that the gateway took for the payment's operations."""
    ours = {operation.operation_id for operation in payment.operations}
    return [entry.amount for entry in pair.twin.control.ledger() if operation_of(entry.order_id) in ours]


def test_a_card_is_charged_and_shown_without_its_number(bayar: BayarClient, pair: Pair) -> None:
    payment = pay(
        bayar,
        "25.00",
        card=a_card(cardholder_name="Sari Dewi"),
        billing_address=Address(
            street_address="Jalan Merdeka 1", locality="Bandung", postal_code="40111", country_code="ID"
        ),
        statement_descriptor=StatementDescriptor(name="BYR*SHOES"),
        metadata={"basket": "7", "note": "terima kasih ✓"},
    )
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert payment.funds == PaymentFunds.PAYMENT_FUNDS_CAPTURED
    assert payment.payment_id.startswith("pay_")
    assert payment.captured_amount == usd("25.00") == payment.refundable_amount == payment.authorized_amount
    assert payment.capturable_amount == usd("0.00")
    assert payment.instrument.kind == InstrumentKind.INSTRUMENT_KIND_CARD
    assert (payment.instrument.brand, payment.instrument.last_four) == ("Visa", "1111")
    assert (payment.instrument.expiration_month, payment.instrument.expiration_year) == (12, NEXT_YEARS)
    assert payment.instrument.cardholder_name == "Sari Dewi"
    assert payment.billing_address.locality == "Bandung"
    assert payment.statement_descriptor.name == "BYR*SHOES"
    assert dict(payment.metadata) == {"basket": "7", "note": "terima kasih ✓"}
    assert payment.gateway_details.processor_response_code == "1000"
    assert payment == bayar.get_payment(payment_id=payment.payment_id)
    assert charges(pair, payment) == ["25.00"]
    assert VISA not in str(payment)


def test_nothing_secret_reaches_the_database_or_the_log(bayar: BayarClient, pair: Pair) -> None:
    pay(bayar, card=a_card(MASTERCARD, cvv="987"))
    pay(bayar, payment_method_nonce="fake-valid-amex-nonce")
    kept = b"".join(file.read_bytes() for file in pair.directory.glob("bayar*"))
    assert b"5555" + b"4444" not in kept  # the parts apart, so that this file may lie beside it
    for secret in (MASTERCARD, VISA, "fake-valid-amex-nonce", pair.twin.private_key):
        assert secret.encode() not in kept


@pytest.mark.parametrize(
    ("amount", "currency", "at_gateway"),
    [("1050", "JPY", "1050"), ("1.050", "KWD", "1.050"), ("15000.00", "IDR", "15000.00")],
)
def test_each_currency_goes_to_its_account_with_its_own_digits(
    amount: str, currency: str, at_gateway: str, bayar: BayarClient, pair: Pair
) -> None:
    payment = pay(bayar, amount=money(amount, currency))
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    entry = next(
        e for e in pair.twin.control.ledger() if operation_of(e.order_id) == payment.operations[0].operation_id
    )
    assert (entry.amount, entry.currency, entry.merchant_account_id) == (
        at_gateway,
        currency,
        f"twin_{currency.lower()}",
    )


def test_american_express_has_four_digits_of_cvv(bayar: BayarClient) -> None:
    assert pay(bayar, card=a_card(AMEX, cvv="1234")).instrument.brand == "American Express"


def test_the_same_request_again_is_the_same_payment(bayar: BayarClient, pair: Pair) -> None:
    request_id, reference = str(uuid.uuid4()), an_order()
    first = pay(bayar, request_id=request_id, reference=reference)
    again = pay(bayar, request_id=request_id, reference=reference)
    shouted = pay(bayar, request_id=request_id.upper(), reference=reference)
    assert first == again == shouted
    assert len(charges(pair, first)) == 1
    voided = bayar.void_payment(payment_id=first.payment_id)
    assert pay(bayar, request_id=request_id, reference=reference) == voided


def test_another_body_under_the_same_request_id_names_the_fields(bayar: BayarClient) -> None:
    request_id, reference = str(uuid.uuid4()), an_order()
    pay(bayar, request_id=request_id, reference=reference, metadata={"a": "1"})
    with pytest.raises(BayarError) as raised:
        pay(bayar, "11.00", request_id=request_id, reference=reference, card=a_card(MASTERCARD), metadata={"a": "2"})
    error = raised.value
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert set(error.metadata["fields"].split(", ")) == {"amount.minor_units", "card.number", "metadata"}
    assert not error.outcome_unknown


def test_a_request_id_of_another_call_is_not_taken_for_a_repeat(bayar: BayarClient) -> None:
    request_id = str(uuid.uuid4())
    payment = pay(bayar, request_id=request_id)
    with pytest.raises(BayarError) as raised:
        bayar.void_payment(request_id=request_id, payment_id=payment.payment_id)
    assert raised.value.reason == "REQUEST_ID_REUSED"


def test_a_reference_is_paid_once_however_often_it_is_clicked(bayar: BayarClient, pair: Pair) -> None:
    reference = an_order()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _pay_or_refusal(bayar, reference), range(8)))
    paid = [answer for answer in answers if isinstance(answer, Payment)]
    refusals = [answer for answer in answers if isinstance(answer, BayarError)]
    assert (len(paid), len(refusals)) == (1, 7)
    for refusal in refusals:
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REFERENCE_ALREADY_PAID")
        assert refusal.metadata["payment_id"] == paid[0].payment_id
    assert charges(pair, paid[0]) == ["10.00"]


def _pay_or_refusal(bayar: BayarClient, reference: str) -> Payment | BayarError:
    try:
        return pay(bayar, reference=reference)
    except BayarError as error:
        return error


@pytest.mark.parametrize("ending", ["declined", "voided"])
def test_a_reference_that_holds_no_money_can_be_paid_again(ending: str, bayar: BayarClient) -> None:
    reference = an_order()
    first = pay(bayar, "2000.00" if ending == "declined" else "10.00", reference=reference)
    if ending == "voided":
        bayar.void_payment(payment_id=first.payment_id)
    second = pay(bayar, reference=reference)
    assert second.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert second.payment_id != first.payment_id


def test_fifty_of_the_same_request_at_once_make_one_charge(pair: Pair) -> None:
    request_id, reference = str(uuid.uuid4()), an_order()
    clients = [pair.service.client() for _ in range(5)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: pay(clients[n % 5], request_id=request_id, reference=reference), range(50)))
    assert {answer.payment_id for answer in answers} == {answers[0].payment_id}
    assert {answer.state for answer in answers} == {PaymentState.PAYMENT_STATE_CAPTURED}
    assert charges(pair, answers[0]) == ["10.00"]


def test_a_decline_is_an_answer_that_says_what_to_do(bayar: BayarClient) -> None:
    payment = pay(bayar, "2001.00")
    assert payment.state == PaymentState.PAYMENT_STATE_DECLINED
    assert payment.funds == PaymentFunds.PAYMENT_FUNDS_NONE
    decline = payment.decline
    assert decline.reason == DeclineReason.DECLINE_REASON_INSUFFICIENT_FUNDS
    assert decline.fixer == DeclineFixer.DECLINE_FIXER_CUSTOMER
    assert decline.retry_advice != RetryAdvice.RETRY_ADVICE_UNSPECIFIED
    assert {text.locale for text in decline.customer_messages} == {"en", "id"}
    assert decline.customer_message.locale == "en"
    assert decline.merchant_message.text
    assert payment.gateway_details.processor_response_code == "2001"
    assert payment.gateway_details.processor_response_text == "Insufficient Funds"
    assert payment.captured_amount == usd("0.00")


def test_the_language_is_the_requests_then_the_headers_then_the_customers_then_english(
    pair: Pair, bayar: BayarClient
) -> None:
    indonesian = pair.service.client(language="id-ID,en;q=0.5")
    sari = bayar.create_customer(given_name="Sari", language_code="id")
    assert pay(bayar, "2000.00", language_code="in").decline.customer_message.locale == "id"
    assert pay(indonesian, "2000.00").decline.customer_message.locale == "id"
    assert pay(indonesian, "2000.00", language_code="en-GB").decline.customer_message.locale == "en"
    assert pay(bayar, "2000.00", language_code="ja").decline.customer_message.locale == "en"
    assert pay(bayar, "2000.00").decline.customer_message.locale == "en"
    theirs = pay(bayar, "2000.00", customer_id=sari.customer_id)
    assert theirs.decline.customer_message.locale == "id"
    assert bayar.get_payment(payment_id=theirs.payment_id).decline.customer_message.locale == "id"
    assert (
        pay(pair.service.client(language="en"), "2000.00", customer_id=sari.customer_id).decline.customer_message.locale
        == "en"
    )


@pytest.mark.parametrize("amount", ["2010.00", "2012.00", "2013.00", "2014.00", "2047.00", "2999.00", "3000.00"])
def test_no_decline_text_mentions_theft_fraud_or_codes(amount: str, bayar: BayarClient) -> None:
    payment = pay(bayar, amount)
    assert payment.state == PaymentState.PAYMENT_STATE_DECLINED
    texts = {text.locale: text.text.lower() for text in payment.decline.customer_messages}
    code = amount.removesuffix(".00")
    forbidden = {
        "en": ("fraud", "stolen", "lost", "theft", code),
        "id": ("dicuri", "hilang", "penipuan", "curang", code),
    }
    assert [word for locale, words in forbidden.items() for word in words if word in texts[locale]] == []


def test_a_rejection_of_the_gateway_itself_is_a_decline(bayar: BayarClient) -> None:
    payment = pay(bayar, payment_method_nonce="fake-gateway-rejected-fraud-nonce")
    assert payment.state == PaymentState.PAYMENT_STATE_DECLINED
    assert payment.decline.reason == DeclineReason.DECLINE_REASON_SUSPECTED_FRAUD
    assert payment.gateway_details.gateway_rejection_reason == "fraud"


def test_an_unknown_code_is_answered_sensibly(bayar: BayarClient, pair: Pair) -> None:
    first = pay(bayar, "2666.00")
    pay(bayar, "2666.00")
    assert first.state == PaymentState.PAYMENT_STATE_DECLINED
    assert first.decline.reason == DeclineReason.DECLINE_REASON_DECLINED
    assert first.gateway_details.processor_response_code == "2666"
    assert pair.service.log.count("2666") == 1, "it is logged once"


@pytest.mark.parametrize("nonce", ["fake-consumed-nonce", "fake-luhn-invalid-nonce", "no-such-nonce"])
def test_a_nonce_that_cannot_be_used_fails_or_declines_and_charges_nothing(nonce: str, bayar: BayarClient) -> None:
    payment = pay(bayar, payment_method_nonce=nonce)
    assert payment.state in (PaymentState.PAYMENT_STATE_DECLINED, PaymentState.PAYMENT_STATE_FAILED)
    assert payment.captured_amount.minor_units == 0
    assert nonce not in str(payment)


def test_the_answer_says_the_same_over_the_raw_contract(bayar: BayarClient) -> None:
    stub = PaymentServiceStub(bayar.channel)
    request = CreatePaymentRequest(
        request_id=str(uuid.uuid4()), reference=an_order(), amount=usd("12.00"), payment_method_nonce="fake-valid-nonce"
    )
    first = stub.CreatePayment(request, timeout=30)
    assert stub.CreatePayment(request, timeout=30) == first
    request.amount.minor_units = 1201
    refusal = refused(stub.CreatePayment, request)
    assert (refusal.code, refusal.metadata["fields"]) == (grpc.StatusCode.ALREADY_EXISTS, "amount.minor_units")
    assert refusal.localized
