"""Reads a checkout."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.errors import NotForCustomers, ResourceKind
from application.common.ownership import reached
from application.common.validator import Validator
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.checkout import Checkout
from domain.ids import CheckoutId


@dataclass(frozen=True, slots=True)
class GetCheckout:
    store: Store

    def __call__(self, checkout_id: str, caller: Caller) -> Checkout:
        """Raises InvalidRequest, NotFound, NotForCustomers and StoreUnavailable."""
        must_be_back_end(caller)
        validator = Validator()
        validator.resource_id("checkout_id", checkout_id, ids.CHECKOUT)
        validator.done()
        with self.store.read_once() as work:
            return own_checkout(work, checkout_id, caller)


def must_be_back_end(caller: Caller) -> None:
    """Raises NotForCustomers: the address of a checkout is for its shopper alone."""
    if caller.customer_id is not None:
        raise NotForCustomers


def own_checkout(work: UnitOfWork, checkout_id: str, caller: Caller, *, lock: bool = False) -> Checkout:
    """The checkout, if it is the caller's. Raises NotFound."""
    checkout = work.checkouts.get(CheckoutId(checkout_id), lock=lock)
    return reached(checkout, ResourceKind.CHECKOUT, checkout_id, caller)
