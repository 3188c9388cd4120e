"""Outcomes of the gateway in memory: by amount and by field, as in Braintree's sandbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from application.common.lease import Lease, LeaseOver
from application.ports.gateway import Authorization, Capture, GatewayNotReached, RefusalCause, Rejected
from domain.address import Address
from domain.customer import NO_CONTACT
from domain.decline import CATALOGUE, Decline, DeclineReason
from domain.instrument import Card, Instrument, InstrumentKind
from domain.money import Money
from domain.transaction import GatewayDetails, TransactionStatus

_DECLINES: Final = {
    2001: DeclineReason.INSUFFICIENT_FUNDS,
    2004: DeclineReason.CARD_EXPIRED,
    2010: DeclineReason.INCORRECT_CVV,
    2013: DeclineReason.LOST_OR_STOLEN,
    2099: DeclineReason.AUTHENTICATION_REQUIRED,
    3000: DeclineReason.NETWORK_UNAVAILABLE,
}


def require_lease(lease: Lease) -> None:
    """Raise GatewayNotReached if the lease is over, as the adapter does before the first byte."""
    try:
        lease.hold()
    except LeaseOver as over:
        raise GatewayNotReached(str(over)) from None


def outcome_by_amount(
    amount: Money, *, captures: bool, authenticated: bool = False
) -> tuple[TransactionStatus, Decline | None]:
    """The outcome that an amount triggers, as in Braintree's sandbox."""
    whole = whole_units(amount)
    if whole == 2099 and authenticated:
        return (TransactionStatus.SUBMITTED if captures else TransactionStatus.AUTHORIZED), None
    if 2000 <= whole < 3000:
        decline = CATALOGUE[_DECLINES.get(whole, DeclineReason.DECLINED)]
        return TransactionStatus.DECLINED, replace(decline, is_cured_by_time=whole in (2000, 2001))
    if whole == 3000:
        return TransactionStatus.FAILED, CATALOGUE[_DECLINES[whole]]
    if amount.to_decimal() == "5001.00":
        return TransactionStatus.DECLINED, CATALOGUE[DeclineReason.MERCHANT_SETUP]
    return (TransactionStatus.SUBMITTED if captures else TransactionStatus.AUTHORIZED), None


def whole_units(amount: Money) -> int:
    return int(amount.minor_units // 10**amount.exponent)


def card_instrument(card: Card) -> Instrument:
    return Instrument(
        InstrumentKind.CARD,
        brand="visa" if card.number.startswith("4") else "mastercard",
        last_four=card.last_four,
        expiry=card.expiry,
        cardholder_name=card.cardholder_name,
        unique_number_identifier=f"of-{card.number}",
    )


def has_refused_record(asked: Authorization | Capture, cause: RefusalCause | None) -> bool:
    """Whether the request carries the record that is refused on demand."""
    match cause:
        case RefusalCause.ORDER_DETAILS:
            return asked.order_details is not None
        case RefusalCause.CUSTOMER_DETAILS:
            return isinstance(asked, Authorization) and asked.guest != NO_CONTACT
        case RefusalCause.SHIPPING_ADDRESS:
            return asked.shipping_address != Address()
        case _:
            return False


def rejected(code: str, detail: str, cause: RefusalCause = RefusalCause.REQUEST) -> Rejected:
    return Rejected(detail=f"{code}: {detail}", details=GatewayDetails(validation_code=code), cause=cause)


def accepts_email(email: str) -> bool:
    return not email or "." in email.partition("@")[2]


def _is_refused(address: Address) -> bool:
    return address.postal_code.startswith("-")


def refused_address(address: Address) -> Rejected | None:
    if not _is_refused(address):
        return None
    return rejected("81813", "postal code has invalid characters", RefusalCause.BILLING_ADDRESS)


def unknown_transaction() -> Rejected:
    return Rejected(detail="the gateway knows no such transaction")
