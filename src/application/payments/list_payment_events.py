"""Lists the events of a payment, oldest first."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.pagination import PageTokens, Position, checked_page_size, read_token, scope_of
from application.common.validator import Validator, require_checked
from application.payments.payment_access import owned_payment
from application.ports.feed import HistoryEntry
from application.ports.store import Store
from domain import ids
from domain.ids import PaymentId


@dataclass(frozen=True, slots=True)
class ListPaymentEvents:
    store: Store
    page_tokens: PageTokens

    def __call__(
        self, payment_id: str, caller: Caller, *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[HistoryEntry], str]:
        """The events, and the token of the next page. Raises InvalidRequest, NotFound and StoreUnavailable."""
        validator = Validator()
        checked = validator.resource_id("payment_id", payment_id, ids.PAYMENT)
        size = checked_page_size(validator, page_size)
        scope = scope_of("payment_events", caller_id=caller.caller_id, payment_id=payment_id)
        after = read_token(validator, self.page_tokens, scope, page_token)
        validator.done()
        with self.store.read() as work:
            owned_payment(work.payments.get(PaymentId(require_checked(checked))), payment_id, caller)
            found = work.payments.history(
                PaymentId(payment_id), after_sequence=int(after.id) if after else 0, limit=size + 1
            )
        return self.page_tokens.cut(
            found, size, scope, lambda entry: Position(entry.event.context.time, str(entry.sequence))
        )
