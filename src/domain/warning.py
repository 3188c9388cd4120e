"""Warnings for the merchant about a request that succeeded with a part left out. The payer never sees them."""

from dataclasses import dataclass
from enum import Enum


class WarningReason(Enum):
    """The record that was left out because the gateway refused it."""

    CUSTOMER_DETAILS_LEFT_OUT = "customer_details_left_out"
    GUEST_DETAILS_LEFT_OUT = "guest_details_left_out"
    BILLING_ADDRESS_LEFT_OUT = "billing_address_left_out"
    SHIPPING_ADDRESS_LEFT_OUT = "shipping_address_left_out"
    ORDER_DETAILS_LEFT_OUT = "order_details_left_out"


@dataclass(frozen=True, slots=True)
class MerchantWarning:
    """One record that was left out, with the gateway's error code for it."""

    reason: WarningReason
    gateway_code: str
