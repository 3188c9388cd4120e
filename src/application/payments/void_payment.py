"""Voids a payment that has not settled, or releases the rest of the hold of a partially captured one."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.lease import Lease
from application.common.validator import Validator, require_checked
from application.disputes.disputed_amounts import refuse_if_claimed
from application.idempotency.payment_executor import PaymentExecutor, Request
from application.payments.payment_access import load_for_update
from application.ports.gateway import Gateway, Outcome, Void
from application.ports.store import UnitOfWork
from domain import ids
from domain.events import EventContext
from domain.ids import OperationId, PaymentId
from domain.operation import Operation
from domain.payment import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidPaymentCommand:
    """The caller's request, unchecked."""

    request_id: str
    payment_id: str
    note: str = ""
    language_code: str = ""


@dataclass(frozen=True, slots=True)
class VoidPayment:
    gateway: Gateway
    executor: PaymentExecutor

    def __call__(self, order: VoidPaymentCommand, caller: Caller) -> Payment:
        """Raises InvalidRequest, NotFound, RequestIdReused, DomainError, OperationRefused and GatewayNotReached."""
        validator = Validator()
        request_id = validator.request_id(order.request_id)
        payment_id = validator.resource_id("payment_id", order.payment_id, ids.PAYMENT)
        note = validator.plain_text("note", order.note)
        validator.language("language_code", order.language_code)
        validator.done()
        request = Request(caller, require_checked(request_id), "VoidPayment", {"payment_id": payment_id, "note": note})

        def begin(
            work: UnitOfWork, payment: Payment | None, operation_id: OperationId, stamp: EventContext
        ) -> tuple[Payment, Operation]:
            payment = payment or load_for_update(work, require_checked(payment_id), caller)
            if not payment.is_captured_in_part:
                refuse_if_claimed(work, payment, payment.captured_amount or None)
            return payment, payment.void(operation_id, request.request_id, note=note, stamp=stamp)

        def call(_: Payment, operation: Operation, lease: Lease) -> Outcome:
            return self.gateway.void(void_of(operation), lease)

        return self.executor.execute(request, PaymentId(require_checked(payment_id)), begin, call)


def void_of(operation: Operation) -> Void:
    """The gateway request of a void."""
    return Void(operation_id=operation.operation_id, transaction_id=operation.target_transaction_id)
