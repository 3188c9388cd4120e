"""Resolves every operation whose outcome is unknown, and executes scheduled refunds.

Driven by rows, not by memory: it takes every operation that is open and due, whichever process started it, and however
often a process died in between.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from application.common.errors import StoreUnavailable
from application.common.lease import LeasePolicy
from application.payments.payment_access import lock_payment
from application.ports.gateway import GatewayUnavailable
from application.ports.runtime import Clock
from application.ports.store import DueOperation, Store
from application.recovery.check_backoff import CheckBackoff
from application.recovery.resolve_outcome import ResolveOutcome
from application.recovery.send_scheduled_refund import SendScheduledRefund
from domain.operation import OperationState

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ResolveOperations:
    store: Store
    clock: Clock
    leases: LeasePolicy
    resolve: ResolveOutcome
    send_scheduled_refund: SendScheduledRefund
    backoff: CheckBackoff
    # A small batch: if this process dies, the operations that it claimed wait for the lease.
    batch_size: int = 10
    # Whether the process is stopping: it then claims no more, and releases what it has not begun.
    is_stopping: Callable[[], bool] = lambda: False

    def __call__(self) -> int:
        """Resolves the operations that are due. Returns their number. Raises StoreUnavailable."""
        if self.is_stopping():
            return 0
        now = self.clock.now()
        due = self.store.due_operations(now, now + self.leases.duration, self.batch_size)
        for count, one in enumerate(due):
            if self.is_stopping():
                self._release(due[count:])
                return count
            self._process(one)
        return len(due)

    def _release(self, claimed: Sequence[DueOperation]) -> None:
        """Releases claimed operations, so that others need not wait for the lease."""
        now = self.clock.now()
        for due in claimed:
            with self.store.begin() as work:
                payment = lock_payment(work, due.payment_id)
                if payment.operation(due.operation_id).state.is_open:
                    payment.schedule_check(due.operation_id, now)
                    work.payments.save(payment)

    def _process(self, due: DueOperation) -> None:
        """Resolves one. A failing operation must not stop the others; it is due again after its lease."""
        try:
            try:
                self._resolve_due(due)
            except GatewayUnavailable:
                self.backoff.postpone(due.payment_id, due.operation_id, checked=False)
        except StoreUnavailable as failure:
            _log.warning("operation %s waits for its lease: the database failed: %s", due.operation_id, failure)
        except Exception:
            _log.exception("operation %s of %s could not be resolved", due.operation_id, due.payment_id)

    def _resolve_due(self, due: DueOperation) -> None:
        with self.store.read() as work:
            payment = work.payments.get(due.payment_id)
        if payment is None:
            return
        operation = payment.operation(due.operation_id)
        match operation.state:
            case OperationState.STARTED:
                self.resolve(due.payment_id, due.operation_id)
            case OperationState.SCHEDULED:
                self.send_scheduled_refund(payment, operation)
