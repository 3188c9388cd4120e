"""The regulation that a payment falls under, and whether the payer has to authenticate for it (inferred)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from braintree_twin.merchants import MerchantAccount

# Currency of the merchant account -> the regulation.
_REGULATIONS = {**dict.fromkeys(("EUR", "GBP", "SEK", "DKK", "NOK", "PLN", "CZK", "HUF", "RON"), "psd2"), "INR": "rbi"}
# Regulation -> the countries whose cards fall under it.
_EUROPE = (
    "AUT BEL BGR HRV CYP CZE DNK EST FIN FRA DEU GRC HUN ISL IRL ITA LVA LIE LTU LUX MLT NLD NOR POL PRT ROU SVK SVN "
    "ESP SWE GBR"
)
_COUNTRIES = {"psd2": frozenset(_EUROPE.split()), "rbi": frozenset({"IND"})}
# India: a payment of a series needs no authentication up to this amount.
_EXEMPT_IN_INDIA = Decimal(2000)
UNREGULATED, UNAVAILABLE = "unregulated", "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightRequest:
    """The payment that is planned. `card_country` is the issuer's, of three letters, or None."""

    card_country: str | None
    amount: Decimal | None
    recurring: bool
    recurring_limit: Decimal | None


def insight(account: MerchantAccount, request: InsightRequest) -> tuple[str, str]:
    """The regulation (psd2, rbi, unregulated, unavailable), and sca_required, sca_optional or unavailable."""
    regulation = _REGULATIONS.get(account.currency, UNREGULATED)
    if regulation == UNREGULATED:
        return regulation, UNAVAILABLE
    if request.card_country is None:
        # Nobody knows where the card is from: a European merchant is safe to authenticate.
        return (regulation, "sca_required") if regulation == "psd2" else (UNAVAILABLE, UNAVAILABLE)
    if request.card_country not in _COUNTRIES[regulation]:
        return UNREGULATED, UNAVAILABLE
    return regulation, "sca_required" if regulation == "psd2" else _in_india(request)


def _in_india(request: InsightRequest) -> str:
    if request.amount is None:
        return UNAVAILABLE
    agreed = request.recurring_limit if request.recurring else None
    limit = _EXEMPT_IN_INDIA if agreed is None else min(agreed, _EXEMPT_IN_INDIA)
    return "sca_optional" if request.amount <= limit else "sca_required"
