"""Ends a checkout: no payment begins after it."""

from dataclasses import dataclass

from application.checkouts.get_checkout import must_be_back_end, own_checkout
from application.common.caller import Caller
from application.common.validator import Validator, require_checked
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.runtime import Clock
from application.ports.store import Store
from domain import ids
from domain.checkout import Checkout


@dataclass(frozen=True, slots=True)
class ExpireCheckout:
    store: Store
    clock: Clock
    guard: IdempotencyGuard

    def __call__(self, request_id: str, checkout_id: str, caller: Caller) -> Checkout:
        """Raises InvalidRequest, NotFound, RequestIdReused, CheckoutCompleted, CheckoutBeingPaid, NotForCustomers and
        StoreUnavailable.
        """
        must_be_back_end(caller)
        validator = Validator()
        checked = validator.request_id(request_id)
        validator.resource_id("checkout_id", checkout_id, ids.CHECKOUT)
        validator.done()
        request = IdempotentRequest(caller, require_checked(checked), "ExpireCheckout", {"checkout_id": checkout_id})
        context = request.context(self.clock.now())
        with self.store.begin(context.actor, context.on_behalf) as work:
            checkout = own_checkout(work, checkout_id, caller, lock=True)
            if self.guard.claim(work, request, checkout_id, context.time) is not None:
                return checkout
            expired = checkout.expire(context.time)
            if expired != checkout:
                work.checkouts.save(expired)
        return expired
