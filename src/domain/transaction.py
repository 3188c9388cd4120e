"""What the gateway says of one of its transactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from domain.money import Money


class TransactionStatus(Enum):
    """Where money stands at the gateway."""

    AUTHORIZING = "authorizing"
    AUTHORIZED = "authorized"
    # Captured in parts: the parts are transactions of their own.
    PARTIALLY_CAPTURED = "partially_captured"
    SUBMITTED = "submitted"
    SETTLING = "settling"
    SETTLED = "settled"
    SETTLEMENT_DECLINED = "settlement_declined"
    VOIDED = "voided"
    EXPIRED = "expired"
    DECLINED = "declined"
    FAILED = "failed"

    @property
    def is_captured(self) -> bool:
        """The money is on its way to the merchant, or there."""
        return self in _CAPTURED

    @property
    def is_open(self) -> bool:
        """The gateway will still move it on by itself."""
        return self in _OPEN

    def precedes(self, other: TransactionStatus) -> bool:
        """Whether it comes before the other in a transaction's life. The gateway never goes back."""
        return _PLACES.get(self, _LAST_PLACE) < _PLACES.get(other, _LAST_PLACE)

    @property
    def is_voidable(self) -> bool:
        return self in (TransactionStatus.AUTHORIZED, TransactionStatus.SUBMITTED)

    @property
    def is_refundable(self) -> bool:
        return self in (TransactionStatus.SETTLING, TransactionStatus.SETTLED)


_PLACES = {
    TransactionStatus.AUTHORIZING: 0,
    TransactionStatus.AUTHORIZED: 1,
    TransactionStatus.PARTIALLY_CAPTURED: 2,
    TransactionStatus.SUBMITTED: 3,
    TransactionStatus.SETTLING: 4,
    TransactionStatus.SETTLED: 5,
}
# Voided, expired, declined: nothing follows, not even after settlement.
_LAST_PLACE = 6
_CAPTURED = frozenset({TransactionStatus.SUBMITTED, TransactionStatus.SETTLING, TransactionStatus.SETTLED})
_OPEN = frozenset(
    {
        TransactionStatus.AUTHORIZING,
        TransactionStatus.AUTHORIZED,
        TransactionStatus.PARTIALLY_CAPTURED,
        TransactionStatus.SUBMITTED,
        TransactionStatus.SETTLING,
    }
)


@dataclass(frozen=True, slots=True)
class GatewayDetails:
    """The gateway's own words about a transaction, for administrators. Empty means not said."""

    transaction_id: str = ""
    status: str = ""
    processor_response_code: str = ""
    processor_response_text: str = ""
    additional_processor_response: str = ""
    gateway_rejection_reason: str = ""
    avs_postal_code_response: str = ""
    avs_street_address_response: str = ""
    cvv_response: str = ""
    merchant_advice_code: str = ""
    network_transaction_id: str = ""
    validation_code: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one transaction stands: its status, and the dates and the payout once they are known."""

    status: TransactionStatus
    settle_time: datetime | None = None
    disburse_date: date | None = None
    settlement_amount: Money | None = None
    authorization_expire_time: datetime | None = None
    # What the customer's bank claims back, or has got back. None: nothing.
    disputed_amount: Money | None = None
