"""Finds the outcome of an adjustment whose answer was lost. It has no transaction of its own, and no id there."""

from collections.abc import Iterable
from dataclasses import replace

from application.ports.gateway import Adjustment, Approved, Declined, Outcome, Rejected, Transaction
from domain.money import Money
from domain.operation import Operation, OperationKind, OperationState
from domain.payment import Payment
from domain.transaction import TransactionStatus


def find_adjustment(payment: Payment, operation: Operation, found: Transaction | None) -> Outcome | None:
    """The outcome that the authorized transaction shows, or None: the adjustment may be on its way.

    An adjustment sets an amount. So the hold has this amount now, or one of its adjustments led there; a refused
    one would have.
    """
    if found is None:
        return None
    is_held = found.standing.status is TransactionStatus.AUTHORIZED
    if is_held and found.amount == operation.amount:
        return Approved(found)
    before = payment.authorized_before(operation)
    new = _unrecorded(payment, operation, found.adjustments)
    if any(reached == operation.amount for reached in _amounts(before, new)):
        # Something later changed the transaction, which is recorded after this.
        standing = replace(found.standing, status=TransactionStatus.AUTHORIZED)
        return Approved(replace(found, amount=operation.amount, standing=standing))
    for one in new:
        if not one.succeeded and one.decline is not None and before + one.change == operation.amount:
            return Declined(decline=one.decline, details=one.details)
    if is_held:
        return None
    status = found.standing.status.value.replace("_", " ")
    return Rejected(detail=f"the transaction is {status}", details=found.details)


def _amounts(before: Money, adjustments: Iterable[Adjustment]) -> Iterable[Money]:
    """The amounts that the hold had after each successful adjustment."""
    for one in adjustments:
        if one.succeeded:
            before += one.change
            yield before


def _unrecorded(payment: Payment, operation: Operation, shown: Iterable[Adjustment]) -> list[Adjustment]:
    """The adjustments that no earlier operation of the payment records."""
    earlier = payment.operations[: payment.operations.index(operation)]
    adjusts = [one for one in earlier if one.kind is OperationKind.ADJUST]
    known = {
        True: sum(one.state is OperationState.SUCCEEDED for one in adjusts),
        False: sum(one.state is OperationState.DECLINED for one in adjusts),
    }
    unrecorded = []
    for one in shown:
        if known[one.succeeded]:
            known[one.succeeded] -= 1
        else:
            unrecorded.append(one)
    return unrecorded
