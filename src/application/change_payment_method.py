"""Changes, deletes, or puts first a stored payment method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from application.caller import Caller
from application.checks import MAX_CARDHOLDER_NAME, Checks, known
from application.conflicts import again_after_conflicts
from application.errors import MethodNotActive, MethodRefused
from application.exactly_once import ExactlyOnce, Request
from application.get_payment_method import own_method
from application.lease import Lease
from application.place_method import place, withdraw
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
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.address import Address
from domain.payment_method import PaymentMethod, PaymentMethodState


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodUpdate:
    """What a caller asks to change, unchecked. 0 and None: unchanged."""

    request_id: str
    payment_method_id: str
    expiration_month: int = field(default=0, repr=False)
    expiration_year: int = field(default=0, repr=False)
    cardholder_name: str | None = field(default=None, repr=False)
    billing_address: Address | None = None
    language_code: str = ""


class _MethodGone(Exception):
    """The gateway does not keep the method any more."""


@dataclass(frozen=True, slots=True)
class MethodChanger:
    """One change of a stored method: at the gateway, where repeating it is harmless, then here, once."""

    store: Store
    exactly_once: ExactlyOnce

    def __call__(
        self,
        request: Request,
        method_id: str,
        at_gateway: Callable[[PaymentMethod, Lease], StoredInstrument | None],
        here: Callable[[UnitOfWork, PaymentMethod, StoredInstrument | None], PaymentMethod],
        goal: PaymentMethodState | None = None,
    ) -> PaymentMethod:
        """Raises NotFound, RequestIdReused, MethodNotActive and what `at_gateway` raises.

        A method that is in the goal's state already is answered as it is.
        """
        # From before the look at the method: a process that hung must not undo what others changed since.
        lease = self.exactly_once.begin_lease()
        with self.store.read() as work:
            method = own_method(work, method_id, request.caller)
            if self.exactly_once.is_repeat(work, request):
                return method
        if method.state is goal:
            return method
        if method.state is not PaymentMethodState.ACTIVE:
            raise MethodNotActive(method.payment_method_id, method.state)
        try:
            answer = at_gateway(method, lease)
        except _MethodGone:
            raise MethodNotActive(method.payment_method_id, self._withdraw(method, request.caller)) from None
        stamp = self.exactly_once.stamp(request.caller)
        with self.store.begin(stamp.actor) as work:
            current = own_method(work, method_id, request.caller, lock=True)
            if self.exactly_once.claim(work, self.exactly_once.record_of(request, method_id, stamp)):
                return current
            changed = here(work, replace(current, update_time=stamp.time), answer)
            work.payment_methods.save(changed)
        return changed

    @again_after_conflicts
    def _withdraw(self, method: PaymentMethod, caller: Caller) -> PaymentMethodState:
        """Records that the gateway does not keep it any more. Returns the state that it is in then."""
        stamp = self.exactly_once.stamp(caller)
        with self.store.begin(stamp.actor) as work:
            current = own_method(work, method.payment_method_id, caller, lock=True)
            if current.state is PaymentMethodState.ACTIVE:
                current = withdraw(work, current, time=stamp.time)
                work.payment_methods.save(current)
        return current.state


@dataclass(frozen=True, slots=True)
class UpdatePaymentMethod:
    gateway: Gateway
    change: MethodChanger

    def __call__(self, update: MethodUpdate, caller: Caller) -> PaymentMethod:
        """Raises InvalidRequest, NotFound, RequestIdReused, MethodNotActive, MethodRefused and GatewayUnavailable."""
        checks = Checks()
        request_id = checks.request_id(update.request_id)
        checks.resource_id("payment_method_id", update.payment_method_id, ids.PAYMENT_METHOD)
        expiry = None
        if update.expiration_month or update.expiration_year:
            today = self.change.exactly_once.clock.now().date()
            expiry = checks.expiry("", update.expiration_month, update.expiration_year, today)
        if update.cardholder_name is not None:
            checks.plain_text("cardholder_name", update.cardholder_name, maximum=MAX_CARDHOLDER_NAME)
        if update.billing_address is not None:
            checks.address("billing_address", update.billing_address)
        checks.language("language_code", update.language_code)
        checks.done()
        fields = {
            "payment_method_id": update.payment_method_id,
            "expiration_month": update.expiration_month,
            "expiration_year": update.expiration_year,
            "cardholder_name": update.cardholder_name,
            "billing_address": str(update.billing_address and _spelled(update.billing_address)),
        }
        request = Request(caller, known(request_id), "UpdatePaymentMethod", fields)

        def at_gateway(method: PaymentMethod, lease: Lease) -> StoredInstrument:
            return _stored(
                self.gateway.change_method(
                    MethodChange(
                        token=method.gateway_token,
                        expiry=expiry,
                        cardholder_name=update.cardholder_name,
                        billing_address=update.billing_address,
                    ),
                    lease,
                )
            )

        def here(_: UnitOfWork, method: PaymentMethod, kept: StoredInstrument | None) -> PaymentMethod:
            return replace(
                method,
                instrument=known(kept).instrument,
                billing_address=update.billing_address or method.billing_address,
            )

        return self.change(request, update.payment_method_id, at_gateway, here)


@dataclass(frozen=True, slots=True)
class SetDefaultPaymentMethod:
    gateway: Gateway
    change: MethodChanger

    def __call__(self, request_id: str, payment_method_id: str, caller: Caller) -> PaymentMethod:
        """Raises InvalidRequest, NotFound, RequestIdReused, MethodNotActive and GatewayUnavailable."""
        request = _named(request_id, payment_method_id, caller, "SetDefaultPaymentMethod")

        def at_gateway(method: PaymentMethod, lease: Lease) -> StoredInstrument:
            change = MethodChange(token=method.gateway_token, make_default=True)
            return _stored(self.gateway.change_method(change, lease))

        def here(work: UnitOfWork, method: PaymentMethod, _: StoredInstrument | None) -> PaymentMethod:
            return replace(place(work, method, make_default=True), duplicate_of=method.duplicate_of)

        return self.change(request, payment_method_id, at_gateway, here)


@dataclass(frozen=True, slots=True)
class DeletePaymentMethod:
    gateway: Gateway
    change: MethodChanger

    def __call__(self, request_id: str, payment_method_id: str, caller: Caller) -> PaymentMethod:
        """Raises InvalidRequest, NotFound, RequestIdReused, MethodNotActive and GatewayUnavailable."""
        request = _named(request_id, payment_method_id, caller, "DeletePaymentMethod")

        def at_gateway(method: PaymentMethod, lease: Lease) -> None:
            self.gateway.delete_method(method.gateway_token, lease)

        def here(work: UnitOfWork, method: PaymentMethod, _: StoredInstrument | None) -> PaymentMethod:
            if method.state is PaymentMethodState.DELETED:
                # By another request, meanwhile.
                return method
            return withdraw(work, method, time=method.update_time)

        return self.change(request, payment_method_id, at_gateway, here, goal=PaymentMethodState.DELETED)


def _named(request_id: str, payment_method_id: str, caller: Caller, name: str) -> Request:
    checks = Checks()
    checked_id = checks.request_id(request_id)
    checks.resource_id("payment_method_id", payment_method_id, ids.PAYMENT_METHOD)
    checks.done()
    return Request(caller, known(checked_id), name, {"payment_method_id": payment_method_id})


def _stored(outcome: StoreOutcome) -> StoredInstrument:
    match outcome:
        case Stored(kept):
            return kept
        case Rejected(cause=RefusalCause.METHOD_UNKNOWN):
            raise _MethodGone
        case Rejected(detail=detail):
            raise MethodRefused(detail)
        case NotStored(verification):
            raise MethodRefused(verification.processor_response_code)
        case Unknown(detail):
            # Repeating a change is harmless, so an unknown outcome is no more than a question without an answer.
            raise GatewayUnavailable(detail)


def _spelled(address: Address) -> dict[str, str]:
    return {name: getattr(address, name) for name in Address.__slots__}
