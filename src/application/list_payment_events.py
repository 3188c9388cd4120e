"""Lists what happened to a payment, oldest first."""

from dataclasses import dataclass

from application.caller import Caller
from application.checks import Checks, known
from application.list_payments import read_token
from application.load import owned
from application.page_tokens import PageTokens, scope_of
from application.ports.store import HistoryEntry, Position, Store
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
        checks = Checks()
        checked = checks.resource_id("payment_id", payment_id, ids.PAYMENT)
        size = checks.page_size(page_size)
        scope = scope_of("payment_events", caller_id=caller.caller_id, payment_id=payment_id)
        after = read_token(checks, self.page_tokens, scope, page_token)
        checks.done()
        with self.store.read() as work:
            owned(work.payments.get(PaymentId(known(checked))), payment_id, caller)
            found = work.payments.history(
                PaymentId(payment_id), after_sequence=int(after.id) if after else 0, limit=size + 1
            )
        return self.page_tokens.cut(
            found, size, scope, lambda entry: Position(entry.event.stamp.time, str(entry.sequence))
        )
