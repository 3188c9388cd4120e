"""Changes the amount of an authorization, up or down (incremental authorization, partial reversal)."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.errors import Rule
from application.common.lease import Lease
from application.common.validator import RawMoney, Validator, require_checked
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotentRequest
from application.payments.payment_access import check_amount
from application.payments.payment_call import PaymentRecorder, SingleOperationCall, StartedOperation
from application.ports.gateway import Adjust, Gateway, Outcome
from application.ports.runtime import IdSource
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.events import EventContext
from domain.ids import OPERATION, OperationId
from domain.money import Money
from domain.operation import Operation
from domain.payment import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustAuthorizationCommand:
    """The caller's request, unchecked. The amount is the whole amount to hold, not the difference."""

    request_id: str
    payment_id: str
    amount: RawMoney | None
    note: str = ""
    language_code: str = ""


@dataclass(frozen=True, slots=True)
class AdjustAuthorization:
    store: Store
    gateway: Gateway
    ids: IdSource
    executor: GatewayCallExecutor
    recorder: PaymentRecorder

    def __call__(self, command: AdjustAuthorizationCommand, caller: Caller) -> Payment:
        """Raises InvalidRequest, NotFound, RequestIdReused, DomainError, OperationRefused and GatewayNotReached."""
        validator = Validator()
        request_id = validator.request_id(command.request_id)
        payment_id = validator.resource_id("payment_id", command.payment_id, ids.PAYMENT)
        note = validator.plain_text("note", command.note)
        validator.language("language_code", command.language_code)
        if command.amount is None:
            validator.add("amount", Rule.REQUIRED)
        amount = check_amount(validator, command.amount, self.store, payment_id, caller)
        validator.done()
        fields = {"payment_id": payment_id, "amount": amount, "note": note}
        return self.executor.execute(
            _AdjustCall(
                request=IdempotentRequest(caller, require_checked(request_id), "AdjustAuthorization", fields),
                resource_id=require_checked(payment_id),
                recorder=self.recorder,
                gateway=self.gateway,
                operation_id=OperationId(self.ids.new(OPERATION)),
                amount=require_checked(amount),
                note=note,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _AdjustCall(SingleOperationCall):
    gateway: Gateway
    operation_id: OperationId
    amount: Money
    note: str

    def start(self, work: UnitOfWork, payment: Payment | None, context: EventContext) -> tuple[Payment, Operation]:
        payment = payment or self.load(work, self.resource_id)
        return payment, payment.adjust(
            self.amount, self.operation_id, self.request.request_id, note=self.note, context=context
        )

    def send(self, intent: StartedOperation, lease: Lease) -> Outcome:
        return self.gateway.adjust(adjust_of(intent.operation), lease)


def adjust_of(operation: Operation) -> Adjust:
    """The gateway request of an adjustment."""
    return Adjust(
        operation_id=operation.operation_id, transaction_id=operation.target_transaction_id, amount=operation.amount
    )
