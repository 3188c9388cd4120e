"""Reads a merchant account of the seed, with the abilities that its processor has."""

from __future__ import annotations

from decimal import Decimal

from braintree_twin.merchants import ABILITIES, MerchantAccount
from braintree_twin.rules.cards import BRAND_NAMES
from braintree_twin.rules.currencies import KNOWN_CURRENCIES
from braintree_twin.seed.fields import Fields
from braintree_twin.vault.test_nonces import KINDS

ACCOUNT_STATUSES = ("active", "pending", "suspended")
AVS_CODES = ("N", "U", "I", "S", "E", "A", "B", "M")
TRANSFERS = ("refused", "accepted", "required")


def read_account(fields: Fields) -> MerchantAccount:
    currency = fields.one_of("currency", KNOWN_CURRENCIES)
    return MerchantAccount(
        id=fields.identifier("id"),
        currency=currency,
        default=fields.flag("default", False),
        status=fields.one_of("status", ACCOUNT_STATUSES, "active"),
        duplicate_checking=fields.flag("duplicate_checking", True),
        duplicate_window_seconds=fields.number("duplicate_window_seconds", 30) or 0,
        api_request_keys=fields.flag("api_request_keys", True),
        reject_cvv=frozenset(fields.texts("reject_cvv", AVS_CODES)),
        reject_avs_postal=frozenset(fields.texts("reject_avs_postal", AVS_CODES)),
        reject_avs_street=frozenset(fields.texts("reject_avs_street", AVS_CODES)),
        transfers=fields.one_of("transfers", TRANSFERS, "refused"),
        payment_facilitator=fields.flag("payment_facilitator", False),
        brands=_set(fields, "brands", BRAND_NAMES),
        instruments=_set(fields, "instruments", KINDS),
        largest_amount=Decimal(fields.amount("largest_amount", currency)) if "largest_amount" in fields else None,
        smallest_amount=Decimal(fields.amount("smallest_amount", currency)) if "smallest_amount" in fields else None,
        requires_tax=fields.flag("requires_tax", False),
        requires_cvv=fields.flag("requires_cvv", False),
        processor=fields.text("processor"),
        lacks=frozenset(fields.texts("lacks", ABILITIES)),
        bank_accounts_exempt=fields.flag("bank_accounts_exempt", False),
        installments=fields.flag("installments", False),
        retries=fields.number("retries", 1) or 0,
    )


def _set(fields: Fields, name: str, known: tuple[str, ...]) -> frozenset[str] | None:
    """The set of the list; None, which means all, if there is no list."""
    return frozenset(fields.texts(name, known)) if name in fields else None
