"""Reads a card from a request. Its number and security code are dropped at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.params import Params
from braintree_twin.rules import cards
from braintree_twin.rules.avs_cvv import cvv_response
from braintree_twin.rules.three_d_secure_outcomes import ENROLLMENTS
from braintree_twin.state.records import Card
from braintree_twin.validation import Errors

MAX_CARDHOLDER_NAME_LENGTH = 175
EARLIEST_YEAR, LATEST_YEAR = 1976, 2200

_DATE = re.compile(r"([0-9]{1,2})\s*/\s*([0-9]{2}|[0-9]{4})", re.ASCII)
_MONTH = re.compile(r"0?[1-9]|1[0-2]", re.ASCII)
_YEAR = re.compile(r"[0-9]{2}|[0-9]{4}", re.ASCII)
_SEPARATORS = re.compile(r"[ \-]")


@dataclass(frozen=True, slots=True)
class Expiration:
    month: str
    year: str


@dataclass(frozen=True, slots=True)
class CardDetails:
    """The card fields of a request; a part is None if it is absent or invalid."""

    card: Card | None
    expiration: Expiration | None
    cardholder_name: str | None
    # The CVV response; None if no security code was given.
    cvv: str | None


def make_card(call: Call, number: str, expiration: Expiration, cardholder_name: str | None = None) -> Card:
    """The card as it is stored."""
    bin_data, enrollment = cards.BIN_DATA.get(number, {}), ENROLLMENTS.get(number)
    return Card(
        bin=number[:6],
        last_4=number[-4:],
        bin_extended=number[:8],
        card_type=cards.brand_of(number).name,
        expiration_month=expiration.month,
        expiration_year=expiration.year,
        unique_number_identifier=call.ids.unique_number_identifier(call.merchant.id, number),
        cardholder_name=cardholder_name,
        bin_data=bin_data,
        behaviour=cards.TEST_NUMBERS.get(number, cards.VALID),
        scenario=enrollment.scenario if enrollment else None,
        three_d_secure_version=enrollment.version if enrollment else None,
    )


def read_card(call: Call, params: Params, errors: Errors, *, required: bool) -> CardDetails:
    """Read a whole card if `required`, otherwise the given parts of one."""
    number = _read_number(call, params, errors, required=required)
    expiration = read_expiration(params, errors, required=required)
    name = params.text("cardholder_name")
    if name and len(name) > MAX_CARDHOLDER_NAME_LENGTH:
        errors.add("cardholder_name", "81723")
    cvv = read_cvv(params, number, errors)
    card = make_card(call, number, expiration, name) if number and expiration else None
    return CardDetails(card, expiration, name, cvv)


def _read_number(call: Call, params: Params, errors: Errors, *, required: bool) -> str | None:
    given = params.text("number")
    if given is None:
        errors.add("number", "81714" if required else None)
        return None
    number = _SEPARATORS.sub("", given)
    fault = cards.number_error(number, test_numbers_only=call.merchant.test_numbers_only)
    errors.add("number", fault)
    return None if fault else number


def read_expiration(params: Params, errors: Errors, *, required: bool) -> Expiration | None:
    """Read `expiration_date`, or month and year, not both."""
    date, month, year = (params.text(f"expiration_{part}") for part in ("date", "month", "year"))
    if date and (month or year):
        errors.add("expiration_date", "91708")
        return None
    if date:
        return _split_date(date, errors)
    if month or year:
        return _join_parts(month, year, errors)
    errors.add("expiration_date", "81709" if required else None)
    return None


def _split_date(date: str, errors: Errors) -> Expiration | None:
    match = _DATE.fullmatch(date.strip())
    if not match or not _MONTH.fullmatch(match[1]):
        errors.add("expiration_date", "81710")
        return None
    year = _full_year(match[2])
    if year is None:
        errors.add("expiration_date", "81711")
        return None
    return Expiration(match[1].zfill(2), year)


def _join_parts(month: str | None, year: str | None, errors: Errors) -> Expiration | None:
    if month is None or not _MONTH.fullmatch(month):
        errors.add("expiration_month", "81712")
        month = None
    full_year = _full_year(year) if year and _YEAR.fullmatch(year) else None
    if full_year is None:
        errors.add("expiration_year", "81713")
    return Expiration(month.zfill(2), full_year) if month and full_year else None


def _full_year(text: str) -> str | None:
    year = int(text) + 2000 if len(text) == 2 else int(text)
    return str(year) if EARLIEST_YEAR <= year <= LATEST_YEAR else None


def read_cvv(params: Params, number: str | None, errors: Errors) -> str | None:
    """Read the security code, and return its CVV response. Its length depends on the brand, if the number is known."""
    cvv = params.text("cvv")
    if cvv is None:
        return None
    lengths = {cards.brand_of(number).cvv_length} if number else {3, 4}
    if not (cvv.isascii() and cvv.isdigit() and len(cvv) in lengths):
        errors.add("cvv", "81707")
        return None
    return cvv_response(cvv)


def is_expired(card: dict[str, Any], now: datetime) -> bool:
    """Whether the card has expired: it is valid to the end of its month."""
    return (int(card["expiration_year"]), int(card["expiration_month"])) < (now.year, now.month)
