"""Creates a client token, with which a browser or app turns card or wallet data into a nonce."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.errors import Rule
from application.common.lease import Lease, LeasePolicy
from application.common.merchant_account_input import check_account, choose_account
from application.common.validator import Validator
from application.customers.get_customer import is_usable
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.ports.gateway import CustomerUnknown, Gateway
from application.ports.store import Store
from domain import ids
from domain.currencies import EXPONENTS
from domain.customer import Customer
from domain.ids import CustomerId
from domain.merchant_account import MerchantAccounts


@dataclass(frozen=True, slots=True)
class CreateClientToken:
    store: Store
    gateway: Gateway
    accounts: MerchantAccounts
    sync_methods: SyncPaymentMethods
    leases: LeasePolicy

    def __call__(
        self, caller: Caller, *, customer_id: str = "", currency_code: str = "", merchant_account_id: str = ""
    ) -> str:
        """Raises InvalidRequest, GatewayRefused, GatewayUnavailable and StoreUnavailable."""
        validator = Validator()
        customer_id = customer_id or caller.customer_id or ""
        checked = validator.resource_id("customer_id", customer_id, ids.CUSTOMER, required=False)
        account = self._account(validator, merchant_account_id, currency_code, caller)
        lease, customer = self.leases.begin(), None
        if checked is not None:
            with self.store.read() as work:
                customer = work.customers.get(CustomerId(checked))
            if not is_usable(customer, caller):
                validator.add("customer_id", Rule.EXISTS)
        validator.done()
        # The gateway's customer is created with the first stored method. Before that, there are no methods to show.
        if customer is None or not customer.is_at_gateway:
            return self.gateway.create_client_token(None, account)
        try:
            return self.gateway.create_client_token(customer.customer_id, account)
        except CustomerUnknown:
            self._recreate_customer(customer, caller, lease)
            token = self.gateway.create_client_token(customer.customer_id, account)
            self.sync_methods.sync_customer(customer.customer_id)
            return token

    def _account(self, validator: Validator, name: str, currency_code: str, caller: Caller) -> str:
        """The named account, or else the currency's default. Without either it is the gateway's: empty."""
        if not currency_code:
            check_account(validator, self.accounts, name, caller)
            return name
        if currency_code not in EXPONENTS:
            validator.add("currency_code", Rule.CURRENCY)
        elif currency_code not in self.accounts.by_currency:
            validator.add("currency_code", Rule.CURRENCY_ACCEPTED, ", ".join(sorted(self.accounts.by_currency)))
        return choose_account(validator, self.accounts, name, currency_code, caller)

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
