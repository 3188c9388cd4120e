"""The regulation that a payment falls under, and whether the payer has to authenticate for it (inferred)."""

from __future__ import annotations

from decimal import Decimal

from braintree_twin.merchants import MerchantAccount

# Currency of the merchant account -> the regulation.
_REGULATIONS = {**dict.fromkeys(("EUR", "GBP", "SEK", "DKK", "NOK", "PLN", "CZK", "HUF", "RON"), "psd2"), "INR": "rbi"}
# India: a payment of a series needs no authentication up to this amount.
_EXEMPT_IN_INDIA = Decimal(2000)


def insight(account: MerchantAccount, amount: Decimal | None, *, recurring: bool) -> tuple[str, str]:
    """The regulation (psd2, rbi, unregulated), and sca_required, sca_exempt or unavailable."""
    regulation = _REGULATIONS.get(account.currency, "unregulated")
    if regulation == "unregulated":
        return regulation, "unavailable"
    if regulation == "rbi" and recurring and amount is not None and amount <= _EXEMPT_IN_INDIA:
        return regulation, "sca_exempt"
    return regulation, "sca_required"
