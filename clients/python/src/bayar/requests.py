"""Every RPC of the contract as a function from keywords to a call: the one definition of what all clients offer.

`make proto` writes the methods of the clients from these signatures and docstrings.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias

from google.protobuf.field_mask_pb2 import FieldMask

from bayar.amounts import Money
from bayar.cards import CardInput
from bayar.modeling import message_of, timestamp
from bayar.models import (
    AbuseBlock,
    Address,
    CaptureMode,
    Checkout,
    CheckoutLine,
    CheckoutMethod,
    CheckoutState,
    CredentialDescription,
    Customer,
    DeclineReasonEntry,
    Dispute,
    DisputeState,
    Event,
    EventDelivery,
    EventEndpoint,
    EventType,
    ExportRow,
    ExternalVault,
    Finding,
    GuestContact,
    ManualResolution,
    MerchantAccount,
    Movement,
    MovementKind,
    OrderDetails,
    OrphanPolicy,
    Payment,
    PaymentCheck,
    PaymentEvent,
    PaymentFunds,
    PaymentInitiator,
    PaymentMethod,
    PaymentSearchHit,
    PaymentState,
    PaymentSummaries,
    PaymentVerification,
    ReconcileProgress,
    SeriesPosition,
    SettlementDifference,
    SettlementTotals,
    ShippingMethod,
    StatementDescriptor,
    ThreeDSecure,
    UnresolvedOperation,
    WebhookNotification,
    WebhookNotificationState,
)
from bayar.payments.v1 import (
    access_pb2,
    address_pb2,
    admin_service_pb2,
    checkout_pb2,
    checkout_service_pb2,
    customer_pb2,
    customer_service_pb2,
    dispute_pb2,
    dispute_service_pb2,
    event_pb2,
    event_service_pb2,
    merchant_account_pb2,
    money_pb2,
    movement_pb2,
    order_details_pb2,
    payment_initiator_pb2,
    payment_method_pb2,
    payment_method_service_pb2,
    payment_pb2,
    payment_service_pb2,
    three_d_secure_pb2,
)
from bayar.rpc import Pages, Stream, Unary, only_page, pages, same_again, stream, unary

# The arguments of the methods: a client offers one of the two.
AddressLike: TypeAlias = "Address | address_pb2.Address"
CaptureModeLike: TypeAlias = "CaptureMode | payment_pb2.CaptureMode.ValueType"
CheckoutLineLike: TypeAlias = "CheckoutLine | checkout_pb2.CheckoutLine"
CheckoutMethodLike: TypeAlias = "CheckoutMethod | checkout_pb2.CheckoutMethod.ValueType"
CheckoutStateLike: TypeAlias = "CheckoutState | checkout_pb2.CheckoutState.ValueType"
DisputeStateLike: TypeAlias = "DisputeState | dispute_pb2.DisputeState.ValueType"
EventTypeLike: TypeAlias = "EventType | event_pb2.EventType.ValueType"
ManualResolutionLike: TypeAlias = "ManualResolution | admin_service_pb2.ManualResolution.ValueType"
MoneyLike: TypeAlias = "Money | money_pb2.Money"
MovementKindLike: TypeAlias = "MovementKind | movement_pb2.MovementKind.ValueType"
OrphanPolicyLike: TypeAlias = "OrphanPolicy | admin_service_pb2.OrphanPolicy.ValueType"
PaymentFundsLike: TypeAlias = "PaymentFunds | payment_pb2.PaymentFunds.ValueType"
PaymentStateLike: TypeAlias = "PaymentState | payment_pb2.PaymentState.ValueType"
GuestContactLike: TypeAlias = "GuestContact | customer_pb2.GuestContact"
OrderDetailsLike: TypeAlias = "OrderDetails | order_details_pb2.OrderDetails"
ShippingMethodLike: TypeAlias = "ShippingMethod | order_details_pb2.ShippingMethod.ValueType"
StatementDescriptorLike: TypeAlias = "StatementDescriptor | payment_pb2.StatementDescriptor"
ExternalVaultLike: TypeAlias = "ExternalVault | payment_initiator_pb2.ExternalVault"
PaymentCheckLike: TypeAlias = "PaymentCheck | payment_pb2.PaymentCheck.ValueType"
PaymentInitiatorLike: TypeAlias = "PaymentInitiator | payment_initiator_pb2.PaymentInitiator.ValueType"
SeriesPositionLike: TypeAlias = "SeriesPosition | payment_initiator_pb2.SeriesPosition.ValueType"
ThreeDSecureLike: TypeAlias = "ThreeDSecure | three_d_secure_pb2.ThreeDSecure"
WebhookNotificationStateLike: TypeAlias = (
    "WebhookNotificationState | admin_service_pb2.WebhookNotificationState.ValueType"
)

# Payments


def create_payment(
    *,
    reference: str,
    amount: MoneyLike,
    card: CardInput | None = None,
    payment_method_nonce: str | None = None,
    payment_method_id: str | None = None,
    customer_id: str = "",
    capture_mode: CaptureModeLike = CaptureMode.AUTOMATIC,
    store_payment_method: bool = False,
    billing_address: AddressLike | None = None,
    statement_descriptor: StatementDescriptorLike | None = None,
    metadata: Mapping[str, str] | None = None,
    language_code: str = "",
    client_address: str = "",
    three_d_secure: ThreeDSecureLike | None = None,
    initiator: PaymentInitiatorLike = PaymentInitiator.UNSPECIFIED,
    series_position: SeriesPositionLike = SeriesPosition.UNSPECIFIED,
    external_vault: ExternalVaultLike | None = None,
    consents: Iterable[PaymentInitiatorLike] = (),
    device_data: str = "",
    shipping_address: AddressLike | None = None,
    shipping_method: ShippingMethodLike = ShippingMethod.UNSPECIFIED,
    order_details: OrderDetailsLike | None = None,
    skip_checks: Iterable[PaymentCheckLike] = (),
    guest: GuestContactLike | None = None,
    merchant_account_id: str = "",
    request_id: str | None = None,
) -> Unary[payment_pb2.Payment, Payment]:
    """Takes a payment with one of card, payment_method_nonce, payment_method_id.

    A decline and an outcome that is not known yet are answers, not errors: look at the payment's state.
    client_address is the IP address of the shopper's browser or app: it lets the service stop card testing.
    three_d_secure is for what the nonce does not say: a policy, an authentication by id or by another provider, an
    exemption. initiator says who starts the payment, where it is not the customer in the shop. order_details is
    level 2 and level 3 data: tax, purchase order number, shipping, discount and line items. guest is the name,
    email and phone of somebody without a customer record. merchant_account_id chooses among the merchant accounts
    that take the currency.
    """
    _one_at_most(card=card, payment_method_nonce=payment_method_nonce, payment_method_id=payment_method_id)
    request = payment_service_pb2.CreatePaymentRequest(
        request_id=_request_id(request_id),
        reference=reference,
        amount=message_of(amount),
        customer_id=customer_id,
        capture_mode=_number(capture_mode),
        store_payment_method=store_payment_method,
        billing_address=message_of(billing_address),
        statement_descriptor=message_of(statement_descriptor),
        metadata=metadata,
        language_code=language_code,
        client_address=client_address,
        three_d_secure=message_of(three_d_secure),
        initiator=_number(initiator),
        series_position=_number(series_position),
        external_vault=message_of(external_vault),
        consents=_numbers(consents),
        device_data=device_data,
        shipping_address=message_of(shipping_address),
        shipping_method=_number(shipping_method),
        order_details=message_of(order_details),
        skip_checks=_numbers(skip_checks),
        guest=message_of(guest),
        merchant_account_id=merchant_account_id,
        **_given(card=_card(card), payment_method_nonce=payment_method_nonce, payment_method_id=payment_method_id),
    )
    response = payment_service_pb2.CreatePaymentResponse
    return unary("PaymentService/CreatePayment", request, response, lambda answer: answer.payment, Payment.from_message)


def capture_payment(
    *,
    payment_id: str,
    amount: MoneyLike | None = None,
    final: bool = False,
    order_details: OrderDetailsLike | None = None,
    shipping_address: AddressLike | None = None,
    language_code: str = "",
    request_id: str | None = None,
) -> Unary[payment_pb2.Payment, Payment]:
    """Captures the amount, by default all that is capturable. final=True releases the rest.

    order_details and shipping_address are those of the captured part.
    """
    request = payment_service_pb2.CapturePaymentRequest(
        request_id=_request_id(request_id),
        payment_id=payment_id,
        amount=message_of(amount),
        final=final,
        order_details=message_of(order_details),
        shipping_address=message_of(shipping_address),
        language_code=language_code,
    )
    response = payment_service_pb2.CapturePaymentResponse
    return unary(
        "PaymentService/CapturePayment", request, response, lambda answer: answer.payment, Payment.from_message
    )


def adjust_authorization(
    *, payment_id: str, amount: MoneyLike, note: str = "", language_code: str = "", request_id: str | None = None
) -> Unary[payment_pb2.Payment, Payment]:
    """Changes the held amount of an authorization, up or down.

    amount is the whole amount to hold, not the difference. A bank's refusal is an answer: the last operation is
    DECLINED, and the authorization is as it was.
    """
    request = payment_service_pb2.AdjustAuthorizationRequest(
        request_id=_request_id(request_id),
        payment_id=payment_id,
        amount=message_of(amount),
        note=note,
        language_code=language_code,
    )
    response = payment_service_pb2.AdjustAuthorizationResponse
    return unary(
        "PaymentService/AdjustAuthorization", request, response, lambda answer: answer.payment, Payment.from_message
    )


def void_payment(
    *, payment_id: str, note: str = "", language_code: str = "", request_id: str | None = None
) -> Unary[payment_pb2.Payment, Payment]:
    """Cancels a payment that has not settled. After captures in part it releases the rest, and they stay."""
    request = payment_service_pb2.VoidPaymentRequest(
        request_id=_request_id(request_id), payment_id=payment_id, note=note, language_code=language_code
    )
    response = payment_service_pb2.VoidPaymentResponse
    return unary("PaymentService/VoidPayment", request, response, lambda answer: answer.payment, Payment.from_message)


def refund_payment(
    *,
    payment_id: str,
    amount: MoneyLike | None = None,
    note: str = "",
    language_code: str = "",
    request_id: str | None = None,
) -> Unary[payment_pb2.Payment, Payment]:
    """Gives the amount back, by default all that is refundable."""
    request = payment_service_pb2.RefundPaymentRequest(
        request_id=_request_id(request_id),
        payment_id=payment_id,
        amount=message_of(amount),
        note=note,
        language_code=language_code,
    )
    response = payment_service_pb2.RefundPaymentResponse
    return unary("PaymentService/RefundPayment", request, response, lambda answer: answer.payment, Payment.from_message)


def get_payment(*, payment_id: str, language_code: str = "") -> Unary[payment_pb2.Payment, Payment]:
    """Reads a payment from the service's record."""
    request = payment_service_pb2.GetPaymentRequest(payment_id=payment_id, language_code=language_code)
    response = payment_service_pb2.GetPaymentResponse
    return unary("PaymentService/GetPayment", request, response, lambda answer: answer.payment, Payment.from_message)


def list_payments(
    *,
    customer_id: str = "",
    reference: str = "",
    reference_contains: str = "",
    states: Iterable[PaymentStateLike] = (),
    funds: Iterable[PaymentFundsLike] = (),
    dispute_states: Iterable[DisputeStateLike] = (),
    is_disputed: bool | None = None,
    created_from_time: datetime | None = None,
    created_until_time: datetime | None = None,
    currency_code: str = "",
    min_amount_minor_units: int = 0,
    max_amount_minor_units: int = 0,
    brand: str = "",
    last_four: str = "",
    page_size: int = 0,
    language_code: str = "",
) -> Pages[payment_pb2.Payment, Payment]:
    """Lists payments that match everything given, newest first. Times need a time zone; the second is exclusive."""
    wanted = payment_service_pb2.PaymentFilter(
        customer_id=customer_id,
        reference=reference,
        reference_contains=reference_contains,
        states=_numbers(states),
        funds=_numbers(funds),
        dispute_states=_numbers(dispute_states),
        is_disputed=is_disputed,
        created_from_time=timestamp(created_from_time),
        created_until_time=timestamp(created_until_time),
        currency_code=currency_code,
        min_amount_minor_units=min_amount_minor_units,
        max_amount_minor_units=max_amount_minor_units,
        brand=brand,
        last_four=last_four,
    )
    request = payment_service_pb2.ListPaymentsRequest(filter=wanted, page_size=page_size, language_code=language_code)
    response = payment_service_pb2.ListPaymentsResponse
    return pages("PaymentService/ListPayments", request, response, lambda page: page.payments, Payment.from_message)


def search_payments(
    *,
    query: str = "",
    name: str = "",
    email: str = "",
    gateway_transaction_id: str = "",
    network_transaction_id: str = "",
    metadata: Mapping[str, str] | None = None,
    amount: MoneyLike | None = None,
    caller_id: str = "",
    customer_id: str = "",
    reference: str = "",
    reference_contains: str = "",
    states: Iterable[PaymentStateLike] = (),
    funds: Iterable[PaymentFundsLike] = (),
    dispute_states: Iterable[DisputeStateLike] = (),
    is_disputed: bool | None = None,
    created_from_time: datetime | None = None,
    created_until_time: datetime | None = None,
    currency_code: str = "",
    min_amount_minor_units: int = 0,
    max_amount_minor_units: int = 0,
    brand: str = "",
    last_four: str = "",
    page_size: int = 0,
    language_code: str = "",
) -> Pages[payment_service_pb2.PaymentSearchHit, PaymentSearchHit]:
    """Finds payments by what people know of them: "4242", "10.00", "2026-11-03", "budi santoso", an id, an email.

    Each hit says why it was found. Everything else that is given must match, too. Times need a time zone; the
    second is exclusive.
    """
    wanted = payment_service_pb2.PaymentFilter(
        customer_id=customer_id,
        reference=reference,
        reference_contains=reference_contains,
        states=_numbers(states),
        funds=_numbers(funds),
        dispute_states=_numbers(dispute_states),
        is_disputed=is_disputed,
        created_from_time=timestamp(created_from_time),
        created_until_time=timestamp(created_until_time),
        currency_code=currency_code,
        min_amount_minor_units=min_amount_minor_units,
        max_amount_minor_units=max_amount_minor_units,
        brand=brand,
        last_four=last_four,
    )
    fields = payment_service_pb2.PaymentSearchFields(
        name=name,
        email=email,
        gateway_transaction_id=gateway_transaction_id,
        network_transaction_id=network_transaction_id,
        metadata=metadata,
        amount=message_of(amount),
        caller_id=caller_id,
    )
    request = payment_service_pb2.SearchPaymentsRequest(
        query=query, filter=wanted, fields=fields, page_size=page_size, language_code=language_code
    )
    response = payment_service_pb2.SearchPaymentsResponse
    return pages(
        "PaymentService/SearchPayments", request, response, lambda page: page.hits, PaymentSearchHit.from_message
    )


def verify_payment(
    *, payment_id: str, language_code: str = ""
) -> Unary[payment_service_pb2.VerifyPaymentResponse, PaymentVerification]:
    """Asks the gateway now: `.outcome` says whether the record was right, `.differences` where not, `.payment`."""
    request = payment_service_pb2.VerifyPaymentRequest(payment_id=payment_id, language_code=language_code)
    response = payment_service_pb2.VerifyPaymentResponse
    return unary(
        "PaymentService/VerifyPayment", request, response, lambda answer: answer, PaymentVerification.from_message
    )


def watch_payment(*, payment_id: str, language_code: str = "") -> Stream[payment_pb2.Payment, Payment]:
    """Gives the payment as it is, and again at each change, until it rests; by default however long that takes.

    The client reopens a lost connection. Leaving the loop ends the watch.
    """
    request = payment_service_pb2.WatchPaymentRequest(payment_id=payment_id, language_code=language_code)
    response = payment_service_pb2.WatchPaymentResponse
    return stream(
        "PaymentService/WatchPayment",
        request,
        response,
        lambda answer: [answer.payment],
        Payment.from_message,
        resume=same_again,
    )


def list_payment_events(*, payment_id: str, page_size: int = 0) -> Pages[payment_pb2.PaymentEvent, PaymentEvent]:
    """Lists what happened to a payment, oldest first."""
    request = payment_service_pb2.ListPaymentEventsRequest(payment_id=payment_id, page_size=page_size)
    response = payment_service_pb2.ListPaymentEventsResponse
    return pages(
        "PaymentService/ListPaymentEvents", request, response, lambda page: page.events, PaymentEvent.from_message
    )


def list_decline_reasons(
    *, language_code: str = ""
) -> Pages[payment_service_pb2.DeclineReasonEntry, DeclineReasonEntry]:
    """Lists every reason a payment can be declined for, with its advice and texts."""
    request = payment_service_pb2.ListDeclineReasonsRequest(language_code=language_code)
    response = payment_service_pb2.ListDeclineReasonsResponse
    return pages(
        "PaymentService/ListDeclineReasons",
        request,
        response,
        lambda page: page.entries,
        DeclineReasonEntry.from_message,
        only_page,
    )


def summarize_payments(
    *, from_date: date, until_date: date, time_zone: str = "", caller_id: str = "", currency_code: str = ""
) -> Unary[payment_service_pb2.SummarizePaymentsResponse, PaymentSummaries]:
    """Sums up payments, declines, disputes and movements of money by day and currency.

    until_date is exclusive. time_zone: that of the days, such as "Asia/Jakarta"; default UTC.
    """
    request = payment_service_pb2.SummarizePaymentsRequest(
        from_date=from_date.isoformat(),
        until_date=until_date.isoformat(),
        time_zone=time_zone,
        caller_id=caller_id,
        currency_code=currency_code,
    )
    response = payment_service_pb2.SummarizePaymentsResponse
    return unary(
        "PaymentService/SummarizePayments", request, response, lambda answer: answer, PaymentSummaries.from_message
    )


def list_merchant_accounts() -> Pages[merchant_account_pb2.MerchantAccount, MerchantAccount]:
    """Lists the merchant accounts that a payment can choose, with the abilities of each."""
    return pages(
        "PaymentService/ListMerchantAccounts",
        payment_service_pb2.ListMerchantAccountsRequest(),
        payment_service_pb2.ListMerchantAccountsResponse,
        lambda page: page.merchant_accounts,
        MerchantAccount.from_message,
        only_page,
    )


# Events


def stream_events(
    *, after_position: int = 0, types: Iterable[EventTypeLike] = (), customer_id: str = ""
) -> Stream[event_pb2.Event, Event]:
    """Gives what changed after the position, then what changes from now on; by default for ever.

    Keep the `position` of the last event that you have dealt with, with what you did about it, and go on from there
    the next time. The client reopens a lost connection where it left off. Leaving the loop ends the stream.
    """
    request = event_service_pb2.StreamEventsRequest(
        after_position=after_position, types=_numbers(types), customer_id=customer_id
    )
    response = event_service_pb2.StreamEventsResponse
    return stream(
        "EventService/StreamEvents",
        request,
        response,
        lambda answer: [answer.event] if answer.HasField("event") else [],
        Event.from_message,
        resume=_after,
    )


def _after(request: event_service_pb2.StreamEventsRequest, answer: event_service_pb2.StreamEventsResponse) -> None:
    request.after_position = answer.event.position or answer.heartbeat.position


# Customers


def create_customer(
    *,
    external_id: str = "",
    given_name: str = "",
    family_name: str = "",
    email: str = "",
    phone: str = "",
    language_code: str = "",
    request_id: str | None = None,
) -> Unary[customer_pb2.Customer, Customer]:
    """Creates a customer. external_id is your own id of them."""
    request = customer_service_pb2.CreateCustomerRequest(
        request_id=_request_id(request_id),
        external_id=external_id,
        given_name=given_name,
        family_name=family_name,
        email=email,
        phone=phone,
        language_code=language_code,
    )
    response = customer_service_pb2.CreateCustomerResponse
    return unary(
        "CustomerService/CreateCustomer", request, response, lambda answer: answer.customer, Customer.from_message
    )


def get_customer(
    *, customer_id: str | None = None, external_id: str | None = None
) -> Unary[customer_pb2.Customer, Customer]:
    """Reads a customer by the service's id or by your own."""
    _one_at_most(customer_id=customer_id, external_id=external_id)
    request = customer_service_pb2.GetCustomerRequest(**_given(customer_id=customer_id, external_id=external_id))
    response = customer_service_pb2.GetCustomerResponse
    return unary(
        "CustomerService/GetCustomer", request, response, lambda answer: answer.customer, Customer.from_message
    )


def update_customer(
    *,
    customer_id: str,
    external_id: str | None = None,
    given_name: str | None = None,
    family_name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    language_code: str | None = None,
    request_id: str | None = None,
) -> Unary[customer_pb2.Customer, Customer]:
    """Changes the given fields; "" clears a field."""
    given = _given(
        external_id=external_id,
        given_name=given_name,
        family_name=family_name,
        email=email,
        phone=phone,
        language_code=language_code,
    )
    request = customer_service_pb2.UpdateCustomerRequest(
        request_id=_request_id(request_id),
        customer=customer_pb2.Customer(customer_id=customer_id, **given),
        update_mask=FieldMask(paths=given),
    )
    response = customer_service_pb2.UpdateCustomerResponse
    return unary(
        "CustomerService/UpdateCustomer", request, response, lambda answer: answer.customer, Customer.from_message
    )


def delete_customer(*, customer_id: str, request_id: str | None = None) -> Unary[customer_pb2.Customer, Customer]:
    """Deletes the customer's payment methods and erases personal data. Payments stay."""
    request = customer_service_pb2.DeleteCustomerRequest(request_id=_request_id(request_id), customer_id=customer_id)
    response = customer_service_pb2.DeleteCustomerResponse
    return unary(
        "CustomerService/DeleteCustomer", request, response, lambda answer: answer.customer, Customer.from_message
    )


def erase_guest(*, payment_id: str, request_id: str | None = None) -> Unary[payment_pb2.Payment, Payment]:
    """Erases the personal data of a guest from a payment without a customer. The payment stays."""
    request = customer_service_pb2.EraseGuestRequest(request_id=_request_id(request_id), payment_id=payment_id)
    response = customer_service_pb2.EraseGuestResponse
    return unary("CustomerService/EraseGuest", request, response, lambda answer: answer.payment, Payment.from_message)


def list_customers(*, email: str = "", page_size: int = 0) -> Pages[customer_pb2.Customer, Customer]:
    """Lists customers, newest first; only the one with the email address, if given."""
    request = customer_service_pb2.ListCustomersRequest(email=email, page_size=page_size)
    response = customer_service_pb2.ListCustomersResponse
    return pages("CustomerService/ListCustomers", request, response, lambda page: page.customers, Customer.from_message)


# Payment methods


def create_client_token(
    *, customer_id: str = "", currency_code: str = "", merchant_account_id: str = ""
) -> Unary[str, str]:
    """Makes a token with which a browser or app turns card data into a payment_method_nonce. Good for 24 hours."""
    request = payment_method_service_pb2.CreateClientTokenRequest(
        customer_id=customer_id, currency_code=currency_code, merchant_account_id=merchant_account_id
    )
    response = payment_method_service_pb2.CreateClientTokenResponse
    return unary("PaymentMethodService/CreateClientToken", request, response, lambda answer: answer.client_token, str)


def add_payment_method(
    *,
    customer_id: str,
    card: CardInput | None = None,
    payment_method_nonce: str | None = None,
    verify: bool = False,
    make_default: bool = False,
    billing_address: AddressLike | None = None,
    language_code: str = "",
    client_address: str = "",
    three_d_secure: ThreeDSecureLike | None = None,
    consents: Iterable[PaymentInitiatorLike] = (),
    device_data: str = "",
    external_vault: ExternalVaultLike | None = None,
    verification_amount: MoneyLike | None = None,
    merchant_account_id: str = "",
    skip_checks: Iterable[PaymentCheckLike] = (),
    request_id: str | None = None,
) -> Unary[payment_method_pb2.PaymentMethod, PaymentMethod]:
    """Stores a card or nonce for a customer. A bank's refusal is an answer: look at the state.

    client_address is the IP address of the shopper's browser or app: it lets the service stop card testing.
    consents are the kinds of merchant-initiated payment that the customer agreed to. external_vault has the network
    transaction id of a card that another vault kept. verify asks the bank about the verification_amount.
    """
    _one_at_most(card=card, payment_method_nonce=payment_method_nonce)
    request = payment_method_service_pb2.AddPaymentMethodRequest(
        request_id=_request_id(request_id),
        customer_id=customer_id,
        **_given(card=_card(card), payment_method_nonce=payment_method_nonce),
        verify=verify,
        make_default=make_default,
        billing_address=message_of(billing_address),
        language_code=language_code,
        client_address=client_address,
        three_d_secure=message_of(three_d_secure),
        consents=_numbers(consents),
        device_data=device_data,
        external_vault=message_of(external_vault),
        verification_amount=message_of(verification_amount),
        merchant_account_id=merchant_account_id,
        skip_checks=_numbers(skip_checks),
    )
    response = payment_method_service_pb2.AddPaymentMethodResponse
    return unary(
        "PaymentMethodService/AddPaymentMethod",
        request,
        response,
        lambda answer: answer.payment_method,
        PaymentMethod.from_message,
    )


def get_payment_method(
    *, payment_method_id: str, language_code: str = ""
) -> Unary[payment_method_pb2.PaymentMethod, PaymentMethod]:
    """Reads a stored payment method."""
    request = payment_method_service_pb2.GetPaymentMethodRequest(
        payment_method_id=payment_method_id, language_code=language_code
    )
    response = payment_method_service_pb2.GetPaymentMethodResponse
    return unary(
        "PaymentMethodService/GetPaymentMethod",
        request,
        response,
        lambda answer: answer.payment_method,
        PaymentMethod.from_message,
    )


def list_payment_methods(
    *, customer_id: str, page_size: int = 0, language_code: str = ""
) -> Pages[payment_method_pb2.PaymentMethod, PaymentMethod]:
    """Lists a customer's payment methods, newest first."""
    request = payment_method_service_pb2.ListPaymentMethodsRequest(
        customer_id=customer_id, page_size=page_size, language_code=language_code
    )
    response = payment_method_service_pb2.ListPaymentMethodsResponse
    return pages(
        "PaymentMethodService/ListPaymentMethods",
        request,
        response,
        lambda page: page.payment_methods,
        PaymentMethod.from_message,
    )


def update_payment_method(
    *,
    payment_method_id: str,
    expiration_month: int = 0,
    expiration_year: int = 0,
    cardholder_name: str | None = None,
    billing_address: AddressLike | None = None,
    consents: Iterable[PaymentInitiatorLike] | None = None,
    language_code: str = "",
    request_id: str | None = None,
) -> Unary[payment_method_pb2.PaymentMethod, PaymentMethod]:
    """Changes the given fields. Month and year go together. Empty consents withdraw all that the customer gave."""
    request = payment_method_service_pb2.UpdatePaymentMethodRequest(
        request_id=_request_id(request_id),
        payment_method_id=payment_method_id,
        expiration_month=expiration_month,
        expiration_year=expiration_year,
        cardholder_name=cardholder_name,
        billing_address=message_of(billing_address),
        consents=None
        if consents is None
        else payment_method_service_pb2.PaymentConsents(initiators=_numbers(consents)),
        language_code=language_code,
    )
    response = payment_method_service_pb2.UpdatePaymentMethodResponse
    return unary(
        "PaymentMethodService/UpdatePaymentMethod",
        request,
        response,
        lambda answer: answer.payment_method,
        PaymentMethod.from_message,
    )


def set_default_payment_method(
    *, payment_method_id: str, request_id: str | None = None
) -> Unary[payment_method_pb2.PaymentMethod, PaymentMethod]:
    """Makes it the customer's default payment method."""
    request = payment_method_service_pb2.SetDefaultPaymentMethodRequest(
        request_id=_request_id(request_id), payment_method_id=payment_method_id
    )
    response = payment_method_service_pb2.SetDefaultPaymentMethodResponse
    return unary(
        "PaymentMethodService/SetDefaultPaymentMethod",
        request,
        response,
        lambda answer: answer.payment_method,
        PaymentMethod.from_message,
    )


def delete_payment_method(
    *, payment_method_id: str, request_id: str | None = None
) -> Unary[payment_method_pb2.PaymentMethod, PaymentMethod]:
    """Deletes it here and at the gateway."""
    request = payment_method_service_pb2.DeletePaymentMethodRequest(
        request_id=_request_id(request_id), payment_method_id=payment_method_id
    )
    response = payment_method_service_pb2.DeletePaymentMethodResponse
    return unary(
        "PaymentMethodService/DeletePaymentMethod",
        request,
        response,
        lambda answer: answer.payment_method,
        PaymentMethod.from_message,
    )


# Checkouts


def create_checkout(
    *,
    reference: str,
    amount: MoneyLike,
    success_url: str,
    cancel_url: str = "",
    customer_id: str = "",
    methods: Iterable[CheckoutMethodLike] = (),
    lines: Iterable[CheckoutLineLike] = (),
    language_code: str = "",
    expire_time: datetime | None = None,
    max_uses: int = 0,
    offer_storing: bool = False,
    capture_mode: CaptureModeLike = CaptureMode.AUTOMATIC,
    metadata: Mapping[str, str] | None = None,
    merchant_account_id: str = "",
    request_id: str | None = None,
) -> Unary[checkout_pb2.Checkout, Checkout]:
    """Creates a page on which a shopper pays: send them to its url. With max_uses above 1 it is a payment link.

    expire_time needs a time zone.
    """
    request = checkout_service_pb2.CreateCheckoutRequest(
        request_id=_request_id(request_id),
        reference=reference,
        amount=message_of(amount),
        customer_id=customer_id,
        methods=_numbers(methods),
        lines=[message_of(line) for line in lines],
        success_url=success_url,
        cancel_url=cancel_url,
        language_code=language_code,
        expire_time=timestamp(expire_time),
        max_uses=max_uses,
        offer_storing=offer_storing,
        capture_mode=_number(capture_mode),
        metadata=metadata,
        merchant_account_id=merchant_account_id,
    )
    response = checkout_service_pb2.CreateCheckoutResponse
    return unary(
        "CheckoutService/CreateCheckout", request, response, lambda answer: answer.checkout, Checkout.from_message
    )


def get_checkout(*, checkout_id: str) -> Unary[checkout_pb2.Checkout, Checkout]:
    """Reads a checkout."""
    request = checkout_service_pb2.GetCheckoutRequest(checkout_id=checkout_id)
    response = checkout_service_pb2.GetCheckoutResponse
    return unary(
        "CheckoutService/GetCheckout", request, response, lambda answer: answer.checkout, Checkout.from_message
    )


def list_checkouts(
    *, reference: str = "", customer_id: str = "", states: Iterable[CheckoutStateLike] = (), page_size: int = 0
) -> Pages[checkout_pb2.Checkout, Checkout]:
    """Lists checkouts that match everything given, newest first."""
    request = checkout_service_pb2.ListCheckoutsRequest(
        reference=reference, customer_id=customer_id, states=_numbers(states), page_size=page_size
    )
    response = checkout_service_pb2.ListCheckoutsResponse
    return pages("CheckoutService/ListCheckouts", request, response, lambda page: page.checkouts, Checkout.from_message)


def expire_checkout(*, checkout_id: str, request_id: str | None = None) -> Unary[checkout_pb2.Checkout, Checkout]:
    """Ends a checkout: nobody can begin to pay it any more."""
    request = checkout_service_pb2.ExpireCheckoutRequest(request_id=_request_id(request_id), checkout_id=checkout_id)
    response = checkout_service_pb2.ExpireCheckoutResponse
    return unary(
        "CheckoutService/ExpireCheckout", request, response, lambda answer: answer.checkout, Checkout.from_message
    )


# Disputes


def get_dispute(*, dispute_id: str) -> Unary[dispute_pb2.Dispute, Dispute]:
    """Reads a dispute."""
    request = dispute_service_pb2.GetDisputeRequest(dispute_id=dispute_id)
    response = dispute_service_pb2.GetDisputeResponse
    return unary("DisputeService/GetDispute", request, response, lambda answer: answer.dispute, Dispute.from_message)


def list_disputes(
    *,
    payment_id: str = "",
    states: Iterable[DisputeStateLike] = (),
    reply_before_time: datetime | None = None,
    page_size: int = 0,
) -> Pages[dispute_pb2.Dispute, Dispute]:
    """Lists disputes that match everything given, newest first. reply_before_time needs a time zone."""
    request = dispute_service_pb2.ListDisputesRequest(
        payment_id=payment_id,
        states=_numbers(states),
        reply_before_time=timestamp(reply_before_time),
        page_size=page_size,
    )
    response = dispute_service_pb2.ListDisputesResponse
    return pages("DisputeService/ListDisputes", request, response, lambda page: page.disputes, Dispute.from_message)


def accept_dispute(*, dispute_id: str, request_id: str | None = None) -> Unary[dispute_pb2.Dispute, Dispute]:
    """Accepts the bank's claim. The customer keeps the money, and that is final."""
    request = dispute_service_pb2.AcceptDisputeRequest(request_id=_request_id(request_id), dispute_id=dispute_id)
    response = dispute_service_pb2.AcceptDisputeResponse
    return unary("DisputeService/AcceptDispute", request, response, lambda answer: answer.dispute, Dispute.from_message)


def add_dispute_evidence(
    *,
    dispute_id: str,
    text: str | None = None,
    file_name: str | None = None,
    file_content: bytes | None = None,
    request_id: str | None = None,
) -> Unary[dispute_pb2.Dispute, Dispute]:
    """Adds a text, or a file with its name and content, to what the bank will be sent."""
    _one_at_most(text=text, file_name=file_name)
    if (file_name is None) != (file_content is None):
        raise ValueError("A file has both file_name and file_content.")
    file = None
    if file_name is not None and file_content is not None:
        file = dispute_service_pb2.EvidenceFile(name=file_name, content=file_content)
    request = dispute_service_pb2.AddDisputeEvidenceRequest(
        request_id=_request_id(request_id), dispute_id=dispute_id, **_given(text=text, file=file)
    )
    response = dispute_service_pb2.AddDisputeEvidenceResponse
    return unary(
        "DisputeService/AddDisputeEvidence", request, response, lambda answer: answer.dispute, Dispute.from_message
    )


def finalize_dispute(*, dispute_id: str, request_id: str | None = None) -> Unary[dispute_pb2.Dispute, Dispute]:
    """Sends the evidence to the bank. Nothing can be added afterwards."""
    request = dispute_service_pb2.FinalizeDisputeRequest(request_id=_request_id(request_id), dispute_id=dispute_id)
    response = dispute_service_pb2.FinalizeDisputeResponse
    return unary(
        "DisputeService/FinalizeDispute", request, response, lambda answer: answer.dispute, Dispute.from_message
    )


# Administration


def list_unresolved_operations(
    *, started_before_time: datetime | None = None, page_size: int = 0
) -> Pages[admin_service_pb2.UnresolvedOperation, UnresolvedOperation]:
    """Lists operations on payments whose outcome is still unknown, oldest first. The time needs a time zone."""
    request = admin_service_pb2.ListUnresolvedOperationsRequest(
        started_before_time=timestamp(started_before_time), page_size=page_size
    )
    response = admin_service_pb2.ListUnresolvedOperationsResponse
    return pages(
        "AdminService/ListUnresolvedOperations",
        request,
        response,
        lambda page: page.operations,
        UnresolvedOperation.from_message,
    )


def resolve_operation(
    *,
    operation_id: str,
    resolution: ManualResolutionLike = ManualResolution.CHECK_NOW,
    gateway_transaction_id: str = "",
    reason: str = "",
    request_id: str | None = None,
) -> Unary[payment_pb2.Payment, Payment]:
    """Settles an unknown outcome: asks the gateway again, or records by hand, with a reason, what was found out."""
    request = admin_service_pb2.ResolveOperationRequest(
        request_id=_request_id(request_id),
        operation_id=operation_id,
        resolution=_number(resolution),
        gateway_transaction_id=gateway_transaction_id,
        reason=reason,
    )
    response = admin_service_pb2.ResolveOperationResponse
    return unary(
        "AdminService/ResolveOperation", request, response, lambda answer: answer.payment, Payment.from_message
    )


def reconcile(
    *,
    from_time: datetime,
    until_time: datetime,
    orphan_policy: OrphanPolicyLike = OrphanPolicy.REPORT,
    max_reversals: int = 0,
    gateway_transaction_ids: Iterable[str] = (),
) -> Stream[admin_service_pb2.Finding | admin_service_pb2.ReconcileProgress, Finding | ReconcileProgress]:
    """Compares the service's record with the gateway's over a window of time, each way.

    Gives findings, and how far it is; the last one says done. Times need a time zone; the second is exclusive. With
    OrphanPolicy.REVERSE and gateway_transaction_ids, only these orphans are reversed. A connection lost on the way
    ends it with BayarError: begin again.
    """
    request = admin_service_pb2.ReconcileRequest(
        from_time=timestamp(from_time),
        until_time=timestamp(until_time),
        orphan_policy=_number(orphan_policy),
        max_reversals=max_reversals,
        gateway_transaction_ids=gateway_transaction_ids,
    )
    response = admin_service_pb2.ReconcileResponse
    return stream("AdminService/Reconcile", request, response, _reconciled, _finding_or_progress)


def _reconciled(
    answer: admin_service_pb2.ReconcileResponse,
) -> list[admin_service_pb2.Finding | admin_service_pb2.ReconcileProgress]:
    match answer.WhichOneof("message"):
        case "finding":
            return [answer.finding]
        case "progress":
            return [answer.progress]
        case _:
            return []


def _finding_or_progress(
    message: admin_service_pb2.Finding | admin_service_pb2.ReconcileProgress,
) -> Finding | ReconcileProgress:
    if isinstance(message, admin_service_pb2.Finding):
        return Finding.from_message(message)
    return ReconcileProgress.from_message(message)


def export_movements(
    *,
    from_time: datetime,
    until_time: datetime,
    kinds: Iterable[MovementKindLike] = (),
    recorded_from_time: datetime | None = None,
) -> Stream[movement_pb2.Movement, Movement]:
    """Gives every movement of money of the window, oldest first: captures, refunds, disputes, settlements, payouts.

    Times need a time zone; until_time is exclusive. With recorded_from_time, only those that the service recorded
    at that time or later. Movements are read as they come, however many there are, by default without a limit of
    time. A connection lost on the way ends it with BayarError: begin again.
    """
    request = admin_service_pb2.ExportMovementsRequest(
        from_time=timestamp(from_time),
        until_time=timestamp(until_time),
        kinds=_numbers(kinds),
        recorded_from_time=timestamp(recorded_from_time) if recorded_from_time is not None else None,
    )
    response = admin_service_pb2.ExportMovementsResponse
    return stream(
        "AdminService/ExportMovements", request, response, lambda answer: answer.movements, Movement.from_message
    )


def compare_settlements(
    *, from_date: date, until_date: date, every_transaction: bool = False
) -> Stream[
    admin_service_pb2.SettlementTotals | admin_service_pb2.SettlementDifference, SettlementTotals | SettlementDifference
]:
    """Compares the movements of money with the gateway's settlement batches and payouts, day by day.

    Gives for each day the sums of each merchant account, then the transactions that differ. until_date is
    exclusive. A connection lost on the way ends it with BayarError: begin again.
    """
    request = admin_service_pb2.CompareSettlementsRequest(
        from_date=from_date.isoformat(), until_date=until_date.isoformat(), every_transaction=every_transaction
    )
    response = admin_service_pb2.CompareSettlementsResponse
    return stream("AdminService/CompareSettlements", request, response, _compared, _totals_or_difference)


def _compared(
    answer: admin_service_pb2.CompareSettlementsResponse,
) -> list[admin_service_pb2.SettlementTotals | admin_service_pb2.SettlementDifference]:
    match answer.WhichOneof("message"):
        case "totals":
            return [answer.totals]
        case "difference":
            return [answer.difference]
        case _:
            return []


def _totals_or_difference(
    message: admin_service_pb2.SettlementTotals | admin_service_pb2.SettlementDifference,
) -> SettlementTotals | SettlementDifference:
    if isinstance(message, admin_service_pb2.SettlementTotals):
        return SettlementTotals.from_message(message)
    return SettlementDifference.from_message(message)


def export_payments(*, from_time: datetime, until_time: datetime) -> Stream[admin_service_pb2.ExportRow, ExportRow]:
    """Gives a row for each operation of the payments created in the window, oldest payment first.

    The books need export_movements, where each movement has its own date. Times need a time zone; the second is
    exclusive. Rows are read as they come, however many there are, by default without a limit of time. A connection
    lost on the way ends it with BayarError: begin again.
    """
    request = admin_service_pb2.ExportPaymentsRequest(from_time=timestamp(from_time), until_time=timestamp(until_time))
    response = admin_service_pb2.ExportPaymentsResponse
    return stream("AdminService/ExportPayments", request, response, lambda answer: answer.rows, ExportRow.from_message)


def list_webhook_notifications(
    *, states: Iterable[WebhookNotificationStateLike] = (), page_size: int = 0
) -> Pages[admin_service_pb2.WebhookNotification, WebhookNotification]:
    """Lists what the gateway's webhooks told, newest first."""
    request = admin_service_pb2.ListWebhookNotificationsRequest(states=_numbers(states), page_size=page_size)
    response = admin_service_pb2.ListWebhookNotificationsResponse
    return pages(
        "AdminService/ListWebhookNotifications",
        request,
        response,
        lambda page: page.notifications,
        WebhookNotification.from_message,
    )


def retry_webhook_notification(
    *, notification_id: str, request_id: str | None = None
) -> Unary[admin_service_pb2.WebhookNotification, WebhookNotification]:
    """Has a notification of the gateway processed again."""
    request = admin_service_pb2.RetryWebhookNotificationRequest(
        request_id=_request_id(request_id), notification_id=notification_id
    )
    response = admin_service_pb2.RetryWebhookNotificationResponse
    return unary(
        "AdminService/RetryWebhookNotification",
        request,
        response,
        lambda answer: answer.notification,
        WebhookNotification.from_message,
    )


def list_abuse_blocks(*, page_size: int = 0) -> Pages[admin_service_pb2.AbuseBlock, AbuseBlock]:
    """Lists whom the limits of card testing stopped, newest first."""
    request = admin_service_pb2.ListAbuseBlocksRequest(page_size=page_size)
    response = admin_service_pb2.ListAbuseBlocksResponse
    return pages("AdminService/ListAbuseBlocks", request, response, lambda page: page.blocks, AbuseBlock.from_message)


def lift_abuse_block(
    *, block_id: str, reason: str, request_id: str | None = None
) -> Unary[admin_service_pb2.AbuseBlock, AbuseBlock]:
    """Lifts a block of card testing, with a reason for the log: its subject may pay again at once."""
    request = admin_service_pb2.LiftAbuseBlockRequest(
        request_id=_request_id(request_id), block_id=block_id, reason=reason
    )
    response = admin_service_pb2.LiftAbuseBlockResponse
    return unary("AdminService/LiftAbuseBlock", request, response, lambda answer: answer.block, AbuseBlock.from_message)


def list_event_endpoints() -> Pages[admin_service_pb2.EventEndpoint, EventEndpoint]:
    """Lists the addresses that events are sent to, and how far each is."""
    request = admin_service_pb2.ListEventEndpointsRequest()
    response = admin_service_pb2.ListEventEndpointsResponse
    return pages(
        "AdminService/ListEventEndpoints",
        request,
        response,
        lambda page: page.endpoints,
        EventEndpoint.from_message,
        only_page,
    )


def list_event_deliveries(
    *, endpoint: str, after_position: int = 0, page_size: int = 0
) -> Pages[admin_service_pb2.EventDelivery, EventDelivery]:
    """Lists events that an address did not receive in three days, and those to be sent once more, in feed order."""
    request = admin_service_pb2.ListEventDeliveriesRequest(
        endpoint=endpoint, after_position=after_position, page_size=page_size
    )
    response = admin_service_pb2.ListEventDeliveriesResponse
    return pages(
        "AdminService/ListEventDeliveries",
        request,
        response,
        lambda page: page.deliveries,
        EventDelivery.from_message,
        _after_the_last,
    )


def _after_the_last(
    request: admin_service_pb2.ListEventDeliveriesRequest, page: admin_service_pb2.ListEventDeliveriesResponse
) -> bool:
    if not page.deliveries:
        return False
    request.after_position = page.deliveries[-1].position
    return True


def get_credential() -> Unary[access_pb2.CredentialDescription, CredentialDescription]:
    """The credential of this client: its caller, its scopes, and the operator that it belongs to."""
    request, response = admin_service_pb2.GetCredentialRequest(), admin_service_pb2.GetCredentialResponse
    return unary(
        "AdminService/GetCredential",
        request,
        response,
        lambda answer: answer.credential,
        CredentialDescription.from_message,
    )


def resend_events(*, endpoint: str, event_ids: Iterable[str], request_id: str | None = None) -> Unary[int, int]:
    """Has 1 to 100 events sent to an address once more. Returns how many will be sent."""
    request = admin_service_pb2.ResendEventsRequest(
        request_id=_request_id(request_id), endpoint=endpoint, event_ids=event_ids
    )
    response = admin_service_pb2.ResendEventsResponse
    return unary("AdminService/ResendEvents", request, response, lambda answer: answer.event_count, int)


def _request_id(given: str | None) -> str:
    return str(uuid.uuid4()) if given is None else given


def _card(card: CardInput | None) -> Any:
    return None if card is None else card.to_message()


def _given(**alternatives: Any) -> dict[str, Any]:
    return {name: value for name, value in alternatives.items() if value is not None}


def _number(member: Any) -> Any:
    return int(member)


def _numbers(members: Iterable[Any]) -> list[Any]:
    return [int(member) for member in members]


def _one_at_most(**alternatives: object) -> None:
    """Raise TypeError if more than one is given: protobuf would silently keep the last."""
    given = [name for name, value in alternatives.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"Give one of {', '.join(alternatives)}, not {' and '.join(given)}.")
