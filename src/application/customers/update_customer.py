"""Updates a customer's details, here and at the gateway."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.common.caller import Caller
from application.common.errors import ExternalIdAlreadyUsed, NotFound, Rule
from application.common.lease import LeasePolicy
from application.common.validator import Validator, require_checked
from application.customers.create_customer import CustomerCommand, CustomerDetails, check_customer
from application.customers.get_customer import must_not_be_deleted, own_customer
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.gateway import CustomerRefused, Gateway
from application.ports.runtime import Clock
from application.ports.store import ExternalIdTaken, Store, UnitOfWork
from domain import ids
from domain.customer import Customer

CHANGEABLE: Final = tuple(CustomerDetails.__annotations__)
# The external id is the back end's name for a customer; customers may not change it.
BY_THEMSELVES: Final = tuple(name for name in CHANGEABLE if name != "external_id")


@dataclass(frozen=True, slots=True)
class UpdateCustomer:
    store: Store
    gateway: Gateway
    clock: Clock
    guard: IdempotencyGuard
    leases: LeasePolicy

    def __call__(self, customer_id: str, command: CustomerCommand, paths: Sequence[str], caller: Caller) -> Customer:
        """Raises InvalidRequest, NotFound, RequestIdReused, ExternalIdAlreadyUsed and GatewayUnavailable."""
        validator = Validator()
        request_id = validator.request_id(command.request_id)
        validator.resource_id("customer.customer_id", customer_id, ids.CUSTOMER)
        details = check_customer(validator, command, "customer.")
        if not paths:
            validator.add("update_mask", Rule.REQUIRED)
        changeable = CHANGEABLE if caller.customer_id is None else BY_THEMSELVES
        for path in paths:
            if path not in changeable:
                validator.add("update_mask", Rule.FIELD_PATH, ", ".join(changeable))
        validator.done()
        changes = {name: value for name, value in details.items() if name in paths}
        fields = {"customer_id": customer_id, "update_mask": ",".join(sorted(set(paths))), **changes}
        request = IdempotentRequest(caller, require_checked(request_id), "UpdateCustomer", fields)

        # Begins before the customer is read: a process that hung must not undo later changes by others.
        lease = self.leases.begin()
        with self.store.read() as work:
            customer = own_customer(work, customer_id, caller)
            if self.guard.is_replay(work, request):
                return customer
            must_not_be_deleted(customer)
            # Checked before the gateway call, which must not happen for a refused change.
            _refuse_taken(work, customer, str(changes.get("external_id", "")))
        context = request.context(self.clock.now())
        if customer.is_at_gateway:
            try:
                self.gateway.update_customer(replace(customer, **changes), lease)  # type: ignore[arg-type]
            except CustomerRefused as refused:
                for name, code in refused.fields.items():
                    validator.add(f"customer.{name}", Rule.REFUSED_BY_GATEWAY, code)
                validator.done()
        try:
            with self.store.begin(context.actor, context.on_behalf) as work:
                current = own_customer(work, customer_id, caller, lock=True)
                if self.guard.claim(work, request, customer_id, context.time):
                    return current
                must_not_be_deleted(current)
                updated = replace(current, update_time=context.time, **changes)  # type: ignore[arg-type]
                work.customers.save(updated)
        except NotFound:
            # It was deleted here in between, and this call may just have created it at the gateway again.
            if customer.is_at_gateway:
                self.gateway.delete_customer(customer.customer_id, self.leases.begin())
            raise
        except ExternalIdTaken as taken:
            raise ExternalIdAlreadyUsed(command.external_id, taken.customer_id) from None
        return updated


def _refuse_taken(work: UnitOfWork, customer: Customer, external_id: str) -> None:
    if not external_id:
        return
    holder = work.customers.find_by_external_id(customer.caller_id, external_id)
    if holder is not None and holder.customer_id != customer.customer_id:
        raise ExternalIdAlreadyUsed(external_id, holder.customer_id)
