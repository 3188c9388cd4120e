"""In which language a customer is spoken to."""

from dataclasses import dataclass

from application.ports.store import Store
from domain.ids import CustomerId


@dataclass(frozen=True, slots=True)
class FindCustomerLanguage:
    store: Store

    def __call__(self, customer_id: CustomerId) -> str:
        """BCP 47, or an empty text where nothing is known. Raises StoreUnavailable."""
        with self.store.read() as work:
            customer = work.customers.get(customer_id)
        return customer.language_code if customer else ""
