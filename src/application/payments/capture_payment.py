"""Captures an authorized payment, in full or in part."""

from dataclasses import dataclass, replace

from application.common.caller import Caller
from application.common.lease import Lease
from application.common.order_details_input import (
    RawOrderDetails,
    check_order_details,
    check_sums,
    order_details_fields,
)
from application.common.validator import RawMoney, Validator, address_texts, require_checked
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotentRequest
from application.payments.payment_access import check_amount_in, currency_of
from application.payments.payment_call import PaymentRecorder, SingleOperationCall, StartedOperation
from application.payments.retry_capture import capture_with_remedies
from application.ports.gateway import Capture, Gateway, Outcome
from application.ports.runtime import IdSource
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.address import Address
from domain.events import EventContext
from domain.ids import OPERATION, OperationId
from domain.money import Money
from domain.operation import Operation
from domain.order_details import OrderDetails
from domain.payment import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePaymentCommand:
    """The caller's request, unchecked. No amount: the whole remaining amount."""

    request_id: str
    payment_id: str
    amount: RawMoney | None = None
    final: bool = False
    language_code: str = ""
    shipping_address: Address = Address()
    order_details: RawOrderDetails | None = None


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
        currency_code = ""
        if command.amount is not None or command.order_details is not None:
            currency_code = currency_of(self.store, payment_id, caller)
        amount = check_amount_in(validator, command.amount, currency_code)
        if command.shipping_address != Address():
            validator.address("shipping_address", command.shipping_address)
        order_details = None
        if command.order_details is not None:
            order_details = check_order_details(validator, command.order_details, currency_code, of_capture=True)
        if amount is not None:
            check_sums(validator, order_details, amount)
        validator.done()
        fields = {
            "payment_id": payment_id,
            "amount": amount,
            "final": command.final,
            **address_texts("shipping_address", command.shipping_address),
            **order_details_fields(command.order_details),
        }
        return self.executor.execute(
            _CaptureCall(
                request=IdempotentRequest(caller, require_checked(request_id), "CapturePayment", fields),
                resource_id=require_checked(payment_id),
                recorder=self.recorder,
                gateway=self.gateway,
                operation_id=OperationId(self.ids.new(OPERATION)),
                amount=amount,
                final=command.final,
                shipping_address=command.shipping_address,
                order_details=order_details,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _CaptureCall(SingleOperationCall):
    gateway: Gateway
    operation_id: OperationId
    amount: Money | None
    final: bool
    shipping_address: Address
    order_details: OrderDetails | None

    def start(self, work: UnitOfWork, payment: Payment | None, context: EventContext) -> tuple[Payment, Operation]:
        payment = payment or self.load(work, self.resource_id)
        if self.order_details is not None and self.amount is None:
            # Only under the lock is it certain how much the capture takes.
            validator = Validator()
            check_sums(validator, self.order_details, payment.capturable_amount)
            validator.done()
        return payment, payment.capture(
            self.amount,
            self.operation_id,
            self.request.request_id,
            final=self.final,
            order_details=self.order_details,
            context=context,
        )

    def send(self, intent: StartedOperation, lease: Lease) -> Outcome:
        asked = capture_of(intent.operation, intent.payment.terms.reference)
        if self.shipping_address != Address() or self.order_details is not None:
            asked = replace(asked, shipping_address=self.shipping_address, order_details=self.order_details)
        return capture_with_remedies(self.gateway, asked, lease)


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
