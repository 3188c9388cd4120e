"""Lists disputes, newest first."""

from dataclasses import dataclass
from datetime import datetime

from application.common.caller import Caller
from application.common.errors import Rule
from application.common.pagination import PageTokens, Position, checked_page_size, read_token, scope_of
from application.common.validator import Validator
from application.ports.store import DisputeFilter, Store
from domain import ids
from domain.dispute import Dispute, DisputeState
from domain.ids import PaymentId


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDisputeFilter:
    """A filter as the caller sent it. None among the states: an unknown state."""

    payment_id: str = ""
    states: tuple[DisputeState | None, ...] = ()
    reply_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListDisputes:
    store: Store
    page_tokens: PageTokens

    def __call__(
        self, raw: RawDisputeFilter, caller: Caller, *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Dispute], str]:
        """A page of disputes, and the token of the next page. Raises InvalidRequest and StoreUnavailable."""
        validator = Validator()
        size = checked_page_size(validator, page_size)
        payment_id = validator.resource_id("payment_id", raw.payment_id, ids.PAYMENT, required=False)
        if None in raw.states:
            validator.add("states", Rule.KNOWN_VALUE)
        which = DisputeFilter(
            payment_id=PaymentId(payment_id) if payment_id else None,
            customer_id=caller.customer_id,
            states=frozenset(state for state in raw.states if state is not None),
            reply_before=raw.reply_before,
        )
        scope = scope_of(
            "disputes",
            caller_id=caller.reach,
            customer_id=caller.customer_id,
            payment_id=payment_id,
            states=sorted(state.value for state in which.states),
            reply_before=raw.reply_before,
        )
        after = read_token(validator, self.page_tokens, scope, page_token)
        validator.done()
        with self.store.read() as work:
            found = work.disputes.page(caller.reach, which, after=after, limit=size + 1)
        return self.page_tokens.cut(found, size, scope, lambda one: Position(one.create_time, one.dispute_id))
