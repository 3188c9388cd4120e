"""The filter of payments, and a page of them, which lists and searches share."""

from dataclasses import dataclass
from datetime import datetime

from application.common.pagination import Position
from domain.dispute import DisputeState
from domain.ids import CustomerId
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_state import PaymentState


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """A filter of payments. None or empty: no restriction."""

    customer_id: CustomerId | None = None
    reference: str | None = None
    reference_contains: str | None = None
    states: frozenset[PaymentState] = frozenset()
    created_from: datetime | None = None
    created_until: datetime | None = None
    currency_code: str | None = None
    min_minor_units: int | None = None
    max_minor_units: int | None = None
    brand: str | None = None
    last_four: str | None = None
    funds: frozenset[Funds] = frozenset()
    # With a dispute in one of these states.
    dispute_states: frozenset[DisputeState] = frozenset()
    # With any dispute, or without.
    is_disputed: bool | None = None


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """A page of payments, and the position to continue from: None at the end.

    A store reads a bounded number of payments for a page. Where few match the filter, a page before the end can be
    short or empty.
    """

    payments: list[Payment]
    go_on_after: Position | None
