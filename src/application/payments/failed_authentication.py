"""Takes back an authorization whose 3-D Secure authentication failed, unless the payment's policy permits that."""

import logging
from dataclasses import dataclass

from application.common.lease import Lease
from application.ports.gateway import (
    Approved,
    Declined,
    Gateway,
    GatewayUnavailable,
    Outcome,
    Transaction,
    Unknown,
    Void,
)
from domain.decline import CATALOGUE, DeclineReason
from domain.events import PaymentTerms
from domain.ids import OperationId
from domain.three_d_secure import is_acceptable
from domain.transaction import TransactionStatus

_log = logging.getLogger(__name__)


def lacks_authentication(terms: PaymentTerms, outcome: Outcome | None) -> bool:
    """Whether the gateway approved what the policy refuses. A settled sale is too late to take back: it stands."""
    if not isinstance(outcome, Approved) or outcome.transaction.details.three_d_secure is None:
        return False
    status = outcome.transaction.standing.status
    can_be_undone = status.is_voidable or status is TransactionStatus.VOIDED
    return can_be_undone and not is_acceptable(terms.three_d_secure_policy, outcome.transaction.details.three_d_secure)


@dataclass(frozen=True, slots=True)
class FailedAuthentication:
    """The gateway approves sales with a failed authentication. They are voided before anybody hears of a success."""

    gateway: Gateway

    def take_back(self, terms: PaymentTerms, operation_id: OperationId, outcome: Outcome, lease: Lease) -> Outcome:
        """The outcome of the authorization: a decline if it was taken back, and unknown while that is not certain.

        Repeating it is harmless. Raises nothing.
        """
        if not lacks_authentication(terms, outcome) or not isinstance(outcome, Approved):
            return outcome
        transaction = outcome.transaction
        _log.warning("transaction %s of a failed authentication is voided", transaction.transaction_id)
        try:
            undone = self._void(operation_id, transaction, lease)
            if undone and terms.store_payment_method and transaction.token:
                self.gateway.delete_method(transaction.token, lease)
        except GatewayUnavailable as failure:
            return _unknown(str(failure))
        if not undone:
            return _unknown("the void has no certain outcome")
        return Declined(
            decline=CATALOGUE[DeclineReason.AUTHENTICATION_REQUIRED],
            details=transaction.details,
            instrument=transaction.instrument,
            warnings=outcome.warnings,
        )

    def _void(self, operation_id: OperationId, transaction: Transaction, lease: Lease) -> bool:
        if transaction.standing.status is TransactionStatus.VOIDED:
            return True
        void = Void(operation_id=OperationId(f"{operation_id}-void"), transaction_id=transaction.transaction_id)
        return isinstance(self.gateway.void(void, lease), Approved)


def _unknown(why: str) -> Unknown:
    return Unknown(f"the 3-D Secure authentication failed, and the authorization is not yet voided: {why}")
