"""Decline reasons: why a payment was declined, who can fix it, and whether to retry."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final


class DeclineReason(Enum):
    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_EXCEEDED = "limit_exceeded"
    CARD_EXPIRED = "card_expired"
    INVALID_CARD = "invalid_card"
    INCORRECT_CVV = "incorrect_cvv"
    INCORRECT_ADDRESS = "incorrect_address"
    CALL_ISSUER = "call_issuer"
    SUSPECTED_FRAUD = "suspected_fraud"
    LOST_OR_STOLEN = "lost_or_stolen"
    NOT_PERMITTED = "not_permitted"
    AUTHENTICATION_REQUIRED = "authentication_required"
    STOPPED_BY_CUSTOMER = "stopped_by_customer"
    ACCOUNT_CLOSED = "account_closed"
    NETWORK_UNAVAILABLE = "network_unavailable"
    DUPLICATE = "duplicate"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    MERCHANT_SETUP = "merchant_setup"
    METHOD_NOT_SUPPORTED = "method_not_supported"
    INVALID_AMOUNT = "invalid_amount"
    WALLET_ACCOUNT = "wallet_account"
    INVALID_DATA = "invalid_data"
    SETTLEMENT_DECLINED = "settlement_declined"
    REFUND_REFUSED = "refund_refused"
    METHOD_REMOVED = "method_removed"


class Fixer(Enum):
    """The party that can fix it."""

    CUSTOMER = "customer"
    ISSUER = "issuer"
    MERCHANT = "merchant"
    SERVICE = "service"


class RetryAdvice(Enum):
    """Whether and how to retry."""

    DO_NOT_RETRY = "do_not_retry"
    RETRY_LATER = "retry_later"
    CORRECT_AND_RETRY = "correct_and_retry"
    USE_ANOTHER_METHOD = "use_another_method"
    AFTER_CUSTOMER_ACTION = "after_customer_action"


# Visa permits 15 attempts at a merchant-initiated payment within 30 days, Mastercard more.
MERCHANT_RETRY_PAUSE: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Decline:
    """One decline, in terms of the next step. retry_after is set exactly with RETRY_LATER."""

    reason: DeclineReason
    fixer: Fixer
    retry_advice: RetryAdvice
    retry_after: timedelta | None = None
    # The bank may approve the same payment later, and gave no advice of its own. It is known of a fresh answer only.
    is_cured_by_time: bool = field(default=False, compare=False, kw_only=True)

    def __post_init__(self) -> None:
        if (self.retry_after is not None) != (self.retry_advice is RetryAdvice.RETRY_LATER):
            raise ValueError("retry_after goes with RETRY_LATER, and only with it")

    def of_merchant_initiated_payment(self) -> Decline:
        """The decline with the advice for a payment in the customer's absence: nobody can give another method."""
        if not self.is_cured_by_time:
            return self
        pause = max(self.retry_after or MERCHANT_RETRY_PAUSE, MERCHANT_RETRY_PAUSE)
        return replace(self, retry_advice=RetryAdvice.RETRY_LATER, retry_after=pause)


def _later(fixer: Fixer, wait: timedelta) -> tuple[Fixer, RetryAdvice, timedelta | None]:
    return fixer, RetryAdvice.RETRY_LATER, wait


def _now(fixer: Fixer, advice: RetryAdvice) -> tuple[Fixer, RetryAdvice, timedelta | None]:
    return fixer, advice, None


_ADVICE: Final[dict[DeclineReason, tuple[Fixer, RetryAdvice, timedelta | None]]] = {
    DeclineReason.DECLINED: _now(Fixer.ISSUER, RetryAdvice.USE_ANOTHER_METHOD),
    DeclineReason.INSUFFICIENT_FUNDS: _now(Fixer.CUSTOMER, RetryAdvice.USE_ANOTHER_METHOD),
    DeclineReason.LIMIT_EXCEEDED: _later(Fixer.CUSTOMER, timedelta(days=1)),
    DeclineReason.CARD_EXPIRED: _now(Fixer.CUSTOMER, RetryAdvice.CORRECT_AND_RETRY),
    DeclineReason.INVALID_CARD: _now(Fixer.CUSTOMER, RetryAdvice.CORRECT_AND_RETRY),
    DeclineReason.INCORRECT_CVV: _now(Fixer.CUSTOMER, RetryAdvice.CORRECT_AND_RETRY),
    DeclineReason.INCORRECT_ADDRESS: _now(Fixer.CUSTOMER, RetryAdvice.CORRECT_AND_RETRY),
    DeclineReason.CALL_ISSUER: _now(Fixer.ISSUER, RetryAdvice.AFTER_CUSTOMER_ACTION),
    DeclineReason.SUSPECTED_FRAUD: _now(Fixer.ISSUER, RetryAdvice.DO_NOT_RETRY),
    DeclineReason.LOST_OR_STOLEN: _now(Fixer.ISSUER, RetryAdvice.DO_NOT_RETRY),
    DeclineReason.NOT_PERMITTED: _now(Fixer.ISSUER, RetryAdvice.USE_ANOTHER_METHOD),
    DeclineReason.AUTHENTICATION_REQUIRED: _now(Fixer.CUSTOMER, RetryAdvice.AFTER_CUSTOMER_ACTION),
    DeclineReason.STOPPED_BY_CUSTOMER: _now(Fixer.CUSTOMER, RetryAdvice.DO_NOT_RETRY),
    DeclineReason.ACCOUNT_CLOSED: _now(Fixer.CUSTOMER, RetryAdvice.DO_NOT_RETRY),
    DeclineReason.NETWORK_UNAVAILABLE: _later(Fixer.ISSUER, timedelta(minutes=5)),
    DeclineReason.DUPLICATE: _now(Fixer.MERCHANT, RetryAdvice.DO_NOT_RETRY),
    DeclineReason.TOO_MANY_ATTEMPTS: _later(Fixer.CUSTOMER, timedelta(days=1)),
    DeclineReason.MERCHANT_SETUP: _now(Fixer.MERCHANT, RetryAdvice.DO_NOT_RETRY),
    DeclineReason.METHOD_NOT_SUPPORTED: _now(Fixer.CUSTOMER, RetryAdvice.USE_ANOTHER_METHOD),
    DeclineReason.INVALID_AMOUNT: _now(Fixer.MERCHANT, RetryAdvice.CORRECT_AND_RETRY),
    DeclineReason.WALLET_ACCOUNT: _now(Fixer.CUSTOMER, RetryAdvice.AFTER_CUSTOMER_ACTION),
    DeclineReason.INVALID_DATA: _now(Fixer.MERCHANT, RetryAdvice.CORRECT_AND_RETRY),
    DeclineReason.SETTLEMENT_DECLINED: _now(Fixer.CUSTOMER, RetryAdvice.USE_ANOTHER_METHOD),
    DeclineReason.REFUND_REFUSED: _now(Fixer.MERCHANT, RetryAdvice.DO_NOT_RETRY),
    DeclineReason.METHOD_REMOVED: _now(Fixer.CUSTOMER, RetryAdvice.USE_ANOTHER_METHOD),
}

CATALOGUE: Final = MappingProxyType({reason: Decline(reason, *advice) for reason, advice in _ADVICE.items()})
