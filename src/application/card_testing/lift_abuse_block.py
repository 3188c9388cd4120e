"""Lifts a block of the velocity limits."""

import logging
from dataclasses import dataclass

from application.common.caller import Caller
from application.common.errors import NotFound, ResourceKind
from application.common.validator import Validator, require_checked
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.runtime import Clock
from application.ports.store import Store
from application.ports.velocity import VelocityBlock
from domain import ids

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LiftAbuseBlock:
    store: Store
    clock: Clock
    guard: IdempotencyGuard

    def __call__(self, request_id: str, block_id: str, reason: str, caller: Caller) -> VelocityBlock:
        """Ends the block now and counts its subject from zero.

        Raises InvalidRequest, NotFound, RequestIdReused and StoreUnavailable.
        """
        validator = Validator()
        checked = validator.request_id(request_id)
        checked_block_id = validator.resource_id("block_id", block_id, ids.BLOCK)
        validator.plain_text("reason", reason, required=True)
        validator.done()
        fields = {"block_id": block_id, "reason": reason}
        request = IdempotentRequest(caller, require_checked(checked), "LiftAbuseBlock", fields)
        now = self.clock.now()
        with self.store.begin() as work:
            self.guard.claim(work, request, block_id, now)
            block = work.velocity.lift(require_checked(checked_block_id), now)
            if block is None or not caller.reaches(block.caller_id, None):
                # Raised inside the transaction, which rolls everything back.
                raise NotFound(ResourceKind.BLOCK, block_id)
        _log.warning(
            "%s lifted the block of a %s of caller %s: %s", caller.actor, block.scope.value, block.caller_id, reason
        )
        return block
