"""Creates a client token, with which a browser or app turns card or wallet data into a nonce."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.errors import Rule
from application.common.lease import Lease, LeasePolicy
from application.common.validator import Validator
from application.customers.get_customer import is_usable
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.ports.gateway import CustomerUnknown, Gateway
from application.ports.store import Store
from domain import ids
from domain.currencies import EXPONENTS
from domain.customer import Customer
from domain.ids import CustomerId


@dataclass(frozen=True, slots=True)
class CreateClientToken:
    store: Store
    gateway: Gateway
    currencies: frozenset[str]
    sync_methods: SyncPaymentMethods
    leases: LeasePolicy

    def __call__(self, caller: Caller, *, customer_id: str = "", currency_code: str = "") -> str:
        """Raises InvalidRequest, GatewayRefused, GatewayUnavailable and StoreUnavailable."""
        validator = Validator()
        customer_id = customer_id or caller.customer_id or ""
        checked = validator.resource_id("customer_id", customer_id, ids.CUSTOMER, required=False)
        if currency_code and currency_code not in EXPONENTS:
            validator.add("currency_code", Rule.CURRENCY)
        elif currency_code and currency_code not in self.currencies:
            validator.add("currency_code", Rule.CURRENCY_ACCEPTED, ", ".join(sorted(self.currencies)))
        lease, customer = self.leases.begin(), None
        if checked is not None:
            with self.store.read() as work:
                customer = work.customers.get(CustomerId(checked))
            if not is_usable(customer, caller):
                validator.add("customer_id", Rule.EXISTS)
        validator.done()
        # The gateway's customer is created with the first stored method. Before that, there are no methods to show.
        if customer is None or not customer.is_at_gateway:
            return self.gateway.create_client_token(None, currency_code or None)
        try:
            return self.gateway.create_client_token(customer.customer_id, currency_code or None)
        except CustomerUnknown:
            self._recreate_customer(customer, caller, lease)
            token = self.gateway.create_client_token(customer.customer_id, currency_code or None)
            self.sync_methods.sync_customer(customer.customer_id)
            return token

    def _recreate_customer(self, customer: Customer, caller: Caller, lease: Lease) -> None:
        """Recreates a customer that was deleted at the gateway. Raises InvalidRequest if it was deleted here too."""
        self.gateway.ensure_customer(customer, lease)
        with self.store.read() as work:
            current = work.customers.get(customer.customer_id)
        if not is_usable(current, caller):
            self.gateway.delete_customer(customer.customer_id, self.leases.begin())
            validator = Validator()
            validator.add("customer_id", Rule.EXISTS)
            validator.done()
