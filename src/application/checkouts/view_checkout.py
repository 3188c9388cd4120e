"""Shows a checkout to its shopper, and records the outcome of their payment once it is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

from application.common.caller import Caller, Scope
from application.common.conflicts import retry_on_conflict
from application.ports.runtime import Clock
from application.ports.store import Store, UnitOfWork
from domain.checkout import Checkout, CheckoutUse, Standing, UseState, settle, standing_of
from domain.ids import CheckoutId
from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class CheckoutView:
    """A checkout as one shopper sees it. `payment` is that of their newest attempt."""

    checkout: Checkout
    standing: Standing
    use: CheckoutUse | None = None
    payment: Payment | None = None

    @property
    def attempt(self) -> int:
        """The number that the next payment must name."""
        return self.use.attempt if self.use is not None else 1


def shopper_of(checkout: Checkout) -> Caller:
    """The caller in whose name the page acts: the checkout's, with the checkout as its credential."""
    scopes = frozenset({Scope.PAYMENTS_READ, Scope.PAYMENTS_WRITE, Scope.CUSTOMERS_READ})
    return Caller(checkout.caller_id, scopes, credential=checkout.checkout_id)


@dataclass(frozen=True, slots=True)
class ViewCheckout:
    store: Store
    clock: Clock

    def __call__(self, token: str, session: str) -> CheckoutView | None:
        """None where no checkout has this address. The session counts for payment links only.

        Raises StoreUnavailable.
        """
        with self.store.read() as work:
            checkout = work.checkouts.find(token)
            if checkout is None:
                return None
            own = own_session(checkout, session)
            view = self._view(work, checkout, work.checkouts.use(checkout.checkout_id, own))
            if view.standing.can_pay and _is_paid_elsewhere(work, checkout):
                return replace(view, standing=Standing.ALREADY_PAID)
        if view.use is not None and view.use.state is UseState.PAYING:
            return self.settle(checkout.checkout_id, own)
        return view

    @retry_on_conflict
    def settle(self, checkout_id: CheckoutId, session: str) -> CheckoutView:
        """Records what became of the payment that is under way. Repeating it changes nothing."""
        with self.store.begin() as work:
            checkout = work.checkouts.get(checkout_id, lock=True)
            if checkout is None:
                raise LookupError(checkout_id)
            use = work.checkouts.use(checkout_id, session)
            payment = _payment(work, use)
            if use is not None and payment is not None and use.state is UseState.PAYING:
                settled, settled_use = settle(checkout, use, payment.state, self.clock.now())
                if settled != checkout:
                    work.checkouts.save(settled)
                work.checkouts.save_use(settled_use)
                checkout, use = settled, settled_use
            return self._view(work, checkout, use)

    def _view(self, work: UnitOfWork, checkout: Checkout, use: CheckoutUse | None) -> CheckoutView:
        return CheckoutView(checkout, standing_of(checkout, use, self.clock.now()), use, _payment(work, use))


def own_session(checkout: Checkout, session: str) -> str:
    """Only the uses of a payment link belong to a browser."""
    return session if checkout.terms.is_link else ""


def _is_paid_elsewhere(work: UnitOfWork, checkout: Checkout) -> bool:
    """A call of the caller's, or another checkout, may have paid for the order. The uses of a link are orders apart."""
    terms = checkout.terms
    return not terms.is_link and work.payments.paying(checkout.caller_id, terms.reference) is not None


def _payment(work: UnitOfWork, use: CheckoutUse | None) -> Payment | None:
    return work.payments.get(use.payment_id) if use is not None and use.payment_id is not None else None
