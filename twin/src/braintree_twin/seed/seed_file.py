"""Reads a seed file into merchants, and the tables of records that they start with."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

from braintree_twin.merchants import Merchant, MerchantAccount
from braintree_twin.seed.accounts import read_account
from braintree_twin.seed.fields import Fields, InvalidSeed


@dataclass(slots=True)
class MerchantSeed:
    """A merchant, and its tables of records for the loader."""

    merchant: Merchant
    webhook_url: str | None = None
    tables: dict[str, list[Fields]] = field(default_factory=dict)


@dataclass(slots=True)
class Seed:
    path: Path
    merchant_seeds: list[MerchantSeed]
    # Faults found so far; the loader adds those of the records.
    faults: list[str] = field(default_factory=list)

    @property
    def merchants(self) -> list[Merchant]:
        return [each.merchant for each in self.merchant_seeds]

    def raise_faults(self) -> None:
        """Raise InvalidSeed with every fault that was found; nothing happens if there is none."""
        if self.faults:
            raise InvalidSeed(*(f"{self.path}: {fault}" for fault in self.faults))


ENVIRONMENTS = ("sandbox", "development")
AFTER_RETRIES = ("retry", "cancel", "leave")


def _after_retries(fields: Fields) -> str:
    """The default of `after_retries`, by its older name."""
    return "cancel" if fields.flag("cancel_after_retries", False) else "retry"


TABLES = (
    "add_ons",
    "discounts",
    "plans",
    "customers",
    "payment_methods",
    "subscriptions",
    "verifications",
    "transactions",
    "disputes",
)


def read_seed(path: Path) -> Seed:
    """Read a seed file. Raises InvalidSeed if it is not TOML; other faults are collected in the seed."""
    faults: list[str] = []
    try:
        document = Fields(tomllib.loads(path.read_text(encoding="utf-8")), "", faults)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSeed(f"{path}: {error}") from error
    seed = Seed(path, document.each("merchants", _merchant), faults)
    document.reject_unknown()
    if not seed.merchant_seeds:
        faults.append("merchants is missing: a seed has at least one, written [[merchants]]")
    _distinct("merchants", [merchant.id for merchant in seed.merchants], faults)
    return seed


def _distinct(place: str, ids: list[str], faults: list[str]) -> None:
    faults.extend(
        f"{place}: the id {identifier!r} is there twice"
        for identifier in dict.fromkeys(ids)
        if identifier and ids.count(identifier) > 1
    )


def _merchant(fields: Fields) -> MerchantSeed:
    accounts: list[MerchantAccount] = fields.each("accounts", read_account)
    if not accounts:
        fields.fault("accounts", f"is missing: a merchant has at least one, written [[{fields.place}.accounts]]")
        accounts = [MerchantAccount(id="", currency="USD")]
    _distinct(fields.at("accounts"), [account.id for account in accounts], fields.faults)
    if sum(account.default for account in accounts) > 1:
        fields.fault("accounts", "has more than one with default = true")
    custom_fields = frozenset(fields.texts("custom_fields")) if "custom_fields" in fields else None
    merchant = Merchant(
        id=fields.identifier("id"),
        public_key=fields.required("public_key"),
        private_key=fields.required("private_key"),
        accounts=_with_default(accounts),
        custom_fields=custom_fields,
        test_numbers_only=fields.flag("test_numbers_only", True),
        user=fields.text("user") or Merchant.DEFAULT_USER,
        prorate_upgrades=fields.flag("prorate_upgrades", True),
        prorate_downgrades=fields.flag("prorate_downgrades", False),
        retry_days=fields.numbers("retry_days", (10, 6)),
        after_retries=fields.one_of("after_retries", AFTER_RETRIES, _after_retries(fields)),
        oauth_client_id=fields.text("oauth_client_id"),
        oauth_client_secret=fields.text("oauth_client_secret"),
        company_name=fields.text("company_name"),
        environment=fields.one_of("environment", ENVIRONMENTS, "sandbox"),
    )
    tables = {name: fields.sections(name) for name in TABLES}
    return MerchantSeed(merchant, fields.text("webhook_url"), tables)


def _with_default(accounts: list[MerchantAccount]) -> tuple[MerchantAccount, ...]:
    """Make the first account the default one if no account is."""
    if any(account.default for account in accounts):
        return tuple(accounts)
    first, *rest = accounts
    return (replace(first, default=True), *rest)
