"""Lists operations whose outcome is unknown, oldest first."""

from dataclasses import dataclass
from datetime import datetime

from application.common.pagination import PageTokens, Position, checked_page_size, read_token, scope_of
from application.common.validator import Validator
from application.ports.store import PaymentOperation, Store


@dataclass(frozen=True, slots=True)
class ListUnresolvedOperations:
    store: Store
    page_tokens: PageTokens

    def __call__(
        self, started_before: datetime | None, *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[PaymentOperation], str]:
        """Operations of every caller, and the token of the next page. Raises InvalidRequest and StoreUnavailable."""
        validator = Validator()
        size = checked_page_size(validator, page_size)
        scope = scope_of("unresolved_operations", started_before=started_before)
        after = read_token(validator, self.page_tokens, scope, page_token)
        validator.done()
        with self.store.read() as work:
            found = work.payments.unresolved(started_before, after=after, limit=size + 1)
        return self.page_tokens.cut(
            found, size, scope, lambda one: Position(one.operation.create_time, one.operation.operation_id)
        )
