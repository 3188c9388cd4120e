"""Adds a payment method: stores a card or wallet at the gateway for a customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from application.card_testing.velocity_limiter import Attempt, VelocityLimiter
from application.common.caller import Caller
from application.common.conflicts import retry_on_conflict
from application.common.errors import InvalidRequest, Rule
from application.common.initiator_input import check_consents, check_kept_elsewhere, vault_fields
from application.common.lease import Lease, LeasePolicy
from application.common.merchant_account_input import check_account, choose_account
from application.common.paid_with import UNKNOWN_METHOD, typed_card
from application.common.skipped_checks_input import check_skipped
from application.common.three_d_secure_input import (
    NOTHING_SAID,
    RawThreeDSecure,
    check_for_verification,
    check_left_to_the_shop,
    check_three_d_secure,
    require_authentication,
    three_d_secure_fields,
)
from application.common.validator import RawCard, RawMoney, Validator, address_texts, require_checked
from application.customers.gateway_customer import record_gateway_customer
from application.customers.get_customer import is_usable, lock_undeleted
from application.idempotency.gateway_call import GatewayCall, GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.payment_methods.default_method import assign_default
from application.payment_methods.failed_verification import RequiredAuthentication, delete_unauthenticated
from application.payment_methods.method_source import new_source_fields
from application.payment_methods.nonce_uses import NonceUse, NonceUses
from application.payment_methods.retry_without_refused_record import RefusalRemedies
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.ports.gateway import (
    Gateway,
    GatewayNotReached,
    GatewayUnavailable,
    NewMethod,
    Nonce,
    NotStored,
    Rejected,
    Stored,
    StoreOutcome,
    Unknown,
)
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.address import Address
from domain.customer import Customer
from domain.events import EventContext
from domain.ids import CustomerId, PaymentMethodId, RequestId
from domain.initiator import ExternalVault, Initiator
from domain.instrument import Card
from domain.merchant_account import MerchantAccounts
from domain.money import Money
from domain.payment_check import PaymentCheck
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.three_d_secure import ThreeDSecurePolicy

# The gateway knows no other checks of a verification.
SKIPPABLE: Final = (PaymentCheck.ADVANCED_FRAUD,)
DEFAULT_POLICY: Final = ThreeDSecurePolicy.IF_OFFERED
NEVER_SENT = "the gateway could not be reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPaymentMethodCommand:
    """The caller's request, unchecked."""

    request_id: str
    customer_id: str
    source: RawCard | Nonce | None
    verify: bool = False
    make_default: bool = False
    billing_address: Address = Address()
    language_code: str = ""
    # The shopper's address, as declared by the caller. It is not compared between replays: people change networks.
    client_address: str = field(default="", repr=False)
    three_d_secure: RawThreeDSecure = NOTHING_SAID
    # None stands for a value that the contract does not list.
    consents: tuple[Initiator | None, ...] = ()
    device_data: str = field(default="", repr=False)
    external_vault: ExternalVault | None = None
    verification_amount: RawMoney | None = None
    # Of the verification. None stands for a value that the contract does not list.
    skip_checks: tuple[PaymentCheck | None, ...] = ()
    # Of the verification. Empty: the default account of the amount's currency, or the gateway's own.
    merchant_account_id: str = ""


@dataclass(frozen=True, slots=True)
class AddPaymentMethod:
    store: Store
    gateway: Gateway
    clock: Clock
    ids: IdSource
    guard: IdempotencyGuard
    executor: GatewayCallExecutor
    leases: LeasePolicy
    velocity: VelocityLimiter
    sync_methods: SyncPaymentMethods
    accounts: MerchantAccounts
    accepts_cards: bool = True

    def __call__(self, command: AddPaymentMethodCommand, caller: Caller) -> PaymentMethod:
        """Raises InvalidRequest, ScopeMissing, AuthenticationRequired, RequestIdReused, TooManyDeclines,
        GatewayNotReached and StoreUnavailable.
        """
        try:
            call = self._check(command, caller)
        except InvalidRequest as invalid:
            return self._replay_once_valid(command, caller, invalid)
        try:
            return self.executor.execute(call)
        finally:
            if call.retry.customer_was_gone:
                self.sync_methods.sync_customer(call.customer.customer_id)

    def _check(self, command: AddPaymentMethodCommand, caller: Caller) -> _StoreMethodCall:
        validator = Validator()
        request_id = validator.request_id(command.request_id)
        customer_id = validator.resource_id("customer_id", command.customer_id, ids.CUSTOMER)
        source: Card | Nonce | None = None
        match command.source:
            case RawCard():
                today = self.clock.now().date()
                source = validator.card("card", command.source, today, accepts=self.accepts_cards)
            case Nonce(value):
                validator.secret_text("payment_method_nonce", value)
                source = command.source
            case None:
                validator.add("source", Rule.EXACTLY_ONE, "card, payment_method_nonce")
        validator.address("billing_address", command.billing_address)
        validator.language("language_code", command.language_code)
        validator.client_address("client_address", command.client_address)
        paid_with = typed_card(command.source) if isinstance(command.source, RawCard) else UNKNOWN_METHOD
        check_three_d_secure(validator, command.three_d_secure, paid_with)
        check_left_to_the_shop(validator, command.three_d_secure, caller, DEFAULT_POLICY)
        policy = command.three_d_secure.policy or DEFAULT_POLICY
        check_for_verification(validator, command.three_d_secure, verify=command.verify)
        consents = check_consents(validator, command.consents)
        validator.device_data("device_data", command.device_data)
        check_kept_elsewhere(validator, command.external_vault, caller, paid_with)
        amount, account = self._verification(validator, command, caller)
        skipped: tuple[PaymentCheck, ...] = ()
        if command.skip_checks:
            skipped = check_skipped(validator, command.skip_checks, caller, SKIPPABLE)
            self._require_verification(validator, "skip_checks", command)
        if isinstance(command.source, RawCard):
            validator.must_not_contain_card(command.source, address_texts("billing_address", command.billing_address))
        customer = None
        if customer_id is not None:
            with self.store.read() as work:
                customer = work.customers.get(CustomerId(customer_id))
            if not is_usable(customer, caller):
                validator.add("customer_id", Rule.EXISTS)
        validator.done()
        if source is None:
            raise RuntimeError("a source without a violation is there")
        request = _request(require_checked(request_id), command, caller)
        use = NonceUse(
            external=command.three_d_secure.external,
            vault=command.external_vault,
            loses_authentication=not command.verify and policy is not ThreeDSecurePolicy.NOT_WANTED,
        )
        NonceUses(self.store, self.gateway, self.guard).check(source, use, request)
        customer = require_checked(customer)
        require_authentication(command.three_d_secure, policy, may_be_in_source=isinstance(source, Nonce))
        return _StoreMethodCall(
            request=request,
            resource_id=self.ids.new(ids.PAYMENT_METHOD),
            store=self.store,
            clock=self.clock,
            leases=self.leases,
            velocity=self.velocity,
            sync_methods=self.sync_methods,
            command=command,
            source=source,
            customer=customer,
            attempt=self.velocity.attempt(
                caller, customer_id=customer.customer_id, client_address=command.client_address, source=source
            ),
            retry=RefusalRemedies(self.gateway, customer),
            gateway=self.gateway,
            policy=policy,
            consents=consents,
            verification_amount=amount,
            verification_account_id=account,
            skipped_checks=skipped,
        )

    def _verification(
        self, validator: Validator, command: AddPaymentMethodCommand, caller: Caller
    ) -> tuple[Money | None, str]:
        """The amount and the merchant account of the verification, as far as the request names them."""
        raw, account = command.verification_amount, command.merchant_account_id
        if raw is None:
            if account:
                check_account(validator, self.accounts, account, caller)
                self._require_verification(validator, "merchant_account_id", command)
            return None, account
        self._require_verification(validator, "verification_amount", command)
        amount = validator.money("verification_amount", raw, self.accounts.by_currency, may_be_zero=True)
        return amount, choose_account(validator, self.accounts, account, raw.currency_code, caller)

    def _require_verification(self, validator: Validator, path: str, command: AddPaymentMethodCommand) -> None:
        if not command.verify:
            validator.add(path, Rule.NEEDS_VERIFICATION)

    def _replay_once_valid(
        self, command: AddPaymentMethodCommand, caller: Caller, invalid: InvalidRequest
    ) -> PaymentMethod:
        """Answers the replay of a request that was valid at first.

        Raises the given violations if it is no replay, or one that would have to be sent again.
        """
        if not invalid.may_have_been_valid:
            raise invalid
        request = _request(require_checked(Validator().request_id(command.request_id)), command, caller)
        with self.store.read() as work:
            record = self.guard.earlier(work, request)
            method = work.payment_methods.get(PaymentMethodId(record.resource_id)) if record else None
        if method is None or method.failure_detail == NEVER_SENT:
            raise invalid
        self.guard.wait(request)
        return _must_be_sent(_present(self.store, self.sync_methods, method))


@dataclass(frozen=True, slots=True, kw_only=True)
class _StoreMethodCall(GatewayCall[PaymentMethod, PaymentMethodId, StoreOutcome]):
    """A checked request. `resource_id` is the method's id."""

    store: Store
    clock: Clock
    leases: LeasePolicy
    velocity: VelocityLimiter
    sync_methods: SyncPaymentMethods
    command: AddPaymentMethodCommand
    source: Card | Nonce
    customer: Customer
    attempt: Attempt
    retry: RefusalRemedies
    gateway: Gateway
    policy: ThreeDSecurePolicy
    consents: tuple[Initiator, ...]
    verification_amount: Money | None
    verification_account_id: str
    skipped_checks: tuple[PaymentCheck, ...]

    def load(self, work: UnitOfWork, resource_id: str) -> PaymentMethod:
        return require_checked(work.payment_methods.get(PaymentMethodId(resource_id), lock=True))

    def may_send_again(self, resource: PaymentMethod) -> bool:
        return resource.failure_detail == NEVER_SENT

    def record_intents(
        self, work: UnitOfWork, resource: PaymentMethod | None, context: EventContext
    ) -> tuple[PaymentMethod, list[PaymentMethodId]]:
        self.velocity.check(work, self.attempt)
        lock_undeleted(work, self.customer.customer_id)
        due = context.time + self.leases.duration
        if resource is not None:
            method = replace(resource, state=PaymentMethodState.PENDING, failure_detail="", next_check_time=due)
            work.payment_methods.save(method)
        else:
            vault = self.command.external_vault or ExternalVault()
            method = PaymentMethod(
                payment_method_id=PaymentMethodId(self.resource_id),
                caller_id=self.request.caller.caller_id,
                customer_id=self.customer.customer_id,
                state=PaymentMethodState.PENDING,
                create_time=context.time,
                update_time=context.time,
                billing_address=self.command.billing_address,
                next_check_time=due,
                three_d_secure_policy=self.policy,
                consents=self.consents,
                network_transaction_id=vault.previous_network_transaction_id,
                mastercard_transaction_link_id=vault.previous_mastercard_transaction_link_id,
                three_d_secure_authentication_id=self.command.three_d_secure.authentication_id,
            )
            work.payment_methods.add(method)
        return method, [method.payment_method_id]

    def send(self, intent: PaymentMethodId, lease: Lease) -> StoreOutcome:
        if not self.customer.is_at_gateway:
            self.retry.ensure_gateway_customer(lease)
            record_gateway_customer(self.store, self.customer.customer_id)
        outcome = self.retry.store_method(
            NewMethod(
                payment_method_id=intent,
                customer_id=self.customer.customer_id,
                source=self.source,
                verify=self.command.verify,
                make_default=self.command.make_default,
                billing_address=self.command.billing_address,
                external_authentication=self.command.three_d_secure.external,
                device_data=self.command.device_data,
                verification_amount=self.verification_amount,
                verification_account_id=self.verification_account_id,
                skipped_checks=self.skipped_checks,
            ),
            lease,
        )
        asked = RequiredAuthentication(self.policy, self.command.three_d_secure.authentication_id)
        return delete_unauthenticated(self.gateway, asked, outcome, lease)

    def record_outcome(self, intent: PaymentMethodId, answer: StoreOutcome) -> PaymentMethod:
        method = self._record(intent, answer)
        self.velocity.count_method(self.attempt, answer)
        return method

    @retry_on_conflict
    def _record(self, method_id: PaymentMethodId, outcome: StoreOutcome) -> PaymentMethod:
        with self.store.begin() as work:
            time = self.clock.now()
            method = replace(self.load(work, method_id), warnings=tuple(self.retry.warnings))
            match outcome:
                case Stored(stored):
                    method = method.activate(stored.instrument, stored.token, stored.verification, time=time)
                    method = method.with_network_ids(
                        stored.network_transaction_id, stored.mastercard_transaction_link_id
                    )
                    method = assign_default(work, method, make_default=self.command.make_default)
                case NotStored(verification):
                    method = method.refuse(verification, time=time)
                case Rejected(detail=detail):
                    method = method.fail(detail, time=time)
                case Unknown():
                    method = replace(method, next_check_time=time + self.leases.first_check)
                case _:
                    assert_never(outcome)
            work.payment_methods.save(method)
        return method

    @retry_on_conflict
    def record_unsent(self, unsent: Sequence[PaymentMethodId], failure: GatewayNotReached) -> PaymentMethod:
        with self.store.begin() as work:
            for method_id in unsent:
                work.payment_methods.save(self.load(work, method_id).fail(NEVER_SENT, time=self.clock.now()))
        raise failure

    def present(self, resource: PaymentMethod) -> PaymentMethod:
        return _present(self.store, self.sync_methods, resource)

    def result_or_raise(self, resource: PaymentMethod, _sent: Sequence[PaymentMethodId], /) -> PaymentMethod:
        return _must_be_sent(resource)


def _present(store: Store, sync_methods: SyncPaymentMethods, method: PaymentMethod) -> PaymentMethod:
    """The method as it is now, here and at the gateway."""
    with store.read() as work:
        current = require_checked(work.payment_methods.get(method.payment_method_id))
    try:
        return sync_methods.activate_late(current)
    except GatewayUnavailable:
        return current


def _must_be_sent(method: PaymentMethod) -> PaymentMethod:
    """The method. Raises GatewayNotReached where the request was never sent."""
    if method.failure_detail == NEVER_SENT:
        raise GatewayNotReached
    return method


def _request(request_id: RequestId, command: AddPaymentMethodCommand, caller: Caller) -> IdempotentRequest:
    """The fields that replays must match."""
    fields: dict[str, object] = {
        "customer_id": command.customer_id,
        "verify": command.verify,
        "make_default": command.make_default,
        **address_texts("billing_address", command.billing_address),
        **new_source_fields(command.source),
        **three_d_secure_fields(command.three_d_secure),
        "consents": " ".join(one.value for one in command.consents if one),
        "device_data": command.device_data,
        "merchant_account_id": command.merchant_account_id,
        "skip_checks": " ".join(one.value for one in command.skip_checks if one),
        **vault_fields(command.external_vault),
    }
    amount = command.verification_amount
    if amount is not None:
        fields |= {"verification_amount": f"{amount.minor_units} {amount.currency_code}"}
    return IdempotentRequest(caller, request_id, "AddPaymentMethod", fields)
