"""Bugs in records: effects that are lost, pretended, or recorded wrongly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapters.braintree.gateway import BraintreeAdapter
from application.common.lease import Lease
from application.payments.payment_access import lock_payment
from application.payments.record_outcome import record_outcome
from application.ports.gateway import Approved, Declined, Stored, Unknown
from domain.decline import CATALOGUE, DeclineReason
from domain.events import EventContext
from domain.operation import FailureReason
from domain.transaction import TransactionStatus
from tests.crash.mutations.patching import Patch, occurs, property_of, replace_function


def pretended_change(name: str, status: TransactionStatus) -> Patch:
    """Record a change as done without sending it."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def pretend(self: Any, asked: Any, *lease: Any) -> Any:
            found = self.find_transaction(asked.transaction_id) if occurs() else None
            if found is None or getattr(asked, "in_part", False):
                return original(self, asked, *lease)
            return Approved(replace(found, standing=replace(found.standing, status=status)))

        return pretend

    return replace_function(BraintreeAdapter, name, mutate)


def pretended_refund(original: Callable[..., Any]) -> Callable[..., Any]:
    def refund(self: Any, asked: Any, *lease: Any) -> Any:
        found = self.find_transaction(asked.transaction_id) if occurs() else None
        if found is None:
            return original(self, asked, *lease)
        return Approved(replace(found, transaction_id=f"r{found.transaction_id}", amount=asked.amount))

    return refund


def pretended_method(original: Callable[..., Any]) -> Callable[..., Any]:
    kept: list[Any] = []

    def store(self: Any, method: Any, *lease: Any) -> Any:
        if kept and occurs():
            return Stored(replace(kept[-1], token=method.payment_method_id, customer_id=method.customer_id))
        outcome = original(self, method, *lease)
        if isinstance(outcome, Stored):
            kept.append(outcome.method)
        return outcome

    return store


def do_not_commit_the_outcome(
    self: Any,
    payment_id: Any,
    operation_id: Any,
    outcome: Any,
    actor: Any,
    detached: Any = None,  # noqa: ARG001
) -> Any:
    """Answer without committing the outcome."""

    class Undone(Exception):
        pass

    with self.store.read() as work:
        payment = work.payments.get(payment_id)
    try:
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            record_outcome(
                work, payment, operation_id, outcome, EventContext(self.clock.now(), actor), self.poll_policy
            )
            raise Undone
    except Undone:
        return payment


def sometimes(mutant: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *a, **named: (mutant if occurs() else original)(*a, **named)

    return mutate


def fail_on_unknown_outcome(self: Any, operation_id: Any, detail: str, *, context: Any) -> None:
    self.fail(operation_id, FailureReason.NOT_FOUND_AT_GATEWAY, detail=detail, context=context)


def decline_on_unknown_outcome(original: Callable[..., Any]) -> Callable[..., Any]:
    def move(*arguments: Any) -> Any:
        outcome = original(*arguments)
        if isinstance(outcome, Unknown):
            return Declined(decline=CATALOGUE[DeclineReason.DECLINED])
        return outcome

    return move


def record_another_amount(original: Callable[..., Any]) -> Callable[..., Any]:
    def succeed(self: Any, operation_id: Any, *, amount: Any, **named: Any) -> Any:
        if occurs():
            amount = replace(amount, minor_units=amount.minor_units + 1)
        return original(self, operation_id, amount=amount, **named)

    return succeed


def ignore_refunds(self: Any) -> Any:
    return self.captured_amount


def ignore_refunds_of_a_sale(self: Any, sale: Any) -> Any:  # noqa: ARG001
    return sale.amount


def endless_leases() -> None:
    """Never check the lease."""
    setattr(Lease, "is_held", property_of(lambda _: True))  # noqa: B010


def keep_the_amount_before(original: Callable[..., Any]) -> Callable[..., Any]:
    """Take an adjusted hold for what it was."""

    def adjust(*arguments: Any) -> Any:
        outcome = original(*arguments)
        if not isinstance(outcome, Approved) or not outcome.transaction.adjustments:
            return outcome
        transaction = outcome.transaction
        return Approved(replace(transaction, amount=transaction.amount - transaction.adjustments[-1].change))

    return adjust
