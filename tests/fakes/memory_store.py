"""The store in memory: one writing transaction at a time, on a copy of the state that replaces it at the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from threading import Lock

from application.common.errors import StoreUnavailable
from application.ports.runtime import IdSource
from application.ports.store import DueOperation, UnitOfWork
from application.recovery.service_hold import Hold
from domain.events import SERVICE, OnBehalf
from tests.fakes.repositories.api_keys import MemoryApiKeys
from tests.fakes.repositories.audit_log import MemoryAuditLog
from tests.fakes.repositories.checkouts import MemoryCheckouts
from tests.fakes.repositories.customers import MemoryCustomers
from tests.fakes.repositories.disputes import MemoryDisputes
from tests.fakes.repositories.feed import MemoryFeed
from tests.fakes.repositories.gateway_webhooks import MemoryGatewayWebhooks
from tests.fakes.repositories.idempotency_keys import MemoryIdempotencyKeys
from tests.fakes.repositories.movements import MemoryMovements
from tests.fakes.repositories.operators import MemoryOperators
from tests.fakes.repositories.payment_methods import MemoryPaymentMethods
from tests.fakes.repositories.payments import MemoryPayments
from tests.fakes.repositories.search_index import MemorySearchIndex
from tests.fakes.repositories.statistics import MemoryStatistics
from tests.fakes.repositories.velocity_counters import MemoryVelocityCounters
from tests.fakes.repositories.webhook_deliveries import MemoryDeliveries
from tests.fakes.store_state import RowLocks, StoreState, copied_payment, is_due, latest_check

_LOCK_TIMEOUT_SECONDS = 10.0


class MemoryStore:
    """Thread-safe: writing transactions wait for one another."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._lock = Lock()
        self._state = StoreState()

    @contextmanager
    def begin(self, actor: str = SERVICE, on_behalf: OnBehalf | None = None) -> Iterator[UnitOfWork]:
        with self._locked():
            state = self._state.copy()
            yield MemoryUnitOfWork(state, self._ids, actor, on_behalf)
            self._state = state

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        # A committed state is never changed again.
        yield MemoryUnitOfWork(self._state.copy(), self._ids, SERVICE, read_only=True)

    def read_once(self) -> AbstractContextManager[UnitOfWork]:
        return self.read()

    def due_operations(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[DueOperation]:
        lease = lease_until - now
        with self._locked():
            state = self._state.copy()
            due = [
                (operation.next_check_time or now, DueOperation(payment_id, operation.operation_id))
                for payment_id, payment in state.payments.items()
                for operation in payment.operations
                if operation.state.is_open and is_due(operation.next_check_time, now, latest_check(operation, lease))
            ]
            due.sort(key=lambda pair: pair[0])
            claimed = [one for _, one in due[:limit]]
            for one in claimed:
                payment = copied_payment(state.payments[one.payment_id])
                payment.schedule_check(one.operation_id, lease_until)
                state.payments[one.payment_id] = payment
            self._state = state
        return claimed

    def back_up(self) -> Callable[[], None]:
        """Return a function that restores the present state."""
        backup = self._state

        def restore() -> None:
            self._state = backup

        return restore

    def wipe(self) -> None:
        """Does nothing: memory keeps no overwritten data."""

    def hold(self) -> Hold:
        """No hold: the store in memory has no backups."""
        return Hold()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=_LOCK_TIMEOUT_SECONDS):
            raise StoreUnavailable("too many writers wait")
        try:
            yield
        finally:
            self._lock.release()


class MemoryUnitOfWork:
    def __init__(
        self,
        state: StoreState,
        ids: IdSource,
        actor: str,
        on_behalf: OnBehalf | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        locks = RowLocks(read_only=read_only)
        self.feed = MemoryFeed(state, ids, actor, on_behalf)
        self.deliveries = MemoryDeliveries(state)
        self.payments = MemoryPayments(state, ids, locks)
        self.customers = MemoryCustomers(state, self.feed, locks)
        self.payment_methods = MemoryPaymentMethods(state, self.feed, locks)
        self.disputes = MemoryDisputes(state, self.feed, locks)
        self.checkouts = MemoryCheckouts(state, self.feed, locks)
        self.movements = MemoryMovements(state)
        self.gateway_webhooks = MemoryGatewayWebhooks(state, locks)
        self.requests = MemoryIdempotencyKeys(state)
        self.api_keys = MemoryApiKeys(state)
        self.operators = MemoryOperators(state)
        self.audit = MemoryAuditLog(state)
        self.velocity = MemoryVelocityCounters(state)
        self.search = MemorySearchIndex(state)
        self.statistics = MemoryStatistics(state)
