"""Lists blocks of the velocity limits, newest first."""

from dataclasses import dataclass

from application.common.pagination import PageTokens, Position, checked_page_size, read_token, scope_of
from application.common.validator import Validator
from application.ports.store import Store
from application.ports.velocity import VelocityBlock


@dataclass(frozen=True, slots=True)
class ListAbuseBlocks:
    store: Store
    page_tokens: PageTokens

    def __call__(self, *, page_size: int = 0, page_token: str = "") -> tuple[list[VelocityBlock], str]:
        """Blocks of every caller, and the token of the next page. Raises InvalidRequest and StoreUnavailable."""
        validator = Validator()
        size = checked_page_size(validator, page_size)
        scope = scope_of("abuse_blocks")
        after = read_token(validator, self.page_tokens, scope, page_token)
        validator.done()
        with self.store.read() as work:
            found = work.velocity.blocks(after=after, limit=size + 1)
        return self.page_tokens.cut(found, size, scope, lambda one: Position(one.create_time, one.block_id))
