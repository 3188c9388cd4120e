"""The findings of a reconciliation, each with the call that repairs it."""

from dataclasses import dataclass
from enum import Enum

from application.ports.gateway import Transaction, TransactionKind
from application.ports.store import PaymentOperation
from domain.ids import OperationId, PaymentId
from domain.money import Money


class FindingKind(Enum):
    ORPHAN = "orphan"
    MISSING_AT_GATEWAY = "missing_at_gateway"
    MISMATCH = "mismatch"
    ORPHAN_REVERSED = "orphan_reversed"
    FOREIGN = "foreign"
    UNREADABLE = "unreadable"


class Remedy(Enum):
    """The call that repairs the difference."""

    VERIFY_PAYMENT = "verify_payment"
    CHECK_NOW = "check_now"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference between the two records."""

    kind: FindingKind
    summary: str
    remedy: Remedy | None = None
    payment_id: PaymentId | None = None
    operation_id: OperationId | None = None
    transaction_id: str = ""
    recorded_amount: Money | None = None
    gateway_amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Orphan:
    """A transaction of this deployment at the gateway that no operation explains."""

    finding: Finding
    transaction: Transaction
    # The amount not refunded yet. None until it was checked.
    left: Money | None = None

    @property
    def is_reversible(self) -> bool:
        """Whether a void or a refund can return it now."""
        status = self.transaction.standing.status
        return status.is_voidable or (status.is_refundable and self.transaction.kind is TransactionKind.SALE)


def finding(
    kind: FindingKind, transaction: Transaction, own: PaymentOperation | None, summary: str, remedy: Remedy | None
) -> Finding:
    """Makes a finding about one transaction, and its operation where there is one."""
    return Finding(
        kind=kind,
        summary=summary,
        remedy=remedy,
        payment_id=own.payment.terms.payment_id if own else None,
        operation_id=own.operation.operation_id if own else None,
        transaction_id=transaction.transaction_id,
        recorded_amount=own.operation.amount if own else None,
        gateway_amount=transaction.amount,
    )
