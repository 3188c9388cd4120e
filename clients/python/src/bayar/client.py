"""The client: every call of the payment, customer and payment method services as a method, and the export."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, TypeVar

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from bayar import cards
from bayar.calls import Caller, RetryPolicy
from bayar.cards import CardInput
from bayar.channels import is_loopback, open_channel
from bayar.credentials import Credential, from_environment, metadata_of, with_credential
from bayar.payments.v1 import admin_service_pb2 as administration
from bayar.payments.v1 import customer_service_pb2 as customers
from bayar.payments.v1 import event_service_pb2 as feed
from bayar.payments.v1 import payment_method_service_pb2 as methods
from bayar.payments.v1 import payment_service_pb2 as payments
from bayar.payments.v1.address_pb2 import Address
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from bayar.payments.v1.customer_pb2 import Customer
from bayar.payments.v1.customer_service_pb2_grpc import CustomerServiceStub
from bayar.payments.v1.event_pb2 import Event, EventType
from bayar.payments.v1.event_service_pb2_grpc import EventServiceStub
from bayar.payments.v1.money_pb2 import Money
from bayar.payments.v1.payment_method_pb2 import PaymentMethod
from bayar.payments.v1.payment_method_service_pb2_grpc import PaymentMethodServiceStub
from bayar.payments.v1.payment_pb2 import CaptureMode, Payment, PaymentEvent, PaymentState, StatementDescriptor
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub


class _PageRequest(Protocol):
    page_token: str


class _Page(Protocol):
    next_page_token: str


_PageRequestT = TypeVar("_PageRequestT", bound=_PageRequest)
_PageT = TypeVar("_PageT", bound=_Page)
_ItemT = TypeVar("_ItemT")


class BayarClient:
    """One connection to Bayar. Make one and keep it; threads may share it. Close it, or use it in a `with`.

    address: host:port. The connection is encrypted, except to a loopback address without certificates.
    root_certificates: PEM of the authorities to trust. Default: the public ones.
    credential: who calls: an API key or token, a file that holds one, or a function that gives one; files and functions
    are asked anew for each call. Default: BAYAR_API_KEY, else the file in BAYAR_TOKEN_FILE, of the environment. It is
    never sent in plain text to another machine: that is a ValueError.
    credentials: gRPC channel credentials, for client certificates. Instead of root_certificates.
    insecure: plain text to wherever the address leads.
    language: BCP 47, for messages to customers. Default: the customer's own, else English.
    timeout_seconds: for each call, all its attempts together. Longer than the gateway's 60 s, so that answers arrive.
    retry: how often and how soon a call is sent again.

    Every method takes keywords named as in the contract and raises BayarError. A method that changes something takes a
    request_id, a UUID, and makes one when there is none. Keep your own beside the order, and a call can be repeated
    safely even after a crash. Lists fetch page after page as they are read; page_size is how many at a time.
    """

    def __init__(
        self,
        address: str,
        *,
        credential: Credential | None = None,
        root_certificates: bytes | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        insecure: bool = False,
        language: str = "",
        timeout_seconds: float = 90.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        metadata = (("accept-language", language),) if language else ()
        credential = from_environment() if credential is None else credential
        if credential is not None:
            metadata_of(credential)
            if insecure and not is_loopback(address):
                raise ValueError("A credential is not sent in plain text to another machine: use TLS.")
        self._caller = Caller(address, timeout_seconds, metadata, retry or RetryPolicy())
        self._channel = open_channel(
            address, root_certificates=root_certificates, credentials=credentials, insecure=insecure
        )
        if credential is not None:
            self._channel = with_credential(self._channel, credential)
        self._payments = PaymentServiceStub(self._channel)
        self._customers = CustomerServiceStub(self._channel)
        self._methods = PaymentMethodServiceStub(self._channel)
        self._administration = AdminServiceStub(self._channel)
        self._events = EventServiceStub(self._channel)

    card = staticmethod(cards.card)

    @property
    def channel(self) -> grpc.Channel:
        """For the services that have no methods here: `DisputeServiceStub(client.channel)`. No retries there."""
        return self._channel

    def close(self) -> None:
        """Ends the connection. Calls under way are cancelled; the service finishes what it has begun."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Payments

    def create_payment(
        self,
        *,
        reference: str,
        amount: Money,
        card: CardInput | None = None,
        payment_method_nonce: str | None = None,
        payment_method_id: str | None = None,
        customer_id: str = "",
        capture_mode: CaptureMode.ValueType = CaptureMode.CAPTURE_MODE_AUTOMATIC,
        store_payment_method: bool = False,
        billing_address: Address | None = None,
        descriptor: StatementDescriptor | None = None,
        metadata: Mapping[str, str] | None = None,
        language_code: str = "",
        client_address: str = "",
        request_id: str | None = None,
    ) -> Payment:
        """Takes a payment with one of card, payment_method_nonce, payment_method_id.

        A decline and an outcome that is not known yet are answers, not errors: look at the payment's state.
        client_address is the IP address of the shopper's browser or app: it lets the service stop card testing.
        """
        _one_at_most(card=card, payment_method_nonce=payment_method_nonce, payment_method_id=payment_method_id)
        request = payments.CreatePaymentRequest(
            request_id=_request_id(request_id),
            reference=reference,
            amount=amount,
            customer_id=customer_id,
            capture_mode=capture_mode,
            store_payment_method=store_payment_method,
            billing_address=billing_address,
            descriptor=descriptor,
            metadata=metadata,
            language_code=language_code,
            client_address=client_address,
        )
        if card is not None:
            request.card.CopyFrom(card.to_message())
        if payment_method_nonce is not None:
            request.payment_method_nonce = payment_method_nonce
        if payment_method_id is not None:
            request.payment_method_id = payment_method_id
        return self._caller.unary(self._payments.CreatePayment, request).payment

    def capture_payment(
        self,
        *,
        payment_id: str,
        amount: Money | None = None,
        final: bool = False,
        language_code: str = "",
        request_id: str | None = None,
    ) -> Payment:
        """Captures the amount, by default all that is capturable. final=True releases the rest."""
        request = payments.CapturePaymentRequest(
            request_id=_request_id(request_id),
            payment_id=payment_id,
            amount=amount,
            final=final,
            language_code=language_code,
        )
        return self._caller.unary(self._payments.CapturePayment, request).payment

    def void_payment(
        self, *, payment_id: str, note: str = "", language_code: str = "", request_id: str | None = None
    ) -> Payment:
        """Cancels a payment that has not settled."""
        request = payments.VoidPaymentRequest(
            request_id=_request_id(request_id), payment_id=payment_id, note=note, language_code=language_code
        )
        return self._caller.unary(self._payments.VoidPayment, request).payment

    def refund_payment(
        self,
        *,
        payment_id: str,
        amount: Money | None = None,
        note: str = "",
        language_code: str = "",
        request_id: str | None = None,
    ) -> Payment:
        """Gives the amount back, by default all that is refundable."""
        request = payments.RefundPaymentRequest(
            request_id=_request_id(request_id),
            payment_id=payment_id,
            amount=amount,
            note=note,
            language_code=language_code,
        )
        return self._caller.unary(self._payments.RefundPayment, request).payment

    def get_payment(self, *, payment_id: str, language_code: str = "") -> Payment:
        """Reads a payment as the service's record says."""
        request = payments.GetPaymentRequest(payment_id=payment_id, language_code=language_code)
        return self._caller.unary(self._payments.GetPayment, request).payment

    def list_payments(
        self,
        *,
        customer_id: str = "",
        reference: str = "",
        reference_contains: str = "",
        states: Iterable[PaymentState.ValueType] = (),
        created_from_time: datetime | None = None,
        created_until_time: datetime | None = None,
        currency_code: str = "",
        min_amount_minor_units: int = 0,
        max_amount_minor_units: int = 0,
        brand: str = "",
        last_four: str = "",
        page_size: int = 0,
        language_code: str = "",
    ) -> Iterator[Payment]:
        """Payments that match everything given, newest first. Times need a time zone; the second is exclusive."""
        wanted = payments.PaymentFilter(
            customer_id=customer_id,
            reference=reference,
            reference_contains=reference_contains,
            states=states,
            created_from_time=_timestamp(created_from_time),
            created_until_time=_timestamp(created_until_time),
            currency_code=currency_code,
            min_amount_minor_units=min_amount_minor_units,
            max_amount_minor_units=max_amount_minor_units,
            brand=brand,
            last_four=last_four,
        )
        return _items(
            lambda request: self._caller.unary(self._payments.ListPayments, request),
            payments.ListPaymentsRequest(filter=wanted, page_size=page_size, language_code=language_code),
            lambda page: page.payments,
        )

    def verify_payment(self, *, payment_id: str, language_code: str = "") -> payments.VerifyPaymentResponse:
        """Asks the gateway now: `.outcome` says whether the record was right, `.differences` where not, `.payment`."""
        request = payments.VerifyPaymentRequest(payment_id=payment_id, language_code=language_code)
        return self._caller.unary(self._payments.VerifyPayment, request)

    def watch_payment(
        self, *, payment_id: str, language_code: str = "", timeout_seconds: float | None = None
    ) -> Iterator[Payment]:
        """The payment as it is, and again at each change, until it rests; by default however long that takes.

        A lost connection is made again. Leaving the loop ends the watch.
        """
        request = payments.WatchPaymentRequest(payment_id=payment_id, language_code=language_code)
        answers = self._caller.stream(self._payments.WatchPayment, request, timeout_seconds)
        return (answer.payment for answer in answers)

    def list_payment_events(self, *, payment_id: str, page_size: int = 0) -> Iterator[PaymentEvent]:
        """What happened to a payment, oldest first."""
        return _items(
            lambda request: self._caller.unary(self._payments.ListPaymentEvents, request),
            payments.ListPaymentEventsRequest(payment_id=payment_id, page_size=page_size),
            lambda page: page.events,
        )

    def stream_events(
        self,
        *,
        after_position: int = 0,
        types: Iterable[EventType.ValueType] = (),
        customer_id: str = "",
        timeout_seconds: float | None = None,
    ) -> Iterator[Event]:
        """What changed after the position, then what changes from now on; by default for ever.

        Keep the `position` of the last event that you have dealt with, with what you did about it, and go on from
        there the next time. A lost connection is made again, where it left off. Leaving the loop ends the stream.
        """
        request = feed.StreamEventsRequest(after_position=after_position, types=types, customer_id=customer_id)
        for answer in self._caller.stream(self._events.StreamEvents, request, timeout_seconds):
            if answer.HasField("event"):
                yield answer.event
            # What the connection is made again with.
            request.after_position = answer.event.position or answer.heartbeat.position

    def list_decline_reasons(self, *, language_code: str = "") -> Iterator[payments.DeclineReasonEntry]:
        """Every reason a payment can be declined for, with its advice and texts."""
        request = payments.ListDeclineReasonsRequest(language_code=language_code)
        yield from self._caller.unary(self._payments.ListDeclineReasons, request).entries

    # Customers

    def create_customer(
        self,
        *,
        external_id: str = "",
        given_name: str = "",
        family_name: str = "",
        email: str = "",
        phone: str = "",
        language_code: str = "",
        request_id: str | None = None,
    ) -> Customer:
        """Creates a customer. external_id is your own id of them."""
        request = customers.CreateCustomerRequest(
            request_id=_request_id(request_id),
            external_id=external_id,
            given_name=given_name,
            family_name=family_name,
            email=email,
            phone=phone,
            language_code=language_code,
        )
        return self._caller.unary(self._customers.CreateCustomer, request).customer

    def get_customer(self, *, customer_id: str | None = None, external_id: str | None = None) -> Customer:
        """Reads a customer by the service's id or by your own."""
        _one_at_most(customer_id=customer_id, external_id=external_id)
        request = customers.GetCustomerRequest()
        if customer_id is not None:
            request.customer_id = customer_id
        if external_id is not None:
            request.external_id = external_id
        return self._caller.unary(self._customers.GetCustomer, request).customer

    def update_customer(
        self,
        *,
        customer_id: str,
        external_id: str | None = None,
        given_name: str | None = None,
        family_name: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        language_code: str | None = None,
        request_id: str | None = None,
    ) -> Customer:
        """Changes what is given; "" clears."""
        changes = {
            "external_id": external_id,
            "given_name": given_name,
            "family_name": family_name,
            "email": email,
            "phone": phone,
            "language_code": language_code,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        request = customers.UpdateCustomerRequest(
            request_id=_request_id(request_id),
            customer=Customer(customer_id=customer_id),
            update_mask=FieldMask(paths=given),
        )
        for name, value in given.items():
            setattr(request.customer, name, value)
        return self._caller.unary(self._customers.UpdateCustomer, request).customer

    def delete_customer(self, *, customer_id: str, request_id: str | None = None) -> Customer:
        """Deletes the customer's payment methods and erases personal data. Payments stay."""
        request = customers.DeleteCustomerRequest(request_id=_request_id(request_id), customer_id=customer_id)
        return self._caller.unary(self._customers.DeleteCustomer, request).customer

    def list_customers(self, *, email: str = "", page_size: int = 0) -> Iterator[Customer]:
        """Customers, newest first; only the one with the email address, if given."""
        return _items(
            lambda request: self._caller.unary(self._customers.ListCustomers, request),
            customers.ListCustomersRequest(email=email, page_size=page_size),
            lambda page: page.customers,
        )

    # Payment methods

    def create_client_token(self, *, customer_id: str = "", currency_code: str = "") -> str:
        """A token with which a browser or app turns card data into a payment_method_nonce. Good for 24 hours."""
        request = methods.CreateClientTokenRequest(customer_id=customer_id, currency_code=currency_code)
        return self._caller.unary(self._methods.CreateClientToken, request).client_token

    def add_payment_method(
        self,
        *,
        customer_id: str,
        card: CardInput | None = None,
        payment_method_nonce: str | None = None,
        verify: bool = False,
        make_default: bool = False,
        billing_address: Address | None = None,
        language_code: str = "",
        client_address: str = "",
        request_id: str | None = None,
    ) -> PaymentMethod:
        """Stores a card or nonce for a customer. A bank's refusal is an answer: look at the state.

        client_address is the IP address of the shopper's browser or app: it lets the service stop card testing.
        """
        _one_at_most(card=card, payment_method_nonce=payment_method_nonce)
        request = methods.AddPaymentMethodRequest(
            request_id=_request_id(request_id),
            customer_id=customer_id,
            verify=verify,
            make_default=make_default,
            billing_address=billing_address,
            language_code=language_code,
            client_address=client_address,
        )
        if card is not None:
            request.card.CopyFrom(card.to_message())
        if payment_method_nonce is not None:
            request.payment_method_nonce = payment_method_nonce
        return self._caller.unary(self._methods.AddPaymentMethod, request).payment_method

    def get_payment_method(self, *, payment_method_id: str, language_code: str = "") -> PaymentMethod:
        """Reads a stored payment method."""
        request = methods.GetPaymentMethodRequest(payment_method_id=payment_method_id, language_code=language_code)
        return self._caller.unary(self._methods.GetPaymentMethod, request).payment_method

    def list_payment_methods(
        self, *, customer_id: str, page_size: int = 0, language_code: str = ""
    ) -> Iterator[PaymentMethod]:
        """A customer's payment methods, newest first."""
        return _items(
            lambda request: self._caller.unary(self._methods.ListPaymentMethods, request),
            methods.ListPaymentMethodsRequest(
                customer_id=customer_id, page_size=page_size, language_code=language_code
            ),
            lambda page: page.payment_methods,
        )

    def update_payment_method(
        self,
        *,
        payment_method_id: str,
        expiration_month: int = 0,
        expiration_year: int = 0,
        cardholder_name: str | None = None,
        billing_address: Address | None = None,
        language_code: str = "",
        request_id: str | None = None,
    ) -> PaymentMethod:
        """Changes what is given. Month and year go together."""
        request = methods.UpdatePaymentMethodRequest(
            request_id=_request_id(request_id),
            payment_method_id=payment_method_id,
            expiration_month=expiration_month,
            expiration_year=expiration_year,
            cardholder_name=cardholder_name,
            billing_address=billing_address,
            language_code=language_code,
        )
        return self._caller.unary(self._methods.UpdatePaymentMethod, request).payment_method

    def set_default_payment_method(self, *, payment_method_id: str, request_id: str | None = None) -> PaymentMethod:
        """Makes it the one to offer the customer first."""
        request = methods.SetDefaultPaymentMethodRequest(
            request_id=_request_id(request_id), payment_method_id=payment_method_id
        )
        return self._caller.unary(self._methods.SetDefaultPaymentMethod, request).payment_method

    def delete_payment_method(self, *, payment_method_id: str, request_id: str | None = None) -> PaymentMethod:
        """Deletes it here and at the gateway."""
        request = methods.DeletePaymentMethodRequest(
            request_id=_request_id(request_id), payment_method_id=payment_method_id
        )
        return self._caller.unary(self._methods.DeletePaymentMethod, request).payment_method

    # Administration

    def export_payments(
        self, *, from_time: datetime, until_time: datetime, timeout_seconds: float | None = None
    ) -> Iterator[administration.ExportRow]:
        """A row for each movement of money of the payments created in the window, oldest payment first.

        Times need a time zone; the second is exclusive. Rows are read as they come, however many there are, by default
        without a limit of time. A connection lost on the way ends it with BayarError: begin again.
        """
        request = administration.ExportPaymentsRequest(
            from_time=_timestamp(from_time), until_time=_timestamp(until_time)
        )
        answers = self._caller.download(self._administration.ExportPayments, request, timeout_seconds)
        return (row for answer in answers for row in answer.rows)


def _request_id(given: str | None) -> str:
    return str(uuid.uuid4()) if given is None else given


def _one_at_most(**alternatives: object) -> None:
    """Protobuf would keep the last and say nothing."""
    given = [name for name, value in alternatives.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"Give one of {', '.join(alternatives)}, not {' and '.join(given)}.")


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("A time needs a time zone, for example datetime.now(UTC).")
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _items(
    fetch: Callable[[_PageRequestT], _PageT], request: _PageRequestT, items: Callable[[_PageT], Iterable[_ItemT]]
) -> Iterator[_ItemT]:
    while True:
        page = fetch(request)
        yield from items(page)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
