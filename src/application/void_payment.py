"""Cancels a payment that has not settled, or releases what is left of the hold of one that is captured in part."""

from dataclasses import dataclass

from application.caller import Caller
from application.checks import Checks, known
from application.claims import refuse_if_claimed
from application.exactly_once import ExactlyOnce, Request
from application.lease import Lease
from application.load import load_for_change
from application.ports.gateway import Gateway, Outcome, Void
from application.ports.store import UnitOfWork
from domain import ids
from domain.events import Stamp
from domain.ids import OperationId, PaymentId
from domain.operation import Operation
from domain.payment import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidOrder:
    """What a caller asks for, unchecked."""

    request_id: str
    payment_id: str
    note: str = ""
    language_code: str = ""


@dataclass(frozen=True, slots=True)
class VoidPayment:
    gateway: Gateway
    exactly_once: ExactlyOnce

    def __call__(self, order: VoidOrder, caller: Caller) -> Payment:
        """Raises InvalidRequest, NotFound, RequestIdReused, DomainError, OperationRefused and GatewayNotReached."""
        checks = Checks()
        request_id = checks.request_id(order.request_id)
        payment_id = checks.resource_id("payment_id", order.payment_id, ids.PAYMENT)
        note = checks.plain_text("note", order.note)
        checks.language("language_code", order.language_code)
        checks.done()
        request = Request(caller, known(request_id), "VoidPayment", {"payment_id": payment_id, "note": note})

        def begin(
            work: UnitOfWork, payment: Payment | None, operation_id: OperationId, stamp: Stamp
        ) -> tuple[Payment, Operation]:
            payment = payment or load_for_change(work, known(payment_id), caller)
            if not payment.is_captured_in_part:
                refuse_if_claimed(work, payment, payment.captured_amount or None)
            return payment, payment.void(operation_id, request.request_id, note=note, stamp=stamp)

        def call(_: Payment, operation: Operation, lease: Lease) -> Outcome:
            return self.gateway.void(void_of(operation), lease)

        return self.exactly_once.move_money(request, PaymentId(known(payment_id)), begin, call)


def void_of(operation: Operation) -> Void:
    """What the gateway is asked for a void."""
    return Void(operation_id=operation.operation_id, transaction_id=operation.target_transaction_id)
