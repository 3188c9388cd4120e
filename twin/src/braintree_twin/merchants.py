"""Merchants with their API keys, and their merchant accounts."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

# The abilities that an account's processor may lack.
ABILITIES = (
    "authorizations",
    "credits",
    "refunds",
    "partial_settlement",
    "several_partial_settlements",
    "adjustments",
    "increases",
    "decreases",
    "updating_details",
    "three_d_secure",
    "verification",
    "moto",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantAccount:
    """A merchant account: one currency, and the rules that the gateway checks."""

    id: str
    currency: str
    default: bool = False
    status: str = "active"
    duplicate_checking: bool = True
    duplicate_window_seconds: int = 30
    # Calls with an api_request_key are never checked for duplicates.
    api_request_keys: bool = True
    # The CVV and AVS response codes that the account rejects.
    reject_cvv: frozenset[str] = frozenset()
    reject_avs_postal: frozenset[str] = frozenset()
    reject_avs_street: frozenset[str] = frozenset()
    # Transfers of money between accounts (account funding): refused, accepted or required.
    transfers: str = "refused"
    # The account belongs to a payment facilitator, who names its sub-merchant.
    payment_facilitator: bool = False
    # The card types, and the kinds of instruments, that it takes; None: all.
    brands: frozenset[str] | None = None
    instruments: frozenset[str] | None = None
    # Amounts above and below are refused.
    largest_amount: Decimal | None = None
    smallest_amount: Decimal | None = None
    # A sale has to say its tax.
    requires_tax: bool = False
    # A card that is not in the vault needs its security code.
    requires_cvv: bool = False
    # The processor's name; nothing depends on it but what a person reads.
    processor: str | None = None
    # The abilities that the processor lacks, from ABILITIES.
    lacks: frozenset[str] = frozenset()
    # A sale may be paid in installments.
    installments: bool = False
    # How often a card is charged by its number after its network's token was declined.
    retries: int = 1
    # False: US bank accounts pay only after their verification.
    bank_accounts_exempt: bool = False

    @property
    def suspended(self) -> bool:
        return self.status == "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    id: str
    public_key: str
    private_key: str
    accounts: tuple[MerchantAccount, ...]
    # The declared custom fields; None accepts every well-formed name.
    custom_fields: frozenset[str] | None = None
    # True accepts test card numbers only, as the sandbox does; False, every number that passes the Luhn check.
    test_numbers_only: bool = True
    # The user of the API's keys, whom a transaction's history names.
    DEFAULT_USER: ClassVar[str] = "api@twin.example"
    user: str = DEFAULT_USER
    # Recurring billing: changes of a price in the middle of a period are charged, or credited, for the rest of it.
    prorate_upgrades: bool = True
    prorate_downgrades: bool = False
    # Days from a failed charge to the first automatic attempt, from there to the second, and so on.
    retry_days: tuple[int, ...] = (10, 6)
    # After the last automatic attempt: "retry" with the next billing period, "cancel", or "leave" it past due.
    after_retries: str = "retry"
    # The credentials of the OAuth application that the merchant owns; None: made from its id.
    oauth_client_id: str | None = None
    oauth_client_secret: str | None = None
    company_name: str | None = None
    # The environment that the addresses of images name.
    environment: str = "sandbox"
    # False: its application is not finished, so that larger sales are rejected.
    application_complete: bool = True
    by_id: dict[str, MerchantAccount] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {account.id: account for account in self.accounts})

    def forget_created_accounts(self) -> None:
        """Forget the accounts that were created through the API."""
        self.by_id.clear()
        self.by_id.update({account.id: account for account in self.accounts})

    def has_keys(self, authorization: str) -> bool:
        """Whether an Authorization header has this merchant's keys."""
        return _basic_matches(authorization, self.public_key, self.private_key)

    @property
    def client_id(self) -> str:
        """The id of the merchant's OAuth application."""
        return self.oauth_client_id or f"client_id$development${self.id}"

    @property
    def client_secret(self) -> str:
        return self.oauth_client_secret or f"client_secret$development${self.id}"

    def has_client_credentials(self, authorization: str) -> bool:
        """Whether an Authorization header has the credentials of the merchant's OAuth application."""
        return _basic_matches(authorization, self.client_id, self.client_secret)

    @property
    def default_account(self) -> MerchantAccount:
        return next((account for account in self.accounts if account.default), self.accounts[0])


def _basic_matches(authorization: str, name: str, secret: str) -> bool:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, f"{name}:{secret}".encode())


_CURRENCIES = ("USD", "EUR", "GBP", "IDR", "JPY", "KWD", "SGD", "AUD")

READY_MADE = Merchant(
    id="twin_merchant",
    public_key="twin_public_key",
    private_key="twin_private_key",
    accounts=(
        *(
            MerchantAccount(id=f"twin_{currency.lower()}", currency=currency, default=currency == "USD")
            for currency in _CURRENCIES
        ),
        MerchantAccount(id="twin_usd_no_request_keys", currency="USD", api_request_keys=False),
        MerchantAccount(id="twin_usd_no_duplicate_check", currency="USD", duplicate_checking=False),
        MerchantAccount(id="twin_usd_second", currency="USD", duplicate_checking=False),
        MerchantAccount(id="twin_usd_suspended", currency="USD", status="suspended"),
        MerchantAccount(
            id="twin_usd_avs_cvv",
            currency="USD",
            reject_cvv=frozenset("N"),
            reject_avs_postal=frozenset("N"),
            reject_avs_street=frozenset("N"),
        ),
        MerchantAccount(id="twin_usd_bank_accounts_exempt", currency="USD", bank_accounts_exempt=True),
        MerchantAccount(id="twin_usd_transfers", currency="USD", transfers="accepted"),
        MerchantAccount(id="twin_usd_payment_facilitator", currency="USD", payment_facilitator=True),
    ),
)


class Merchants:
    """The merchants, by id: those that the twin starts with, and those that are created through the API."""

    def __init__(self, merchants: Iterable[Merchant]) -> None:
        self._by_id = {merchant.id: merchant for merchant in merchants}
        self._known = frozenset(self._by_id)

    def add(self, merchant: Merchant) -> None:
        self._by_id[merchant.id] = merchant

    def forget_created(self) -> None:
        """Forget the merchants that were created through the API."""
        for identifier in self._by_id.keys() - self._known:
            del self._by_id[identifier]

    def __iter__(self) -> Iterator[Merchant]:
        return iter(self._by_id.values())

    def get(self, merchant_id: str) -> Merchant | None:
        return self._by_id.get(merchant_id)

    def owner_of(self, client_id: str) -> Merchant | None:
        """The merchant that owns the OAuth application with this id."""
        return next((each for each in self if each.client_id == client_id), None)
