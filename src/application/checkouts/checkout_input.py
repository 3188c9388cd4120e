"""Checks the parts of a new checkout that other requests do not have: lines, ways to pay, and return addresses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from application.common.errors import Rule
from application.common.validator import RawMoney, Validator, largest_amount
from domain.checkout import CheckoutLine, CheckoutMethod
from domain.currencies import EXPONENTS
from domain.money import Money

MAX_LINES: Final = 100
MAX_QUANTITY: Final = 1_000_000
MAX_ADDRESS: Final = 2000
# The result is added to the address as parameters of such names, and is signed with them.
_RESULT_PREFIX: Final = "bayar_"
# An http address of one of these is a developer's own machine.
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line as the caller sent it."""

    description: str
    quantity: int
    amount: RawMoney | None

    def as_text(self) -> str:
        """One text for equal lines. Its form is permanent: fingerprints hold it."""
        amount = (self.amount.minor_units, self.amount.currency_code) if self.amount else None
        return repr((self.description, self.quantity, amount))


def check_lines(validator: Validator, raw: tuple[RawLine, ...], total: Money | None) -> tuple[CheckoutLine, ...]:
    """The checked lines, whose amounts add up to the total. Empty after a violation."""
    if len(raw) > MAX_LINES:
        validator.add("lines", Rule.MAX_ENTRIES, MAX_LINES)
        return ()
    before = validator.count
    lines = [line for index, one in enumerate(raw) if (line := _line(validator, f"lines[{index}]", one, total))]
    if total is None or validator.count > before or not lines:
        return ()
    amount = Money.total((line.amount for line in lines), total.currency_code)
    if amount != total:
        validator.add("lines", Rule.ADDS_UP, f"the lines are {amount}, and the amount is {total}")
    return tuple(lines)


def _line(validator: Validator, path: str, raw: RawLine, total: Money | None) -> CheckoutLine | None:
    validator.plain_text(f"{path}.description", raw.description, required=True)
    if raw.quantity < 0:
        validator.add(f"{path}.quantity", Rule.NOT_NEGATIVE)
    elif raw.quantity > MAX_QUANTITY:
        validator.add(f"{path}.quantity", Rule.AT_MOST, MAX_QUANTITY)
    if raw.amount is None:
        validator.add(f"{path}.amount", Rule.REQUIRED)
        return None
    if raw.amount.currency_code not in EXPONENTS:
        validator.add(f"{path}.amount.currency_code", Rule.CURRENCY)
        return None
    if total is None:
        return None
    if raw.amount.currency_code != total.currency_code:
        validator.add(f"{path}.amount.currency_code", Rule.CURRENCY_OF_PAYMENT, total.currency_code)
        return None
    largest = largest_amount(total.currency_code).minor_units
    if abs(raw.amount.minor_units) > largest:
        validator.add(f"{path}.amount.minor_units", Rule.AT_MOST, largest)
        return None
    return CheckoutLine(raw.description, raw.quantity or 1, Money(raw.amount.minor_units, total.currency_code))


def check_methods(
    validator: Validator, methods: tuple[CheckoutMethod | None, ...], *, has_customer: bool
) -> tuple[CheckoutMethod, ...]:
    """The ways to pay. None given: a card, and a customer's stored methods."""
    known = tuple(one for one in methods if one is not None)
    if len(known) < len(methods):
        validator.add("methods", Rule.KNOWN_VALUE)
    elif any(count > 1 for count in Counter(known).values()):
        validator.add("methods", Rule.EACH_ONCE)
    if CheckoutMethod.STORED in known and not has_customer:
        validator.add("customer_id", Rule.NEEDED_FOR_STORED_METHODS)
    if known:
        return known
    return (CheckoutMethod.CARD, CheckoutMethod.STORED) if has_customer else (CheckoutMethod.CARD,)


def check_return_address(validator: Validator, path: str, value: str, *, required: bool = False) -> str:
    """An address that the shopper's browser is sent to."""
    if not value:
        if required:
            validator.add(path, Rule.REQUIRED)
        return value
    validator.no_card(path, value)
    if len(value) > MAX_ADDRESS or not _is_return_address(value):
        validator.add(path, Rule.RETURN_ADDRESS, MAX_ADDRESS)
    return value


def _is_return_address(value: str) -> bool:
    if not value.isascii() or not value.isprintable() or set(value) & set(' \\"<>^`{|}'):
        return False
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if any(name.startswith(_RESULT_PREFIX) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        return False
    if not host or parts.username is not None or parts.password is not None or "#" in value or port == 0:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK_HOSTS)
