"""Records which customers exist at the gateway."""

from dataclasses import replace

from application.common.conflicts import retry_on_conflict
from application.ports.store import Store
from domain.ids import CustomerId


@retry_on_conflict
def record_gateway_customer(store: Store, customer_id: CustomerId) -> None:
    """Records that the customer exists at the gateway."""
    with store.begin() as work:
        current = work.customers.get(customer_id, lock=True)
        if current is not None:
            work.customers.save(replace(current, is_at_gateway=True))
