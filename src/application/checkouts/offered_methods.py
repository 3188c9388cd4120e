"""The stored payment methods that a checkout offers its shopper."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from application.checkouts.view_checkout import shopper_of
from application.common.lease import LeasePolicy
from application.customers.get_customer import is_usable
from application.ports.gateway import Gateway, MethodNonce
from application.ports.runtime import Clock
from application.ports.store import Store
from domain.checkout import Checkout, CheckoutMethod
from domain.payment_method import PaymentMethod, PaymentMethodState

_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class OfferedMethods:
    store: Store
    clock: Clock

    def __call__(self, checkout: Checkout) -> Sequence[PaymentMethod]:
        """The customer's methods that can pay now, newest first. Raises StoreUnavailable."""
        if checkout.customer_id is None or CheckoutMethod.STORED not in checkout.terms.methods:
            return ()
        today = self.clock.now().date()
        with self.store.read() as work:
            if not is_usable(work.customers.get(checkout.customer_id), shopper_of(checkout)):
                return ()
            found = work.payment_methods.of_customer(checkout.customer_id, limit=_MOST)
        return [one for one in found if _can_pay(one, today)]


@dataclass(frozen=True, slots=True)
class CreateMethodNonce:
    """Lets the browser authenticate the owner of a stored card before it pays."""

    offered: OfferedMethods
    gateway: Gateway
    leases: LeasePolicy

    def __call__(self, checkout: Checkout, payment_method_id: str) -> MethodNonce | None:
        """None where the checkout does not offer the method. Raises GatewayUnavailable and StoreUnavailable."""
        chosen = next((one for one in self.offered(checkout) if one.payment_method_id == payment_method_id), None)
        if chosen is None:
            return None
        return self.gateway.create_method_nonce(chosen.gateway_token, self.leases.begin())


def _can_pay(method: PaymentMethod, today: date) -> bool:
    expiry = method.instrument.expiry if method.instrument is not None else None
    is_active = method.state is PaymentMethodState.ACTIVE and bool(method.gateway_token)
    return is_active and not (expiry is not None and expiry.is_past(today))
