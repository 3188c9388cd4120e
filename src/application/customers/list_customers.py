"""Lists customers, newest first."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.pagination import PageTokens, Position, checked_page_size, read_token, scope_of
from application.common.validator import Validator, require_checked
from application.customers.get_customer import is_usable
from application.ports.store import Store, UnitOfWork
from domain.customer import Customer


@dataclass(frozen=True, slots=True)
class ListCustomers:
    store: Store
    page_tokens: PageTokens

    def __call__(
        self, caller: Caller, *, email: str = "", page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Customer], str]:
        """The customers, and the token of the next page. Raises InvalidRequest and StoreUnavailable."""
        validator = Validator()
        validator.email("email", email)
        size = checked_page_size(validator, page_size)
        scope = scope_of("customers", caller_id=caller.reach, email=email.casefold(), of=caller.customer_id)
        after = read_token(validator, self.page_tokens, scope, page_token)
        validator.done()
        with self.store.read() as work:
            if caller.customer_id is not None:
                return _own_record(work, caller, email), ""
            found = work.customers.page(caller.reach, email=email or None, after=after, limit=size + 1)
        return self.page_tokens.cut(found, size, scope, lambda one: Position(one.create_time, one.customer_id))


def _own_record(work: UnitOfWork, caller: Caller, email: str) -> list[Customer]:
    """The filtered list for a caller who is one of the customers."""
    customer = work.customers.get(require_checked(caller.customer_id))
    shown = is_usable(customer, caller) and (not email or customer.email.casefold() == email.casefold())
    return [require_checked(customer)] if shown else []
