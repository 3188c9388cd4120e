"""Bugs in idempotency: replays that are taken for new requests, or answered wrongly."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from application.idempotency.idempotency_guard import IdempotencyGuard
from domain.ids import RequestId
from domain.payment import Payment
from tests.crash.mutations.patching import occurs, property_of, replace_function


def replay_latest(original: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a replay with the payment of the previous replay."""
    latest: list[Any] = []

    def present(self: Any, payment: Any) -> Any:
        own = original(self, payment)
        latest.append(own)
        return latest[-2] if len(latest) > 1 else own

    return present


def refuse_replays(original: Callable[..., Any]) -> Callable[..., Any]:
    from application.common.errors import ReferenceAlreadyPaid

    def present(self: Any, payment: Any) -> Any:
        if self.request.method == "CreatePayment" and occurs():
            raise ReferenceAlreadyPaid(payment.terms.reference, payment.terms.payment_id)
        return original(self, payment)

    return present


def forget_request_ids() -> None:
    """Record each request under another id."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def record_of(*arguments: Any) -> Any:
            return replace(original(*arguments), request_id=RequestId(str(uuid.uuid4())))

        return record_of

    replace_function(IdempotencyGuard, "record_of", mutate)()


def ignore_taken_references() -> None:
    setattr(Payment, "is_live", property_of(lambda _: False))  # noqa: B010
