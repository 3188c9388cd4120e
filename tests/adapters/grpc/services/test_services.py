"""Servicers translate, call one use case, and translate back; with grpcio-testing, so without a network."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import grpc
import grpc_testing  # type: ignore[import-untyped]
import pytest

from bayar.payments.v1 import customer_service_pb2 as customers
from bayar.payments.v1 import payment_method_service_pb2 as methods
from bayar.payments.v1 import payment_service_pb2 as payments
from bayar.payments.v1.card_pb2 import Card
from bayar.payments.v1.money_pb2 import Money
from bayar.payments.v1.payment_method_pb2 import PaymentMethodState
from bayar.payments.v1.payment_pb2 import PaymentState
from tests.adapters.grpc.serving import a_house

CARD = Card(number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123")
SERVICES = {
    module.DESCRIPTOR.services_by_name[name]: attribute
    for module, name, attribute in (
        (payments, "PaymentService", "payments"),
        (customers, "CustomerService", "customers"),
        (methods, "PaymentMethodService", "payment_methods"),
    )
}


class Calls:
    """Calls by name, each answered by the servicer itself."""

    def __init__(self) -> None:
        servicers = a_house().servicers
        self._server = grpc_testing.server_from_dictionary(
            {service: getattr(servicers, attribute) for service, attribute in SERVICES.items()},
            grpc_testing.strict_real_time(),
        )

    def __call__(self, name: str, request: Any, metadata: Sequence[tuple[str, str]] = ()) -> Any:
        method = next(m for s in SERVICES for m in s.methods if m.name == name)
        call = self._server.invoke_unary_unary(method, metadata, request, None)
        answer, _, code, details = call.termination()
        assert code is grpc.StatusCode.OK, details
        return answer


@pytest.fixture
def call() -> Calls:
    return Calls()


def an_order(**changes: Any) -> payments.CreatePaymentRequest:
    fields = {
        "request_id": str(uuid.uuid4()),
        "reference": str(uuid.uuid4()),
        "amount": Money(minor_units=10_00, currency_code="USD"),
        "card": CARD,
    }
    return payments.CreatePaymentRequest(**{**fields, **changes})


def a_request_id() -> str:
    return str(uuid.uuid4())


def test_a_payment_lives_and_is_read_listed_and_told(call: Calls) -> None:
    paid = call("CreatePayment", an_order(capture_mode=2)).payment
    assert paid.state == PaymentState.PAYMENT_STATE_AUTHORIZED
    captured = call(
        "CapturePayment",
        payments.CapturePaymentRequest(
            request_id=a_request_id(),
            payment_id=paid.payment_id,
            amount=Money(minor_units=4_00, currency_code="USD"),
            final=True,
        ),
    )
    assert captured.payment.captured_amount.minor_units == 4_00
    assert captured.operation_id == captured.payment.operations[-1].operation_id
    voided = call("VoidPayment", payments.VoidPaymentRequest(request_id=a_request_id(), payment_id=paid.payment_id))
    assert voided.payment.state == PaymentState.PAYMENT_STATE_VOIDED
    read = call("GetPayment", payments.GetPaymentRequest(payment_id=paid.payment_id)).payment
    assert read == voided.payment
    assert list(call("ListPayments", payments.ListPaymentsRequest()).payments) == [read]
    events = call("ListPaymentEvents", payments.ListPaymentEventsRequest(payment_id=paid.payment_id)).events
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    verified = call("VerifyPayment", payments.VerifyPaymentRequest(payment_id=paid.payment_id))
    assert verified.outcome == payments.VERIFICATION_OUTCOME_MATCHES


def test_a_refund_names_its_operations(call: Calls) -> None:
    paid = call("CreatePayment", an_order()).payment
    back = call("RefundPayment", payments.RefundPaymentRequest(request_id=a_request_id(), payment_id=paid.payment_id))
    assert list(back.operation_ids) == [back.payment.operations[-1].operation_id]


def test_a_decline_is_reported_in_the_language_of_the_header(call: Calls) -> None:
    declined = call(
        "CreatePayment",
        an_order(amount=Money(minor_units=2001_00, currency_code="USD")),
        metadata=(("accept-language", "id"),),
    ).payment
    assert declined.state == PaymentState.PAYMENT_STATE_DECLINED
    assert declined.decline.customer_message.locale == "id"


def test_the_table_of_declines_is_published(call: Calls) -> None:
    answer = call("ListDeclineReasons", payments.ListDeclineReasonsRequest(language_code="id"))
    assert {entry.decline.merchant_message.locale for entry in answer.entries} == {"id"}


def test_a_customer_and_their_method_live(call: Calls) -> None:
    made = call("CreateCustomer", customers.CreateCustomerRequest(request_id=a_request_id(), external_id="e")).customer
    assert call("GetCustomer", customers.GetCustomerRequest(external_id="e")).customer == made
    added = call(
        "AddPaymentMethod",
        methods.AddPaymentMethodRequest(
            request_id=a_request_id(), customer_id=made.customer_id, card=CARD, verify=True
        ),
    ).payment_method
    assert (added.state, added.default) == (PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE, True)
    read = methods.GetPaymentMethodRequest(payment_method_id=added.payment_method_id)
    assert call("GetPaymentMethod", read).payment_method == added
    listed = call("ListPaymentMethods", methods.ListPaymentMethodsRequest(customer_id=made.customer_id))
    assert list(listed.payment_methods) == [added]
    assert call("CreateClientToken", methods.CreateClientTokenRequest()).client_token
    update = customers.UpdateCustomerRequest(request_id=a_request_id())
    update.customer.customer_id, update.customer.given_name = made.customer_id, "Sari"
    update.update_mask.paths.append("given_name")
    updated = call("UpdateCustomer", update).customer
    assert (updated.given_name, updated.default_payment_method_id) == ("Sari", added.payment_method_id)
    assert list(call("ListCustomers", customers.ListCustomersRequest()).customers) == [updated]
    gone = call(
        "DeleteCustomer", customers.DeleteCustomerRequest(request_id=a_request_id(), customer_id=made.customer_id)
    )
    assert gone.customer.HasField("delete_time")
