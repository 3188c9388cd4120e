"""Lists checkouts, newest first."""

from dataclasses import dataclass

from application.checkouts.get_checkout import must_be_back_end
from application.common.caller import Caller
from application.common.errors import Rule
from application.common.pagination import PageTokens, Position, checked_page_size, read_token, scope_of
from application.common.validator import Validator
from application.ports.store import CheckoutFilter, Store
from domain import ids
from domain.checkout import Checkout, CheckoutState
from domain.ids import CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCheckoutFilter:
    """A filter as the caller sent it. None among the states: an unknown state."""

    reference: str = ""
    customer_id: str = ""
    states: tuple[CheckoutState | None, ...] = ()


@dataclass(frozen=True, slots=True)
class ListCheckouts:
    store: Store
    page_tokens: PageTokens

    def __call__(
        self, raw: RawCheckoutFilter, caller: Caller, *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Checkout], str]:
        """A page of checkouts, and the token of the next page.

        Raises InvalidRequest, NotForCustomers and StoreUnavailable.
        """
        must_be_back_end(caller)
        validator = Validator()
        size = checked_page_size(validator, page_size)
        validator.plain_text("reference", raw.reference)
        customer_id = validator.resource_id("customer_id", raw.customer_id, ids.CUSTOMER, required=False)
        if None in raw.states:
            validator.add("states", Rule.KNOWN_VALUE)
        which = CheckoutFilter(
            reference=raw.reference or None,
            customer_id=CustomerId(customer_id) if customer_id else None,
            states=frozenset(state for state in raw.states if state is not None),
        )
        scope = scope_of(
            "checkouts",
            caller_id=caller.reach,
            reference=raw.reference,
            customer_id=customer_id,
            states=sorted(state.value for state in which.states),
        )
        after = read_token(validator, self.page_tokens, scope, page_token)
        validator.done()
        with self.store.read() as work:
            found = work.checkouts.page(caller.reach, which, after=after, limit=size + 1)
        return self.page_tokens.cut(found, size, scope, lambda one: Position(one.create_time, one.checkout_id))
