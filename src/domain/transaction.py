"""A gateway transaction: its status, its life cycle, and the details that the gateway reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from domain.money import Money
from domain.quick_enum import QuickEnum
from domain.quick_init import quick_init
from domain.three_d_secure import ThreeDSecureResult


class TransactionStatus(QuickEnum):
    AUTHORIZING = "authorizing"
    AUTHORIZED = "authorized"
    # Captured in parts: the parts are transactions of their own.
    PARTIALLY_CAPTURED = "partially_captured"
    SUBMITTED = "submitted"
    # Taken, but not confirmed by the payer's side. PayPal and bank methods can stay so for days.
    SETTLEMENT_PENDING = "settlement_pending"
    SETTLEMENT_CONFIRMED = "settlement_confirmed"
    SETTLING = "settling"
    SETTLED = "settled"
    SETTLEMENT_DECLINED = "settlement_declined"
    VOIDED = "voided"
    # Captured in parts, and the rest of the hold was released. The parts are transactions of their own.
    RELEASED = "released"
    EXPIRED = "expired"
    DECLINED = "declined"
    FAILED = "failed"

    @property
    def is_captured(self) -> bool:
        """The merchant has the money, or it is on its way there."""
        return self in _CAPTURED

    @property
    def is_open(self) -> bool:
        """The gateway will still change it by itself."""
        return self in _OPEN

    def precedes(self, other: TransactionStatus) -> bool:
        """Whether it precedes the other in a transaction's life cycle. The gateway never goes back."""
        return _PLACES.get(self, _LAST_PLACE) < _PLACES.get(other, _LAST_PLACE)

    @property
    def is_voidable(self) -> bool:
        """A void releases all of it, or only the rest of the hold of one that is captured in parts."""
        return self in _VOIDABLE

    @property
    def is_refundable(self) -> bool:
        return self in (TransactionStatus.SETTLING, TransactionStatus.SETTLED)


# A transaction's life cycle. Statuses on one line follow one another in no fixed order.
_LIFE = (
    (TransactionStatus.AUTHORIZING,),
    (TransactionStatus.AUTHORIZED,),
    (TransactionStatus.PARTIALLY_CAPTURED,),
    (TransactionStatus.SUBMITTED,),
    (TransactionStatus.SETTLEMENT_PENDING, TransactionStatus.SETTLEMENT_CONFIRMED, TransactionStatus.SETTLING),
    (TransactionStatus.SETTLED,),
)
_PLACES = {status: place for place, statuses in enumerate(_LIFE) for status in statuses}
# Voided, expired, declined: final, even after settlement.
_LAST_PLACE = len(_LIFE)
_ON_ITS_WAY = frozenset(
    {
        TransactionStatus.SUBMITTED,
        TransactionStatus.SETTLEMENT_PENDING,
        TransactionStatus.SETTLEMENT_CONFIRMED,
        TransactionStatus.SETTLING,
    }
)
_CAPTURED = _ON_ITS_WAY | {TransactionStatus.SETTLED}
# The gateway voids transactions that wait for settlement only for some methods: for PayPal, and not for cards.
_VOIDABLE = frozenset(
    {
        TransactionStatus.AUTHORIZED,
        TransactionStatus.PARTIALLY_CAPTURED,
        TransactionStatus.SUBMITTED,
        TransactionStatus.SETTLEMENT_PENDING,
    }
)
_OPEN = _ON_ITS_WAY | {
    TransactionStatus.AUTHORIZING,
    TransactionStatus.AUTHORIZED,
    TransactionStatus.PARTIALLY_CAPTURED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskCheck:
    """The result of the gateway's own risk check. Empty means not given."""

    risk_check_id: str = ""
    decision: str = ""
    device_data_captured: bool = False
    score: int | None = None
    decision_reasons: tuple[str, ...] = ()
    provider: str = ""


@quick_init
@dataclass(frozen=True, slots=True)
class GatewayDetails:
    """The gateway's original details of a transaction, for administrators. Empty means not given."""

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
    three_d_secure: ThreeDSecureResult | None = None
    risk_check: RiskCheck | None = None
    mastercard_transaction_link_id: str = ""


@quick_init
@dataclass(frozen=True, slots=True)
class TransactionSnapshot:
    """The state of one transaction: its status, and the dates and the payout once they are known."""

    status: TransactionStatus
    settle_time: datetime | None = None
    disburse_date: date | None = None
    settlement_amount: Money | None = None
    authorization_expire_time: datetime | None = None
    # The amount that the customer's bank claims, or has got back. None: nothing.
    disputed_amount: Money | None = None
    # The number of successful changes of the authorized amount. A version with fewer is outdated.
    adjustment_count: int = 0
    # The gateway's times of movements, and its settlement batch. Versions before did not record them, so they make no
    # snapshot differ from another.
    capture_time: datetime | None = field(default=None, compare=False)
    # When a captured transaction was voided, or refused at settlement.
    end_time: datetime | None = field(default=None, compare=False)
    settlement_batch_id: str = field(default="", compare=False)

    def precedes(self, other: TransactionSnapshot) -> bool:
        """Whether it is older than the other: a search lags, or another answer overtook this one."""
        if self.status.precedes(other.status):
            return True
        return self.status is other.status and self.adjustment_count < other.adjustment_count
