"""Reads a customer, by this service's id or by the caller's own."""

from dataclasses import dataclass
from typing import TypeGuard

from application.common.caller import Caller
from application.common.errors import NotFound, ResourceKind, Rule
from application.common.ownership import reached
from application.common.validator import Validator
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.customer import Customer
from domain.ids import CustomerId


@dataclass(frozen=True, slots=True)
class GetCustomer:
    store: Store

    def __call__(self, caller: Caller, *, customer_id: str = "", external_id: str = "") -> Customer:
        """Raises InvalidRequest, NotFound and StoreUnavailable."""
        validator = Validator()
        if not customer_id and not external_id:
            validator.add("key", Rule.EXACTLY_ONE, "customer_id, external_id")
        validator.resource_id("customer_id", customer_id, ids.CUSTOMER, required=False)
        validator.plain_text("external_id", external_id)
        validator.done()
        with self.store.read_once() as work:
            if customer_id:
                return own_customer(work, customer_id, caller)
            customer = work.customers.find_by_external_id(caller.caller_id, external_id)
        if customer is None or not caller.owns(customer.caller_id, customer.customer_id):
            raise NotFound(ResourceKind.CUSTOMER, external_id)
        return customer


def is_usable(customer: Customer | None, caller: Caller) -> TypeGuard[Customer]:
    """Whether the customer exists, is the caller's, and was not deleted."""
    return (
        customer is not None and caller.owns(customer.caller_id, customer.customer_id) and customer.delete_time is None
    )


def own_customer(work: UnitOfWork, customer_id: str, caller: Caller, *, lock: bool = False) -> Customer:
    """The customer, if it is the caller's. Raises NotFound."""
    customer = work.customers.get(CustomerId(customer_id), lock=lock)
    return reached(customer, ResourceKind.CUSTOMER, customer_id, caller)


def must_not_be_deleted(customer: Customer) -> None:
    """Raises NotFound for a deleted customer."""
    if customer.delete_time is not None:
        raise NotFound(ResourceKind.CUSTOMER, customer.customer_id)


def lock_undeleted(work: UnitOfWork, customer_id: CustomerId) -> None:
    """Locks a customer that was checked before, so that nobody deletes it while an operation starts for it.

    Raises InvalidRequest where it was deleted in between.
    """
    customer = work.customers.get(customer_id, lock=True)
    if customer is None or customer.delete_time is not None:
        validator = Validator()
        validator.add("customer_id", Rule.EXISTS)
        validator.done()
