"""Erases the personal data of a guest: of a payment without a customer. The payment stays."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.conflicts import retry_on_conflict
from application.common.errors import Rule
from application.common.validator import Validator, require_checked
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.payments.payment_access import load, load_for_update
from application.ports.runtime import Clock
from application.ports.store import Store
from domain import ids
from domain.errors import OperationInProgress
from domain.ids import PaymentId
from domain.operation import OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState


@dataclass(frozen=True, slots=True)
class EraseGuest:
    store: Store
    clock: Clock
    guard: IdempotencyGuard

    def __call__(self, request_id: str, payment_id: str, caller: Caller) -> Payment:
        """Raises InvalidRequest, NotFound, RequestIdReused, OperationInProgress and StoreUnavailable."""
        validator = Validator()
        checked_id = validator.request_id(request_id)
        validator.resource_id("payment_id", payment_id, ids.PAYMENT)
        validator.done()
        self._erase(
            IdempotentRequest(caller, require_checked(checked_id), "EraseGuest", {"payment_id": payment_id}), payment_id
        )
        self.store.wipe()
        return load(self.store, payment_id, caller)

    @retry_on_conflict
    def _erase(self, request: IdempotentRequest, payment_id: str) -> None:
        context = request.context(self.clock.now())
        with self.store.begin(context.actor, context.on_behalf) as work:
            payment = load_for_update(work, payment_id, request.caller)
            if payment.terms.customer_id is not None:
                validator = Validator()
                validator.add("payment_id", Rule.NEEDS_GUEST)
                validator.done()
            if self.guard.claim(work, request, payment_id, context.time):
                return
            _refuse_while_unknown(payment)
            work.payments.erase_guest(payment.terms.payment_id)


def _refuse_while_unknown(payment: Payment) -> None:
    """An authorization with an unknown outcome may have to be sent again, as the payer was given."""
    if payment.state is PaymentState.PENDING:
        under_way = [one for one in payment.operations if one.state is OperationState.STARTED]
        raise OperationInProgress(PaymentId(payment.terms.payment_id), under_way[-1].operation_id)
