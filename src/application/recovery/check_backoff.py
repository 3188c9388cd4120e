"""Backoff of the resolver: pauses between two looks at an open operation grow."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from application.common.backoff import doubled
from application.common.conflicts import retry_on_conflict
from application.common.lease import LeasePolicy
from application.payments.payment_access import lock_payment
from application.ports.runtime import Clock
from application.ports.store import Store
from domain.ids import OperationId, PaymentId
from domain.operation import OperationState
from domain.payment import Payment

_LONGEST_WAIT: Final = timedelta(minutes=5)
LONGEST_SCHEDULED_WAIT: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CheckBackoff:
    store: Store
    clock: Clock
    leases: LeasePolicy
    absence_horizon: timedelta

    @retry_on_conflict
    def postpone(self, payment_id: PaymentId, operation_id: OperationId, *, checked: bool) -> Payment:
        """Schedules the next look. `checked` counts this one, which makes the pause longer."""
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            operation = payment.operation(operation_id)
            if operation.state.is_open:
                scheduled = operation.state is OperationState.SCHEDULED
                # Never longer than the horizon of absence: a restart begins its measurement again, while check_count
                # continues.
                longest = LONGEST_SCHEDULED_WAIT if scheduled else min(_LONGEST_WAIT, self.absence_horizon)
                wait = doubled(self.leases.first_check, operation.check_count, longest)
                payment.schedule_check(operation_id, self.clock.now() + wait, checked=checked)
                work.payments.save(payment)
        return payment
