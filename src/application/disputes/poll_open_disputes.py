"""Polls each open dispute until it ends, and resolves dispute actions whose outcome is unknown."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from application.common.backoff import doubled
from application.common.lease import LeasePolicy
from application.common.not_found_horizon import NotFoundTimer
from application.disputes.record_dispute import RecordDispute
from application.ports.gateway import GatewayUnavailable
from application.ports.runtime import Clock
from application.ports.store import Store
from domain.dispute import ActionState, Dispute

_log = logging.getLogger(__name__)

_LONGEST_WAIT: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class PollOpenDisputes:
    """Driven by rows: it takes every dispute that is due, whichever process recorded it."""

    store: Store
    clock: Clock
    leases: LeasePolicy
    record: RecordDispute
    absence: NotFoundTimer
    batch_size: int = 10
    # Surrounds the work on a dispute whose action has no outcome yet, for those who observe it.
    surround: Callable[[Dispute], AbstractContextManager[object]] = nullcontext

    def __call__(self) -> int:
        """Polls the disputes that are due. Returns their number. Raises StoreUnavailable."""
        now = self.clock.now()
        with self.store.begin() as work:
            due = work.disputes.due(now, now + self.leases.duration, self.batch_size)
        for dispute in due:
            try:
                with self.surround(dispute) if dispute.under_way else nullcontext():
                    self._poll(dispute)
            except GatewayUnavailable:
                _log.info("dispute %s: the gateway did not answer", dispute.dispute_id)
            except Exception:
                # A failing dispute must not stop the others. It is due again after its lease.
                _log.exception("dispute %s could not be polled", dispute.dispute_id)
        return len(due)

    def _poll(self, dispute: Dispute) -> None:
        self.record.sync(dispute)
        with self.store.begin() as work:
            current = work.disputes.get(dispute.dispute_id, lock=True)
            if current is None:
                return
            work.disputes.save(self._resolved(current))

    def _resolved(self, dispute: Dispute) -> Dispute:
        """Applies a fresh report: resolves an open action, and sets the time of the next poll."""
        action = dispute.under_way
        if action is None:
            return self.record.with_next_check(dispute)
        now = self.clock.now()
        if now < action.start_time + self.leases.first_check:
            return replace(dispute, next_check_time=now + self.leases.first_check)
        resolved = dispute.resolve(action)
        if resolved is None and self.absence.is_proven(action.action_id):
            resolved = dispute.finish(action.action_id, ActionState.UNSENT, detail="not found at the gateway")
        if resolved is not None:
            self.absence.forget(action.action_id)
            return self.record.with_next_check(replace(resolved, update_time=now))
        # Never longer than the horizon: a restart begins its measurement again, while check_count continues.
        wait = doubled(self.leases.first_check, dispute.check_count, min(_LONGEST_WAIT, self.absence.horizon))
        return replace(dispute, next_check_time=now + wait, check_count=dispute.check_count + 1)
