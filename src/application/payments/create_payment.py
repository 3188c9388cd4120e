"""Creates a payment: authorizes, or authorizes and captures."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

from application.card_testing.velocity_limiter import Attempt, VelocityLimiter
from application.common.caller import Caller
from application.common.errors import (
    AuthenticationRequired,
    InvalidRequest,
    ReferenceAlreadyPaid,
    Rule,
    StoreUnavailable,
)
from application.common.initiator_input import RawInitiation, check_consents, check_first_consent
from application.common.lease import Lease
from application.common.merchant_account_input import choose_account
from application.common.order_details_input import check_order_details, check_sums, order_details_texts
from application.common.skipped_checks_input import check_skipped
from application.common.three_d_secure_input import (
    NOTHING_SAID,
    RawThreeDSecure,
    check_left_to_the_shop,
    require_authentication,
)
from application.common.validator import (
    RawCard,
    Validator,
    address_texts,
    descriptor_texts,
    metadata_path,
    require_checked,
)
from application.customers.gateway_customer import record_gateway_customer
from application.customers.get_customer import is_usable, lock_undeleted
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotencyGuard
from application.idempotency.standing_refusals import StandingRefusal
from application.payment_methods.nonce_uses import NonceUse, NonceUses
from application.payment_methods.retry_without_refused_record import RefusalRemedies
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.create_payment_command import CreatePaymentCommand, RawSource, RawStoredMethod
from application.payments.create_payment_fingerprint import guest_texts, idempotent_request
from application.payments.failed_authentication import FailedAuthentication
from application.payments.method_uses import check_method_uses
from application.payments.payment_call import (
    PaymentRecorder,
    SingleOperationCall,
    StartedOperation,
    result_or_raise,
    was_never_sent,
)
from application.ports.gateway import (
    NO_RISK_INPUT,
    UNASKED,
    Authorization,
    Gateway,
    Nonce,
    Outcome,
    RiskInput,
    Source,
    StoredMethod,
    ThreeDSecureRequest,
)
from application.ports.runtime import Clock, IdSource
from application.ports.store import ReferenceTaken, Store, UnitOfWork
from domain import ids
from domain.address import Address
from domain.customer import NO_CONTACT, Customer
from domain.events import CaptureMode, EventContext, PaymentTerms
from domain.ids import CustomerId, OperationId, PaymentId, PaymentMethodId
from domain.initiator import ExternalVault, Initiator, SeriesPosition, is_customer_absent
from domain.instrument import InstrumentKind
from domain.merchant_account import MerchantAccounts
from domain.money import Money
from domain.operation import Operation
from domain.order_details import OrderDetails
from domain.payment import Payment
from domain.payment_check import PaymentCheck
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.quick_init import quick_init
from domain.three_d_secure import ThreeDSecurePolicy, ThreeDSecureRules

# Takes the payment's id.
OnStart = Callable[[UnitOfWork, PaymentId], None]


@dataclass(frozen=True, slots=True)
class CreatePayment:
    store: Store
    gateway: Gateway
    clock: Clock
    ids: IdSource
    guard: IdempotencyGuard
    executor: GatewayCallExecutor
    recorder: PaymentRecorder
    velocity: VelocityLimiter
    sync_methods: SyncPaymentMethods
    accounts: MerchantAccounts
    accepts_cards: bool = True
    three_d_secure_rules: ThreeDSecureRules = ThreeDSecureRules()

    def __call__(self, command: CreatePaymentCommand, caller: Caller, *, on_start: OnStart | None = None) -> Payment:
        """`on_start` runs in the transaction that records the payment. If it raises, nothing is recorded.

        Raises InvalidRequest, ScopeMissing, AuthenticationRequired, RequestIdReused, ReferenceAlreadyPaid,
        TooManyDeclines, GatewayNotReached and StoreUnavailable.
        """
        if caller.customer_id is not None and not command.customer_id:
            # A customer-bound credential already identifies the customer.
            command = replace(command, customer_id=caller.customer_id)
        try:
            call = self._check(command, caller, on_start)
        except InvalidRequest as invalid:
            if not invalid.may_have_been_valid:
                raise
            return self._replay_once_valid(command, caller, invalid)
        except AuthenticationRequired as required:
            # The service's rule may have changed since the first request.
            return self._replay_once_valid(command, caller, required)
        try:
            return self.executor.execute(call)
        finally:
            if call.customer is not None and call.retry.customer_was_gone:
                self.sync_methods.sync_customer(call.customer.customer_id)

    def _replay_once_valid(
        self, command: CreatePaymentCommand, caller: Caller, invalid: InvalidRequest | AuthenticationRequired
    ) -> Payment:
        """Answers the replay of a request that was valid at first: cards expire, and methods are deleted.

        Raises the given error if it is no replay, or one that would have to be sent again.
        """
        request = idempotent_request(require_checked(Validator().request_id(command.request_id)), command, caller)
        with self.store.read() as work:
            record = self.guard.earlier(work, request)
            payment = work.payments.get(PaymentId(record.resource_id)) if record else None
        if payment is None or was_never_sent(payment, request.request_id):
            raise invalid
        self.guard.wait(request)
        return result_or_raise(self.recorder.present(payment), request.request_id)

    def _check(self, command: CreatePaymentCommand, caller: Caller, on_start: OnStart | None) -> _AuthorizeCall:
        validator = Validator()
        today = self.clock.now().date()
        request_id = validator.request_id(command.request_id)
        validator.identifier("reference", command.reference, required=True)
        amount = validator.money("amount", command.amount, self.accounts.by_currency)
        currency_code = command.amount.currency_code if command.amount else ""
        account = choose_account(validator, self.accounts, command.merchant_account_id, currency_code, caller)
        if command.capture_mode is None:
            validator.add("capture_mode", Rule.KNOWN_VALUE)
        for name in command.unknown_values:
            validator.add(name, Rule.KNOWN_VALUE)
        validator.address("billing_address", command.billing_address)
        validator.descriptor("statement_descriptor", command.descriptor)
        metadata = validator.metadata("metadata", command.metadata)
        order_details = self._check_order(validator, command, amount)
        validator.language("language_code", command.language_code)
        validator.client_address("client_address", command.client_address)
        customer, method = self._find_references(validator, command, caller)
        source = self._source(validator, command.source, method, today)
        uses_stored_method = isinstance(command.source, RawStoredMethod)
        check_method_uses(validator, command, caller, amount, method)
        if caller.customer_id is not None and amount is not None:
            rule = self.three_d_secure_rules.policy_for(amount)
            check_left_to_the_shop(validator, command.three_d_secure, caller, rule)
        consents = check_consents(validator, command.consents) if command.consents else ()
        check_first_consent(validator, command.initiation, consents)
        if consents and not command.store_payment_method:
            validator.add("consents", Rule.NEEDS_STORING)
        if command.device_data:
            validator.device_data("device_data", command.device_data)
        skipped = check_skipped(validator, command.skip_checks, caller) if command.skip_checks else ()
        if isinstance(command.source, RawCard):
            validator.must_not_contain_card(command.source, _texts(command))
        if command.store_payment_method:
            if not command.customer_id:
                validator.add("customer_id", Rule.NEEDS_CUSTOMER)
            if isinstance(command.source, RawStoredMethod):
                validator.add("store_payment_method", Rule.NEEDS_NEW_METHOD)
        validator.done()
        if source is None:
            raise RuntimeError("a source without a violation is there")
        request = idempotent_request(require_checked(request_id), command, caller)
        if isinstance(source, Nonce):
            use = NonceUse(
                external=command.three_d_secure.external,
                initiator=command.initiation.initiator,
                vault=command.initiation.external_vault,
            )
            NonceUses(self.store, self.gateway, self.guard).check(source, use, request)
        position = command.initiation.series_position(uses_stored_method=uses_stored_method)
        policy = command.three_d_secure.policy or self._policy(require_checked(amount), command, position)
        require_authentication(command.three_d_secure, policy, may_be_in_source=isinstance(source, Nonce))
        new_id = self.ids.new
        stored_as = PaymentMethodId(new_id(ids.PAYMENT_METHOD)) if command.store_payment_method else None
        terms = PaymentTerms(
            payment_id=PaymentId(new_id(ids.PAYMENT)),
            caller_id=caller.caller_id,
            reference=command.reference,
            amount=require_checked(amount),
            capture_mode=require_checked(command.capture_mode),
            customer_id=customer.customer_id if customer else None,
            payment_method_id=method.payment_method_id if method else stored_as,
            store_payment_method=command.store_payment_method,
            billing_address=command.billing_address,
            descriptor=command.descriptor,
            metadata=metadata,
            three_d_secure_policy=policy,
            sca_exemption=command.three_d_secure.exemption,
            guest=command.guest,
            shipping_address=command.shipping_address,
            shipping_method=command.shipping_method,
            order_details=order_details,
            reference_space=caller.customer_id,
            initiator=command.initiation.initiator,
            series_position=position,
            skipped_checks=skipped,
            merchant_account_id=account,
        )
        attempt = self.velocity.attempt(
            caller,
            customer_id=customer.customer_id if customer else None,
            client_address=command.client_address,
            source=source,
            instrument=method.instrument if method else None,
        )
        return _AuthorizeCall(
            request=request,
            resource_id=terms.payment_id,
            recorder=self.recorder,
            store=self.store,
            velocity=self.velocity,
            operation_id=OperationId(new_id(ids.OPERATION)),
            terms=terms,
            source=source,
            customer=customer,
            attempt=attempt,
            retry=RefusalRemedies(self.gateway, customer),
            three_d_secure=command.three_d_secure,
            failed_authentication=FailedAuthentication(self.gateway),
            consents=consents,
            external_vault=_external_vault(command.initiation, position, method),
            risk=_risk_input(command, skipped),
            on_start=on_start,
        )

    def _check_order(
        self, validator: Validator, command: CreatePaymentCommand, amount: Money | None
    ) -> OrderDetails | None:
        """The order behind the payment: who bought it, where it goes, and its parts."""
        if command.guest is not NO_CONTACT:
            _check_guest(validator, command)
        if command.shipping_address != Address():
            validator.address("shipping_address", command.shipping_address)
        if command.order_details is None:
            return None
        order_details = check_order_details(
            validator, command.order_details, amount.currency_code if amount is not None else ""
        )
        if amount is not None:
            check_sums(validator, order_details, amount)
        return order_details

    def _policy(
        self, amount: Money, command: CreatePaymentCommand, position: SeriesPosition | None
    ) -> ThreeDSecurePolicy:
        """The service's rule. An absent customer cannot be asked to authenticate."""
        if is_customer_absent(command.initiation.initiator, position):
            return ThreeDSecurePolicy.IF_OFFERED
        return self.three_d_secure_rules.policy_for(amount)

    def _source(
        self, validator: Validator, source: RawSource | None, method: PaymentMethod | None, today: date
    ) -> Source | None:
        match source:
            case None:
                validator.add("source", Rule.EXACTLY_ONE, "card, payment_method_nonce, payment_method_id")
                return None
            case RawCard():
                return validator.card("card", source, today, accepts=self.accepts_cards)
            case Nonce(value):
                validator.secret_text("payment_method_nonce", value)
                return source
            case RawStoredMethod():
                return StoredMethod(method.gateway_token) if method else None

    def _find_references(
        self, validator: Validator, command: CreatePaymentCommand, caller: Caller
    ) -> tuple[Customer | None, PaymentMethod | None]:
        customer_id = validator.resource_id("customer_id", command.customer_id, ids.CUSTOMER, required=False)
        method_id = None
        if isinstance(command.source, RawStoredMethod):
            method_id = validator.resource_id("payment_method_id", command.source.payment_method_id, ids.PAYMENT_METHOD)
        if customer_id is None and method_id is None:
            return None, None
        with self.store.read() as work:
            method = work.payment_methods.get(PaymentMethodId(method_id)) if method_id else None
            if method_id and not _usable(method, caller):
                validator.add("payment_method_id", Rule.EXISTS)
                method = None
            if method is not None and customer_id is not None and method.customer_id != customer_id:
                validator.add("payment_method_id", Rule.OF_CUSTOMER)
            owner_id = customer_id or (method.customer_id if method else None)
            customer = work.customers.get(CustomerId(owner_id)) if owner_id else None
        if not is_usable(customer, caller):
            if customer_id is not None:
                validator.add("customer_id", Rule.EXISTS)
            return None, method
        return customer, method


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class _AuthorizeCall(SingleOperationCall):
    """A checked request."""

    store: Store
    velocity: VelocityLimiter
    operation_id: OperationId
    terms: PaymentTerms
    source: Source
    customer: Customer | None
    attempt: Attempt
    retry: RefusalRemedies
    three_d_secure: RawThreeDSecure
    failed_authentication: FailedAuthentication
    consents: tuple[Initiator, ...]
    external_vault: ExternalVault | None
    risk: RiskInput
    on_start: OnStart | None = None

    def start(self, work: UnitOfWork, payment: Payment | None, context: EventContext) -> tuple[Payment, Operation]:
        self.velocity.check(work, self.attempt)
        if self.customer is not None:
            lock_undeleted(work, self.customer.customer_id)
        payment = payment or Payment.create(self.terms, context=context)
        if self.on_start is not None:
            self.on_start(work, payment.terms.payment_id)
        operation = payment.authorize(self.operation_id, self.request.request_id, context=context)
        if self.terms.store_payment_method:
            _record_pending_method(work, payment.terms, self.consents, self.external_vault, context)
        return payment, operation

    def send(self, intent: StartedOperation, lease: Lease) -> Outcome:
        terms, customer = intent.payment.terms, self.customer
        if customer is not None and terms.store_payment_method:
            if not customer.is_at_gateway:
                self.retry.ensure_gateway_customer(lease)
                # If this is not recorded, the next payment only asks once more. Nothing else depends on it.
                with suppress(StoreUnavailable):
                    record_gateway_customer(self.store, customer.customer_id)
            customer = replace(customer, is_at_gateway=True)
        outcome = self.retry.authorize(
            Authorization(
                operation_id=intent.operation.operation_id,
                amount=terms.amount,
                source=self.source,
                captures=terms.capture_mode is CaptureMode.AUTOMATIC,
                customer=customer,
                store_as=terms.payment_method_id if terms.store_payment_method else None,
                billing_address=terms.billing_address,
                descriptor=terms.descriptor,
                reference=terms.reference,
                three_d_secure=_three_d_secure_request(terms.three_d_secure_policy, self.three_d_secure),
                initiator=terms.initiator,
                series_position=terms.series_position,
                external_vault=self.external_vault,
                risk=self.risk,
                guest=terms.guest,
                shipping_address=terms.shipping_address,
                shipping_method=terms.shipping_method,
                order_details=terms.order_details,
                merchant_account_id=terms.merchant_account_id,
            ),
            lease,
        )
        return self.failed_authentication.take_back(terms, intent.operation.operation_id, outcome, lease)

    def record_outcome(self, intent: StartedOperation, answer: Outcome) -> Payment:
        payment = SingleOperationCall.record_outcome(self, intent, answer)
        self.velocity.count_payment(self.attempt, answer)
        return payment

    def refusal_of(self, failure: ReferenceTaken | StandingRefusal) -> StandingRefusal:
        if not isinstance(failure, ReferenceTaken):
            return failure
        return ReferenceAlreadyPaid(self.terms.reference, self._shown(failure.payment_id))

    def _shown(self, payment_id: PaymentId) -> PaymentId | None:
        """The id, unless it is another customer's payment."""
        caller = self.request.caller
        if caller.customer_id is None:
            return payment_id
        with self.store.read_once() as work:
            payment = work.payments.get(payment_id)
        is_own = payment is not None and caller.owns(payment.terms.caller_id, payment.terms.customer_id)
        return payment_id if is_own else None


def _usable(method: PaymentMethod | None, caller: Caller) -> bool:
    return (
        method is not None
        and caller.owns(method.caller_id, method.customer_id)
        and method.state is PaymentMethodState.ACTIVE
        # Without a token, the gateway would charge the customer's default method.
        and bool(method.gateway_token)
    )


def _check_guest(validator: Validator, command: CreatePaymentCommand) -> None:
    guest = command.guest
    if command.customer_id:
        validator.add("guest", Rule.CONTRADICTS, "customer_id: UpdateCustomer has the customer's details")
    elif isinstance(command.source, RawStoredMethod):
        validator.add("guest", Rule.CONTRADICTS, "payment_method_id, which belongs to a customer")
    for name in ("given_name", "family_name", "company"):
        validator.plain_text(f"guest.{name}", getattr(guest, name))
    validator.email("guest.email", guest.email)
    validator.phone("guest.phone", guest.phone)


def _texts(command: CreatePaymentCommand) -> dict[str, str]:
    """All texts that are stored as the caller wrote them, by path."""
    return {
        "reference": command.reference,
        "language_code": command.language_code,
        **{f"{metadata_path('metadata', key)}.key": key for key in command.metadata},
        **{metadata_path("metadata", key): value for key, value in command.metadata.items()},
        **address_texts("billing_address", command.billing_address),
        **descriptor_texts("statement_descriptor", command.descriptor),
        **guest_texts(command.guest),
        **address_texts("shipping_address", command.shipping_address),
        **order_details_texts(command.order_details),
    }


def _three_d_secure_request(policy: ThreeDSecurePolicy, raw: RawThreeDSecure) -> ThreeDSecureRequest:
    """The gateway must find a liability shift only where neither another provider's result nor an exemption stands in
    for it.
    """
    if raw is NOTHING_SAID and policy is ThreeDSecurePolicy.IF_OFFERED:
        return UNASKED
    is_required: bool | None = None
    if policy is ThreeDSecurePolicy.NOT_WANTED:
        is_required = False
    elif policy is ThreeDSecurePolicy.REQUIRED and raw.external is None and raw.exemption is None:
        is_required = True
    return ThreeDSecureRequest(
        is_required=is_required, authentication_id=raw.authentication_id, external=raw.external, exemption=raw.exemption
    )


def _external_vault(
    raw: RawInitiation, position: SeriesPosition | None, method: PaymentMethod | None
) -> ExternalVault | None:
    """The series that the payment continues: as the request says, or else as the stored card knows."""
    if raw.external_vault is not None or position is not SeriesPosition.LATER or method is None:
        return raw.external_vault
    is_card = method.instrument is not None and method.instrument.kind is InstrumentKind.CARD
    if not is_card or not method.network_transaction_id:
        return None
    return ExternalVault(method.network_transaction_id, method.mastercard_transaction_link_id)


def _risk_input(command: CreatePaymentCommand, skipped: tuple[PaymentCheck, ...]) -> RiskInput:
    if not (command.device_data or skipped):
        return NO_RISK_INPUT
    # The address goes to the risk check only with the data of the same browser.
    return RiskInput(command.device_data, command.client_address if command.device_data else "", skipped)


def _record_pending_method(
    work: UnitOfWork,
    terms: PaymentTerms,
    consents: tuple[Initiator, ...],
    vault: ExternalVault | None,
    context: EventContext,
) -> None:
    """Records the method to be stored, before the gateway call, with the ids of the vault that it comes from."""
    if terms.payment_method_id is None or terms.customer_id is None:
        raise RuntimeError("a method to be stored has an id and a customer")
    earlier = work.payment_methods.get(terms.payment_method_id, lock=True)
    if earlier is not None:
        work.payment_methods.save(replace(earlier, state=PaymentMethodState.PENDING, failure_detail=""))
        return
    work.payment_methods.add(
        PaymentMethod(
            payment_method_id=terms.payment_method_id,
            caller_id=terms.caller_id,
            customer_id=terms.customer_id,
            state=PaymentMethodState.PENDING,
            create_time=context.time,
            update_time=context.time,
            billing_address=terms.billing_address,
            three_d_secure_policy=terms.three_d_secure_policy,
            consents=consents,
            network_transaction_id=vault.previous_network_transaction_id if vault else "",
            mastercard_transaction_link_id=vault.previous_mastercard_transaction_link_id if vault else "",
        )
    )
