"""The client has a method for every call, and what is given to it arrives."""

import inspect
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from bayar.messages import (
    Address,
    BayarClient,
    CaptureMode,
    Customer,
    DisputeState,
    Money,
    Payment,
    PaymentEvent,
    PaymentFunds,
    PaymentMethod,
    PaymentSearchHit,
    PaymentState,
    StatementDescriptor,
    money,
)
from bayar.payments.v1 import access_pb2
from bayar.payments.v1 import customer_service_pb2 as customers
from bayar.payments.v1 import payment_method_service_pb2 as methods
from bayar.payments.v1 import payment_service_pb2 as payments
from bayar.payments.v1.card_pb2 import Card
from bayar.payments.v1.merchant_account_pb2 import MerchantAccount
from tests.client.scripted_server import SERVICES, scripted_server

RPCS = {method.name: method for service in SERVICES for method in service.methods}
ID = "8f14e45f-ceea-467f-a9b4-6d1f5d3b8a11"
USD = money("25.00", "USD")
HOME = Address(country_code="ID")
PAYMENT, CUSTOMER, METHOD = Payment(payment_id="pay_1"), Customer(customer_id="cus_1"), PaymentMethod(customer_id="c")
HIT = PaymentSearchHit(payment=PAYMENT)
ACCOUNT = MerchantAccount(merchant_account_id="my_usd", currency_code="USD", default=True)
CARD = {"number": "4111111111111111", "expiration_month": 12, "expiration_year": 2030, "cvv": "123"}
ENTRY = payments.DeclineReasonEntry(gateway_codes=["2001"])
SUMMED_UP = payments.SummarizePaymentsResponse(uncounted_event_count=3)
VERIFIED = payments.VerifyPaymentResponse(payment=PAYMENT)


def method_of(rpc: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", rpc).lower()


@pytest.mark.parametrize("rpc", RPCS)
def test_every_field_of_every_call_can_be_given(rpc: str) -> None:
    fields = set(RPCS[rpc].input_type.fields_by_name) - {"page_token", "filter", "fields", "customer", "update_mask"}
    if rpc in ("ListPayments", "SearchPayments"):
        fields |= set(payments.PaymentFilter.DESCRIPTOR.fields_by_name)
    if rpc == "SearchPayments":
        fields |= set(payments.PaymentSearchFields.DESCRIPTOR.fields_by_name)
    if rpc == "UpdateCustomer":
        fields |= {"customer_id"} | set(customers.CreateCustomerRequest.DESCRIPTOR.fields_by_name)
    signature = inspect.signature(getattr(BayarClient, method_of(rpc)))
    right = RPCS[rpc].GetOptions().Extensions[access_pb2.operator_right]
    if right not in (access_pb2.OPERATOR_RIGHT_UNSPECIFIED, access_pb2.OPERATOR_RIGHT_READ):
        fields |= {"on_behalf_of", "reason"}
    assert set(signature.parameters) - {"self", "timeout_seconds", "retry"} == fields


# The call with every argument there is, the request that must arrive, the answer, and what is made of it.
CALLS: list[tuple[Callable[[BayarClient], object], Message, object, object]] = [
    (
        lambda client: client.create_payment(
            reference="order-1",
            amount=USD,
            card=client.card(**CARD),  # type: ignore[arg-type]
            customer_id="cus_1",
            capture_mode=CaptureMode.CAPTURE_MODE_MANUAL,
            store_payment_method=True,
            billing_address=HOME,
            statement_descriptor=StatementDescriptor(name="BYR*SHOES"),
            metadata={"shelf": "7"},
            language_code="id",
            request_id=ID,
        ),
        payments.CreatePaymentRequest(
            reference="order-1",
            amount=USD,
            card=Card(**CARD),  # type: ignore[arg-type]
            customer_id="cus_1",
            capture_mode=CaptureMode.CAPTURE_MODE_MANUAL,
            store_payment_method=True,
            billing_address=HOME,
            statement_descriptor=StatementDescriptor(name="BYR*SHOES"),
            metadata={"shelf": "7"},
            language_code="id",
            request_id=ID,
        ),
        payments.CreatePaymentResponse(payment=PAYMENT),
        PAYMENT,
    ),
    (
        lambda client: client.create_payment(reference="o", amount=USD, payment_method_nonce="nonce", request_id=ID),
        payments.CreatePaymentRequest(
            reference="o",
            amount=USD,
            payment_method_nonce="nonce",
            capture_mode=CaptureMode.CAPTURE_MODE_AUTOMATIC,
            request_id=ID,
        ),
        payments.CreatePaymentResponse(payment=PAYMENT),
        PAYMENT,
    ),
    (
        lambda client: client.create_payment(reference="o", amount=USD, payment_method_id="pm_1", request_id=ID),
        payments.CreatePaymentRequest(
            reference="o",
            amount=USD,
            payment_method_id="pm_1",
            capture_mode=CaptureMode.CAPTURE_MODE_AUTOMATIC,
            request_id=ID,
        ),
        payments.CreatePaymentResponse(payment=PAYMENT),
        PAYMENT,
    ),
    (
        lambda client: client.capture_payment(
            payment_id="pay_1", amount=USD, final=True, language_code="id", request_id=ID
        ),
        payments.CapturePaymentRequest(payment_id="pay_1", amount=USD, final=True, language_code="id", request_id=ID),
        payments.CapturePaymentResponse(payment=PAYMENT),
        PAYMENT,
    ),
    (
        lambda client: client.capture_payment(payment_id="pay_1", request_id=ID),
        payments.CapturePaymentRequest(payment_id="pay_1", request_id=ID),
        payments.CapturePaymentResponse(payment=PAYMENT),
        PAYMENT,
    ),
    (
        lambda client: client.adjust_authorization(
            payment_id="pay_1", amount=USD, note="why", language_code="id", request_id=ID
        ),
        payments.AdjustAuthorizationRequest(
            payment_id="pay_1", amount=USD, note="why", language_code="id", request_id=ID
        ),
        payments.AdjustAuthorizationResponse(payment=PAYMENT),
        PAYMENT,
    ),
    (
        lambda client: client.void_payment(payment_id="pay_1", note="why", language_code="id", request_id=ID),
        payments.VoidPaymentRequest(payment_id="pay_1", note="why", language_code="id", request_id=ID),
        payments.VoidPaymentResponse(payment=PAYMENT),
        PAYMENT,
    ),
    (
        lambda client: client.refund_payment(
            payment_id="pay_1", amount=USD, note="why", language_code="id", request_id=ID
        ),
        payments.RefundPaymentRequest(payment_id="pay_1", amount=USD, note="why", language_code="id", request_id=ID),
        payments.RefundPaymentResponse(payment=PAYMENT),
        PAYMENT,
    ),
    (
        lambda client: client.get_payment(payment_id="pay_1", language_code="id"),
        payments.GetPaymentRequest(payment_id="pay_1", language_code="id"),
        payments.GetPaymentResponse(payment=PAYMENT),
        PAYMENT,
    ),
    (
        lambda client: client.list_merchant_accounts(),
        payments.ListMerchantAccountsRequest(),
        payments.ListMerchantAccountsResponse(merchant_accounts=[ACCOUNT]),
        [ACCOUNT],
    ),
    (
        lambda client: client.list_payments(
            customer_id="cus_1",
            reference="order-1",
            reference_contains="order",
            states=[PaymentState.PAYMENT_STATE_SETTLED],
            created_from_time=datetime.fromtimestamp(1_800_000_000, UTC),
            created_until_time=datetime.fromtimestamp(1_900_000_000, UTC),
            currency_code="USD",
            min_amount_minor_units=1,
            max_amount_minor_units=2,
            brand="Visa",
            last_four="1111",
            page_size=3,
            language_code="id",
        ),
        payments.ListPaymentsRequest(
            filter=payments.PaymentFilter(
                customer_id="cus_1",
                reference="order-1",
                reference_contains="order",
                states=[PaymentState.PAYMENT_STATE_SETTLED],
                created_from_time=Timestamp(seconds=1_800_000_000),
                created_until_time=Timestamp(seconds=1_900_000_000),
                currency_code="USD",
                min_amount_minor_units=1,
                max_amount_minor_units=2,
                brand="Visa",
                last_four="1111",
            ),
            page_size=3,
            language_code="id",
        ),
        payments.ListPaymentsResponse(payments=[PAYMENT]),
        [PAYMENT],
    ),
    (
        lambda client: client.search_payments(
            query="budi 10.00",
            name="budi",
            email="budi@example.com",
            gateway_transaction_id="t1",
            network_transaction_id="n1",
            metadata={"order_no": "A-77"},
            amount=USD,
            caller_id="shop",
            customer_id="cus_1",
            reference="order-1",
            reference_contains="order",
            states=[PaymentState.PAYMENT_STATE_SETTLED],
            funds=[PaymentFunds.PAYMENT_FUNDS_HELD],
            dispute_states=[DisputeState.DISPUTE_STATE_OPEN],
            is_disputed=True,
            created_from_time=datetime.fromtimestamp(1_800_000_000, UTC),
            created_until_time=datetime.fromtimestamp(1_900_000_000, UTC),
            currency_code="USD",
            min_amount_minor_units=1,
            max_amount_minor_units=2,
            brand="Visa",
            last_four="1111",
            page_size=3,
            language_code="id",
        ),
        payments.SearchPaymentsRequest(
            query="budi 10.00",
            fields=payments.PaymentSearchFields(
                name="budi",
                email="budi@example.com",
                gateway_transaction_id="t1",
                network_transaction_id="n1",
                metadata={"order_no": "A-77"},
                amount=USD,
                caller_id="shop",
            ),
            filter=payments.PaymentFilter(
                customer_id="cus_1",
                reference="order-1",
                reference_contains="order",
                states=[PaymentState.PAYMENT_STATE_SETTLED],
                funds=[PaymentFunds.PAYMENT_FUNDS_HELD],
                dispute_states=[DisputeState.DISPUTE_STATE_OPEN],
                is_disputed=True,
                created_from_time=Timestamp(seconds=1_800_000_000),
                created_until_time=Timestamp(seconds=1_900_000_000),
                currency_code="USD",
                min_amount_minor_units=1,
                max_amount_minor_units=2,
                brand="Visa",
                last_four="1111",
            ),
            page_size=3,
            language_code="id",
        ),
        payments.SearchPaymentsResponse(hits=[HIT]),
        [HIT],
    ),
    (
        lambda client: client.summarize_payments(
            from_date=date(2026, 11, 1),
            until_date=date(2026, 12, 1),
            time_zone="Asia/Jakarta",
            caller_id="shop",
            currency_code="IDR",
        ),
        payments.SummarizePaymentsRequest(
            from_date="2026-11-01",
            until_date="2026-12-01",
            time_zone="Asia/Jakarta",
            caller_id="shop",
            currency_code="IDR",
        ),
        SUMMED_UP,
        SUMMED_UP,
    ),
    (
        lambda client: client.verify_payment(payment_id="pay_1", language_code="id"),
        payments.VerifyPaymentRequest(payment_id="pay_1", language_code="id"),
        VERIFIED,
        VERIFIED,
    ),
    (
        lambda client: client.watch_payment(payment_id="pay_1", language_code="id"),
        payments.WatchPaymentRequest(payment_id="pay_1", language_code="id"),
        [payments.WatchPaymentResponse(payment=PAYMENT)],
        [PAYMENT],
    ),
    (
        lambda client: client.list_payment_events(payment_id="pay_1", page_size=3),
        payments.ListPaymentEventsRequest(payment_id="pay_1", page_size=3),
        payments.ListPaymentEventsResponse(events=[PaymentEvent(sequence=1)]),
        [PaymentEvent(sequence=1)],
    ),
    (
        lambda client: client.list_decline_reasons(language_code="id"),
        payments.ListDeclineReasonsRequest(language_code="id"),
        payments.ListDeclineReasonsResponse(entries=[ENTRY]),
        [ENTRY],
    ),
    (
        lambda client: client.create_customer(
            external_id="7", given_name="A", family_name="B", email="a@b", phone="1", language_code="id", request_id=ID
        ),
        customers.CreateCustomerRequest(
            external_id="7", given_name="A", family_name="B", email="a@b", phone="1", language_code="id", request_id=ID
        ),
        customers.CreateCustomerResponse(customer=CUSTOMER),
        CUSTOMER,
    ),
    (
        lambda client: client.get_customer(customer_id="cus_1"),
        customers.GetCustomerRequest(customer_id="cus_1"),
        customers.GetCustomerResponse(customer=CUSTOMER),
        CUSTOMER,
    ),
    (
        lambda client: client.get_customer(external_id="7"),
        customers.GetCustomerRequest(external_id="7"),
        customers.GetCustomerResponse(customer=CUSTOMER),
        CUSTOMER,
    ),
    (
        lambda client: client.update_customer(customer_id="cus_1", given_name="A", phone="", request_id=ID),
        customers.UpdateCustomerRequest(
            customer=Customer(customer_id="cus_1", given_name="A"),
            update_mask=FieldMask(paths=["given_name", "phone"]),
            request_id=ID,
        ),
        customers.UpdateCustomerResponse(customer=CUSTOMER),
        CUSTOMER,
    ),
    (
        lambda client: client.update_customer(
            customer_id="cus_1",
            external_id="7",
            given_name="A",
            family_name="B",
            email="a@b",
            phone="1",
            language_code="id",
            request_id=ID,
        ),
        customers.UpdateCustomerRequest(
            customer=Customer(
                customer_id="cus_1",
                external_id="7",
                given_name="A",
                family_name="B",
                email="a@b",
                phone="1",
                language_code="id",
            ),
            update_mask=FieldMask(
                paths=["external_id", "given_name", "family_name", "email", "phone", "language_code"]
            ),
            request_id=ID,
        ),
        customers.UpdateCustomerResponse(customer=CUSTOMER),
        CUSTOMER,
    ),
    (
        lambda client: client.delete_customer(customer_id="cus_1", request_id=ID),
        customers.DeleteCustomerRequest(customer_id="cus_1", request_id=ID),
        customers.DeleteCustomerResponse(customer=CUSTOMER),
        CUSTOMER,
    ),
    (
        lambda client: client.erase_guest(payment_id="pay_1", request_id=ID),
        customers.EraseGuestRequest(payment_id="pay_1", request_id=ID),
        customers.EraseGuestResponse(payment=PAYMENT),
        PAYMENT,
    ),
    (
        lambda client: client.list_customers(email="a@b", page_size=3),
        customers.ListCustomersRequest(email="a@b", page_size=3),
        customers.ListCustomersResponse(customers=[CUSTOMER]),
        [CUSTOMER],
    ),
    (
        lambda client: client.create_client_token(customer_id="cus_1", currency_code="USD"),
        methods.CreateClientTokenRequest(customer_id="cus_1", currency_code="USD"),
        methods.CreateClientTokenResponse(client_token="token"),
        "token",
    ),
    (
        lambda client: client.add_payment_method(
            customer_id="cus_1",
            card=client.card(**CARD),  # type: ignore[arg-type]
            verify=True,
            make_default=True,
            billing_address=HOME,
            language_code="id",
            request_id=ID,
        ),
        methods.AddPaymentMethodRequest(
            customer_id="cus_1",
            card=Card(**CARD),  # type: ignore[arg-type]
            verify=True,
            make_default=True,
            billing_address=HOME,
            language_code="id",
            request_id=ID,
        ),
        methods.AddPaymentMethodResponse(payment_method=METHOD),
        METHOD,
    ),
    (
        lambda client: client.add_payment_method(customer_id="cus_1", payment_method_nonce="nonce", request_id=ID),
        methods.AddPaymentMethodRequest(customer_id="cus_1", payment_method_nonce="nonce", request_id=ID),
        methods.AddPaymentMethodResponse(payment_method=METHOD),
        METHOD,
    ),
    (
        lambda client: client.get_payment_method(payment_method_id="pm_1", language_code="id"),
        methods.GetPaymentMethodRequest(payment_method_id="pm_1", language_code="id"),
        methods.GetPaymentMethodResponse(payment_method=METHOD),
        METHOD,
    ),
    (
        lambda client: client.list_payment_methods(customer_id="cus_1", page_size=3, language_code="id"),
        methods.ListPaymentMethodsRequest(customer_id="cus_1", page_size=3, language_code="id"),
        methods.ListPaymentMethodsResponse(payment_methods=[METHOD]),
        [METHOD],
    ),
    (
        lambda client: client.update_payment_method(
            payment_method_id="pm_1",
            expiration_month=1,
            expiration_year=2031,
            cardholder_name="",
            billing_address=HOME,
            language_code="id",
            request_id=ID,
        ),
        methods.UpdatePaymentMethodRequest(
            payment_method_id="pm_1",
            expiration_month=1,
            expiration_year=2031,
            cardholder_name="",
            billing_address=HOME,
            language_code="id",
            request_id=ID,
        ),
        methods.UpdatePaymentMethodResponse(payment_method=METHOD),
        METHOD,
    ),
    (
        lambda client: client.set_default_payment_method(payment_method_id="pm_1", request_id=ID),
        methods.SetDefaultPaymentMethodRequest(payment_method_id="pm_1", request_id=ID),
        methods.SetDefaultPaymentMethodResponse(payment_method=METHOD),
        METHOD,
    ),
    (
        lambda client: client.delete_payment_method(payment_method_id="pm_1", request_id=ID),
        methods.DeletePaymentMethodRequest(payment_method_id="pm_1", request_id=ID),
        methods.DeletePaymentMethodResponse(payment_method=METHOD),
        METHOD,
    ),
]


@pytest.mark.parametrize(
    ("call", "request_message", "answer", "made"), CALLS, ids=[type(call[1]).__name__ for call in CALLS]
)
def test_arguments_and_answers_pass_through(
    call: Callable[[BayarClient], Any], request_message: Message, answer: object, made: object
) -> None:
    with scripted_server(answer) as script, BayarClient(script.address) as client:
        result = call(client)
        assert (list(result) if isinstance(made, list) else result) == made
    assert script.requests == [request_message]
    assert f"{script.methods[0]}Request" == type(request_message).__name__


def test_every_call_is_tried() -> None:
    assert {type(call[1]).__name__.removesuffix("Request") for call in CALLS} == RPCS.keys()


def test_a_list_follows_the_pages_as_it_is_read() -> None:
    first, second, third = (Payment(payment_id=f"pay_{number}") for number in (1, 2, 3))
    pages = (
        payments.ListPaymentsResponse(payments=[first, second], next_page_token="second"),
        payments.ListPaymentsResponse(payments=[], next_page_token="third"),
        payments.ListPaymentsResponse(payments=[third]),
    )
    with scripted_server(*pages) as script, BayarClient(script.address) as client:
        listed = client.list_payments(customer_id="cus_1", page_size=2)
        assert script.requests == []
        assert [next(listed), next(listed)] == [first, second]
        assert len(script.requests) == 1
        assert list(listed) == [third]
    assert [request.page_token for request in script.requests] == ["", "second", "third"]
    assert {request.filter.customer_id for request in script.requests} == {"cus_1"}


def test_the_language_goes_with_every_call() -> None:
    answers = (
        payments.GetPaymentResponse(payment=PAYMENT),
        [payments.WatchPaymentResponse(payment=PAYMENT)],
        payments.ListPaymentsResponse(),
    )
    with scripted_server(*answers) as script, BayarClient(script.address, language="id") as client:
        client.get_payment(payment_id="pay_1")
        list(client.watch_payment(payment_id="pay_1"))
        list(client.list_payments())
    assert [metadata["accept-language"] for metadata in script.metadata] == ["id", "id", "id"]


def test_without_a_language_the_customers_own_counts() -> None:
    with scripted_server(payments.GetPaymentResponse(payment=PAYMENT)) as script, BayarClient(script.address) as client:
        client.get_payment(payment_id="pay_1")
    assert "accept-language" not in script.metadata[0]


def test_two_sources_are_refused_before_anything_is_sent() -> None:
    with scripted_server() as script, BayarClient(script.address) as client:
        with pytest.raises(ValueError, match="not payment_method_nonce and payment_method_id"):
            client.create_payment(reference="o", amount=USD, payment_method_nonce="n", payment_method_id="pm_1")
        with pytest.raises(ValueError, match="not card and payment_method_nonce"):
            client.add_payment_method(customer_id="c", card=client.card(**CARD), payment_method_nonce="n")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="not customer_id and external_id"):
            client.get_customer(customer_id="cus_1", external_id="7")
    assert script.requests == []


def test_a_time_without_a_zone_is_refused_at_once() -> None:
    with BayarClient("127.0.0.1:1") as client, pytest.raises(ValueError, match="time zone"):
        client.list_payments(created_from_time=datetime(2030, 1, 1))  # noqa: DTZ001 (it is refused)


def test_money_is_the_message_of_the_contract() -> None:
    assert Money(minor_units=2500, currency_code="USD") == USD
