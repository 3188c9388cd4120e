"""Merchant accounts: the gateway's accounts of one merchant, each with one currency."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from domain.instrument import InstrumentKind


@dataclass(frozen=True, slots=True)
class MerchantAccounts:
    """The ids of the accounts that may be used, by currency (ISO 4217). The first account of a currency is its default,
    unless the currency has none.
    """

    by_currency: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    # The currencies of several accounts without a default: each payment names one.
    without_default: frozenset[str] = frozenset()

    @property
    def currencies(self) -> frozenset[str]:
        return frozenset(self.by_currency)

    def of(self, currency_code: str) -> tuple[str, ...]:
        """The accounts of the currency, the default first."""
        return self.by_currency.get(currency_code, ())

    def default(self, currency_code: str) -> str:
        """The account of a request that names none. Empty: the currency has no default."""
        accounts = self.of(currency_code)
        return accounts[0] if accounts and currency_code not in self.without_default else ""

    def names(self) -> tuple[str, ...]:
        """Every account once, in order."""
        return tuple(dict.fromkeys(name for accounts in self.by_currency.values() for name in accounts))


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantAccount:
    """One account under one of its currencies here, and its abilities as the gateway shows them."""

    merchant_account_id: str
    currency_code: str
    is_default: bool
    # In the gateway's word, such as "active". Empty: the gateway knows no such account.
    status: str = ""
    has_three_d_secure: bool = False
    instruments: tuple[InstrumentKind, ...] = ()
    # As the gateway names them, such as "Visa".
    card_brands: tuple[str, ...] = ()
    # The reason for which it takes no payment in the currency. Empty: it does.
    problem: str = ""
