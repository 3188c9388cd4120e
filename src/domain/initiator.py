"""The party that starts a payment, and its place in a series that the customer agreed to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Initiator(Enum):
    CUSTOMER = "customer"
    MAIL_OR_TELEPHONE = "mail_or_telephone"
    MERCHANT_RECURRING = "merchant_recurring"
    MERCHANT_INSTALLMENT = "merchant_installment"
    MERCHANT_UNSCHEDULED = "merchant_unscheduled"

    @property
    def is_merchant(self) -> bool:
        return self in MERCHANT_INITIATORS


MERCHANT_INITIATORS: Final = frozenset(
    {Initiator.MERCHANT_RECURRING, Initiator.MERCHANT_INSTALLMENT, Initiator.MERCHANT_UNSCHEDULED}
)


class SeriesPosition(Enum):
    # The customer is present and agrees to the later payments.
    FIRST = "first"
    # The merchant charges what the customer agreed to.
    LATER = "later"


@dataclass(frozen=True, slots=True)
class ExternalVault:
    """A card that another vault keeps, or will keep."""

    previous_network_transaction_id: str = ""
    previous_mastercard_transaction_link_id: str = ""
    will_vault: bool = False


def is_customer_absent(initiator: Initiator, position: SeriesPosition | None) -> bool:
    """The customer cannot be asked to authenticate: Strong Customer Authentication does not apply."""
    return initiator is Initiator.MAIL_OR_TELEPHONE or position is SeriesPosition.LATER
