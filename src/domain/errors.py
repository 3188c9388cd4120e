"""Errors for broken domain rules. Errors carry fields; sentences are written at the edge."""

from domain.ids import CheckoutId, DisputeId, OperationId, PaymentId
from domain.money import Money
from domain.operation import OperationKind, OperationState
from domain.payment_state import PaymentState


class DomainError(Exception):
    """A rule would have been broken. Nothing was changed."""


class IllegalTransition(DomainError):
    """The payment's state, or its remaining amount, does not allow the operation."""

    def __init__(self, payment_id: PaymentId, state: PaymentState, operation: OperationKind) -> None:
        super().__init__(f"{operation.value} of {payment_id} while {state.value}")
        self.payment_id = payment_id
        self.state = state
        self.operation = operation


class OperationInProgress(DomainError):
    """Another operation's outcome must be known first."""

    def __init__(self, payment_id: PaymentId, operation_id: OperationId) -> None:
        super().__init__(f"{operation_id} of {payment_id} is under way")
        self.payment_id = payment_id
        self.operation_id = operation_id


class AmountExceeds(DomainError):
    """The amount is larger than the remaining amount."""

    def __init__(self, payment_id: PaymentId, operation: OperationKind, asked: Money, available: Money) -> None:
        super().__init__(f"{operation.value} of {asked} where {available} is left of {payment_id}")
        self.payment_id = payment_id
        self.operation = operation
        self.asked = asked
        self.available = available


class AmountUnchanged(DomainError):
    """The authorization has this amount already."""

    def __init__(self, payment_id: PaymentId, amount: Money) -> None:
        super().__init__(f"{payment_id} is authorized for {amount} already")
        self.payment_id = payment_id
        self.amount = amount


class OutcomeConflict(DomainError):
    """An outcome arrived for an operation that already has another."""

    def __init__(self, operation_id: OperationId, recorded: OperationState, arrived: str) -> None:
        super().__init__(f"{operation_id} is {recorded.value}, and {arrived} arrived")
        self.operation_id = operation_id
        self.recorded = recorded
        self.arrived = arrived


class DisputeNotOpen(DomainError):
    """The dispute accepts no action any more."""

    def __init__(self, dispute_id: DisputeId, state: str) -> None:
        super().__init__(f"{dispute_id} is {state}")
        self.dispute_id = dispute_id
        self.state = state


class DisputeActionInProgress(DomainError):
    """The outcome of an earlier dispute action must be known first."""

    def __init__(self, dispute_id: DisputeId, action_id: OperationId) -> None:
        super().__init__(f"{action_id} of {dispute_id} is under way")
        self.dispute_id = dispute_id
        self.action_id = action_id


class CheckoutNotPayable(DomainError):
    """The checkout has ended, or every use of it is taken."""

    def __init__(self, checkout_id: CheckoutId) -> None:
        super().__init__(f"{checkout_id} cannot be paid")
        self.checkout_id = checkout_id


class CheckoutCompleted(DomainError):
    """The checkout was paid: it cannot expire any more."""

    def __init__(self, checkout_id: CheckoutId) -> None:
        super().__init__(f"{checkout_id} is completed")
        self.checkout_id = checkout_id


class CheckoutBeingPaid(DomainError):
    """The outcome of the checkout's payment must be known first."""

    def __init__(self, checkout_id: CheckoutId) -> None:
        super().__init__(f"{checkout_id} is being paid")
        self.checkout_id = checkout_id
