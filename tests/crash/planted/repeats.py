"""Repeated requests that are taken for new ones, or answered with something else."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from application.idempotency.payment_executor import PaymentExecutor
from domain.ids import RequestId
from domain.payment import Payment
from tests.crash.planted.planting import instead, property_of, strikes


def repeat_by_latest(original: Callable[..., Any]) -> Callable[..., Any]:
    """A repeat is answered with the payment that was repeated before it."""
    latest: list[Any] = []

    def answer(self: Any, payment: Any, request: Any) -> Any:
        own = original(self, payment, request)
        latest.append(own)
        return latest[-2] if len(latest) > 1 else own

    return answer


def repeats_are_refused(original: Callable[..., Any]) -> Callable[..., Any]:
    from application.common.errors import ReferenceAlreadyPaid

    def answer(self: Any, payment: Any, request: Any) -> Any:
        if request.method == "CreatePayment" and strikes():
            raise ReferenceAlreadyPaid(payment.terms.reference, payment.terms.payment_id)
        return original(self, payment, request)

    return answer


def forget_request_ids() -> None:
    """Each request is recorded under an id that nobody sends again."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def record_of(*arguments: Any) -> Any:
            return replace(original(*arguments), request_id=RequestId(str(uuid.uuid4())))

        return record_of

    instead(PaymentExecutor, "record_of", mutate)()


def references_are_never_taken() -> None:
    setattr(Payment, "is_live", property_of(lambda _: False))  # noqa: B010
