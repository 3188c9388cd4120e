"""Finds a customer's default payment method, the one to offer first."""

from dataclasses import dataclass

from application.ports.store import Store
from domain.ids import CustomerId


@dataclass(frozen=True, slots=True)
class FindDefaultMethod:
    store: Store

    def __call__(self, customer_id: CustomerId) -> str:
        """The method's id, or an empty text where the customer has none. Raises StoreUnavailable."""
        with self.store.read() as work:
            methods = work.payment_methods.of_customer(customer_id)
        return next((method.payment_method_id for method in methods if method.is_default), "")
