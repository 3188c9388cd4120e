"""The method that pays, as far as a request shows it, and the uses that it does not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from application.common.errors import Rule
from application.common.validator import RawCard, Validator, bare_number
from domain.card_brands import CardBrand, brand_named, brand_of_number
from domain.initiator import Initiator
from domain.instrument import Instrument, InstrumentKind


@dataclass(frozen=True, slots=True)
class PaidWith:
    """None: not known, as of a nonce before the gateway was asked about it."""

    kind: InstrumentKind | None = None
    brand: CardBrand | None = None
    is_typed: bool = False


UNKNOWN_METHOD: Final = PaidWith()
# Other wallets authenticate by themselves, or have no card behind them.
_AUTHENTICATED_BY_3DS: Final = frozenset({InstrumentKind.CARD, InstrumentKind.GOOGLE_PAY})


def typed_card(card: RawCard) -> PaidWith:
    return PaidWith(InstrumentKind.CARD, brand_of_number(bare_number(card.number)), is_typed=True)


def stored_instrument(instrument: Instrument | None) -> PaidWith:
    if instrument is None or instrument.kind is InstrumentKind.OTHER:
        return UNKNOWN_METHOD
    return PaidWith(instrument.kind, brand_named(instrument.brand))


def check_initiator(validator: Validator, initiator: Initiator, paid_with: PaidWith) -> None:
    """Adds a violation for an initiator that the kind of the method does not allow."""
    if initiator is Initiator.MAIL_OR_TELEPHONE:
        check_is_card(validator, "initiator", paid_with)


def check_is_card(validator: Validator, path: str, paid_with: PaidWith) -> None:
    """Adds a violation for a part that only cards go with."""
    if paid_with.kind not in (None, InstrumentKind.CARD):
        validator.add(path, Rule.NOT_WITH_METHOD, _named(paid_with))


def check_authenticable(validator: Validator, path: str, paid_with: PaidWith) -> None:
    """Adds a violation for a part of 3-D Secure at a method without it."""
    if paid_with.kind is not None and paid_with.kind not in _AUTHENTICATED_BY_3DS:
        validator.add(path, Rule.NOT_WITH_METHOD, _named(paid_with))


def _named(paid_with: PaidWith) -> str:
    return paid_with.kind.name if paid_with.kind is not None else ""
