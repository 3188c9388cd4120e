"""Card brands whose rules differ: by the card's number, or by the gateway's name of the brand."""

from enum import Enum
from types import MappingProxyType
from typing import Final

from domain.card_issuers import ISSUERS


class CardBrand(Enum):
    VISA = "Visa"
    MASTERCARD = "Mastercard"
    AMERICAN_EXPRESS = "American Express"
    DISCOVER = "Discover"
    DINERS_CLUB = "Diners Club"
    JCB = "JCB"


_PREFIXES: Final = {
    prefix: CardBrand(issuer.scheme)
    for issuer in ISSUERS
    if issuer.scheme in {brand.value for brand in CardBrand}
    for prefix in issuer.prefixes
}
_LENGTHS: Final = sorted({len(prefix) for prefix in _PREFIXES})
_NAMES: Final = MappingProxyType({brand.value.casefold(): brand for brand in CardBrand})


def brand_of_number(digits: str) -> CardBrand | None:
    """The brand of a card number. None: another brand, whose rules are not known here."""
    found = (_PREFIXES.get(digits[:length]) for length in _LENGTHS)
    return next((brand for brand in found if brand is not None), None)


def brand_named(name: str) -> CardBrand | None:
    """The brand by the gateway's name, such as "MasterCard"."""
    return _NAMES.get(name.casefold())
