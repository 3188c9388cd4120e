"""The gateway's checks that a payment can go without."""

from enum import Enum


class PaymentCheck(Enum):
    """Fraud protection, and the merchant's rules for address and security code."""

    ADVANCED_FRAUD = "advanced_fraud"
    AVS = "avs"
    CVV = "cvv"
