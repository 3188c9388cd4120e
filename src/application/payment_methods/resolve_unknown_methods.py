"""Resolves stored payment methods whose outcome is unknown because the gateway's answer was lost."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

from application.common.conflicts import retry_on_conflict
from application.common.lease import LeasePolicy
from application.common.not_found_horizon import NotFoundTimer
from application.common.validator import require_checked
from application.payment_methods.default_method import assign_default
from application.payment_methods.failed_verification import refused_verification, required_authentication
from application.ports.gateway import Gateway, GatewayUnavailable, StoredInstrument
from application.ports.runtime import Clock
from application.ports.store import Store
from domain.ids import PaymentMethodId
from domain.payment_method import PaymentMethod, PaymentMethodState, Verification

_log = logging.getLogger(__name__)

NOT_AT_GATEWAY = "no answer came, and the gateway does not have it"


@dataclass(frozen=True, slots=True)
class ResolveUnknownMethods:
    """Looks each method up by its id, which is its token at the gateway."""

    store: Store
    gateway: Gateway
    clock: Clock
    leases: LeasePolicy
    absence: NotFoundTimer
    # A small batch: if this process dies, the methods that it claimed wait for the lease.
    batch_size: int = 10
    # Whether the process is stopping: it then claims no more, and releases what it has not begun.
    is_stopping: Callable[[], bool] = lambda: False
    # Surrounds the work on one method, for those who observe it.
    surround: Callable[[PaymentMethodId], AbstractContextManager[object]] = nullcontext

    def __call__(self) -> int:
        """Resolves the methods that are due. Returns their number. Raises StoreUnavailable."""
        if self.is_stopping():
            return 0
        now = self.clock.now()
        with self.store.begin() as work:
            due = work.payment_methods.due(now, now + self.leases.duration, self.batch_size)
        for count, method in enumerate(due):
            if self.is_stopping():
                self._release(due[count:])
                return count
            with self.surround(method.payment_method_id):
                self._resolve_due(method)
        return len(due)

    def _resolve_due(self, method: PaymentMethod) -> None:
        try:
            found = self.gateway.find_method(method.payment_method_id)
        except GatewayUnavailable:
            _log.info("payment method %s: the gateway did not answer", method.payment_method_id)
            return
        refusal = refused_verification(required_authentication(method), found) if found is not None else None
        if found is not None and refusal is not None:
            try:
                self.gateway.delete_method(found.token, self.leases.begin())
            except GatewayUnavailable:
                _log.info("payment method %s: the gateway did not delete it", method.payment_method_id)
                return
        self._record(method, found, refusal)

    def _release(self, claimed: Sequence[PaymentMethod]) -> None:
        """Releases claimed methods, so that others need not wait for the lease."""
        now = self.clock.now()
        for method in claimed:
            with self.store.begin() as work:
                current = require_checked(work.payment_methods.get(method.payment_method_id, lock=True))
                if current.state is PaymentMethodState.PENDING:
                    work.payment_methods.save(replace(current, next_check_time=now))

    def _record(self, method: PaymentMethod, found: StoredInstrument | None, refusal: Verification | None) -> None:
        method_id = method.payment_method_id
        time = self.clock.now()
        # A method that was never sent may be sent again under its id. The time of its last change distinguishes
        # attempts.
        attempt = f"{method_id} {method.update_time}"
        proven = found is None and self.absence.is_proven(attempt)
        if self._resolve(method, found, refusal, proven=proven, time=time):
            self.absence.forget(attempt)

    @retry_on_conflict
    def _resolve(
        self,
        method: PaymentMethod,
        found: StoredInstrument | None,
        refusal: Verification | None,
        *,
        proven: bool,
        time: datetime,
    ) -> bool:
        """Records the result. Returns whether the attempt is resolved."""
        with self.store.begin() as work:
            current = require_checked(work.payment_methods.get(method.payment_method_id, lock=True))
            if current.state is not PaymentMethodState.PENDING or current.update_time != method.update_time:
                return True
            if refusal is not None:
                current = current.refuse(refusal, time=time)
            elif found is not None:
                current = current.activate(found.instrument, found.token, found.verification, time=time)
                current = current.with_network_ids(found.network_transaction_id, found.mastercard_transaction_link_id)
                current = assign_default(work, current, make_default=found.is_default)
            elif proven:
                current = current.fail(NOT_AT_GATEWAY, time=time)
            else:
                current = replace(current, next_check_time=time + self.leases.first_check)
            work.payment_methods.save(current)
        return current.state is not PaymentMethodState.PENDING
