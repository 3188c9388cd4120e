"""Payment instruments: card data for the length of one call, and the masked details that may be shown afterwards."""

from dataclasses import dataclass, field
from datetime import date

from domain.quick_enum import QuickEnum
from domain.quick_init import quick_init


class InstrumentKind(QuickEnum):
    CARD = "card"
    PAYPAL = "paypal"
    APPLE_PAY = "apple_pay"
    GOOGLE_PAY = "google_pay"
    VENMO = "venmo"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class CardExpiry:
    """The last month in which a card is valid."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not 1 <= self.month <= 12:
            raise ValueError(f"{self.month} is no month")

    @property
    def first_day_after(self) -> date:
        """The first day on which the card is no longer valid."""
        return date(self.year + self.month // 12, self.month % 12 + 1, 1)

    def is_past(self, today: date) -> bool:
        return today >= self.first_day_after


@dataclass(frozen=True, slots=True)
class Card:
    """Card data for the length of one call. Its repr shows nothing of it."""

    number: str = field(repr=False)
    expiry: CardExpiry = field(repr=False)
    cvv: str = field(default="", repr=False)
    cardholder_name: str = field(default="", repr=False)

    @property
    def last_four(self) -> str:
        return self.number[-4:]


@quick_init
@dataclass(frozen=True, slots=True)
class Instrument:
    """The displayable details of a card or wallet, as the gateway reports them. Never enough to pay with."""

    kind: InstrumentKind
    brand: str = ""
    last_four: str = ""
    expiry: CardExpiry | None = None
    cardholder_name: str = field(default="", repr=False)
    issuer_country: str = ""
    issuer: str = ""
    account: str = field(default="", repr=False)
    # The gateway's own fingerprint of the card: equal cards have equal ones.
    unique_number_identifier: str = field(default="", repr=False)
