"""Syncs stored payment methods from the gateway's vault: renewed cards, and methods that are gone."""

import logging
from dataclasses import dataclass, replace

from application.common.conflicts import retry_on_conflict
from application.common.errors import StoreUnavailable
from application.payment_methods.default_method import assign_default, detach_method
from application.payment_methods.failed_verification import refused_verification, required_authentication
from application.payment_methods.resolve_unknown_methods import NOT_AT_GATEWAY
from application.ports.gateway import Gateway, GatewayUnavailable, StoredInstrument
from application.ports.runtime import Clock
from application.ports.store import Store, UnitOfWork
from domain.ids import CustomerId, PaymentMethodId
from domain.payment_method import PaymentMethod, PaymentMethodState

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncPaymentMethods:
    store: Store
    gateway: Gateway
    clock: Clock
    batch_size: int = 50

    def sync_by_token(self, token: str, customer_id: str) -> bool:
        """Whether the token is of an active method here, or of one that appeared late at the gateway.

        Raises GatewayUnavailable and StoreUnavailable.
        """
        with self.store.read() as work:
            method = _find(work, token, customer_id)
            other = work.payment_methods.get(PaymentMethodId(token)) if method is None else None
        if method is not None:
            self._sync(method)
            return True
        return other is not None and _is_absent(other) and self.activate_late(other).state is PaymentMethodState.ACTIVE

    def activate_late(self, method: PaymentMethod) -> PaymentMethod:
        """The method as it is now: ACTIVE if the gateway has it by now, though it was not found within the horizon.

        Raises GatewayUnavailable and StoreUnavailable.
        """
        if not _is_absent(method):
            return method
        found = self.gateway.find_method(method.payment_method_id)
        if (
            found is None
            or found.is_revoked
            or refused_verification(required_authentication(method), found) is not None
        ):
            return method
        return self._activate(method, found)

    def record_revoked(self, token: str, customer_id: str) -> bool:
        """Records that the customer revoked the consent. This is final: the gateway may still show the method.

        Returns whether the token is of a method here. Raises StoreUnavailable.
        """
        with self.store.read() as work:
            method = _find(work, token, customer_id)
        if method is None:
            return False
        self._detach(method)
        return True

    def sync_batch(self, after: str) -> str | None:
        """Syncs the next few active methods, by id. Returns the last id, or None once there are no more."""
        with self.store.read() as work:
            methods = work.payment_methods.active(after=after, limit=self.batch_size)
        for method in methods:
            self._sync(method)
        return methods[-1].payment_method_id if len(methods) == self.batch_size else None

    def sync_customer(self, customer_id: CustomerId) -> None:
        """Syncs the active methods of a customer that the gateway had lost. Without an answer nothing changes."""
        try:
            with self.store.read() as work:
                methods = work.payment_methods.of_customer(customer_id)
            for method in methods:
                if method.state is PaymentMethodState.ACTIVE:
                    self._sync(method)
        except (GatewayUnavailable, StoreUnavailable):
            _log.warning("customer %s: the payment methods could not be compared with the gateway", customer_id)

    def _sync(self, method: PaymentMethod) -> None:
        found = self.gateway.find_method(method.gateway_token)
        if found is None or found.is_revoked:
            self._detach(method)
        elif found.instrument != method.instrument:
            self._update(method, found)

    @retry_on_conflict
    def _activate(self, method: PaymentMethod, found: StoredInstrument) -> PaymentMethod:
        with self.store.begin() as work:
            current = work.payment_methods.get(method.payment_method_id, lock=True)
            if current is None or not _is_absent(current):
                return current or method
            active = current.activate(found.instrument, found.token, found.verification, time=self.clock.now())
            active = assign_default(work, active, make_default=found.is_default)
            work.payment_methods.save(active)
        return active

    @retry_on_conflict
    def _update(self, method: PaymentMethod, found: StoredInstrument) -> None:
        with self.store.begin() as work:
            current = _active(work, method)
            if current is not None:
                renewed = replace(current, instrument=found.instrument, update_time=self.clock.now())
                work.payment_methods.save(renewed)

    @retry_on_conflict
    def _detach(self, method: PaymentMethod) -> None:
        with self.store.begin() as work:
            current = _active(work, method)
            if current is not None:
                work.payment_methods.save(detach_method(work, current, time=self.clock.now()))


def _find(work: UnitOfWork, token: str, customer_id: str) -> PaymentMethod | None:
    """The active method with that token at the gateway. Most methods have their id as the token."""
    own = work.payment_methods.get(PaymentMethodId(token))
    candidates = [own] if own is not None else work.payment_methods.of_customer(CustomerId(customer_id))
    return next((m for m in candidates if m.gateway_token == token and m.state is PaymentMethodState.ACTIVE), None)


def _is_absent(method: PaymentMethod) -> bool:
    """Whether it counts as never stored only because it was not found."""
    return method.state is PaymentMethodState.FAILED and method.failure_detail == NOT_AT_GATEWAY


def _active(work: UnitOfWork, method: PaymentMethod) -> PaymentMethod | None:
    current = work.payment_methods.get(method.payment_method_id, lock=True)
    return current if current is not None and current.state is PaymentMethodState.ACTIVE else None
