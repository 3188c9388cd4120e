"""Repeated requests that are taken for new ones, or answered with something else."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from application.idempotency.idempotency_guard import IdempotencyGuard
from domain.ids import RequestId
from domain.payment import Payment
from tests.crash.planted.planting import instead, property_of, strikes


def repeat_by_latest(original: Callable[..., Any]) -> Callable[..., Any]:
    """A repeat is answered with the payment that was repeated before it."""
    latest: list[Any] = []

    def present(self: Any, payment: Any) -> Any:
        own = original(self, payment)
        latest.append(own)
        return latest[-2] if len(latest) > 1 else own

    return present


def repeats_are_refused(original: Callable[..., Any]) -> Callable[..., Any]:
    from application.common.errors import ReferenceAlreadyPaid

    def present(self: Any, payment: Any) -> Any:
        if self.request.method == "CreatePayment" and strikes():
            raise ReferenceAlreadyPaid(payment.terms.reference, payment.terms.payment_id)
        return original(self, payment)

    return present


def forget_request_ids() -> None:
    """Each request is recorded under an id that nobody sends again."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def record_of(*arguments: Any) -> Any:
            return replace(original(*arguments), request_id=RequestId(str(uuid.uuid4())))

        return record_of

    instead(IdempotencyGuard, "record_of", mutate)()


def references_are_never_taken() -> None:
    setattr(Payment, "is_live", property_of(lambda _: False))  # noqa: B010
