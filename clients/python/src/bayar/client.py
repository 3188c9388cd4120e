"""The client: every call of the contract as a method.

Written by `make proto` from bayar/requests.py; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from bayar import requests
from bayar.acts import act_metadata
from bayar.amounts import Money
from bayar.arguments import prepared
from bayar.calls import RetryPolicy
from bayar.cards import CardInput
from bayar.client_base import ClientBase
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


class BayarClient(ClientBase):
    """One connection to Bayar, thread-safe. Create one and reuse it; close it, or use it in a `with`.

    address: host:port. The connection is encrypted, except to a loopback address without certificates.
    root_certificates: PEM of the authorities to trust. Default: the public ones.
    credential: an API key or token, a file that holds one, or a function that returns one; files and functions are read
    for each call. Default: BAYAR_API_KEY, else the file in BAYAR_TOKEN_FILE, of the environment. It is
    never sent in plain text to another machine: that is a ValueError.
    credentials: gRPC channel credentials, for client certificates. Instead of root_certificates.
    insecure: plain text to wherever the address leads.
    language: BCP 47, for messages to customers. Default: the customer's own, else English.
    timeout_seconds: for each call, all its attempts together. Longer than the gateway's 60 s, so that answers arrive.
    retry: how often and how soon a call is sent again.
    interceptors: gRPC's client interceptors; the first one is the outermost, and each sees every attempt.

    Every method takes keywords named as in the contract and raises BayarError. A method that changes something takes a
    request_id, a UUID, and makes one when there is none. Keep your own beside the order, and a call can be repeated
    safely even after a crash. Lists fetch page after page as they are read; page_size is how many at a time.
    timeout_seconds and retry of one call replace the client's. A stream has a timeout only if the call gives one.
    """

    # PaymentService

    def create_payment(
        self,
        *,
        reference: str,
        amount: Money,
        card: CardInput | None = None,
        payment_method_nonce: str | None = None,
        payment_method_id: str | None = None,
        customer_id: str = "",
        capture_mode: CaptureMode = CaptureMode.AUTOMATIC,
        store_payment_method: bool = False,
        billing_address: Address | None = None,
        statement_descriptor: StatementDescriptor | None = None,
        metadata: Mapping[str, str] | None = None,
        language_code: str = "",
        client_address: str = "",
        three_d_secure: ThreeDSecure | None = None,
        initiator: PaymentInitiator = PaymentInitiator.UNSPECIFIED,
        series_position: SeriesPosition = SeriesPosition.UNSPECIFIED,
        external_vault: ExternalVault | None = None,
        consents: Iterable[PaymentInitiator] = (),
        device_data: str = "",
        shipping_address: Address | None = None,
        shipping_method: ShippingMethod = ShippingMethod.UNSPECIFIED,
        order_details: OrderDetails | None = None,
        skip_checks: Iterable[PaymentCheck] = (),
        guest: GuestContact | None = None,
        merchant_account_id: str = "",
        request_id: str | None = None,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Payment:
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
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

    def capture_payment(
        self,
        *,
        payment_id: str,
        amount: Money | None = None,
        final: bool = False,
        order_details: OrderDetails | None = None,
        shipping_address: Address | None = None,
        language_code: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Payment:
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
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def adjust_authorization(
        self,
        *,
        payment_id: str,
        amount: Money,
        note: str = "",
        language_code: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Payment:
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
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

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
    ) -> Payment:
        """Cancels a payment that has not settled. After captures in part it releases the rest, and they stay."""
        call = prepared(
            requests.void_payment, payment_id=payment_id, note=note, language_code=language_code, request_id=request_id
        )
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def refund_payment(
        self,
        *,
        payment_id: str,
        amount: Money | None = None,
        note: str = "",
        language_code: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Payment:
        """Gives the amount back, by default all that is refundable."""
        call = prepared(
            requests.refund_payment,
            payment_id=payment_id,
            amount=amount,
            note=note,
            language_code=language_code,
            request_id=request_id,
        )
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def get_payment(
        self,
        *,
        payment_id: str,
        language_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Payment:
        """Reads a payment from the service's record."""
        call = prepared(requests.get_payment, payment_id=payment_id, language_code=language_code)
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

    def list_payments(
        self,
        *,
        customer_id: str = "",
        reference: str = "",
        reference_contains: str = "",
        states: Iterable[PaymentState] = (),
        funds: Iterable[PaymentFunds] = (),
        dispute_states: Iterable[DisputeState] = (),
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
    ) -> Iterator[Payment]:
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
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def search_payments(
        self,
        *,
        query: str = "",
        name: str = "",
        email: str = "",
        gateway_transaction_id: str = "",
        network_transaction_id: str = "",
        metadata: Mapping[str, str] | None = None,
        amount: Money | None = None,
        caller_id: str = "",
        customer_id: str = "",
        reference: str = "",
        reference_contains: str = "",
        states: Iterable[PaymentState] = (),
        funds: Iterable[PaymentFunds] = (),
        dispute_states: Iterable[DisputeState] = (),
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
    ) -> Iterator[PaymentSearchHit]:
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
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def verify_payment(
        self,
        *,
        payment_id: str,
        language_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> PaymentVerification:
        """Asks the gateway now: `.outcome` says whether the record was right, `.differences` where not, `.payment`."""
        call = prepared(requests.verify_payment, payment_id=payment_id, language_code=language_code)
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

    def watch_payment(
        self,
        *,
        payment_id: str,
        language_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[Payment]:
        """Gives the payment as it is, and again at each change, until it rests; by default however long that takes.

        The client reopens a lost connection. Leaving the loop ends the watch.
        """
        call = prepared(requests.watch_payment, payment_id=payment_id, language_code=language_code)
        return map(call.shape, self._caller.stream(call, timeout_seconds, retry))

    def list_payment_events(
        self,
        *,
        payment_id: str,
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[PaymentEvent]:
        """Lists what happened to a payment, oldest first."""
        call = prepared(requests.list_payment_events, payment_id=payment_id, page_size=page_size)
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def list_decline_reasons(
        self, *, language_code: str = "", timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> Iterator[DeclineReasonEntry]:
        """Lists every reason a payment can be declined for, with its advice and texts."""
        call = prepared(requests.list_decline_reasons, language_code=language_code)
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

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
    ) -> PaymentSummaries:
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
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

    def list_merchant_accounts(
        self, *, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> Iterator[MerchantAccount]:
        """Lists the merchant accounts that a payment can choose, with the abilities of each."""
        call = prepared(requests.list_merchant_accounts)
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    # EventService

    def stream_events(
        self,
        *,
        after_position: int = 0,
        types: Iterable[EventType] = (),
        customer_id: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[Event]:
        """Gives what changed after the position, then what changes from now on; by default for ever.

        Keep the `position` of the last event that you have dealt with, with what you did about it, and go on from there
        the next time. The client reopens a lost connection where it left off. Leaving the loop ends the stream.
        """
        call = prepared(requests.stream_events, after_position=after_position, types=types, customer_id=customer_id)
        return map(call.shape, self._caller.stream(call, timeout_seconds, retry))

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
    ) -> Customer:
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
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

    def get_customer(
        self,
        *,
        customer_id: str | None = None,
        external_id: str | None = None,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Customer:
        """Reads a customer by the service's id or by your own."""
        call = prepared(requests.get_customer, customer_id=customer_id, external_id=external_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

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
    ) -> Customer:
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
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def delete_customer(
        self,
        *,
        customer_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Customer:
        """Deletes the customer's payment methods and erases personal data. Payments stay."""
        call = prepared(requests.delete_customer, customer_id=customer_id, request_id=request_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def erase_guest(
        self,
        *,
        payment_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Payment:
        """Erases the personal data of a guest from a payment without a customer. The payment stays."""
        call = prepared(requests.erase_guest, payment_id=payment_id, request_id=request_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def list_customers(
        self,
        *,
        email: str = "",
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[Customer]:
        """Lists customers, newest first; only the one with the email address, if given."""
        call = prepared(requests.list_customers, email=email, page_size=page_size)
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

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
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

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
        three_d_secure: ThreeDSecure | None = None,
        consents: Iterable[PaymentInitiator] = (),
        device_data: str = "",
        external_vault: ExternalVault | None = None,
        verification_amount: Money | None = None,
        merchant_account_id: str = "",
        skip_checks: Iterable[PaymentCheck] = (),
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> PaymentMethod:
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
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def get_payment_method(
        self,
        *,
        payment_method_id: str,
        language_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> PaymentMethod:
        """Reads a stored payment method."""
        call = prepared(requests.get_payment_method, payment_method_id=payment_method_id, language_code=language_code)
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

    def list_payment_methods(
        self,
        *,
        customer_id: str,
        page_size: int = 0,
        language_code: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[PaymentMethod]:
        """Lists a customer's payment methods, newest first."""
        call = prepared(
            requests.list_payment_methods, customer_id=customer_id, page_size=page_size, language_code=language_code
        )
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def update_payment_method(
        self,
        *,
        payment_method_id: str,
        expiration_month: int = 0,
        expiration_year: int = 0,
        cardholder_name: str | None = None,
        billing_address: Address | None = None,
        consents: Iterable[PaymentInitiator] | None = None,
        language_code: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> PaymentMethod:
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
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def set_default_payment_method(
        self,
        *,
        payment_method_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> PaymentMethod:
        """Makes it the customer's default payment method."""
        call = prepared(requests.set_default_payment_method, payment_method_id=payment_method_id, request_id=request_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def delete_payment_method(
        self,
        *,
        payment_method_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> PaymentMethod:
        """Deletes it here and at the gateway."""
        call = prepared(requests.delete_payment_method, payment_method_id=payment_method_id, request_id=request_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    # CheckoutService

    def create_checkout(
        self,
        *,
        reference: str,
        amount: Money,
        success_url: str,
        cancel_url: str = "",
        customer_id: str = "",
        methods: Iterable[CheckoutMethod] = (),
        lines: Iterable[CheckoutLine] = (),
        language_code: str = "",
        expire_time: datetime | None = None,
        max_uses: int = 0,
        offer_storing: bool = False,
        capture_mode: CaptureMode = CaptureMode.AUTOMATIC,
        metadata: Mapping[str, str] | None = None,
        merchant_account_id: str = "",
        request_id: str | None = None,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Checkout:
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
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

    def get_checkout(
        self, *, checkout_id: str, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> Checkout:
        """Reads a checkout."""
        call = prepared(requests.get_checkout, checkout_id=checkout_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

    def list_checkouts(
        self,
        *,
        reference: str = "",
        customer_id: str = "",
        states: Iterable[CheckoutState] = (),
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[Checkout]:
        """Lists checkouts that match everything given, newest first."""
        call = prepared(
            requests.list_checkouts, reference=reference, customer_id=customer_id, states=states, page_size=page_size
        )
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def expire_checkout(
        self,
        *,
        checkout_id: str,
        request_id: str | None = None,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Checkout:
        """Ends a checkout: nobody can begin to pay it any more."""
        call = prepared(requests.expire_checkout, checkout_id=checkout_id, request_id=request_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

    # DisputeService

    def get_dispute(
        self, *, dispute_id: str, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> Dispute:
        """Reads a dispute."""
        call = prepared(requests.get_dispute, dispute_id=dispute_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

    def list_disputes(
        self,
        *,
        payment_id: str = "",
        states: Iterable[DisputeState] = (),
        reply_before_time: datetime | None = None,
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[Dispute]:
        """Lists disputes that match everything given, newest first. reply_before_time needs a time zone."""
        call = prepared(
            requests.list_disputes,
            payment_id=payment_id,
            states=states,
            reply_before_time=reply_before_time,
            page_size=page_size,
        )
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def accept_dispute(
        self,
        *,
        dispute_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Dispute:
        """Accepts the bank's claim. The customer keeps the money, and that is final."""
        call = prepared(requests.accept_dispute, dispute_id=dispute_id, request_id=request_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

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
    ) -> Dispute:
        """Adds a text, or a file with its name and content, to what the bank will be sent."""
        call = prepared(
            requests.add_dispute_evidence,
            dispute_id=dispute_id,
            text=text,
            file_name=file_name,
            file_content=file_content,
            request_id=request_id,
        )
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def finalize_dispute(
        self,
        *,
        dispute_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Dispute:
        """Sends the evidence to the bank. Nothing can be added afterwards."""
        call = prepared(requests.finalize_dispute, dispute_id=dispute_id, request_id=request_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    # AdminService

    def list_unresolved_operations(
        self,
        *,
        started_before_time: datetime | None = None,
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[UnresolvedOperation]:
        """Lists operations on payments whose outcome is still unknown, oldest first. The time needs a time zone."""
        call = prepared(
            requests.list_unresolved_operations, started_before_time=started_before_time, page_size=page_size
        )
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def resolve_operation(
        self,
        *,
        operation_id: str,
        resolution: ManualResolution = ManualResolution.CHECK_NOW,
        gateway_transaction_id: str = "",
        reason: str = "",
        request_id: str | None = None,
        on_behalf_of: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Payment:
        """Settles an unknown outcome: asks the gateway again, or records by hand, with a reason, what was found out."""
        call = prepared(
            requests.resolve_operation,
            operation_id=operation_id,
            resolution=resolution,
            gateway_transaction_id=gateway_transaction_id,
            reason=reason,
            request_id=request_id,
        )
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of)))

    def reconcile(
        self,
        *,
        from_time: datetime,
        until_time: datetime,
        orphan_policy: OrphanPolicy = OrphanPolicy.REPORT,
        max_reversals: int = 0,
        gateway_transaction_ids: Iterable[str] = (),
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[Finding | ReconcileProgress]:
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
        return map(call.shape, self._caller.stream(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def export_movements(
        self,
        *,
        from_time: datetime,
        until_time: datetime,
        kinds: Iterable[MovementKind] = (),
        recorded_from_time: datetime | None = None,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[Movement]:
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
        return map(call.shape, self._caller.stream(call, timeout_seconds, retry))

    def compare_settlements(
        self,
        *,
        from_date: date,
        until_date: date,
        every_transaction: bool = False,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[SettlementTotals | SettlementDifference]:
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
        return map(call.shape, self._caller.stream(call, timeout_seconds, retry))

    def export_payments(
        self,
        *,
        from_time: datetime,
        until_time: datetime,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[ExportRow]:
        """Gives a row for each operation of the payments created in the window, oldest payment first.

        The books need export_movements, where each movement has its own date. Times need a time zone; the second is
        exclusive. Rows are read as they come, however many there are, by default without a limit of time. A connection
        lost on the way ends it with BayarError: begin again.
        """
        call = prepared(requests.export_payments, from_time=from_time, until_time=until_time)
        return map(call.shape, self._caller.stream(call, timeout_seconds, retry))

    def list_webhook_notifications(
        self,
        *,
        states: Iterable[WebhookNotificationState] = (),
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[WebhookNotification]:
        """Lists what the gateway's webhooks told, newest first."""
        call = prepared(requests.list_webhook_notifications, states=states, page_size=page_size)
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def retry_webhook_notification(
        self,
        *,
        notification_id: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        reason: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> WebhookNotification:
        """Has a notification of the gateway processed again."""
        call = prepared(requests.retry_webhook_notification, notification_id=notification_id, request_id=request_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))

    def list_abuse_blocks(
        self, *, page_size: int = 0, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> Iterator[AbuseBlock]:
        """Lists whom the limits of card testing stopped, newest first."""
        call = prepared(requests.list_abuse_blocks, page_size=page_size)
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def lift_abuse_block(
        self,
        *,
        block_id: str,
        reason: str,
        request_id: str | None = None,
        on_behalf_of: str = "",
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> AbuseBlock:
        """Lifts a block of card testing, with a reason for the log: its subject may pay again at once."""
        call = prepared(requests.lift_abuse_block, block_id=block_id, reason=reason, request_id=request_id)
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of)))

    def list_event_endpoints(
        self, *, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> Iterator[EventEndpoint]:
        """Lists the addresses that events are sent to, and how far each is."""
        call = prepared(requests.list_event_endpoints)
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def list_event_deliveries(
        self,
        *,
        endpoint: str,
        after_position: int = 0,
        page_size: int = 0,
        timeout_seconds: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[EventDelivery]:
        """Lists events that an address did not receive in three days, and those to be sent once more, in feed order."""
        call = prepared(
            requests.list_event_deliveries, endpoint=endpoint, after_position=after_position, page_size=page_size
        )
        return map(call.shape, self._caller.pages(call, timeout_seconds, retry))

    def get_credential(
        self, *, timeout_seconds: float | None = None, retry: RetryPolicy | None = None
    ) -> CredentialDescription:
        """The credential of this client: its caller, its scopes, and the operator that it belongs to."""
        call = prepared(requests.get_credential)
        return call.shape(self._caller.unary(call, timeout_seconds, retry))

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
        return call.shape(self._caller.unary(call, timeout_seconds, retry, act_metadata(on_behalf_of, reason)))
