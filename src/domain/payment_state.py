"""The states of a payment, and the operations that each allows."""

from types import MappingProxyType
from typing import Final

from domain.operation import OperationKind
from domain.quick_enum import QuickEnum


class PaymentState(QuickEnum):
    PENDING = "pending"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    SETTLED = "settled"
    DECLINED = "declined"
    FAILED = "failed"
    VOIDED = "voided"
    EXPIRED = "expired"
    SETTLEMENT_DECLINED = "settlement_declined"

    @property
    def is_live(self) -> bool:
        """It holds money, or may yet: another payment for the same reference would pay twice."""
        return self in _LIVE


_LIVE: Final = frozenset({PaymentState.PENDING, PaymentState.AUTHORIZED, PaymentState.CAPTURED, PaymentState.SETTLED})

ALLOWED: Final = MappingProxyType(
    {
        PaymentState.PENDING: frozenset[OperationKind](),
        PaymentState.AUTHORIZED: frozenset({OperationKind.CAPTURE, OperationKind.VOID, OperationKind.ADJUST}),
        PaymentState.CAPTURED: frozenset({OperationKind.CAPTURE, OperationKind.VOID, OperationKind.REFUND}),
        # Allowed while a part of the authorization is neither captured nor released.
        PaymentState.SETTLED: frozenset({OperationKind.CAPTURE, OperationKind.VOID, OperationKind.REFUND}),
        PaymentState.DECLINED: frozenset[OperationKind](),
        # Another attempt at an authorization that surely was never sent.
        PaymentState.FAILED: frozenset({OperationKind.AUTHORIZE}),
        PaymentState.VOIDED: frozenset[OperationKind](),
        PaymentState.EXPIRED: frozenset[OperationKind](),
        PaymentState.SETTLEMENT_DECLINED: frozenset[OperationKind](),
    }
)
