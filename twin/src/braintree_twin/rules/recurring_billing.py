"""The fields that plans and subscriptions share: price, billing day, cycles, trial. Each with its error codes."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from braintree_twin.params import Params
from braintree_twin.rules.money import AmountRule, canonical
from braintree_twin.validation import Errors

PRICE = AmountRule("81904", negative="81904", too_large="81923")
PRICE_BLANK = "81903"
TRIAL_FORMAT, TRIAL_REQUIRED, TRIAL_UNIT = "81907", "81908", "81909"
DAY_NOT_NUMERIC, DAY_INVALID = "91913", "91914"
CYCLES_NOT_NUMERIC, CYCLES_NOT_POSITIVE, CYCLES_INCONSISTENT, CYCLES_BLANK = "91906", "91907", "91908", "91912"
DATE_INVALID = "91915"
UNITS = ("day", "month")
BILLING_DAYS = frozenset({*range(1, 29), 31})

_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_DURATION = re.compile(r"[0-9]{1,3}", re.ASCII)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ].*)?", re.ASCII)


def read_price(params: Params, currency: str, errors: Errors) -> str | None:
    """The price, or None if the request has none. A blank one is an error."""
    if "price" not in params:
        return None
    text = params.text("price")
    if text is None:
        errors.add("price", PRICE_BLANK)
        return None
    amount, fault = PRICE.check(text, currency)
    errors.add("price", fault)
    return canonical(amount or Decimal(0), currency)


def read_billing_day(params: Params, errors: Errors) -> int | None:
    text = params.text("billing_day_of_month")
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        errors.add("billing_day_of_month", DAY_NOT_NUMERIC)
        return None
    if int(text) not in BILLING_DAYS:
        errors.add("billing_day_of_month", DAY_INVALID)
        return None
    return int(text)


def read_cycles(params: Params, known: int | None, errors: Errors) -> int | None:
    """The number of billing cycles; None if it never expires. `known` applies if the request says nothing."""
    never_expires = params.flag("never_expires")
    text = params.text("number_of_billing_cycles")
    if text is None:
        says_number = "number_of_billing_cycles" in params and not never_expires
        if says_number or (params.has("never_expires") and not never_expires and known is None):
            errors.add("number_of_billing_cycles", CYCLES_BLANK)
        return None if never_expires else known
    if not _NUMBER.fullmatch(text):
        errors.add("number_of_billing_cycles", CYCLES_NOT_NUMERIC)
    elif int(text) <= 0:
        errors.add("number_of_billing_cycles", CYCLES_NOT_POSITIVE)
    elif never_expires:
        errors.add("base", CYCLES_INCONSISTENT)
    else:
        return int(text)
    return None


def read_trial(
    params: Params, known: tuple[bool, int | None, str | None], errors: Errors
) -> tuple[bool, int | None, str | None]:
    """Whether there is a trial, its duration and its unit. The request's fields replace `known`, the plan's."""
    trial, duration, unit = known
    trial = params.flag("trial_period", default=trial)
    if not trial:
        return False, None, None
    if "trial_duration" in params:
        text = params.text("trial_duration")
        errors.add("trial_duration", TRIAL_FORMAT if text and not _DURATION.fullmatch(text) else None)
        duration = int(text) if text and _DURATION.fullmatch(text) else None
        errors.add("trial_duration", TRIAL_REQUIRED if text is None else None)
    elif duration is None:
        errors.add("trial_duration", TRIAL_REQUIRED)
    if "trial_duration_unit" in params:
        unit = params.text("trial_duration_unit")
    errors.add("trial_duration_unit", TRIAL_UNIT if unit not in UNITS else None)
    return True, duration, unit


def read_day(params: Params, name: str, errors: Errors) -> date | None:
    """A date. The SDKs send some as moments, which count by their day."""
    text = params.text(name)
    if text is None:
        return None
    match = _DAY.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        errors.add(name, DATE_INVALID)
        return None
