"""Creates a customer. The gateway's customer is created with the first stored payment method."""

from dataclasses import dataclass, field
from typing import TypedDict

from application.common.caller import Caller
from application.common.errors import ExternalIdAlreadyUsed, NotForCustomers
from application.common.validator import Validator, require_checked
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.runtime import Clock, IdSource
from application.ports.store import ExternalIdTaken, Store
from domain import ids
from domain.customer import Customer
from domain.ids import CustomerId


class CustomerDetails(TypedDict):
    """The checked details of a customer."""

    external_id: str
    given_name: str
    family_name: str
    email: str
    phone: str
    language_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCommand:
    """A customer's details as the caller sent them, unchecked."""

    request_id: str
    external_id: str = ""
    given_name: str = field(default="", repr=False)
    family_name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    language_code: str = ""


@dataclass(frozen=True, slots=True)
class CreateCustomer:
    store: Store
    clock: Clock
    ids: IdSource
    guard: IdempotencyGuard

    def __call__(self, command: CustomerCommand, caller: Caller) -> Customer:
        """Raises InvalidRequest, RequestIdReused, ExternalIdAlreadyUsed, NotForCustomers and StoreUnavailable."""
        if caller.customer_id is not None:
            raise NotForCustomers
        validator = Validator()
        request_id = validator.request_id(command.request_id)
        details = check_customer(validator, command, "")
        validator.done()
        request = IdempotentRequest(caller, require_checked(request_id), "CreateCustomer", details)
        context = request.context(self.clock.now())
        customer = Customer(
            customer_id=CustomerId(self.ids.new(ids.CUSTOMER)),
            caller_id=caller.caller_id,
            create_time=context.time,
            update_time=context.time,
            **details,
        )
        try:
            with self.store.begin(context.actor, context.on_behalf) as work:
                earlier = self.guard.claim(work, request, customer.customer_id, context.time)
                if earlier is not None:
                    return require_checked(work.customers.get(CustomerId(earlier.resource_id)))
                work.customers.add(customer)
        except ExternalIdTaken as taken:
            raise ExternalIdAlreadyUsed(customer.external_id, taken.customer_id) from None
        return customer


def check_customer(validator: Validator, command: CustomerCommand, prefix: str) -> CustomerDetails:
    """The customer's details by field, checked."""
    return CustomerDetails(
        external_id=validator.identifier(f"{prefix}external_id", command.external_id),
        given_name=validator.plain_text(f"{prefix}given_name", command.given_name),
        family_name=validator.plain_text(f"{prefix}family_name", command.family_name),
        email=validator.email(f"{prefix}email", command.email),
        phone=validator.phone(f"{prefix}phone", command.phone),
        language_code=validator.language(f"{prefix}language_code", command.language_code),
    )
