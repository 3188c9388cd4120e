"""Voids a payment that has not settled, or releases the rest of the hold of a partially captured one."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.lease import Lease
from application.common.validator import Validator, require_checked
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotentRequest
from application.payments.disputed_amounts import refuse_if_claimed
from application.payments.payment_call import PaymentRecorder, SingleOperationCall, StartedOperation
from application.ports.gateway import Gateway, Outcome, Void
from application.ports.runtime import IdSource
from application.ports.store import UnitOfWork
from domain import ids
from domain.events import EventContext
from domain.ids import OPERATION, OperationId
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
    ids: IdSource
    executor: GatewayCallExecutor
    recorder: PaymentRecorder

    def __call__(self, command: VoidPaymentCommand, caller: Caller) -> Payment:
        """Raises InvalidRequest, NotFound, RequestIdReused, DomainError, OperationRefused and GatewayNotReached."""
        validator = Validator()
        request_id = validator.request_id(command.request_id)
        payment_id = validator.resource_id("payment_id", command.payment_id, ids.PAYMENT)
        note = validator.plain_text("note", command.note)
        validator.language("language_code", command.language_code)
        validator.done()
        fields = {"payment_id": payment_id, "note": note}
        return self.executor.execute(
            _VoidCall(
                request=IdempotentRequest(caller, require_checked(request_id), "VoidPayment", fields),
                resource_id=require_checked(payment_id),
                recorder=self.recorder,
                gateway=self.gateway,
                operation_id=OperationId(self.ids.new(OPERATION)),
                note=note,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _VoidCall(SingleOperationCall):
    gateway: Gateway
    operation_id: OperationId
    note: str

    def start(self, work: UnitOfWork, payment: Payment | None, context: EventContext) -> tuple[Payment, Operation]:
        payment = payment or self.load(work, self.resource_id)
        if not payment.is_captured_in_part:
            refuse_if_claimed(work, payment, payment.captured_amount or None)
        return payment, payment.void(self.operation_id, self.request.request_id, note=self.note, context=context)

    def send(self, intent: StartedOperation, lease: Lease) -> Outcome:
        return self.gateway.void(void_of(intent.operation), lease)


def void_of(operation: Operation) -> Void:
    """The gateway request of a void."""
    return Void(operation_id=operation.operation_id, transaction_id=operation.target_transaction_id)
