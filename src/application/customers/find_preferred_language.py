"""Finds a customer's preferred language."""

from dataclasses import dataclass

from application.ports.store import Store
from domain.ids import CustomerId


@dataclass(frozen=True, slots=True)
class FindLanguage:
    store: Store

    def __call__(self, customer_id: CustomerId) -> str:
        """A language tag, or an empty text where the customer has none. Raises StoreUnavailable."""
        with self.store.read_once() as work:
            customer = work.customers.get(customer_id)
        return customer.language_code if customer else ""
