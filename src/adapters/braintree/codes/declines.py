"""Braintree's decline codes (declines.toml): the meaning of each for the payer, and how a response is read with it."""

import logging
import threading
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from domain.decline import CATALOGUE, Decline, DeclineReason, Fixer, RetryAdvice
from domain.payment_method import CheckResult

_log = logging.getLogger(__name__)


class CodeKind(Enum):
    """The party that refused, and the step."""

    PROCESSOR = "Processor, when authorizing"
    SETTLEMENT = "Processor, when settling"
    REJECTION = "Gateway, by the merchant's own rules"
    VALIDATION = "Gateway, because of what was sent"


@dataclass(frozen=True, slots=True)
class PublishedCode:
    """A code, Braintree's name for it, and its meaning here."""

    code: str
    name: str
    decline: Decline


_R = DeclineReason
_DAY: Final = timedelta(days=1)
_TABLE: Final = tomllib.loads(resources.files("adapters.braintree.codes").joinpath("declines.toml").read_text("utf-8"))


def _rows(kind: CodeKind) -> Mapping[str, PublishedCode]:
    """The codes of a section of declines.toml. Omitted values are the reason's defaults."""
    rows = {}
    for code, row in _TABLE[kind.name.lower()].items():
        usual = CATALOGUE[DeclineReason(row["reason"])]
        later = RetryAdvice.RETRY_LATER if "after_hours" in row else usual.retry_advice
        advice = RetryAdvice(row["advice"]) if "advice" in row else later
        wait = _wait(row) or usual.retry_after if advice is RetryAdvice.RETRY_LATER else None
        fixer = Fixer(row["fixer"]) if "fixer" in row else usual.fixer
        rows[code] = PublishedCode(code, row["name"], Decline(usual.reason, fixer, advice, wait))
    return MappingProxyType(rows)


def _wait(row: Mapping[str, Any]) -> timedelta | None:
    return timedelta(hours=row["after_hours"]) if "after_hours" in row else None


PUBLISHED: Final = MappingProxyType({kind: _rows(kind) for kind in CodeKind})
_PROCESSOR: Final = PUBLISHED[CodeKind.PROCESSOR]
_SETTLEMENT: Final = PUBLISHED[CodeKind.SETTLEMENT]
_REJECTIONS: Final = PUBLISHED[CodeKind.REJECTION]
_VALIDATION: Final = PUBLISHED[CodeKind.VALIDATION]

# Codes that allow a retry, if the answer itself does not say. The other 2xxx do not.
_SOFT_CODES: Final = """
2000 2001 2002 2003 2016 2025 2026 2034 2035 2038 2040 2042 2046 2048 2057 2062 2078 2080 2092 2099
2101 2102 2103 2104 2105 2106 2109-2999 3000
"""
_SOFT: Final = frozenset(_SOFT_CODES.split())

# The issuer's advice by merchant advice code: its name, the advice if it is one, and the wait.
ADVICE: Final = MappingProxyType(
    {
        code: (str(row["name"]), RetryAdvice(row["advice"]) if "advice" in row else None, _wait(row))
        for code, row in _TABLE["merchant_advice"].items()
    }
)

# AVS and CVV results.
CHECKS: Final = MappingProxyType(
    {
        code: (str(row["name"]), CheckResult(row["result"]) if "result" in row else None)
        for code, row in _TABLE["check_results"].items()
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorAnswer:
    """The bank's answer, as Braintree passes it on. Empty means not given."""

    code: str
    response_type: str = ""
    merchant_advice_code: str = ""
    is_refund: bool = False


def processor_decline(answer: ProcessorAnswer) -> Decline:
    """The issuer's own advice takes precedence over Braintree's class of the answer, and that over the table.

    None of them makes a payment worth another try as it is, where its reason says that something has to change first.
    """
    published = _published(_PROCESSOR, answer.code)
    is_soft = _is_soft(answer)
    decline = published.decline if published else _usual(_R.DECLINED, is_soft=is_soft)
    if published is None or published.code != answer.code:
        _unknown.report(CodeKind.PROCESSOR, answer.code)
    if answer.is_refund and decline.reason is not _R.NETWORK_UNAVAILABLE:
        # A code about a card as a source of money means little for a refund to it.
        decline = _usual(_R.REFUND_REFUSED, is_soft=is_soft)
    if answer.merchant_advice_code:
        return _advised(decline, answer.merchant_advice_code)
    decline = _in_class(decline, is_soft=is_soft) if answer.response_type else decline
    return replace(decline, is_cured_by_time=True) if is_soft and decline.reason in _CURED_BY_TIME else decline


def settlement_decline(code: str, *, is_refund: bool = False) -> Decline:
    published = _SETTLEMENT.get(code)
    if code and published is None:
        _unknown.report(CodeKind.SETTLEMENT, code)
    if is_refund:
        if published and published.decline.reason is _R.REFUND_REFUSED:
            return published.decline
        return CATALOGUE[_R.REFUND_REFUSED]
    return published.decline if published else CATALOGUE[_R.SETTLEMENT_DECLINED]


def rejection_decline(reason: str) -> Decline:
    """The decline for a gateway rejection's reason."""
    published = _REJECTIONS.get(reason)
    if published is None:
        _unknown.report(CodeKind.REJECTION, reason)
        return replace(CATALOGUE[_R.DECLINED], fixer=Fixer.MERCHANT)
    return published.decline


def validation_decline(codes: Sequence[str]) -> tuple[str, Decline] | None:
    """The first code that refuses the payment method, and its meaning. None: there is no decline."""
    for code in codes:
        if code in _VALIDATION:
            return code, _VALIDATION[code].decline
    return None


def check_result(code: str | None) -> CheckResult | None:
    return CHECKS.get(code or "", ("", None))[1]


def codes_by_reason() -> Mapping[DeclineReason, Sequence[str]]:
    """Every published code by its reason here, in the order of the table."""
    codes: dict[DeclineReason, list[str]] = {reason: [] for reason in DeclineReason}
    for rows in PUBLISHED.values():
        for row in rows.values():
            codes[row.decline.reason].append(row.code)
    return codes


class _UnknownCodes:
    """Logs each unknown code once in the life of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[tuple[CodeKind, str]] = set()

    def report(self, kind: CodeKind, code: str) -> None:
        with self._lock:
            if (kind, code) in self._seen:
                return
            self._seen.add((kind, code))
        _log.warning("unknown decline code %s (%s), answered as a generic decline", code[:40] or "none", kind.name)


_unknown: Final = _UnknownCodes()


def _published(table: Mapping[str, PublishedCode], code: str) -> PublishedCode | None:
    in_range = code.isdecimal() and 2109 <= int(code) <= 2999
    return table.get("2109-2999" if in_range else code)


def _is_soft(answer: ProcessorAnswer) -> bool:
    if answer.response_type:
        return answer.response_type == "soft_declined"
    published = _published(_PROCESSOR, answer.code)
    return published is not None and published.code in _SOFT


def _usual(reason: DeclineReason, *, is_soft: bool) -> Decline:
    usual = CATALOGUE[reason]
    return replace(usual, retry_advice=RetryAdvice.RETRY_LATER, retry_after=_DAY) if is_soft else usual


# No time and no correction makes another try worth it.
_FINAL: Final = frozenset(
    {_R.LOST_OR_STOLEN, _R.SUSPECTED_FRAUD, _R.DUPLICATE, _R.STOPPED_BY_CUSTOMER, _R.ACCOUNT_CLOSED}
)
# The bank approves, or does not, by the state of the account on that day.
_CURED_BY_TIME: Final = frozenset(
    {_R.DECLINED, _R.INSUFFICIENT_FUNDS, _R.LIMIT_EXCEEDED, _R.TOO_MANY_ATTEMPTS, _R.NOT_PERMITTED}
)
_WAITS_FOR_THE_BANK: Final = _CURED_BY_TIME | {_R.NETWORK_UNAVAILABLE, _R.CALL_ISSUER, _R.REFUND_REFUSED}


def _advised(decline: Decline, merchant_advice_code: str) -> Decline:
    # An unknown advice counts as the strictest one: attempts against it cost a fee.
    _, advice, wait = ADVICE.get(merchant_advice_code, ("", RetryAdvice.DO_NOT_RETRY, None))
    if advice is None or not _is_heard(decline.reason, advice):
        return decline
    return replace(decline, retry_advice=advice, retry_after=wait)


def _is_heard(reason: DeclineReason, advice: RetryAdvice) -> bool:
    """Whether the issuer's advice fits the reason. To wait helps nobody whose card has expired."""
    if reason is _R.AUTHENTICATION_REQUIRED:
        # The authenticated payment is another one, and not what the advice is about.
        return False
    if advice is RetryAdvice.RETRY_LATER:
        return reason in _WAITS_FOR_THE_BANK
    return advice is not RetryAdvice.CORRECT_AND_RETRY or reason not in _FINAL


def _in_class(decline: Decline, *, is_soft: bool) -> Decline:
    """Where the answer's own class contradicts the table, the class is right."""
    if not is_soft and decline.retry_advice is RetryAdvice.RETRY_LATER:
        return replace(decline, retry_advice=RetryAdvice.USE_ANOTHER_METHOD, retry_after=None)
    if is_soft and decline.retry_advice is RetryAdvice.DO_NOT_RETRY and decline.reason not in _FINAL:
        return replace(decline, retry_advice=RetryAdvice.RETRY_LATER, retry_after=_DAY)
    return decline
