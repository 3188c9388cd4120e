"""The table of Braintree's decline codes: what each means for the payer, and how a response is read with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final

from domain.decline import CATALOGUE, Decline, DeclineReason, Fixer, RetryAdvice
from domain.payment_method import CheckResult

_log = logging.getLogger(__name__)


class CodeKind(Enum):
    """Who refused, and at which step."""

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


# The table -----------------------------------------------------------------------------------------------------------

_R = DeclineReason
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_ANOTHER: Final = RetryAdvice.USE_ANOTHER_METHOD
_NEVER: Final = RetryAdvice.DO_NOT_RETRY
_CORRECT: Final = RetryAdvice.CORRECT_AND_RETRY
_AFTER_CUSTOMER: Final = RetryAdvice.AFTER_CUSTOMER_ACTION


def _code(
    code: str,
    name: str,
    reason: DeclineReason,
    fixer: Fixer | None = None,
    advice: RetryAdvice | None = None,
    after: timedelta | None = None,
) -> PublishedCode:
    """A table row. Omitted values are the reason's defaults; `after` means: retry, but not before."""
    usual = CATALOGUE[reason]
    chosen = advice or (RetryAdvice.RETRY_LATER if after else usual.retry_advice)
    wait = (after or usual.retry_after) if chosen is RetryAdvice.RETRY_LATER else None
    return PublishedCode(code, name, Decline(reason, fixer or usual.fixer, chosen, wait))


def _table(*rows: PublishedCode) -> Mapping[str, PublishedCode]:
    return MappingProxyType({row.code: row for row in rows})


_PROCESSOR: Final = _table(
    _code("2000", "Do Not Honor", _R.DECLINED),
    _code("2001", "Insufficient Funds", _R.INSUFFICIENT_FUNDS),
    _code("2002", "Limit Exceeded", _R.LIMIT_EXCEEDED),
    _code("2003", "Cardholder's Activity Limit Exceeded", _R.LIMIT_EXCEEDED),
    _code("2004", "Expired Card", _R.CARD_EXPIRED),
    _code("2005", "Invalid Credit Card Number", _R.INVALID_CARD),
    _code("2006", "Invalid Expiration Date", _R.CARD_EXPIRED),
    _code("2007", "No Account", _R.INVALID_CARD),
    _code("2008", "Card Account Length Error", _R.INVALID_CARD),
    # Mastercard forbids another attempt after 2009, 2012, 2019, 2022 with the same data, 2047 and 2053.
    _code("2009", "No Such Issuer", _R.INVALID_CARD, advice=_ANOTHER),
    _code("2010", "Card Issuer Declined CVV", _R.INCORRECT_CVV),
    _code("2011", "Voice Authorization Required", _R.CALL_ISSUER, advice=_ANOTHER),
    _code("2012", "Processor Declined - Possible Lost Card", _R.LOST_OR_STOLEN),
    _code("2013", "Processor Declined - Possible Stolen Card", _R.LOST_OR_STOLEN),
    _code("2014", "Processor Declined - Fraud Suspected", _R.SUSPECTED_FRAUD),
    _code("2015", "Transaction Not Allowed", _R.NOT_PERMITTED),
    _code("2016", "Duplicate Transaction", _R.DUPLICATE),
    _code("2017", "Cardholder Stopped Billing", _R.STOPPED_BY_CUSTOMER),
    _code("2018", "Cardholder Stopped All Billing", _R.STOPPED_BY_CUSTOMER),
    _code("2019", "Invalid Transaction", _R.NOT_PERMITTED),
    _code("2020", "Violation", _R.CALL_ISSUER),
    _code("2021", "Security Violation", _R.SUSPECTED_FRAUD),
    _code("2022", "Declined - Updated Cardholder Available", _R.CARD_EXPIRED),
    _code("2023", "Processor Does Not Support This Feature", _R.MERCHANT_SETUP),
    _code("2024", "Card Type Not Enabled", _R.METHOD_NOT_SUPPORTED),
    _code("2025", "Set Up Error - Merchant", _R.MERCHANT_SETUP, after=_HOUR),
    _code("2026", "Invalid Merchant ID", _R.MERCHANT_SETUP, advice=_ANOTHER),
    _code("2027", "Set Up Error - Amount", _R.INVALID_AMOUNT, Fixer.ISSUER, _ANOTHER),
    _code("2028", "Set Up Error - Hierarchy", _R.MERCHANT_SETUP),
    _code("2029", "Set Up Error - Card", _R.INVALID_CARD, advice=_ANOTHER),
    _code("2030", "Set Up Error - Terminal", _R.MERCHANT_SETUP),
    _code("2031", "Encryption Error", _R.MERCHANT_SETUP),
    _code("2032", "Surcharge Not Permitted", _R.MERCHANT_SETUP, advice=_ANOTHER),
    _code("2033", "Inconsistent Data", _R.INVALID_DATA, Fixer.ISSUER, _ANOTHER),
    _code("2034", "No Action Taken", _R.NETWORK_UNAVAILABLE),
    _code("2035", "Partial Approval For Amount In Group III Version", _R.INSUFFICIENT_FUNDS),
    _code("2036", "Authorization could not be found", _R.INVALID_DATA, advice=_NEVER),
    _code("2037", "Already Reversed", _R.DUPLICATE),
    _code("2038", "Processor Declined", _R.DECLINED),
    _code("2039", "Invalid Authorization Code", _R.DECLINED),
    _code("2040", "Invalid Store", _R.MERCHANT_SETUP, after=_HOUR),
    _code("2041", "Declined - Call For Approval", _R.CALL_ISSUER),
    _code("2042", "Invalid Client ID", _R.MERCHANT_SETUP, after=_HOUR),
    _code("2043", "Error - Do Not Retry, Call Issuer", _R.CALL_ISSUER, advice=_NEVER),
    _code("2044", "Declined - Call Issuer", _R.CALL_ISSUER),
    _code("2045", "Invalid Merchant Number", _R.MERCHANT_SETUP),
    _code("2046", "Declined", _R.DECLINED),
    _code("2047", "Call Issuer. Pick Up Card", _R.LOST_OR_STOLEN),
    _code("2048", "Invalid Amount", _R.INVALID_AMOUNT),
    _code("2049", "Invalid SKU Number", _R.INVALID_DATA),
    _code("2050", "Invalid Credit Plan", _R.NOT_PERMITTED),
    _code("2051", "Credit Card Number does not match method of payment", _R.INVALID_CARD),
    _code("2052", "Invalid level III Purchase", _R.INVALID_DATA),
    _code("2053", "Card reported as lost or stolen", _R.LOST_OR_STOLEN),
    _code("2054", "Reversal amount does not match authorization amount", _R.REFUND_REFUSED),
    _code("2055", "Invalid Transaction Division Number", _R.MERCHANT_SETUP),
    _code("2056", "Transaction amount exceeds the transaction division limit", _R.INVALID_AMOUNT),
    _code("2057", "Issuer or Cardholder has put a restriction on the card", _R.CALL_ISSUER),
    _code("2058", "Merchant not Mastercard SecureCode enabled", _R.MERCHANT_SETUP, advice=_ANOTHER),
    _code("2059", "Address Verification Failed", _R.INCORRECT_ADDRESS),
    _code("2060", "Address Verification and Card Security Code Failed", _R.INCORRECT_ADDRESS),
    _code("2061", "Invalid Transaction Data", _R.INVALID_DATA, Fixer.ISSUER, _ANOTHER),
    _code("2062", "Invalid Tax Amount", _R.INVALID_DATA),
    _code("2063", "PayPal Business Account preference resulted in the transaction failing", _R.MERCHANT_SETUP),
    _code("2064", "Invalid Currency Code", _R.MERCHANT_SETUP),
    _code("2065", "Refund Time Limit Exceeded", _R.REFUND_REFUSED),
    _code("2066", "PayPal Business Account Restricted", _R.MERCHANT_SETUP),
    _code("2067", "Authorization Expired", _R.DECLINED, Fixer.MERCHANT),
    _code("2068", "PayPal Business Account Locked or Closed", _R.MERCHANT_SETUP),
    _code("2069", "PayPal Blocking Duplicate Order IDs", _R.DUPLICATE),
    _code("2070", "PayPal Buyer Revoked Pre-Approved Payment Authorization", _R.STOPPED_BY_CUSTOMER),
    _code("2071", "PayPal Payee Account Invalid Or Does Not Have a Confirmed Email", _R.WALLET_ACCOUNT),
    _code("2072", "PayPal Payee Email Incorrectly Formatted", _R.WALLET_ACCOUNT),
    _code("2073", "PayPal Validation Error", _R.INVALID_DATA),
    _code("2074", "Funding Instrument In The PayPal Account Was Declined", _R.WALLET_ACCOUNT),
    _code("2075", "Payer Account Is Locked Or Closed", _R.WALLET_ACCOUNT),
    _code("2076", "Payer Cannot Pay For This Transaction With PayPal", _R.WALLET_ACCOUNT, advice=_ANOTHER),
    _code("2077", "Transaction Refused Due To PayPal Risk Model", _R.SUSPECTED_FRAUD),
    _code("2078", "Invalid Secure Payment Data", _R.INVALID_DATA),
    _code("2079", "PayPal Merchant Account Configuration Error", _R.MERCHANT_SETUP),
    _code("2080", "Invalid user credentials", _R.AUTHENTICATION_REQUIRED),
    _code("2081", "PayPal pending payments are not supported", _R.MERCHANT_SETUP),
    _code("2082", "PayPal Domestic Transaction Required", _R.NOT_PERMITTED, Fixer.CUSTOMER),
    _code("2083", "PayPal Phone Number Required", _R.WALLET_ACCOUNT),
    _code("2084", "PayPal Tax Info Required", _R.WALLET_ACCOUNT),
    _code("2085", "PayPal Payee Blocked Transaction", _R.SUSPECTED_FRAUD, Fixer.MERCHANT),
    _code("2086", "PayPal Transaction Limit Exceeded", _R.LIMIT_EXCEEDED, advice=_AFTER_CUSTOMER),
    _code("2087", "PayPal reference transactions not enabled for your account", _R.MERCHANT_SETUP),
    _code("2088", "Currency not enabled for your PayPal seller account", _R.MERCHANT_SETUP),
    _code("2089", "PayPal payee email permission denied for this request", _R.MERCHANT_SETUP),
    _code("2090", "PayPal or Venmo account not configured to refund more than settled amount", _R.REFUND_REFUSED),
    _code("2091", "Currency of this transaction must match currency of your PayPal account", _R.MERCHANT_SETUP),
    _code("2092", "No Data Found - Try Another Verification Method", _R.DECLINED),
    _code("2093", "PayPal payment method is invalid", _R.WALLET_ACCOUNT, advice=_ANOTHER),
    _code("2094", "PayPal payment has already been completed", _R.DUPLICATE),
    _code("2095", "PayPal refund is not allowed after partial refund", _R.REFUND_REFUSED),
    _code("2096", "PayPal buyer account can't be the same as the seller account", _R.WALLET_ACCOUNT, advice=_ANOTHER),
    _code("2097", "PayPal authorization amount limit exceeded", _R.INVALID_AMOUNT),
    _code("2098", "PayPal authorization count limit exceeded", _R.LIMIT_EXCEEDED, Fixer.MERCHANT, _ANOTHER),
    _code("2099", "Cardholder Authentication Required", _R.AUTHENTICATION_REQUIRED),
    _code("2100", "PayPal channel initiated billing not enabled for your account", _R.MERCHANT_SETUP),
    _code("2101", "Additional authorization required", _R.AUTHENTICATION_REQUIRED),
    _code("2102", "Incorrect PIN", _R.AUTHENTICATION_REQUIRED, advice=_CORRECT),
    _code("2103", "PIN try exceeded", _R.TOO_MANY_ATTEMPTS),
    _code("2104", "Offline Issuer Declined", _R.CALL_ISSUER),
    _code("2105", "Cannot Authorize at this time (Life cycle)", _R.DECLINED, after=_DAY),
    _code("2106", "Cannot Authorize at this time (Policy)", _R.DECLINED, after=_DAY),
    _code("2107", "Card Not Activated", _R.CALL_ISSUER, Fixer.CUSTOMER),
    _code("2108", "Closed Card", _R.ACCOUNT_CLOSED),
    _code("2109-2999", "Processor Declined", _R.DECLINED, after=_DAY),
    _code("3000", "Processor Network Unavailable - Try Again", _R.NETWORK_UNAVAILABLE),
)

# 4000 is settled, 4002 pending.
_SETTLEMENT: Final = _table(
    _code("4001", "Settlement Declined", _R.SETTLEMENT_DECLINED),
    _code("4003", "Already Captured", _R.DUPLICATE),
    _code("4004", "Already Refunded", _R.REFUND_REFUSED),
    _code("4005", "PayPal Risk Rejected", _R.SUSPECTED_FRAUD),
    _code("4006", "Capture Amount Exceeded Allowable Limit", _R.INVALID_AMOUNT),
    _code("4018", "PayPal Pending Payments Not Supported", _R.MERCHANT_SETUP),
    _code("4019", "PayPal Refund Transaction with an Open Case Not Allowed", _R.REFUND_REFUSED),
    _code("4020", "PayPal Refund Attempt Limit Reached", _R.REFUND_REFUSED),
    _code("4021", "PayPal Refund Transaction Not Allowed", _R.REFUND_REFUSED),
    _code("4022", "PayPal Refund Invalid Partial Amount", _R.REFUND_REFUSED, advice=_CORRECT),
    _code("4023", "PayPal Refund Merchant Account Missing ACH", _R.REFUND_REFUSED),
    _code("4024", "Refund Time Limit Exceeded", _R.REFUND_REFUSED),
    _code("4025", "Payer Account Is Locked Or Closed", _R.WALLET_ACCOUNT),
    _code("4026", "PayPal or Venmo account not configured to refund more than settled amount", _R.REFUND_REFUSED),
)

_REJECTIONS: Final = _table(
    _code("application_incomplete", "The merchant's application is not complete", _R.MERCHANT_SETUP),
    _code("avs", "AVS rule", _R.INCORRECT_ADDRESS),
    _code("avs_and_cvv", "AVS and CVV rule", _R.INCORRECT_ADDRESS),
    _code("cvv", "CVV rule", _R.INCORRECT_CVV),
    _code("duplicate", "Duplicate checking", _R.DUPLICATE),
    _code("excessive_retry", "Excessive retry", _R.TOO_MANY_ATTEMPTS),
    _code("fraud", "Fraud tools", _R.SUSPECTED_FRAUD, Fixer.MERCHANT),
    _code("manual_transactions_disabled", "Manual transactions disabled", _R.MERCHANT_SETUP),
    _code("payment_method_blocked", "Payment method blocked", _R.SUSPECTED_FRAUD, Fixer.MERCHANT),
    _code("risk_threshold", "Risk threshold", _R.SUSPECTED_FRAUD, Fixer.MERCHANT),
    _code("three_d_secure", "3D Secure rule", _R.AUTHENTICATION_REQUIRED),
    _code("token_issuance", "Venmo could not issue a token", _R.WALLET_ACCOUNT, advice=_ANOTHER),
    _code("too_many_confirmation_attempts", "Too many confirmation attempts", _R.TOO_MANY_ATTEMPTS),
    _code("union_pay_enrollment_required", "UnionPay enrollment required", _R.AUTHENTICATION_REQUIRED),
)

# Codes about the card, nonce, wallet or amount, which the payer can cause. Any other code is about a record of this
# service, the merchant's account or the request, and no decline: see refusals.py.
_VALIDATION: Final = _table(
    _code("91564", "Nonce already used", _R.INVALID_DATA),
    _code("91565", "Nonce unknown or expired", _R.INVALID_DATA),
    _code("91566", "Nonce locked", _R.INVALID_DATA),
    _code("91731", "Nonce already used (card)", _R.INVALID_DATA),
    _code("91732", "Nonce unknown or expired (card)", _R.INVALID_DATA),
    _code("91733", "Nonce locked (card)", _R.INVALID_DATA),
    _code("92907", "Nonce already used (PayPal)", _R.INVALID_DATA),
    _code("92908", "Nonce unknown or expired (PayPal)", _R.INVALID_DATA),
    _code("92909", "Nonce locked (PayPal)", _R.INVALID_DATA),
    _code("93102", "Nonce is invalid", _R.INVALID_DATA),
    _code("93107", "Nonce already used (payment method)", _R.INVALID_DATA),
    _code("93108", "Nonce unknown or expired (payment method)", _R.INVALID_DATA),
    _code("93109", "Nonce locked (payment method)", _R.INVALID_DATA),
    _code("93504", "Nonce already used (Apple Pay)", _R.INVALID_DATA),
    _code("93505", "Nonce unknown or expired (Apple Pay)", _R.INVALID_DATA),
    _code("93506", "Nonce locked (Apple Pay)", _R.INVALID_DATA),
    _code("91617", "Nonce of a stored method of another customer", _R.INVALID_DATA),
    _code("81703", "Card type not accepted", _R.METHOD_NOT_SUPPORTED),
    _code("81509", "Card type of the customer's default method not accepted", _R.METHOD_NOT_SUPPORTED),
    _code("91517", "Card type of the stored method not accepted", _R.METHOD_NOT_SUPPORTED),
    _code("91567", "Card type of the nonce not accepted", _R.METHOD_NOT_SUPPORTED),
    _code("91569", "Nonce has no valid payment instrument type", _R.METHOD_NOT_SUPPORTED),
    _code("91576", "PayPal not enabled", _R.METHOD_NOT_SUPPORTED),
    _code("91577", "Instrument not supported by the merchant account", _R.METHOD_NOT_SUPPORTED),
    _code("91734", "Card type of the nonce not accepted (card)", _R.METHOD_NOT_SUPPORTED),
    _code("915101", "Payment instrument type not accepted", _R.METHOD_NOT_SUPPORTED),
    _code("82902", "One-time PayPal account cannot be stored", _R.METHOD_NOT_SUPPORTED),
    _code("82904", "PayPal accounts not accepted", _R.METHOD_NOT_SUPPORTED),
    _code("83501", "Apple Pay cards not accepted", _R.METHOD_NOT_SUPPORTED),
    _code("83518", "Card type of the Apple Pay nonce not accepted", _R.METHOD_NOT_SUPPORTED),
    _code("83708", "Google Pay cards not accepted", _R.METHOD_NOT_SUPPORTED),
    _code("93117", "Payment method no longer supported", _R.METHOD_NOT_SUPPORTED),
    _code("81714", "Card number is required", _R.INVALID_CARD),
    _code("81715", "Card number is invalid", _R.INVALID_CARD),
    _code("81716", "Card number has an invalid length", _R.INVALID_CARD),
    _code("81717", "Card number is no test number", _R.INVALID_CARD, Fixer.MERCHANT),
    _code("81750", "Card number is prohibited", _R.INVALID_CARD, advice=_ANOTHER),
    _code("81709", "Expiration date is required", _R.CARD_EXPIRED),
    _code("81710", "Expiration date is invalid", _R.CARD_EXPIRED),
    _code("81711", "Expiration date year is invalid", _R.CARD_EXPIRED),
    _code("81712", "Expiration month is invalid", _R.CARD_EXPIRED),
    _code("81713", "Expiration year is invalid", _R.CARD_EXPIRED),
    _code("81706", "CVV is required", _R.INCORRECT_CVV),
    _code("81707", "CVV is invalid", _R.INCORRECT_CVV),
    _code("81736", "CVV verification failed", _R.INCORRECT_CVV),
    _code("81737", "Postal code verification failed", _R.INCORRECT_ADDRESS),
    _code("81723", "Cardholder name is too long", _R.INVALID_DATA),
    _code("91516", "Stored method belongs to another customer", _R.METHOD_REMOVED),
    _code("91518", "Stored method unknown", _R.METHOD_REMOVED),
    _code("81724", "Card is stored already", _R.DUPLICATE),
    _code("81763", "Card is stored already for the customer", _R.DUPLICATE),
    _code("81501", "Amount cannot be negative", _R.INVALID_AMOUNT),
    _code("81503", "Amount format is invalid", _R.INVALID_AMOUNT),
    _code("81528", "Amount is too large", _R.INVALID_AMOUNT),
    _code("81531", "Amount must be greater than zero", _R.INVALID_AMOUNT),
    _code("815193", "Amount not supported by processor", _R.INVALID_AMOUNT),
    _code("81571", "3D Secure authentication failed", _R.AUTHENTICATION_REQUIRED),
    _code("91568", "3D Secure token is invalid", _R.AUTHENTICATION_REQUIRED),
    _code("91570", "3D Secure data do not match the verification", _R.AUTHENTICATION_REQUIRED),
    _code("91585", "Amount does not match the 3D Secure amount", _R.AUTHENTICATION_REQUIRED),
    _code("91579", "PayPal authorization expired", _R.WALLET_ACCOUNT),
    _code("91583", "PayPal vault record lacks data", _R.WALLET_ACCOUNT),
    _code("92911", "PayPal access expired", _R.WALLET_ACCOUNT),
    _code("915200", "Refund declined by the processor, hard", _R.REFUND_REFUSED),
    _code("915201", "Refund declined by the processor, soft", _R.REFUND_REFUSED, Fixer.ISSUER, after=_DAY),
)

PUBLISHED: Final[Mapping[CodeKind, Mapping[str, PublishedCode]]] = MappingProxyType(
    {
        CodeKind.PROCESSOR: _PROCESSOR,
        CodeKind.SETTLEMENT: _SETTLEMENT,
        CodeKind.REJECTION: _REJECTIONS,
        CodeKind.VALIDATION: _VALIDATION,
    }
)

# Codes that allow a retry, if the answer itself does not say. The other 2xxx do not.
_SOFT_CODES: Final = """
2000 2001 2002 2003 2016 2025 2026 2034 2035 2038 2040 2042 2046 2048 2057 2062 2078 2080 2092 2099
2101 2102 2103 2104 2105 2106 2109-2999 3000
"""
_SOFT: Final = frozenset(_SOFT_CODES.split())

# Mastercard's merchant advice codes, from the issuer. No advice: also sent with approvals, or without an instruction.
ADVICE: Final[Mapping[str, tuple[str, RetryAdvice | None, timedelta | None]]] = MappingProxyType(
    {
        "01": ("New account information available", _CORRECT, None),
        "02": ("Cannot approve at this time, try again later", RetryAdvice.RETRY_LATER, timedelta(hours=72)),
        "03": ("Do not try again", _NEVER, None),
        "04": ("Token not supported", _ANOTHER, None),
        "21": ("Stop recurring payment", _NEVER, None),
        "24": ("Retry after 1 hour", RetryAdvice.RETRY_LATER, _HOUR),
        "25": ("Retry after 24 hours", RetryAdvice.RETRY_LATER, _DAY),
        "26": ("Retry after 2 days", RetryAdvice.RETRY_LATER, 2 * _DAY),
        "27": ("Retry after 4 days", RetryAdvice.RETRY_LATER, 4 * _DAY),
        "28": ("Retry after 6 days", RetryAdvice.RETRY_LATER, 6 * _DAY),
        "29": ("Retry after 8 days", RetryAdvice.RETRY_LATER, 8 * _DAY),
        "30": ("Retry after 10 days", RetryAdvice.RETRY_LATER, 10 * _DAY),
        "40": ("Consumer non-reloadable prepaid card", _ANOTHER, None),
        "41": ("Consumer single-use virtual card number", _ANOTHER, None),
        "43": ("Consumer multi-use virtual card number", None, None),
    }
)

# AVS and CVV results.
CHECKS: Final[Mapping[str, tuple[str, CheckResult | None]]] = MappingProxyType(
    {
        "M": ("Matches", CheckResult.MATCHES),
        "N": ("Does not match", CheckResult.DOES_NOT_MATCH),
        "U": ("Not verified", CheckResult.NOT_VERIFIED),
        "I": ("Not provided", CheckResult.NOT_PROVIDED),
        "S": ("Issuer does not take part", CheckResult.NOT_SUPPORTED),
        "E": ("System error", CheckResult.NOT_VERIFIED),
        "B": ("Bypassed", CheckResult.NOT_VERIFIED),
        "A": ("Not applicable", None),
    }
)


# Reading an answer with it -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorAnswer:
    """The bank's answer, as Braintree passes it on. Empty means not given."""

    code: str
    response_type: str = ""
    merchant_advice_code: str = ""
    is_refund: bool = False


def processor_decline(answer: ProcessorAnswer) -> Decline:
    """The issuer's own advice takes precedence over Braintree's class of the answer, and that over the table."""
    published = _published(_PROCESSOR, answer.code)
    is_soft = _is_soft(answer)
    decline = published.decline if published else _generic(is_soft=is_soft)
    if published is None or published.code != answer.code:
        _unknown.report(CodeKind.PROCESSOR, answer.code)
    if answer.is_refund and decline.reason is not _R.NETWORK_UNAVAILABLE:
        decline = _refused_refund(is_soft=is_soft)
    if answer.merchant_advice_code:
        return _advised(decline, answer.merchant_advice_code)
    return _in_class(decline, is_soft=is_soft) if answer.response_type else decline


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

    def report(self, family: CodeKind, code: str) -> None:
        with self._lock:
            if (family, code) in self._seen:
                return
            self._seen.add((family, code))
        _log.warning("unknown decline code %s (%s), answered as a generic decline", code[:40] or "none", family.name)


_unknown: Final = _UnknownCodes()


def _published(table: Mapping[str, PublishedCode], code: str) -> PublishedCode | None:
    in_range = code.isdecimal() and 2109 <= int(code) <= 2999
    return table.get("2109-2999" if in_range else code)


def _is_soft(answer: ProcessorAnswer) -> bool:
    if answer.response_type:
        return answer.response_type == "soft_declined"
    published = _published(_PROCESSOR, answer.code)
    return published is not None and published.code in _SOFT


def _generic(*, is_soft: bool) -> Decline:
    usual = CATALOGUE[_R.DECLINED]
    return Decline(usual.reason, usual.fixer, RetryAdvice.RETRY_LATER, _DAY) if is_soft else usual


def _refused_refund(*, is_soft: bool) -> Decline:
    """A code about a card as a source of money means little for a refund to it."""
    usual = CATALOGUE[_R.REFUND_REFUSED]
    return Decline(usual.reason, usual.fixer, RetryAdvice.RETRY_LATER, _DAY) if is_soft else usual


def _advised(decline: Decline, merchant_advice_code: str) -> Decline:
    # An unknown advice counts as the strictest one: attempts against it cost a fee.
    _, advice, wait = ADVICE.get(merchant_advice_code, ("", _NEVER, None))
    return decline if advice is None else replace(decline, retry_advice=advice, retry_after=wait)


_FINAL: Final = frozenset({_R.LOST_OR_STOLEN, _R.SUSPECTED_FRAUD, _R.DUPLICATE})


def _in_class(decline: Decline, *, is_soft: bool) -> Decline:
    """Where the answer's own class contradicts the table, the class is right."""
    if not is_soft and decline.retry_advice is RetryAdvice.RETRY_LATER:
        return replace(decline, retry_advice=_ANOTHER, retry_after=None)
    if is_soft and decline.retry_advice is _NEVER and decline.reason not in _FINAL:
        return replace(decline, retry_advice=RetryAdvice.RETRY_LATER, retry_after=_DAY)
    return decline
