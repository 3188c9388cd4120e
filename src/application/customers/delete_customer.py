"""Deletes a customer: stored methods and personal data are erased, payments stay."""

from dataclasses import dataclass, replace

from application.common.caller import Caller
from application.common.errors import CustomerHasOpenPayments
from application.common.lease import LeasePolicy
from application.common.validator import Validator, require_checked
from application.customers.get_customer import own_customer
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.gateway import Gateway
from application.ports.payment_filter import PaymentFilter
from application.ports.runtime import Clock
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.customer import Customer
from domain.ids import CustomerId
from domain.payment_method import PaymentMethodState
from domain.payment_state import PaymentState
from domain.personal_data import erased_from


@dataclass(frozen=True, slots=True)
class DeleteCustomer:
    store: Store
    gateway: Gateway
    clock: Clock
    guard: IdempotencyGuard
    leases: LeasePolicy

    def __call__(self, request_id: str, customer_id: str, caller: Caller) -> Customer:
        """Raises InvalidRequest, NotFound, RequestIdReused, CustomerHasOpenPayments and GatewayUnavailable."""
        validator = Validator()
        checked_id = validator.request_id(request_id)
        validator.resource_id("customer_id", customer_id, ids.CUSTOMER)
        validator.done()
        request = IdempotentRequest(caller, require_checked(checked_id), "DeleteCustomer", {"customer_id": customer_id})
        lease = self.leases.begin()
        with self.store.read() as work:
            customer = own_customer(work, customer_id, caller)
            self.guard.is_replay(work, request)
            if customer.delete_time is None:
                _refuse_while_open(work, customer)
        if customer.delete_time is not None:
            # An earlier attempt may have stopped before this step.
            self.store.wipe()
            self.gateway.delete_customer(customer.customer_id, lease)
            return customer
        self.gateway.delete_customer(customer.customer_id, lease)
        context = request.context(self.clock.now())
        with self.store.begin(context.actor, context.on_behalf) as work:
            current = own_customer(work, customer_id, caller, lock=True)
            self.guard.claim(work, request, customer_id, context.time)
            if current.delete_time is not None:
                return current
            # Checked again: from now on, nobody can start anything for the customer.
            _refuse_while_open(work, current)
            deleted = replace(
                erased_from(current),
                language_code="",
                is_at_gateway=False,
                update_time=context.time,
                delete_time=context.time,
            )
            work.customers.save(deleted)
            for method in work.payment_methods.of_customer(current.customer_id, lock=True):
                work.payment_methods.save(
                    replace(method, state=PaymentMethodState.DELETED, is_default=False, update_time=context.time)
                )
            work.payment_methods.erase_personal_data(current.customer_id)
            work.payments.erase_personal_data(current.customer_id)
            work.feed.erase_personal_data(current.customer_id)
        self.store.wipe()
        # Once more: a call that began and ended in between may have created the customer at the gateway again.
        self.gateway.delete_customer(customer.customer_id, self.leases.begin())
        return deleted


def _refuse_while_open(work: UnitOfWork, customer: Customer) -> None:
    """An operation or method with an unknown outcome may still need the customer at the gateway."""
    methods = work.payment_methods.of_customer(customer.customer_id)
    if _has_open_payment(work, customer) or any(method.state is PaymentMethodState.PENDING for method in methods):
        raise CustomerHasOpenPayments(customer.customer_id)


def _has_open_payment(work: UnitOfWork, customer: Customer) -> bool:
    pending = PaymentFilter(customer_id=CustomerId(customer.customer_id), states=frozenset({PaymentState.PENDING}))
    after = None
    while True:
        page = work.payments.page(customer.caller_id, pending, after=after, limit=1)
        after = page.go_on_after
        if page.payments or after is None:
            return bool(page.payments)
