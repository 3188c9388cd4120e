"""Reads a seed file into merchants, and the tables of records that they start with."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from braintree_twin.merchants import Merchant, MerchantAccount
from braintree_twin.rules.currencies import KNOWN_CURRENCIES
from braintree_twin.seed.fields import Fields, InvalidSeed

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
ACCOUNT_STATUSES = ("active", "pending", "suspended")
AVS_CODES = ("N", "U", "I", "S", "E", "A", "B", "M")


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

    @property
    def merchants(self) -> list[Merchant]:
        return [each.merchant for each in self.merchant_seeds]


TABLES = ("add_ons", "discounts", "plans", "customers", "payment_methods", "transactions", "disputes")


def read_seed(path: Path) -> Seed:
    """Read a seed file. Raises InvalidSeed if it is not TOML, or describes an impossible merchant."""
    try:
        document = Fields(tomllib.loads(path.read_text(encoding="utf-8")), "")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSeed(f"{path}: {error}") from error
    try:
        seed = Seed(path, document.each("merchants", _merchant))
        document.reject_unknown()
        if not seed.merchant_seeds:
            raise InvalidSeed("merchants is missing: a seed has at least one, written [[merchants]]")
        _distinct("merchants", [merchant.id for merchant in seed.merchants])
    except InvalidSeed as invalid:
        raise InvalidSeed(f"{path}: {invalid}") from None
    return seed


def read_id(fields: Fields, name: str = "id") -> str:
    identifier = fields.required(name)
    if not _ID.fullmatch(identifier):
        raise fields.invalid(name, "may only have letters, digits, - and _, and at most 64 of them")
    return identifier


def _distinct(place: str, ids: list[str]) -> None:
    repeated = {each for each in ids if ids.count(each) > 1}
    if repeated:
        raise InvalidSeed(f"{place}: the id {sorted(repeated)[0]!r} is there twice")


def _merchant(fields: Fields) -> MerchantSeed:
    accounts: list[MerchantAccount] = fields.each("accounts", _account)
    if not accounts:
        raise fields.invalid(
            "accounts", f"is missing: a merchant has at least one, written [[{fields.place}.accounts]]"
        )
    _distinct(fields.at("accounts"), [account.id for account in accounts])
    if sum(account.default for account in accounts) > 1:
        raise fields.invalid("accounts", "has more than one with default = true")
    custom_fields = frozenset(fields.texts("custom_fields")) if "custom_fields" in fields else None
    merchant = Merchant(
        id=read_id(fields),
        public_key=fields.required("public_key"),
        private_key=fields.required("private_key"),
        accounts=_with_default(accounts),
        custom_fields=custom_fields,
        test_numbers_only=fields.flag("test_numbers_only", True),
        prorate_upgrades=fields.flag("prorate_upgrades", True),
        prorate_downgrades=fields.flag("prorate_downgrades", False),
        retry_days=fields.numbers("retry_days", (10, 6)),
        cancel_after_retries=fields.flag("cancel_after_retries", False),
    )
    tables = {name: fields.sections(name) for name in TABLES}
    return MerchantSeed(merchant, fields.text("webhook_url"), tables)


def _with_default(accounts: list[MerchantAccount]) -> tuple[MerchantAccount, ...]:
    """Make the first account the default one if no account is."""
    if any(account.default for account in accounts):
        return tuple(accounts)
    first, *rest = accounts
    known = {name: getattr(first, name) for name in MerchantAccount.__slots__}
    return (MerchantAccount(**{**known, "default": True}), *rest)


def _account(fields: Fields) -> MerchantAccount:
    return MerchantAccount(
        id=read_id(fields),
        currency=fields.one_of("currency", KNOWN_CURRENCIES),
        default=fields.flag("default", False),
        status=fields.one_of("status", ACCOUNT_STATUSES, "active"),
        duplicate_checking=fields.flag("duplicate_checking", True),
        duplicate_window_seconds=fields.number("duplicate_window_seconds", 30) or 0,
        api_request_keys=fields.flag("api_request_keys", True),
        reject_cvv=frozenset(fields.texts("reject_cvv", AVS_CODES)),
        reject_avs_postal=frozenset(fields.texts("reject_avs_postal", AVS_CODES)),
        reject_avs_street=frozenset(fields.texts("reject_avs_street", AVS_CODES)),
        transfers=fields.one_of("transfers", ("refused", "accepted", "required"), "refused"),
        payment_facilitator=fields.flag("payment_facilitator", False),
    )
