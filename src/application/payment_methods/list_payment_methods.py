"""Lists a customer's payment methods, newest first."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.pagination import PageTokens, Position, checked_page_size, read_token, scope_of
from application.common.validator import Validator
from application.customers.get_customer import own_customer
from application.ports.store import Store
from domain import ids
from domain.ids import CustomerId
from domain.payment_method import PaymentMethod


@dataclass(frozen=True, slots=True)
class ListPaymentMethods:
    store: Store
    page_tokens: PageTokens

    def __call__(
        self, customer_id: str, caller: Caller, *, page_size: int = 0, page_token: str = "", language_code: str = ""
    ) -> tuple[list[PaymentMethod], str]:
        """The methods, and the token of the next page. Raises InvalidRequest, NotFound and StoreUnavailable."""
        validator = Validator()
        validator.resource_id("customer_id", customer_id, ids.CUSTOMER)
        validator.language("language_code", language_code)
        size = checked_page_size(validator, page_size)
        scope = scope_of("payment_methods", caller_id=caller.caller_id, customer_id=customer_id)
        after = read_token(validator, self.page_tokens, scope, page_token)
        validator.done()
        with self.store.read() as work:
            own_customer(work, customer_id, caller)
            found = work.payment_methods.of_customer(CustomerId(customer_id), after=after, limit=size + 1)
        return self.page_tokens.cut(
            found, size, scope, lambda method: Position(method.create_time, method.payment_method_id)
        )
