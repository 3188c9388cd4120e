"""Bugs in answers: payments, lists and methods that differ from the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.grpc.translate.resources import ResourceMapper
from bayar.payments.v1.payment_method_pb2 import PaymentMethodState
from bayar.payments.v1.payment_pb2 import OperationState, PaymentState
from tests.crash.mutations.patching import Patch, occurs, replace_function


def told(change: Callable[[Any], None]) -> Patch:
    """Sometimes change the message of a payment."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def payment(*arguments: Any, **named: Any) -> Any:
            message = original(*arguments, **named)
            if occurs():
                change(message)
            return message

        return payment

    return replace_function(ResourceMapper, "payment", mutate)


def state_for(told: int, *true: int) -> Callable[[Any], None]:
    def change(message: Any) -> None:
        if message.state in true:
            message.state = told

    return change


def amount(name: str) -> Callable[[Any], None]:
    def change(message: Any) -> None:
        amount = getattr(message, name)
        if amount.minor_units:
            amount.minor_units += 1

    return change


def pending_as_failed(message: Any) -> None:
    for operation in message.operations:
        if operation.state == OperationState.OPERATION_STATE_STARTED:
            operation.state = OperationState.OPERATION_STATE_FAILED
            message.state = PaymentState.PAYMENT_STATE_FAILED


def started_as_succeeded(message: Any) -> None:
    for operation in message.operations:
        if operation.state == OperationState.OPERATION_STATE_STARTED:
            operation.state = OperationState.OPERATION_STATE_SUCCEEDED


def without_last_operation(message: Any) -> None:
    if len(message.operations) > 1:
        del message.operations[-1]


def cached_first_answer(original: Callable[..., Any]) -> Callable[..., Any]:
    """Answer GetPayment from a cache that is never cleared."""
    first: dict[str, Any] = {}

    def get(self: Any, request: Any, context: Any) -> Any:
        return first.setdefault(request.payment_id, original(self, request, context))

    return get


def leave_one_out(field: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*arguments: Any) -> Any:
            message = original(*arguments)
            items = getattr(message, field)
            if len(items) > 1:
                del items[len(items) // 2]
            return message

        return answer

    return mutate


def methods_are_active(original: Callable[..., Any]) -> Callable[..., Any]:
    def message(*arguments: Any) -> Any:
        told = original(*arguments)
        if told.state != PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE:
            told.state = PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE
        return told

    return message
