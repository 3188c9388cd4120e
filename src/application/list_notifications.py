"""Lists what the gateway told, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from application.checks import Checks
from application.errors import Rule
from application.list_payments import read_token
from application.page_tokens import PageTokens, scope_of
from application.ports.notifications import NotificationState, StoredNotification
from application.ports.store import Position, Store


@dataclass(frozen=True, slots=True)
class ListNotifications:
    store: Store
    page_tokens: PageTokens

    def __call__(
        self, states: tuple[NotificationState | None, ...], *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[StoredNotification], str]:
        """Some, and the token of the next page. A state that is None was unknown.

        Raises InvalidRequest and StoreUnavailable.
        """
        checks = Checks()
        size = checks.page_size(page_size)
        if None in states:
            checks.add("states", Rule.KNOWN_VALUE)
        wanted = frozenset(state for state in states if state is not None)
        scope = scope_of("notifications", states=sorted(state.value for state in wanted))
        after = read_token(checks, self.page_tokens, scope, page_token)
        checks.done()
        with self.store.read() as work:
            found = work.notifications.page(wanted, after=after, limit=size + 1)
        return self.page_tokens.cut(
            found, size, scope, lambda one: Position(one.receive_time, one.notification.notification_id)
        )
