"""The client whose answers are the contract's messages.

Written by `make proto` from bayar/requests.py; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from bayar import requests
from bayar.acts import act_metadata
from bayar.arguments import prepared
from bayar.calls import RetryPolicy
from bayar.cards import CardInput
from bayar.client_base import ClientBase
from bayar.payments.v1 import (
    access_pb2,
    address_pb2,
    admin_service_pb2,
    checkout_pb2,
    customer_pb2,
    dispute_pb2,
    event_pb2,
    merchant_account_pb2,
    money_pb2,
    movement_pb2,
    order_details_pb2,
    payment_initiator_pb2,
    payment_method_pb2,
    payment_pb2,
    payment_service_pb2,
    three_d_secure_pb2,
)
from bayar.payments.v1.admin_service_pb2 import ManualResolution, OrphanPolicy, WebhookNotificationState
from bayar.payments.v1.checkout_pb2 import CheckoutMethod, CheckoutState
from bayar.payments.v1.dispute_pb2 import DisputeState
from bayar.payments.v1.event_pb2 import EventType
from bayar.payments.v1.movement_pb2 import MovementKind
from bayar.payments.v1.order_details_pb2 import ShippingMethod
from bayar.payments.v1.payment_initiator_pb2 import PaymentInitiator, SeriesPosition
from bayar.payments.v1.payment_pb2 import CaptureMode, PaymentCheck, PaymentFunds, PaymentState


class BayarClient(ClientBase):
    """BayarClient with the contract's messages, as protobuf has them, for arguments and answers."""

    # PaymentService

    def create_payment(
        self,
        *,
        reference: str,
        amount: money_pb2.Money,
        card: CardInput | None = None,
        payment_method_nonce: str | None = None,
        payment_method_id: str | None = None,
        customer_id: str = "",
        capture_mode: CaptureMode.ValueType = CaptureMode.CAPTURE_MODE_AUTOMATIC,
        store_payment_method: bool = False,
        billing_address: address_pb2.Address | None = None,
        statement_descriptor: payment_pb2.StatementDescriptor | None = None,
        metadata: Mapping[str, str] | None = None,
        language_code: str = "",
        client_address: str = "",
        three_d_secure: three_d_secure_pb2.ThreeDSecure | None = None,
        initiator: PaymentInitiator.ValueType = PaymentInitiator.PAYMENT_INITIATOR_UNSPECIFIED,
        series_position: SeriesPosition.ValueType = SeriesPosition.SERIES_POSITION_UNSPECIFIED,
        external_vault: payment_initiator_pb2.ExternalVault | None = None,
        consents: Iterable[PaymentInitiator.ValueType] = (),
        device_data: str = "",
        shipping_address: address_pb2.Address | None = None,
        shipping_method: ShippingMethod.ValueType = ShippingMethod.SHIPPING_METHOD_UNSPECIFIED,
        order_details: order_details_pb2.OrderDetails | None = None,
        skip_checks: Iterable[PaymentCheck.ValueType] = (),
        guest: customer_pb2.GuestContact | None = None,
        merchant_account_id: str = "",
        request_id: str | None = None,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_pb2.Payment:
        """Takes a payment with one of card, payment_method_nonce, payment_method_id.

        A decline and an outcome that is not known yet are answers, not errors: look at the payment's state.
        client_address is the IP address of the shopper's browser or app: it lets the service stop card testing.
        three_d_secure is for what the nonce does not say: a policy, an authentication by id or by another provider, an
        exemption. initiator says who starts the payment, where it is not the customer in the shop. order_details is
        level 2 and level 3 data: tax, purchase order number, shipping, discount and line items. guest is the name,
        email and phone of somebody without a customer record. merchant_account_id chooses among the merchant accounts
        that take the currency.
        """
        call = prepared(
            requests.create_payment,
            reference=reference,
            amount=amount,
            card=card,
            payment_method_nonce=payment_method_nonce,
            payment_method_id=payment_method_id,
            customer_id=customer_id,
            capture_mode=capture_mode,
            store_payment_method=store_payment_method,
            billing_address=billing_address,
            statement_descriptor=statement_descriptor,
            metadata=metadata,
            language_code=language_code,
            client_address=client_address,
            three_d_secure=three_d_secure,
            initiator=initiator,
            series_position=series_position,
            external_vault=external_vault,
            consents=consents,
            device_data=device_data,
            shipping_address=shipping_address,
            shipping_method=shipping_method,
            order_details=order_details,
            skip_checks=skip_checks,
            guest=guest,
            merchant_account_id=merchant_account_id,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry)

    def capture_payment(
        self,
        *,
        payment_id: str,
        amount: money_pb2.Money | None = None,
        final: bool = False,
        order_details: order_details_pb2.OrderDetails | None = None,
        shipping_address: address_pb2.Address | None = None,
        language_code: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_pb2.Payment:
        """Captures the amount, by default all that is capturable. final=True releases the rest.

        order_details and shipping_address are those of the captured part.
        """
        call = prepared(
            requests.capture_payment,
            payment_id=payment_id,
            amount=amount,
            final=final,
            order_details=order_details,
            shipping_address=shipping_address,
            language_code=language_code,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def adjust_authorization(
        self,
        *,
        payment_id: str,
        amount: money_pb2.Money,
        note: str = "",
        language_code: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_pb2.Payment:
        """Changes the held amount of an authorization, up or down.

        amount is the whole amount to hold, not the difference. A bank's refusal is an answer: the last operation is
        DECLINED, and the authorization is as it was.
        """
        call = prepared(
            requests.adjust_authorization,
            payment_id=payment_id,
            amount=amount,
            note=note,
            language_code=language_code,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def void_payment(
        self,
        *,
        payment_id: str,
        note: str = "",
        language_code: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_pb2.Payment:
        """Cancels a payment that has not settled. After captures in part it releases the rest, and they stay."""
        call = prepared(
            requests.void_payment, payment_id=payment_id, note=note, language_code=language_code, request_id=request_id
        )
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def refund_payment(
        self,
        *,
        payment_id: str,
        amount: money_pb2.Money | None = None,
        note: str = "",
        language_code: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_pb2.Payment:
        """Gives the amount back, by default all that is refundable."""
        call = prepared(
            requests.refund_payment,
            payment_id=payment_id,
            amount=amount,
            note=note,
            language_code=language_code,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def get_payment(
        self,
        *,
        payment_id: str,
        language_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_pb2.Payment:
        """Reads a payment from the service's record."""
        call = prepared(requests.get_payment, payment_id=payment_id, language_code=language_code)
        return self._caller.unary(call, timeout_seconds, retry)

    def list_payments(
        self,
        *,
        customer_id: str = "",
        reference: str = "",
        reference_contains: str = "",
        states: Iterable[PaymentState.ValueType] = (),
        funds: Iterable[PaymentFunds.ValueType] = (),
        dispute_states: Iterable[DisputeState.ValueType] = (),
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
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[payment_pb2.Payment]:
        """Lists payments that match everything given, newest first. Times need a time zone; the second is exclusive."""
        call = prepared(
            requests.list_payments,
            customer_id=customer_id,
            reference=reference,
            reference_contains=reference_contains,
            states=states,
            funds=funds,
            dispute_states=dispute_states,
            is_disputed=is_disputed,
            created_from_time=created_from_time,
            created_until_time=created_until_time,
            currency_code=currency_code,
            min_amount_minor_units=min_amount_minor_units,
            max_amount_minor_units=max_amount_minor_units,
            brand=brand,
            last_four=last_four,
            page_size=page_size,
            language_code=language_code,
        )
        return self._caller.pages(call, timeout_seconds, retry)

    def search_payments(
        self,
        *,
        query: str = "",
        name: str = "",
        email: str = "",
        gateway_transaction_id: str = "",
        network_transaction_id: str = "",
        metadata: Mapping[str, str] | None = None,
        amount: money_pb2.Money | None = None,
        caller_id: str = "",
        customer_id: str = "",
        reference: str = "",
        reference_contains: str = "",
        states: Iterable[PaymentState.ValueType] = (),
        funds: Iterable[PaymentFunds.ValueType] = (),
        dispute_states: Iterable[DisputeState.ValueType] = (),
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
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[payment_service_pb2.PaymentSearchHit]:
        """Finds payments by what people know of them: "4242", "10.00", "2026-11-03", "budi santoso", an id, an email.

        Each hit says why it was found. Everything else that is given must match, too. Times need a time zone; the
        second is exclusive.
        """
        call = prepared(
            requests.search_payments,
            query=query,
            name=name,
            email=email,
            gateway_transaction_id=gateway_transaction_id,
            network_transaction_id=network_transaction_id,
            metadata=metadata,
            amount=amount,
            caller_id=caller_id,
            customer_id=customer_id,
            reference=reference,
            reference_contains=reference_contains,
            states=states,
            funds=funds,
            dispute_states=dispute_states,
            is_disputed=is_disputed,
            created_from_time=created_from_time,
            created_until_time=created_until_time,
            currency_code=currency_code,
            min_amount_minor_units=min_amount_minor_units,
            max_amount_minor_units=max_amount_minor_units,
            brand=brand,
            last_four=last_four,
            page_size=page_size,
            language_code=language_code,
        )
        return self._caller.pages(call, timeout_seconds, retry)

    def verify_payment(
        self,
        *,
        payment_id: str,
        language_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_service_pb2.VerifyPaymentResponse:
        """Asks the gateway now: `.outcome` says whether the record was right, `.differences` where not, `.payment`."""
        call = prepared(requests.verify_payment, payment_id=payment_id, language_code=language_code)
        return self._caller.unary(call, timeout_seconds, retry)

    def watch_payment(
        self,
        *,
        payment_id: str,
        language_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[payment_pb2.Payment]:
        """Gives the payment as it is, and again at each change, until it rests; by default however long that takes.

        The client reopens a lost connection. Leaving the loop ends the watch.
        """
        call = prepared(requests.watch_payment, payment_id=payment_id, language_code=language_code)
        return self._caller.stream(call, timeout_seconds, retry)

    def list_payment_events(
        self,
        *,
        payment_id: str,
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[payment_pb2.PaymentEvent]:
        """Lists what happened to a payment, oldest first."""
        call = prepared(requests.list_payment_events, payment_id=payment_id, page_size=page_size)
        return self._caller.pages(call, timeout_seconds, retry)

    def list_decline_reasons(
        self, *, language_code: str = "", timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> Iterator[payment_service_pb2.DeclineReasonEntry]:
        """Lists every reason a payment can be declined for, with its advice and texts."""
        call = prepared(requests.list_decline_reasons, language_code=language_code)
        return self._caller.pages(call, timeout_seconds, retry)

    def summarize_payments(
        self,
        *,
        from_date: date,
        until_date: date,
        time_zone: str = "",
        caller_id: str = "",
        currency_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_service_pb2.SummarizePaymentsResponse:
        """Sums up payments, declines, disputes and movements of money by day and currency.

        until_date is exclusive. time_zone: that of the days, such as "Asia/Jakarta"; default UTC.
        """
        call = prepared(
            requests.summarize_payments,
            from_date=from_date,
            until_date=until_date,
            time_zone=time_zone,
            caller_id=caller_id,
            currency_code=currency_code,
        )
        return self._caller.unary(call, timeout_seconds, retry)

    def list_merchant_accounts(
        self, *, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> Iterator[merchant_account_pb2.MerchantAccount]:
        """Lists the merchant accounts that a payment can choose, with the abilities of each."""
        call = prepared(requests.list_merchant_accounts)
        return self._caller.pages(call, timeout_seconds, retry)

    # EventService

    def stream_events(
        self,
        *,
        after_position: int = 0,
        types: Iterable[EventType.ValueType] = (),
        customer_id: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[event_pb2.Event]:
        """Gives what changed after the position, then what changes from now on; by default for ever.

        Keep the `position` of the last event that you have dealt with, with what you did about it, and go on from there
        the next time. The client reopens a lost connection where it left off. Leaving the loop ends the stream.
        """
        call = prepared(requests.stream_events, after_position=after_position, types=types, customer_id=customer_id)
        return self._caller.stream(call, timeout_seconds, retry)

    # CustomerService

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
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> customer_pb2.Customer:
        """Creates a customer. external_id is your own id of them."""
        call = prepared(
            requests.create_customer,
            external_id=external_id,
            given_name=given_name,
            family_name=family_name,
            email=email,
            phone=phone,
            language_code=language_code,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry)

    def get_customer(
        self,
        *,
        customer_id: str | None = None,
        external_id: str | None = None,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> customer_pb2.Customer:
        """Reads a customer by the service's id or by your own."""
        call = prepared(requests.get_customer, customer_id=customer_id, external_id=external_id)
        return self._caller.unary(call, timeout_seconds, retry)

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
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> customer_pb2.Customer:
        """Changes the given fields; "" clears a field."""
        call = prepared(
            requests.update_customer,
            customer_id=customer_id,
            external_id=external_id,
            given_name=given_name,
            family_name=family_name,
            email=email,
            phone=phone,
            language_code=language_code,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def delete_customer(
        self,
        *,
        customer_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> customer_pb2.Customer:
        """Deletes the customer's payment methods and erases personal data. Payments stay."""
        call = prepared(requests.delete_customer, customer_id=customer_id, request_id=request_id)
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def erase_guest(
        self,
        *,
        payment_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_pb2.Payment:
        """Erases the personal data of a guest from a payment without a customer. The payment stays."""
        call = prepared(requests.erase_guest, payment_id=payment_id, request_id=request_id)
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def list_customers(
        self,
        *,
        email: str = "",
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[customer_pb2.Customer]:
        """Lists customers, newest first; only the one with the email address, if given."""
        call = prepared(requests.list_customers, email=email, page_size=page_size)
        return self._caller.pages(call, timeout_seconds, retry)

    # PaymentMethodService

    def create_client_token(
        self,
        *,
        customer_id: str = "",
        currency_code: str = "",
        merchant_account_id: str = "",
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> str:
        """Makes a token with which a browser or app turns card data into a payment_method_nonce. Good for 24 hours."""
        call = prepared(
            requests.create_client_token,
            customer_id=customer_id,
            currency_code=currency_code,
            merchant_account_id=merchant_account_id,
        )
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def add_payment_method(
        self,
        *,
        customer_id: str,
        card: CardInput | None = None,
        payment_method_nonce: str | None = None,
        verify: bool = False,
        make_default: bool = False,
        billing_address: address_pb2.Address | None = None,
        language_code: str = "",
        client_address: str = "",
        three_d_secure: three_d_secure_pb2.ThreeDSecure | None = None,
        consents: Iterable[PaymentInitiator.ValueType] = (),
        device_data: str = "",
        external_vault: payment_initiator_pb2.ExternalVault | None = None,
        verification_amount: money_pb2.Money | None = None,
        merchant_account_id: str = "",
        skip_checks: Iterable[PaymentCheck.ValueType] = (),
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_method_pb2.PaymentMethod:
        """Stores a card or nonce for a customer. A bank's refusal is an answer: look at the state.

        client_address is the IP address of the shopper's browser or app: it lets the service stop card testing.
        consents are the kinds of merchant-initiated payment that the customer agreed to. external_vault has the network
        transaction id of a card that another vault kept. verify asks the bank about the verification_amount.
        """
        call = prepared(
            requests.add_payment_method,
            customer_id=customer_id,
            card=card,
            payment_method_nonce=payment_method_nonce,
            verify=verify,
            make_default=make_default,
            billing_address=billing_address,
            language_code=language_code,
            client_address=client_address,
            three_d_secure=three_d_secure,
            consents=consents,
            device_data=device_data,
            external_vault=external_vault,
            verification_amount=verification_amount,
            merchant_account_id=merchant_account_id,
            skip_checks=skip_checks,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def get_payment_method(
        self,
        *,
        payment_method_id: str,
        language_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_method_pb2.PaymentMethod:
        """Reads a stored payment method."""
        call = prepared(requests.get_payment_method, payment_method_id=payment_method_id, language_code=language_code)
        return self._caller.unary(call, timeout_seconds, retry)

    def list_payment_methods(
        self,
        *,
        customer_id: str,
        page_size: int = 0,
        language_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[payment_method_pb2.PaymentMethod]:
        """Lists a customer's payment methods, newest first."""
        call = prepared(
            requests.list_payment_methods, customer_id=customer_id, page_size=page_size, language_code=language_code
        )
        return self._caller.pages(call, timeout_seconds, retry)

    def update_payment_method(
        self,
        *,
        payment_method_id: str,
        expiration_month: int = 0,
        expiration_year: int = 0,
        cardholder_name: str | None = None,
        billing_address: address_pb2.Address | None = None,
        consents: Iterable[PaymentInitiator.ValueType] | None = None,
        language_code: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_method_pb2.PaymentMethod:
        """Changes the given fields. Month and year go together. Empty consents withdraw all that the customer gave."""
        call = prepared(
            requests.update_payment_method,
            payment_method_id=payment_method_id,
            expiration_month=expiration_month,
            expiration_year=expiration_year,
            cardholder_name=cardholder_name,
            billing_address=billing_address,
            consents=consents,
            language_code=language_code,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def set_default_payment_method(
        self,
        *,
        payment_method_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_method_pb2.PaymentMethod:
        """Makes it the customer's default payment method."""
        call = prepared(requests.set_default_payment_method, payment_method_id=payment_method_id, request_id=request_id)
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def delete_payment_method(
        self,
        *,
        payment_method_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_method_pb2.PaymentMethod:
        """Deletes it here and at the gateway."""
        call = prepared(requests.delete_payment_method, payment_method_id=payment_method_id, request_id=request_id)
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    # CheckoutService

    def create_checkout(
        self,
        *,
        reference: str,
        amount: money_pb2.Money,
        success_url: str,
        cancel_url: str = "",
        customer_id: str = "",
        methods: Iterable[CheckoutMethod.ValueType] = (),
        lines: Iterable[checkout_pb2.CheckoutLine] = (),
        language_code: str = "",
        expire_time: datetime | None = None,
        max_uses: int = 0,
        offer_storing: bool = False,
        capture_mode: CaptureMode.ValueType = CaptureMode.CAPTURE_MODE_AUTOMATIC,
        metadata: Mapping[str, str] | None = None,
        merchant_account_id: str = "",
        request_id: str | None = None,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> checkout_pb2.Checkout:
        """Creates a page on which a shopper pays: send them to its url. With max_uses above 1 it is a payment link.

        expire_time needs a time zone.
        """
        call = prepared(
            requests.create_checkout,
            reference=reference,
            amount=amount,
            success_url=success_url,
            cancel_url=cancel_url,
            customer_id=customer_id,
            methods=methods,
            lines=lines,
            language_code=language_code,
            expire_time=expire_time,
            max_uses=max_uses,
            offer_storing=offer_storing,
            capture_mode=capture_mode,
            metadata=metadata,
            merchant_account_id=merchant_account_id,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry)

    def get_checkout(
        self, *, checkout_id: str, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> checkout_pb2.Checkout:
        """Reads a checkout."""
        call = prepared(requests.get_checkout, checkout_id=checkout_id)
        return self._caller.unary(call, timeout_seconds, retry)

    def list_checkouts(
        self,
        *,
        reference: str = "",
        customer_id: str = "",
        states: Iterable[CheckoutState.ValueType] = (),
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[checkout_pb2.Checkout]:
        """Lists checkouts that match everything given, newest first."""
        call = prepared(
            requests.list_checkouts, reference=reference, customer_id=customer_id, states=states, page_size=page_size
        )
        return self._caller.pages(call, timeout_seconds, retry)

    def expire_checkout(
        self,
        *,
        checkout_id: str,
        request_id: str | None = None,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> checkout_pb2.Checkout:
        """Ends a checkout: nobody can begin to pay it any more."""
        call = prepared(requests.expire_checkout, checkout_id=checkout_id, request_id=request_id)
        return self._caller.unary(call, timeout_seconds, retry)

    # DisputeService

    def get_dispute(
        self, *, dispute_id: str, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> dispute_pb2.Dispute:
        """Reads a dispute."""
        call = prepared(requests.get_dispute, dispute_id=dispute_id)
        return self._caller.unary(call, timeout_seconds, retry)

    def list_disputes(
        self,
        *,
        payment_id: str = "",
        states: Iterable[DisputeState.ValueType] = (),
        reply_before_time: datetime | None = None,
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[dispute_pb2.Dispute]:
        """Lists disputes that match everything given, newest first. reply_before_time needs a time zone."""
        call = prepared(
            requests.list_disputes,
            payment_id=payment_id,
            states=states,
            reply_before_time=reply_before_time,
            page_size=page_size,
        )
        return self._caller.pages(call, timeout_seconds, retry)

    def accept_dispute(
        self,
        *,
        dispute_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> dispute_pb2.Dispute:
        """Accepts the bank's claim. The customer keeps the money, and that is final."""
        call = prepared(requests.accept_dispute, dispute_id=dispute_id, request_id=request_id)
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def add_dispute_evidence(
        self,
        *,
        dispute_id: str,
        text: str | None = None,
        file_name: str | None = None,
        file_content: bytes | None = None,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> dispute_pb2.Dispute:
        """Adds a text, or a file with its name and content, to what the bank will be sent."""
        call = prepared(
            requests.add_dispute_evidence,
            dispute_id=dispute_id,
            text=text,
            file_name=file_name,
            file_content=file_content,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def finalize_dispute(
        self,
        *,
        dispute_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> dispute_pb2.Dispute:
        """Sends the evidence to the bank. Nothing can be added afterwards."""
        call = prepared(requests.finalize_dispute, dispute_id=dispute_id, request_id=request_id)
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    # AdminService

    def list_unresolved_operations(
        self,
        *,
        started_before_time: datetime | None = None,
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[admin_service_pb2.UnresolvedOperation]:
        """Lists operations on payments whose outcome is still unknown, oldest first. The time needs a time zone."""
        call = prepared(
            requests.list_unresolved_operations, started_before_time=started_before_time, page_size=page_size
        )
        return self._caller.pages(call, timeout_seconds, retry)

    def resolve_operation(
        self,
        *,
        operation_id: str,
        resolution: ManualResolution.ValueType = ManualResolution.MANUAL_RESOLUTION_CHECK_NOW,
        gateway_transaction_id: str = "",
        reason: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> payment_pb2.Payment:
        """Settles an unknown outcome: asks the gateway again, or records by hand, with a reason, what was found out."""
        call = prepared(
            requests.resolve_operation,
            operation_id=operation_id,
            resolution=resolution,
            gateway_transaction_id=gateway_transaction_id,
            reason=reason,
            request_id=request_id,
        )
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of))

    def reconcile(
        self,
        *,
        from_time: datetime,
        until_time: datetime,
        orphan_policy: OrphanPolicy.ValueType = OrphanPolicy.ORPHAN_POLICY_REPORT,
        max_reversals: int = 0,
        gateway_transaction_ids: Iterable[str] = (),
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[admin_service_pb2.Finding | admin_service_pb2.ReconcileProgress]:
        """Compares the service's record with the gateway's over a window of time, each way.

        Gives findings, and how far it is; the last one says done. Times need a time zone; the second is exclusive. With
        OrphanPolicy.REVERSE and gateway_transaction_ids, only these orphans are reversed. A connection lost on the way
        ends it with BayarError: begin again.
        """
        call = prepared(
            requests.reconcile,
            from_time=from_time,
            until_time=until_time,
            orphan_policy=orphan_policy,
            max_reversals=max_reversals,
            gateway_transaction_ids=gateway_transaction_ids,
        )
        return self._caller.stream(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def export_movements(
        self,
        *,
        from_time: datetime,
        until_time: datetime,
        kinds: Iterable[MovementKind.ValueType] = (),
        recorded_from_time: datetime | None = None,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[movement_pb2.Movement]:
        """Gives every movement of money of the window, oldest first: captures, refunds, disputes, settlements, payouts.

        Times need a time zone; until_time is exclusive. With recorded_from_time, only those that the service recorded
        at that time or later. Movements are read as they come, however many there are, by default without a limit of
        time. A connection lost on the way ends it with BayarError: begin again.
        """
        call = prepared(
            requests.export_movements,
            from_time=from_time,
            until_time=until_time,
            kinds=kinds,
            recorded_from_time=recorded_from_time,
        )
        return self._caller.stream(call, timeout_seconds, retry)

    def compare_settlements(
        self,
        *,
        from_date: date,
        until_date: date,
        every_transaction: bool = False,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[admin_service_pb2.SettlementTotals | admin_service_pb2.SettlementDifference]:
        """Compares the movements of money with the gateway's settlement batches and payouts, day by day.

        Gives for each day the sums of each merchant account, then the transactions that differ. until_date is
        exclusive. A connection lost on the way ends it with BayarError: begin again.
        """
        call = prepared(
            requests.compare_settlements,
            from_date=from_date,
            until_date=until_date,
            every_transaction=every_transaction,
        )
        return self._caller.stream(call, timeout_seconds, retry)

    def export_payments(
        self,
        *,
        from_time: datetime,
        until_time: datetime,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[admin_service_pb2.ExportRow]:
        """Gives a row for each operation of the payments created in the window, oldest payment first.

        The books need export_movements, where each movement has its own date. Times need a time zone; the second is
        exclusive. Rows are read as they come, however many there are, by default without a limit of time. A connection
        lost on the way ends it with BayarError: begin again.
        """
        call = prepared(requests.export_payments, from_time=from_time, until_time=until_time)
        return self._caller.stream(call, timeout_seconds, retry)

    def list_webhook_notifications(
        self,
        *,
        states: Iterable[WebhookNotificationState.ValueType] = (),
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[admin_service_pb2.WebhookNotification]:
        """Lists what the gateway's webhooks told, newest first."""
        call = prepared(requests.list_webhook_notifications, states=states, page_size=page_size)
        return self._caller.pages(call, timeout_seconds, retry)

    def retry_webhook_notification(
        self,
        *,
        notification_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> admin_service_pb2.WebhookNotification:
        """Has a notification of the gateway processed again."""
        call = prepared(requests.retry_webhook_notification, notification_id=notification_id, request_id=request_id)
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))

    def list_abuse_blocks(
        self, *, page_size: int = 0, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> Iterator[admin_service_pb2.AbuseBlock]:
        """Lists whom the limits of card testing stopped, newest first."""
        call = prepared(requests.list_abuse_blocks, page_size=page_size)
        return self._caller.pages(call, timeout_seconds, retry)

    def lift_abuse_block(
        self,
        *,
        block_id: str,
        reason: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> admin_service_pb2.AbuseBlock:
        """Lifts a block of card testing, with a reason for the log: its subject may pay again at once."""
        call = prepared(requests.lift_abuse_block, block_id=block_id, reason=reason, request_id=request_id)
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of))

    def list_event_endpoints(
        self, *, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> Iterator[admin_service_pb2.EventEndpoint]:
        """Lists the addresses that events are sent to, and how far each is."""
        call = prepared(requests.list_event_endpoints)
        return self._caller.pages(call, timeout_seconds, retry)

    def list_event_deliveries(
        self,
        *,
        endpoint: str,
        after_position: int = 0,
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[admin_service_pb2.EventDelivery]:
        """Lists events that an address did not receive in three days, and those to be sent once more, in feed order."""
        call = prepared(
            requests.list_event_deliveries, endpoint=endpoint, after_position=after_position, page_size=page_size
        )
        return self._caller.pages(call, timeout_seconds, retry)

    def get_credential(
        self, *, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> access_pb2.CredentialDescription:
        """The credential of this client: its caller, its scopes, and the operator that it belongs to."""
        call = prepared(requests.get_credential)
        return self._caller.unary(call, timeout_seconds, retry)

    def resend_events(
        self,
        *,
        endpoint: str,
        event_ids: Iterable[str],
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> int:
        """Has 1 to 100 events sent to an address once more. Returns how many will be sent."""
        call = prepared(requests.resend_events, endpoint=endpoint, event_ids=event_ids, request_id=request_id)
        return self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason))
