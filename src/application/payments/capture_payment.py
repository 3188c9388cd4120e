"""Captures an authorized payment, in full or in part."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.lease import Lease
from application.common.validator import RawMoney, Validator, require_checked
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotentRequest
from application.payments.payment_access import check_amount
from application.payments.payment_call import PaymentRecorder, SingleOperationCall, StartedOperation
from application.ports.gateway import Capture, Gateway, Outcome
from application.ports.runtime import IdSource
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.events import EventContext
from domain.ids import OPERATION, OperationId
from domain.money import Money
from domain.operation import Operation
from domain.payment import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePaymentCommand:
    """The caller's request, unchecked. No amount: the whole remaining amount."""

    request_id: str
    payment_id: str
    amount: RawMoney | None = None
    final: bool = False
    language_code: str = ""


@dataclass(frozen=True, slots=True)
class CapturePayment:
    store: Store
    gateway: Gateway
    ids: IdSource
    executor: GatewayCallExecutor
    recorder: PaymentRecorder

    def __call__(self, command: CapturePaymentCommand, caller: Caller) -> Payment:
        """Raises InvalidRequest, NotFound, RequestIdReused, DomainError, OperationRefused and GatewayNotReached."""
        validator = Validator()
        request_id = validator.request_id(command.request_id)
        payment_id = validator.resource_id("payment_id", command.payment_id, ids.PAYMENT)
        validator.language("language_code", command.language_code)
        amount = check_amount(validator, command.amount, self.store, payment_id, caller)
        validator.done()
        fields = {"payment_id": payment_id, "amount": amount, "final": command.final}
        return self.executor.execute(
            _CaptureCall(
                request=IdempotentRequest(caller, require_checked(request_id), "CapturePayment", fields),
                resource_id=require_checked(payment_id),
                recorder=self.recorder,
                gateway=self.gateway,
                operation_id=OperationId(self.ids.new(OPERATION)),
                amount=amount,
                final=command.final,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _CaptureCall(SingleOperationCall):
    gateway: Gateway
    operation_id: OperationId
    amount: Money | None
    final: bool

    def start(self, work: UnitOfWork, payment: Payment | None, context: EventContext) -> tuple[Payment, Operation]:
        payment = payment or self.load(work, self.resource_id)
        return payment, payment.capture(
            self.amount, self.operation_id, self.request.request_id, final=self.final, context=context
        )

    def send(self, intent: StartedOperation, lease: Lease) -> Outcome:
        return self.gateway.capture(capture_of(intent.operation, intent.payment.terms.reference), lease)


def capture_of(operation: Operation, reference: str = "") -> Capture:
    """The gateway request of a capture."""
    return Capture(
        operation_id=operation.operation_id,
        transaction_id=operation.target_transaction_id,
        amount=operation.amount,
        in_part=operation.in_part,
        final=operation.final,
        reference=reference,
    )
