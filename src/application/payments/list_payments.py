"""Lists payments, newest first."""

from dataclasses import dataclass, fields, replace
from datetime import datetime

from application.common.caller import Caller
from application.common.errors import Rule
from application.common.pagination import PageTokens, checked_page_size, read_token, scope_of
from application.common.validator import MAX_MINOR_UNITS, Validator
from application.ports.payment_filter import PaymentFilter
from application.ports.store import Store
from domain import ids
from domain.currencies import EXPONENTS
from domain.dispute import DisputeState
from domain.ids import CustomerId
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_state import PaymentState


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPaymentFilter:
    """A filter as the caller sent it. None among the states: an unknown state."""

    customer_id: str = ""
    reference: str = ""
    reference_contains: str = ""
    states: tuple[PaymentState | None, ...] = ()
    created_from: datetime | None = None
    created_until: datetime | None = None
    currency_code: str = ""
    min_minor_units: int = 0
    max_minor_units: int = 0
    brand: str = ""
    last_four: str = ""
    # None among these: an unknown one.
    funds: tuple[Funds | None, ...] = ()
    dispute_states: tuple[DisputeState | None, ...] = ()
    is_disputed: bool | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of payments, possibly empty, and the token of the next page: empty on the last."""

    payments: list[Payment]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class ListPayments:
    store: Store
    page_tokens: PageTokens

    def __call__(
        self,
        raw: RawPaymentFilter,
        caller: Caller,
        *,
        page_size: int = 0,
        page_token: str = "",
        language_code: str = "",
    ) -> Page:
        """Raises InvalidRequest and StoreUnavailable."""
        validator = Validator()
        size = checked_page_size(validator, page_size)
        validator.language("language_code", language_code)
        which = check_filter(validator, raw)
        asked = which.customer_id
        if caller.customer_id is not None:
            which = replace(which, customer_id=caller.customer_id)
        scope = scope_of(
            "payments", caller_id=caller.reach, **{f.name: stable_form(getattr(which, f.name)) for f in fields(which)}
        )
        after = read_token(validator, self.page_tokens, scope, page_token)
        validator.done()
        if asked not in (None, which.customer_id):
            return Page([], "")
        with self.store.read() as work:
            found = work.payments.page(caller.reach, which, after=after, limit=size)
        go_on_after = found.go_on_after
        return Page(found.payments, self.page_tokens.write(scope, go_on_after) if go_on_after else "")


def stable_form(value: object) -> object:
    """A form of a filter's value with the same representation each time."""
    return sorted(state.value for state in value) if isinstance(value, frozenset) else value


def check_filter(validator: Validator, raw: RawPaymentFilter) -> PaymentFilter:
    """The filter, checked."""
    customer_id = validator.resource_id("filter.customer_id", raw.customer_id, ids.CUSTOMER, required=False)
    for name in ("reference", "reference_contains", "brand"):
        validator.plain_text(f"filter.{name}", getattr(raw, name))
    for name in ("states", "funds", "dispute_states"):
        if None in getattr(raw, name):
            validator.add(f"filter.{name}", Rule.KNOWN_VALUE)
    if raw.dispute_states and raw.is_disputed is False:
        validator.add("filter.dispute_states", Rule.CONTRADICTS, "filter.is_disputed")
    if raw.currency_code and raw.currency_code not in EXPONENTS:
        validator.add("filter.currency_code", Rule.CURRENCY)
    for name in ("min", "max"):
        value = getattr(raw, f"{name}_minor_units")
        if value < 0:
            validator.add(f"filter.{name}_amount_minor_units", Rule.NOT_NEGATIVE)
        if value > MAX_MINOR_UNITS:
            validator.add(f"filter.{name}_amount_minor_units", Rule.AT_MOST, MAX_MINOR_UNITS)
    if raw.max_minor_units and raw.min_minor_units > raw.max_minor_units:
        validator.add("filter.max_amount_minor_units", Rule.NOT_BELOW, "filter.min_amount_minor_units")
    if raw.last_four and not (raw.last_four.isascii() and raw.last_four.isdigit() and len(raw.last_four) == 4):
        validator.add("filter.last_four", Rule.LAST_FOUR)
    if raw.created_from and raw.created_until and raw.created_until <= raw.created_from:
        validator.add("filter.created_until_time", Rule.AFTER, "filter.created_from_time")
    return PaymentFilter(
        customer_id=CustomerId(customer_id) if customer_id else None,
        reference=raw.reference or None,
        reference_contains=raw.reference_contains or None,
        states=frozenset(state for state in raw.states if state is not None),
        created_from=raw.created_from,
        created_until=raw.created_until,
        currency_code=raw.currency_code or None,
        min_minor_units=raw.min_minor_units or None,
        max_minor_units=raw.max_minor_units or None,
        brand=raw.brand or None,
        last_four=raw.last_four or None,
        funds=frozenset(one for one in raw.funds if one is not None),
        dispute_states=frozenset(state for state in raw.dispute_states if state is not None),
        is_disputed=raw.is_disputed,
    )
