"""Captures an authorized payment, in full or in part."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.lease import Lease
from application.common.validator import RawMoney, Validator, require_checked
from application.idempotency.payment_executor import PaymentExecutor, Request
from application.payments.payment_access import check_amount, load_for_update
from application.ports.gateway import Capture, Gateway, Outcome
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.events import EventContext
from domain.ids import OperationId, PaymentId
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
    executor: PaymentExecutor

    def __call__(self, order: CapturePaymentCommand, caller: Caller) -> Payment:
        """Raises InvalidRequest, NotFound, RequestIdReused, DomainError, OperationRefused and GatewayNotReached."""
        validator = Validator()
        request_id = validator.request_id(order.request_id)
        payment_id = validator.resource_id("payment_id", order.payment_id, ids.PAYMENT)
        validator.language("language_code", order.language_code)
        amount = check_amount(validator, order.amount, self.store, payment_id, caller)
        validator.done()
        fields = {"payment_id": payment_id, "amount": amount, "final": order.final}
        request = Request(caller, require_checked(request_id), "CapturePayment", fields)

        def begin(
            work: UnitOfWork, payment: Payment | None, operation_id: OperationId, stamp: EventContext
        ) -> tuple[Payment, Operation]:
            payment = payment or load_for_update(work, require_checked(payment_id), caller)
            operation = payment.capture(amount, operation_id, request.request_id, final=order.final, stamp=stamp)
            return payment, operation

        def call(_: Payment, operation: Operation, lease: Lease) -> Outcome:
            return self.gateway.capture(capture_of(operation), lease)

        return self.executor.execute(request, PaymentId(require_checked(payment_id)), begin, call)


def capture_of(operation: Operation) -> Capture:
    """The gateway request of a capture."""
    return Capture(
        operation_id=operation.operation_id,
        transaction_id=operation.target_transaction_id,
        amount=operation.amount,
        in_part=operation.in_part,
        final=operation.final,
    )
