"""Lists received gateway webhooks, newest first."""

from dataclasses import dataclass

from application.common.errors import Rule
from application.common.pagination import PageTokens, Position, checked_page_size, read_token, scope_of
from application.common.validator import Validator
from application.ports.gateway_webhooks import GatewayWebhookState, StoredGatewayWebhook
from application.ports.store import Store


@dataclass(frozen=True, slots=True)
class ListGatewayWebhooks:
    store: Store
    page_tokens: PageTokens

    def __call__(
        self, states: tuple[GatewayWebhookState | None, ...], *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[StoredGatewayWebhook], str]:
        """A page of them, and the token of the next page. None among the states: an unknown state.

        Raises InvalidRequest and StoreUnavailable.
        """
        validator = Validator()
        size = checked_page_size(validator, page_size)
        if None in states:
            validator.add("states", Rule.KNOWN_VALUE)
        wanted = frozenset(state for state in states if state is not None)
        scope = scope_of("notifications", states=sorted(state.value for state in wanted))
        after = read_token(validator, self.page_tokens, scope, page_token)
        validator.done()
        with self.store.read() as work:
            found = work.gateway_webhooks.page(wanted, after=after, limit=size + 1)
        return self.page_tokens.cut(
            found, size, scope, lambda one: Position(one.receive_time, one.webhook.notification_id)
        )
