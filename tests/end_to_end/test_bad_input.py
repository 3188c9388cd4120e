"""Bad input is refused whole, over a socket: every fault at once, by its path, and no card number comes back."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from bayar.messages import BayarClient
from bayar.payments.v1.address_pb2 import Address
from bayar.payments.v1.card_pb2 import Card
from bayar.payments.v1.customer_pb2 import Customer
from bayar.payments.v1.customer_service_pb2 import (
    CreateCustomerRequest,
    DeleteCustomerRequest,
    GetCustomerRequest,
    UpdateCustomerRequest,
)
from bayar.payments.v1.customer_service_pb2_grpc import CustomerServiceStub
from bayar.payments.v1.money_pb2 import Money
from bayar.payments.v1.payment_method_service_pb2 import (
    AddPaymentMethodRequest,
    CreateClientTokenRequest,
    UpdatePaymentMethodRequest,
)
from bayar.payments.v1.payment_method_service_pb2_grpc import PaymentMethodServiceStub
from bayar.payments.v1.payment_pb2 import PaymentState, StatementDescriptor
from bayar.payments.v1.payment_service_pb2 import (
    CapturePaymentRequest,
    CreatePaymentRequest,
    GetPaymentRequest,
    ListPaymentsRequest,
    PaymentFilter,
    RefundPaymentRequest,
    VoidPaymentRequest,
)
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from tests.end_to_end.payment_steps import NEXT_YEARS, VISA, an_order, pay
from tests.end_to_end.refusal_reader import refused
from tests.end_to_end.service import Pair

NOBODY = "cus_" + "0" * 26
NO_METHOD = "pm_" + "0" * 26
NO_PAYMENT = "pay_" + "0" * 26


@pytest.fixture(scope="module")
def payments(bayar: BayarClient) -> PaymentServiceStub:
    return PaymentServiceStub(bayar.channel)


@pytest.fixture(scope="module")
def customers(bayar: BayarClient) -> CustomerServiceStub:
    return CustomerServiceStub(bayar.channel)


@pytest.fixture(scope="module")
def methods(bayar: BayarClient) -> PaymentMethodServiceStub:
    return PaymentMethodServiceStub(bayar.channel)


def a_request(**changes: Any) -> CreatePaymentRequest:
    """A request without a fault, then with the changes. None leaves a field out."""
    fields: dict[str, Any] = {
        "request_id": str(uuid.uuid4()),
        "reference": an_order(),
        "amount": Money(minor_units=1000, currency_code="USD"),
        "card": wire_card(),
    }
    if {"payment_method_nonce", "payment_method_id"} & set(changes):
        del fields["card"]
    fields |= changes
    return CreatePaymentRequest(**{name: value for name, value in fields.items() if value is not None})


def wire_card(**changes: Any) -> Card:
    return Card(**{"number": VISA, "expiration_month": 12, "expiration_year": NEXT_YEARS, "cvv": "123", **changes})


def last_month() -> tuple[int, int]:
    now = datetime.now(UTC)
    return (12, now.year - 1) if now.month == 1 else (now.month - 1, now.year)


THIS_YEAR = datetime.now(UTC).year
MONTH_BEFORE, YEAR_OF_IT = last_month()

ONE_FAULT: dict[str, tuple[dict[str, Any], str, str]] = {
    "no request_id": ({"request_id": None}, "request_id", "REQUIRED"),
    "a request_id that is no UUID": ({"request_id": "again"}, "request_id", "UUID"),
    "a UUID in braces": ({"request_id": "{" + str(uuid.uuid4()) + "}"}, "request_id", "UUID"),
    "no reference": ({"reference": None}, "reference", "REQUIRED"),
    "a reference of spaces": ({"reference": "   "}, "reference", "REQUIRED"),
    "a reference too long": ({"reference": "x" * 256}, "reference", "MAX_CHARACTERS"),
    "a line break in the reference": ({"reference": "a\nb"}, "reference", "NO_CONTROL_CHARACTERS"),
    "a zero byte in the reference": ({"reference": "a\0b"}, "reference", "NO_CONTROL_CHARACTERS"),
    "no amount": ({"amount": None}, "amount", "REQUIRED"),
    "nothing": ({"amount": Money(currency_code="USD")}, "amount.minor_units", "POSITIVE"),
    "a negative amount": ({"amount": Money(minor_units=-1, currency_code="USD")}, "amount.minor_units", "POSITIVE"),
    "the lowest number": (
        {"amount": Money(minor_units=-(2**63), currency_code="USD")},
        "amount.minor_units",
        "POSITIVE",
    ),
    "more than the gateway takes": (
        {"amount": Money(minor_units=1_000_000_000_000, currency_code="USD")},
        "amount.minor_units",
        "AT_MOST",
    ),
    "the highest number": (
        {"amount": Money(minor_units=2**63 - 1, currency_code="USD")},
        "amount.minor_units",
        "AT_MOST",
    ),
    "no currency": ({"amount": Money(minor_units=1)}, "amount.currency_code", "REQUIRED"),
    "an unknown currency": ({"amount": Money(minor_units=1, currency_code="XQX")}, "amount.currency_code", "CURRENCY"),
    "a currency in small letters": (
        {"amount": Money(minor_units=1, currency_code="usd")},
        "amount.currency_code",
        "CURRENCY",
    ),
    "a currency without an account": (
        {"amount": Money(minor_units=1, currency_code="CHF")},
        "amount.currency_code",
        "CURRENCY_ACCEPTED",
    ),
    "no source": ({"card": None}, "source", "EXACTLY_ONE"),
    "an empty nonce": ({"payment_method_nonce": ""}, "payment_method_nonce", "REQUIRED"),
    "a nonce too long": ({"payment_method_nonce": "n" * 256}, "payment_method_nonce", "MAX_CHARACTERS"),
    "a malformed method id": ({"payment_method_id": "pm_1"}, "payment_method_id", "ID"),
    "an unknown method": ({"payment_method_id": NO_METHOD}, "payment_method_id", "EXISTS"),
    "no card number": ({"card": wire_card(number="")}, "card.number", "REQUIRED"),
    "a wrong check digit": ({"card": wire_card(number="4111111111111112")}, "card.number", "CARD_NUMBER"),
    "eleven digits": ({"card": wire_card(number="41111111111")}, "card.number", "CARD_NUMBER_LENGTH"),
    "twenty digits": ({"card": wire_card(number="4" * 20)}, "card.number", "CARD_NUMBER_LENGTH"),
    "letters for digits": ({"card": wire_card(number="4111I11111111111")}, "card.number", "CARD_NUMBER_LENGTH"),
    "digits of another script": ({"card": wire_card(number="٤١١١١١١١١١١١١١١١")}, "card.number", "CARD_NUMBER_LENGTH"),
    "month 13": ({"card": wire_card(expiration_month=13)}, "card.expiration_month", "MONTH"),
    "month 0": ({"card": wire_card(expiration_month=0)}, "card.expiration_month", "MONTH"),
    "a month below nothing": ({"card": wire_card(expiration_month=-(2**31))}, "card.expiration_month", "MONTH"),
    "a year of two digits": ({"card": wire_card(expiration_year=30)}, "card.expiration_year", "YEAR"),
    "a year beyond reason": ({"card": wire_card(expiration_year=THIS_YEAR + 21)}, "card.expiration_year", "YEAR"),
    "the highest year": ({"card": wire_card(expiration_year=2**31 - 1)}, "card.expiration_year", "YEAR"),
    "last month": (
        {"card": wire_card(expiration_month=MONTH_BEFORE, expiration_year=YEAR_OF_IT)},
        "card.expiration_year",
        "NOT_PAST",
    ),
    "two digits of CVV": ({"card": wire_card(cvv="12")}, "card.cvv", "CVV"),
    "four digits of a Visa's CVV": ({"card": wire_card(cvv="1234")}, "card.cvv", "CVV"),
    "three digits of an American Express": (
        {"card": wire_card(number="378282246310005", cvv="123")},
        "card.cvv",
        "CVV",
    ),
    "letters for a CVV": ({"card": wire_card(cvv="abc")}, "card.cvv", "CVV"),
    "a name too long": ({"card": wire_card(cardholder_name="x" * 176)}, "card.cardholder_name", "MAX_CHARACTERS"),
    "no character in the name": (
        {"card": wire_card(cardholder_name="Sari\ufffe")},
        "card.cardholder_name",
        "NO_CONTROL_CHARACTERS",
    ),
    "a bell in the name": (
        {"card": wire_card(cardholder_name="Sari\a")},
        "card.cardholder_name",
        "NO_CONTROL_CHARACTERS",
    ),
    "the card number for a name": ({"card": wire_card(cardholder_name=VISA)}, "card.cardholder_name", "NO_CARD_DATA"),
    "a malformed customer": ({"customer_id": "cus_1"}, "customer_id", "ID"),
    "an unknown customer": ({"customer_id": NOBODY}, "customer_id", "EXISTS"),
    "an unknown capture mode": ({"capture_mode": 77}, "capture_mode", "KNOWN_VALUE"),
    "a method kept for nobody": ({"store_payment_method": True}, "customer_id", "NEEDS_CUSTOMER"),
    "too many metadata": ({"metadata": {f"k{n}": "v" for n in range(51)}}, "metadata", "MAX_ENTRIES"),
    "a metadata key too long": ({"metadata": {"k" * 41: "v"}}, "metadata[?].key", "MAX_CHARACTERS"),
    "an empty metadata key": ({"metadata": {"": "v"}}, "metadata[?].key", "REQUIRED"),
    "a metadata value too long": ({"metadata": {"k": "v" * 501}}, "metadata[k]", "MAX_CHARACTERS"),
    "a tab in the metadata": ({"metadata": {"k": "a\tb"}}, "metadata[k]", "NO_CONTROL_CHARACTERS"),
    "a card number in the metadata": ({"metadata": {"k": f"paid with {VISA}"}}, "metadata[k]", "NO_CARD_DATA"),
    "a card number as a key": ({"metadata": {VISA: "v"}}, "metadata[?].key", "NO_CARD_DATA"),
    "a language that is none": ({"language_code": "english please"}, "language_code", "LANGUAGE"),
    "a language too long": ({"language_code": "e" * 36}, "language_code", "MAX_CHARACTERS"),
    "a country in small letters": (
        {"billing_address": Address(country_code="id")},
        "billing_address.country_code",
        "COUNTRY",
    ),
    "a postal code that begins with a hyphen": (
        {"billing_address": Address(postal_code="-12345")},
        "billing_address.postal_code",
        "POSTAL_CODE",
    ),
    "a street too long": (
        {"billing_address": Address(street_address="x" * 256)},
        "billing_address.street_address",
        "MAX_CHARACTERS",
    ),
    "a descriptor without an asterisk": (
        {"statement_descriptor": StatementDescriptor(name="SHOES")},
        "statement_descriptor.name",
        "DESCRIPTOR_NAME",
    ),
    "a descriptor's phone in letters": (
        {"statement_descriptor": StatementDescriptor(phone="call us now")},
        "statement_descriptor.phone",
        "DESCRIPTOR_PHONE",
    ),
    "a descriptor's url too long": (
        {"statement_descriptor": StatementDescriptor(url="x" * 14)},
        "statement_descriptor.url",
        "DESCRIPTOR_URL",
    ),
}


@pytest.mark.parametrize("what", ONE_FAULT)
def test_a_violation_is_named_by_its_path_and_rule(what: str, payments: PaymentServiceStub) -> None:
    changes, path, rule = ONE_FAULT[what]
    refusal = refused(payments.CreatePayment, a_request(**changes))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (refusal.reason, refusal.domain) == ("INVALID_REQUEST", "bayar")
    assert refusal.faults == {path: [rule]}
    assert not any(path in description for description in refusal.descriptions)
    assert refusal.localized


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Money(minor_units=12_500_000_000, currency_code="IDR")},
        {"amount": Money(minor_units=9_999_999_999_999, currency_code="KWD")},
        {"billing_address": Address(postal_code="12345-6789", country_code="US")},
        {"billing_address": Address(postal_code="101", country_code="IS")},
    ],
    ids=["125,000,000.00 IDR", "9,999,999,999.999 KWD", "a nine-digit ZIP code", "a postal code of Iceland"],
)
def test_the_gateways_own_limits_are_the_limits(changes: dict[str, Any], payments: PaymentServiceStub) -> None:
    payment = payments.CreatePayment(a_request(**changes), timeout=30).payment
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert payment.captured_amount == payment.amount


def test_the_limit_of_an_amount_is_reported_in_its_currency(payments: PaymentServiceStub) -> None:
    amount = Money(minor_units=10**12, currency_code="IDR")
    (sentence,) = refused(payments.CreatePayment, a_request(amount=amount)).descriptions
    assert "IDR 9,999,999,999.99" in sentence


def test_every_violation_is_reported_at_once(payments: PaymentServiceStub) -> None:
    request = CreatePaymentRequest(
        request_id="x",
        reference="",
        amount=Money(minor_units=-5, currency_code="usd"),
        customer_id="somebody",
        card=Card(number="4111111111111112", expiration_month=13, expiration_year=99, cvv="12", cardholder_name="\x07"),
        capture_mode=9,  # type: ignore[arg-type]
        billing_address=Address(country_code="Indonesia", postal_code="!"),
        statement_descriptor=StatementDescriptor(name="x", phone="1", url="x" * 20),
        metadata={"a\nb": "x" * 600},
        language_code="?",
    )
    refusal = refused(payments.CreatePayment, request)
    assert set(refusal.faults) == {
        "request_id",
        "reference",
        "amount.minor_units",
        "amount.currency_code",
        "customer_id",
        "card.number",
        "card.expiration_month",
        "card.expiration_year",
        "card.cvv",
        "card.cardholder_name",
        "capture_mode",
        "billing_address.country_code",
        "billing_address.postal_code",
        "statement_descriptor.name",
        "statement_descriptor.phone",
        "statement_descriptor.url",
        "metadata[?].key",
        "metadata[?]",
        "language_code",
    }
    assert "4111" not in refusal.words


@pytest.mark.parametrize(
    "number", ["4111111111111112", "4111 1111 1111 1112", "4111-1111-1111-1112", "41111111111111111111"]
)
def test_no_answer_and_no_log_repeats_a_card_number(number: str, payments: PaymentServiceStub, pair: Pair) -> None:
    everywhere = a_request(
        request_id=number,
        reference=number + "\n",
        customer_id=number,
        card=Card(number=number, cvv=number, cardholder_name=VISA),
        metadata={VISA: VISA, number: number},
        language_code=number,
        amount=Money(minor_units=1, currency_code=number),
    )
    refusal = refused(payments.CreatePayment, everywhere)
    for secret in (number, VISA, number.replace("-", "").replace(" ", "")):
        assert secret not in refusal.words
        assert secret not in pair.service.log


def test_the_sentence_for_people_is_in_their_language(payments: PaymentServiceStub) -> None:
    indonesian = refused(payments.CreatePayment, a_request(amount=None, language_code="id"))
    assert (indonesian.locale, indonesian.message.isascii()) == ("id", True)
    by_header = refused(
        payments.CreatePayment, a_request(amount=None), metadata=(("accept-language", "fr;q=0.9, id;q=0.8, en;q=0.1"),)
    )
    assert by_header.localized == indonesian.localized
    assert refused(payments.CreatePayment, a_request(amount=None)).locale == "en"


def test_malformed_ids_are_invalid_and_unknown_ones_are_not_found(
    payments: PaymentServiceStub, bayar: BayarClient
) -> None:
    request_id = str(uuid.uuid4())
    for malformed in ("", "pay_1", "PAY_" + "0" * 26, "cus_" + "0" * 26, "x" * 10_000, "pay_" + "0" * 26 + "\n"):
        for call, request in (
            (payments.GetPayment, GetPaymentRequest(payment_id=malformed)),
            (payments.CapturePayment, CapturePaymentRequest(request_id=request_id, payment_id=malformed)),
            (payments.VoidPayment, VoidPaymentRequest(request_id=request_id, payment_id=malformed)),
            (payments.RefundPayment, RefundPaymentRequest(request_id=request_id, payment_id=malformed)),
        ):
            refusal = refused(call, request)
            assert (refusal.code, list(refusal.faults)) == (grpc.StatusCode.INVALID_ARGUMENT, ["payment_id"])
    for call, request in (
        (payments.GetPayment, GetPaymentRequest(payment_id=NO_PAYMENT)),
        (payments.CapturePayment, CapturePaymentRequest(request_id=request_id, payment_id=NO_PAYMENT)),
        (payments.VoidPayment, VoidPaymentRequest(request_id=request_id, payment_id=NO_PAYMENT)),
        (payments.RefundPayment, RefundPaymentRequest(request_id=request_id, payment_id=NO_PAYMENT)),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PAYMENT_NOT_FOUND")
    payment = pay(bayar)
    other = refused(
        payments.RefundPayment,
        RefundPaymentRequest(
            request_id=request_id, payment_id=payment.payment_id, amount=Money(minor_units=1, currency_code="IDR")
        ),
    )
    assert other.faults == {"amount.currency_code": ["CURRENCY_OF_PAYMENT"]}


def test_a_note_is_held_to_its_limits(payments: PaymentServiceStub) -> None:
    for note, rule in (("x" * 256, "MAX_CHARACTERS"), ("a\r\nb", "NO_CONTROL_CHARACTERS"), (VISA, "NO_CARD_DATA")):
        request = VoidPaymentRequest(request_id=str(uuid.uuid4()), payment_id=NO_PAYMENT, note=note)
        assert refused(payments.VoidPayment, request).faults == {"note": [rule]}


def test_a_list_is_held_to_its_limits(payments: PaymentServiceStub) -> None:
    wrong = ListPaymentsRequest(
        filter=PaymentFilter(
            customer_id="x",
            states=[99],  # type: ignore[list-item]
            currency_code="dollar",
            min_amount_minor_units=-1,
            max_amount_minor_units=2**63 - 1,
            last_four="12345",
            reference_contains="x" * 256,
            brand="\0",
        ),
        page_size=-1,
        page_token="tampered",
    )
    assert refused(payments.ListPayments, wrong).faults == {
        "filter.customer_id": ["ID"],
        "filter.states": ["KNOWN_VALUE"],
        "filter.currency_code": ["CURRENCY"],
        "filter.min_amount_minor_units": ["NOT_NEGATIVE"],
        "filter.max_amount_minor_units": ["AT_MOST"],
        "filter.last_four": ["LAST_FOUR"],
        "filter.reference_contains": ["MAX_CHARACTERS"],
        "filter.brand": ["NO_CONTROL_CHARACTERS"],
        "page_size": ["NOT_NEGATIVE"],
        "page_token": ["PAGE_TOKEN"],
    }


def test_a_time_that_is_none_is_named(payments: PaymentServiceStub) -> None:
    wrong = PaymentFilter()
    wrong.created_from_time.seconds = 2**62
    refusal = refused(payments.ListPayments, ListPaymentsRequest(filter=wrong))
    assert refusal.faults == {"filter.created_from_time": ["TIMESTAMP"]}


def test_a_customer_is_held_to_its_limits(customers: CustomerServiceStub) -> None:
    wrong = CreateCustomerRequest(
        request_id="x",
        external_id="x" * 256,
        given_name="\0",
        family_name=VISA,
        email="ann@localhost",
        phone="x" * 256,
        language_code="?",
    )
    assert refused(customers.CreateCustomer, wrong).faults == {
        "request_id": ["UUID"],
        "external_id": ["MAX_CHARACTERS"],
        "given_name": ["NO_CONTROL_CHARACTERS"],
        "family_name": ["NO_CARD_DATA"],
        "email": ["EMAIL"],
        "phone": ["MAX_CHARACTERS"],
        "language_code": ["LANGUAGE"],
    }
    assert refused(customers.GetCustomer, GetCustomerRequest()).reason == "INVALID_REQUEST"
    unknown = refused(customers.GetCustomer, GetCustomerRequest(customer_id=NOBODY))
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "CUSTOMER_NOT_FOUND")
    update = UpdateCustomerRequest(request_id=str(uuid.uuid4()), customer=Customer(customer_id=NOBODY))
    assert refused(customers.UpdateCustomer, update).faults == {"update_mask": ["REQUIRED"]}
    update.update_mask.paths.append("create_time")
    assert refused(customers.UpdateCustomer, update).faults == {"update_mask": ["FIELD_PATH"]}
    gone = DeleteCustomerRequest(request_id=str(uuid.uuid4()), customer_id=NOBODY)
    assert refused(customers.DeleteCustomer, gone).reason == "CUSTOMER_NOT_FOUND"


def test_a_payment_method_is_held_to_its_limits(methods: PaymentMethodServiceStub) -> None:
    wrong = AddPaymentMethodRequest(request_id="", customer_id=NOBODY, card=wire_card(number="1" * 16))
    assert refused(methods.AddPaymentMethod, wrong).faults == {
        "request_id": ["REQUIRED"],
        "customer_id": ["EXISTS"],
        "card.number": ["CARD_NUMBER"],
    }
    nothing = AddPaymentMethodRequest(request_id=str(uuid.uuid4()), customer_id=NOBODY)
    assert refused(methods.AddPaymentMethod, nothing).faults == {"customer_id": ["EXISTS"], "source": ["EXACTLY_ONE"]}
    token = CreateClientTokenRequest(customer_id=NOBODY, currency_code="usd")
    assert refused(methods.CreateClientToken, token).faults == {
        "customer_id": ["EXISTS"],
        "currency_code": ["CURRENCY"],
    }
    half = UpdatePaymentMethodRequest(request_id=str(uuid.uuid4()), payment_method_id=NO_METHOD, expiration_month=5)
    assert refused(methods.UpdatePaymentMethod, half).faults == {"expiration_year": ["YEAR"]}


def test_a_refused_request_leaves_no_record(payments: PaymentServiceStub, pair: Pair) -> None:
    request = a_request(amount=Money(minor_units=0, currency_code="USD"))
    before = len(pair.twin.control.ledger())
    refused(payments.CreatePayment, request)
    assert len(pair.twin.control.ledger()) == before
    request.amount.minor_units = 700
    assert payments.CreatePayment(request, timeout=30).payment.amount.minor_units == 700
