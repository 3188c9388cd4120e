"""Validates requests: every violation is collected, and none repeats the value."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from application.common.errors import FieldViolation, InvalidRequest, Rule
from domain import ids
from domain.address import Address, StatementDescriptor
from domain.card_detector import holds_digits, looks_like_card
from domain.card_issuers import passes_luhn
from domain.countries import COUNTRY_CODES
from domain.currencies import EXPONENTS
from domain.ids import RequestId
from domain.instrument import Card, CardExpiry
from domain.money import Money
from domain.networks import network_of
from domain.visible_text import is_unambiguous

Value = TypeVar("Value")

# The gateway's limit of an amount: digits before the decimal point, in every currency.
MAX_WHOLE_DIGITS: Final = 10
MAX_MINOR_UNITS: Final = 10 ** (MAX_WHOLE_DIGITS + max(EXPONENTS.values())) - 1
MIN_CARD_DIGITS: Final = 12
MAX_CARD_DIGITS: Final = 19
MAX_TEXT: Final = 255
MAX_CARDHOLDER_NAME: Final = 175
MAX_LANGUAGE: Final = 35
MAX_DEVICE_DATA: Final = 4000
MAX_METADATA_ENTRIES: Final = 50
MAX_METADATA_KEY: Final = 40
MAX_METADATA_VALUE: Final = 500
MAX_EXPIRY_YEARS: Final = 20
_FIRST_DAY: Final = date(2000, 1, 1)
_LAST_DAY: Final = date(9000, 1, 1)

# Control characters, surrogates, line and paragraph separators, and Unicode noncharacters (such as U+FFFE and U+FFFF).
# XML 1.0, which carries requests to the gateway, does not allow most of them.
_UNPRINTABLE: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff\\ufdd0-\\ufdef"
    + "".join(f"{chr(0x10000 * plane + 0xFFFE)}{chr(0x10000 * plane + 0xFFFF)}" for plane in range(17))
    + "]"
)

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ONLY_DIGITS: Final = re.compile(r"[0-9-]+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
# The gateway's rules for data stored with a customer or an address.
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_POSTAL_CODE: Final = re.compile(r"(?:[A-Za-z0-9][ -]*){1,9}")
_ADDRESS_PHONE: Final = re.compile(r"(?:[()+\-. ]*[0-9]){1,15}[()\-. ]*", re.ASCII)
_DESCRIPTOR_NAME: Final = re.compile(
    r"(?=.{1,22}$)(?:[A-Za-z0-9.+ -]{3}|[A-Za-z0-9.+ -]{7}|[A-Za-z0-9.+ -]{12})[*][A-Za-z0-9.+ -]+"
)
_DESCRIPTOR_PHONE: Final = re.compile(r"[0-9(). -]{10,14}")
_DESCRIPTOR_URL: Final = re.compile(r"[!-~]{1,13}")
# Most requests have neither.
_NO_ADDRESS: Final = Address()
_NO_DESCRIPTOR: Final = StatementDescriptor()


@dataclass(frozen=True, slots=True)
class RawMoney:
    """An amount as a caller sent it."""

    minor_units: int
    currency_code: str


@dataclass(frozen=True, slots=True)
class RawCard:
    """A card as a caller sent it. Its repr shows nothing of it."""

    number: str = field(repr=False)
    expiration_month: int = field(repr=False)
    expiration_year: int = field(repr=False)
    cvv: str = field(default="", repr=False)
    cardholder_name: str = field(default="", repr=False)

    @property
    def last_four(self) -> str:
        return bare_number(self.number)[-4:]


def require_checked(value: Value | None) -> Value:
    """Returns a value that was checked before. None would be a bug here."""
    if value is None:
        raise RuntimeError("a checked value is missing")
    return value


class Validator:
    """Collects the violations of one request. A check returns the clean value, or None after adding a violation."""

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []

    def add(self, field_path: str, rule: Rule, limit: object = "") -> None:
        violation = FieldViolation(field_path, rule, str(limit))
        if violation not in self._violations:
            self._violations.append(violation)

    @property
    def violations(self) -> tuple[FieldViolation, ...]:
        """The violations so far."""
        return tuple(self._violations)

    @property
    def count(self) -> int:
        """The number of violations so far."""
        return len(self._violations)

    def done(self) -> None:
        """Raises InvalidRequest with all collected violations."""
        if self._violations:
            raise InvalidRequest(tuple(self._violations))

    def request_id(self, value: str) -> RequestId | None:
        if not value:
            self.add("request_id", Rule.REQUIRED)
            return None
        canonical = value.lower()
        if not _UUID.fullmatch(canonical):
            self.add("request_id", Rule.UUID)
            return None
        if _ONLY_DIGITS.fullmatch(canonical):
            # Any other UUID is exempted from card detection.
            self.no_card("request_id", canonical)
        return RequestId(canonical)

    def resource_id(self, path: str, value: str, prefix: str, *, required: bool = True) -> str | None:
        if not value:
            if required:
                self.add(path, Rule.REQUIRED)
            return None
        if not ids.is_id(value, prefix):
            self.add(path, Rule.ID, prefix)
            return None
        return value

    def client_address(self, path: str, value: str) -> str:
        """The value unchanged; a violation unless it is an IP address."""
        try:
            if value:
                network_of(value)
        except ValueError:
            self.add(path, Rule.IP_ADDRESS)
        return value

    def text(self, path: str, value: str, *, maximum: int = MAX_TEXT, required: bool = False) -> str:
        """The value unchanged; violations where it is missing, too long or has control characters."""
        if required and not value.strip():
            self.add(path, Rule.REQUIRED)
        if len(value) > maximum:
            self.add(path, Rule.MAX_CHARACTERS, maximum)
        if has_unprintable(value):
            self.add(path, Rule.NO_CONTROL_CHARACTERS)
        return value

    def day(self, path: str, value: str) -> date | None:
        """A date as ISO 8601 has it, in its one form with hyphens. None: it is missing, or no such date."""
        if not value:
            self.add(path, Rule.REQUIRED)
            return None
        try:
            # Other forms of ISO 8601 are refused: one day has one spelling.
            found = date.fromisoformat(value) if len(value) == len("2026-11-30") else None
        except ValueError:
            found = None
        if found is None or not _FIRST_DAY <= found <= _LAST_DAY:
            self.add(path, Rule.DATE)
            return None
        return found

    def device_data(self, path: str, value: str) -> None:
        """The data collector's text. It is sent on unchanged and never stored."""
        if len(value) > MAX_DEVICE_DATA or has_unprintable(value):
            self.add(path, Rule.DEVICE_DATA, MAX_DEVICE_DATA)

    def secret_text(self, path: str, value: str) -> str:
        """A nonce or similar: printable ASCII, so that it can be sent on unchanged."""
        self.text(path, value, required=True)
        if not value.isascii():
            self.add(path, Rule.NO_CONTROL_CHARACTERS)
        return value

    def plain_text(self, path: str, value: str, *, maximum: int = MAX_TEXT, required: bool = False) -> str:
        """Text that is stored and shown; it must not look like it holds a card number either."""
        self.text(path, value, maximum=maximum, required=required)
        self.no_card(path, value)
        return value

    def no_card(self, path: str, value: str, *, is_phone: bool = False) -> None:
        if value and looks_like_card(value, is_phone=is_phone):
            self.add(path, Rule.NO_CARD_DATA)

    def identifier(self, path: str, value: str, *, required: bool = False) -> str:
        """An identifier that the caller chooses: no other may look the same."""
        self.plain_text(path, value, required=required)
        if value.strip() and not is_unambiguous(value):
            self.add(path, Rule.UNAMBIGUOUS)
        return value

    def phone(self, path: str, value: str) -> str:
        """A telephone number, with or without country code. Up to 13 digits, it does not count as a card number."""
        self.text(path, value)
        self.no_card(path, value, is_phone=True)
        return value

    def must_not_contain_card(self, card: RawCard, texts: Mapping[str, str]) -> None:
        """No text, given by its path, may hold the digits of the card in use, whatever stands between them."""
        for path, text in {**texts, "card.cardholder_name": card.cardholder_name}.items():
            if text and holds_digits(text, card.number):
                self.add(path, Rule.NO_CARD_DATA)

    def language(self, path: str, value: str) -> str:
        self.plain_text(path, value, maximum=MAX_LANGUAGE)
        if value and len(value) <= MAX_LANGUAGE and not _LANGUAGE.fullmatch(value):
            self.add(path, Rule.LANGUAGE)
        return value

    def email(self, path: str, value: str) -> str:
        self.plain_text(path, value)
        if value and not _EMAIL.fullmatch(value):
            self.add(path, Rule.EMAIL)
        return value

    def money(
        self, path: str, raw: RawMoney | None, accepted: Collection[str], *, may_be_zero: bool = False
    ) -> Money | None:
        """An amount to charge or refund, in a currency that has a merchant account."""
        if raw is None:
            self.add(path, Rule.REQUIRED)
            return None
        code = raw.currency_code
        currency_path, amount_path = f"{path}.currency_code", f"{path}.minor_units"
        good_currency = code in EXPONENTS
        if not code:
            self.add(currency_path, Rule.REQUIRED)
        elif not good_currency:
            self.add(currency_path, Rule.CURRENCY)
        elif code not in accepted:
            self.add(currency_path, Rule.CURRENCY_ACCEPTED, ", ".join(sorted(accepted)))
        if raw.minor_units < (0 if may_be_zero else 1):
            self.add(amount_path, *((Rule.NOT_BELOW, 0) if may_be_zero else (Rule.POSITIVE,)))
            return None
        if not good_currency:
            return None
        amount, largest = Money(raw.minor_units, code), largest_amount(code)
        if amount > largest:
            self.add(amount_path, Rule.AT_MOST, f"{largest.minor_units} ({code} {Decimal(largest.to_decimal()):,})")
            return None
        return amount

    def expiry(self, path: str, month: int, year: int, today: date) -> CardExpiry | None:
        good_month = 1 <= month <= 12
        if not good_month:
            self.add(f"{path}expiration_month", Rule.MONTH)
        if not 1000 <= year <= 9999 or year > today.year + MAX_EXPIRY_YEARS:
            self.add(f"{path}expiration_year", Rule.YEAR, today.year + MAX_EXPIRY_YEARS)
            return None
        if not good_month:
            return None
        expiry = CardExpiry(year, month)
        if expiry.is_past(today):
            self.add(f"{path}expiration_year", Rule.NOT_PAST)
            return None
        return expiry

    def card(self, path: str, raw: RawCard, today: date, *, accepts: bool) -> Card | None:
        """Checks nothing of the card where cards are not accepted."""
        if not accepts:
            self.add(path, Rule.NO_CARDS)
            return None
        number = bare_number(raw.number)
        number_path = f"{path}.number"
        if not number:
            self.add(number_path, Rule.REQUIRED)
        elif not (number.isascii() and number.isdigit()) or not MIN_CARD_DIGITS <= len(number) <= MAX_CARD_DIGITS:
            self.add(number_path, Rule.CARD_NUMBER_LENGTH)
        elif not passes_luhn(number):
            self.add(number_path, Rule.CARD_NUMBER)
        expiry = self.expiry(f"{path}.", raw.expiration_month, raw.expiration_year, today)
        cvv_length = 4 if number[:2] in ("34", "37") else 3
        if raw.cvv and not (raw.cvv.isascii() and raw.cvv.isdigit() and len(raw.cvv) == cvv_length):
            self.add(f"{path}.cvv", Rule.CVV, cvv_length)
        name = self.plain_text(f"{path}.cardholder_name", raw.cardholder_name, maximum=MAX_CARDHOLDER_NAME)
        return Card(number, expiry, raw.cvv, name) if expiry else None

    def address(self, path: str, address: Address) -> Address:
        if address == _NO_ADDRESS:
            return address
        for name in (
            "given_name",
            "family_name",
            "company",
            "street_address",
            "extended_address",
            "locality",
            "region",
        ):
            self.plain_text(f"{path}.{name}", getattr(address, name))
        self.postal_code(f"{path}.postal_code", address.postal_code)
        if address.phone:
            self.phone(f"{path}.phone", address.phone)
            if not _ADDRESS_PHONE.fullmatch(address.phone):
                self.add(f"{path}.phone", Rule.ADDRESS_PHONE)
        if address.country_code and address.country_code not in COUNTRY_CODES:
            self.add(f"{path}.country_code", Rule.COUNTRY)
        return address

    def postal_code(self, path: str, code: str) -> None:
        self.text(path, code)
        if code and not _POSTAL_CODE.fullmatch(code):
            self.add(path, Rule.POSTAL_CODE)

    def descriptor(self, path: str, descriptor: StatementDescriptor) -> StatementDescriptor:
        if descriptor == _NO_DESCRIPTOR:
            return descriptor
        name, phone, url = descriptor.name, descriptor.phone, descriptor.url
        for part in StatementDescriptor.__slots__:
            self.no_card(f"{path}.{part}", getattr(descriptor, part))
        if name and not _DESCRIPTOR_NAME.fullmatch(name):
            self.add(f"{path}.name", Rule.DESCRIPTOR_NAME)
        if phone and not (_DESCRIPTOR_PHONE.fullmatch(phone) and sum(map(str.isdigit, phone)) == 10):
            self.add(f"{path}.phone", Rule.DESCRIPTOR_PHONE)
        if url and not _DESCRIPTOR_URL.fullmatch(url):
            self.add(f"{path}.url", Rule.DESCRIPTOR_URL)
        return descriptor

    def metadata(self, path: str, metadata: Mapping[str, str]) -> dict[str, str]:
        if len(metadata) > MAX_METADATA_ENTRIES:
            self.add(path, Rule.MAX_ENTRIES, MAX_METADATA_ENTRIES)
            return {}
        for key, value in metadata.items():
            entry = metadata_path(path, key)
            self.plain_text(f"{entry}.key", key, maximum=MAX_METADATA_KEY, required=True)
            self.plain_text(entry, value, maximum=MAX_METADATA_VALUE)
        return dict(metadata)


def has_unprintable(text: str) -> bool:
    """Whether it has a control character, a line break, or a character that cannot be sent to the gateway."""
    return _UNPRINTABLE.search(text) is not None


def largest_amount(currency_code: str) -> Money:
    """The largest amount of a currency that the gateway accepts in one request."""
    return Money(10 ** (MAX_WHOLE_DIGITS + EXPONENTS[currency_code]) - 1, currency_code)


def metadata_path(path: str, key: str) -> str:
    """The path of a metadata entry. A key is the caller's own text: only a harmless one is repeated."""
    harmless = re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", key) and sum(map(str.isdigit, key)) < MIN_CARD_DIGITS
    return f"{path}[{key if harmless else '?'}]"


def address_texts(path: str, address: Address) -> dict[str, str]:
    """The given parts of an address by path."""
    if address == _NO_ADDRESS:
        return {}
    return {f"{path}.{name}": getattr(address, name) for name in Address.__slots__}


def descriptor_texts(path: str, descriptor: StatementDescriptor) -> dict[str, str]:
    """The given parts of a descriptor by path."""
    if descriptor == _NO_DESCRIPTOR:
        return {}
    return {f"{path}.{name}": getattr(descriptor, name) for name in StatementDescriptor.__slots__}


def bare_number(number: str) -> str:
    """A card number without spaces and hyphens."""
    return re.sub(r"[ -]", "", number)
