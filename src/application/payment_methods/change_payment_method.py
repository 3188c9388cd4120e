"""Updates or deletes a stored payment method, or makes it the default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from application.common.caller import Caller
from application.common.conflicts import retry_on_conflict
from application.common.errors import MethodNotActive, MethodRefused
from application.common.initiator_input import check_consents
from application.common.lease import Lease, LeasePolicy
from application.common.validator import MAX_CARDHOLDER_NAME, Validator, require_checked
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.payment_methods.default_method import assign_default, detach_method
from application.payment_methods.get_payment_method import own_method
from application.ports.gateway import (
    Gateway,
    GatewayUnavailable,
    MethodChange,
    NotStored,
    RefusalCause,
    Rejected,
    Stored,
    StoredInstrument,
    StoreOutcome,
    Unknown,
)
from application.ports.runtime import Clock
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.address import Address
from domain.initiator import Initiator
from domain.payment_method import PaymentMethod, PaymentMethodState


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePaymentMethodCommand:
    """The requested changes, unchecked. 0 and None: unchanged."""

    request_id: str
    payment_method_id: str
    expiration_month: int = field(default=0, repr=False)
    expiration_year: int = field(default=0, repr=False)
    cardholder_name: str | None = field(default=None, repr=False)
    billing_address: Address | None = None
    # The kinds of merchant-initiated payment that the customer agrees to from now on. None among them stands for one
    # that the contract does not list.
    consents: tuple[Initiator | None, ...] | None = None
    language_code: str = ""

    @property
    def changes_gateway(self) -> bool:
        """Whether the gateway keeps a part of the change. A request for no change at all goes there, too."""
        is_of_record = self.consents is not None
        return not is_of_record or bool(
            self.expiration_month or self.cardholder_name is not None or self.billing_address is not None
        )


class _MethodGone(Exception):
    """The gateway no longer has the method."""


@dataclass(frozen=True, slots=True)
class MethodChanger:
    """Executes one change of a stored method: first at the gateway, where a repeat is harmless, then here, once."""

    store: Store
    clock: Clock
    guard: IdempotencyGuard
    leases: LeasePolicy

    def __call__(
        self,
        request: IdempotentRequest,
        method_id: str,
        change_at_gateway: Callable[[PaymentMethod, Lease], StoredInstrument | None],
        record_change: Callable[[UnitOfWork, PaymentMethod, StoredInstrument | None], PaymentMethod],
        goal: PaymentMethodState | None = None,
    ) -> PaymentMethod:
        """Raises NotFound, RequestIdReused, MethodNotActive and what `change_at_gateway` raises.

        A method that is in the target state already is returned unchanged.
        """
        # Begins before the method is read: a process that hung must not undo later changes by others.
        lease = self.leases.begin()
        with self.store.read() as work:
            method = own_method(work, method_id, request.caller)
            if self.guard.is_replay(work, request):
                return method
        if method.state is goal:
            return method
        if method.state is not PaymentMethodState.ACTIVE:
            raise MethodNotActive(method.payment_method_id, method.state)
        try:
            answer = change_at_gateway(method, lease)
        except _MethodGone:
            raise MethodNotActive(method.payment_method_id, self._detach(method, request)) from None
        context = request.context(self.clock.now())
        with self.store.begin(context.actor, context.on_behalf) as work:
            current = own_method(work, method_id, request.caller, lock=True)
            if self.guard.claim(work, request, method_id, context.time):
                return current
            changed = record_change(work, replace(current, update_time=context.time), answer)
            work.payment_methods.save(changed)
        return changed

    @retry_on_conflict
    def _detach(self, method: PaymentMethod, request: IdempotentRequest) -> PaymentMethodState:
        """Records that the gateway no longer has the method. Returns its new state."""
        context = request.context(self.clock.now())
        with self.store.begin(context.actor, context.on_behalf) as work:
            current = own_method(work, method.payment_method_id, request.caller, lock=True)
            if current.state is PaymentMethodState.ACTIVE:
                current = detach_method(work, current, time=context.time)
                work.payment_methods.save(current)
        return current.state


@dataclass(frozen=True, slots=True)
class UpdatePaymentMethod:
    gateway: Gateway
    clock: Clock
    change: MethodChanger

    def __call__(self, command: UpdatePaymentMethodCommand, caller: Caller) -> PaymentMethod:
        """Raises InvalidRequest, NotFound, RequestIdReused, MethodNotActive, MethodRefused and GatewayUnavailable."""
        validator = Validator()
        request_id = validator.request_id(command.request_id)
        validator.resource_id("payment_method_id", command.payment_method_id, ids.PAYMENT_METHOD)
        expiry = None
        if command.expiration_month or command.expiration_year:
            today = self.clock.now().date()
            expiry = validator.expiry("", command.expiration_month, command.expiration_year, today)
        if command.cardholder_name is not None:
            validator.plain_text("cardholder_name", command.cardholder_name, maximum=MAX_CARDHOLDER_NAME)
        if command.billing_address is not None:
            validator.address("billing_address", command.billing_address)
        consents = None
        if command.consents is not None:
            consents = check_consents(validator, command.consents, "consents.initiators")
        validator.language("language_code", command.language_code)
        validator.done()
        fields = {
            "payment_method_id": command.payment_method_id,
            "expiration_month": command.expiration_month,
            "expiration_year": command.expiration_year,
            "cardholder_name": command.cardholder_name,
            "billing_address": str(command.billing_address and _address_fields(command.billing_address)),
            "consents": None if consents is None else " ".join(one.value for one in consents) or "none",
        }
        request = IdempotentRequest(caller, require_checked(request_id), "UpdatePaymentMethod", fields)

        def change_at_gateway(method: PaymentMethod, lease: Lease) -> StoredInstrument | None:
            if not command.changes_gateway:
                return None
            return _stored(
                self.gateway.change_method(
                    MethodChange(
                        token=method.gateway_token,
                        expiry=expiry,
                        cardholder_name=command.cardholder_name,
                        billing_address=command.billing_address,
                    ),
                    lease,
                )
            )

        def record_change(_: UnitOfWork, method: PaymentMethod, stored: StoredInstrument | None) -> PaymentMethod:
            if consents is not None:
                method = method.with_consents(consents)
            if stored is None:
                return method
            return replace(
                method, instrument=stored.instrument, billing_address=command.billing_address or method.billing_address
            )

        return self.change(request, command.payment_method_id, change_at_gateway, record_change)


@dataclass(frozen=True, slots=True)
class SetDefaultPaymentMethod:
    gateway: Gateway
    change: MethodChanger

    def __call__(self, request_id: str, payment_method_id: str, caller: Caller) -> PaymentMethod:
        """Raises InvalidRequest, NotFound, RequestIdReused, MethodNotActive and GatewayUnavailable."""
        request = _check_request(request_id, payment_method_id, caller, "SetDefaultPaymentMethod")

        def change_at_gateway(method: PaymentMethod, lease: Lease) -> StoredInstrument:
            change = MethodChange(token=method.gateway_token, make_default=True)
            return _stored(self.gateway.change_method(change, lease))

        def record_change(work: UnitOfWork, method: PaymentMethod, _: StoredInstrument | None) -> PaymentMethod:
            return replace(assign_default(work, method, make_default=True), duplicate_of=method.duplicate_of)

        return self.change(request, payment_method_id, change_at_gateway, record_change)


@dataclass(frozen=True, slots=True)
class DeletePaymentMethod:
    gateway: Gateway
    change: MethodChanger

    def __call__(self, request_id: str, payment_method_id: str, caller: Caller) -> PaymentMethod:
        """Raises InvalidRequest, NotFound, RequestIdReused, MethodNotActive and GatewayUnavailable."""
        request = _check_request(request_id, payment_method_id, caller, "DeletePaymentMethod")

        def change_at_gateway(method: PaymentMethod, lease: Lease) -> None:
            self.gateway.delete_method(method.gateway_token, lease)

        def record_change(work: UnitOfWork, method: PaymentMethod, _: StoredInstrument | None) -> PaymentMethod:
            if method.state is PaymentMethodState.DELETED:
                # Another request has changed it in between.
                return method
            return detach_method(work, method, time=method.update_time)

        return self.change(
            request, payment_method_id, change_at_gateway, record_change, goal=PaymentMethodState.DELETED
        )


def _check_request(request_id: str, payment_method_id: str, caller: Caller, name: str) -> IdempotentRequest:
    validator = Validator()
    checked_id = validator.request_id(request_id)
    validator.resource_id("payment_method_id", payment_method_id, ids.PAYMENT_METHOD)
    validator.done()
    return IdempotentRequest(caller, require_checked(checked_id), name, {"payment_method_id": payment_method_id})


def _stored(outcome: StoreOutcome) -> StoredInstrument:
    match outcome:
        case Stored(stored):
            return stored
        case Rejected(cause=RefusalCause.METHOD_UNKNOWN):
            raise _MethodGone
        case Rejected(detail=detail):
            raise MethodRefused(detail)
        case NotStored(verification):
            raise MethodRefused(verification.processor_response_code)
        case Unknown(detail):
            # A repeat is harmless, so an unknown outcome is treated like an unanswered query.
            raise GatewayUnavailable(detail)


def _address_fields(address: Address) -> dict[str, str]:
    return {name: getattr(address, name) for name in Address.__slots__}
